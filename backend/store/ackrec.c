/* Alerts that have been taken. Store thread. */
#include "backend/store/ackrec.h"

#include <sqlite3.h>

#include "backend/store/db.h"
#include "backend/store/rec.h"

static const struct rec_col cols[] = {
    REC_COL(ack_rec, key, REC_TEXT),    REC_COL(ack_rec, who, REC_TEXT),
    REC_COL(ack_rec, level, REC_U8),    REC_COL(ack_rec, vms, REC_U32),
    REC_COL(ack_rec, time_ms, REC_I64),
};
const struct rec_type rec_ack = {
    .what = "acknowledgement",
    .cols = cols,
    .n_cols = sizeof cols / sizeof cols[0],
    .size = sizeof(struct ack_rec),
    .damaged = -1,
};

int ackrec_put(struct db *db, const struct ack_rec *a, struct err *e)
{
    return rec_run(db,
                   "INSERT OR REPLACE INTO acks (key, who, level, vms, time_ms)"
                   " VALUES (?1, ?2, ?3, ?4, ?5)",
                   &rec_ack, a, e);
}

int ackrec_drop(struct db *db, const char *key, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "DELETE FROM acks WHERE key = ?1", &s, e);

    if (r < 0)
        return r;
    db_bind_text(s, 1, key);
    r = db_step(db, s, e);
    db_reset(s);
    return r;
}

int ackrec_all(struct db *db, struct ack_rec **ret, size_t *ret_n, struct err *e)
{
    sqlite3_stmt *s;
    void *all = NULL;
    int r =
        db_prepare(db, "SELECT key, who, level, vms, time_ms FROM acks ORDER BY time_ms", &s, e);

    if (r == 0)
        r = rec_collect(db, s, &rec_ack, &all, ret_n, e);
    if (r == 0)
        *ret = all;
    return r;
}
