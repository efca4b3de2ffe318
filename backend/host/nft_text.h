#ifndef MESHDECK_HOST_NFT_TEXT_H
#define MESHDECK_HOST_NFT_TEXT_H
/*
 * The firewall as nft text: what the worker loads, what a preview prints, what an operator reads.
 * Pure; any thread. Results are heap strings of the caller.
 */
#include "backend/host/nft.h"

/*
 * A whole ruleset file: makes our tables anew with these guests in them, in one transaction and
 * touching nothing else. counts (may be NULL) are carried over into the named counters.
 */
int nft_text_ruleset(const struct nft_config *config, const struct nft_guest *guests,
                     size_t count, const struct nft_count *counts, char **ret, size_t *ret_len,
                     struct err *e);
/* Takes our tables away, whether they are there or not. */
int nft_text_removal(char **ret, size_t *ret_len, struct err *e);

/* For previews: the `nft` commands, one a line, that add (or delete) one guest. */
int nft_plan_text(const struct nft_guest *guest, bool add, char **ret, struct err *e);
/* For previews: the ruleset without guests. */
int nft_plan_tables_text(const struct nft_config *config, char **ret, struct err *e);

/* 0 when the names and addresses may stand in nft text and in elements. */
int nft_guest_check(const struct nft_guest *guest, struct err *e);
int nft_config_check(const struct nft_config *config, struct err *e);

#endif
