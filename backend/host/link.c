/*
 * Changes of links. Single requests here wait for the kernel's answer only; what waits for an RCU
 * grace period (deletion) runs in the pool. Deletes by group only from groups that it made itself.
 */
#include "backend/host/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uv.h>

#include "backend/model/text.h"
#include "backend/observe/rtnl_rows.h"

enum { DELETE_AT_ONCE = 64 }; /* so that the kernel's lock is never held for long */

static void begin_link(struct nl *n, uint16_t type, uint16_t flags, uint32_t ifindex)
{
    struct ifinfomsg head = {.ifi_index = (int)ifindex};
    nl_begin(n, type, flags, sizeof head);
    nl_set_head(n, &head, sizeof head);
}

static void put_no_link_local(struct nl *n)
{
    size_t spec = nl_nest(n, IFLA_AF_SPEC);
    size_t six = nl_nest(n, AF_INET6);
    nl_put_u8(n, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    nl_nest_end(n, six);
    nl_nest_end(n, spec);
}

void link_queue_change(struct nl *n, const struct link_change *c)
{
    char what[64];

    begin_link(n, RTM_SETLINK, 0, c->ifindex);
    (void)snprintf(what, sizeof what, "changing link %u", c->ifindex);
    if (c->mtu)
        nl_put_u32(n, IFLA_MTU, c->mtu);
    if (c->group)
        nl_put_u32(n, IFLA_GROUP, c->group);
    if (c->master)
        nl_put_u32(n, IFLA_MASTER, c->master);
    if (c->alias_b)
        nl_put(n, IFLA_IFALIAS, c->alias_b, strlen(c->alias_b));
    if (c->no_link_local)
        put_no_link_local(n);
    if (c->no_link_local && c->state == LINK_STATE_UP) {
        /* in one request the kernel would set it up first, and make the address */
        nl_end(n, NULL, what);
        begin_link(n, RTM_SETLINK, 0, c->ifindex);
    }
    if (c->state != LINK_STATE_LEAVE) {
        struct ifinfomsg state = {.ifi_index = (int)c->ifindex,
                                  .ifi_change = IFF_UP,
                                  .ifi_flags = c->state == LINK_STATE_UP ? IFF_UP : 0};
        nl_set_head(n, &state, sizeof state);
    }
    nl_end(n, NULL, what);
}

int link_change(struct nl *n, const struct link_change *c, struct err *e)
{
    link_queue_change(n, c);
    return nl_run(n, NULL, NULL, e);
}

int link_rename(struct nl *n, uint32_t ifindex, const char *name, struct err *e)
{
    struct link_change state = {.ifindex = ifindex, .state = LINK_STATE_DOWN};
    struct rtnl_link was;
    char what[64];

    int r = link_get(n, NULL, ifindex, &was, e);
    if (r < 0)
        return r;
    link_queue_change(n, &state);
    begin_link(n, RTM_SETLINK, 0, ifindex);
    nl_put_text(n, IFLA_IFNAME, name);
    (void)snprintf(what, sizeof what, "renaming %.15s to %.15s", was.name, name);
    nl_end(n, NULL, what);
    if (was.flags & IFF_UP) {
        state.state = LINK_STATE_UP;
        link_queue_change(n, &state);
    }
    return nl_run(n, NULL, NULL, e);
}

static int take_link(const struct nlmsghdr *m, void *arg)
{
    int rc = rtnl_parse_link(m, arg);
    return rc == 1 ? 0 : rc;
}

int link_get(struct nl *n, const char *name, uint32_t ifindex, struct rtnl_link *ret, struct err *e)
{
    char buffer[256] __attribute__((aligned(8))), what[64];
    struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
    struct rtnl_link link = {0};
    bool fits = true;

    m->nlmsg_type = RTM_GETLINK;
    struct ifinfomsg *head = mnl_nlmsg_put_extra_header(m, sizeof *head);
    if (name) {
        fits =
            strlen(name) < IFNAMSIZ && mnl_attr_put_strz_check(m, sizeof buffer, IFLA_IFNAME, name);
        (void)snprintf(what, sizeof what, "link %.15s", name);
    } else {
        head->ifi_index = (int)ifindex;
        (void)snprintf(what, sizeof what, "link %u", ifindex);
    }
    if (!fits || !mnl_attr_put_u32_check(m, sizeof buffer, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS))
        return err_set(e, ERR_AREA_NETLINK, -EINVAL, "%s...: too long for a link's name", what);
    int rc = nl_ask(n, m, take_link, &link, 0, what, e);
    if (rc == 0 && link.ifindex == 0)
        rc = err_set(e, ERR_AREA_NETLINK, -ENODEV, "%s: the kernel named none", what);
    if (rc == 0)
        *ret = link;
    return rc;
}

int link_add(struct nl *n, const char *name, const char *kind, uint32_t group, struct err *e)
{
    char what[64];

    if (strlen(name) >= IFNAMSIZ)
        return err_set(e, ERR_AREA_NETLINK, -EINVAL, "%.15s...: too long for a link's name", name);
    begin_link(n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    nl_put_text(n, IFLA_IFNAME, name);
    if (group)
        nl_put_u32(n, IFLA_GROUP, group);
    size_t info = nl_nest(n, IFLA_LINKINFO);
    nl_put_text(n, IFLA_INFO_KIND, kind);
    nl_nest_end(n, info);
    (void)snprintf(what, sizeof what, "adding link %s of kind %.15s", name, kind);
    nl_end(n, NULL, what);
    return nl_run(n, NULL, NULL, e);
}

static void gone_is_fine(struct nl *n, struct nl_failed *failed, size_t count)
{
    (void)n;
    for (size_t i = 0; i < count; i++)
        if (failed[i].err.code == -ENODEV || failed[i].err.code == -ESRCH)
            err_clear(&failed[i].err);
}

int link_delete(struct nl *n, uint32_t ifindex, struct err *e)
{
    char what[64];

    begin_link(n, RTM_DELLINK, 0, ifindex);
    (void)snprintf(what, sizeof what, "deleting link %u", ifindex);
    nl_end(n, gone_is_fine, what);
    return nl_run(n, NULL, NULL, e);
}

/* A bulk deletion on its way through the pool. */
struct deletion {
    uv_work_t work;
    struct nl *nl;
    char (*names)[IFNAMSIZ];
    size_t count;
    char alias_prefix[RTNL_ALIAS];
    link_deleted_fn *done;
    void *arg_b;
    struct err err; /* the first failure */
};

static void keep_first(struct err *first, const struct err *e)
{
    if (first->code == 0)
        *first = *e;
}

/* A group number that nobody uses: of 2^30, by chance. */
static int fresh_group(uint32_t *ret, struct err *e)
{
    uint32_t r;
    if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
        return err_sys(e, ERR_AREA_HOST, -errno, "no random number");
    *ret = 0x40000000u | (r & 0x3fffffffu);
    return 0;
}

static int delete_group(struct nl *n, uint32_t group, struct err *e)
{
    begin_link(n, RTM_DELLINK, 0, 0);
    nl_put_u32(n, IFLA_GROUP, group);
    nl_end(n, gone_is_fine, "deleting a group of links");
    return nl_run(n, NULL, NULL, e);
}

static void delete_some(struct deletion *d, size_t from, size_t to)
{
    size_t prefix_len = strlen(d->alias_prefix);
    uint32_t group = 0;
    struct err e = {0};

    if (fresh_group(&group, &e) != 0) {
        keep_first(&d->err, &e);
        return;
    }
    for (size_t i = from; i < to; i++) {
        struct rtnl_link link;
        int rc = link_get(d->nl, d->names[i], 0, &link, &e);
        if (rc == -ENODEV)
            continue;
        if (rc == 0 && strncmp(link.alias, d->alias_prefix, prefix_len) != 0)
            rc = err_set(&e, ERR_AREA_HOST, -EPERM, "link %s is not ours: its alias is \"%s\"",
                         link.name, link.alias);
        if (rc != 0)
            keep_first(&d->err, &e);
        else
            link_queue_change(d->nl,
                              &(struct link_change){.ifindex = link.ifindex, .group = group});
    }
    if (nl_queued(d->nl) == 0)
        return;
    if (nl_run(d->nl, NULL, NULL, &e) != 0 && e.code != -ENODEV)
        keep_first(&d->err, &e);
    if (delete_group(d->nl, group, &e) != 0)
        keep_first(&d->err, &e);
}

static void deletion_work(uv_work_t *work)
{
    struct deletion *d = work->data;
    for (size_t i = 0; i < d->count; i += DELETE_AT_ONCE)
        delete_some(d, i, i + DELETE_AT_ONCE < d->count ? i + DELETE_AT_ONCE : d->count);
}

static void deletion_free(struct deletion *d)
{
    nl_free(d->nl);
    free(d->names);
    free(d);
}

static void deletion_done(uv_work_t *work, int status)
{
    struct deletion *d = work->data;
    if (status != 0)
        (void)err_set(&d->err, ERR_AREA_HOST, status, "deleting links was cancelled");
    d->done(d->err.code ? &d->err : NULL, d->arg_b);
    deletion_free(d);
}

int link_delete_many(struct uv_loop_s *loop, const char (*names)[IFNAMSIZ], size_t count,
                     const char *alias_prefix, link_deleted_fn *done, void *arg, struct err *e)
{
    struct deletion *d = calloc(1, sizeof *d);
    int rc = -ENOMEM;

    if (!d || !(d->names = calloc(count ? count : 1, sizeof *d->names)))
        goto out;
    for (size_t i = 0; i < count; i++)
        (void)str_copy(d->names[i], IFNAMSIZ, names[i]); /* an array of that size */
    if (!str_copy(d->alias_prefix, sizeof d->alias_prefix, alias_prefix)) {
        rc = -EINVAL;
        goto out;
    }
    rc = nl_open(NETLINK_ROUTE, &d->nl, e);
    if (rc != 0) {
        deletion_free(d);
        return rc;
    }
    d->count = count;
    d->done = done;
    d->arg_b = arg;
    d->work.data = d;
    rc = uv_queue_work(loop, &d->work, deletion_work, deletion_done);
    if (rc == 0)
        return 0;
out:
    if (d)
        deletion_free(d);
    return err_sys(e, ERR_AREA_HOST, rc, "deleting %zu links", count);
}
