#ifndef MESHDECK_STORE_DB_H
#define MESHDECK_STORE_DB_H
/*
 * One SQLite database in the state folder: STATE/meshdeck.db, WAL, synchronous=FULL, foreign keys.
 * Opening migrates it and checks it. A database is born complete (made beside, then renamed), so an
 * empty or cut file is always damage, never a new one. Nothing here deletes a damaged file.
 *
 * A db belongs to one thread (the store's). Every function here may wait for the disk. Never open
 * the file with another descriptor while a db is open: closing that one drops SQLite's locks.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"

struct sqlite3;
struct sqlite3_stmt;
struct db;

/* What functions of the store return, beside -ENOSPC (disk full), -EIO, -EROFS, -ENOENT, -EINVAL.
 */
enum db_code {
    DB_CORRUPT = -EUCLEAN, /* damaged, empty or cut; db_put_aside is the way on */
    DB_NOT_OURS = -EPERM,  /* a symbolic link, another owner, writable by others */
    DB_BUSY = -EBUSY,      /* another process keeps it locked */
};

enum db_mode {
    DB_READ_WRITE,
    DB_READ_ONLY, /* asked for, or the file cannot be written */
    DB_NEWER,     /* made by a newer meshdeck: opened read-only, every write gives -EROFS */
};

enum db_how {
    DB_HOW_READ,
    DB_HOW_WRITE,
    DB_HOW_CREATE, /* as WRITE, and makes one where there is none; else that is -ENOENT */
};

/*
 * Opens dir/meshdeck.db. `dir` has to exist, be a folder of this user's and not be writable by
 * others; links are not followed.
 * -EUCLEAN: damaged; the text says in what way. The file is left as it is.
 */
int db_open(const char *dir, enum db_how how, struct db **ret, struct err *e);
void db_close(struct db *db); /* NULL is fine */

enum db_mode db_mode(const struct db *db);
int db_version(const struct db *db); /* of the file */
int db_latest_version(void);         /* of this program */
const char *db_path(const struct db *db);

/* Renames dir's meshdeck.db with its -wal and -shm to meshdeck.db.damaged-DATE; ret_name gets the
 * new file name. Only while no db of that folder is open. */
int db_put_aside(const char *dir, char ret_name[static 64], struct err *e);

/* The same check that db_open makes; -EUCLEAN with SQLite's own words. Reads the whole file. */
int db_check(struct db *db, struct err *e);

/* Changes whenever another connection (an operator's sqlite3, say) has committed something. */
int64_t db_data_version(struct db *db);

/* Size of the log beside the file. It stays within some 8 MiB unless somebody else reads for long.
 */
int64_t db_log_bytes(const struct db *db);

/* One write transaction: begin, then end with the job's code: 0 commits, else rolls back. db_end
 * gives `code`, or the commit's own failure (all is then rolled back). They do not nest. */
int db_begin(struct db *db, struct err *e);
int db_end(struct db *db, int code, struct err *e);
bool db_in_txn(const struct db *db);

/*
 * Statements: SQL is always a literal; texts are only bound. db_prepare keeps statements for the
 * db's life, by the literal's address; db_reset gives one back after use.
 *     r = db_prepare(db, "SELECT ...", &s, e);
 *     db_bind_u64(s, 1, id); r = db_step(db, s, e);   1: a row, 0: done, negative: error
 */
int db_prepare(struct db *db, const char *sql, struct sqlite3_stmt **ret, struct err *e);
void db_bind_u64(struct sqlite3_stmt *s, int index, uint64_t value);
void db_bind_text(struct sqlite3_stmt *s, int index, const char *text); /* copied */
int db_step(struct db *db, struct sqlite3_stmt *s, struct err *e);
void db_reset(struct sqlite3_stmt *s);
/* Binds one number and runs it to its end; gives how many rows it changed. */
int db_run_u64(struct db *db, const char *sql, uint64_t value, struct err *e);
/* The first number of the first row with `value` bound, 0 when there is no row. */
int db_get_u64(struct db *db, const char *sql, uint64_t value, uint64_t *ret, struct err *e);
int db_exec(struct db *db, const char *sql, struct err *e);

/* The error of the last SQLite call on this db, as negative errno and text. */
int db_error(struct db *db, struct err *e, const char *what);

/* backend/store/schema.c: SQL that brings version i to i + 1. */
extern const char *const db_migrations[];
extern const int db_migration_count;

#endif
