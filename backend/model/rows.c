/*
 * What each row type is made of: its order, its fields, the words of its enums. Pure data and pure
 * functions; any thread. A field that is missing here is lost in --json and on the control socket,
 * so a test checks that the tables cover every byte of the structs.
 */
#include "backend/model/rows.h"

#include <stdio.h>
#include <string.h>

#include "backend/model/text.h"

const char *const vm_state_names[VM_STATE_COUNT + 1] = {
    [VM_STATE_STOPPED] = "stopped",   [VM_STATE_STARTING] = "starting",
    [VM_STATE_RUNNING] = "running",   [VM_STATE_PAUSED] = "paused",
    [VM_STATE_STOPPING] = "stopping", [VM_STATE_MOVING] = "moving",
    [VM_STATE_FAILED] = "failed",     [VM_STATE_UNKNOWN] = "unknown",
};
const char *const peer_verdict_names[PEER_VERDICT_COUNT + 1] = {
    [PEER_HEALTHY] = "healthy",   [PEER_IDLE] = "idle",       [PEER_NEVER] = "never",
    [PEER_STALE] = "stale",       [PEER_ONE_WAY] = "one-way", [PEER_CLAIMED] = "claimed",
    [PEER_MISMATCH] = "mismatch", [PEER_DOWN] = "down",
};
const char *const node_state_names[NODE_STATE_COUNT + 1] = {
    [NODE_UP] = "up",           [NODE_DRAINING] = "draining", [NODE_READONLY] = "readonly",
    [NODE_PARTIAL] = "partial", [NODE_LOST] = "lost",
};
const char *const route_state_names[ROUTE_STATE_COUNT + 1] = {
    [ROUTE_PLAIN] = "plain",
    [ROUTE_NEW] = "new",
    [ROUTE_CHANGED] = "changed",
    [ROUTE_GONE] = "gone",
    [ROUTE_NEXTHOP_DOWN] = "nexthop-down",
};
const char *const ticket_state_names[TICKET_STATE_COUNT + 1] = {
    [TICKET_ACCEPTED] = "accepted",
    [TICKET_RUNNING] = "running",
    [TICKET_DONE] = "done",
    [TICKET_FAILED] = "failed",
};
const char *const alert_level_names[ALERT_LEVEL_COUNT + 1] = {
    [ALERT_WARN] = "warn",
    [ALERT_CRIT] = "crit",
};
const char *const event_level_names[EVENT_LEVEL_COUNT + 1] = {
    [EVENT_INFO] = "info",
    [EVENT_WARN] = "warn",
    [EVENT_CRIT] = "crit",
};

#define F(row, json_name, kind_, member)                                                           \
    {                                                                                              \
        .name = json_name, .kind = kind_, .offset = offsetof(struct row, member),                  \
        .size = sizeof(((struct row *)0)->member)                                                  \
    }
#define FE(row, json_name, member, words)                                                          \
    {                                                                                              \
        .name = json_name, .kind = FIELD_ENUM, .offset = offsetof(struct row, member), .size = 1,  \
        .names = words                                                                             \
    }

static const struct field vm_fields[] = {
    F(vm_row, "name", FIELD_TEXT, name),
    F(vm_row, "id", FIELD_U64, id),
    FE(vm_row, "state", state, vm_state_names),
    F(vm_row, "node", FIELD_SYM, node),
    F(vm_row, "network", FIELD_SYM, network),
    F(vm_row, "ipv4", FIELD_ADDR, ip4),
    F(vm_row, "ipv6", FIELD_ADDR, ip6),
    F(vm_row, "mac", FIELD_MAC, mac),
    F(vm_row, "tap", FIELD_TEXT, tap),
    F(vm_row, "vcpus", FIELD_U32, vcpus),
    F(vm_row, "memory_mib", FIELD_U32, memory_mib),
    F(vm_row, "disk_gib", FIELD_U32, disk_gib),
    F(vm_row, "image", FIELD_SYM, image),
    F(vm_row, "pid", FIELD_U32, pid),
    F(vm_row, "ports", FIELD_LIST, ports),
    F(vm_row, "labels", FIELD_LIST, labels),
    F(vm_row, "accel", FIELD_SYM, accel),
    F(vm_row, "reason", FIELD_SYM, reason),
    F(vm_row, "wanted", FIELD_BOOL, wanted),
    F(vm_row, "remote", FIELD_BOOL, remote),
    F(vm_row, "cpu_permille", FIELD_U32, cpu_permille),
    F(vm_row, "rss_mib", FIELD_U32, rss_mib),
    F(vm_row, "rx_bps", FIELD_U64, rx_bps),
    F(vm_row, "tx_bps", FIELD_U64, tx_bps),
    F(vm_row, "disk_bytes", FIELD_U64, disk_bytes),
    F(vm_row, "since", FIELD_INSTANT, since_ms),
    F(vm_row, "created", FIELD_INSTANT, created_ms),
};

static const struct field peer_fields[] = {
    F(peer_row, "name", FIELD_TEXT, name),
    F(peer_row, "id", FIELD_U64, id),
    F(peer_row, "public_key", FIELD_KEY, public_key),
    F(peer_row, "endpoint", FIELD_ENDPOINT, endpoint),
    F(peer_row, "allowed_ips", FIELD_LIST, allowed_ips),
    F(peer_row, "latest_handshake", FIELD_INSTANT, handshake_ms),
    F(peer_row, "rx_bytes", FIELD_U64, rx_bytes),
    F(peer_row, "tx_bytes", FIELD_U64, tx_bytes),
    FE(peer_row, "verdict", verdict, peer_verdict_names),
    F(peer_row, "evidence", FIELD_SYM, evidence),
    F(peer_row, "expected", FIELD_SYM, expected),
    F(peer_row, "foreign", FIELD_BOOL, foreign),
    F(peer_row, "keepalive_s", FIELD_U16, keepalive_s),
    F(peer_row, "vms", FIELD_U32, vms),
    F(peer_row, "last_in", FIELD_INSTANT, last_in_ms),
    F(peer_row, "since", FIELD_INSTANT, since_ms),
    F(peer_row, "rx_bps", FIELD_U64, rx_bps),
    F(peer_row, "tx_bps", FIELD_U64, tx_bps),
};

static const struct field route_fields[] = {
    F(route_row, "dst", FIELD_ADDR, dst),
    F(route_row, "id", FIELD_U64, id),
    F(route_row, "gateway", FIELD_ADDR, gateway),
    F(route_row, "dev", FIELD_SYM, dev),
    F(route_row, "oif", FIELD_U32, oif),
    F(route_row, "table", FIELD_U32, table),
    F(route_row, "protocol", FIELD_U8, protocol),
    F(route_row, "metric", FIELD_U32, metric),
    F(route_row, "owner", FIELD_SYM, owner),
    F(route_row, "prefsrc", FIELD_ADDR, prefsrc),
    F(route_row, "type", FIELD_U8, type),
    F(route_row, "scope", FIELD_U8, scope),
    FE(route_row, "state", state, route_state_names),
    F(route_row, "since", FIELD_INSTANT, since_ms),
};

static const struct field link_fields[] = {
    F(link_row, "name", FIELD_TEXT, name),       F(link_row, "id", FIELD_U64, id),
    F(link_row, "ifindex", FIELD_U32, ifindex),  F(link_row, "mtu", FIELD_U32, mtu),
    F(link_row, "master", FIELD_U32, master),    F(link_row, "kind", FIELD_SYM, kind),
    F(link_row, "alias", FIELD_SYM, alias),      F(link_row, "up", FIELD_BOOL, up),
    F(link_row, "carrier", FIELD_BOOL, carrier), F(link_row, "ours", FIELD_BOOL, ours),
    F(link_row, "mac", FIELD_MAC, mac),
};

static const struct field network_fields[] = {
    F(network_row, "name", FIELD_TEXT, name),   F(network_row, "id", FIELD_U64, id),
    F(network_row, "shape", FIELD_SYM, shape),  F(network_row, "prefix", FIELD_LIST, prefix),
    F(network_row, "nat", FIELD_BOOL, nat),     F(network_row, "egress", FIELD_LIST, egress),
    F(network_row, "reach", FIELD_LIST, reach), F(network_row, "domain", FIELD_SYM, domain),
    F(network_row, "vms", FIELD_U32, vms),      F(network_row, "free", FIELD_U32, free),
    F(network_row, "total", FIELD_U32, total),  F(network_row, "mtu", FIELD_U32, mtu),
};

static const struct field node_fields[] = {
    F(node_row, "name", FIELD_TEXT, name),
    F(node_row, "id", FIELD_U64, id),
    FE(node_row, "state", state, node_state_names),
    F(node_row, "address", FIELD_ADDR, address),
    F(node_row, "endpoints", FIELD_LIST, endpoints),
    F(node_row, "vms", FIELD_U32, vms),
    F(node_row, "self", FIELD_BOOL, self),
    F(node_row, "accel", FIELD_SYM, accel),
    F(node_row, "version", FIELD_SYM, version),
    F(node_row, "lacks", FIELD_SYM, lacks),
    F(node_row, "cpu_permille", FIELD_U32, cpu_permille),
    F(node_row, "mem_permille", FIELD_U32, mem_permille),
    F(node_row, "disk_permille", FIELD_U32, disk_permille),
    F(node_row, "tunnels_up", FIELD_U32, tunnels_up),
    F(node_row, "tunnels", FIELD_U32, tunnels),
    F(node_row, "seen", FIELD_INSTANT, seen_ms),
};

static const struct field image_fields[] = {
    F(image_row, "name", FIELD_TEXT, name),      F(image_row, "id", FIELD_U64, id),
    F(image_row, "format", FIELD_SYM, format),   F(image_row, "boot", FIELD_SYM, boot),
    F(image_row, "origin", FIELD_SYM, origin),   F(image_row, "sha256", FIELD_SYM, sha256),
    F(image_row, "problem", FIELD_SYM, problem), F(image_row, "size_bytes", FIELD_U64, size_bytes),
    F(image_row, "used_by", FIELD_U32, used_by), F(image_row, "added", FIELD_INSTANT, added_ms),
};

static const struct field event_fields[] = {
    F(event_row, "id", FIELD_U64, id),
    F(event_row, "time", FIELD_INSTANT, time_ms),
    FE(event_row, "level", level, event_level_names),
    F(event_row, "object", FIELD_SYM, object),
    F(event_row, "what", FIELD_SYM, what),
    F(event_row, "cause", FIELD_SYM, cause),
    F(event_row, "who", FIELD_SYM, who),
};

static const struct field alert_fields[] = {
    F(alert_row, "id", FIELD_U64, id),
    FE(alert_row, "level", level, alert_level_names),
    F(alert_row, "object", FIELD_SYM, object),
    F(alert_row, "verdict", FIELD_SYM, verdict),
    F(alert_row, "sentence", FIELD_SYM, sentence),
    F(alert_row, "view", FIELD_SYM, view),
    F(alert_row, "object_id", FIELD_U64, object_id),
    F(alert_row, "vms", FIELD_U32, vms),
    F(alert_row, "acked", FIELD_BOOL, acked),
    F(alert_row, "acked_by", FIELD_SYM, acked_by),
    F(alert_row, "since", FIELD_INSTANT, since_ms),
    F(alert_row, "ended", FIELD_INSTANT, ended_ms),
};

static const struct field ticket_fields[] = {
    F(ticket_row, "id", FIELD_U64, id),
    F(ticket_row, "command", FIELD_TEXT, command),
    FE(ticket_row, "state", state, ticket_state_names),
    F(ticket_row, "step", FIELD_U32, step),
    F(ticket_row, "steps", FIELD_U32, steps),
    F(ticket_row, "step_name", FIELD_SYM, step_name),
    F(ticket_row, "error", FIELD_SYM, error),
    F(ticket_row, "undone", FIELD_SYM, undone),
    F(ticket_row, "by", FIELD_SYM, by),
    F(ticket_row, "verb", FIELD_SYM, verb),
    F(ticket_row, "object", FIELD_SYM, object),
    F(ticket_row, "started", FIELD_INSTANT, started_ms),
    F(ticket_row, "ended", FIELD_INSTANT, ended_ms),
};

static int by_id(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

#define BY_NAME(row)                                                                               \
    static int by_##row##_name(const void *a, const void *b)                                       \
    {                                                                                              \
        return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);               \
    }
BY_NAME(vm_row)
BY_NAME(peer_row)
BY_NAME(network_row)
BY_NAME(node_row)
BY_NAME(image_row)

static int by_ifindex(const void *a, const void *b)
{
    uint32_t x = ((const struct link_row *)a)->ifindex, y = ((const struct link_row *)b)->ifindex;
    return (x > y) - (x < y);
}

static int by_route(const void *a, const void *b)
{
    const struct route_row *x = a, *y = b;
    int r = addr_compare(&x->dst, &y->dst);

    if (r == 0)
        r = (x->table > y->table) - (x->table < y->table);
    if (r == 0)
        r = (x->metric > y->metric) - (x->metric < y->metric);
    if (r == 0)
        r = (x->oif > y->oif) - (x->oif < y->oif);
    return r ? r : addr_compare(&x->gateway, &y->gateway);
}

#define TYPE(word, row, table, order)                                                              \
    {                                                                                              \
        .name = word, .size = sizeof(struct row), .fields = table, .n_fields = ARRAY_LEN(table),   \
        .compare = order                                                                           \
    }

static const struct row_type types[TABLE_COUNT] = {
    [TABLE_VMS] = TYPE("vms", vm_row, vm_fields, by_vm_row_name),
    [TABLE_PEERS] = TYPE("peers", peer_row, peer_fields, by_peer_row_name),
    [TABLE_ROUTES] = TYPE("routes", route_row, route_fields, by_route),
    [TABLE_LINKS] = TYPE("links", link_row, link_fields, by_ifindex),
    [TABLE_NETWORKS] = TYPE("networks", network_row, network_fields, by_network_row_name),
    [TABLE_NODES] = TYPE("nodes", node_row, node_fields, by_node_row_name),
    [TABLE_IMAGES] = TYPE("images", image_row, image_fields, by_image_row_name),
    [TABLE_EVENTS] = TYPE("events", event_row, event_fields, by_id),
    [TABLE_ALERTS] = TYPE("alerts", alert_row, alert_fields, by_id),
    [TABLE_TICKETS] = TYPE("tickets", ticket_row, ticket_fields, by_id),
};

const struct row_type *row_type_of(enum table_id id)
{
    return &types[id];
}

enum table_id row_table_find(const char *name)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        if (strcmp(types[i].name, name) == 0)
            return (enum table_id)i;
    return TABLE_COUNT;
}

bool row_equal(const struct row_type *type, const void *a, const void *b)
{
    const char *x = a, *y = b;

    if (memcmp(a, b, type->size) == 0)
        return true;
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *f = &type->fields[i];
        bool same = f->kind == FIELD_TEXT ? strncmp(x + f->offset, y + f->offset, f->size) == 0
                                          : memcmp(x + f->offset, y + f->offset, f->size) == 0;
        if (!same)
            return false;
    }
    return true;
}

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}

uint64_t route_row_id(const struct route_row *r)
{
    uint64_t h = mix(14695981039346656037u, &r->dst, sizeof r->dst);

    h = mix(h, &r->table, sizeof r->table);
    h = mix(h, &r->metric, sizeof r->metric);
    h = mix(h, &r->oif, sizeof r->oif);
    h = mix(h, &r->gateway, sizeof r->gateway);
    h = (h ^ (h >> 29)) & ((UINT64_C(1) << 53) - 1);
    return h ? h : 1;
}

const char *route_protocol_name(uint8_t protocol, char buf[static 8])
{
    static const struct {
        uint8_t number;
        const char *name;
    } known[] = {
        {0, "unspec"}, {1, "redirect"}, {2, "kernel"}, {3, "boot"},  {4, "static"},
        {9, "ra"},     {11, "zebra"},   {12, "bird"},  {16, "dhcp"}, {77, "meshdeck"},
        {186, "bgp"},  {187, "isis"},   {188, "ospf"}, {189, "rip"}, {192, "eigrp"},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].number == protocol)
            return known[i].name;
    snprintf(buf, 8, "%u", protocol);
    return buf;
}
