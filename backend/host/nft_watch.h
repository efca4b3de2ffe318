#ifndef MESHDECK_HOST_NFT_WATCH_H
#define MESHDECK_HOST_NFT_WATCH_H
/*
 * Notices when somebody else changes our tables: NFNLGRP_NFTABLES notifications, gathered up to the
 * end of each kernel transaction, which names the process that made it. Engine thread; the callback
 * runs on the loop, once a transaction that touched a table of ours and was not our own.
 */
#include "backend/host/nft_set.h"

struct nft_watch;

struct nft_change {
    bool lost;       /* notifications were lost: anything may have changed, by anybody */
    bool table_gone; /* a table of ours was removed and not made again in the same transaction */
    enum nft_family family; /* of the first table touched */
    pid_t pid;       /* 0 when unknown */
    char who[32];    /* cleaned process name */
    char what[96];   /* "table inet meshdeck removed", "3 rules of table inet meshdeck removed" */
};

typedef void nft_change_fn(const struct nft_change *change, void *arg);
/* True when the transaction is our own: its netlink port, and the pid that the kernel names. */
typedef bool nft_own_fn(uint32_t port, pid_t pid, void *arg);

int nft_watch_open(struct uv_loop_s *loop, nft_own_fn *own, nft_change_fn *changed, void *arg,
                   struct nft_watch **ret, struct err *e);
/* Closes at the loop's next turn; no callback after this. NULL is fine. */
void nft_watch_free(struct nft_watch *w);

/* For nft_watch.c and its fuzz target: one transaction as it is gathered from messages. */
struct nft_gather {
    bool touched, port_known;
    bool gone[NFT_FAMILY_COUNT];
    unsigned removed[8], added[8]; /* by kind of object */
    enum nft_family family;
    uint32_t port;
};

/* The message at `at` when it fits into what is left, else NULL (mnl_nlmsg_ok believes a length
 * beyond 2 GiB); *ret_step is how far it is to the next. */
struct nlmsghdr;
const struct nlmsghdr *nft_message_at(const void *at, size_t left, size_t *ret_step);

/* Takes one message in. True when it ended a transaction: *ret_pid and who (32 bytes) are then set,
 * and g is to be reset by the caller after use. m comes from nft_message_at. */
bool nft_gather_message(struct nft_gather *g, const struct nlmsghdr *m, pid_t *ret_pid, char *who,
                        size_t cap);
void nft_gather_describe(const struct nft_gather *g, struct nft_change *ret);

#endif
