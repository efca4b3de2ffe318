#ifndef MESHDECK_STORE_SETTINGS_H
#define MESHDECK_STORE_SETTINGS_H
/*
 * What the fleet and this node are: one row, made at initialisation. Functions are for jobs of
 * the store; structs are plain values. A record whose checksum is wrong is read with `damaged` set:
 * shown, and not acted on without a word.
 */
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct db;

enum { SETTINGS_BLOCKS_MAX = 255 };

enum autostart_offer { OFFER_NOT_MADE, OFFER_DECLINED, OFFER_TAKEN };

struct settings {
    char fleet[32], node_name[32];
    struct addr fleet_prefix; /* the /48; made once, never changed */
    uint32_t node;            /* this node's number, from 1 */
    uint8_t production;
    uint8_t autostart_offer;
    char wg_device[16],
        wg_backend[16]; /* "mesh0"; "kernel", "wireguard-go" or "" (not chosen yet) */
    uint32_t wg_port, wg_mtu;
    uint8_t wg_public_key[32]; /* all zero until made; the private half lies in STATE/secrets */
    char ssh_key_path[96];     /* below STATE */
    char ssh_public_key[128];
    int64_t created_ms;
    uint8_t damaged;
};

/* -ENOENT before settings_init, which also claims block 0, makes the `mesh` network and takes the
 * node's name. An empty fleet name becomes "lab". fleet_prefix is made when it is not set. */
int settings_get(struct db *db, struct settings *ret, struct err *e);
int settings_init(struct db *db, struct settings *io, struct err *e);
int settings_put(struct db *db, const struct settings *s,
                 struct err *e); /* not the prefix, not the node's number */
/* This node's IPv4 blocks, ascending. */
int settings_blocks(struct db *db, uint8_t ret[static SETTINGS_BLOCKS_MAX], size_t *ret_n,
                    struct err *e);

#endif
