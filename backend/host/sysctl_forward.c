/*
 * Switching forwarding on without cutting the operator off: a kernel that forwards IPv6 forgets
 * what router advertisements taught it, unless accept_ra is 2 on that interface. Engine thread; two
 * small filtered dumps.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "backend/host/nl.h"
#include "backend/host/sysctl.h"
#include "backend/model/text.h"
#include "backend/observe/nlattr.h"

#define FORWARD4 "net/ipv4/ip_forward"
#define FORWARD6 "net/ipv6/conf/all/forwarding"

enum { DEVICES_MAX = 64, ROWS_MAX = 100000, PROTO_KERNEL_RA = 2 };

/* Interfaces that live on router advertisements. */
struct learned {
    uint32_t ifindex[DEVICES_MAX];
    size_t count;
};

static void learn(struct learned *l, uint32_t ifindex)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->ifindex[i] == ifindex) {
            return;
        }
    }
    if (ifindex != 0 && l->count < DEVICES_MAX) {
        l->ifindex[l->count++] = ifindex;
    }
}

/* Addresses: known to come from advertisements, or temporary ones where the kernel does not tell. */
static int on_address(const struct nlmsghdr *m, void *arg)
{
    const struct ifaddrmsg *a = mnl_nlmsg_get_payload(m);
    struct nla_walk w;
    struct nla attr;
    int proto = -1;
    uint32_t flags;

    if (m->nlmsg_type != RTM_NEWADDR || !nla_walk_message(&w, m, sizeof(*a)) ||
        a->ifa_family != AF_INET6) {
        return 0;
    }
    flags = a->ifa_flags;
    while (nla_next(&w, &attr)) {
        if (attr.type == IFA_PROTO && attr.len >= 1) {
            proto = attr.data_b[0];
        } else if (attr.type == IFA_FLAGS && attr.len >= sizeof(flags)) {
            memcpy(&flags, attr.data_b, sizeof(flags));
        }
    }
    if (proto == PROTO_KERNEL_RA ||
        (proto < 0 && a->ifa_scope == RT_SCOPE_UNIVERSE && !(flags & IFA_F_PERMANENT))) {
        learn(arg, a->ifa_index);
    }
    return 0;
}

static void learn_nexthops(struct learned *l, const struct nla *multipath)
{
    struct rtnexthop hop;

    for (size_t at = 0; at + sizeof(hop) <= multipath->len;) {
        memcpy(&hop, multipath->data_b + at, sizeof(hop));
        if (hop.rtnh_len < sizeof(hop)) {
            return;
        }
        learn(l, (uint32_t)hop.rtnh_ifindex);
        at += nla_align(hop.rtnh_len);
    }
}

static int on_route(const struct nlmsghdr *m, void *arg)
{
    const struct rtmsg *r = mnl_nlmsg_get_payload(m);
    struct nla_walk w;
    struct nla attr;
    uint32_t oif;

    if (m->nlmsg_type != RTM_NEWROUTE || !nla_walk_message(&w, m, sizeof(*r)) ||
        r->rtm_family != AF_INET6 || r->rtm_protocol != RTPROT_RA) {
        return 0;
    }
    while (nla_next(&w, &attr)) {
        if (attr.type == RTA_OIF && attr.len >= sizeof(oif)) {
            memcpy(&oif, attr.data_b, sizeof(oif));
            learn(arg, oif);
        } else if (attr.type == RTA_MULTIPATH) {
            learn_nexthops(arg, &attr);
        }
    }
    return 0;
}

/* One dump; a table that changes under it is asked again a few times. */
static int dump(struct nl *n, uint16_t type, nl_row_fn *row, struct learned *l, struct err *e)
{
    char buf[256];
    int r = -EINTR;

    for (int tries = 0; tries < 5 && r == -EINTR; tries++) {
        struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
        m->nlmsg_type = type;
        m->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        if (type == RTM_GETROUTE) {
            struct rtmsg *rt = mnl_nlmsg_put_extra_header(m, sizeof(*rt));
            rt->rtm_family = AF_INET6;
            rt->rtm_protocol = RTPROT_RA;
        } else {
            struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(m, sizeof(*a));
            a->ifa_family = AF_INET6;
        }
        r = nl_ask(n, m, row, l, ROWS_MAX, "reading what was learned by RA", e);
    }
    return r == -EINTR ? 0 : r; /* it goes on changing: what was seen must do */
}

static int find_learned(struct learned *l, struct err *e)
{
    struct nl *n;
    int r = nl_open(NETLINK_ROUTE, &n, e);

    l->count = 0;
    if (r < 0) {
        return r;
    }
    r = dump(n, RTM_GETADDR, on_address, l, e);
    if (r == 0) {
        r = dump(n, RTM_GETROUTE, on_route, l, e);
    }
    nl_free(n);
    return r < 0 ? err_wrap(e, "looking for uplinks that live on router advertisements") : 0;
}

/* The key of an interface that would lose what it learned; false when it would not: somebody in
 * user space may handle advertisements (0), or it is safe already (2). */
static bool needs_keeping(uint32_t ifindex, char *key, size_t cap, char name[static IFNAMSIZ])
{
    char value[SYSCTL_VALUE_MAX];

    if (!if_indextoname(ifindex, name)) {
        return false;
    }
    (void)snprintf(key, cap, "net/ipv6/conf/%s/accept_ra", name);
    return sysctl_read(key, value, sizeof(value), NULL) == 0 && strcmp(value, "1") == 0;
}

/* 1 on, 0 off, -ENOENT: a kernel without that family. */
static int is_on(const char *key, struct err *e)
{
    char value[SYSCTL_VALUE_MAX];
    int r = sysctl_read(key, value, sizeof(value), e);

    return r < 0 ? r : strcmp(value, "0") != 0;
}

static int keep_learned(struct sysctl_log *log, struct sysctl_forwarding *f, struct err *e)
{
    struct learned l;
    char key[SYSCTL_KEY_MAX], name[IFNAMSIZ];
    int r = find_learned(&l, e);

    for (size_t i = 0; r >= 0 && i < l.count; i++) {
        if (!needs_keeping(l.ifindex[i], key, sizeof(key), name)) {
            continue;
        }
        r = sysctl_write(key, "2", log, e);
        if (r > 0 && f->n_kept < ARRAY_LEN(f->kept)) {
            (void)str_copy(f->kept[f->n_kept++], IFNAMSIZ, name);
        }
    }
    return r < 0 ? r : 0;
}

int sysctl_enable_forwarding(struct sysctl_log *log, struct sysctl_forwarding *ret,
                             struct err *e)
{
    struct sysctl_forwarding f = { 0 };
    struct sysctl_log done = { 0 }; /* of this call, so that a failure can be undone alone */
    int on4 = is_on(FORWARD4, e), on6 = is_on(FORWARD6, NULL);

    if (on4 < 0) {
        return on4;
    }
    f.was_on4 = on4 == 1;
    f.was_on6 = on6 == 1;
    int r = 0;
    if (on6 == 0) {
        r = keep_learned(&done, &f, e);
        r = r < 0 ? r : sysctl_write(FORWARD6, "1", &done, e);
    }
    if (r >= 0 && on4 == 0) {
        r = sysctl_write(FORWARD4, "1", &done, e);
    }
    if (r >= 0 && log && log->count + done.count > SYSCTL_UNDO_MAX) {
        r = err_set(e, ERR_AREA_HOST, -ENOSPC, "too many settings in one change");
    }
    if (r < 0) {
        (void)sysctl_undo(&done, NULL); /* the first failure is the one to tell */
        return r;
    }
    for (size_t i = 0; log && i < done.count; i++) {
        log->changes[log->count++] = done.changes[i];
    }
    if (ret) {
        *ret = f;
    }
    return 0;
}

int sysctl_plan_forwarding_text(char *ret, size_t cap, struct err *e)
{
    struct learned l;
    char key[SYSCTL_KEY_MAX], name[IFNAMSIZ];
    size_t len = 0;
    bool fits = true;
    int on6 = is_on(FORWARD6, NULL), r = on6 == 0 ? find_learned(&l, e) : 0;

    ret[0] = '\0';
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; on6 == 0 && i < l.count; i++) {
        if (needs_keeping(l.ifindex[i], key, sizeof(key), name)) {
            fits = str_add(ret, cap, &len, "sysctl -w %s=2\n", key) && fits;
        }
    }
    if (on6 == 0) {
        fits = str_add(ret, cap, &len, "sysctl -w " FORWARD6 "=1\n") && fits;
    }
    if (is_on(FORWARD4, NULL) == 0) {
        fits = str_add(ret, cap, &len, "sysctl -w " FORWARD4 "=1\n") && fits;
    }
    return fits ? 0 : err_set(e, ERR_AREA_HOST, -ENOSPC, "the preview does not fit");
}
