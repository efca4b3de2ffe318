/* The demo's answers about one object, made up from its row and its number. Demo thread. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

enum { HASH_HISTORY = 80, CELL_MS = 10000, JOURNAL_MAX = 30 };

void demo_line(json_t *lines, const char *label, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_array_append_new(lines, json_pack("{s:s, s:s}", "label", label, "text", text));
}

/* Cells of a VM's last five minutes: round about `now`, or climbing to the limit before it failed.
 */
static json_t *cells(const struct demo *d, const struct vm_row *r, uint32_t series, uint64_t now,
                     bool climbs)
{
    json_t *list = json_array();
    int64_t first = (d->churn ? d->now_ms : d->start_ms) / CELL_MS - LOAD_CELLS;

    for (int i = 0; i < LOAD_CELLS; i++) {
        uint64_t h = demo_hash(d, HASH_HISTORY + series, r->id * 1000003u + (uint64_t)(first + i));
        uint64_t v = climbs ? now * (uint64_t)(i < 4 ? 2 : i / 2 + 1) / (LOAD_CELLS / 2)
                            : now * (60 + h % 81) / 100;
        if (i == LOAD_CELLS - 1 && !climbs)
            v = now;
        json_array_append_new(list, json_integer((json_int_t)v));
    }
    return list;
}

static json_t *history(const struct demo *d, const struct vm_row *r)
{
    bool failed = r->state == VM_STATE_FAILED;

    if (!r->pid && !failed)
        return json_pack("{s:[], s:[], s:[], s:[], s:[]}", "cpu", "memory", "disk", "rx", "tx");
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "cpu",
                     cells(d, r, 0, failed ? r->vcpus * 1000u : r->cpu_permille, failed), "memory",
                     cells(d, r, 1, failed ? r->memory_mib : r->rss_mib, failed), "disk",
                     cells(d, r, 2, r->disk_bytes, false), "rx",
                     cells(d, r, 3, failed ? 400000 : r->rx_bps, false), "tx",
                     cells(d, r, 4, failed ? 900000 : r->tx_bps, false));
}

json_t *demo_vm_serial(struct demo *d, const struct vm_row *r, size_t n)
{
    char ip4[ADDR_TEXT], ip6[ADDR_TEXT], line[160];
    const char *const oom[] = {
        "[  231.402] node invoked oom-killer: order=0",
        "[  231.409] Mem-Info: active_anon:118204",
        "[  231.455] Out of memory: Killed process 211 (node)",
        "[  231.871] node invoked oom-killer: order=0",
        "[  231.940] Kernel panic: no killable processes",
    };
    const char *const boot[] = {
        "[    0.000] Linux version 6.1.0-cloud-amd64 (simulated)",
        "[    0.412] virtio-mmio: 4 devices",
        "[    0.812] virtio_blk virtio2: [vda] 20971520 512-byte logical blocks",
        "[    1.043] Run /init as init process",
        "[    1.311] random: crng init done",
    };
    json_t *lines = json_array();

    (void)d;
    for (size_t i = 0; i < ARRAY_LEN(boot); i++)
        json_array_append_new(lines, json_string(boot[i]));
    (void)snprintf(line, sizeof line, "seed: hostname %s, 2 keys, ipv6 %s, ipv4 %s", r->name,
                   addr_format(&r->ip6, false, ip6), addr_format(&r->ip4, false, ip4));
    json_array_append_new(lines, json_string(line));
    json_array_append_new(lines, json_string("dropbear: listening on port 22"));
    for (size_t i = 0; r->state == VM_STATE_FAILED && i < ARRAY_LEN(oom); i++)
        json_array_append_new(lines, json_string(oom[i]));
    while (json_array_size(lines) > n)
        json_array_remove(lines, 0);
    return lines;
}

/* What the events say of it, newest first, and its beginning. */
static json_t *journal(struct demo *d, const struct vm_row *r)
{
    const struct row_type *type = row_type_of(TABLE_EVENTS);
    const struct table *t = d->tables[TABLE_EVENTS];
    json_t *list = json_array();
    char object[48];

    (void)snprintf(object, sizeof object, "vm %s", r->name);
    for (size_t i = table_count(t); i-- > 0 && json_array_size(list) < JOURNAL_MAX;) {
        const struct event_row *ev = table_at(d->tables[TABLE_EVENTS], i);
        if (strcmp(ev->object, object) == 0)
            json_array_append_new(list, row_to_json(type, ev));
    }
    struct event_row created = {
        .time_ms = r->created_ms,
        .object = demo_sym("%s", object),
        .what = demo_sym("created"),
        .who = demo_sym("ops1"),
        .cause = demo_sym("ticket %u", r->id == 56 ? 88021u : 20000 + (unsigned)(r->id % 60000))};
    json_array_append_new(list, row_to_json(type, &created));
    return list;
}

json_t *demo_vm_detail(struct demo *d, const struct vm_row *r)
{
    const struct addr fleet = demo_fleet_prefix(), dns = addr_dns_ip6(&fleet);
    char dns_text[ADDR_TEXT], fqdn[48], key[64];
    const char *ended = r->state == VM_STATE_FAILED ? r->reason : "";

    (void)snprintf(fqdn, sizeof fqdn, "%s.internal", r->name);
    (void)snprintf(key, sizeof key, "SHA256:%016" PRIx64 "%016" PRIx64, demo_hash(d, 81, r->id),
                   demo_hash(d, 82, r->id));
    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "vm",
                     row_to_json(row_type_of(TABLE_VMS), r), "gateway4", "169.254.1.1", "gateway6",
                     "fe80::1", "dns", addr_format(&dns, false, dns_text), "fqdn", fqdn, "mtu",
                     1420, "user", "meshdeck-vm", "machine", "microvm", "host_key", key, "history",
                     history(d, r), "serial", demo_vm_serial(d, r, 5), "journal", journal(d, r),
                     "exit", ended);
}

static json_t *log_of(struct demo *d, const struct vm_row *r, const json_t *args)
{
    const json_t *n = json_object_get(args, "lines");
    return json_pack("{s:o, s:b}", "lines",
                     demo_vm_serial(d, r, n ? (size_t)json_integer_value(n) : 200), "cut", 0);
}

static json_t *peer_detail(const struct peer_row *p)
{
    json_t *lines = json_array();
    char ep[ADDR_ENDPOINT_TEXT];

    demo_line(lines, "verdict", "%s: %s", peer_verdict_names[p->verdict], p->evidence);
    demo_line(lines, "counters", "%" PRIu64 " B in, %" PRIu64 " B out since it was added",
              p->rx_bytes, p->tx_bytes);
    demo_line(lines, "endpoint", "%s from its node record", addr_endpoint_format(&p->endpoint, ep));
    demo_line(lines, "other", "[2001:db8:%x::7]:51820 never tried", (unsigned)p->id);
    demo_line(lines, "underlay", "via 203.0.113.1 dev eth0, link up");
    demo_line(lines, "prefixes", "%s   no other peer claims them", p->allowed_ips);
    demo_line(lines, "keepalive", p->keepalive_s ? "%u s, so silence is not idleness" : "%u: off",
              p->keepalive_s);
    demo_line(lines, "behind it", "%u VMs", p->vms);
    return json_pack("{s:o, s:o}", "peer", row_to_json(row_type_of(TABLE_PEERS), p), "lines",
                     lines);
}

static json_t *route_detail(const struct route_row *r)
{
    json_t *lines = json_array();
    char dst[ADDR_TEXT], gw[ADDR_TEXT], proto[8], command[200];

    addr_format(&r->dst, true, dst);
    addr_format(&r->gateway, false, gw);
    demo_line(lines, "owner", "%s", r->owner);
    demo_line(lines, "device", "%s, index %u", r->dev, r->oif);
    demo_line(lines, "protocol", "%s (%u)", route_protocol_name(r->protocol, proto), r->protocol);
    demo_line(lines, "metric", "%u, table %s", r->metric, r->table == 254 ? "main" : "other");
    demo_line(lines, "state", "%s", route_state_names[r->state]);
    (void)snprintf(command, sizeof command, "ip%s route add %s%s%s dev %s proto %u metric %u",
                   r->dst.family == AF_INET6 ? " -6" : "", dst, gw[0] ? " via " : "", gw, r->dev,
                   r->protocol, r->metric);
    return json_pack("{s:o, s:s}", "lines", lines, "command", command);
}

/* Names of VMs that fit, at most 200. */
static json_t *vms_where(struct demo *d, bool image, const char *value)
{
    json_t *names = json_array();

    for (size_t i = 0; i < table_count(d->tables[TABLE_VMS]) && json_array_size(names) < 200; i++) {
        const struct vm_row *r = table_at(d->tables[TABLE_VMS], i);
        if (strcmp(image ? r->image : r->network, value) == 0)
            json_array_append_new(names, json_string(r->name));
    }
    return names;
}

static json_t *network_detail(struct demo *d, const struct network_row *n)
{
    json_t *lines = json_array();

    demo_line(lines, "shape", "%s, prefix %s, mtu %u", n->shape, n->prefix, n->mtu);
    demo_line(lines, "room", "%u of %u addresses are free", n->free, n->total);
    demo_line(lines, "out", n->nat ? "to the internet by NAT: %s" : "not to the internet (%s)",
              n->egress);
    demo_line(lines, "reaches", "%s", n->reach[0] ? n->reach : "no other network");
    demo_line(lines, "host", "guests reach DNS, DHCP and ICMP of the host, nothing else");
    return json_pack("{s:o, s:o}", "lines", lines, "members", vms_where(d, false, n->name));
}

static json_t *node_detail(const struct node_row *n)
{
    json_t *lines = json_array();
    char text[ADDR_TEXT];

    demo_line(lines, "state", "%s", node_state_names[n->state]);
    demo_line(lines, "address", "%s", addr_format(&n->address, false, text));
    demo_line(lines, "endpoints", "%s", n->endpoints);
    demo_line(lines, "load", "cpu %u.%u %%, memory %u.%u %%, disk %u.%u %%", n->cpu_permille / 10,
              n->cpu_permille % 10, n->mem_permille / 10, n->mem_permille % 10,
              n->disk_permille / 10, n->disk_permille % 10);
    demo_line(lines, "tunnels", "%u of %u up", n->tunnels_up, n->tunnels);
    demo_line(lines, "VMs", "%u of %d", n->vms, DEMO_NODE_VMS);
    demo_line(lines, "lacks", "%s", n->lacks[0] ? n->lacks : "nothing");
    return json_pack("{s:o}", "lines", lines);
}

static json_t *image_detail(struct demo *d, const struct image_row *i)
{
    json_t *lines = json_array();

    demo_line(lines, "format", "%s, boots by %s", i->format, i->boot);
    demo_line(lines, "origin", "%s", i->origin);
    demo_line(lines, "sha256", "%s", i->sha256);
    demo_line(lines, "usable", "%s", i->problem[0] ? i->problem : "yes");
    demo_line(lines, "used by", "%u VMs", i->used_by);
    return json_pack("{s:o, s:o}", "lines", lines, "users", vms_where(d, true, i->name));
}

static json_t *event_detail(const struct event_row *ev)
{
    json_t *lines = json_array();

    demo_line(lines, "object", "%s", ev->object);
    demo_line(lines, "what", "%s", ev->what);
    demo_line(lines, "cause", "%s", ev->cause[0] ? ev->cause : "not recorded");
    demo_line(lines, "who", "%s", ev->who[0] ? ev->who : "nobody: it was seen");
    return json_pack("{s:o, s:s, s:s}", "lines", lines, "before", "", "after", "");
}

static const void *by_id(struct demo *d, enum table_id table, uint64_t id)
{
    for (size_t i = 0; i < table_count(d->tables[table]); i++) {
        const void *row = table_at(d->tables[table], i);
        uint64_t of;
        memcpy(&of, row, sizeof of);
        if (of == id)
            return row;
    }
    return NULL;
}

json_t *demo_detail(struct demo *d, enum verb_id verb, const json_t *args, struct err *e)
{
    const char *name = json_string_value(json_object_get(args, "name"));
    uint64_t id = (uint64_t)json_integer_value(json_object_get(args, "id"));
    struct network_row network = {.id = 0};
    struct image_row image = {.id = 0};
    const void *row = NULL;

    if (name) {
        str_copy(network.name, sizeof network.name, name);
        str_copy(image.name, sizeof image.name, name);
    }
    if ((verb == VERB_VM_DETAIL || verb == VERB_VM_LOG) && (row = demo_vm(d, name)))
        return verb == VERB_VM_DETAIL ? demo_vm_detail(d, row) : log_of(d, row, args);
    if (verb == VERB_PEER_DETAIL && (row = demo_peer(d, name)))
        return peer_detail(row);
    if (verb == VERB_ROUTE_DETAIL && (row = by_id(d, TABLE_ROUTES, id)))
        return route_detail(row);
    if (verb == VERB_NETWORK_DETAIL && (row = table_find(d->tables[TABLE_NETWORKS], &network)))
        return network_detail(d, row);
    if (verb == VERB_NODE_DETAIL && (row = demo_node(d, name)))
        return node_detail(row);
    if (verb == VERB_IMAGE_DETAIL && (row = table_find(d->tables[TABLE_IMAGES], &image)))
        return image_detail(d, row);
    if (verb == VERB_EVENT_DETAIL && (row = by_id(d, TABLE_EVENTS, id)))
        return event_detail(row);
    if (name)
        err_set(e, ERR_AREA_INPUT, -ENOENT, "%s: it is not there (any more)", name);
    else
        err_set(e, ERR_AREA_INPUT, -ENOENT, "number %" PRIu64 " is not there (any more)", id);
    return NULL;
}
