#ifndef MESHDECK_PLAN_PLAN_OP_H
#define MESHDECK_PLAN_PLAN_OP_H
/*
 * The operations of a plan: what the executor carries out, in which order, and what takes it back.
 * Plain values; pointers go into the plan that they came from. Pure; any thread.
 */
#include "backend/plan/parts.h"

/* A step of the ticket. They are done in this order; within one, operations keep their order too
 * and those of one kind stand together. */
enum plan_stage {
    PLAN_STAGE_STOP,    /* "QEMU ends" */
    PLAN_STAGE_UNROUTE, /* "routes away" */
    PLAN_STAGE_UNGUARD, /* "firewall and DNS away": before a tap's name is free again */
    PLAN_STAGE_UNTAP,   /* "tap away" */
    PLAN_STAGE_ERASE,   /* "disk and keys away" */
    PLAN_STAGE_RELEASE, /* "name and addresses free" */
    PLAN_STAGE_DEVICE,  /* "WireGuard device" */
    PLAN_STAGE_BASE,    /* "addresses and forwarding" */
    PLAN_STAGE_TABLES,  /* "firewall tables" */
    PLAN_STAGE_DNS,     /* "DNS" */
    PLAN_STAGE_PEERS,   /* "peers" */
    PLAN_STAGE_MESH,    /* "routes into the mesh" */
    PLAN_STAGE_NAME,    /* 1 "name and addresses" */
    PLAN_STAGE_DISK,    /* 2 "disk" */
    PLAN_STAGE_SEED,    /* 3 "seed and keys" */
    PLAN_STAGE_TAP,     /* 4 "tap" */
    PLAN_STAGE_ROUTES,  /* 5 "routes" */
    PLAN_STAGE_GUARD,   /* 6 "firewall" */
    PLAN_STAGE_QEMU,    /* 7 "QEMU" */
    PLAN_STAGE_SSH,     /* 8 "SSH in the guest" */
    PLAN_STAGE_COUNT
};

/*
 * What the executor does. Adding what is there and equal, and removing what is not there, are
 * success for all of them, so that a plan may be run again after a crash.
 */
enum plan_op_kind {
    PLAN_OP_VM_STOP,     /* vm: ask the guest, kill after limit_s; returns when it has ended */
    PLAN_OP_VM_KILL,     /* vm */
    PLAN_OP_ROUTE_DEL,   /* route: exactly this one */
    PLAN_OP_GUARD_DEL,   /* guard */
    PLAN_OP_NAME_DEL,    /* vm: its DNS name */
    PLAN_OP_TAP_DEL,     /* link: by name, and only with a meshdeck:vm: alias */
    PLAN_OP_FOLDER_DEL,  /* vm: disk, seed, keys, logs: the whole folder */
    PLAN_OP_RELEASE,     /* vm: row, name and addresses in the store */
    PLAN_OP_PEER_DEL,    /* peer (its key) */
    PLAN_OP_PEER_FORGET, /* peer: its row in the store */
    PLAN_OP_ADDR_DEL,    /* addr */
    PLAN_OP_TAP_ADD,     /* vm: tap with owner, alias, mtu, sysctls, up */
    PLAN_OP_WG_UP,       /* link: make the device or adopt ours; also its alias */
    PLAN_OP_LINK_RENAME, /* rename: back to its name; down, rename, up */
    PLAN_OP_WG_SET,      /* wg: key and port */
    PLAN_OP_LINK_SET,    /* link: mtu, alias, up */
    PLAN_OP_ADDR_ADD,    /* addr: nodad, no prefix route; lo, device or tap */
    PLAN_OP_SYSCTL,      /* sysctl: write want; was is the old value */
    PLAN_OP_NFT_TABLES,  /* whole ruleset anew, with the guests of `guards` in it */
    PLAN_OP_DNSMASQ,     /* start it */
    PLAN_OP_PEER_ADD,    /* peer */
    PLAN_OP_PEER_SET,    /* peer; peer_was: prefixes, keepalive, endpoint when it is set */
    PLAN_OP_RESERVE,     /* vm: row, name and addresses in the store */
    PLAN_OP_DISK_ADD,    /* vm */
    PLAN_OP_SEED_ADD,    /* vm: keys and seed disk */
    PLAN_OP_ROUTE_ADD,   /* route */
    PLAN_OP_GUARD_ADD,   /* guard */
    PLAN_OP_NAME_ADD,    /* vm: its DNS name */
    PLAN_OP_VM_START,    /* vm */
    PLAN_OP_SSH_WAIT,    /* vm */
    PLAN_OP_COMMIT,      /* vm: its create is finished: the row is whole */
    PLAN_OP_COUNT
};

struct plan_op {
    enum plan_op_kind kind;
    enum plan_stage stage;
    uint64_t vm_id;           /* 0 when it is of no VM */
    const struct plan_vm *vm; /* the plan's; NULL when it is of no VM that is known */
    const struct plan_peer *peer, *peer_was; /* the plan's */
    union {
        struct plan_route route;
        struct plan_addr addr;
        struct plan_guard guard;
        struct plan_link link; /* wanted mtu, alias, up; name and ifindex of the link */
        struct {
            uint32_t ifindex;
            char from[16], to[16];
        } rename;
        struct {
            struct plan_sysctl want;
            char was[32];
        } sysctl;
        struct {
            uint8_t key[32];
            uint16_t port;
            bool set_key, set_port;
        } wg;
        struct {
            const struct plan_guard *all;
            size_t n;
        } guards; /* the plan's */
        struct {
            struct addr ip6, ip4;
        } dns;
    };
};

/* The operation that takes `op` back; false when there is none (what is deleted stays deleted).
 * What it points to is still the plan's. A failed ticket applies these in reverse order. */
bool plan_op_undo(const struct plan_op *op, struct plan_op *ret);

/* One line about an operation: "route fd5e::10/128 dev tap0". */
const char *plan_op_text(const struct plan_op *op, char *buf, size_t cap);
const char *plan_op_kind_name(enum plan_op_kind kind); /* "route-add" */
const char *plan_stage_name(enum plan_stage stage);

#endif
