/*
 * Guests as set elements, in one netlink batch, and the questions to nf_tables. Engine thread; the
 * socket is blocking, but nf_tables answers within the send, so nothing is waited for. It never
 * touches a table that is not ours: the table's name is a constant here.
 */
#include "backend/host/nft_elements.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "backend/host/nft_set.h"
#include "backend/host/nft_watch.h"
#include "backend/model/text.h"

enum {
    MESSAGE_ROOM = 48 * 1024,    /* elements of one message: attribute lengths are 16 bits */
    ELEMENT_ROOM = 128,          /* one element with its nests */
    RECEIVE_ROOM = 64 * 1024,
    SOCKET_SLACK = 64 * 1024,
    ERROR_TEXT = 120,
};

struct nft_elements {
    struct mnl_socket *sock;
    uint32_t seq;
    char *buf;       /* the batch under construction */
    size_t len, cap;
    char receive[RECEIVE_ROOM] __attribute__((aligned(8)));
};

int nft_elements_open(struct nft_elements **ret, struct err *e)
{
    struct nft_elements *x = calloc(1, sizeof(*x));
    int on = 1;

    if (!x) {
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for the firewall's socket");
    }
    x->sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!x->sock || mnl_socket_bind(x->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
        int code = -errno;
        nft_elements_free(x);
        return err_sys(e, ERR_AREA_NFT, code, "opening nf_tables");
    }
    /* Better texts, where the kernel has them. */
    (void)mnl_socket_setsockopt(x->sock, NETLINK_EXT_ACK, &on, sizeof(on));
    (void)mnl_socket_setsockopt(x->sock, NETLINK_CAP_ACK, &on, sizeof(on));
    *ret = x;
    return 0;
}

void nft_elements_free(struct nft_elements *x)
{
    if (!x) {
        return;
    }
    if (x->sock) {
        (void)mnl_socket_close(x->sock);
    }
    free(x->buf);
    free(x);
}

uint32_t nft_elements_port(const struct nft_elements *x)
{
    return mnl_socket_get_portid(x->sock);
}

/* Room for one more message; -ENOMEM else. */
static int make_room(struct nft_elements *x)
{
    if (x->cap - x->len >= MESSAGE_ROOM * 2) {
        return 0;
    }
    size_t cap = x->cap ? x->cap * 2 : MESSAGE_ROOM * 4;
    char *buf = realloc(x->buf, cap);
    if (!buf) {
        return -ENOMEM;
    }
    x->buf = buf;
    x->cap = cap;
    return 0;
}

static struct nlmsghdr *begin_message(struct nft_elements *x, uint16_t type, uint16_t flags,
                                      enum nft_set set)
{
    const struct nft_set_info *info = nft_set_info(set);
    struct nlmsghdr *m = nftnl_nlmsg_build_hdr(x->buf + x->len, type,
                                               nft_family_number(info->family), flags, ++x->seq);

    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, info->name);
    return m;
}

static void put_element(struct nlmsghdr *m, const struct nft_element *el)
{
    uint8_t key[NFT_KEY_MAX];
    size_t len = nft_element_key(el, key);
    struct nlattr *item = mnl_attr_nest_start(m, NFTA_LIST_ELEM);
    struct nlattr *nest = mnl_attr_nest_start(m, NFTA_SET_ELEM_KEY);

    mnl_attr_put(m, NFTA_DATA_VALUE, len, key);
    mnl_attr_nest_end(m, nest);
    mnl_attr_nest_end(m, item);
}

/* Queues the elements that these guests have in one set, in as few messages as they fit. */
static int queue_set(struct nft_elements *x, uint16_t type, uint16_t flags, enum nft_set set,
                     const struct nft_guest *guests, size_t count)
{
    struct nft_element els[NFT_ELEMENTS_PER_GUEST];
    struct nlmsghdr *m = NULL;
    struct nlattr *list = NULL;

    for (size_t g = 0; g < count; g++) {
        size_t n = nft_guest_elements(&guests[g], els);
        for (size_t i = 0; i < n; i++) {
            if (els[i].set != set) {
                continue;
            }
            if (m && m->nlmsg_len > MESSAGE_ROOM - ELEMENT_ROOM) {
                mnl_attr_nest_end(m, list);
                x->len += m->nlmsg_len;
                m = NULL;
            }
            if (!m) {
                if (make_room(x) < 0) {
                    return -ENOMEM;
                }
                m = begin_message(x, type, flags, set);
                list = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
            }
            put_element(m, &els[i]);
        }
    }
    if (m) {
        mnl_attr_nest_end(m, list);
        x->len += m->nlmsg_len;
    }
    return 0;
}

/* The whole batch; *ret_last is the sequence number whose acknowledgement ends the answer. */
static int build_batch(struct nft_elements *x, const struct nft_guest *add, size_t n_add,
                       const struct nft_guest *del, size_t n_del, uint32_t *ret_last)
{
    struct nlmsghdr *last = NULL;

    x->len = 0;
    if (make_room(x) < 0) {
        return -ENOMEM;
    }
    x->len += nftnl_batch_begin(x->buf, ++x->seq)->nlmsg_len;
    size_t start = x->len;
    for (enum nft_set s = 0; s < NFT_SET_COUNT; s++) {
        if (queue_set(x, NFT_MSG_DELSETELEM, 0, s, del, n_del) < 0 ||
            queue_set(x, NFT_MSG_NEWSETELEM, NLM_F_CREATE, s, add, n_add) < 0) {
            return -ENOMEM;
        }
    }
    for (size_t at = start; at < x->len; at += last->nlmsg_len) {
        last = (struct nlmsghdr *)(void *)(x->buf + at);
    }
    if (!last) {
        return 0;
    }
    last->nlmsg_flags |= NLM_F_ACK;
    *ret_last = last->nlmsg_seq;
    if (make_room(x) < 0) {
        return -ENOMEM;
    }
    x->len += nftnl_batch_end(x->buf + x->len, ++x->seq)->nlmsg_len;
    return 1;
}

static int send_batch(struct nft_elements *x, struct err *e)
{
    const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    int want = (int)(x->len + SOCKET_SLACK), fd = mnl_socket_get_fd(x->sock);

    /* A batch is one packet. Without CAP_NET_ADMIN the send would fail anyway. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof(want));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof(want));
    if (sendto(fd, x->buf, x->len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
        return err_sys(e, ERR_AREA_NFT, -errno, "sending %zu bytes to nf_tables", x->len);
    }
    return 0;
}

static int on_error_attr(const struct nlattr *attr, void *arg)
{
    char *text = arg;

    if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG) {
        const char *from = mnl_attr_get_payload(attr);
        (void)text_clean(text, ERROR_TEXT, from, strnlen(from, mnl_attr_get_payload_len(attr)));
    }
    return MNL_CB_OK;
}

/* The kernel's own words in an error message, cleaned; "" when there are none. The request's
 * payload is not repeated before them, since NETLINK_CAP_ACK is on. */
static void extended_text(const struct nlmsghdr *m, char ret[static ERROR_TEXT])
{
    ret[0] = '\0';
    if ((m->nlmsg_flags & NLM_F_ACK_TLVS) && (m->nlmsg_flags & NLM_F_CAPPED)) {
        (void)mnl_attr_parse(m, sizeof(struct nlmsgerr), on_error_attr, ret);
    }
}

/* Reads answers until that of `last`; the first error wins, since later ones follow from it. */
static int receive_batch(struct nft_elements *x, uint32_t last, struct err *e)
{
    int first = 0;

    for (bool more = true; more;) {
        ssize_t n = mnl_socket_recvfrom(x->sock, x->receive, sizeof(x->receive));
        if (n < 0) {
            return err_sys(e, ERR_AREA_NFT, -errno, "reading the answer of nf_tables");
        }
        const struct nlmsghdr *m;
        size_t step;
        for (size_t at = 0;
             (m = nft_message_at(x->receive + at, (size_t)n - at, &step)) != NULL; at += step) {
            if (m->nlmsg_type != NLMSG_ERROR ||
                mnl_nlmsg_get_payload_len(m) < sizeof(struct nlmsgerr)) {
                continue;
            }
            const struct nlmsgerr *er = mnl_nlmsg_get_payload(m);
            if (er->error != 0 && first == 0) {
                char text[ERROR_TEXT];
                extended_text(m, text);
                first = err_sys(e, ERR_AREA_NFT, er->error, "changing guests in nf_tables%s%s",
                                text[0] ? ": " : "", text);
            }
            /* A refused batch may end before its last message is looked at. */
            more = more && m->nlmsg_seq != last && er->error == 0;
        }
    }
    return first;
}

/* What is left of an answer must not be taken for the next one's. */
static void drain(struct nft_elements *x)
{
    int fd = mnl_socket_get_fd(x->sock);

    while (recv(fd, x->receive, sizeof(x->receive), MSG_DONTWAIT) > 0) {
    }
}

int nft_elements_apply(struct nft_elements *x, const struct nft_guest *add, size_t n_add,
                       const struct nft_guest *del, size_t n_del, struct err *e)
{
    uint32_t last = 0;

    drain(x);
    int r = build_batch(x, add, n_add, del, n_del, &last);
    if (r < 0) {
        return err_set(e, ERR_AREA_NFT, r, "no memory for %zu guests' firewall elements",
                       n_add + n_del);
    }
    if (r == 0) {
        return 0;
    }
    r = send_batch(x, e);
    return r < 0 ? r : receive_batch(x, last, e);
}

int nft_elements_ask(struct nft_elements *x, struct nlmsghdr *m, nft_row_fn *row, void *arg)
{
    uint32_t seq = ++x->seq, port = mnl_socket_get_portid(x->sock);
    int r = 1;

    drain(x);
    m->nlmsg_seq = seq;
    if (mnl_socket_sendto(x->sock, m, m->nlmsg_len) < 0) {
        return -errno;
    }
    while (r > 0) {
        ssize_t n = mnl_socket_recvfrom(x->sock, x->receive, sizeof(x->receive));
        r = n < 0 ? -1 : mnl_cb_run(x->receive, (size_t)n, seq, port, row, arg);
    }
    return r < 0 ? -errno : 0;
}

int nft_elements_ask_element(struct nft_elements *x, const struct nft_element *el,
                             nft_row_fn *row, void *arg)
{
    char buf[512];
    const struct nft_set_info *info = nft_set_info(el->set);
    struct nlmsghdr *m = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM,
                                               nft_family_number(info->family), NLM_F_ACK, 0);

    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, info->name);
    struct nlattr *list = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
    put_element(m, el);
    mnl_attr_nest_end(m, list);
    return nft_elements_ask(x, m, row, arg);
}
