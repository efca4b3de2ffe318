#ifndef MESHDECK_STORE_NETREC_H
#define MESHDECK_STORE_NETREC_H
/*
 * Networks as they are wanted; the default `mesh` is made with the settings. Functions are for
 * jobs of the store; structs are plain values.
 */
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct db;

enum { NETREC_MESH_ID = ADDR_MESH_NETWORK };

struct net_rec {
    uint64_t id;
    char name[32], shape[16], egress[128], reach[128], domain[64];
    uint8_t nat;
    uint32_t mtu; /* 0: the tunnel's */
    uint8_t damaged;
};

/* The id is the caller's. -EEXIST: name or id. */
int netrec_add(struct db *db, const struct net_rec *n, struct err *e);
int netrec_all(struct db *db, struct net_rec **ret, size_t *ret_n, struct err *e);
int netrec_get(struct db *db, uint64_t id, struct net_rec *ret, struct err *e);
int netrec_find(struct db *db, const char *name, struct net_rec *ret, struct err *e);

#endif
