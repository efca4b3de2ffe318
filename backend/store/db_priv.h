#ifndef MESHDECK_STORE_DB_PRIV_H
#define MESHDECK_STORE_DB_PRIV_H
/* A db's insides, shared by db.c (opening) and db_txn.c (transactions and statements) only. */
#include <sqlite3.h>
#include <sys/types.h>

#include "backend/store/db.h"
#include "backend/store/db_file.h"

enum { DB_STATEMENTS_MAX = 128 };

struct db {
    sqlite3 *sql;
    enum db_mode mode;
    int version;
    bool in_txn;
    dev_t dev; /* of the file, to see whether it was replaced */
    ino_t ino;
    char path[DB_PATH + 64];
    struct {
        const char *text_b; /* a literal */
        sqlite3_stmt *stmt;
    } kept[DB_STATEMENTS_MAX];
    size_t n_kept;
};

#endif
