#ifndef MESHDECK_HOST_NFT_LISTING_H
#define MESHDECK_HOST_NFT_LISTING_H
/*
 * The answer of nft_list_chains, understood: which base chains other people have, and which of them
 * may stop our guests' packets whatever our tables say, since an accept of ours ends only our own
 * chain. Pure; any thread. Every text is cleaned.
 */
#include "backend/host/nft.h"

enum { NFT_CHAINS_MAX = 4096, NFT_NAME_MAX = 64 };

struct nft_chain {
    char family[8]; /* "inet", "ip" */
    char table[NFT_NAME_MAX];
    char name[NFT_NAME_MAX];
    char hook[16]; /* "" for a chain that is only jumped to */
    char type[16];
    int32_t priority;
    bool policy_drop;
    bool ours;
};

/* *ret is one heap block of *ret_n chains, free() it; at most NFT_CHAINS_MAX are taken. */
int nft_listing_parse(const char *json, size_t len, struct nft_chain **ret, size_t *ret_n,
                      struct err *e);

/* True for a foreign base chain that drops by default where guests' packets pass: forwarded
 * (hook forward) or to our DNS (hook input). */
bool nft_chain_may_block(const struct nft_chain *c);

/* The smallest change that lets guests through such a chain, as a command to read and type:
 * by iptables where that keeps the chain (in Docker's own place where there is one), else by nft. */
void nft_chain_fix(const struct nft_chain *c, const struct nft_chain *all, size_t n_all,
                   const char *wg_device, char *ret, size_t cap);

#endif
