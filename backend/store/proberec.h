#ifndef MESHDECK_STORE_PROBEREC_H
#define MESHDECK_STORE_PROBEREC_H
/*
 * What a slow look at the host found, kept for one boot: whether KVM really runs a guest. Functions
 * are for jobs of the store; structs are plain values.
 */
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct db;

struct probe_rec {
    char kind[16], result[16], boot_id[40], why[160];
    int64_t time_ms;
};

int proberec_put(struct db *db, const struct probe_rec *p, struct err *e);
int proberec_get(struct db *db, const char *kind, struct probe_rec *ret,
                 struct err *e); /* -ENOENT */

#endif
