#ifndef MESHDECK_STORE_RECORDS_H
#define MESHDECK_STORE_RECORDS_H
/*
 * What lasts beside VMs: settings, networks, peers, probes, acknowledged alerts; and everything read
 * in one go at start. Functions are for jobs of the store; structs are plain values. A record whose
 * checksum does not fit is read with `damaged` set: shown, and never acted on without a word.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"
#include "backend/store/vmrec.h"

struct db;

enum { NETREC_MESH_ID = ADDR_MESH_NETWORK, PEERREC_PREFIXES_MAX = 32, SETTINGS_BLOCKS_MAX = 255 };

enum autostart_offer { OFFER_NOT_MADE, OFFER_DECLINED, OFFER_TAKEN };

/* One row, made at initialisation. */
struct settings {
    char fleet[32], node_name[32];
    struct addr fleet_prefix; /* the /48; made once, never changed */
    uint32_t node;            /* this node's number, from 1 */
    uint8_t production;
    uint8_t autostart_offer;
    char wg_device[16], wg_backend[16]; /* "mesh0"; "kernel", "wireguard-go" or "" (not chosen yet) */
    uint32_t wg_port, wg_mtu;
    uint8_t wg_public_key[32];   /* all zero until made; the private half lies in STATE/secrets */
    char ssh_key_path[96];       /* below STATE */
    char ssh_public_key[128];
    int64_t created_ms;
    uint64_t next_id;            /* of VMs */
    uint8_t damaged;
};

struct net_rec {
    uint64_t id;
    char name[32], shape[16], egress[128], reach[128], domain[64];
    uint8_t nat;
    uint32_t mtu; /* 0: the tunnel's */
    uint8_t damaged;
};

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

struct probe_rec { /* what a slow look at the host found, kept for one boot */
    char kind[16], result[16], boot_id[40], why[160];
    int64_t time_ms;
};

struct ack_rec {
    char key[64];
    char who[64];
    uint8_t level;
    uint32_t vms;
    int64_t time_ms;
};

/* -ENOENT before settings_init, which also claims block 0, makes the `mesh` network and takes the
 * node's name. An empty fleet name becomes "lab". fleet_prefix is made when it is not set. */
int settings_get(struct db *db, struct settings *ret, struct err *e);
int settings_init(struct db *db, struct settings *io, struct err *e);
int settings_put(struct db *db, const struct settings *s, struct err *e); /* not prefix, node, next_id */
/* This node's IPv4 blocks, ascending. */
int settings_blocks(struct db *db, uint8_t ret[static SETTINGS_BLOCKS_MAX], size_t *ret_n, struct err *e);

int netrec_all(struct db *db, struct net_rec **ret, size_t *ret_n, struct err *e);
int netrec_get(struct db *db, uint64_t id, struct net_rec *ret, struct err *e);
int netrec_find(struct db *db, const char *name, struct net_rec *ret, struct err *e);

/* io->id is filled in. -EEXIST: name; -ENOTUNIQ: key is known under another name or is our own;
 * -EADDRINUSE: a prefix overlaps another peer's, this node's or the fleet's (named). */
int peerrec_add(struct db *db, struct peer_rec *io, struct err *e);
int peerrec_update(struct db *db, const struct peer_rec *p, struct err *e);
int peerrec_remove(struct db *db, uint64_t id, struct err *e); /* -ENOENT */
int peerrec_all(struct db *db, struct peer_rec **ret, size_t *ret_n, struct err *e);

int proberec_put(struct db *db, const struct probe_rec *p, struct err *e);
int proberec_get(struct db *db, const char *kind, struct probe_rec *ret, struct err *e); /* -ENOENT */

int ackrec_put(struct db *db, const struct ack_rec *a, struct err *e);
int ackrec_drop(struct db *db, const char *key, struct err *e);
int ackrec_all(struct db *db, struct ack_rec **ret, size_t *ret_n, struct err *e);

#endif
