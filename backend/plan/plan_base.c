/*
 * The node's own plumbing: the WireGuard device, its peers, addresses, forwarding, DNS. Pure. A
 * link of the device's name that is not ours is left alone, and so is all that would hang on it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/plan/build.h"

static const struct plan_link *link_with_alias(struct plan_build *b, const char *alias)
{
    for (size_t i = 0; i < b->a->n_links; i++)
        if (strcmp(b->a->links_b[i].alias, alias) == 0)
            return &b->a->links_b[i];
    return NULL;
}

static bool key_is_set(const uint8_t key[static 32])
{
    static const uint8_t none[32];

    return memcmp(key, none, sizeof none) != 0;
}

/* Finds the device and says in b->wg what it is; the link, or NULL. */
static const struct plan_link *find_device(struct plan_build *b, const char *alias)
{
    const struct plan_node *n = &b->d->node;

    if (!plan_knows(b, PLAN_KNOWS_LINKS)) {
        b->wg = WG_UNREAD;
        return NULL;
    }
    const struct plan_link *l = plan_link_named(b, n->wg_device);
    bool by_key = plan_knows(b, PLAN_KNOWS_WG) && key_is_set(n->wg_public_key) &&
                  memcmp(b->a->wg_public_key, n->wg_public_key, 32) == 0;
    if (l && (strcmp(l->alias, alias) == 0 || b->a->wg_ours || by_key)) {
        b->wg = WG_THERE;
    } else if (l) {
        b->wg = WG_FOREIGN;
        plan_add_note(b, PLAN_NOTE_FOREIGN_LINK, 0,
                      "there is a link %s that is not ours: the mesh "
                      "cannot come up before it is renamed or removed",
                      n->wg_device);
        return NULL;
    } else {
        l = link_with_alias(b, alias);
        b->wg = l ? WG_RENAMED : WG_FRESH;
    }
    b->wg_ifindex = l ? l->ifindex : 0;
    return l;
}

static struct plan_op *add_link(struct plan_build *b, enum plan_op_kind kind, const char *alias)
{
    struct plan_op *op = plan_add(b, kind, PLAN_STAGE_DEVICE, NULL);

    (void)str_copy(op->link.name, sizeof op->link.name, b->d->node.wg_device);
    (void)str_copy(op->link.alias, sizeof op->link.alias, alias);
    op->link.ifindex = b->wg_ifindex;
    op->link.mtu = b->d->node.wg_mtu;
    op->link.up = true;
    return op;
}

static void device(struct plan_build *b, const struct plan_link *l, const char *alias)
{
    const struct plan_node *n = &b->d->node;
    bool fresh = b->wg == WG_FRESH;
    bool key = fresh || (plan_knows(b, PLAN_KNOWS_WG) && key_is_set(n->wg_public_key) &&
                         memcmp(b->a->wg_public_key, n->wg_public_key, 32) != 0);
    bool port = fresh || (plan_knows(b, PLAN_KNOWS_WG) && b->a->wg_port != n->wg_port);

    if (fresh)
        (void)add_link(b, PLAN_OP_WG_UP, alias);
    if (b->wg == WG_RENAMED) {
        struct plan_op *op = plan_add(b, PLAN_OP_LINK_RENAME, PLAN_STAGE_DEVICE, NULL);
        op->rename.ifindex = l->ifindex;
        (void)str_copy(op->rename.from, sizeof op->rename.from, l->name);
        (void)str_copy(op->rename.to, sizeof op->rename.to, n->wg_device);
    }
    if (key || port) {
        struct plan_op *op = plan_add(b, PLAN_OP_WG_SET, PLAN_STAGE_DEVICE, NULL);
        memcpy(op->wg.key, n->wg_public_key, sizeof op->wg.key);
        op->wg.port = n->wg_port;
        op->wg.set_key = key;
        op->wg.set_port = port;
    }
    if (!l || b->wg == WG_RENAMED || !l->up || l->mtu != n->wg_mtu || strcmp(l->alias, alias) != 0)
        (void)add_link(b, PLAN_OP_LINK_SET, alias);
    if (b->wg == WG_THERE && !l->up)
        b->wg = WG_RENAMED; /* what was down has lost its routes as well */
}

static void want_blackhole(struct plan_build *b, struct addr dst)
{
    struct plan_route_want w = {.stage = PLAN_STAGE_MESH, .in_scope = b->node};

    w.route.dst = dst;
    w.route.protocol = PLAN_PROTOCOL;
    w.route.table = PLAN_TABLE_MAIN;
    w.route.blackhole = true;
    plan_want_route(b, &w);
}

/* Addresses of the plan on our device that are not (any more) this node's. */
static void drop_other_addresses(struct plan_build *b, const struct addr *want, size_t n)
{
    struct addr mesh = addr_mesh_ip4();

    if (!plan_knows(b, PLAN_KNOWS_ADDRS) || (b->wg != WG_THERE && b->wg != WG_RENAMED))
        return;
    for (size_t i = 0; i < b->a->n_addrs; i++) {
        const struct plan_addr *have = &b->a->addrs_b[i];
        bool known =
            have->ifindex != b->wg_ifindex ||
            (!addr_contains(&mesh, &have->addr) && !addr_contains(&b->d->node.fleet, &have->addr));
        for (size_t k = 0; k < n && !known; k++)
            known = addr_compare(&want[k], &have->addr) == 0;
        if (!known)
            plan_add(b, PLAN_OP_ADDR_DEL, PLAN_STAGE_BASE, NULL)->addr = *have;
    }
}

static void addresses(struct plan_build *b)
{
    const struct plan_node *n = &b->d->node;
    struct addr want[PLAN_BLOCKS_MAX + 1], dns6 = addr_dns_ip6(&n->fleet), dns4 = addr_dns_ip4();
    size_t n_want = 0;
    bool lost = b->wg == WG_FRESH || b->wg == WG_RENAMED;

    want[n_want++] = addr_node_ip6(&n->fleet, (uint16_t)n->number);
    for (size_t i = 0; i < n->n_blocks && i < PLAN_BLOCKS_MAX; i++) {
        want[n_want] = addr_node_block4(n->blocks[i]);
        want_blackhole(b, want[n_want]);
        want[n_want].bytes[3] = 1;
        want[n_want++].prefix_len = 32;
    }
    want_blackhole(b, addr_node_prefix6(&n->fleet, (uint16_t)n->number));
    if (!b->node)
        return;
    if (b->wg != WG_FOREIGN && b->wg != WG_UNREAD) {
        drop_other_addresses(b, want, n_want);
        for (size_t i = 0; i < n_want; i++)
            plan_want_addr(b, PLAN_STAGE_BASE, NULL, n->wg_device, b->wg_ifindex, &want[i], lost);
    }
    plan_want_addr(b, PLAN_STAGE_BASE, NULL, "lo", 1, &dns6, false);
    plan_want_addr(b, PLAN_STAGE_BASE, NULL, "lo", 1, &dns4, false);
}

static const char *sysctl_now(const struct plan_build *b, const char *key)
{
    for (size_t i = 0; i < b->a->n_sysctls; i++)
        if (strcmp(b->a->sysctls_b[i].key, key) == 0)
            return b->a->sysctls_b[i].value;
    return NULL;
}

static bool want_sysctl(struct plan_build *b, const char *key, const char *value)
{
    const char *now = sysctl_now(b, key);

    if (!now || strcmp(now, value) == 0) /* this kernel lacks it, or it is so */
        return false;
    struct plan_op *op = plan_add(b, PLAN_OP_SYSCTL, PLAN_STAGE_BASE, NULL);
    (void)str_copy(op->sysctl.want.key, sizeof op->sysctl.want.key, key);
    (void)str_copy(op->sysctl.want.value, sizeof op->sysctl.want.value, value);
    (void)str_copy(op->sysctl.was, sizeof op->sysctl.was, now);
    return true;
}

static void forwarding(struct plan_build *b)
{
    const char *now6 = sysctl_now(b, plan_sysctl_keys[1]);
    char key[96];

    if (!plan_knows(b, PLAN_KNOWS_SYSCTLS))
        return;
    /* first: an uplink that learned by router advertisement must not forget it */
    for (size_t i = 0; i < b->a->n_uplinks_by_ra && now6 && strcmp(now6, "0") == 0; i++) {
        plan_accept_ra_key(b->a->uplinks_by_ra_b[i], key);
        (void)want_sysctl(b, key, "2");
    }
    for (size_t i = 0; i < plan_sysctl_count; i++)
        (void)want_sysctl(b, plan_sysctl_keys[i], "1");
}

void plan_base(struct plan_build *b)
{
    char alias[64];

    plan_alias_wg(b->d->node.wg_device, alias);
    const struct plan_link *l = find_device(b, alias);
    if (b->node && b->wg != WG_FOREIGN && b->wg != WG_UNREAD)
        device(b, l, alias);
    addresses(b);
    if (!b->node)
        return;
    forwarding(b);
    if (plan_knows(b, PLAN_KNOWS_NAMES) && !b->a->dns_up) {
        struct plan_op *op = plan_add(b, PLAN_OP_DNSMASQ, PLAN_STAGE_DNS, NULL);
        op->dns.ip6 = addr_dns_ip6(&b->d->node.fleet);
        op->dns.ip4 = addr_dns_ip4();
    }
}

static const struct plan_peer *peer_in_device(struct plan_build *b, const uint8_t key[static 32])
{
    const struct plan_entry *end, *x = plan_index_find(&b->peer_keys, plan_hash(key, 32), &end);

    for (uint64_t k = x ? x->key : 0; x && x < end && x->key == k; x++)
        if (memcmp(b->p->peers_was[x->i].public_key, key, 32) == 0)
            return &b->p->peers_was[x->i];
    return NULL;
}

static bool has_prefix(const struct plan_peer *p, const struct addr *a)
{
    for (uint32_t i = 0; i < p->n_prefixes && i < PLAN_PREFIXES_MAX; i++)
        if (addr_compare(&p->prefixes[i], a) == 0)
            return true;
    return false;
}

/* Where it was seen last is the peer's business: an endpoint that roamed is no drift. */
static bool peer_differs(const struct plan_peer *want, const struct plan_peer *have)
{
    if (want->n_prefixes != have->n_prefixes || want->keepalive_s != have->keepalive_s)
        return true;
    for (uint32_t i = 0; i < want->n_prefixes && i < PLAN_PREFIXES_MAX; i++)
        if (!has_prefix(have, &want->prefixes[i]))
            return true;
    if (want->endpoint.port == 0)
        return false;
    return have->endpoint.port == 0 ||
           (want->force_endpoint &&
            (want->endpoint.port != have->endpoint.port ||
             addr_compare(&want->endpoint.addr, &have->endpoint.addr) != 0));
}

static void peer_routes(struct plan_build *b, const struct plan_peer *p)
{
    for (uint32_t i = 0; i < p->n_prefixes && i < PLAN_PREFIXES_MAX; i++) {
        struct plan_route_want w = {.stage = PLAN_STAGE_MESH,
                                    .in_scope = b->peers,
                                    .absent = p->goal == PLAN_GONE,
                                    .leave = b->wg == WG_FOREIGN || b->wg == WG_UNREAD,
                                    .fresh = b->wg == WG_FRESH || b->wg == WG_RENAMED};
        if (p->prefixes[i].prefix_len == 0) {
            if (b->peers && p->goal == PLAN_RUN)
                plan_add_note(b, PLAN_NOTE_DEFAULT_PREFIX, p->id,
                              "%s takes every address: no route to "
                              "it is made, since that would take this host's own way out",
                              p->name);
            continue;
        }
        w.route.dst = p->prefixes[i];
        w.route.protocol = PLAN_PROTOCOL;
        w.route.table = PLAN_TABLE_MAIN;
        w.route.oif = b->wg_ifindex;
        (void)str_copy(w.route.dev, sizeof w.route.dev, b->d->node.wg_device);
        w.route.prefsrc = p->prefixes[i].family == AF_INET
                              ? plan_node_ip4(b)
                              : addr_node_ip6(&b->d->node.fleet, (uint16_t)b->d->node.number);
        plan_want_route(b, &w);
    }
}

static void one_peer(struct plan_build *b, const struct plan_peer *p)
{
    bool bare = b->wg == WG_FRESH; /* the device is new: no peer is in it */
    const struct plan_peer *have = bare ? NULL : peer_in_device(b, p->public_key);
    bool known = bare || plan_knows(b, PLAN_KNOWS_WG);
    struct plan_op *op;

    if (p->goal == PLAN_GONE) {
        if (have || !known)
            plan_add(b, PLAN_OP_PEER_DEL, PLAN_STAGE_PEERS, NULL)->peer = p;
        plan_add(b, PLAN_OP_PEER_FORGET, PLAN_STAGE_PEERS, NULL)->peer = p;
    } else if (known && !have) {
        plan_add(b, PLAN_OP_PEER_ADD, PLAN_STAGE_PEERS, NULL)->peer = p;
    } else if (known && peer_differs(p, have)) {
        op = plan_add(b, PLAN_OP_PEER_SET, PLAN_STAGE_PEERS, NULL);
        op->peer = p;
        op->peer_was = have;
    }
}

void plan_peers(struct plan_build *b)
{
    bool reachable = b->wg == WG_THERE || b->wg == WG_RENAMED || (b->wg == WG_FRESH && b->node);

    for (size_t i = 0; i < b->d->n_peers; i++) {
        if (b->peers && reachable)
            one_peer(b, &b->p->peers[i]);
        peer_routes(b, &b->p->peers[i]);
    }
    if (!b->everything || !plan_knows(b, PLAN_KNOWS_WG) || !reachable || b->wg == WG_FRESH)
        return;
    for (size_t i = 0; i < b->a->n_peers; i++) {
        bool ours = false;
        for (size_t k = 0; k < b->d->n_peers && !ours; k++)
            ours = memcmp(b->d->peers_b[k].public_key, b->a->peers_b[i].public_key, 32) == 0;
        if (!ours)
            plan_add_note(b, PLAN_NOTE_FOREIGN_PEER, 0,
                          "%s has a peer that meshdeck did not add: it is "
                          "left alone",
                          b->d->node.wg_device);
    }
}
