/*
 * SQLite, opened with suspicion: the file is checked before anything of it is believed, and a new
 * one takes its name only once it is complete. One thread (the store's) uses a db. It must never
 * remove or repair a damaged file, nor put words from outside into SQL.
 */
#include "backend/store/db_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/model/text.h"

enum {
    APPLICATION_ID = 0x6d736864, /* "mshd" in the file's header */
    BUSY_MS = 5000,
};
#define NEW_NAME DB_NAME ".new"

static int code_of(int sqlite_code, int system_errno)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_OK:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return DB_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return DB_BUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_TOOBIG:
        return -E2BIG;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EACCES ||
                       system_errno == EMFILE || system_errno == ENFILE
                   ? -system_errno
                   : -EIO;
    default:
        return -EIO;
    }
}

int db_error(struct db *db, struct err *e, const char *what)
{
    int sqlite_code = sqlite3_extended_errcode(db->sql);
    int code = code_of(sqlite_code, sqlite3_system_errno(db->sql));

    if (code == 0)
        code = -EIO;
    if (code == -ENOSPC)
        return err_set(e, ERR_AREA_STORE, code,
                       "%s: the disk is full: make room below %s; it is "
                       "tried again by itself",
                       what, db->path);
    if (code == DB_CORRUPT)
        return err_set(e, ERR_AREA_STORE, code, "%s is damaged: %s", db->path,
                       sqlite3_errmsg(db->sql));
    return err_set(e, ERR_AREA_STORE, code, "%s: %s (%s)", what, sqlite3_errmsg(db->sql), db->path);
}

int db_exec(struct db *db, const char *sql, struct err *e)
{
    if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_error(db, e, "database");
    return 0;
}

static int query_int(struct db *db, const char *sql, int64_t *ret, struct err *e)
{
    sqlite3_stmt *s = NULL;
    int r = 0;

    if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW)
        r = db_error(db, e, "database");
    else
        *ret = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return r;
}

int db_check(struct db *db, struct err *e)
{
    static const char *const checks[] = {"PRAGMA quick_check(1)", "PRAGMA foreign_key_check"};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(checks) && r == 0; i++) {
        sqlite3_stmt *s = NULL;
        if (sqlite3_prepare_v2(db->sql, checks[i], -1, &s, NULL) != SQLITE_OK) {
            r = db_error(db, e, "the database cannot be checked");
        } else {
            int step = sqlite3_step(s);
            const char *word = step == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
            if (step != SQLITE_ROW && step != SQLITE_DONE)
                r = db_error(db, e, "the database cannot be checked");
            else if (i == 0 && (!word || strcmp(word, "ok") != 0))
                r = err_set(e, ERR_AREA_STORE, DB_CORRUPT, "%s is damaged: %s", db->path,
                            word ? word : "the check says nothing");
            else if (i == 1 && step == SQLITE_ROW)
                r = err_set(e, ERR_AREA_STORE, DB_CORRUPT,
                            "%s is damaged: a row of %s points nowhere", db->path,
                            word ? word : "?");
        }
        sqlite3_finalize(s);
    }
    return r;
}

static int raw_open(struct db *db, int flags, struct err *e)
{
    int r = sqlite3_open_v2(
        db->path, &db->sql,
        flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (r != SQLITE_OK) {
        if (!db->sql)
            return err_set(e, ERR_AREA_STORE, -ENOMEM, "no memory to open %s", db->path);
        return db_error(db, e, "the database cannot be opened");
    }
    (void)sqlite3_busy_timeout(db->sql, BUSY_MS);
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_limit(db->sql, SQLITE_LIMIT_LENGTH, 16 << 20);
    /* until it is known to be sound: closing a damaged one must leave its log where it is */
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    /* no mmap: a file cut by others must give an error, not a signal */
    return db_exec(db,
                   "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON;"
                   "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096;"
                   "PRAGMA journal_size_limit=4194304",
                   e);
}

static int migrate(struct db *db, struct err *e)
{
    while (db->version < db_migration_count) {
        char set[64];
        int r = db_begin(db, e);
        if (r < 0)
            return r;
        r = db_exec(db, db_migrations[db->version], e);
        (void)snprintf(set, sizeof set, "PRAGMA user_version=%d", db->version + 1);
        if (r == 0)
            r = db_exec(db, set, e);
        r = db_end(db, r, e);
        if (r < 0)
            return err_wrap(e, "bringing the database from version %d to %d", db->version,
                            db->version + 1);
        db->version++;
    }
    return 0;
}

/* A new database is made whole under another name; a crash before the rename leaves nothing. */
static int create(const char *folder, struct err *e)
{
    struct db db = {.mode = DB_READ_WRITE};
    char set[64];
    int r = db_file_begin(folder, NEW_NAME, e);

    if (r < 0)
        return r;
    (void)snprintf(db.path, sizeof db.path, "%s/" NEW_NAME, folder);
    r = raw_open(&db, SQLITE_OPEN_READWRITE, e);
    if (r == 0) /* it becomes one file, without a log beside it */
        (void)sqlite3_db_config(db.sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    (void)snprintf(set, sizeof set, "PRAGMA application_id=%d; PRAGMA journal_mode=WAL",
                   APPLICATION_ID);
    if (r == 0)
        r = db_exec(&db, set, e);
    if (r == 0)
        r = migrate(&db, e);
    if (sqlite3_close(db.sql) != SQLITE_OK && r == 0)
        r = err_set(e, ERR_AREA_STORE, -EIO, "closing %s failed", db.path);
    if (r == 0)
        r = db_file_finish(folder, NEW_NAME, e);
    if (r < 0)
        db_file_drop(folder, NEW_NAME);
    return r == -EEXIST ? 0 : r;
}

/* Whose file it is and of which version, before anything else of it is read. */
static int identify(struct db *db, struct err *e)
{
    int64_t id = 0, version = 0;
    int r = query_int(db, "PRAGMA application_id", &id, e);

    if (r == 0)
        r = query_int(db, "PRAGMA user_version", &version, e);
    if (r < 0)
        return r;
    if (id != APPLICATION_ID || version < 1)
        return err_set(e, ERR_AREA_STORE, DB_CORRUPT, "%s is not a database of meshdeck", db->path);
    db->version = (int)version;
    return 0;
}

static int reopen_read_only(struct db *db, struct err *e)
{
    sqlite3_close(db->sql);
    db->sql = NULL;
    int r = raw_open(db, SQLITE_OPEN_READONLY, e);
    return r < 0 ? r : db_exec(db, "PRAGMA query_only=ON", e);
}

static int open_writable(struct db *db, struct err *e)
{
    int64_t id;
    int r = raw_open(db, SQLITE_OPEN_READWRITE, e);

    if (r == 0)
        r = identify(db, e);
    if (r < 0)
        return r;
    if (db->version > db_migration_count) {
        db->mode = DB_NEWER;
        r = reopen_read_only(db, e);
    } else if (sqlite3_db_readonly(db->sql, "main") == 1) {
        db->mode = DB_READ_ONLY;
        r = db_exec(db, "PRAGMA query_only=ON", e);
    }
    if (r == 0)
        r = db_check(db, e);
    if (r == 0 && db->mode == DB_READ_WRITE)
        r = query_int(db, "PRAGMA journal_mode=WAL", &id, e);
    if (r == 0 && db->mode == DB_READ_WRITE)
        r = migrate(db, e);
    return r;
}

int db_open(const char *dir, enum db_how how, struct db **ret, struct err *e)
{
    char folder[DB_PATH];
    enum db_file_state state;
    int r = db_file_folder(dir, folder, e);

    if (r == 0)
        r = db_file_state(folder, &state, e);
    if (r < 0)
        return r;
    if (state == DB_FILE_LOST)
        return err_set(e, ERR_AREA_STORE, DB_CORRUPT,
                       "%s/" DB_NAME " is empty or gone, though it was there before", folder);
    if (state == DB_FILE_MISSING && how != DB_HOW_CREATE)
        return err_set(e, ERR_AREA_STORE, -ENOENT, "there is no database in %s", folder);
    if (state == DB_FILE_MISSING && (r = create(folder, e)) < 0)
        return r;
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        return err_set(e, ERR_AREA_STORE, -ENOMEM, "no memory to open the database");
    (void)snprintf(db->path, sizeof db->path, "%s/" DB_NAME, folder);
    if (how == DB_HOW_READ) {
        db->mode = DB_READ_ONLY;
        r = reopen_read_only(db, e);
        if (r == 0 && (r = identify(db, e)) == 0 && db->version > db_migration_count)
            db->mode = DB_NEWER;
        if (r == 0)
            r = db_check(db, e);
    } else {
        r = open_writable(db, e);
    }
    struct stat st;
    if (r == 0 && lstat(db->path, &st) == 0) {
        db->dev = st.st_dev;
        db->ino = st.st_ino;
    }
    if (r < 0) {
        db_close(db);
        return r;
    }
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    *ret = db;
    return 0;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < db->n_kept; i++)
        sqlite3_finalize(db->kept[i].stmt);
    sqlite3_close(db->sql);
    free(db);
}

enum db_mode db_mode(const struct db *db)
{
    return db->mode;
}

int db_version(const struct db *db)
{
    return db->version;
}

int db_latest_version(void)
{
    return db_migration_count;
}

const char *db_path(const struct db *db)
{
    return db->path;
}

int64_t db_data_version(struct db *db)
{
    int64_t v = 0;

    return query_int(db, "PRAGMA data_version", &v, NULL) == 0 ? v : 0;
}

int64_t db_log_bytes(const struct db *db)
{
    char log[DB_PATH + 80];
    struct stat st;

    (void)snprintf(log, sizeof log, "%s-wal", db->path);
    return stat(log, &st) == 0 ? st.st_size : 0;
}

bool db_in_txn(const struct db *db)
{
    return db->in_txn;
}
