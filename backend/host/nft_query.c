/*
 * Reading the firewall, and taking it away: jobs for the worker and questions to the kernel. Engine
 * thread. A job's callback comes from the loop; jobs that are under way when the firewall is freed
 * are forgotten with their memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/host/nft_priv.h"
#include "backend/host/nft_text.h"

bool nft_is_whole(const struct nft *n)
{
    return n->state == NFT_STATE_WHOLE;
}

size_t nft_guest_total(const struct nft *n)
{
    return n->roster.count;
}

int nft_read_counters(struct nft *n, struct nft_count ret[static NFT_COUNTER_COUNT],
                      struct err *e)
{
    return nft_elements_read_counters(n->elements, ret, e);
}

int nft_read_guest(struct nft *n, const char *tap, struct nft_guest_count *ret, struct err *e)
{
    const struct nft_guest *guest = nft_roster_find(&n->roster, tap, NULL);

    if (!guest) {
        return err_set(e, ERR_AREA_NFT, -ENOENT, "the firewall knows no guest on that tap");
    }
    return nft_elements_read_guest(n->elements, guest, ret, e);
}

static int query(struct nft *n, enum nft_op op, const char *text, nft_json_fn *done, void *arg,
                 struct err *e)
{
    char *copy = strdup(text);

    if (!copy) {
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for a question to nft");
    }
    return nft_worker_take_job(n->worker, op, copy, strlen(copy), done, arg, e);
}

int nft_list_chains(struct nft *n, nft_json_fn *done, void *arg, struct err *e)
{
    return query(n, NFT_OP_QUERY, "list chains", done, arg, e);
}

int nft_list_table(struct nft *n, const char *family, nft_json_fn *done, void *arg,
                   struct err *e)
{
    char text[64];

    for (enum nft_family f = 0; f < NFT_FAMILY_COUNT; f++) {
        if (strcmp(family, nft_family_name(f)) == 0) {
            (void)snprintf(text, sizeof(text), "list table %s " NFT_TABLE, nft_family_name(f));
            return query(n, NFT_OP_QUERY, text, done, arg, e);
        }
    }
    return err_set(e, ERR_AREA_NFT, -EINVAL, "there is no such table of ours");
}

int nft_check(struct nft *n, const char *text, nft_json_fn *done, void *arg, struct err *e)
{
    return query(n, NFT_OP_CHECK, text, done, arg, e);
}
