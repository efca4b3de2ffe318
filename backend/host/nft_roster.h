#ifndef MESHDECK_HOST_NFT_ROSTER_H
#define MESHDECK_HOST_NFT_ROSTER_H
/*
 * The guests that the firewall should know, by tap; finding, adding and removing cost the same
 * whatever their number. Each carries the number of the change that brought it, so that what
 * changed during a rebuild can be told apart. Plain memory; engine thread.
 */
#include "backend/host/nft.h"

struct nft_roster {
    struct nft_guest *guests; /* dense, in no order */
    uint64_t *changes;        /* beside each guest: the change that brought it */
    uint32_t *slots;          /* hash of taps: index + 1, 0 free; open addressing */
    size_t count, cap;        /* cap guests fit; 2 * cap slots, a power of two */
};

void nft_roster_done(struct nft_roster *r);
/* Room for `more` guests beside those that are there; -ENOMEM. Put cannot fail after it. */
int nft_roster_reserve(struct nft_roster *r, size_t more);
/* NULL when the tap has no guest; valid until the next change. */
const struct nft_guest *nft_roster_find(const struct nft_roster *r, const char *tap,
                                        uint64_t *ret_change);
/* Adds, or replaces the guest of the same tap. */
void nft_roster_put(struct nft_roster *r, const struct nft_guest *guest, uint64_t change);
bool nft_roster_remove(struct nft_roster *r, const char *tap);
bool nft_guest_equal(const struct nft_guest *a, const struct nft_guest *b);

#endif
