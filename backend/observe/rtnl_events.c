/*
 * The multicast side of the monitor: reads events, many in one call, delivers them, and holds back
 * those that arrive while a dump is read. It knows what the kernel does not say: events dropped for
 * want of room, and routes that vanish without an event. Engine thread.
 */
#include "backend/observe/rtnl_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/model/text.h"
#include "backend/observe/nlattr.h"
#include "backend/observe/nlmsg.h"

static void on_readable(uv_poll_t *poll, int status, int events);

static bool kernel_is_silent6(void)
{
    char c = '0';
    int fd = open("/proc/sys/net/ipv6/route/skip_notify_on_dev_down", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (read(fd, &c, 1) != 1)
        c = '0';
    close(fd);
    return c != '0';
}

int rtnl_events_open(struct rtnl *r, struct err *e)
{
    static const int groups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                 RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_NEIGH,
                                 RTNLGRP_NEXTHOP};
    struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
        int code = -errno;
        if (s)
            mnl_socket_close(s);
        return err_sys(e, ERR_AREA_NETLINK, code, "opening a route netlink socket");
    }
    r->events = s;
    int fd = mnl_socket_get_fd(s), size = r->opt.receive_buffer;
    /* Without the right to force it we get what the machine allows: events may then be lost sooner,
     * which is noticed. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        int group = groups[i];
        if (mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0 &&
            group != RTNLGRP_NEXTHOP) /* kernels before 5.3 */
            return err_sys(e, ERR_AREA_NETLINK, -errno, "joining netlink group %d", group);
    }
    r->silent6 = kernel_is_silent6();
    int rc = uv_poll_init(r->loop_b, &r->events_poll, fd);
    if (rc != 0)
        return err_set(e, ERR_AREA_NETLINK, rc, "watching a netlink socket: %s", uv_strerror(rc));
    r->events_poll.data = r;
    return 0;
}

void rtnl_events_listen(struct rtnl *r, bool on)
{
    if (r->closing)
        return;
    if (on)
        (void)uv_poll_start(&r->events_poll, UV_READABLE,
                            on_readable); /* fails only when closing */
    else
        (void)uv_poll_stop(&r->events_poll);
}

/* Which table a message speaks of; RTNL_TABLE_COUNT: none. */
static enum rtnl_table table_of(const struct nlmsghdr *m)
{
    const uint8_t *family = mnl_nlmsg_get_payload(m);

    switch (m->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return RTNL_LINKS;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return RTNL_ADDRESSES;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        return RTNL_NEIGHBOURS;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        if (mnl_nlmsg_get_payload_len(m) < 1)
            return RTNL_TABLE_COUNT;
        return *family == AF_INET    ? RTNL_ROUTES4
               : *family == AF_INET6 ? RTNL_ROUTES6
                                     : RTNL_TABLE_COUNT;
    default:
        return RTNL_TABLE_COUNT;
    }
}

static bool is_removal(const struct nlmsghdr *m)
{
    return m->nlmsg_type == RTM_DELROUTE || m->nlmsg_type == RTM_DELLINK ||
           m->nlmsg_type == RTM_DELADDR || m->nlmsg_type == RTM_DELNEIGH;
}

static int deliver_route(struct rtnl *r, const struct nlmsghdr *m, enum rtnl_what what)
{
    struct rtnl_route row;
    int rc = rtnl_parse_route(m, &row);

    if (rc != 0)
        return rc;
    bool six = row.dst.family == AF_INET6;
    if (r->health[six ? RTNL_ROUTES6 : RTNL_ROUTES4].filtered &&
        !rtnl_protocol_is_read(row.protocol))
        return 1;
    if (six && row.multipath)
        r->hops6 = true;
    if (six && what != RTNL_SEEN && (row.multipath || (what == RTNL_GONE && r->hops6)))
        rtnl_recheck(r, RTNL_ROUTES6);
    if (r->to.route)
        r->to.route(&row, what, r->arg_b);
    return 0;
}

int rtnl_deliver(struct rtnl *r, const struct nlmsghdr *m, enum rtnl_what what)
{
    int rc = 1;
    union {
        struct rtnl_link link;
        struct rtnl_addr addr;
        struct rtnl_neigh neigh;
    } row;

    switch (table_of(m)) {
    case RTNL_LINKS:
        if ((rc = rtnl_parse_link(m, &row.link)) == 0 && r->to.link)
            r->to.link(&row.link, what, r->arg_b);
        break;
    case RTNL_ADDRESSES:
        if ((rc = rtnl_parse_addr(m, &row.addr)) == 0 && r->to.addr)
            r->to.addr(&row.addr, what, r->arg_b);
        break;
    case RTNL_NEIGHBOURS:
        if ((rc = rtnl_parse_neigh(m, &row.neigh)) == 0 && r->to.neigh)
            r->to.neigh(&row.neigh, what, r->arg_b);
        break;
    case RTNL_ROUTES4:
    case RTNL_ROUTES6:
        rc = deliver_route(r, m, what);
        break;
    case RTNL_TABLE_COUNT:
        break;
    }
    return rc;
}

/* What takes routes away without an event: the end of a link, of an IPv4 address that was a
 * preferred source, or of a next hop object. */
static void note_silent_loss(struct rtnl *r, const struct nlmsghdr *m)
{
    struct ifinfomsg link;
    const uint8_t *family = mnl_nlmsg_get_payload(m);
    size_t len = mnl_nlmsg_get_payload_len(m);
    bool routes4 = false, routes6 = false;

    if (m->nlmsg_type == RTM_DELADDR) {
        routes4 = len > 0 && *family == AF_INET;
    } else if (m->nlmsg_type == RTM_NEWLINK || m->nlmsg_type == RTM_DELLINK) {
        if (len < sizeof link)
            return;
        memcpy(&link, family, sizeof link);
        bool fresh = link.ifi_change == UINT32_MAX;
        bool went_down = !fresh && (link.ifi_change & IFF_UP) && !(link.ifi_flags & IFF_UP);
        routes4 = link.ifi_family == AF_UNSPEC && (m->nlmsg_type == RTM_DELLINK || went_down);
        routes6 = routes4 && r->silent6;
    } else if (m->nlmsg_type == RTM_DELNEXTHOP ||
               (m->nlmsg_type == RTM_NEWNEXTHOP && (m->nlmsg_flags & NLM_F_REPLACE))) {
        routes4 = routes6 = true;
    }
    if (routes4)
        rtnl_recheck(r, RTNL_ROUTES4);
    if (routes6)
        rtnl_recheck(r, RTNL_ROUTES6);
}

static void deliver_event(struct rtnl *r, const struct nlmsghdr *m)
{
    enum rtnl_table t = table_of(m);

    if (t != RTNL_TABLE_COUNT && rtnl_deliver(r, m, is_removal(m) ? RTNL_GONE : RTNL_SET) < 0)
        rtnl_recheck(r, t); /* a message that makes no sense: the table itself will tell */
    note_silent_loss(r, m);
}

static void lost(struct rtnl *r)
{
    for (int i = 0; i < RTNL_TABLE_COUNT; i++) {
        struct rtnl_health *h = &r->health[i];
        h->lost++;
        h->whole = false;
        (void)str_copy(h->error, sizeof h->error, "the kernel dropped events; reading it again");
        rtnl_recheck(r, (enum rtnl_table)i);
        rtnl_tell_health(r, (enum rtnl_table)i);
    }
}

/* Reads up to RTNL_EVENT_BATCH datagrams; their number, 0 when there are no more now. A datagram
 * that was cut, or that is not the kernel's, has length 0. */
static int read_batch(struct rtnl *r, size_t lengths[RTNL_EVENT_BATCH])
{
    struct mmsghdr batch[RTNL_EVENT_BATCH];
    struct iovec io[RTNL_EVENT_BATCH];
    struct sockaddr_nl from[RTNL_EVENT_BATCH];

    memset(batch, 0, sizeof batch);
    for (size_t i = 0; i < RTNL_EVENT_BATCH; i++) {
        io[i] = (struct iovec){r->event_buffers + i * RTNL_EVENT_BUFFER, RTNL_EVENT_BUFFER};
        batch[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                           .msg_namelen = sizeof from[i],
                                           .msg_iov = &io[i],
                                           .msg_iovlen = 1};
    }
    for (;;) {
        int n = recvmmsg(mnl_socket_get_fd(r->events), batch, RTNL_EVENT_BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            bool cut = batch[i].msg_hdr.msg_flags & MSG_TRUNC;
            bool kernel = batch[i].msg_hdr.msg_namelen == sizeof from[i] && from[i].nl_pid == 0;
            r->congested |= cut && kernel;
            lengths[i] = cut || !kernel ? 0 : batch[i].msg_len;
        }
        if (n > 0)
            return n;
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN)
            break;
        r->congested = true; /* ENOBUFS, and whatever else: something was missed */
        if (errno != ENOBUFS)
            break;
    }
    /* The kernel drops silently until the queue has run dry: only a dump from now on helps. */
    if (r->congested) {
        r->congested = false;
        lost(r);
    }
    return 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct rtnl *r = poll->data;
    size_t lengths[RTNL_EVENT_BATCH];
    int n, taken = 0;
    (void)events;

    while (taken < RTNL_EVENTS_A_TURN && (n = read_batch(r, lengths)) > 0) {
        for (int i = 0; i < n; i++) {
            struct nlm_walk w = {r->event_buffers + (size_t)i * RTNL_EVENT_BUFFER, lengths[i]};
            const struct nlmsghdr *m;
            while ((m = nlm_next(&w)))
                deliver_event(r, m);
        }
        taken += n;
    }
    if (status < 0) /* libuv stops watching at an error; read_batch has read it off the socket */
        rtnl_events_listen(r, true);
}

static bool hold_add(struct rtnl_hold *h, const struct nlmsghdr *m)
{
    size_t size = nla_align(m->nlmsg_len);

    if (h->len + size > RTNL_HOLD_MAX)
        return false;
    if (h->len + size > h->cap) {
        size_t cap = (h->cap ? h->cap * 2 : 64 * 1024) + size;
        uint8_t *bytes = realloc(h->bytes, cap);
        if (!bytes)
            return false;
        h->bytes = bytes;
        h->cap = cap;
    }
    memcpy(h->bytes + h->len, m, m->nlmsg_len);
    h->len += size;
    return true;
}

enum rtnl_held rtnl_events_hold(struct rtnl *r, enum rtnl_table t)
{
    uint64_t lost_before = r->health[t].lost;
    enum rtnl_held held = RTNL_HELD_CALM;
    size_t lengths[RTNL_EVENT_BATCH];
    int n;

    while ((n = read_batch(r, lengths)) > 0) {
        for (int i = 0; i < n; i++) {
            struct nlm_walk w = {r->event_buffers + (size_t)i * RTNL_EVENT_BUFFER, lengths[i]};
            const struct nlmsghdr *m;
            while ((m = nlm_next(&w))) {
                if (is_removal(m) && table_of(m) == t)
                    held = RTNL_HELD_REMOVED;
                r->congested |= !hold_add(&r->hold, m);
            }
        }
    }
    return r->health[t].lost != lost_before ? RTNL_HELD_LOST : held;
}

void rtnl_events_pump(uv_idle_t *idle)
{
    struct rtnl *r = idle->data;
    struct rtnl_hold *h = &r->hold;

    for (int i = 0; i < RTNL_EVENTS_A_TURN && h->at < h->len; i++) {
        const struct nlmsghdr *m = (const struct nlmsghdr *)(h->bytes + h->at);
        h->at += nla_align(m->nlmsg_len);
        deliver_event(r, m);
    }
    if (h->at < h->len)
        return;
    free(h->bytes);
    *h = (struct rtnl_hold){0};
    uv_idle_stop(idle);
    rtnl_events_listen(r, true);
    rtnl_schedule(r);
}
