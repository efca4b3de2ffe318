/* What slow probes of the host found. Store thread. */
#include "backend/store/proberec.h"

#include <errno.h>
#include <sqlite3.h>

#include "backend/store/db.h"
#include "backend/store/rec.h"

static const struct rec_col cols[] = {
    REC_COL(probe_rec, kind, REC_TEXT),    REC_COL(probe_rec, result, REC_TEXT),
    REC_COL(probe_rec, boot_id, REC_TEXT), REC_COL(probe_rec, why, REC_TEXT),
    REC_COL(probe_rec, time_ms, REC_I64),
};
const struct rec_type rec_probe = {
    .what = "probe",
    .cols = cols,
    .n_cols = sizeof cols / sizeof cols[0],
    .size = sizeof(struct probe_rec),
    .damaged = -1,
};

int proberec_put(struct db *db, const struct probe_rec *p, struct err *e)
{
    return rec_run(db,
                   "INSERT OR REPLACE INTO probes (kind, result, boot_id, why, time_ms)"
                   " VALUES (?1, ?2, ?3, ?4, ?5)",
                   &rec_probe, p, e);
}

int proberec_get(struct db *db, const char *kind, struct probe_rec *ret, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "SELECT kind, result, boot_id, why, time_ms FROM probes WHERE kind = ?1",
                       &s, e);

    if (r < 0)
        return r;
    db_bind_text(s, 1, kind);
    r = rec_first(db, s, &rec_probe, ret, e);
    if (r == -ENOENT)
        return err_set(e, ERR_AREA_STORE, r, "%s has not been probed", kind);
    return r;
}
