#ifndef MESHDECK_HOST_NFT_ELEMENTS_H
#define MESHDECK_HOST_NFT_ELEMENTS_H
/*
 * Guests as elements of our sets, and the counters, straight over netlink: one batch (one kernel
 * transaction) for any number of guests, at a cost a guest that does not depend on how many there
 * are. Engine thread; no call waits on another process. For nft.c, tests and the bench.
 */
#include "backend/host/nft_set.h"

struct nlmsghdr;
struct nft_elements;

int nft_elements_open(struct nft_elements **ret, struct err *e);
void nft_elements_free(struct nft_elements *x);

/*
 * Removes the elements of `del`, then adds those of `add`, all or nothing. Adding what is there is
 * fine. -ENOENT: a table, set or element to remove is missing, so somebody changed our tables.
 */
int nft_elements_apply(struct nft_elements *x, const struct nft_guest *add, size_t n_add,
                       const struct nft_guest *del, size_t n_del, struct err *e);

/* Sums over the tables; a table or counter that is missing counts nothing. -ENOENT when not even
 * table inet is there. */
int nft_elements_read_counters(struct nft_elements *x,
                               struct nft_count ret[static NFT_COUNTER_COUNT], struct err *e);
int nft_elements_read_guest(struct nft_elements *x, const struct nft_guest *guest,
                            struct nft_guest_count *ret, struct err *e);

/* What is there now: changes when rules are added, removed or replaced, or the number of elements
 * does. For when notifications were lost. */
struct nft_fingerprint {
    uint64_t rules;    /* sum of the hashes of all rules of our tables */
    uint64_t elements; /* in all our sets */
};
int nft_elements_fingerprint(struct nft_elements *x, struct nft_fingerprint *ret, struct err *e);

/* Our netlink port: notifications of what this socket did carry it. */
uint32_t nft_elements_port(const struct nft_elements *x);

/* For nft_counts.c: one question (its sequence number is set here), every message of the answer
 * given to row, which returns MNL_CB_OK. -EINTR when a dump was interrupted by changes. */
typedef int nft_row_fn(const struct nlmsghdr *m, void *arg);
int nft_elements_ask(struct nft_elements *x, struct nlmsghdr *m, nft_row_fn *row, void *arg);
int nft_elements_ask_element(struct nft_elements *x, const struct nft_element *el,
                             nft_row_fn *row, void *arg);

#endif
