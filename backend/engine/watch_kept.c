/* Addresses and neighbours as sorted arrays; a dump fills a fresh one that replaces the old. */
#include "backend/engine/watch_kept.h"

#include <stdlib.h>
#include <string.h>

static int addr_key_compare(const void *pa, const void *pb)
{
    const struct rtnl_addr *a = pa, *b = pb;
    int d = addr_compare(&a->local, &b->local);
    return d ? d : (a->ifindex > b->ifindex) - (a->ifindex < b->ifindex);
}

static int neigh_key_compare(const void *pa, const void *pb)
{
    const struct rtnl_neigh *a = pa, *b = pb;
    int d = addr_compare(&a->addr, &b->addr);
    return d ? d : (a->ifindex > b->ifindex) - (a->ifindex < b->ifindex);
}

typedef int compare_fn(const void *, const void *);

static size_t lower(const void *rows, size_t n, size_t size, const void *key, compare_fn *cmp)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (cmp((const char *)rows + mid * size, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Puts or removes one element of a sorted array; a lack of memory loses the element, no more. */
static void set_row(void **rows, size_t *n, size_t *cap, size_t size, const void *row, bool gone,
                    compare_fn *cmp, size_t most)
{
    size_t at = lower(*rows, *n, size, row, cmp);
    char *base = *rows;
    bool there = at < *n && cmp(base + at * size, row) == 0;

    if (there && !gone) {
        memcpy(base + at * size, row, size);
    } else if (there) {
        memmove(base + at * size, base + (at + 1) * size, (*n - at - 1) * size);
        (*n)--;
    } else if (!gone && *n < most) {
        if (*n == *cap) {
            size_t want = *cap ? *cap * 2 : 16;
            void *grown = realloc(*rows, want * size);
            if (!grown)
                return;
            *rows = grown;
            *cap = want;
            base = grown;
        }
        memmove(base + (at + 1) * size, base + at * size, (*n - at) * size);
        memcpy(base + at * size, row, size);
        (*n)++;
    }
}

void watch_kept_begin(struct watch_kept *k, enum rtnl_table t)
{
    k->dumping[t] = true;
    if (t == RTNL_ADDRESSES)
        k->fresh.n_addrs = 0;
    else
        k->fresh.n_neighs = 0;
}

void watch_kept_addr(struct watch_kept *k, const struct rtnl_addr *a, enum rtnl_what what)
{
    set_row((void **)&k->addrs, &k->n_addrs, &k->cap_addrs, sizeof *a, a, what == RTNL_GONE,
            addr_key_compare, SIZE_MAX);
    if (what == RTNL_SEEN)
        set_row((void **)&k->fresh.addrs, &k->fresh.n_addrs, &k->fresh.cap_addrs, sizeof *a, a,
                false, addr_key_compare, SIZE_MAX);
}

void watch_kept_neigh(struct watch_kept *k, const struct rtnl_neigh *n, enum rtnl_what what)
{
    set_row((void **)&k->neighs, &k->n_neighs, &k->cap_neighs, sizeof *n, n, what == RTNL_GONE,
            neigh_key_compare, WATCH_NEIGH_MAX);
    if (what == RTNL_SEEN)
        set_row((void **)&k->fresh.neighs, &k->fresh.n_neighs, &k->fresh.cap_neighs, sizeof *n, n,
                false, neigh_key_compare, WATCH_NEIGH_MAX);
}

void watch_kept_end(struct watch_kept *k, enum rtnl_table t, bool whole)
{
    k->dumping[t] = false;
    if (!whole)
        return;
    if (t == RTNL_ADDRESSES) {
        struct rtnl_addr *old = k->addrs;
        size_t cap = k->cap_addrs;
        k->addrs = k->fresh.addrs;
        k->n_addrs = k->fresh.n_addrs;
        k->cap_addrs = k->fresh.cap_addrs;
        k->fresh.addrs = old;
        k->fresh.cap_addrs = cap;
        k->fresh.n_addrs = 0;
    } else {
        struct rtnl_neigh *old = k->neighs;
        size_t cap = k->cap_neighs;
        k->neighs = k->fresh.neighs;
        k->n_neighs = k->fresh.n_neighs;
        k->cap_neighs = k->fresh.cap_neighs;
        k->fresh.neighs = old;
        k->fresh.cap_neighs = cap;
        k->fresh.n_neighs = 0;
    }
}

const struct rtnl_neigh *watch_kept_find_neigh(const struct watch_kept *k, const struct addr *a)
{
    struct rtnl_neigh key = {.addr = *a};
    size_t at = lower(k->neighs, k->n_neighs, sizeof key, &key, neigh_key_compare);

    return at < k->n_neighs && addr_compare(&k->neighs[at].addr, a) == 0 ? &k->neighs[at] : NULL;
}

void watch_kept_done(struct watch_kept *k)
{
    free(k->addrs);
    free(k->neighs);
    free(k->fresh.addrs);
    free(k->fresh.neighs);
    memset(k, 0, sizeof *k);
}
