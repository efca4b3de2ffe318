/*
 * Transactions and statements of an open database. One thread (the store's). Words from outside are
 * only ever bound, never part of a statement's text.
 */
#include "backend/store/db_priv.h"

#include <errno.h>
#include <sys/stat.h>

static int refuse_write(const struct db *db, struct err *e)
{
    if (db->mode == DB_NEWER)
        return err_set(e, ERR_AREA_STORE, -EROFS,
                       "%s was made by a newer meshdeck (version %d, this one knows %d), so it is "
                       "only read: install the newer one",
                       db->path, db->version, db_migration_count);
    return err_set(e, ERR_AREA_STORE, -EROFS, "%s is open for reading only", db->path);
}

int db_begin(struct db *db, struct err *e)
{
    if (db->mode != DB_READ_WRITE)
        return refuse_write(db, e);
    struct stat st;
    if (db->ino && (lstat(db->path, &st) != 0 || st.st_ino != db->ino || st.st_dev != db->dev))
        return err_set(e, ERR_AREA_STORE, -ESTALE,
                       "%s was removed or replaced while it was open: "
                       "nothing is written to it any more; put it back, or start again",
                       db->path);
    int r = db_exec(db, "BEGIN IMMEDIATE", e);
    db->in_txn = r == 0;
    return r;
}

int db_end(struct db *db, int code, struct err *e)
{
    db->in_txn = false;
    if (code >= 0) {
        if (sqlite3_exec(db->sql, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
            return code;
        code = db_error(db, e, "nothing was kept");
    }
    /* some errors have rolled back by themselves; then this says so, which is fine */
    if (!sqlite3_get_autocommit(db->sql))
        (void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

int db_prepare(struct db *db, const char *sql, struct sqlite3_stmt **ret, struct err *e)
{
    sqlite3_stmt *s = NULL;

    for (size_t i = 0; i < db->n_kept; i++)
        if (db->kept[i].text_b == sql) {
            *ret = db->kept[i].stmt;
            return 0;
        }
    if (db->n_kept == DB_STATEMENTS_MAX)
        return err_set(e, ERR_AREA_STORE, -ENOMEM, "more than %d kinds of statement",
                       DB_STATEMENTS_MAX);
    if (sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
        return db_error(db, e, "database");
    db->kept[db->n_kept].text_b = sql;
    db->kept[db->n_kept++].stmt = s;
    *ret = s;
    return 0;
}

void db_bind_u64(struct sqlite3_stmt *s, int index, uint64_t value)
{
    (void)sqlite3_bind_int64(s, index, (sqlite3_int64)value); /* step reports a failed bind */
}

void db_bind_text(struct sqlite3_stmt *s, int index, const char *text)
{
    (void)sqlite3_bind_text(s, index, text, -1, SQLITE_TRANSIENT);
}

int db_step(struct db *db, struct sqlite3_stmt *s, struct err *e)
{
    switch (sqlite3_step(s)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return db_error(db, e, "database");
    }
}

void db_reset(struct sqlite3_stmt *s)
{
    (void)sqlite3_reset(s); /* repeats the step's error, which has been reported */
    (void)sqlite3_clear_bindings(s);
}

int db_run_u64(struct db *db, const char *sql, uint64_t value, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, sql, &s, e);

    if (r < 0)
        return r;
    db_bind_u64(s, 1, value);
    while ((r = db_step(db, s, e)) == 1)
        ;
    if (r == 0)
        r = sqlite3_changes(db->sql);
    db_reset(s);
    return r;
}

int db_get_u64(struct db *db, const char *sql, uint64_t value, uint64_t *ret, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, sql, &s, e);

    if (r < 0)
        return r;
    db_bind_u64(s, 1, value);
    r = db_step(db, s, e);
    if (r >= 0)
        *ret = r == 1 ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    db_reset(s);
    return r < 0 ? r : 0;
}
