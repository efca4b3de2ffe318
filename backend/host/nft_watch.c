/*
 * The socket of the nf_tables notifications. Engine thread. A bounded number of messages a turn, so
 * that a host full of firewall churn cannot starve the loop. When the kernel had to drop messages
 * (ENOBUFS), what was lost cannot be known, and that is what is reported.
 */
#include "backend/host/nft_watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "backend/model/text.h"

enum { RECEIVE_BYTES = 32 * 1024 * 1024, MESSAGE_BYTES = 64 * 1024, MESSAGES_A_TURN = 256 };

struct nft_watch {
    uv_poll_t poll;
    struct mnl_socket *sock;
    nft_own_fn *own;
    nft_change_fn *changed;
    void *arg;
    struct nft_gather gather;
    bool closing;
    char buf[MESSAGE_BYTES] __attribute__((aligned(8)));
};

static void report_lost(struct nft_watch *w)
{
    struct nft_change change = { .lost = true };

    memset(&w->gather, 0, sizeof(w->gather));
    (void)str_copy(change.what, sizeof(change.what), "notifications of firewall changes were lost");
    w->changed(&change, w->arg);
}

static void report(struct nft_watch *w, pid_t pid, const char *who)
{
    struct nft_gather g = w->gather;
    struct nft_change change = { .pid = pid };

    memset(&w->gather, 0, sizeof(w->gather));
    if (!g.touched || w->own(g.port, pid, w->arg)) {
        return;
    }
    (void)str_copy(change.who, sizeof(change.who), who);
    nft_gather_describe(&g, &change);
    w->changed(&change, w->arg);
}

/* The messages of one datagram. */
static void take(struct nft_watch *w, size_t len)
{
    const struct nlmsghdr *m;
    char who[32];
    pid_t pid = 0;
    size_t step;

    for (size_t at = 0; !w->closing && (m = nft_message_at(w->buf + at, len - at, &step)) != NULL;
         at += step) {
        if (nft_gather_message(&w->gather, m, &pid, who, sizeof(who))) {
            report(w, pid, who);
        }
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct nft_watch *w = poll->data;
    int fd = mnl_socket_get_fd(w->sock);

    (void)status, (void)events; /* an error state is read off the socket like any message */
    for (int i = 0; i < MESSAGES_A_TURN && !w->closing; i++) {
        struct sockaddr_nl from = { 0 };
        socklen_t from_len = sizeof(from);
        ssize_t n = recvfrom(fd, w->buf, sizeof(w->buf), MSG_DONTWAIT | MSG_TRUNC,
                             (struct sockaddr *)&from, &from_len);
        if (n < 0 && errno == ENOBUFS) {
            report_lost(w);
        } else if (n < 0 && errno != EINTR) {
            return;
        } else if (n > 0 && from.nl_pid == 0) {
            if ((size_t)n > sizeof(w->buf)) {
                report_lost(w);
            } else {
                take(w, (size_t)n);
            }
        }
    }
}

static void on_closed(uv_handle_t *h)
{
    struct nft_watch *w = h->data;

    (void)mnl_socket_close(w->sock);
    free(w);
}

int nft_watch_open(struct uv_loop_s *loop, nft_own_fn *own, nft_change_fn *changed, void *arg,
                   struct nft_watch **ret, struct err *e)
{
    struct nft_watch *w = calloc(1, sizeof(*w));
    int room = RECEIVE_BYTES, group = NFNLGRP_NFTABLES, code = 0;

    if (!w) {
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory to watch the firewall");
    }
    w->own = own;
    w->changed = changed;
    w->arg = arg;
    w->poll.data = w;
    w->sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!w->sock || mnl_socket_bind(w->sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_setsockopt(w->sock, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
        code = -errno;
    } else {
        (void)setsockopt(mnl_socket_get_fd(w->sock), SOL_SOCKET, SO_RCVBUFFORCE, &room,
                         sizeof(room)); /* with less, losses are noticed all the same */
        code = uv_poll_init(loop, &w->poll, mnl_socket_get_fd(w->sock));
    }
    if (code < 0) {
        if (w->sock) {
            (void)mnl_socket_close(w->sock);
        }
        free(w);
        return err_sys(e, ERR_AREA_NFT, code, "watching the firewall for changes");
    }
    code = uv_poll_start(&w->poll, UV_READABLE, on_readable);
    if (code < 0) {
        nft_watch_free(w);
        return err_sys(e, ERR_AREA_NFT, code, "watching the firewall for changes");
    }
    *ret = w;
    return 0;
}

void nft_watch_free(struct nft_watch *w)
{
    if (!w) {
        return;
    }
    w->closing = true;
    uv_close((uv_handle_t *)&w->poll, on_closed);
}
