/*
 * Addresses of links: builds requests for the batch, and settles those that failed because the
 * object was there (or gone) already. Belongs to the thread that owns the batch. Never waits but
 * for the kernel's answer.
 */
#include "backend/host/address.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/observe/rtnl_rows.h"

static size_t bytes_of(const struct addr *a)
{
    return a->family == AF_INET ? 4 : 16;
}

/* A request that was told "there is one", as the address that it wants. */
struct wanted {
    struct rtnl_addr addr;
    struct nl_failed *failed;
};

/* Rows of the kernel against those requests. */
struct settling {
    struct wanted *wanted;
    size_t count;
};

static void compare(struct wanted *w, const struct rtnl_addr *have)
{
    const struct rtnl_addr *want = &w->addr;
    uint32_t marks = IFA_F_NOPREFIXROUTE;
    char text[ADDR_TEXT];

    if (want->ifindex != have->ifindex || want->local.family != have->local.family ||
        memcmp(want->local.bytes, have->local.bytes, bytes_of(&want->local)) != 0)
        return;
    bool same_len = want->local.prefix_len == have->local.prefix_len;
    if (same_len && (want->flags & marks) == (have->flags & marks))
        err_clear(&w->failed->err);
    else if (same_len || want->local.family == AF_INET6)
        (void)err_set(&w->failed->err, ERR_AREA_NETLINK, -EEXIST,
                      "link %u has the address %s already, with another %s", have->ifindex,
                      addr_format(&have->local, true, text),
                      same_len ? "prefix route setting" : "length");
}

static int settle_row(const struct nlmsghdr *m, void *arg)
{
    struct settling *s = arg;
    struct rtnl_addr have;

    if (rtnl_parse_addr(m, &have) == 0)
        for (size_t i = 0; i < s->count; i++)
            compare(&s->wanted[i], &have);
    return 0;
}

static void settle_add(struct nl *n, struct nl_failed *failed, size_t count)
{
    char buffer[128] __attribute__((aligned(8)));
    struct settling s = {calloc(count, sizeof *s.wanted), 0};

    for (size_t i = 0; s.wanted && i < count; i++)
        if (failed[i].err.code == -EEXIST &&
            rtnl_parse_addr(failed[i].request, &s.wanted[s.count].addr) == 0)
            s.wanted[s.count++].failed = &failed[i];
    for (int tries = 0; s.count && tries < 5; tries++) {
        struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
        m->nlmsg_type = RTM_GETADDR;
        m->nlmsg_flags = NLM_F_DUMP;
        mnl_nlmsg_put_extra_header(m, sizeof(struct ifaddrmsg));
        if (nl_ask(n, m, settle_row, &s, 0, "reading addresses", NULL) != -EINTR)
            break; /* without an answer the failures stand as they are */
    }
    free(s.wanted);
}

static void settle_remove(struct nl *n, struct nl_failed *failed, size_t count)
{
    (void)n;
    for (size_t i = 0; i < count; i++)
        if (failed[i].err.code == -EADDRNOTAVAIL || failed[i].err.code == -ENODEV)
            err_clear(&failed[i].err);
}

static void queue(struct nl *n, const struct address_spec *a, bool add)
{
    char what[128], text[ADDR_TEXT];
    uint32_t flags = (a->no_prefix_route ? IFA_F_NOPREFIXROUTE : 0u) |
                     (a->local.family == AF_INET6 ? IFA_F_NODAD : 0u);
    struct ifaddrmsg head = {.ifa_family = a->local.family,
                             .ifa_prefixlen = a->local.prefix_len,
                             .ifa_scope = a->link_scope ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
                             .ifa_index = a->ifindex};

    nl_begin(n, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof head);
    nl_set_head(n, &head, sizeof head);
    nl_put(n, IFA_LOCAL, a->local.bytes, bytes_of(&a->local));
    nl_put(n, IFA_ADDRESS, a->local.bytes, bytes_of(&a->local));
    if (add)
        nl_put_u32(n, IFA_FLAGS, flags);
    (void)snprintf(what, sizeof what, "%s address %s %s link %u", add ? "adding" : "removing",
                   addr_format(&a->local, true, text), add ? "to" : "from", a->ifindex);
    nl_end(n, add ? settle_add : settle_remove, what);
}

void address_queue_add(struct nl *n, const struct address_spec *a)
{
    queue(n, a, true);
}

void address_queue_remove(struct nl *n, const struct address_spec *a)
{
    queue(n, a, false);
}

int address_add(struct nl *n, const struct address_spec *a, struct err *e)
{
    queue(n, a, true);
    return nl_run(n, NULL, NULL, e);
}

int address_remove(struct nl *n, const struct address_spec *a, struct err *e)
{
    queue(n, a, false);
    return nl_run(n, NULL, NULL, e);
}
