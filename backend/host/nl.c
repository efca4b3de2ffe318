/*
 * One request socket and its batch. Requests are sent in pieces that fit the socket's buffers; only
 * the last of a piece asks for an acknowledgement, since the kernel answers in order and tells each
 * failure anyway. Belongs to one thread at a time; waits for the kernel's answer, at most five
 * seconds, and wipes its buffers since keys pass through them.
 */
#include "backend/host/nl_internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/observe/nlattr.h"
#include "backend/observe/nlmsg.h"

enum { PIECE_BYTES = 96 * 1024, PIECE_REQUESTS = 256, ATTR_MAX = 60000 };

/* The run in progress. */
struct run {
    struct nl_failed *failed;
    size_t n, cap;
    bool no_memory;
};

int nl_open(int bus, struct nl **ret, struct err *e)
{
    struct nl *n = calloc(1, sizeof *n);
    int on = 1, size = 2 << 20;

    if (!n || !(n->answer = malloc(NL_ANSWER_BUFFER))) {
        free(n);
        return err_set(e, ERR_AREA_NETLINK, -ENOMEM, "out of memory");
    }
    n->socket = mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        int code = -errno;
        nl_free(n);
        return err_sys(e, ERR_AREA_NETLINK, code, "opening a netlink socket");
    }
    /* Conveniences of newer kernels; all works without them. */
    (void)mnl_socket_setsockopt(n->socket, NETLINK_EXT_ACK, &on, sizeof on);
    (void)mnl_socket_setsockopt(n->socket, NETLINK_CAP_ACK, &on, sizeof on);
    (void)mnl_socket_setsockopt(n->socket, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    (void)setsockopt(nl_fd(n), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    (void)setsockopt(nl_fd(n), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    *ret = n;
    return 0;
}

void nl_free(struct nl *n)
{
    if (!n)
        return;
    if (n->socket)
        mnl_socket_close(n->socket);
    nl_drop(n);
    free(n->bytes);
    free(n->queue);
    if (n->answer)
        explicit_bzero(n->answer, NL_ANSWER_BUFFER);
    free(n->answer);
    free(n);
}

void nl_wipe(struct nl *n)
{
    if (n->bytes)
        explicit_bzero(n->bytes, n->cap);
    explicit_bzero(n->answer, NL_ANSWER_BUFFER);
}

int nl_fd(const struct nl *n)
{
    return mnl_socket_get_fd(n->socket);
}

size_t nl_queued(const struct nl *n)
{
    return n->n_queue;
}

void nl_drop(struct nl *n)
{
    if (n->bytes)
        explicit_bzero(n->bytes, n->len);
    n->len = n->n_queue = 0;
    n->broken = false;
}

/* Room for `size` more bytes; by copy, so that no key stays behind in freed memory. */
static void *grow(struct nl *n, size_t size)
{
    if (n->broken)
        return NULL;
    if (n->len + size > n->cap) {
        size_t cap = (n->cap ? n->cap * 2 : 4096) + size;
        uint8_t *bytes = calloc(1, cap);
        if (!bytes) {
            n->broken = true;
            return NULL;
        }
        if (n->bytes) {
            memcpy(bytes, n->bytes, n->len);
            explicit_bzero(n->bytes, n->cap);
        }
        free(n->bytes);
        n->bytes = bytes;
        n->cap = cap;
    }
    void *at = n->bytes + n->len;
    memset(at, 0, size);
    n->len += size;
    return at;
}

void nl_begin(struct nl *n, uint16_t type, uint16_t flags, size_t size)
{
    size_t at = n->len;

    if (n->n_queue == n->cap_queue && !n->broken) {
        size_t cap = n->cap_queue ? n->cap_queue * 2 : 16;
        struct nl_queued *queue = realloc(n->queue, cap * sizeof *queue);
        if (queue) {
            n->queue = queue;
            n->cap_queue = cap;
        } else {
            n->broken = true;
        }
    }
    uint8_t *m = grow(n, NLMSG_HDRLEN + nla_align(size));
    if (!m)
        return;
    struct nlmsghdr head = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST)};
    memcpy(m, &head, sizeof head);
    n->queue[n->n_queue] = (struct nl_queued){.at = at};
}

void nl_set_head(struct nl *n, const void *head, size_t size)
{
    if (!n->broken)
        memcpy(n->bytes + n->queue[n->n_queue].at + NLMSG_HDRLEN, head, size);
}

void nl_put(struct nl *n, uint16_t attr, const void *data, size_t len)
{
    if (len > ATTR_MAX) {
        n->broken = true;
        return;
    }
    uint8_t *at = grow(n, sizeof(struct nlattr) + nla_align(len));
    if (!at)
        return;
    struct nlattr head = {.nla_len = (uint16_t)(sizeof(struct nlattr) + len), .nla_type = attr};
    memcpy(at, &head, sizeof head);
    if (len)
        memcpy(at + sizeof(struct nlattr), data, len);
}

void nl_put_u8(struct nl *n, uint16_t attr, uint8_t v)
{
    nl_put(n, attr, &v, sizeof v);
}

void nl_put_u16(struct nl *n, uint16_t attr, uint16_t v)
{
    nl_put(n, attr, &v, sizeof v);
}

void nl_put_u32(struct nl *n, uint16_t attr, uint32_t v)
{
    nl_put(n, attr, &v, sizeof v);
}

void nl_put_text(struct nl *n, uint16_t attr, const char *s)
{
    nl_put(n, attr, s, strlen(s) + 1);
}

size_t nl_nest(struct nl *n, uint16_t attr)
{
    size_t mark = n->len;
    nl_put(n, attr | NLA_F_NESTED, NULL, 0);
    return mark;
}

void nl_nest_end(struct nl *n, size_t mark)
{
    if (n->broken)
        return;
    size_t len = n->len - mark;
    if (len > ATTR_MAX) {
        n->broken = true;
        return;
    }
    uint16_t short_len = (uint16_t)len;
    memcpy(n->bytes + mark + offsetof(struct nlattr, nla_len), &short_len, sizeof short_len);
}

size_t nl_size(const struct nl *n)
{
    return n->broken || !n->len ? 0 : n->len - n->queue[n->n_queue].at;
}

void nl_end(struct nl *n, nl_settle_fn *settle, const char *what)
{
    if (n->broken)
        return;
    struct nl_queued *q = &n->queue[n->n_queue++];
    uint32_t len;
    q->len = n->len - q->at;
    q->settle = settle;
    (void)str_copy(q->what, sizeof q->what, what); /* a cut name is still a name */
    len = (uint32_t)q->len;
    memcpy(n->bytes + q->at + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof len);
}

static void run_failed(struct nl *n, struct run *run, size_t index, int code, const char *kernel)
{
    const struct nl_queued *q = &n->queue[index];

    if (run->n == run->cap) {
        size_t cap = run->cap ? run->cap * 2 : 16;
        struct nl_failed *failed = realloc(run->failed, cap * sizeof *failed);
        if (!failed) {
            run->no_memory = true;
            return;
        }
        run->failed = failed;
        run->cap = cap;
    }
    struct nl_failed *f = &run->failed[run->n++];
    f->request = (const struct nlmsghdr *)(n->bytes + q->at);
    f->index = index;
    nl_err_of(&f->err, q->what, code, kernel);
}

/* Failures of requests [from, to) out of the kernel's answers, until the last one is answered. */
static void run_collect(struct nl *n, struct run *run, size_t from, size_t to, uint32_t first_seq)
{
    int64_t deadline = nl_deadline();
    size_t next = from; /* not answered yet */
    char text[160];

    while (next < to) {
        ssize_t got = nl_receive(n, deadline);
        if (got < 0) {
            for (; next < to; next++)
                run_failed(n, run, next, (int)got, "the kernel's answer was lost");
            return;
        }
        struct nlm_walk w = {n->answer, (size_t)got};
        const struct nlmsghdr *m;
        while ((m = nlm_next(&w))) {
            uint32_t offset = m->nlmsg_seq - first_seq;
            int code;
            if (m->nlmsg_type != NLMSG_ERROR || offset >= to - from || from + offset < next ||
                mnl_nlmsg_get_payload_len(m) < sizeof(struct nlmsgerr))
                continue; /* an older answer, or none of ours */
            memcpy(&code, mnl_nlmsg_get_payload(m), sizeof code);
            next = from + offset + 1;
            if (code < 0) {
                nl_kernel_text(m, text, sizeof text);
                run_failed(n, run, next - 1, code, text);
            }
        }
    }
}

/* Sends requests [from, to) in one datagram and collects their outcomes. */
static void run_piece(struct nl *n, struct run *run, size_t from, size_t to)
{
    uint32_t first_seq = n->seq + 1;
    size_t start = n->queue[from].at, end = n->queue[to - 1].at + n->queue[to - 1].len;

    for (size_t i = from; i < to; i++) {
        struct nlmsghdr *m = (struct nlmsghdr *)(n->bytes + n->queue[i].at);
        m->nlmsg_seq = ++n->seq;
        if (i + 1 == to)
            m->nlmsg_flags |= NLM_F_ACK;
    }
    if (mnl_socket_sendto(n->socket, n->bytes + start, end - start) < 0) {
        int code = -errno;
        for (size_t i = from; i < to; i++)
            run_failed(n, run, i, code, "sending to the kernel");
        return;
    }
    run_collect(n, run, from, to, first_seq);
}

/* Lets each kind of request look at its own failures. */
static void run_settle(struct nl *n, struct run *run)
{
    struct nl_failed *same = calloc(run->n, sizeof *same);
    size_t *where = calloc(run->n, sizeof *where);
    bool *seen = calloc(run->n, sizeof *seen);

    for (size_t i = 0; same && where && seen && i < run->n; i++) {
        nl_settle_fn *settle = n->queue[run->failed[i].index].settle;
        size_t count = 0;
        if (seen[i] || !settle)
            continue;
        for (size_t j = i; j < run->n; j++) {
            if (n->queue[run->failed[j].index].settle != settle)
                continue;
            seen[j] = true;
            where[count] = j;
            same[count++] = run->failed[j];
        }
        settle(n, same, count);
        for (size_t j = 0; j < count; j++)
            run->failed[where[j]] = same[j];
    }
    free(same); /* without memory the failures simply stand */
    free(where);
    free(seen);
}

static int run_report(const struct nl *n, const struct run *run, nl_result_fn *each, void *arg,
                      struct err *e)
{
    int rc = 0;
    size_t f = 0;

    for (size_t i = 0; i < n->n_queue; i++) {
        const struct err *err = NULL;
        if (f < run->n && run->failed[f].index == i) {
            err = run->failed[f].err.code ? &run->failed[f].err : NULL;
            f++;
        }
        if (err && rc == 0) {
            rc = err->code;
            if (e)
                *e = *err;
        }
        if (each)
            each(i, err, arg);
    }
    return rc;
}

int nl_run(struct nl *n, nl_result_fn *each, void *arg, struct err *e)
{
    struct run run = {0};
    int rc;

    if (n->broken) {
        nl_drop(n);
        return err_set(e, ERR_AREA_NETLINK, -ENOMEM, "out of memory for netlink requests");
    }
    for (size_t from = 0, to; from < n->n_queue; from = to) {
        size_t start = n->queue[from].at;
        for (to = from + 1; to < n->n_queue && to - from < PIECE_REQUESTS; to++)
            if (n->queue[to].at + n->queue[to].len - start > PIECE_BYTES)
                break;
        run_piece(n, &run, from, to);
    }
    if (run.n)
        run_settle(n, &run);
    rc = run_report(n, &run, each, arg, e);
    if (run.no_memory && rc == 0)
        rc = err_set(e, ERR_AREA_NETLINK, -ENOMEM, "out of memory for failed netlink requests");
    free(run.failed);
    nl_drop(n);
    return rc;
}
