/*
 * The guests that the firewall should know: a dense array and a hash of tap names over it. Engine
 * thread. Removal moves the last guest into the hole and closes the gap in the probe sequence.
 */
#include "backend/host/nft_roster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 32 };

static size_t hash_tap(const char *tap)
{
    uint64_t h = 1469598103934665603u;

    for (size_t i = 0; i < IFNAMSIZ && tap[i]; i++) {
        h = (h ^ (unsigned char)tap[i]) * 1099511628211u;
    }
    return (size_t)(h ^ h >> 32);
}

static size_t mask(const struct nft_roster *r)
{
    return r->cap * 2 - 1;
}

/* The slot of this tap, or the free one where it would go. */
static size_t find_slot(const struct nft_roster *r, const char *tap)
{
    size_t at = hash_tap(tap) & mask(r);

    while (r->slots[at] &&
           strncmp(r->guests[r->slots[at] - 1].tap, tap, IFNAMSIZ) != 0) {
        at = (at + 1) & mask(r);
    }
    return at;
}

void nft_roster_done(struct nft_roster *r)
{
    free(r->guests);
    free(r->changes);
    free(r->slots);
    memset(r, 0, sizeof(*r));
}

int nft_roster_reserve(struct nft_roster *r, size_t more)
{
    size_t cap = r->cap ? r->cap : FIRST_CAP;

    while (cap < r->count + more) {
        cap *= 2;
    }
    if (cap == r->cap) {
        return 0;
    }
    struct nft_roster n = { .count = r->count, .cap = cap,
                            .guests = calloc(cap, sizeof(*n.guests)),
                            .changes = calloc(cap, sizeof(*n.changes)),
                            .slots = calloc(cap * 2, sizeof(*n.slots)) };
    if (!n.guests || !n.changes || !n.slots) {
        nft_roster_done(&n);
        return -ENOMEM;
    }
    for (size_t i = 0; i < r->count; i++) {
        n.guests[i] = r->guests[i];
        n.changes[i] = r->changes[i];
        n.slots[find_slot(&n, n.guests[i].tap)] = (uint32_t)i + 1;
    }
    nft_roster_done(r);
    *r = n;
    return 0;
}

const struct nft_guest *nft_roster_find(const struct nft_roster *r, const char *tap,
                                        uint64_t *ret_change)
{
    size_t at = r->cap ? find_slot(r, tap) : 0;

    if (!r->cap || !r->slots[at]) {
        return NULL;
    }
    if (ret_change) {
        *ret_change = r->changes[r->slots[at] - 1];
    }
    return &r->guests[r->slots[at] - 1];
}

void nft_roster_put(struct nft_roster *r, const struct nft_guest *guest, uint64_t change)
{
    size_t at = find_slot(r, guest->tap);

    if (!r->slots[at]) {
        r->slots[at] = (uint32_t)++r->count;
    }
    r->guests[r->slots[at] - 1] = *guest;
    r->changes[r->slots[at] - 1] = change;
}

/* Frees a slot and moves up those behind it that would not be found any more. */
static void free_slot(struct nft_roster *r, size_t hole)
{
    for (size_t at = (hole + 1) & mask(r); r->slots[at]; at = (at + 1) & mask(r)) {
        size_t home = hash_tap(r->guests[r->slots[at] - 1].tap) & mask(r);
        if (((at - home) & mask(r)) >= ((at - hole) & mask(r))) {
            r->slots[hole] = r->slots[at];
            hole = at;
        }
    }
    r->slots[hole] = 0;
}

bool nft_roster_remove(struct nft_roster *r, const char *tap)
{
    size_t at = r->cap ? find_slot(r, tap) : 0;

    if (!r->cap || !r->slots[at]) {
        return false;
    }
    size_t index = r->slots[at] - 1, last = r->count - 1;
    free_slot(r, at);
    if (index != last) {
        r->slots[find_slot(r, r->guests[last].tap)] = (uint32_t)index + 1;
        r->guests[index] = r->guests[last];
        r->changes[index] = r->changes[last];
    }
    r->count = last;
    return true;
}

bool nft_guest_equal(const struct nft_guest *a, const struct nft_guest *b)
{
    return strncmp(a->tap, b->tap, IFNAMSIZ) == 0 && memcmp(a->mac, b->mac, 6) == 0 &&
           addr_compare(&a->ip4, &b->ip4) == 0 && addr_compare(&a->ip6, &b->ip6) == 0 &&
           a->bridged == b->bridged;
}
