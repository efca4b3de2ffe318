/*
 * The fleet's own life: so many row changes a second, mostly what VMs use, now and then a state, a
 * tunnel's counters or a route. Handshakes are kept fresh first, out of the same number, so that
 * with --churn 0 nothing at all moves. Demo thread.
 */
#include <stdio.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

enum { TICK_MS = 50, SHAKE_S = 110 };

static void vm_uses(struct demo *d, const struct vm_row *old)
{
    struct vm_row r = *old;
    uint32_t cpu = r.cpu_permille, limit = 1000 * r.vcpus;

    if (cpu < 10)
        cpu = demo_random(d, 60);
    cpu = cpu * (80 + demo_random(d, 41)) / 100 + demo_random(d, 12);
    r.cpu_permille = cpu > limit ? limit : cpu;
    r.rx_bps = old->rx_bps ? old->rx_bps * (70 + demo_random(d, 61)) / 100 : demo_random(d, 90000);
    r.tx_bps = old->tx_bps ? old->tx_bps * (70 + demo_random(d, 61)) / 100 : demo_random(d, 90000);
    if (r.rx_bps > UINT64_C(900000000) || r.tx_bps > UINT64_C(900000000))
        r.rx_bps = r.tx_bps = 2100000;
    uint32_t rss = old->rss_mib + demo_random(d, 9);
    r.rss_mib = rss > 4 ? rss - 4 : 4;
    if (r.rss_mib > r.memory_mib)
        r.rss_mib = r.memory_mib;
    r.disk_bytes += demo_random(d, 1 << 20);
    demo_put(d, TABLE_VMS, &r);
}

static void vm_becomes(struct demo *d, const struct vm_row *old, enum vm_state state,
                       const char *what)
{
    struct vm_row r = *old;
    char object[48];

    r.state = (uint8_t)state;
    r.since_ms = d->now_ms;
    r.reason = text_intern(NULL);
    if (state == VM_STATE_RUNNING && (!r.pid || !r.rss_mib))
        demo_vm_runs(d, &r);
    if (state == VM_STATE_STOPPED)
        demo_vm_rests(&r);
    if (state == VM_STATE_STARTING) {
        r.cpu_permille = 1000;
        r.rss_mib = 64;
    }
    demo_put(d, TABLE_VMS, &r);
    if (!what)
        return;
    (void)snprintf(object, sizeof object, "vm %s", r.name);
    demo_event(d, EVENT_INFO, object, what, "node", demo_sym("%s", r.node));
}

/* Those of our own node only change by tickets: their taps and routes go with them. */
static void churn_vm(struct demo *d)
{
    size_t n = table_count(d->tables[TABLE_VMS]);

    if (n == 0)
        return;
    const struct vm_row *r = table_at(d->tables[TABLE_VMS], demo_random(d, (uint32_t)n));
    bool rare = r->remote && demo_random(d, 400) == 0;
    switch ((enum vm_state)r->state) {
    case VM_STATE_RUNNING:
        if (rare)
            vm_becomes(d, r, demo_random(d, 4) ? VM_STATE_STOPPING : VM_STATE_MOVING, NULL);
        else
            vm_uses(d, r);
        break;
    case VM_STATE_STARTING:
    case VM_STATE_MOVING:
        if (r->remote && r->id > 110)
            vm_becomes(d, r, VM_STATE_RUNNING,
                       r->state == VM_STATE_MOVING ? "moved here" : "started");
        break;
    case VM_STATE_STOPPING:
        if (r->remote)
            vm_becomes(d, r, VM_STATE_STOPPED, "stopped");
        break;
    case VM_STATE_STOPPED:
        if (r->remote && demo_random(d, 25) == 0)
            vm_becomes(d, r, VM_STATE_STARTING, NULL);
        break;
    case VM_STATE_PAUSED:
    case VM_STATE_FAILED:
    case VM_STATE_UNKNOWN:
    case VM_STATE_COUNT:
        break;
    }
}

static void shake_hands(struct demo *d, const struct peer_row *old, bool due)
{
    struct peer_row r = *old;

    if (r.verdict != PEER_HEALTHY)
        return;
    if (due)
        r.handshake_ms = d->now_ms;
    r.last_in_ms = d->now_ms;
    r.rx_bps = r.rx_bps * (80 + demo_random(d, 41)) / 100 + 1000;
    r.tx_bps = r.tx_bps * (80 + demo_random(d, 41)) / 100 + 1000;
    if (r.rx_bps > UINT64_C(4000000000) || r.tx_bps > UINT64_C(4000000000))
        r.rx_bps = r.tx_bps = 4300000;
    r.rx_bytes += r.rx_bps;
    r.tx_bytes += r.tx_bps;
    demo_put(d, TABLE_PEERS, &r);
}

static void churn_peer(struct demo *d)
{
    size_t n = table_count(d->tables[TABLE_PEERS]);

    if (n > 0)
        shake_hands(d, table_at(d->tables[TABLE_PEERS], demo_random(d, (uint32_t)n)), false);
}

static void churn_route(struct demo *d)
{
    size_t n = table_count(d->tables[TABLE_ROUTES]);

    if (n == 0)
        return;
    const struct route_row *r = table_at(d->tables[TABLE_ROUTES], demo_random(d, (uint32_t)n));
    if (r->protocol != 186)
        return;
    struct route_row old = *r, now = *r;
    now.gateway = addr_ip4(0xcb007101u + demo_random(d, 4), 32);
    now.id = route_row_id(&now);
    now.state = ROUTE_CHANGED;
    now.since_ms = d->now_ms;
    if (addr_compare(&old.gateway, &now.gateway) == 0)
        return;
    demo_remove(d, TABLE_ROUTES, &old); /* the gateway is part of its key */
    demo_put(d, TABLE_ROUTES, &now);
    d->fresh_routes++;
}

static void churn_node(struct demo *d)
{
    size_t n = table_count(d->tables[TABLE_NODES]);
    struct node_row r =
        *(const struct node_row *)table_at(d->tables[TABLE_NODES], demo_random(d, (uint32_t)n));

    if (r.state == NODE_LOST)
        return;
    r.cpu_permille = (r.cpu_permille * 9 + demo_random(d, 900)) / 10;
    r.mem_permille = (r.mem_permille * 15 + 300 + demo_random(d, 600)) / 16;
    r.seen_ms = d->now_ms;
    demo_put(d, TABLE_NODES, &r);
}

/* The next peer in turn, when its two minutes are nearly over. */
static bool handshake_due(struct demo *d)
{
    size_t n = table_count(d->tables[TABLE_PEERS]);

    for (size_t i = 0; i < n; i++) {
        const struct peer_row *r = table_at(d->tables[TABLE_PEERS], d->next_shake % n);
        d->next_shake++;
        if (r->verdict == PEER_HEALTHY && d->now_ms - r->handshake_ms > SHAKE_S * 1000) {
            shake_hands(d, r, true);
            return true;
        }
        if (i >= 8)
            break;
    }
    return false;
}

void demo_churn(struct demo *d)
{
    int64_t passed = d->now_ms - d->churned_ms;

    if (d->churn == 0 || passed < TICK_MS)
        return;
    d->churned_ms = d->now_ms;
    d->owed += (double)d->churn * (double)(passed > 1000 ? 1000 : passed) / 1000.0;
    for (; d->owed >= 1.0; d->owed -= 1.0) {
        uint32_t dice = demo_random(d, 100);
        if (handshake_due(d))
            continue;
        if (dice < 92)
            churn_vm(d);
        else if (dice < 97)
            churn_peer(d);
        else if (dice < 99)
            churn_node(d);
        else
            churn_route(d);
    }
    demo_load_run(d);
}

int demo_churn_wait_ms(const struct demo *d)
{
    if (d->churn == 0)
        return -1;
    if (d->churn >= 1000 / TICK_MS)
        return TICK_MS;
    double left = (1.0 - d->owed) * 1000.0 / (double)d->churn;
    return left < TICK_MS ? TICK_MS : (int)left;
}
