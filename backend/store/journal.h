#ifndef MESHDECK_STORE_JOURNAL_H
#define MESHDECK_STORE_JOURNAL_H
/*
 * The journal: who did what, before, after, why and when. Bounded: the newest JOURNAL_MAX entries
 * are kept. Texts are cleaned and cut on the way in. Functions are for jobs of the store.
 */
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"
#include "backend/model/rows.h" /* enum event_level */

struct db;

enum { JOURNAL_MAX = 20000 };

struct journal_rec {
    uint64_t id; /* grows; filled in by journal_add */
    int64_t time_ms;
    uint8_t level;   /* enum event_level */
    char object[48]; /* "vm web1" */
    char what[160], before[160], after[160];
    char cause[96]; /* "ticket 41", "kernel" */
    char who[64];   /* "ops1 from 198.51.100.20" */
    uint64_t ticket;
};

int journal_add(struct db *db, struct journal_rec *io, size_t n, struct err *e);
int journal_get(struct db *db, uint64_t id, struct journal_rec *ret, struct err *e); /* -ENOENT */
/* The newest `max`, oldest first; object NULL: of all, else of that object only. *ret: free(). */
int journal_tail(struct db *db, const char *object, size_t max, struct journal_rec **ret,
                 size_t *ret_n, struct err *e);

#endif
