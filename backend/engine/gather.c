/*
 * Desired and actual as arrays for the planner. Sources that have not been read whole are marked as
 * not known, and the planner then neither repairs nor cleans there. Engine thread.
 */
#include "backend/engine/gather.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/base.h"
#include "backend/engine/peers.h"
#include "backend/engine/vms.h"
#include "backend/engine/watch.h"
#include "backend/host/sysctl.h"
#include "backend/model/table.h"
#include "backend/model/text.h"

struct gather {
    struct core *core;
    struct plan_desired desired;
    struct plan_actual actual;
    struct plan_vm *vms;
    struct plan_peer *peers, *peers_now;
    struct plan_link *links;
    struct plan_addr *addrs;
    struct plan_route *routes;
    struct plan_guard *guards;
    struct plan_vm_state *states;
    struct plan_sysctl *sysctls;
};

static void fill_vm(const struct core *c, const struct vm_rec *rec, struct plan_vm *ret)
{
    const struct net_rec *net = base_net(c, rec->network_id);

    memset(ret, 0, sizeof *ret);
    ret->id = rec->id;
    str_copy(ret->name, sizeof ret->name, rec->name);
    str_copy(ret->network, sizeof ret->network, net ? net->name : "");
    str_copy(ret->image, sizeof ret->image, rec->image);
    ret->goal = rec->phase == VM_PHASE_DELETING ? PLAN_GONE : rec->wanted ? PLAN_RUN : PLAN_STOP;
    ret->provisional = rec->phase == VM_PHASE_CREATING;
    ret->deleting = rec->phase == VM_PHASE_DELETING;
    ret->limit_s = 30;
    ret->ip4 = rec->ip4;
    ret->ip6 = rec->ip6;
    memcpy(ret->mac, rec->mac, sizeof ret->mac);
    memcpy(ret->tap, rec->tap, sizeof ret->tap);
    ret->uid = rec->uid;
    ret->vcpus = rec->vcpus;
    ret->memory_mib = rec->memory_mib;
    ret->disk_gib = rec->disk_gib;
    ret->mtu = net && net->mtu ? net->mtu : c->base->settings.wg_mtu;
    str_copy(ret->accel, sizeof ret->accel, c->meta.accel);
    str_copy(ret->machine, sizeof ret->machine, rec->machine[0] ? rec->machine : "microvm");
}

static int gather_vms(struct gather *g, size_t extra)
{
    struct core *c = g->core;
    size_t n = c->vms ? c->vms->n : 0, i = 0;

    g->vms = calloc(n + extra + 1, sizeof *g->vms);
    g->states = calloc(n + 1, sizeof *g->states);
    g->guards = calloc(n + 1, sizeof *g->guards);
    if (!g->vms || !g->states || !g->guards)
        return -ENOMEM;
    for (struct vm *v = c->vms ? c->vms->first : NULL; v; v = v->next, i++) {
        fill_vm(c, &v->rec, &g->vms[i]);
        g->states[i] = (struct plan_vm_state){.id = v->rec.id, .proc = vm_proc(v),
                                              .folder = v->has_folder, .disk = v->has_disk,
                                              .seed = v->has_seed, .name = v->named,
                                              .ready = v->ready};
        if (!v->plumbed)
            continue;
        struct plan_guard *guard = &g->guards[g->actual.n_guards++];
        memcpy(guard->tap, v->rec.tap, sizeof guard->tap);
        memcpy(guard->mac, v->rec.mac, sizeof guard->mac);
        guard->ip4 = v->rec.ip4;
        guard->ip6 = v->rec.ip6;
    }
    g->desired.vms_b = g->vms;
    g->desired.n_vms = n;
    g->actual.vms_b = g->states;
    g->actual.n_vms = n;
    g->actual.guards_b = g->guards;
    g->actual.known |= PLAN_KNOWS_VMS | PLAN_KNOWS_GUARDS | PLAN_KNOWS_NAMES;
    return 0;
}

static int gather_links(struct gather *g)
{
    struct table *t = g->core->tables[TABLE_LINKS];

    g->links = calloc(table_count(t) + 1, sizeof *g->links);
    if (!g->links)
        return -ENOMEM;
    for (size_t i = 0; i < table_count(t); i++) {
        const struct link_row *row = table_at(t, i);
        struct plan_link *l = &g->links[g->actual.n_links++];
        l->ifindex = row->ifindex;
        l->mtu = row->mtu;
        memcpy(l->name, row->name, sizeof l->name);
        str_copy(l->alias, sizeof l->alias, row->alias);
        l->up = row->up;
    }
    g->actual.links_b = g->links;
    return 0;
}

static int gather_addrs(struct gather *g)
{
    size_t n = 0;
    const struct rtnl_addr *all = watch_addrs(g->core, &n);

    g->addrs = calloc(n + 1, sizeof *g->addrs);
    if (!g->addrs)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct link_row *l = watch_link(g->core, all[i].ifindex);
        g->addrs[i].ifindex = all[i].ifindex;
        g->addrs[i].addr = all[i].local;
        if (l)
            memcpy(g->addrs[i].dev, l->name, sizeof g->addrs[i].dev);
    }
    g->actual.addrs_b = g->addrs;
    g->actual.n_addrs = n;
    return 0;
}

/* Our routes, and those of others that may stand where one of ours should. */
static int gather_routes(struct gather *g)
{
    struct table *t = g->core->tables[TABLE_ROUTES];
    struct table_view *v = table_snapshot(t);
    size_t n = 0;

    for (int pass = 0; v && pass < 2; pass++) {
        if (pass == 1) {
            g->routes = calloc(n + 1, sizeof *g->routes);
            if (!g->routes)
                break;
            n = 0;
        }
        for (size_t i = 0; i < v->n_rows; i++) {
            const struct route_row *r = view_at(v, i);
            if (!plan_cares_for_route(&g->desired.node, &r->dst, r->table, r->protocol))
                continue;
            if (pass == 1) {
                struct plan_route *p = &g->routes[n];
                *p = (struct plan_route){.dst = r->dst, .gateway = r->gateway, .prefsrc = r->prefsrc,
                                         .oif = r->oif, .table = r->table, .metric = r->metric,
                                         .protocol = r->protocol, .blackhole = r->type == RTN_BLACKHOLE};
                str_copy(p->dev, sizeof p->dev, r->dev);
            }
            n++;
        }
    }
    table_view_unref(v);
    g->actual.routes_b = g->routes;
    g->actual.n_routes = g->routes ? n : 0;
    return g->routes ? 0 : -ENOMEM;
}

static int gather_sysctls(struct gather *g)
{
    g->sysctls = calloc(plan_sysctl_count + 1, sizeof *g->sysctls);
    if (!g->sysctls)
        return -ENOMEM;
    for (size_t i = 0; i < plan_sysctl_count; i++) {
        struct plan_sysctl *s = &g->sysctls[g->actual.n_sysctls];
        str_copy(s->key, sizeof s->key, plan_sysctl_keys[i]);
        if (sysctl_read(s->key, s->value, sizeof s->value, NULL) >= 0)
            g->actual.n_sysctls++;
    }
    g->actual.sysctls_b = g->sysctls;
    g->actual.known |= PLAN_KNOWS_SYSCTLS;
    return 0;
}

static void gather_known(struct gather *g)
{
    const struct core *c = g->core;
    const struct table_health *health = c->meta.health;

    if (health[TABLE_LINKS].whole)
        g->actual.known |= PLAN_KNOWS_LINKS | PLAN_KNOWS_ADDRS;
    if (health[TABLE_ROUTES].whole)
        g->actual.known |= PLAN_KNOWS_ROUTES;
    if (peers_device_is_read(c))
        g->actual.known |= PLAN_KNOWS_WG;
    if (c->base->wg) {
        const struct wg_host_info *info = wg_host_info(c->base->wg);
        g->actual.wg_ours = info->backend != WG_BACKEND_NONE;
    }
    g->actual.nft_whole = c->base->nft && nft_is_whole(c->base->nft);
    g->actual.dns_up = c->base->dns != NULL; /* its module keeps it up from then on */
}

static int gather_peers(struct gather *g)
{
    g->desired.n_peers = peers_gather(g->core, &g->peers);
    g->actual.n_peers = peers_gather_now(g->core, &g->peers_now, g->actual.wg_public_key,
                                         &g->actual.wg_port);
    g->desired.peers_b = g->peers;
    g->actual.peers_b = g->peers_now;
    return g->peers && g->peers_now ? 0 : -ENOMEM;
}

struct gather *gather_new(struct core *c, size_t extra)
{
    struct gather *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->core = c;
    base_plan_node(c, &g->desired.node);
    if (gather_vms(g, extra) < 0 || gather_links(g) < 0 || gather_addrs(g) < 0 ||
        gather_routes(g) < 0 || gather_sysctls(g) < 0 || gather_peers(g) < 0) {
        gather_free(g);
        return NULL;
    }
    gather_known(g);
    return g;
}

void gather_free(struct gather *g)
{
    if (!g)
        return;
    free(g->vms);
    free(g->peers);
    free(g->peers_now);
    free(g->links);
    free(g->addrs);
    free(g->routes);
    free(g->guards);
    free(g->states);
    free(g->sysctls);
    free(g);
}

struct plan_vm *gather_vm(struct gather *g, uint64_t id)
{
    for (size_t i = 0; i < g->desired.n_vms; i++)
        if (g->vms[i].id == id)
            return &g->vms[i];
    return NULL;
}

struct plan_vm *gather_add_vm(struct gather *g, const struct vm_rec *rec)
{
    struct plan_vm *p = &g->vms[g->desired.n_vms++];

    fill_vm(g->core, rec, p);
    p->is_new = true;
    return p;
}

struct plan_peer *gather_peer(struct gather *g, uint64_t id)
{
    for (size_t i = 0; i < g->desired.n_peers; i++)
        if (g->peers[i].id == id)
            return &g->peers[i];
    return NULL;
}

struct plan_peer *gather_add_peer(struct gather *g)
{
    return &g->peers[g->desired.n_peers++]; /* peers_gather leaves room for one */
}

int gather_plan(struct gather *g, const struct plan_scope *scope, struct plan **ret, struct err *e)
{
    return plan_make(&g->desired, &g->actual, scope, ret, e);
}
