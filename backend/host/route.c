/*
 * Routes of ours: builds requests for the batch, and settles those that failed because a route was
 * there (or gone) already, with one dump for all of them. Belongs to the thread that owns the
 * batch. Never touches a route that is not of protocol 77, but for what route_queue_replace says.
 */
#include "backend/host/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/observe/rtnl_rows.h"

enum { METRIC6_DEFAULT = 1024, TRIES = 5 };

static size_t bytes_of(const struct addr *a)
{
    return a->family == AF_INET ? 4 : 16;
}

/* A request that was told "there is one", as the route that it wants. */
struct wanted {
    struct rtnl_route route;
    struct nl_failed *failed;
};

struct settling {
    struct wanted *wanted; /* sorted by table and destination */
    size_t count;
};

static int compare_place(const struct rtnl_route *a, const struct rtnl_route *b)
{
    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    int c = addr_compare(&a->dst, &b->dst);
    return c ? c : a->metric < b->metric ? -1 : a->metric > b->metric;
}

static int compare_wanted(const void *a, const void *b)
{
    return compare_place(&((const struct wanted *)a)->route, &((const struct wanted *)b)->route);
}

static void normalise(struct rtnl_route *r)
{
    if (r->dst.family == AF_INET6 && r->metric == 0)
        r->metric = METRIC6_DEFAULT;
}

static bool is_same(const struct rtnl_route *want, const struct rtnl_route *have)
{
    bool hop = want->type != RTN_UNICAST ||
               (want->oif == have->oif && addr_compare(&want->gateway, &have->gateway) == 0);
    return hop && !have->multipath && want->type == have->type &&
           want->protocol == have->protocol && addr_compare(&want->prefsrc, &have->prefsrc) == 0;
}

static void say_other(struct nl_failed *f, const struct rtnl_route *have)
{
    char dst[ADDR_TEXT], via[ADDR_TEXT];

    (void)addr_format(&have->dst, true, dst);
    if (have->gateway.family)
        (void)addr_format(&have->gateway, false, via);
    else
        (void)snprintf(via, sizeof via, "link %u", have->oif);
    (void)err_set(&f->err, ERR_AREA_NETLINK, -EEXIST,
                  "a route to %s is there already: via %s, protocol %u, metric %u", dst, via,
                  have->protocol, have->metric);
}

static int settle_row(const struct nlmsghdr *m, void *arg)
{
    struct settling *s = arg;
    struct wanted key;

    if (rtnl_parse_route(m, &key.route) != 0 || key.route.tos != 0)
        return 0;
    struct wanted *w = bsearch(&key, s->wanted, s->count, sizeof key, compare_wanted);
    if (!w)
        return 0;
    while (w > s->wanted && compare_wanted(w - 1, &key) == 0)
        w--;
    for (; w < s->wanted + s->count && compare_wanted(w, &key) == 0; w++) {
        if (w->failed->err.code == 0)
            continue;
        if (is_same(&w->route, &key.route))
            err_clear(&w->failed->err);
        else
            say_other(w->failed, &key.route);
    }
    return 0;
}

/* Reads the routes of one family and table and settles what is wanted of it. */
static void settle_table(struct nl *n, struct settling *s, uint8_t family, uint32_t table)
{
    char buffer[128] __attribute__((aligned(8)));

    for (int i = 0; i < TRIES; i++) {
        struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
        m->nlmsg_type = RTM_GETROUTE;
        m->nlmsg_flags = NLM_F_DUMP;
        struct rtmsg *head = mnl_nlmsg_put_extra_header(m, sizeof *head);
        head->rtm_family = family;
        if (!mnl_attr_put_u32_check(m, sizeof buffer, RTA_TABLE, table))
            return;
        if (nl_ask(n, m, settle_row, s, 0, "reading routes", NULL) != -EINTR)
            return; /* without an answer the failures stand as they are */
    }
}

static void settle_add(struct nl *n, struct nl_failed *failed, size_t count)
{
    struct settling s = {calloc(count, sizeof *s.wanted), 0};

    for (size_t i = 0; s.wanted && i < count; i++) {
        struct wanted *w = &s.wanted[s.count];
        if (failed[i].err.code != -EEXIST || rtnl_parse_route(failed[i].request, &w->route) != 0)
            continue;
        normalise(&w->route);
        w->failed = &failed[i];
        s.count++;
    }
    if (s.count)
        qsort(s.wanted, s.count, sizeof *s.wanted, compare_wanted);
    for (size_t i = 0; i < s.count; i++) {
        const struct rtnl_route *r = &s.wanted[i].route;
        const struct rtnl_route *before = i ? &s.wanted[i - 1].route : NULL;
        if (!before || before->table != r->table || before->dst.family != r->dst.family)
            settle_table(n, &s, r->dst.family, r->table);
    }
    free(s.wanted);
}

static void settle_remove(struct nl *n, struct nl_failed *failed, size_t count)
{
    (void)n;
    for (size_t i = 0; i < count; i++) {
        int code = failed[i].err.code;
        if (code == -ESRCH || code == -ENOENT || code == -ENODEV)
            err_clear(&failed[i].err);
    }
}

static uint8_t scope_of(const struct route_spec *r, bool add)
{
    if (r->dst.family == AF_INET6)
        return RT_SCOPE_UNIVERSE;
    if (!add)
        return RT_SCOPE_NOWHERE; /* any */
    return r->gateway.family || r->blackhole ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
}

static void queue(struct nl *n, const struct route_spec *r, uint16_t type, uint16_t flags,
                  const char *verb, nl_settle_fn *settle)
{
    uint32_t table = r->table ? r->table : RT_TABLE_MAIN;
    bool add = type == RTM_NEWROUTE;
    char what[128], text[ADDR_TEXT];
    struct rtmsg head = {.rtm_family = r->dst.family,
                         .rtm_dst_len = r->dst.prefix_len,
                         .rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC,
                         .rtm_protocol = ROUTE_PROTOCOL,
                         .rtm_scope = scope_of(r, add),
                         .rtm_type = r->blackhole ? RTN_BLACKHOLE : RTN_UNICAST};

    nl_begin(n, type, flags, sizeof head);
    nl_set_head(n, &head, sizeof head);
    nl_put_u32(n, RTA_TABLE, table);
    nl_put(n, RTA_DST, r->dst.bytes, bytes_of(&r->dst));
    if (r->oif)
        nl_put_u32(n, RTA_OIF, r->oif);
    if (r->gateway.family)
        nl_put(n, RTA_GATEWAY, r->gateway.bytes, bytes_of(&r->gateway));
    if (add && r->prefsrc.family)
        nl_put(n, RTA_PREFSRC, r->prefsrc.bytes, bytes_of(&r->prefsrc));
    if (r->metric)
        nl_put_u32(n, RTA_PRIORITY, r->metric);
    (void)snprintf(what, sizeof what, "%s route %s", verb, addr_format(&r->dst, true, text));
    nl_end(n, settle, what);
}

void route_queue_add(struct nl *n, const struct route_spec *r)
{
    queue(n, r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "adding", settle_add);
}

void route_queue_replace(struct nl *n, const struct route_spec *r)
{
    queue(n, r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, "replacing", NULL);
}

void route_queue_remove(struct nl *n, const struct route_spec *r)
{
    queue(n, r, RTM_DELROUTE, 0, "removing", settle_remove);
}

int route_add(struct nl *n, const struct route_spec *r, struct err *e)
{
    route_queue_add(n, r);
    return nl_run(n, NULL, NULL, e);
}

int route_replace(struct nl *n, const struct route_spec *r, struct err *e)
{
    route_queue_replace(n, r);
    return nl_run(n, NULL, NULL, e);
}

int route_remove(struct nl *n, const struct route_spec *r, struct err *e)
{
    route_queue_remove(n, r);
    return nl_run(n, NULL, NULL, e);
}
