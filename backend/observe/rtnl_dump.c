/*
 * Reading one dump of one table, a few buffers a turn of the loop. Engine thread. The socket is
 * made anew when a dump must be given up, since the kernel has no way to stop one. Never allocates
 * per row, never makes a system call per row.
 */
#include "backend/observe/rtnl_internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/model/text.h"
#include "backend/observe/nlmsg.h"

/* What is read of a table that is too large: of this host, and ours. */
static const uint8_t kept_protocols[] = {77, RTPROT_KERNEL, RTPROT_BOOT, RTPROT_STATIC, RTPROT_RA};

static const uint16_t dump_types[RTNL_TABLE_COUNT] = {
    [RTNL_LINKS] = RTM_GETLINK,    [RTNL_ADDRESSES] = RTM_GETADDR,   [RTNL_ROUTES4] = RTM_GETROUTE,
    [RTNL_ROUTES6] = RTM_GETROUTE, [RTNL_NEIGHBOURS] = RTM_GETNEIGH,
};

static void on_readable(uv_poll_t *poll, int status, int events);

bool rtnl_protocol_is_read(uint8_t protocol)
{
    return memchr(kept_protocols, protocol, sizeof kept_protocols) != NULL;
}

int rtnl_dump_open(struct rtnl *r, struct err *e)
{
    int on = 1;
    struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    uv_poll_t *poll = calloc(1, sizeof *poll);

    if (!s || !poll || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
        int code = -errno;
        if (s)
            mnl_socket_close(s);
        free(poll);
        return err_sys(e, ERR_AREA_NETLINK, code, "opening a route netlink socket");
    }
    /* Older kernels lack these; then filters are not honoured, and rows are checked anyway. */
    (void)mnl_socket_setsockopt(s, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    (void)mnl_socket_setsockopt(s, NETLINK_EXT_ACK, &on, sizeof on);
    int rc = uv_poll_init(r->loop_b, poll, mnl_socket_get_fd(s));
    if (rc != 0) {
        mnl_socket_close(s);
        free(poll);
        return err_set(e, ERR_AREA_NETLINK, rc, "watching a netlink socket: %s", uv_strerror(rc));
    }
    poll->data = r;
    r->ask = s;
    r->ask_poll = poll;
    return 0;
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

void rtnl_dump_close(struct rtnl *r)
{
    if (r->ask_poll)
        uv_close((uv_handle_t *)r->ask_poll, on_poll_closed); /* stops watching at once */
    if (r->ask)
        mnl_socket_close(r->ask);
    r->ask_poll = NULL;
    r->ask = NULL;
}

/* Ends a dump before its time. */
void rtnl_dump_abort(struct rtnl *r, const char *why)
{
    rtnl_dump_close(r);
    rtnl_dump_ended(r, why, false);
}

static bool is_routes(enum rtnl_table t)
{
    return t == RTNL_ROUTES4 || t == RTNL_ROUTES6;
}

static void put_head(struct nlmsghdr *m, const struct rtnl *r)
{
    const struct rtnl_dump *d = &r->dump;

    switch (d->table) {
    case RTNL_LINKS:
        mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
        mnl_attr_put_u32_check(m, 256, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        break;
    case RTNL_ADDRESSES:
        mnl_nlmsg_put_extra_header(m, sizeof(struct ifaddrmsg));
        break;
    case RTNL_NEIGHBOURS:
        mnl_nlmsg_put_extra_header(m, sizeof(struct ndmsg));
        break;
    case RTNL_ROUTES4:
    case RTNL_ROUTES6: {
        struct rtmsg *head = mnl_nlmsg_put_extra_header(m, sizeof *head);
        head->rtm_family = d->table == RTNL_ROUTES4 ? AF_INET : AF_INET6;
        if (r->health[d->table].filtered)
            head->rtm_protocol = kept_protocols[d->part];
        break;
    }
    case RTNL_TABLE_COUNT:
        break;
    }
}

static int send_request(struct rtnl *r)
{
    char buffer[256] __attribute__((aligned(8)));
    struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);

    m->nlmsg_type = dump_types[r->dump.table];
    m->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    m->nlmsg_seq = r->dump.seq = ++r->seq;
    put_head(m, r);
    return mnl_socket_sendto(r->ask, m, m->nlmsg_len) < 0 ? -errno : 0;
}

void rtnl_dump_start(struct rtnl *r, enum rtnl_table t)
{
    struct rtnl_health *h = &r->health[t];
    uint64_t now = uv_now(r->loop_b);
    char why[96];

    r->plan[t].due = false;
    r->dump = (struct rtnl_dump){.active = true, .table = t, .started_ms = now, .moved_ms = now};
    h->reading = true;
    h->tries++;
    h->rows = 0;
    if (t == RTNL_ROUTES6)
        r->hops6 = false;
    rtnl_events_listen(r, false);
    if (r->to.begin_dump)
        r->to.begin_dump(t, r->arg_b);
    rtnl_tell_health(r, t);
    struct err e = {0};
    int rc = r->ask ? 0 : rtnl_dump_open(r, &e);
    if (rc == 0)
        rc = send_request(r);
    if (rc == 0)
        rc = uv_poll_start(r->ask_poll, UV_READABLE, on_readable);
    if (rc != 0) {
        (void)snprintf(why, sizeof why, "asking the kernel failed: %s", strerror(-rc));
        rtnl_dump_abort(r, why);
    }
}

static void dump_done(struct rtnl *r, int code)
{
    struct rtnl_dump *d = &r->dump;
    char why[96];

    if (code == 0 && r->health[d->table].filtered && d->part + 1 < ARRAY_LEN(kept_protocols)) {
        d->part++;
        code = send_request(r);
        if (code == 0)
            return;
    }
    (void)uv_poll_stop(r->ask_poll);
    if (code == 0 && d->malformed && !d->interrupted) {
        (void)snprintf(why, sizeof why, "%u rows could not be understood", d->malformed);
        rtnl_dump_ended(r, why, false);
        return;
    }
    if (code == 0) {
        rtnl_dump_ended(r, d->interrupted ? "the table changed while it was read" : NULL, true);
        return;
    }
    (void)snprintf(why, sizeof why, "the kernel refused: %s", strerror(-code));
    rtnl_dump_ended(r, why, code == -EINTR || code == -EAGAIN || code == -EBUSY);
}

/* More routes than anybody wants on a screen: from now on only those of some protocols. */
static void too_many(struct rtnl *r)
{
    struct rtnl_health *h = &r->health[r->dump.table];
    enum rtnl_table t = r->dump.table;

    if (h->filtered) {
        rtnl_dump_abort(r, "too many routes even of those that are read");
        return;
    }
    h->filtered = true;
    rtnl_dump_abort(r, "too many routes");
    r->plan[t].backoff_ms = 0;
    rtnl_plan_at(r, t, 0);
    rtnl_schedule(r);
}

/* One message of the answer; false when the dump has ended and the buffer must not be read on. */
static bool take_message(struct rtnl *r, const struct nlmsghdr *m)
{
    struct rtnl_dump *d = &r->dump;
    int code = 0;

    if (m->nlmsg_seq != d->seq || m->nlmsg_type == NLMSG_NOOP)
        return true;
    d->interrupted |= (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR) {
        if (mnl_nlmsg_get_payload_len(m) >= sizeof code)
            memcpy(&code, mnl_nlmsg_get_payload(m), sizeof code);
        dump_done(r, code < 0 ? code : m->nlmsg_type == NLMSG_ERROR ? -EPROTO : 0);
        return false;
    }
    int rc = rtnl_deliver(r, m, RTNL_SEEN);
    d->malformed += rc < 0;
    if (rc == 0 && ++r->health[d->table].rows > r->opt.route_limit && is_routes(d->table)) {
        too_many(r);
        return false;
    }
    return true;
}

static bool take_buffer(struct rtnl *r, size_t len)
{
    struct nlm_walk w = {r->ask_buffer, len};
    const struct nlmsghdr *m;

    while ((m = nlm_next(&w)))
        if (!take_message(r, m))
            return false;
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct rtnl *r = poll->data;
    char why[96];
    (void)events;

    for (int i = 0; i < RTNL_READS_A_TURN; i++) {
        ssize_t n = mnl_socket_recvfrom(r->ask, r->ask_buffer, RTNL_BUFFER);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            (void)snprintf(why, sizeof why, "reading from the kernel failed: %s", strerror(errno));
            rtnl_dump_abort(r, why);
            return;
        }
        r->dump.moved_ms = uv_now(r->loop_b);
        r->dump.reads++;
        if (!take_buffer(r, (size_t)n))
            return; /* it ended, and another may have begun: that one is read in the next turn */
    }
    if (status < 0) /* libuv stops watching at an error; it has been read off the socket */
        (void)uv_poll_start(poll, UV_READABLE, on_readable);
    rtnl_tell_health(r, r->dump.table);
}
