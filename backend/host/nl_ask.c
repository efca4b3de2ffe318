/*
 * Single questions to the kernel: one request, its rows, its end. Belongs to one thread at a time;
 * waits for the kernel, at most five seconds. Believes no length that the answer claims.
 */
#include "backend/host/nl_internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "backend/model/text.h"
#include "backend/observe/nlattr.h"
#include "backend/observe/nlmsg.h"

enum { DEADLINE_MS = 5000, ROWS_MAX = 1 << 20 };

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail on Linux */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t nl_deadline(void)
{
    return now_ms() + DEADLINE_MS;
}

/* One datagram of the kernel; its length, or a negative errno. */
ssize_t nl_receive(struct nl *n, int64_t deadline)
{
    for (;;) {
        ssize_t len = mnl_socket_recvfrom(n->socket, n->answer, NL_ANSWER_BUFFER);
        if (len >= 0)
            return len;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        int64_t left = deadline - now_ms();
        if (left <= 0)
            return -ETIMEDOUT;
        struct pollfd p = {nl_fd(n), POLLIN, 0};
        (void)poll(&p, 1, (int)left); /* whatever it says, the next read tells */
    }
}

/* The kernel's own words in an error message, cleaned; "" when it has none. */
void nl_kernel_text(const struct nlmsghdr *m, char *dst, size_t cap)
{
    struct nla_walk w;
    struct nla a;
    size_t skip = sizeof(struct nlmsgerr);

    dst[0] = '\0';
    if (!(m->nlmsg_flags & NLM_F_ACK_TLVS) || m->nlmsg_len < NLMSG_HDRLEN + skip)
        return;
    const struct nlmsgerr *err = mnl_nlmsg_get_payload(m);
    if (!(m->nlmsg_flags & NLM_F_CAPPED)) {
        size_t inner = err->msg.nlmsg_len;
        if (inner < NLMSG_HDRLEN || inner > m->nlmsg_len)
            return;
        skip += inner - NLMSG_HDRLEN;
    }
    if (!nla_walk_message(&w, m, skip))
        return;
    while (nla_next(&w, &a))
        if (a.type == NLMSGERR_ATTR_MSG)
            nla_text(&a, dst, cap);
}

int nl_err_of(struct err *e, const char *what, int code, const char *kernel)
{
    if (kernel && *kernel)
        return err_sys(e, ERR_AREA_NETLINK, code, "%s: %s", what, kernel);
    return err_sys(e, ERR_AREA_NETLINK, code, "%s", what);
}

/* How far an answer has come. */
struct asked {
    uint32_t seq;
    bool dump, interrupted, ended;
    int code; /* the first thing that went wrong */
    char kernel[160];
    nl_row_fn *row;
    void *arg;
    size_t rows, max_rows;
};

static void asked_take(struct asked *a, const struct nlmsghdr *m)
{
    int code = 0;

    if (m->nlmsg_seq != a->seq || m->nlmsg_type == NLMSG_NOOP)
        return;
    a->interrupted |= (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE) {
        a->ended = true;
        if (mnl_nlmsg_get_payload_len(m) >= sizeof code)
            memcpy(&code, mnl_nlmsg_get_payload(m), sizeof code);
        if (code < 0 && a->code == 0) {
            a->code = code;
            if (m->nlmsg_type == NLMSG_ERROR)
                nl_kernel_text(m, a->kernel, sizeof a->kernel);
        }
    } else if (a->code == 0) { /* after an error the rest is only read off */
        a->code = a->rows++ < a->max_rows ? a->row(m, a->arg) : -E2BIG;
    }
}

int nl_ask(struct nl *n, struct nlmsghdr *request, nl_row_fn *row, void *arg, size_t max_rows,
           const char *what, struct err *e)
{
    struct asked a = {
        .seq = ++n->seq, .row = row, .arg = arg, .max_rows = max_rows ? max_rows : ROWS_MAX};
    int64_t deadline = nl_deadline();

    a.dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    request->nlmsg_seq = a.seq;
    request->nlmsg_flags |= (uint16_t)(NLM_F_REQUEST | (a.dump ? 0 : NLM_F_ACK));
    if (mnl_socket_sendto(n->socket, request, request->nlmsg_len) < 0)
        return err_sys(e, ERR_AREA_NETLINK, -errno, "%s: sending to the kernel", what);
    while (!a.ended) {
        ssize_t got = nl_receive(n, deadline);
        if (got < 0)
            return err_sys(e, ERR_AREA_NETLINK, (int)got, "%s: the kernel's answer was lost", what);
        struct nlm_walk w = {n->answer, (size_t)got};
        const struct nlmsghdr *m;
        while (!a.ended && (m = nlm_next(&w)))
            asked_take(&a, m);
    }
    if (a.code != 0)
        return nl_err_of(e, what, a.code, a.kernel);
    if (a.interrupted)
        return err_set(e, ERR_AREA_NETLINK, -EINTR, "%s: it changed while it was read", what);
    return 0;
}

static int take_family(const struct nlmsghdr *m, void *arg)
{
    struct nla_walk w;
    struct nla a;

    if (!nla_walk_message(&w, m, sizeof(struct genlmsghdr)))
        return -EBADMSG;
    while (nla_next(&w, &a))
        if (a.type == CTRL_ATTR_FAMILY_ID)
            *(uint16_t *)arg = nla_u16(&a);
    return 0;
}

int nl_genl_family(struct nl *n, const char *name, uint16_t *ret, struct err *e)
{
    char buffer[256] __attribute__((aligned(8))), what[64];
    struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
    uint16_t id = 0;

    m->nlmsg_type = GENL_ID_CTRL;
    struct genlmsghdr *head = mnl_nlmsg_put_extra_header(m, sizeof *head);
    head->cmd = CTRL_CMD_GETFAMILY;
    head->version = 1;
    if (!mnl_attr_put_strz_check(m, sizeof buffer, CTRL_ATTR_FAMILY_NAME, name))
        return err_set(e, ERR_AREA_NETLINK, -EINVAL, "%.20s: too long for a family's name", name);
    size_t len = 0;
    (void)str_add(what, sizeof what, &len, "asking for the netlink family %s", name);
    int rc = nl_ask(n, m, take_family, &id, 0, what, e);
    if (rc == 0 && id == 0)
        rc = err_set(e, ERR_AREA_NETLINK, -ENOENT, "%s: the kernel named no family", what);
    if (rc == 0)
        *ret = id;
    return rc;
}
