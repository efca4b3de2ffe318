#ifndef MESHDECK_STORE_PEERREC_H
#define MESHDECK_STORE_PEERREC_H
/*
 * WireGuard peers as they are wanted. Functions are for jobs of the store; structs are plain
 * values.
 */
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct db;

enum { PEERREC_PREFIXES_MAX = 32 };

struct peer_rec {
    uint64_t id;
    char name[32];
    uint8_t public_key[32];
    struct endpoint endpoint, other; /* port 0: none */
    struct addr prefixes[PEERREC_PREFIXES_MAX];
    uint32_t n_prefixes;
    uint32_t keepalive_s;
    uint8_t expected_always;
    uint8_t removing; /* its removal has begun; the row goes when the device has let it go */
    uint64_t ticket;  /* while being added or removed, else 0 */
    int64_t created_ms;
    uint8_t damaged;
};

/* io->id is filled in. -EEXIST: name; -ENOTUNIQ: key is known under another name or is our own;
 * -EADDRINUSE: a prefix overlaps another peer's, this node's or the fleet's (named). */
int peerrec_add(struct db *db, struct peer_rec *io, struct err *e);
int peerrec_update(struct db *db, const struct peer_rec *p, struct err *e);
int peerrec_remove(struct db *db, uint64_t id, struct err *e); /* -ENOENT */
int peerrec_all(struct db *db, struct peer_rec **ret, size_t *ret_n, struct err *e);

#endif
