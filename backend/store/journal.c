/*
 * The journal. Store thread. It never grows past JOURNAL_MAX rows: what is added pushes out the
 * oldest in the same transaction.
 */
#include "backend/store/journal.h"

#include <errno.h>
#include <sqlite3.h>

#include "backend/store/db.h"
#include "backend/model/clock.h"
#include "backend/store/rec.h"

static const struct rec_col cols[] = {
    REC_COL(journal_rec, id, REC_U64),     REC_COL(journal_rec, time_ms, REC_I64),
    REC_COL(journal_rec, level, REC_U8),   REC_COL(journal_rec, object, REC_TEXT),
    REC_COL(journal_rec, what, REC_TEXT),  REC_COL(journal_rec, before, REC_TEXT),
    REC_COL(journal_rec, after, REC_TEXT), REC_COL(journal_rec, cause, REC_TEXT),
    REC_COL(journal_rec, who, REC_TEXT),   REC_COL(journal_rec, ticket, REC_U64),
};
const struct rec_type rec_journal = {
    .what = "journal entry",
    .cols = cols,
    .n_cols = sizeof cols / sizeof cols[0],
    .size = sizeof(struct journal_rec),
    .damaged = -1,
};

#define COLUMNS "id, time_ms, level, object, what, before, after, cause, who, ticket"

static int next_id(struct db *db, uint64_t *ret, struct err *e)
{
    return db_get_u64(db,
                      "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'),"
                      " 0) + 1 + ?1",
                      0, ret, e);
}

int journal_add(struct db *db, struct journal_rec *io, size_t n, struct err *e)
{
    uint64_t id = 0;
    int r = n ? next_id(db, &id, e) : 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        io[i].id = id++;
        if (!io[i].time_ms)
            io[i].time_ms = now_ms();
        r = rec_run(db,
                    "INSERT INTO journal (" COLUMNS ") VALUES"
                    " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    &rec_journal, &io[i], e);
    }
    if (r == 0 && id > JOURNAL_MAX)
        r = db_run_u64(db, "DELETE FROM journal WHERE id < ?1", id - JOURNAL_MAX, e);
    return r < 0 ? r : 0;
}

int journal_get(struct db *db, uint64_t id, struct journal_rec *ret, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "SELECT " COLUMNS " FROM journal WHERE id = ?1", &s, e);

    if (r < 0)
        return r;
    db_bind_u64(s, 1, id);
    r = rec_first(db, s, &rec_journal, ret, e);
    if (r == -ENOENT)
        return err_set(e, ERR_AREA_STORE, r, "entry %llu has left the journal, which keeps %d",
                       (unsigned long long)id, JOURNAL_MAX);
    return r;
}

int journal_tail(struct db *db, const char *object, size_t max, struct journal_rec **ret,
                 size_t *ret_n, struct err *e)
{
    sqlite3_stmt *s;
    void *all = NULL;
    int r = object ? db_prepare(db,
                                "SELECT " COLUMNS " FROM (SELECT * FROM journal WHERE object = ?2"
                                " ORDER BY id DESC LIMIT ?1) ORDER BY id",
                                &s, e)
                   : db_prepare(db,
                                "SELECT " COLUMNS " FROM (SELECT * FROM journal"
                                " ORDER BY id DESC LIMIT ?1) ORDER BY id",
                                &s, e);

    if (r < 0)
        return r;
    db_bind_u64(s, 1, max);
    if (object)
        db_bind_text(s, 2, object);
    r = rec_collect(db, s, &rec_journal, &all, ret_n, e);
    if (r == 0)
        *ret = all;
    return r;
}
