#ifndef MESHDECK_STORE_DB_FILE_H
#define MESHDECK_STORE_DB_FILE_H
/* What is asked of the database's folder and files before SQLite opens them. Used by db.c only. */
#include <stdbool.h>
#include <stddef.h>

#include "backend/model/err.h"

enum { DB_PATH = 1024 };
#define DB_NAME "meshdeck.db"

enum db_file_state {
    DB_FILE_MISSING,
    DB_FILE_THERE,
    DB_FILE_LOST, /* missing, though its log is there, or empty: damage */
};

/* The folder's path with every link resolved; -EPERM when it is not ours alone to write, -ENOTSUP
 * on a network file system. */
int db_file_folder(const char *dir, char ret[static DB_PATH], struct err *e);

/* Whether the database and its -wal and -shm are there, ordinary files, ours and without links. */
int db_file_state(const char *folder, enum db_file_state *ret, struct err *e);

/* An empty folder/name, 0600, which must not be there (leftovers of an earlier try are removed). */
int db_file_begin(const char *folder, const char *name, struct err *e);
/* Gives folder/name the database's name; -EEXIST when there is one by now. */
int db_file_finish(const char *folder, const char *name, struct err *e);
void db_file_drop(const char *folder, const char *name);

#endif
