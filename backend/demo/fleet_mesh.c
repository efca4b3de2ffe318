/*
 * The first picture of the simulated fleet: what lies between its VMs. Node 1 is the one whose
 * engine we pretend to be, so routes and links are its own. Demo thread.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

enum {
    HASH_PEER = 20,
    HASH_KEY,
    HASH_NODE,
    HASH_BGP,
    OIF_LO = 1,
    OIF_ETH = 2,
    OIF_MESH = 3,
    OIF_DOCKER = 4,
    OIF_TAP = 10,
    PROTO_KERNEL = 2,
    PROTO_DHCP = 16,
    PROTO_OURS = 77,
    PROTO_BGP = 186,
    MAIN = 254,
};

/* Tunnels that are in trouble from the start, and nodes. */
static const struct {
    uint32_t node;
    enum peer_verdict verdict;
} troubled[] = {
    {17, PEER_STALE}, {44, PEER_ONE_WAY}, {93, PEER_STALE}, {181, PEER_STALE}, {210, PEER_ONE_WAY},
};

static struct addr block4(uint32_t node, uint32_t host, uint8_t len)
{
    return addr_ip4((10u << 24) | (210u << 16) | ((node - 1) << 8) | host, len);
}

static struct endpoint node_endpoint(uint32_t node)
{
    uint32_t net = node < 255 ? 0xc6336400u : 0xcb007100u; /* 198.51.100.0, 203.0.113.0 */
    return (struct endpoint){addr_ip4(net | (node % 255 ? node % 255 : 254), 32), 51820};
}

static void put_route(struct demo *d, struct route_row *r, int *code)
{
    r->id = route_row_id(r);
    r->type = 1; /* unicast */
    if (r->since_ms == 0)
        r->since_ms = d->start_ms - INT64_C(20) * 86400000;
    if (*code == 0)
        *code = table_put(d->tables[TABLE_ROUTES], r, NULL);
}

int demo_guest_routes(struct demo *d, const struct vm_row *vm, bool add, enum route_state state)
{
    const struct addr fleet = demo_fleet_prefix();
    unsigned long tap = strtoul(vm->tap + 3, NULL, 10);
    struct link_row link = {.id = OIF_TAP + tap,
                            .ifindex = OIF_TAP + (uint32_t)tap,
                            .mtu = 1420,
                            .kind = demo_sym("tun"),
                            .up = 1,
                            .carrier = 1,
                            .ours = 1,
                            .alias = demo_sym("meshdeck:vm:%llx", (unsigned long long)vm->id),
                            .mac = {0x02, 0xff, 0, 0, 0, (uint8_t)tap}};
    struct route_row r = {.table = MAIN,
                          .oif = link.ifindex,
                          .protocol = PROTO_OURS,
                          .dev = demo_sym("%s", vm->tap),
                          .owner = demo_sym("vm %s", vm->name),
                          .state = (uint8_t)state,
                          .since_ms = state == ROUTE_NEW ? d->now_ms : vm->since_ms};
    int code = 0;

    (void)str_copy(link.name, sizeof link.name, vm->tap);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        r.dst = v6 ? vm->ip6 : vm->ip4;
        r.prefsrc = v6 ? addr_node_ip6(&fleet, 1) : block4(1, 1, 32);
        r.metric = v6 ? 1024 : 0;
        if (add)
            put_route(d, &r, &code);
        else
            code = table_remove(d->tables[TABLE_ROUTES], &r) < 0 ? -1 : 0;
    }
    if (!add)
        (void)table_remove(d->tables[TABLE_LINKS], &link); /* without memory it stays: a demo */
    else if (code == 0)
        code = table_put(d->tables[TABLE_LINKS], &link, NULL);
    if (state == ROUTE_NEW)
        d->fresh_routes += 2;
    return code;
}

static int mesh_routes(struct demo *d)
{
    const struct addr fleet = demo_fleet_prefix();
    int code = 0;

    for (uint32_t n = 2; n <= d->n_nodes; n++)
        for (unsigned v6 = 0; v6 < 2; v6++) {
            struct route_row r = {.dst = v6 ? addr_node_prefix6(&fleet, (uint16_t)n)
                                            : block4(n, 0, 24),
                                  .table = MAIN,
                                  .oif = OIF_MESH,
                                  .metric = v6 ? 1024 : 0,
                                  .prefsrc = v6 ? addr_node_ip6(&fleet, 1) : block4(1, 1, 32),
                                  .protocol = PROTO_OURS,
                                  .dev = demo_sym("mesh0"),
                                  .owner = demo_sym("node %s", demo_node_name(n))};
            put_route(d, &r, &code);
        }
    return code;
}

/* The host's own, and a table of foreign routes as a border router has it: as many as make one
 * route a VM. */
static int foreign_routes(struct demo *d)
{
    const char *eth = demo_sym("eth0"), *foreign = demo_sym("foreign");
    struct route_row own[] = {
        {.dst = {.family = AF_INET},
         .gateway = addr_ip4(0xcb007101u, 32),
         .oif = OIF_ETH,
         .dev = eth,
         .protocol = PROTO_DHCP},
        {.dst = addr_ip4(0xcb007100u, 24), .oif = OIF_ETH, .dev = eth, .protocol = PROTO_KERNEL},
        {.dst = addr_ip4(0xac110000u, 16),
         .oif = OIF_DOCKER,
         .dev = demo_sym("docker0"),
         .protocol = PROTO_KERNEL},
        {.dst = {AF_INET6, 64, {0xfe, 0x80}},
         .oif = OIF_ETH,
         .dev = eth,
         .protocol = PROTO_KERNEL,
         .metric = 256},
    };
    int code = 0;

    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        own[i].table = MAIN;
        own[i].owner = foreign;
        put_route(d, &own[i], &code);
    }
    size_t have = table_count(d->tables[TABLE_ROUTES]);
    uint32_t want = d->n_vms > have ? d->n_vms - (uint32_t)have : 0;
    for (uint32_t i = 0; i < want; i++) {
        uint64_t h = demo_hash(d, HASH_BGP, i);
        uint32_t net = 0x100000u + i * 120u + (uint32_t)(h % 120);
        net += net >> 16 == 0x7f ? 0x500000u : 0; /* not 127.0.0.0/8 */
        struct route_row r = {.dst = addr_ip4(net << 8, 24),
                              .gateway = addr_ip4(0xcb007101u + (uint32_t)((h >> 16) % 4), 32),
                              .table = MAIN,
                              .metric = 20,
                              .oif = OIF_ETH,
                              .dev = eth,
                              .protocol = PROTO_BGP,
                              .owner = foreign,
                              .since_ms = d->start_ms - (int64_t)((h >> 24) % (40 * 86400)) * 1000};
        put_route(d, &r, &code);
    }
    return code;
}

static void peer_traffic(struct demo *d, struct peer_row *p, uint64_t h)
{
    int64_t shake_s = 1 + (int64_t)(h % 118);

    p->rx_bps = 1000 * (1 + (h >> 8) % 900) << (h >> 20) % 6;
    p->tx_bps = 1000 * (1 + (h >> 30) % 900) << (h >> 42) % 5;
    if (p->verdict == PEER_STALE)
        shake_s = 200 + (int64_t)(h % 40);
    if (p->verdict == PEER_STALE || p->verdict == PEER_ONE_WAY)
        p->rx_bps = 0;
    if (p->verdict == PEER_IDLE) {
        shake_s = 3600 + (int64_t)(h % 30000);
        p->rx_bps = p->tx_bps = 0;
    }
    p->rx_bytes = (h >> 12) % (UINT64_C(4) << 40);
    p->tx_bytes = (h >> 16) % (UINT64_C(4) << 40);
    p->handshake_ms = d->start_ms - shake_s * 1000;
    p->last_in_ms = p->rx_bps ? d->start_ms - 500 : d->start_ms - shake_s * 1000 - 20000;
    p->since_ms = p->verdict == PEER_HEALTHY ? d->start_ms - (int64_t)((h >> 8) % 864000) * 1000
                                             : p->last_in_ms + 15000;
}

static const char *evidence(const struct peer_row *p)
{
    switch ((enum peer_verdict)p->verdict) {
    case PEER_HEALTHY:
        return demo_sym("shakes hands every two minutes, bytes both ways");
    case PEER_IDLE:
        return demo_sym("expected sometimes, and quiet now");
    case PEER_STALE:
        return demo_sym("its endpoint has changed: handshakes leave, no answer from the one known");
    case PEER_ONE_WAY:
        return demo_sym("handshakes are fresh, but no byte comes back: a firewall on its side?");
    case PEER_NEVER:
    case PEER_CLAIMED:
    case PEER_MISMATCH:
    case PEER_DOWN:
    case PEER_VERDICT_COUNT:
        break;
    }
    return demo_sym("packets leave, none return");
}

static int put_peer(struct demo *d, struct peer_row *p, uint64_t number)
{
    p->id = number;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t h = demo_hash(d, HASH_KEY, number * 4 + i);
        memcpy(p->public_key + 8 * i, &h, 8);
    }
    peer_traffic(d, p, demo_hash(d, HASH_PEER, number));
    p->evidence = evidence(p);
    return table_put(d->tables[TABLE_PEERS], p, NULL);
}

static int peers(struct demo *d, const uint32_t *vms)
{
    static const char *const laptops[] = {"ops1-mac", "ops2-x1", "ops3-mac", "night-pad"};
    const struct addr fleet = demo_fleet_prefix();
    int code = 0;

    for (uint32_t n = 2; code == 0 && n <= d->n_nodes; n++) {
        struct addr p4 = block4(n, 0, 24), p6 = addr_node_prefix6(&fleet, (uint16_t)n);
        char t4[ADDR_TEXT], t6[ADDR_TEXT];
        struct peer_row p = {.endpoint = node_endpoint(n),
                             .keepalive_s = 25,
                             .vms = vms[n],
                             .expected = demo_sym("always"),
                             .verdict = PEER_HEALTHY,
                             .allowed_ips = demo_sym("%s %s", addr_format(&p6, true, t6),
                                                     addr_format(&p4, true, t4))};
        for (size_t i = 0; i < ARRAY_LEN(troubled); i++)
            if (troubled[i].node == n)
                p.verdict = (uint8_t)troubled[i].verdict;
        (void)str_copy(p.name, sizeof p.name, demo_node_name(n));
        code = put_peer(d, &p, n);
    }
    for (uint32_t i = 0; code == 0 && d->n_nodes > 1 && i < ARRAY_LEN(laptops); i++) {
        struct addr p6 = addr_guest_ip6(&fleet, 0, 1, 16 + i);
        char t6[ADDR_TEXT];
        struct peer_row p = {.endpoint = {addr_ip4(0xc0000220u + i * 7, 32), (uint16_t)(38211 + i)},
                             .keepalive_s = 25,
                             .expected = demo_sym("sometimes"),
                             .verdict = i == 1 ? PEER_HEALTHY : PEER_IDLE,
                             .allowed_ips = demo_sym("%s/128", addr_format(&p6, false, t6))};
        (void)str_copy(p.name, sizeof p.name, laptops[i]);
        code = put_peer(d, &p, 1000 + i);
    }
    d->next_peer = 2000;
    return code;
}

static int nodes(struct demo *d, const uint32_t *vms)
{
    int code = 0;

    for (uint32_t n = 1; code == 0 && n <= d->n_nodes; n++) {
        uint64_t h = demo_hash(d, HASH_NODE, n);
        char text[ADDR_ENDPOINT_TEXT];
        struct endpoint ep = node_endpoint(n);
        struct node_row r = {.id = n,
                             .state = NODE_UP,
                             .self = n == 1,
                             .address = block4(n, 1, 32),
                             .endpoints = demo_sym("%s", addr_endpoint_format(&ep, text)),
                             .accel = demo_sym("simulated"),
                             .version = d->meta.version[0] ? demo_sym("%s", d->meta.version)
                                                           : text_intern(NULL),
                             .lacks = text_intern(NULL),
                             .vms = vms[n],
                             .cpu_permille = 120 + (uint32_t)(h % 520),
                             .mem_permille = 400 + (uint32_t)((h >> 16) % 420),
                             .disk_permille = 250 + (uint32_t)((h >> 32) % 480),
                             .tunnels = d->n_nodes - 1,
                             .tunnels_up = d->n_nodes - 1,
                             .seen_ms = d->start_ms};
        if (n == 112) {
            r.state = NODE_PARTIAL;
            r.lacks = demo_sym("QMP of 1 VM does not answer: its state is not known");
        }
        if (n == 200)
            r.state = NODE_DRAINING;
        for (size_t i = 0; n == 1 && i < ARRAY_LEN(troubled); i++)
            r.tunnels_up -= troubled[i].node <= d->n_nodes;
        (void)str_copy(r.name, sizeof r.name, demo_node_name(n));
        code = table_put(d->tables[TABLE_NODES], &r, NULL);
    }
    return code;
}

static int links(struct demo *d)
{
    static const struct {
        uint32_t index, mtu;
        const char *name, *kind, *alias;
    } of[] = {
        {OIF_LO, 65536, "lo", "", ""},
        {OIF_ETH, 1500, "eth0", "", ""},
        {OIF_MESH, 1420, "mesh0", "wireguard", "meshdeck:wg:mesh"},
        {OIF_DOCKER, 1500, "docker0", "bridge", ""},
    };
    int code = 0;

    for (size_t i = 0; code == 0 && i < ARRAY_LEN(of); i++) {
        struct link_row r = {.id = of[i].index,
                             .ifindex = of[i].index,
                             .mtu = of[i].mtu,
                             .up = 1,
                             .carrier = 1,
                             .ours = of[i].alias[0] != '\0',
                             .kind = demo_sym("%s", of[i].kind),
                             .alias = demo_sym("%s", of[i].alias)};
        (void)str_copy(r.name, sizeof r.name, of[i].name);
        code = table_put(d->tables[TABLE_LINKS], &r, NULL);
    }
    return code;
}

static int networks(struct demo *d, uint32_t mesh, uint32_t dmz)
{
    static const struct {
        const char *name, *shape, *prefix, *egress, *reach;
        uint32_t total, mtu;
        uint8_t nat;
    } of[] = {
        {"mesh", "mesh", "10.210.0.0/16", "all", "dmz", 64515, 1420, 1},
        {"dmz", "mesh", "10.210.0.0/16", "80/tcp 443/tcp", "", 64515, 1420, 1},
        {"lab", "bridge", "10.64.0.0/24", "all", "", 253, 1500, 1},
        {"pair", "p2p", "172.16.0.0/16", "all", "", 16384, 1420, 1},
        {"sandbox", "isolated", "10.1.0.0/24", "none", "", 253, 1420, 0},
    };
    int code = 0;

    for (uint32_t i = 0; code == 0 && i < ARRAY_LEN(of); i++) {
        uint32_t own = i == 0 ? mesh : i == 1 ? dmz : 0;
        uint32_t taken = i < 2 ? mesh + dmz : 0; /* the mesh shape shares its pool */
        struct network_row r = {.id = i + ADDR_MESH_NETWORK,
                                .shape = demo_sym("%s", of[i].shape),
                                .prefix = demo_sym("%s", of[i].prefix),
                                .nat = of[i].nat,
                                .egress = demo_sym("%s", of[i].egress),
                                .reach = demo_sym("%s", of[i].reach),
                                .domain = demo_sym("internal"),
                                .mtu = of[i].mtu,
                                .vms = own,
                                .total = of[i].total,
                                .free = of[i].total - taken};
        (void)str_copy(r.name, sizeof r.name, of[i].name);
        code = table_put(d->tables[TABLE_NETWORKS], &r, NULL);
    }
    return code;
}

static int images(struct demo *d, const uint32_t *used)
{
    static const struct {
        const char *name, *format, *boot, *origin, *problem;
        uint32_t mib;
    } of[] = {
        {"builtin", "qcow2", "kernel", "make guest", "", 38},
        {"deb12", "qcow2", "uefi", "cloud.debian.org", "", 412},
        {"alpine320", "qcow2", "kernel", "imported by ops1", "", 96},
        {"win-lab", "raw", "bios", "imported by ops2", "its checksum differs: import it again",
         9800},
    };
    int code = 0;

    for (uint32_t i = 0; code == 0 && i < ARRAY_LEN(of); i++) {
        uint64_t h = demo_hash(d, HASH_KEY, 100000 + i);
        struct image_row r = {.id = i + 1,
                              .format = demo_sym("%s", of[i].format),
                              .boot = demo_sym("%s", of[i].boot),
                              .origin = demo_sym("%s", of[i].origin),
                              .problem = demo_sym("%s", of[i].problem),
                              .sha256 =
                                  demo_sym("%016llx%016llx%016llx%016llx", (unsigned long long)h,
                                           (unsigned long long)(h * 3), (unsigned long long)~h,
                                           (unsigned long long)(h * 7)),
                              .size_bytes = (uint64_t)of[i].mib << 20,
                              .used_by = i < 3 ? used[i] : 0,
                              .added_ms = d->start_ms - INT64_C(86400000) * (30 + 11 * i)};
        (void)str_copy(r.name, sizeof r.name, of[i].name);
        code = table_put(d->tables[TABLE_IMAGES], &r, NULL);
    }
    return code;
}

int demo_mesh_build(struct demo *d)
{
    uint32_t vms[DEMO_NODES + 1] = {0}, used[3] = {0}, dmz = 0;

    for (size_t i = 0; i < table_count(d->tables[TABLE_VMS]); i++) {
        const struct vm_row *r = table_at(d->tables[TABLE_VMS], i);
        vms[strtoul(r->node + 1, NULL, 10)]++;
        used[r->image[0] == 'b' ? 0 : r->image[0] == 'd' ? 1 : 2]++;
        dmz += demo_vm_network(r) == DEMO_DMZ_NETWORK;
    }
    int code = mesh_routes(d);
    code = code ? code : foreign_routes(d);
    code = code ? code : peers(d, vms);
    code = code ? code : nodes(d, vms);
    code = code ? code : links(d);
    code = code ? code : networks(d, d->n_vms - dmz, dmz);
    return code ? code : images(d, used);
}
