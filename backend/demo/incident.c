/*
 * Things that break on request, to practise on, and how they heal: by the operator's act where
 * there is one, else by themselves after a while. Demo thread.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

enum { FLUSH_HEALS_MS = 15000, NODE_HEALS_MS = 180000, OTHER_HEALS_MS = 600000, DISK_PAUSES = 3 };

static void later_add(struct demo *d, enum demo_later_kind kind, int ms, const char *name,
                      uint64_t alert)
{
    for (unsigned i = 0; i < DEMO_LATER; i++) {
        if (d->later[i].kind != LATER_NONE)
            continue;
        d->later[i] = (struct demo_later){.kind = kind, .due_ms = d->now_ms + ms, .alert = alert};
        str_copy(d->later[i].name, sizeof d->later[i].name, name);
        return;
    }
}

/* How many of a node's VMs are cut off, and makes them so (or brings them back). */
static uint32_t cut_off(struct demo *d, const char *node, bool cut, const char *reason)
{
    struct table *t = d->tables[TABLE_VMS];
    uint32_t n = 0;

    for (size_t i = 0; i < table_count(t); i++) {
        const struct vm_row *old = table_at(t, i);
        bool is_cut = old->state == VM_STATE_UNKNOWN && old->reason[0] == 'n';
        if (strcmp(old->node, node) != 0 || (cut ? old->state != VM_STATE_RUNNING : !is_cut))
            continue;
        struct vm_row r = *old;
        r.state = cut ? VM_STATE_UNKNOWN : VM_STATE_RUNNING;
        r.since_ms = d->now_ms;
        r.reason = cut ? demo_sym("no word from %s: %s; last known running", node, reason)
                       : text_intern(NULL);
        demo_vm_runs(d, &r);
        if (cut) {
            r.cpu_permille = r.rss_mib = 0;
            r.rx_bps = r.tx_bps = 0;
        }
        demo_put(d, TABLE_VMS, &r);
        n++;
    }
    return n;
}

static void node_routes(struct demo *d, uint64_t number, enum route_state state)
{
    const struct addr fleet = demo_fleet_prefix();
    struct addr prefix[2] = {
        addr_node_prefix6(&fleet, (uint16_t)number),
        addr_ip4((10u << 24) | (210u << 16) | (((uint32_t)number - 1) << 8), 24)};

    for (unsigned i = 0; i < 2; i++) {
        struct route_row key = {.dst = prefix[i], .table = 254, .oif = 3, .metric = i ? 0 : 1024};
        const struct route_row *old = table_find(d->tables[TABLE_ROUTES], &key);
        if (!old)
            continue;
        key = *old;
        key.state = (uint8_t)state;
        key.since_ms = d->now_ms;
        demo_put(d, TABLE_ROUTES, &key);
    }
}

/* The tunnel to a node falls silent, or speaks again. */
static void tunnel(struct demo *d, const struct peer_row *old, bool down)
{
    struct peer_row r = *old;
    const struct node_row *self = demo_node(d, demo_node_name(1));
    char object[48];

    r.verdict = down ? PEER_DOWN : PEER_HEALTHY;
    r.evidence = demo_sym("%s", down ? "packets leave, none return" : "shakes hands again");
    r.since_ms = d->now_ms;
    r.rx_bps = down ? 0 : 402000;
    r.tx_bps = down ? 237 : 402000;
    r.handshake_ms = down ? d->now_ms - 276000 : d->now_ms;
    r.last_in_ms = down ? d->now_ms - 249000 : d->now_ms;
    demo_put(d, TABLE_PEERS, &r);
    node_routes(d, r.id, down ? ROUTE_NEXTHOP_DOWN : ROUTE_PLAIN);
    (void)snprintf(object, sizeof object, "peer %s", r.name);
    demo_event(d, down ? EVENT_CRIT : EVENT_INFO, object,
               down ? "healthy -> down" : "down -> healthy",
               down ? "no handshake for 275 s" : "handshake", "");
    if (self) {
        struct node_row n = *self;
        n.tunnels_up += down ? (uint32_t)-1 : 1;
        demo_put(d, TABLE_NODES, &n);
    }
}

/* A healthy peer with VMs behind it, another each time. */
static const struct peer_row *victim(struct demo *d)
{
    size_t n = table_count(d->tables[TABLE_PEERS]);

    for (size_t i = 0, at = demo_random(d, (uint32_t)(n ? n : 1)); i < n; i++) {
        const struct peer_row *p = table_at(d->tables[TABLE_PEERS], (at + i) % n);
        const struct node_row *node = demo_node(d, p->name);
        if (p->verdict == PEER_HEALTHY && p->vms > 0 && node && node->state == NODE_UP)
            return p;
    }
    return NULL;
}

static int break_tunnel(struct demo *d, bool node_too, struct err *e)
{
    const struct peer_row *p = victim(d);
    const char *why = node_too ? "the node is lost" : "its tunnel is down";
    char name[32];

    if (!p)
        return err_set(e, ERR_AREA_INPUT, -ENOENT, "there is no healthy node left to break");
    str_copy(name, sizeof name, p->name);
    uint64_t number = p->id;
    tunnel(d, p, true);
    uint32_t n = cut_off(d, name, true, why);
    struct alert_row a = {.level = ALERT_CRIT,
                          .object = demo_sym("%s", name),
                          .vms = n,
                          .object_id = number,
                          .view = demo_sym("%s", node_too ? "nodes" : "mesh"),
                          .verdict = demo_sym("%s", node_too ? "lost" : "down")};
    a.sentence = node_too ? demo_sym("no sign of life by any path. %u VMs not seen.", n)
                          : demo_sym("packets leave, none return. %u VMs cut off.", n);
    uint64_t alert = demo_alert(d, &a);
    if (node_too) {
        struct node_row r = *demo_node(d, name);
        r.state = NODE_LOST;
        r.seen_ms = d->now_ms - 31000;
        demo_put(d, TABLE_NODES, &r);
        demo_event(d, EVENT_CRIT, demo_sym("node %s", name), "up -> lost", "no sign of life", "");
    }
    later_add(d, node_too ? LATER_NODE_HEALS : LATER_TUNNEL_HEALS,
              node_too ? NODE_HEALS_MS : OTHER_HEALS_MS, name, alert);
    return 0;
}

static void heal_tunnel(struct demo *d, struct demo_later *l)
{
    const struct peer_row *p = demo_peer(d, l->name);

    if (p && p->verdict == PEER_DOWN)
        tunnel(d, p, false);
    const struct node_row *n = demo_node(d, l->name);
    if (n && n->state == NODE_LOST) {
        struct node_row r = *n;
        r.state = NODE_UP;
        r.seen_ms = d->now_ms;
        demo_put(d, TABLE_NODES, &r);
        demo_event(d, EVENT_INFO, demo_sym("node %s", l->name), "lost -> up", "seen again", "");
    }
    (void)cut_off(d, l->name, false, "");
    demo_alert_end(d, l->alert);
    l->kind = LATER_NONE;
}

void demo_heal_tunnel(struct demo *d, const char *peer)
{
    for (unsigned i = 0; i < DEMO_LATER; i++)
        if (d->later[i].kind == LATER_TUNNEL_HEALS && strcmp(d->later[i].name, peer) == 0)
            heal_tunnel(d, &d->later[i]);
}

static int break_disk(struct demo *d, struct err *e)
{
    uint32_t paused = 0;

    for (unsigned i = 0; i < DEMO_LATER; i++)
        if (d->later[i].kind == LATER_DISK_HEALS)
            return err_set(e, ERR_AREA_INPUT, -EALREADY, "the disk is full already: delete a VM");
    struct table *t = d->tables[TABLE_VMS];
    for (size_t i = 0; i < table_count(t) && paused < DISK_PAUSES; i++) {
        struct vm_row r = *(const struct vm_row *)table_at(t, i);
        if (r.remote || r.state != VM_STATE_RUNNING)
            continue;
        r.state = VM_STATE_PAUSED;
        r.reason = demo_sym("paused by QEMU: No space left on device");
        r.since_ms = d->now_ms;
        r.cpu_permille = 0;
        r.rx_bps = r.tx_bps = 0;
        demo_put(d, TABLE_VMS, &r);
        demo_event(d, EVENT_CRIT, demo_sym("vm %s", r.name), "running -> paused",
                   "No space left on device", "");
        paused++;
    }
    d->meta.disk.now = d->meta.disk.peak = d->meta.disk.limit = 1000;
    str_copy(d->meta.health[TABLE_TICKETS].error, sizeof d->meta.health[TABLE_TICKETS].error,
             "SQLite: database or disk is full; the newest tickets are in memory only");
    d->dirty = true;
    struct alert_row a = {.level = ALERT_CRIT,
                          .object = demo_node_name(1),
                          .vms = paused,
                          .object_id = 1,
                          .view = demo_sym("nodes"),
                          .verdict = demo_sym("disk full"),
                          .sentence = demo_sym("no room in /var/lib/meshdeck. %u VMs were paused "
                                               "before they lost data; deleting a VM frees room.",
                                               paused)};
    later_add(d, LATER_DISK_HEALS, OTHER_HEALS_MS, "", demo_alert(d, &a));
    return 0;
}

static void heal_disk(struct demo *d, struct demo_later *l)
{
    struct table *t = d->tables[TABLE_VMS];

    for (size_t i = 0; i < table_count(t); i++) {
        struct vm_row r = *(const struct vm_row *)table_at(t, i);
        if (r.remote || r.state != VM_STATE_PAUSED || !strstr(r.reason, "No space"))
            continue;
        r.state = VM_STATE_RUNNING;
        r.reason = text_intern(NULL);
        r.since_ms = d->now_ms;
        demo_put(d, TABLE_VMS, &r);
        demo_event(d, EVENT_INFO, demo_sym("vm %s", r.name), "paused -> running",
                   "there is room again", "");
    }
    d->meta.disk.now = 620;
    d->meta.health[TABLE_TICKETS].error[0] = '\0';
    d->dirty = true;
    demo_alert_end(d, l->alert);
    l->kind = LATER_NONE;
}

void demo_heal_disk(struct demo *d)
{
    for (unsigned i = 0; i < DEMO_LATER; i++)
        if (d->later[i].kind == LATER_DISK_HEALS)
            heal_disk(d, &d->later[i]);
}

static int break_firewall(struct demo *d)
{
    struct alert_row a = {.level = ALERT_CRIT,
                          .object = demo_sym("firewall"),
                          .vms = 0,
                          .view = demo_sym("nets"),
                          .verdict = demo_sym("gone"),
                          .sentence = demo_sym("table inet meshdeck was removed by nft, pid 4711. "
                                               "It is being built again.")};

    demo_event(d, EVENT_CRIT, "firewall", "table inet meshdeck removed", "nft, pid 4711", "kernel");
    later_add(d, LATER_FLUSH_HEALS, FLUSH_HEALS_MS, "", demo_alert(d, &a));
    return 0;
}

int demo_incident(struct demo *d, const char *kind, struct err *e)
{
    unsigned busy = 0;

    for (unsigned i = 0; i < DEMO_LATER; i++)
        busy += d->later[i].kind != LATER_NONE;
    if (busy == DEMO_LATER)
        return err_set(e, ERR_AREA_INPUT, -EBUSY, "%d things are broken already: mend one first",
                       DEMO_LATER);
    if (strcmp(kind, "tunnel") == 0)
        return break_tunnel(d, false, e);
    if (strcmp(kind, "node") == 0)
        return break_tunnel(d, true, e);
    if (strcmp(kind, "disk") == 0)
        return break_disk(d, e);
    if (strcmp(kind, "flush") == 0)
        return break_firewall(d);
    return err_set(e, ERR_AREA_INPUT, -EINVAL,
                   "%s: no such incident; there are tunnel, disk, flush and node", kind);
}

void demo_later_run(struct demo *d)
{
    for (unsigned i = 0; i < DEMO_LATER; i++) {
        struct demo_later *l = &d->later[i];
        if (l->kind == LATER_NONE || l->due_ms > d->now_ms)
            continue;
        switch (l->kind) {
        case LATER_FLUSH_HEALS:
            demo_event(d, EVENT_INFO, "firewall", "tables are whole again", "built anew", "engine");
            demo_alert_end(d, l->alert);
            l->kind = LATER_NONE;
            break;
        case LATER_DISK_HEALS:
            heal_disk(d, l);
            break;
        case LATER_NODE_HEALS:
        case LATER_TUNNEL_HEALS:
            heal_tunnel(d, l);
            break;
        case LATER_NONE:
            break;
        }
    }
}

int demo_later_wait_ms(const struct demo *d)
{
    int64_t ms = -1;

    for (unsigned i = 0; i < DEMO_LATER; i++) {
        int64_t left = d->later[i].due_ms - d->now_ms;
        if (d->later[i].kind != LATER_NONE && (ms < 0 || left < ms))
            ms = left < 0 ? 0 : left;
    }
    return (int)ms;
}
