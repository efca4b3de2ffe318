#ifndef MESHDECK_STORE_ACKREC_H
#define MESHDECK_STORE_ACKREC_H
/*
 * Which alerts have been taken, by whom, and how bad they were then. Functions are for jobs of the
 * store; structs are plain values.
 */
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct db;

struct ack_rec {
    char key[64];
    char who[64];
    uint8_t level;
    uint32_t vms;
    int64_t time_ms;
};

int ackrec_put(struct db *db, const struct ack_rec *a, struct err *e);
int ackrec_drop(struct db *db, const char *key, struct err *e);
int ackrec_all(struct db *db, struct ack_rec **ret, size_t *ret_n, struct err *e);

#endif
