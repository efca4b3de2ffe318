/*
 * Turns the monitor's callbacks into rows of the links and routes tables. A dump after the first
 * one sweeps: rows of its scope that it did not show are gone. Engine thread; called from the loop.
 */
#include "backend/engine/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/core.h"
#include "backend/engine/vms.h"
#include "backend/engine/watch_kept.h"
#include "backend/model/table.h"
#include "backend/model/text.h"

struct link_words {
    const char *dev, *owner[2]; /* owner of routes of others' protocols, and of ours */
    uint32_t oif;
    bool known, down;
};

struct watch {
    struct rtnl *rtnl;
    struct watch_hooks hooks;
    struct table *seen[RTNL_TABLE_COUNT]; /* while a sweep runs */
    unsigned dumps_done; /* bits by table */
    struct watch_kept kept;
    struct link_words words; /* of the last route's link; forgotten when links or names change */
};

static enum table_id table_of(enum rtnl_table t)
{
    return t == RTNL_LINKS ? TABLE_LINKS : TABLE_ROUTES;
}

static bool table_is_shown(enum rtnl_table t)
{
    return t == RTNL_LINKS || t == RTNL_ROUTES4 || t == RTNL_ROUTES6;
}

static void fill_link(const struct rtnl_link *l, struct link_row *row)
{
    char name[IFNAMSIZ];

    *row = (struct link_row){.id = l->ifindex, .ifindex = l->ifindex, .mtu = l->mtu, .master = l->master};
    text_clean(name, sizeof name, l->name, strnlen(l->name, sizeof l->name));
    memcpy(row->name, name, sizeof row->name);
    row->kind = text_intern(l->kind);
    row->alias = text_intern(l->alias);
    row->up = (l->flags & IFF_UP) != 0;
    row->carrier = (l->flags & IFF_RUNNING) != 0;
    row->ours = strncmp(l->alias, "meshdeck:", 9) == 0;
    memcpy(row->mac, l->mac, sizeof row->mac);
}

static const char *owner_of(const struct core *c, const struct link_row *dev, bool ours)
{
    const char *vm = dev ? vms_name_of_tap(c, dev->name) : NULL;
    char text[48];

    if (!ours && !(dev && dev->ours))
        return "foreign";
    if (vm && snprintf(text, sizeof text, "vm %s", vm) > 0)
        return text_intern(text);
    return "meshdeck";
}

/* What all routes out of one link share: dumps come link by link for thousands of routes. */
static const struct link_words *words_of(const struct core *c, uint32_t oif)
{
    struct link_words *k = &c->watch->words;

    if (k->known && k->oif == oif)
        return k;
    const struct link_row *dev = oif ? watch_link(c, oif) : NULL;
    *k = (struct link_words){.known = true, .oif = oif, .dev = dev ? text_intern(dev->name) : ""};
    k->down = dev && !dev->up;
    for (int ours = 0; ours < 2; ours++)
        k->owner[ours] = owner_of(c, dev, ours);
    return k;
}

static void fill_words(const struct core *c, struct route_row *row)
{
    const struct link_words *k = words_of(c, row->oif);

    row->dev = k->dev;
    row->owner = k->owner[row->protocol == 77];
    row->state = k->down ? ROUTE_NEXTHOP_DOWN : ROUTE_PLAIN;
}

static void fill_route(const struct core *c, const struct rtnl_route *r, struct route_row *row)
{
    *row = (struct route_row){.dst = r->dst, .table = r->table, .metric = r->metric, .oif = r->oif};
    row->gateway = r->gateway;
    row->prefsrc = r->prefsrc;
    row->protocol = r->protocol;
    row->type = r->type;
    row->scope = r->scope;
    row->id = route_row_id(row);
    fill_words(c, row);
}

static void on_route(const struct rtnl_route *r, enum rtnl_what what, void *arg)
{
    struct core *c = arg;
    struct watch *w = c->watch;
    enum rtnl_table t = r->dst.family == AF_INET ? RTNL_ROUTES4 : RTNL_ROUTES6;
    struct route_row row;

    if (what != RTNL_SEEN)
        w->words.known = false; /* since the last route a VM may have got its name */
    fill_route(c, r, &row);
    if (what == RTNL_GONE) {
        publish_remove(c, TABLE_ROUTES, &row);
        if (row.protocol == 77 && w->hooks.route_gone)
            w->hooks.route_gone(c, &row);
        return;
    }
    if (w->dumps_done & (1u << t)) {
        const struct route_row *old = table_find(c->tables[TABLE_ROUTES], &row);
        row.since_ms = old ? old->since_ms : now_ms();
    }
    if (what == RTNL_SET && r->replaces)
        watch_drop_replaced(c, &row);
    publish_put(c, TABLE_ROUTES, &row);
    if (what == RTNL_SEEN && w->seen[t])
        (void)table_put(w->seen[t], &row, NULL);
}

static void on_link(const struct rtnl_link *l, enum rtnl_what what, void *arg)
{
    struct core *c = arg;
    struct watch *w = c->watch;
    struct link_row row;

    fill_link(l, &row);
    const struct link_row *old = table_find(c->tables[TABLE_LINKS], &row);
    bool renamed = old && (strcmp(old->name, row.name) != 0 || old->alias != row.alias ||
                           old->up != row.up);
    if (what == RTNL_GONE) {
        publish_remove(c, TABLE_LINKS, &row);
        w->words.known = false;
        watch_drop_routes_of(c, row.ifindex);
        if (w->hooks.link_gone)
            w->hooks.link_gone(c, &row);
        return;
    }
    publish_put(c, TABLE_LINKS, &row);
    w->words.known = false;
    if (what == RTNL_SEEN && w->seen[RTNL_LINKS])
        (void)table_put(w->seen[RTNL_LINKS], &row, NULL);
    if (renamed)
        watch_relabel(c, row.ifindex);
    if (w->hooks.link_set)
        w->hooks.link_set(c, &row);
}

static void on_addr(const struct rtnl_addr *a, enum rtnl_what what, void *arg)
{
    struct core *c = arg;

    watch_kept_addr(&c->watch->kept, a, what);
    if (what == RTNL_GONE && c->watch->hooks.addr_gone)
        c->watch->hooks.addr_gone(c, a);
}

static void on_neigh(const struct rtnl_neigh *n, enum rtnl_what what, void *arg)
{
    struct core *c = arg;
    watch_kept_neigh(&c->watch->kept, n, what);
}

static void on_begin(enum rtnl_table t, void *arg)
{
    struct core *c = arg;
    struct watch *w = c->watch;

    w->words.known = false;
    if (!table_is_shown(t)) {
        watch_kept_begin(&w->kept, t);
        return;
    }
    table_free(w->seen[t]);
    w->seen[t] = w->dumps_done & (1u << t) ? table_new(row_type_of(table_of(t))) : NULL;
}

/* The rows of the scope that the dump did not show. */
static void sweep(struct core *c, enum rtnl_table t)
{
    struct watch *w = c->watch;
    enum table_id id = table_of(t);
    struct table_view *v = table_snapshot(c->tables[id]);
    uint8_t family = t == RTNL_ROUTES4 ? AF_INET : AF_INET6;

    for (size_t i = 0; v && i < v->n_rows; i++) {
        const void *row = view_at(v, i);
        const struct route_row *r = row;
        if (id == TABLE_ROUTES && r->dst.family != family)
            continue;
        if (table_find(w->seen[t], row))
            continue;
        publish_remove(c, id, row);
        w->words.known = false;
        if (id == TABLE_ROUTES && r->protocol == 77 && w->hooks.route_gone)
            w->hooks.route_gone(c, r);
        if (id == TABLE_LINKS && w->hooks.link_gone)
            w->hooks.link_gone(c, row);
    }
    table_view_unref(v);
}

static void on_end(enum rtnl_table t, bool whole, void *arg)
{
    struct core *c = arg;
    struct watch *w = c->watch;
    enum { ALL = (1u << RTNL_TABLE_COUNT) - 1 };

    if (!table_is_shown(t)) {
        watch_kept_end(&w->kept, t, whole);
    } else {
        if (whole && w->seen[t])
            sweep(c, t);
        table_free(w->seen[t]);
        w->seen[t] = NULL;
    }
    w->words.known = false;
    bool was = w->dumps_done == ALL;
    w->dumps_done |= 1u << t;
    if (!was && w->dumps_done == ALL && w->hooks.ready)
        w->hooks.ready(c);
    publish_dirty(c);
}

/* Both route tables of the kernel are one table here: the worse of the two is told. */
static void on_health(enum rtnl_table t, const struct rtnl_health *h, void *arg)
{
    struct core *c = arg;
    struct watch *w = c->watch;

    if (!table_is_shown(t))
        return;
    struct table_health *mine = &c->meta.health[table_of(t)];
    const struct rtnl_health *other = h;
    if (t != RTNL_LINKS && w->rtnl)
        other = rtnl_health_of(w->rtnl, t == RTNL_ROUTES4 ? RTNL_ROUTES6 : RTNL_ROUTES4);
    mine->whole = h->whole && other->whole;
    mine->checked_ms = h->checked_ms < other->checked_ms ? h->checked_ms : other->checked_ms;
    mine->tries = (uint8_t)(h->tries > other->tries ? h->tries : other->tries);
    bool first = !(w->dumps_done & (1u << t));
    bool was_loading = mine->loading != 0;
    mine->loading = h->reading && first ? (uint32_t)table_count(c->tables[table_of(t)]) + 1 : 0;
    str_copy(mine->error, sizeof mine->error, h->error[0] ? h->error : other->error);
    if (was_loading && !mine->loading) /* a table's first reading waits for no gap */
        publish_now(c);
    else
        publish_dirty(c);
}

int watch_start(struct core *c, struct err *e)
{
    static const struct rtnl_consumer consumer = {
        on_begin, on_end, on_link, on_addr, on_route, on_neigh, on_health,
    };

    if (!c->watch)
        c->watch = calloc(1, sizeof *c->watch);
    if (!c->watch)
        return err_set(e, ERR_AREA_NETLINK, -ENOMEM, "watching the kernel: out of memory");
    return rtnl_new(&c->loop, &consumer, c, NULL, &c->watch->rtnl, e);
}

void watch_stop(struct core *c)
{
    struct watch *w = c->watch;

    if (!w)
        return;
    rtnl_free(w->rtnl);
    for (unsigned i = 0; i < RTNL_TABLE_COUNT; i++)
        table_free(w->seen[i]);
    watch_kept_done(&w->kept);
    free(w);
    c->watch = NULL;
}

void watch_set_hooks(struct core *c, const struct watch_hooks *h)
{
    if (!c->watch)
        c->watch = calloc(1, sizeof *c->watch);
    if (c->watch)
        c->watch->hooks = *h;
}

const struct link_row *watch_link(const struct core *c, uint32_t ifindex)
{
    struct link_row key = {.id = ifindex, .ifindex = ifindex};
    return table_find(c->tables[TABLE_LINKS], &key);
}

const struct link_row *watch_link_named(const struct core *c, const char *name)
{
    for (size_t i = 0; i < table_count(c->tables[TABLE_LINKS]); i++) {
        const struct link_row *l = table_at(c->tables[TABLE_LINKS], i);
        if (strcmp(l->name, name) == 0)
            return l;
    }
    return NULL;
}

const struct rtnl_addr *watch_addrs(const struct core *c, size_t *ret_n)
{
    *ret_n = c->watch ? c->watch->kept.n_addrs : 0;
    return c->watch ? c->watch->kept.addrs : NULL;
}

const struct rtnl_neigh *watch_neigh(const struct core *c, const struct addr *a)
{
    return c->watch ? watch_kept_find_neigh(&c->watch->kept, a) : NULL;
}

struct rtnl *watch_rtnl(const struct core *c)
{
    return c->watch ? c->watch->rtnl : NULL;
}

/* Goes over the routes of one link; few links change after they are made, so a walk is cheap enough. */
static void each_route_of(struct core *c, uint32_t oif,
                          void (*fn)(struct core *c, const struct route_row *r))
{
    struct table_view *v = table_snapshot(c->tables[TABLE_ROUTES]);

    for (size_t i = 0; v && i < v->n_rows; i++) {
        const struct route_row *r = view_at(v, i);
        if (r->oif == oif)
            fn(c, r);
    }
    table_view_unref(v);
}

static void relabel_one(struct core *c, const struct route_row *r)
{
    struct route_row row = *r;

    fill_words(c, &row);
    publish_put(c, TABLE_ROUTES, &row);
}

static void drop_one(struct core *c, const struct route_row *r)
{
    publish_remove(c, TABLE_ROUTES, r);
}

void watch_relabel(struct core *c, uint32_t ifindex)
{
    if (c->watch)
        c->watch->words.known = false;
    each_route_of(c, ifindex, relabel_one);
}

void watch_relabel_all(struct core *c)
{
    struct table_view *v = table_snapshot(c->tables[TABLE_ROUTES]);

    for (size_t i = 0; v && i < v->n_rows; i++)
        relabel_one(c, view_at(v, i));
    table_view_unref(v);
}

void watch_drop_routes_of(struct core *c, uint32_t ifindex)
{
    each_route_of(c, ifindex, drop_one);
}

void watch_drop_replaced(struct core *c, const struct route_row *by)
{
    bool found;
    struct table_view *v = table_snapshot(c->tables[TABLE_ROUTES]);
    struct route_row key = *by;

    key.oif = 0;
    memset(&key.gateway, 0, sizeof key.gateway);
    for (size_t i = v ? view_index_of(v, &key, &found) : 0; v && i < v->n_rows; i++) {
        const struct route_row *r = view_at(v, i);
        if (addr_compare(&r->dst, &by->dst) != 0 || r->table != by->table || r->metric != by->metric)
            break;
        if (r->id != by->id)
            publish_remove(c, TABLE_ROUTES, r);
    }
    table_view_unref(v);
}
