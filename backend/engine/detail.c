/*
 * Answers about one object: peers, routes, networks, nodes, images, events, and `why`, the evidence
 * behind what is shown. Only what is known is said; each line is clean text. Engine thread.
 */
#include "backend/engine/detail.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backend/engine/base.h"
#include "backend/engine/handlers.h"
#include "backend/engine/keep.h"
#include "backend/engine/peers.h"
#include "backend/engine/vms.h"
#include "backend/engine/watch.h"
#include "backend/host/wgkey.h"
#include "backend/model/table.h"
#include "backend/model/text.h"

void detail_line(json_t *lines, const char *label, const char *fmt, ...)
{
    char raw[400], clean[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    text_clean(clean, sizeof clean, raw, strlen(raw));
    json_array_append_new(lines, json_pack("{s:s, s:s}", "label", label, "text", clean));
}

const char *detail_bytes(unsigned long long n, char buf[static 24])
{
    if (n < 1000)
        (void)snprintf(buf, 24, "%llu B", n);
    else if (n < 1000000)
        (void)snprintf(buf, 24, "%.1f kB", (double)n / 1e3);
    else if (n < 1000000000)
        (void)snprintf(buf, 24, "%.1f MB", (double)n / 1e6);
    else
        (void)snprintf(buf, 24, "%.1f GB", (double)n / 1e9);
    return buf;
}

const char *detail_time(long long ms, char buf[static 32])
{
    time_t t = (time_t)(ms / 1000), now = time(NULL);
    struct tm then, today;

    if (ms == 0 || !localtime_r(&t, &then) || !localtime_r(&now, &today)) {
        (void)snprintf(buf, 32, "never");
        return buf;
    }
    bool same = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
    if (strftime(buf, 32, same ? "%H:%M:%S" : "%m-%d %H:%M:%S", &then) == 0)
        buf[0] = '\0';
    return buf;
}

static void answer(struct request *r, json_t *lines)
{
    request_ok_take(r, json_pack("{s:o}", "lines", lines));
}

static void none(struct request *r, const char *what)
{
    struct err e = {0};
    err_set(&e, ERR_AREA_INPUT, -ENOENT, "there is no such %s; it may have gone meanwhile", what);
    request_fail(r, &e);
}

static void peer_lines(const struct core *c, const struct peer *p, json_t *lines)
{
    char text[200], key[WGKEY_BASE64], ep[ADDR_ENDPOINT_TEXT], t1[32], t2[32], b1[24], b2[24];

    detail_line(lines, "verdict", "%s since %s: %s", peer_verdict_names[p->row.verdict],
                detail_time(p->row.since_ms, t1), p->row.evidence);
    detail_line(lines, "handshake", "%s; rekey after 120 s, reject at 180 s, down at 275 s",
                detail_time(p->row.handshake_ms, t1));
    detail_line(lines, "counters", "%s in, %s out; last byte in at %s; %s",
                detail_bytes(p->row.rx_bytes, b1), detail_bytes(p->row.tx_bytes, b2),
                detail_time(p->row.last_in_ms, t2),
                verdict_counters_text(&p->track, text, sizeof text));
    addr_endpoint_format(&p->row.endpoint, ep);
    detail_line(lines, "endpoint", "%s", ep[0] ? ep : "none known: it has to call us");
    if (p->rec.other.port) {
        addr_endpoint_format(&p->rec.other, ep);
        detail_line(lines, "other", "%s", ep);
    }
    detail_line(lines, "prefixes", "%s", p->row.allowed_ips[0] ? p->row.allowed_ips : "none");
    detail_line(lines, "keepalive", "%s",
                verdict_keepalive_text(p->row.keepalive_s, text, sizeof text));
    detail_line(lines, "expected", "%s", p->row.expected);
    detail_line(lines, "key", "%s", wgkey_to_base64(p->row.public_key, key));
    if (p->foreign)
        detail_line(lines, "foreign", "meshdeck did not make this peer and does not change it");
    (void)c;
}

void peer_detail_request(struct request *r)
{
    const struct peer *p = peers_find(r->core, request_text(r, "name"));
    json_t *lines;

    if (!p) {
        none(r, "peer");
        return;
    }
    lines = json_array();
    peer_lines(r->core, p, lines);
    request_ok_take(r, json_pack("{s:o, s:o}", "peer", row_to_json(row_type_of(TABLE_PEERS), &p->row),
                                 "lines", lines));
}

static const struct route_row *route_by_id(const struct core *c, uint64_t id)
{
    struct table *t = c->tables[TABLE_ROUTES];

    for (size_t i = 0; i < table_count(t); i++) {
        const struct route_row *row = table_at(t, i);
        if (row->id == id)
            return row;
    }
    return NULL;
}

static void route_command(const struct route_row *row, char *buf, size_t cap)
{
    char dst[ADDR_TEXT], gw[ADDR_TEXT], src[ADDR_TEXT], proto[8];
    size_t len = 0;

    addr_format(&row->dst, true, dst);
    str_add(buf, cap, &len, "ip%s route replace %s", row->dst.family == AF_INET6 ? " -6" : "", dst);
    if (addr_is_set(&row->gateway))
        str_add(buf, cap, &len, " via %s", addr_format(&row->gateway, false, gw));
    if (row->dev[0])
        str_add(buf, cap, &len, " dev %s", row->dev);
    str_add(buf, cap, &len, " proto %s", route_protocol_name(row->protocol, proto));
    if (row->metric)
        str_add(buf, cap, &len, " metric %u", row->metric);
    if (row->table != 254)
        str_add(buf, cap, &len, " table %u", row->table);
    if (addr_is_set(&row->prefsrc))
        str_add(buf, cap, &len, " src %s", addr_format(&row->prefsrc, false, src));
}

static void route_lines(const struct core *c, const struct route_row *row, json_t *lines)
{
    char text[200], when[32], command[240] = "";
    const struct link_row *l = watch_link(c, row->oif);

    detail_line(lines, "destination", "%s", addr_format(&row->dst, true, text));
    detail_line(lines, "gateway", "%s",
                addr_is_set(&row->gateway) ? addr_format(&row->gateway, false, text) : "none: on the link");
    detail_line(lines, "device", "%s%s", row->dev, l && !l->up ? ", which is down" : "");
    detail_line(lines, "owner", "%s", row->owner);
    detail_line(lines, "protocol", "%s", route_protocol_name(row->protocol, text));
    detail_line(lines, "table", "%u, metric %u", row->table, row->metric);
    if (addr_is_set(&row->prefsrc))
        detail_line(lines, "source", "%s is preferred", addr_format(&row->prefsrc, false, text));
    detail_line(lines, "since", "%s",
                row->since_ms ? detail_time(row->since_ms, when) : "it was there when the engine started");
    route_command(row, command, sizeof command);
    detail_line(lines, "command", "%s", command);
}

void route_detail_request(struct request *r)
{
    const struct route_row *row = route_by_id(r->core, request_uint(r, "id", 0));
    char command[240] = "";
    json_t *lines;

    if (!row) {
        none(r, "route");
        return;
    }
    lines = json_array();
    route_lines(r->core, row, lines);
    route_command(row, command, sizeof command);
    request_ok_take(r, json_pack("{s:o, s:s}", "lines", lines, "command", command));
}

void network_detail_request(struct request *r)
{
    const struct net_rec *n = base_net_named(r->core, request_text(r, "name"));
    json_t *lines, *members;
    unsigned used = 0;

    if (!n) {
        none(r, "network");
        return;
    }
    lines = json_array();
    members = json_array();
    for (const struct vm *v = r->core->vms->first; v; v = v->next) {
        if (v->rec.network_id != n->id)
            continue;
        json_array_append_new(members, json_string(v->rec.name));
        used++;
    }
    detail_line(lines, "shape", "%s: a routed tap for each guest, next hop fe80::1 and 169.254.1.1",
                n->shape);
    detail_line(lines, "addresses", "%u used, %zu in all", used, 253 * r->core->base->n_blocks);
    detail_line(lines, "nat", "%s", n->nat ? "traffic that leaves the mesh is masqueraded" : "none");
    detail_line(lines, "egress", "%s", n->egress[0] ? n->egress : "all");
    detail_line(lines, "reaches", "%s", n->reach[0] ? n->reach : "its own guests and the internet");
    detail_line(lines, "domain", "%s", n->domain[0] ? n->domain : "internal");
    request_ok_take(r, json_pack("{s:o, s:o}", "lines", lines, "members", members));
}

void node_detail_request(struct request *r)
{
    const struct core *c = r->core;
    json_t *lines = json_array();
    char text[ADDR_TEXT], key[WGKEY_BASE64];
    const struct addr ip6 = addr_node_ip6(&c->meta.fleet_prefix, c->base ? (uint16_t)c->base->settings.node : 1);

    if (strcmp(request_text(r, "name"), c->meta.node) != 0) {
        json_decref(lines);
        none(r, "node");
        return;
    }
    detail_line(lines, "address", "%s", addr_format(&ip6, false, text));
    detail_line(lines, "wireguard", "%s, port %u, by %s", c->meta.wg_device, c->meta.wg_port,
                c->meta.wg_backend[0] ? c->meta.wg_backend : "nothing yet");
    detail_line(lines, "public key", "%s", wgkey_to_base64(c->meta.public_key, key));
    detail_line(lines, "guests run", "%s%s%s", c->meta.accel, c->meta.accel_why[0] ? ": " : "",
                c->meta.accel_why);
    if (strcmp(c->meta.accel, "emulated") == 0)
        detail_line(lines, "mind", "emulation is slower, and no isolation boundary");
    if (strcmp(c->meta.wg_backend, "wireguard-go") == 0)
        detail_line(lines, "lacks", "the kernel has no WireGuard: wireguard-go stands in, slower");
    detail_line(lines, "cpu", "%llu %% of %u cores", (unsigned long long)c->meta.cpu.now / 10, c->meta.cores);
    detail_line(lines, "memory", "%llu %% of %llu MiB", (unsigned long long)c->meta.memory.now / 10,
                (unsigned long long)(c->meta.memory_bytes >> 20));
    detail_line(lines, "state", "%s", c->set.state_dir);
    if (!c->set.may_change)
        detail_line(lines, "read-only", "%s", c->meta.read_only_why);
    answer(r, lines);
}

void image_detail_request(struct request *r)
{
    struct image_row key = {0};
    json_t *lines, *users;
    char b[24], when[32];

    str_copy(key.name, sizeof key.name, request_text(r, "name"));
    const struct image_row *row = table_find(r->core->tables[TABLE_IMAGES], &key);
    if (!row) {
        none(r, "image");
        return;
    }
    lines = json_array();
    users = json_array();
    detail_line(lines, "origin", "%s", row->origin);
    detail_line(lines, "size", "%s", detail_bytes(row->size_bytes, b));
    detail_line(lines, "boots by", "%s", row->boot);
    detail_line(lines, "sha256", "%s", row->sha256);
    detail_line(lines, "added", "%s", detail_time(row->added_ms, when));
    if (row->problem[0])
        detail_line(lines, "problem", "%s", row->problem);
    for (const struct vm *v = r->core->vms->first; v; v = v->next)
        if (strcmp(v->rec.image, row->name) == 0)
            json_array_append_new(users, json_string(v->rec.name));
    request_ok_take(r, json_pack("{s:o, s:o}", "lines", lines, "users", users));
}

static void event_read(void *arg, const struct journal_rec *rec, const struct err *e)
{
    struct request *r = arg;
    json_t *lines;
    char when[32];

    if (e->code) {
        request_fail(r, e);
        return;
    }
    lines = json_array();
    detail_line(lines, "time", "%s", detail_time(rec->time_ms, when));
    detail_line(lines, "object", "%s", rec->object);
    detail_line(lines, "what", "%s", rec->what);
    detail_line(lines, "who", "%s", rec->who);
    detail_line(lines, "cause", "%s", rec->cause);
    if (rec->before[0])
        detail_line(lines, "before", "%s", rec->before);
    if (rec->after[0])
        detail_line(lines, "after", "%s", rec->after);
    request_ok_take(r, json_pack("{s:o, s:s, s:s}", "lines", lines, "before", rec->before, "after",
                                 rec->after));
}

void event_detail_request(struct request *r)
{
    struct err e = {0};

    if (r->core->store) {
        keep_event_read(r->core, request_uint(r, "id", 0), event_read, r);
        return;
    }
    err_set(&e, ERR_AREA_STORE, -ENODATA, "there is no journal to read: %s", r->core->meta.read_only_why);
    request_fail(r, &e);
}

static void vm_why(const struct core *c, const struct vm *v, json_t *lines)
{
    char text[ADDR_TEXT], when[32];
    const struct link_row *tap = watch_link_named(c, v->rec.tap);
    const struct rtnl_neigh *neigh = watch_neigh(c, &v->rec.ip4);

    detail_line(lines, "state", "%s since %s%s%s", vm_state_names[v->row.state],
                detail_time(v->row.since_ms, when), v->row.reason[0] ? ": " : "", v->row.reason);
    detail_line(lines, "wanted", "%s%s", v->rec.wanted ? "running" : "stopped",
                v->rec.autostart ? ", comes back after a reboot" : "");
    if (v->vmm)
        detail_line(lines, "process", "pid %d, its monitor is %s", (int)vmm_pid(v->vmm),
                    vmm_state_names[vmm_state(v->vmm)]);
    else
        detail_line(lines, "process", "none%s%s", v->exit_text[0] ? "; the last one: " : "", v->exit_text);
    if (v->exit_log[0])
        detail_line(lines, "qemu said", "%s", v->exit_log);
    if (v->panic[0])
        detail_line(lines, "guest said", "%s", v->panic);
    detail_line(lines, "tap", "%s %s", v->rec.tap,
                !tap ? "is not there" : tap->carrier ? "is up and has a carrier" : "has no carrier");
    detail_line(lines, "neighbour", "%s %s", addr_format(&v->rec.ip4, false, text),
                neigh && neigh->has_mac ? "has answered on the tap" : "has not answered yet");
    detail_line(lines, "firewall", "%s", v->plumbed ? "its addresses and MAC are let through" : "not in the sets");
    detail_line(lines, "dns", "%s", v->named ? "its name resolves" : "its name is not served");
    if (v->ticket)
        detail_line(lines, "ticket", "%llu is at work on it", (unsigned long long)v->ticket);
}

static bool alert_why(const struct core *c, const char *object, json_t *lines)
{
    struct table *t = c->tables[TABLE_ALERTS];
    char when[32];
    bool any = false;

    for (size_t i = 0; i < table_count(t); i++) {
        const struct alert_row *a = table_at(t, i);
        if (strcmp(a->object, object) != 0 || a->ended_ms)
            continue;
        detail_line(lines, "alert", "%s since %s: %s", alert_level_names[a->level],
                    detail_time(a->since_ms, when), a->sentence);
        any = true;
    }
    return any;
}

void why_request(struct request *r)
{
    struct core *c = r->core;
    const char *view = request_text(r, "view"), *object = request_text(r, "object");
    const struct vm *v = vms_find(c, object);
    const struct peer *p = c->peers ? peers_find(c, object) : NULL;
    json_t *lines = json_array();
    bool any = alert_why(c, object, lines);

    if (v && (strcmp(view, "mesh") != 0 || !p)) {
        vm_why(c, v, lines);
    } else if (p) {
        peer_lines(c, p, lines);
    } else if (strcmp(view, "routes") == 0) {
        struct addr dst;
        struct table *t = c->tables[TABLE_ROUTES];
        for (size_t i = 0; addr_parse(object, false, &dst, NULL) == 0 && i < table_count(t); i++) {
            const struct route_row *row = table_at(t, i);
            if (addr_compare(&row->dst, &dst) == 0) {
                route_lines(c, row, lines);
                break;
            }
        }
    }
    if (!any && json_array_size(lines) == 0)
        detail_line(lines, "nothing", "nothing is known to be wrong with %s", object);
    answer(r, lines);
}
