/* The fleet of the drawings as a snapshot. */
#include "tests/support/fixture.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"

struct fixture_change fixture_change;
static uint64_t generation;

enum { NOVEMBER_2026_S = 1793491200 };

void fixture_reset(void)
{
    memset(&fixture_change, 0, sizeof fixture_change);
}

int64_t fixture_at(int day, int hour, int minute, int second)
{
    return (NOVEMBER_2026_S + ((day - 1) * 24LL + hour) * 3600 + minute * 60 + second) * 1000;
}

int64_t fixture_now_ms(void)
{
    return fixture_at(21, 14, 6, 27);
}

static struct addr addr(const char *text)
{
    struct addr a;

    memset(&a, 0, sizeof a);
    if (text && addr_parse(text, false, &a, NULL) < 0)
        abort();
    return a;
}

static void put(struct table *t, const void *row)
{
    bool changed;

    if (table_put(t, row, &changed) < 0)
        abort();
}

static const char *sym(const char *s)
{
    return text_intern(s);
}

struct vm_short {
    const char *name, *node, *network, *ip4;
    unsigned machine, state, cpu, mem, vcpus, memory;
    uint64_t rx, tx;
    const char *tap;
};

static const struct vm_short vms[] = {
    {"build7", "ams1", "mesh", "10.210.0.5", 0x13, VM_STATE_RUNNING, 1980, 498, 2, 1024, 200000, 1000000, "tap2"},
    {"cache1", "ams1", "mesh", "10.210.0.4", 0x12, VM_STATE_STOPPED, 0, 0, 1, 256, 0, 0, ""},
    {"cache2", "fra2", "mesh", "10.210.1.3", 0x11, VM_STATE_UNKNOWN, 0, 0, 1, 256, 0, 0, ""},
    {"db1", "ams1", "mesh", "10.210.0.3", 0x11, VM_STATE_RUNNING, 70, 812, 1, 2048, 202000, 200000, "tap1"},
    {"db2", "fra2", "mesh", "10.210.1.2", 0x10, VM_STATE_UNKNOWN, 0, 0, 1, 2048, 0, 0, ""},
    {"edge1", "ams1", "dmz", "10.210.0.6", 0x14, VM_STATE_RUNNING, 30, 140, 1, 256, 5000000, 4900000, "tap3"},
    {"old-db", "ams1", "mesh", "10.210.0.8", 0x16, VM_STATE_STOPPED, 0, 0, 1, 512, 0, 0, ""},
    {"pair1", "ams1", "pair", "172.16.0.2", 0x15, VM_STATE_RUNNING, 0, 96, 1, 128, 0, 0, "tap4"},
    {"sand1", "ams1", "sandbox", "10.1.0.2", 0x19, VM_STATE_RUNNING, 0, 101, 1, 128, 0, 0, "tap5"},
    {"web1", "ams1", "mesh", "10.210.0.2", 0x10, VM_STATE_RUNNING, 120, 311, 2, 512, 210000, 1900000, "tap0"},
    {"web2", "lon3", "mesh", "10.210.2.3", 0x15, VM_STATE_RUNNING, 90, 287, 1, 512, 800000, 1000000, ""},
    {"web3", "ams1", "mesh", "10.210.0.7", 0x17, VM_STATE_STARTING, 1000, 64, 1, 256, 0, 0, "tap6"},
};

static void put_vms(struct table *t)
{
    for (size_t i = 0; i < ARRAY_LEN(vms); i++) {
        const struct vm_short *s = &vms[i];
        unsigned node = strcmp(s->node, "fra2") == 0 ? 2 : strcmp(s->node, "lon3") == 0 ? 3 : 1;
        char ip6[64];
        struct vm_row vm;
        memset(&vm, 0, sizeof vm);
        snprintf(ip6, sizeof ip6, "fd5e:ed68:d54d:%u:0:2:0:%x", node, s->machine);
        vm.id = 100 + i;
        str_copy(vm.name, sizeof vm.name, s->name);
        vm.node = sym(s->node);
        vm.network = sym(s->network);
        vm.image = sym("builtin");
        vm.accel = sym("KVM");
        vm.reason = vm.ports = vm.labels = sym("");
        vm.ip4 = addr(s->ip4);
        vm.ip6 = addr(ip6);
        addr_mac_for_id(s->machine, vm.mac);
        str_copy(vm.tap, sizeof vm.tap, s->tap);
        vm.state = (uint8_t)s->state;
        vm.wanted = s->state == VM_STATE_RUNNING;
        vm.remote = node != 1;
        vm.vcpus = s->vcpus;
        vm.memory_mib = s->memory;
        vm.disk_gib = 10;
        vm.cpu_permille = s->cpu;
        vm.rss_mib = s->mem;
        vm.rx_bps = s->rx;
        vm.tx_bps = s->tx;
        vm.disk_bytes = (uint64_t)(1.2 * (1 << 30));
        vm.since_ms = fixture_at(19, 9, 51, 7);
        vm.created_ms = fixture_at(12, 8, 0, 0);
        vm.pid = s->tap[0] ? 18400 + (unsigned)i : 0;
        if (strcmp(s->name, "web1") == 0) {
            vm.pid = 18423;
            vm.ports = sym("8080:80/tcp");
            vm.cpu_permille += fixture_change.beat;
        }
        if (strcmp(s->name, "old-db") == 0) {
            vm.ports = sym("5432:5432/tcp");
            vm.disk_bytes = (uint64_t)(3.4 * (1 << 30));
            vm.created_ms = fixture_at(1, 8, 0, 0) - 30LL * 86400 * 1000;
        }
        if (strcmp(s->name, "web3") == 0)
            vm.since_ms = fixture_at(21, 14, 6, 2);
        put(t, &vm);
    }
    for (uint32_t i = 1; i <= fixture_change.many_vms; i++) {
        struct vm_row vm;
        memset(&vm, 0, sizeof vm);
        vm.id = 1000 + i;
        snprintf(vm.name, sizeof vm.name, "vm-%05u", i);
        vm.node = sym("ams1");
        vm.network = sym("mesh");
        vm.image = sym("builtin");
        vm.accel = sym("KVM");
        vm.reason = vm.ports = vm.labels = sym("");
        vm.state = VM_STATE_RUNNING;
        vm.vcpus = 1;
        vm.memory_mib = 256;
        put(t, &vm);
    }
    if (fixture_change.hostile) {
        struct vm_row vm;
        memset(&vm, 0, sizeof vm);
        vm.id = 99;
        str_copy(vm.name, sizeof vm.name, "a\033[2J\033]0;x\007b");
        vm.node = sym("no\342\200\256de");
        vm.network = sym("\033[31mred");
        vm.image = vm.accel = vm.ports = vm.labels = sym("");
        vm.reason = sym("\033]52;c;AAAA\007");
        put(t, &vm);
    }
}

static void put_peers(struct table *t)
{
    static const struct {
        const char *name, *endpoint, *expected, *ips;
        unsigned verdict, age_s, vms;
        uint64_t rx, tx;
    } all[] = {
        {"fra2", "198.51.100.7:51820", "always", "fd5e:ed68:d54d:2::/64 10.210.1.0/24", PEER_DOWN, 505, 2, 0, 237},
        {"lon3", "203.0.113.9:51820", "always", "fd5e:ed68:d54d:3::/64 10.210.2.0/24", PEER_HEALTHY, 42, 1,
         8100000, 2900000},
        {"par4", "[2001:db8:40::7]:51820", "always", "fd5e:ed68:d54d:4::/64 10.210.3.0/24", PEER_HEALTHY, 95, 0,
         4300000, 212000},
        {"ops1-mac", "192.0.2.44:38211", "sometimes", "10.210.255.9/32", PEER_IDLE, 11520, 0, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct peer_row p;
        memset(&p, 0, sizeof p);
        p.id = 10 + i;
        str_copy(p.name, sizeof p.name, all[i].name);
        memset(p.public_key, (int)i + 1, sizeof p.public_key);
        if (addr_endpoint_parse(all[i].endpoint, &p.endpoint, NULL) < 0)
            abort();
        p.allowed_ips = sym(all[i].ips);
        p.expected = sym(all[i].expected);
        p.evidence = sym(i == 0 ? "packets leave, none return" : "");
        p.verdict = (uint8_t)all[i].verdict;
        p.keepalive_s = 25;
        p.vms = all[i].vms;
        p.handshake_ms = fixture_now_ms() - all[i].age_s * 1000LL;
        p.last_in_ms = p.handshake_ms;
        p.since_ms = i == 0 ? fixture_at(21, 14, 2, 11) : fixture_at(19, 9, 51, 0);
        p.rx_bps = all[i].rx;
        p.tx_bps = all[i].tx;
        put(t, &p);
    }
}

struct route_short {
    const char *dst, *gateway, *dev, *owner;
    unsigned protocol, state, oif;
};

static const struct route_short routes[] = {
    {"0.0.0.0/0", "203.0.113.1", "eth0", "foreign", 16, ROUTE_PLAIN, 2},
    {"10.1.0.0/24", NULL, "br1", "vm sand1", 2, ROUTE_PLAIN, 9},
    {"10.210.0.2/32", NULL, "tap0", "vm web1", 77, ROUTE_PLAIN, 10},
    {"10.210.0.3/32", NULL, "tap1", "vm db1", 77, ROUTE_PLAIN, 11},
    {"10.210.0.5/32", NULL, "tap2", "vm build7", 77, ROUTE_PLAIN, 12},
    {"10.210.0.7/32", NULL, "tap6", "vm web3", 77, ROUTE_NEW, 16},
    {"10.210.1.0/24", NULL, "mesh0", "node fra2", 77, ROUTE_NEXTHOP_DOWN, 5},
    {"10.210.2.0/24", NULL, "mesh0", "node lon3", 77, ROUTE_PLAIN, 5},
    {"10.210.3.0/24", NULL, "mesh0", "node par4", 77, ROUTE_PLAIN, 5},
    {"172.16.0.0/30", NULL, "tap4", "vm pair1", 2, ROUTE_PLAIN, 14},
    {"172.17.0.0/16", NULL, "docker0", "foreign", 2, ROUTE_PLAIN, 4},
    {"203.0.113.0/24", NULL, "eth0", "foreign", 2, ROUTE_PLAIN, 2},
    {"fd5e:ed68:d54d:1:0:2:0:10/128", NULL, "tap0", "vm web1", 77, ROUTE_PLAIN, 10},
    {"fd5e:ed68:d54d:1:0:2:0:11/128", NULL, "tap1", "vm db1", 77, ROUTE_PLAIN, 11},
    {"fd5e:ed68:d54d:1:0:2:0:13/128", NULL, "tap2", "vm build7", 77, ROUTE_PLAIN, 12},
    {"fd5e:ed68:d54d:1:0:2:0:17/128", NULL, "tap6", "vm web3", 77, ROUTE_NEW, 16},
    {"fd5e:ed68:d54d:2::/64", NULL, "mesh0", "node fra2", 77, ROUTE_NEXTHOP_DOWN, 5},
    {"fd5e:ed68:d54d:3::/64", NULL, "mesh0", "node lon3", 77, ROUTE_PLAIN, 5},
    {"fd5e:ed68:d54d:4::/64", NULL, "mesh0", "node par4", 77, ROUTE_PLAIN, 5},
    {"fe80::/64", NULL, "tap0", "vm web1", 2, ROUTE_PLAIN, 10},
    {"fe80::/64", NULL, "tap1", "vm db1", 2, ROUTE_PLAIN, 11},
    {"fe80::/64", NULL, "tap2", "vm build7", 2, ROUTE_PLAIN, 12},
    {"fe80::/64", NULL, "tap4", "vm pair1", 2, ROUTE_PLAIN, 14},
    {"fe80::/64", NULL, "tap6", "vm web3", 2, ROUTE_PLAIN, 16},
    {"fe80::/64", NULL, "eth0", "foreign", 2, ROUTE_PLAIN, 2},
    {"fe80::/64", NULL, "docker0", "foreign", 2, ROUTE_PLAIN, 4},
    {"ff00::/8", NULL, "tap0", "vm web1", 2, ROUTE_PLAIN, 10},
    {"ff00::/8", NULL, "tap1", "vm db1", 2, ROUTE_PLAIN, 11},
    {"ff00::/8", NULL, "tap2", "vm build7", 2, ROUTE_PLAIN, 12},
    {"ff00::/8", NULL, "eth0", "foreign", 2, ROUTE_PLAIN, 2},
    {"ff00::/8", NULL, "docker0", "foreign", 2, ROUTE_PLAIN, 4},
};

static void put_routes(struct table *t)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        struct route_row r;
        memset(&r, 0, sizeof r);
        r.id = 500 + i;
        r.dst = addr(routes[i].dst);
        r.gateway = addr(routes[i].gateway);
        r.dev = sym(routes[i].dev);
        r.owner = sym(routes[i].owner);
        r.protocol = (uint8_t)routes[i].protocol;
        r.state = (uint8_t)routes[i].state;
        r.oif = routes[i].oif;
        r.table = 254;
        r.metric = r.dst.family == AF_INET6 ? 1024 : 0;
        r.since_ms = r.state == ROUTE_NEW ? fixture_at(21, 14, 6, 3)
                     : r.state == ROUTE_NEXTHOP_DOWN ? fixture_at(21, 14, 2, 11) : fixture_at(19, 9, 51, 5);
        put(t, &r);
    }
}

static void put_networks(struct table *t)
{
    static const struct {
        const char *name, *shape, *prefix;
        uint32_t vms, free, total;
    } all[] = {
        {"mesh", "mesh", "10.210.0.0/16", 9, 246, 253}, {"dmz", "mesh", "10.210.0.0/16", 1, 246, 253},
        {"pair", "p2p", "172.16.0.0/16", 1, 16383, 16384}, {"sandbox", "isolated", "10.0.0.0/8", 1, 253, 254},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct network_row n;
        memset(&n, 0, sizeof n);
        n.id = i + 1;
        str_copy(n.name, sizeof n.name, all[i].name);
        n.shape = sym(all[i].shape);
        n.prefix = sym(all[i].prefix);
        n.egress = sym("all");
        n.reach = sym("");
        n.domain = sym("internal");
        n.vms = all[i].vms;
        n.free = all[i].free;
        n.total = all[i].total;
        n.mtu = 1420;
        n.nat = 1;
        put(t, &n);
    }
}

static void put_nodes(struct table *t)
{
    static const struct {
        const char *name, *address;
        unsigned state, vms, cpu, mem, disk, up;
    } all[] = {
        {"ams1", "198.51.100.1", NODE_UP, 9, 380, 610, 440, 2}, {"fra2", "198.51.100.7", NODE_LOST, 2, 0, 0, 0, 0},
        {"lon3", "203.0.113.9", NODE_UP, 1, 120, 400, 310, 2}, {"par4", "192.0.2.8", NODE_UP, 0, 20, 110, 90, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct node_row n;
        memset(&n, 0, sizeof n);
        n.id = i + 1;
        str_copy(n.name, sizeof n.name, all[i].name);
        n.state = (uint8_t)all[i].state;
        n.self = i == 0;
        n.address = addr(all[i].address);
        n.endpoints = n.lacks = sym("");
        n.accel = sym("KVM");
        n.version = sym("0.1.0");
        n.vms = all[i].vms;
        n.cpu_permille = all[i].cpu;
        n.mem_permille = all[i].mem;
        n.disk_permille = all[i].disk;
        n.tunnels_up = all[i].up;
        n.tunnels = 3;
        n.seen_ms = i == 1 ? fixture_at(21, 14, 2, 11) : fixture_now_ms();
        put(t, &n);
    }
}

static void put_image(struct table *t)
{
    struct image_row i;

    memset(&i, 0, sizeof i);
    i.id = 1;
    str_copy(i.name, sizeof i.name, "builtin");
    i.format = sym("qcow2");
    i.boot = sym("kernel");
    i.origin = sym("kernel 6.1, busybox");
    i.sha256 = sym("9f2c6a01b7d4e8835a1f");
    i.problem = sym("");
    i.size_bytes = 38u << 20;
    i.used_by = 12;
    i.added_ms = fixture_at(12, 7, 0, 0);
    put(t, &i);
}

static void put_events(struct table *t)
{
    static const struct {
        int day, hour, minute, second;
        unsigned level;
        const char *object, *what, *cause, *who;
    } all[] = {
        {19, 9, 51, 5, EVENT_INFO, "vm web1", "tap0 and 2 routes made", "ticket 12", "boot"},
        {19, 9, 51, 7, EVENT_INFO, "vm web1", "started, SSH after 1.6 s", "ticket 12", "boot"},
        {21, 13, 40, 55, EVENT_WARN, "vm build7", "cpu at its limit", "", ""},
        {21, 13, 58, 40, EVENT_INFO, "vm web1", "memory 256 to 512 MiB", "ticket 37", "ops1 from 198.51.100.20"},
        {21, 14, 2, 11, EVENT_INFO, "peer fra2", "stale -> down", "", ""},
        {21, 14, 6, 2, EVENT_INFO, "vm web3", "create asked", "ticket 41", "ops1 from 198.51.100.20"},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct event_row e;
        memset(&e, 0, sizeof e);
        e.id = 900 + i;
        e.time_ms = fixture_at(all[i].day, all[i].hour, all[i].minute, all[i].second);
        e.level = (uint8_t)all[i].level;
        e.object = sym(all[i].object);
        e.what = sym(all[i].what);
        e.cause = sym(all[i].cause);
        e.who = sym(all[i].who);
        put(t, &e);
    }
}

static void put_alerts(struct table *t)
{
    struct alert_row a;

    if (fixture_change.quiet)
        return;
    memset(&a, 0, sizeof a);
    a.id = 7;
    a.level = ALERT_CRIT;
    a.object = sym("fra2");
    a.view = sym("mesh");
    a.verdict = sym("down");
    a.sentence = sym("packets leave, none return");
    a.acked_by = sym("");
    a.vms = 2;
    a.object_id = 10;
    a.since_ms = fixture_at(21, 14, 2, 11);
    put(t, &a);
    memset(&a, 0, sizeof a);
    a.id = 6;
    a.level = ALERT_WARN;
    a.object = sym("build7");
    a.view = sym("vms");
    a.verdict = sym("at its limit");
    a.sentence = sym("cpu at its limit, 2 of 2 cores");
    a.acked_by = sym("");
    a.vms = 1;
    a.object_id = 100;
    a.since_ms = fixture_at(21, 13, 40, 55);
    put(t, &a);
}

static void put_tickets(struct table *t)
{
    for (uint64_t id = 1; id <= 41; id++) {
        struct ticket_row k;
        memset(&k, 0, sizeof k);
        k.id = id;
        str_copy(k.command, sizeof k.command, id == 41 ? "create web3" : id == 37 ? "set web1" : "boot db1");
        k.verb = sym(id == 41 ? "vm.create" : id == 37 ? "vm.set" : "vm.start");
        k.object = sym(id == 41 ? "web3" : id == 37 ? "web1" : "db1");
        k.state = id == 41 ? TICKET_RUNNING : TICKET_DONE;
        k.step = k.steps = 8;
        k.step_name = sym(id == 41 ? "guest boots to SSH" : "");
        k.error = k.undone = sym("");
        k.by = sym("ops1 from 198.51.100.20");
        k.started_ms = id == 41 ? fixture_at(21, 14, 6, 2) : fixture_at(21, 1, (int)id, 0);
        k.ended_ms = id == 41 ? 0 : k.started_ms + 1600;
        if (id < 41 || !fixture_change.quiet)
            put(t, &k);
    }
}

/* A drawn series back to numbers: each glyph in the middle of its eighth. */
static void load(struct load_series *s, const char *drawn, uint64_t now, uint64_t peak, uint64_t top)
{
    static const char steps[] = "_.:-=+*%#";

    for (size_t i = 0; i < LOAD_CELLS; i++) {
        const char *step = strchr(steps, drawn[i]);
        uint64_t level = (uint64_t)(step - steps);
        s->cells[i] = level ? (level * 2 - 1) * top / 16 : 0;
    }
    s->now = now;
    s->peak = peak;
    s->limit = top;
    s->filled = LOAD_CELLS;
}

static void fill_meta(struct snapshot_meta *m)
{
    memset(m, 0, sizeof *m);
    m->generation = ++generation;
    m->taken_ms = fixture_now_ms();
    str_copy(m->fleet, sizeof m->fleet, "lab");
    str_copy(m->node, sizeof m->node, "ams1");
    str_copy(m->accel, sizeof m->accel, "KVM");
    str_copy(m->version, sizeof m->version, "0.1.0");
    m->production = fixture_change.production;
    m->read_only = fixture_change.read_only;
    if (m->read_only)
        str_copy(m->read_only_why, sizeof m->read_only_why, "not root: sudo meshdeck may change things");
    m->engine_ready = true;
    m->headless_enabled = !fixture_change.no_unit;
    m->consoles = 1;
    m->cores = 16;
    m->memory_bytes = (uint64_t)(31.2 * (1 << 30));
    m->disk_bytes = 466ull << 30;
    memset(m->public_key, 9, sizeof m->public_key);
    str_copy(m->wg_device, sizeof m->wg_device, "mesh0");
    str_copy(m->wg_backend, sizeof m->wg_backend, "kernel");
    m->wg_port = 51820;
    m->fleet_prefix = addr("fd5e:ed68:d54d::/48");
    load(&m->cpu, "..::--==++**++==--::::--==+*=-", 380, 710, 1000);
    load(&m->memory, "++++++++++++++++++++++++++++++", 610, 620, 1000);
    load(&m->disk, "==============================", 440, 440, 1000);
    load(&m->mesh_in, "__..:-==+*%##%*+==--:..__..:=-", 12400000, 31000000, 31000000);
    load(&m->mesh_out, "____....::::-==+%#+==-::....:-", 3100000, 9800000, 9800000);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        m->health[i].checked_ms = fixture_now_ms();
        m->health[i].whole = true;
    }
    if (fixture_change.peers_error) {
        m->health[TABLE_PEERS].checked_ms = fixture_now_ms() - 40000;
        str_copy(m->health[TABLE_PEERS].error, sizeof m->health[TABLE_PEERS].error,
                 fixture_change.peers_error);
    }
}

struct snapshot *fixture_snapshot(void)
{
    static void (*const fill[TABLE_COUNT])(struct table *) = {
        [TABLE_VMS] = put_vms,       [TABLE_PEERS] = put_peers,   [TABLE_ROUTES] = put_routes,
        [TABLE_NETWORKS] = put_networks, [TABLE_NODES] = put_nodes, [TABLE_IMAGES] = put_image,
        [TABLE_EVENTS] = put_events, [TABLE_ALERTS] = put_alerts, [TABLE_TICKETS] = put_tickets,
    };
    struct table_view *views[TABLE_COUNT];
    struct snapshot_meta meta;
    struct snapshot *s;

    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        struct table *t = table_new(row_type_of((enum table_id)i));
        if (fill[i] && !fixture_change.empty)
            fill[i](t);
        views[i] = table_snapshot(t);
        assert(views[i]);
        views[i]->version = generation + 1;
        table_free(t);
    }
    fill_meta(&meta);
    s = snapshot_new_take(&meta, views);
    assert(s);
    return s;
}
