#ifndef MESHDECK_PLAN_PARTS_H
#define MESHDECK_PLAN_PARTS_H
/*
 * The things that a plan is about, in the planner's words: plain values without pointers. A VM, a
 * peer and the node are as desired; links, addresses, routes, firewall elements and processes as
 * they are or are to be. An interface is named, and its index given where it is known (0: not there
 * yet).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"

enum { PLAN_PREFIXES_MAX = 32, PLAN_BLOCKS_MAX = 255, PLAN_PROTOCOL = 77, PLAN_TABLE_MAIN = 254 };

enum plan_goal { PLAN_RUN, PLAN_STOP, PLAN_GONE };

struct plan_vm {
    uint64_t id;
    char name[32], network[32], image[32];
    enum plan_goal goal;
    bool is_new;      /* not in the store yet: the plan begins with its reservation */
    bool provisional; /* its create has not been finished: the plan ends with a commit */
    bool deleting;    /* its delete has begun: goal is PLAN_GONE */
    bool restart;     /* stop it first, then reach the goal */
    bool force;       /* kill at once instead of asking the guest */
    bool wait_ssh;    /* a start ends when SSH answers */
    uint32_t limit_s; /* of a graceful stop */
    struct addr ip4, ip6;
    uint8_t mac[6];
    char tap[16];
    uint32_t uid, vcpus, memory_mib, disk_gib, mtu;
    char accel[16], machine[16]; /* "KVM" or "emulated"; "microvm" */
};

struct plan_peer {
    uint64_t id;
    char name[32];
    enum plan_goal goal; /* PLAN_RUN or PLAN_GONE */
    bool force_endpoint; /* the operator gave a new endpoint: set it over what the peer roamed to */
    uint8_t public_key[32];
    struct endpoint endpoint; /* port 0: none */
    uint16_t keepalive_s;
    uint32_t n_prefixes;
    struct addr prefixes[PLAN_PREFIXES_MAX];
};

/* The base of this node. */
struct plan_node {
    char name[32];
    uint32_t number;
    struct addr fleet;               /* the /48 */
    uint8_t blocks[PLAN_BLOCKS_MAX]; /* claimed IPv4 blocks, ascending */
    size_t n_blocks;
    char wg_device[16];
    uint8_t wg_public_key[32];
    uint16_t wg_port;
    uint32_t wg_mtu;
};

struct plan_link {
    uint32_t ifindex, mtu;
    char name[16], alias[64];
    bool up;
};
struct plan_addr {
    uint32_t ifindex;
    char dev[16];
    struct addr addr; /* with its prefix length */
};
struct plan_route {
    struct addr dst, gateway, prefsrc;
    uint32_t oif, table, metric; /* table 254 is main */
    uint8_t protocol;
    bool blackhole;
    char dev[16];
};
struct plan_guard { /* one guest in the firewall; found by its tap */
    char tap[16];
    uint8_t mac[6];
    struct addr ip4, ip6;
};
struct plan_sysctl {
    char key[96]; /* below /proc/sys: "net/ipv4/ip_forward" */
    char value[32];
};
enum plan_proc {
    PLAN_PROC_NONE,
    PLAN_PROC_ALIVE,
    PLAN_PROC_UNKNOWN, /* something holds its pid file or name: never killed, never started twice */
};
struct plan_vm_state {
    uint64_t id;
    enum plan_proc proc;
    bool folder, disk, seed; /* made, and whole */
    bool name;               /* DNS knows it */
    bool ready;              /* SSH has answered since it was started */
};

/* "meshdeck:vm:17": the id in hexadecimal, as it stands in the guest's address and MAC. */
#define PLAN_ALIAS_VM "meshdeck:vm:"
void plan_alias_vm(uint64_t id, char ret[static 64]);
bool plan_alias_vm_parse(const char *alias, uint64_t *ret_id);
/* "meshdeck:wireguard:mesh0" */
void plan_alias_wg(const char *device, char ret[static 64]);

#endif
