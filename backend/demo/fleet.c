/*
 * The first picture of the simulated fleet: its VMs. Names, nodes and addresses follow one rule
 * from a VM's number on, so that the picture can be checked by hand. Demo thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

enum {
    GROUP = 3840, /* VMs of three kinds that take turns */
    HASH_STATE = 1,
    HASH_SIZE,
    HASH_USE,
    HASH_SINCE,
    HASH_LABEL,
};

static const char *const kinds[] = {
    "api",   "cache", "web",    "auth",  "edge",   "queue", "build", "db",     "test",
    "batch", "index", "search", "mail",  "proxy",  "relay", "log",   "metric", "trace",
    "bot",   "cart",  "pay",    "chat",  "feed",   "push",  "crm",   "erp",    "wiki",
    "git",   "ci",    "pkg",    "image", "media",  "video", "geo",   "map",    "route",
    "ldap",  "ntp",   "dns",    "ml",    "train",  "infer", "kv",    "object", "backup",
    "dev",   "stage", "demo",   "iot",   "sensor", "hub",
};

_Static_assert(sizeof kinds / sizeof kinds[0] / 3 * GROUP >= DEMO_NODES * DEMO_NODE_VMS + 16,
               "a kind for every VM that there is an address for");

/* The ones that the manual's picture shows. */
static const struct {
    uint32_t id;
    enum vm_state state;
} staged[] = {
    {35, VM_STATE_STARTING},  {56, VM_STATE_FAILED},    {80, VM_STATE_MOVING},
    {89, VM_STATE_UNKNOWN},   {98, VM_STATE_PAUSED},    {1201, VM_STATE_FAILED},
    {20344, VM_STATE_FAILED}, {47512, VM_STATE_FAILED},
};

struct addr demo_fleet_prefix(void)
{
    return (struct addr){AF_INET6, 48, {0xfd, 0x5e, 0xed, 0x68, 0xd5, 0x4d}};
}

const char *demo_node_name(uint32_t number)
{
    return demo_sym("n%03u", number);
}

uint32_t demo_vm_network(const struct vm_row *r)
{
    return strcmp(r->network, "dmz") == 0 ? DEMO_DMZ_NETWORK : ADDR_MESH_NETWORK;
}

static enum vm_state first_state(const struct demo *d, uint32_t id)
{
    uint64_t h = demo_hash(d, HASH_STATE, id) % 10000;

    for (size_t i = 0; i < ARRAY_LEN(staged); i++)
        if (staged[i].id == id)
            return staged[i].state;
    if (id % 3 == 2 && id > 16 && id < 110)
        return VM_STATE_RUNNING;
    return h < 590   ? VM_STATE_STOPPED
           : h < 610 ? VM_STATE_PAUSED
           : h < 614 ? VM_STATE_STARTING
           : h < 616 ? VM_STATE_MOVING
           : h < 619 ? VM_STATE_STOPPING
           : h < 621 ? VM_STATE_UNKNOWN
                     : VM_STATE_RUNNING;
}

void demo_vm_runs(struct demo *d, struct vm_row *r)
{
    static const uint32_t cpu[] = {0,  10, 20, 20,  30,  30,  40,  70,
                                   70, 70, 90, 120, 180, 330, 330, 640};
    static const uint64_t net[] = {0,      0,      1200,    1200,    88000,   402000,
                                   402000, 640000, 2100000, 2100000, 9900000, 41000000};
    uint64_t h = demo_hash(d, HASH_USE, r->id);

    r->cpu_permille = cpu[h % ARRAY_LEN(cpu)];
    uint64_t all = net[(h >> 8) % ARRAY_LEN(net)];
    r->rx_bps = all / 4;
    r->tx_bps = all - all / 4;
    r->rss_mib = 64 + (uint32_t)((h >> 16) % (r->memory_mib * 9 / 10 - 32));
    r->pid = 1000 + (uint32_t)((h >> 40) % 60000);
}

void demo_vm_rests(struct vm_row *r)
{
    r->cpu_permille = r->rss_mib = r->pid = 0;
    r->rx_bps = r->tx_bps = 0;
    r->tap[0] = '\0';
}

static void first_use(struct demo *d, struct vm_row *r)
{
    switch ((enum vm_state)r->state) {
    case VM_STATE_RUNNING:
    case VM_STATE_STOPPING:
    case VM_STATE_MOVING:
        demo_vm_runs(d, r);
        break;
    case VM_STATE_STARTING:
        demo_vm_runs(d, r);
        r->cpu_permille = 1000;
        r->rss_mib = 64;
        r->rx_bps = r->tx_bps = 0;
        break;
    case VM_STATE_PAUSED:
        demo_vm_runs(d, r);
        r->cpu_permille = 0;
        r->rx_bps = r->tx_bps = 0;
        break;
    case VM_STATE_STOPPED:
    case VM_STATE_FAILED:
    case VM_STATE_UNKNOWN:
    case VM_STATE_COUNT:
        demo_vm_rests(r);
        break;
    }
}

static const char *first_reason(const struct vm_row *r)
{
    if (r->state == VM_STATE_UNKNOWN)
        return demo_sym("its QMP socket does not answer; last known running");
    if (r->state != VM_STATE_FAILED)
        return text_intern(NULL);
    if (r->id == 56)
        return demo_sym("guest panic; restart on failure, 2 of 2 used up");
    return demo_sym("%s", r->id % 2 ? "QEMU ended by signal 11; restarts used up"
                                    : "guest panic: no root filesystem; restarts used up");
}

static void first_size(const struct demo *d, struct vm_row *r)
{
    static const uint32_t memory[] = {256, 512, 512, 512, 1024, 1024, 2048, 4096};
    static const uint32_t cpus[] = {1, 1, 1, 1, 2, 2, 2, 4};
    uint64_t h = demo_hash(d, HASH_SIZE, r->id);

    r->memory_mib = r->id == 56 ? 512 : memory[h % ARRAY_LEN(memory)];
    r->vcpus = r->id == 56 ? 1 : cpus[(h >> 8) % ARRAY_LEN(cpus)];
    r->disk_gib = (h >> 16) % 3 == 0 && r->id != 56 ? 20 : 10;
    r->disk_bytes = r->id == 56 ? UINT64_C(2) << 30 : ((h >> 24) % 6000) << 20;
}

static void first_texts(const struct demo *d, struct vm_row *r, const char *kind)
{
    static const char *const images[] = {"builtin", "builtin", "builtin", "deb12", "alpine320"};
    uint64_t h = demo_hash(d, HASH_LABEL, r->id);

    (void)snprintf(r->name, sizeof r->name, "%s-%05u", kind, (unsigned)r->id);
    r->network =
        demo_sym("%s", strcmp(kind, "edge") == 0 || strcmp(kind, "proxy") == 0 ? "dmz" : "mesh");
    r->image = demo_sym("%s", r->id == 56 ? "builtin" : images[h % ARRAY_LEN(images)]);
    r->accel = demo_sym("simulated");
    r->labels = demo_sym("app=%s env=%s", kind, (h >> 8) % 8 == 0 ? "test" : "prod");
    bool has_ports = r->id != 56 && (h >> 16) % 400 == 0;
    r->ports =
        has_ports ? demo_sym("%u:80/tcp", 20000 + (unsigned)(r->id % 10000)) : text_intern(NULL);
    r->reason = first_reason(r);
}

static void first_times(const struct demo *d, struct vm_row *r)
{
    uint64_t h = demo_hash(d, HASH_SINCE, r->id);
    int64_t age_s = 3600 + (int64_t)(h % (20 * 86400));

    r->created_ms = d->start_ms - (age_s + (int64_t)((h >> 32) % (300 * 86400))) * 1000;
    if (r->state == VM_STATE_STARTING || r->state == VM_STATE_STOPPING ||
        r->state == VM_STATE_MOVING)
        age_s = 1 + (int64_t)(h % 20);
    if (r->state == VM_STATE_FAILED)
        age_s = r->id == 56 ? 194 : 600 + (int64_t)(h % 7200);
    if (r->id == 56)
        r->created_ms = d->start_ms - INT64_C(86400000) - 7000000;
    r->since_ms = d->start_ms - age_s * 1000;
}

/* Where each VM stands: node by a step of 7 round a circle one longer than the fleet, host of the
 * node's /24 by a step of 5; who falls off or finds it taken comes after the others, in what is
 * free. */
struct places {
    uint8_t used[DEMO_NODES][DEMO_NODE_VMS];
    uint8_t count[DEMO_NODES];
    struct {
        uint8_t node, host; /* from 0 */
        uint16_t tap;
    } of[];
};

static void place(const struct demo *d, struct places *p, uint32_t id, bool fallen)
{
    uint32_t round = d->n_nodes + 1, step = round % 7 == 0 ? 1 : 7;
    uint32_t node = id * step % round, host = id * 5 % DEMO_NODE_VMS;

    if ((node == d->n_nodes) != fallen)
        return;
    if (fallen)
        node = id / round % d->n_nodes;
    while (p->count[node] == DEMO_NODE_VMS)
        node = (node + 1) % d->n_nodes;
    while (p->used[node][host])
        host = (host + 15) % DEMO_NODE_VMS; /* 15 and 253 have no common divisor */
    p->used[node][host] = 1;
    p->of[id].tap = (uint16_t)(p->count[node]++ + (node ? (node + 1) * 13 % 60 : 0));
    p->of[id].node = (uint8_t)node;
    p->of[id].host = (uint8_t)host;
}

static int add_vm(struct demo *d, struct places *p, uint32_t id, const char *kind)
{
    const struct addr fleet = demo_fleet_prefix();
    uint32_t node = p->of[id].node + 1u, host = p->of[id].host + 2u;
    struct vm_row r;

    memset(&r, 0, sizeof r);
    r.id = id;
    r.node = demo_node_name(node);
    r.remote = node != 1;
    r.state = (uint8_t)first_state(d, id);
    r.wanted = r.state != VM_STATE_STOPPED;
    first_texts(d, &r, kind);
    r.ip4 = addr_ip4((10u << 24) | (210u << 16) | ((node - 1) << 8) | host, 32);
    r.ip6 = addr_guest_ip6(&fleet, (uint16_t)node, demo_vm_network(&r), id);
    (void)addr_mac_for_id(id, r.mac); /* numbers are below 2^24 */
    first_size(d, &r);
    first_times(d, &r);
    (void)snprintf(r.tap, sizeof r.tap, "tap%u", p->of[id].tap);
    first_use(d, &r);
    int code = table_put(d->tables[TABLE_VMS], &r, NULL);
    if (code == 0 && !r.remote && r.tap[0])
        code = demo_guest_routes(d, &r, true, ROUTE_PLAIN);
    return code;
}

static int by_word(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of their names, so that the table's chunks come out full. */
static int add_vms(struct demo *d, struct places *p)
{
    const char *sorted[ARRAY_LEN(kinds)];
    int r = 0;

    memcpy(sorted, kinds, sizeof sorted);
    qsort(sorted, ARRAY_LEN(sorted), sizeof sorted[0], by_word);
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
        uint32_t kind = 0;
        while (strcmp(kinds[kind], sorted[i]) != 0)
            kind++;
        uint32_t from = kind / 3 * GROUP + kind % 3, to = (kind / 3 + 1) * GROUP;
        for (uint32_t id = from; r == 0 && id < to && id < d->next_vm; id += 3)
            if (id >= ADDR_FIRST_MACHINE)
                r = add_vm(d, p, id, sorted[i]);
    }
    return r;
}

int demo_fleet_build(struct demo *d, struct err *e)
{
    d->next_vm = ADDR_FIRST_MACHINE + d->n_vms;
    struct places *p = calloc(1, sizeof *p + d->next_vm * sizeof p->of[0]);
    int r = p ? 0 : -ENOMEM;

    for (unsigned fallen = 0; r == 0 && fallen < 2; fallen++)
        for (uint32_t id = ADDR_FIRST_MACHINE; id < d->next_vm; id++)
            place(d, p, id, fallen);
    if (r == 0)
        r = add_vms(d, p);
    free(p);
    if (r == 0)
        r = demo_mesh_build(d);
    if (r == 0)
        demo_past_build(d);
    return r < 0 ? err_set(e, ERR_AREA_HOST, r, "building the simulated fleet: out of memory") : 0;
}
