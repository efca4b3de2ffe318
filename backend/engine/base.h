#ifndef MESHDECK_ENGINE_BASE_H
#define MESHDECK_ENGINE_BASE_H
/*
 * The node's own plumbing: the WireGuard device, the firewall, DNS, and the settings and keys behind
 * them. Objects are made once the store is read; what they put into the kernel stays after us.
 * Engine thread.
 */
#include <stdbool.h>

#include "backend/engine/core.h"
#include "backend/guest/keys.h"
#include "backend/host/dnsmasq.h"
#include "backend/host/nft.h"
#include "backend/host/wireguard.h"
#include "backend/plan/parts.h"
#include "backend/store/netrec.h"
#include "backend/store/settings.h"
#include "backend/store/vmrec.h"

/* dnsmasq's uid is the first one past those of the VMs. */
enum { BASE_WG_PORT = 51820, BASE_WG_MTU = 1420, BASE_DNS_UID = VMREC_UID_BASE + VMREC_UID_COUNT };

struct base {
    struct settings settings;
    uint8_t blocks[SETTINGS_BLOCKS_MAX];
    size_t n_blocks;
    struct net_rec *nets;
    size_t n_nets;
    struct wg_host *wg;
    struct nft *nft;
    struct nft_config nft_config;
    bool forwarding_was_off; /* before this boot's first engine: then only guests are forwarded */
    struct dnsmasq *dns;
    bool dns_up, ballast_given;
};

/* Takes over settings and networks; makes the objects when the host may be changed. */
int base_init(struct core *c, struct err *e);
void base_done(struct core *c);

void base_plan_node(const struct core *c, struct plan_node *ret);
/* The network of that name or id; NULL when there is none. */
const struct net_rec *base_net(const struct core *c, uint64_t id);
const struct net_rec *base_net_named(const struct core *c, const char *name);
void base_publish(struct core *c); /* networks, this node's row, meta */
/* STATE/secrets/wireguard_key etc. */
const char *base_path(const struct core *c, const char *below, char buf[static PATH_MAX]);

/* Runs on the pool at start: makes folders and keys that are missing, reads public halves. */
struct base_keys {
    char state_dir[PATH_MAX];
    uint8_t wg_public[32];
    char ssh_public[128];
    struct key_pair client;
    struct err err;
};
void base_device_up(struct core *c); /* the device stands: show it, read its peers */
/* The disk is full: gives up the room that was kept, so that it can be cleaned up. */
void base_give_ballast(struct core *c);
void base_dns_start(struct core *c, struct err *e);
void base_keys_make(struct base_keys *k);

#endif
