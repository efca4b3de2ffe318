/*
 * One nf_tables transaction as its notifications tell it. Pure: messages in, a description out, so
 * that it can be fuzzed. nf_tables notifies object by object and ends with NEWGEN, which carries
 * the pid and the name of the process that made the change.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "backend/host/nft_watch.h"
#include "backend/model/text.h"

enum kind { KIND_TABLE, KIND_CHAIN, KIND_RULE, KIND_SET, KIND_ELEMENT, KIND_OBJECT, KIND_COUNT };

static const struct {
    int added, removed;
    const char *name;
} kinds[] = {
    [KIND_TABLE] = { NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, "table" },
    [KIND_CHAIN] = { NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, "chain" },
    [KIND_RULE] = { NFT_MSG_NEWRULE, NFT_MSG_DELRULE, "rule" },
    [KIND_SET] = { NFT_MSG_NEWSET, NFT_MSG_DELSET, "set" },
    [KIND_ELEMENT] = { NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, "set element" },
    [KIND_OBJECT] = { NFT_MSG_NEWOBJ, NFT_MSG_DELOBJ, "counter" },
};
_Static_assert(ARRAY_LEN(kinds) == KIND_COUNT, "one record per kind");
_Static_assert(KIND_COUNT <= ARRAY_LEN(((struct nft_gather *)0)->added), "room for every kind");
/* Every kind of object names its table by the same attribute number. */
_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
                   NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1,
               "one attribute number for the table");

static int on_table_attr(const struct nlattr *attr, void *arg)
{
    bool *ours = arg;

    if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME &&
        mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
        strcmp(mnl_attr_get_str(attr), NFT_TABLE) == 0) {
        *ours = true;
    }
    return MNL_CB_OK;
}

struct author {
    pid_t pid;
    char *who;
    size_t cap;
};

static int on_gen_attr(const struct nlattr *attr, void *arg)
{
    struct author *a = arg;

    if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_PID &&
        mnl_attr_validate(attr, MNL_TYPE_U32) == 0) {
        a->pid = (pid_t)ntohl(mnl_attr_get_u32(attr));
    } else if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_NAME) {
        const char *name = mnl_attr_get_payload(attr);
        (void)text_clean(a->who, a->cap, name, strnlen(name, mnl_attr_get_payload_len(attr)));
    }
    return MNL_CB_OK;
}

static void take_object(struct nft_gather *g, const struct nlmsghdr *m, int type)
{
    const struct nfgenmsg *nf = mnl_nlmsg_get_payload(m);
    int family = nft_family_from_number(nf->nfgen_family);
    bool ours = false;

    if (family < 0 || mnl_attr_parse(m, sizeof(*nf), on_table_attr, &ours) < 0 || !ours) {
        return;
    }
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        bool added = type == kinds[k].added;
        if (!added && type != kinds[k].removed) {
            continue;
        }
        if (!g->touched) {
            g->family = (enum nft_family)family;
        }
        g->touched = true;
        (added ? g->added : g->removed)[k]++;
        if (k == KIND_TABLE) {
            g->gone[family] = !added;
        }
    }
}

const struct nlmsghdr *nft_message_at(const void *at, size_t left, size_t *ret_step)
{
    const struct nlmsghdr *m = at;

    if (left < sizeof(*m) || m->nlmsg_len < sizeof(*m) || m->nlmsg_len > left) {
        return NULL;
    }
    size_t step = ((size_t)m->nlmsg_len + MNL_ALIGNTO - 1) / MNL_ALIGNTO * MNL_ALIGNTO;
    if (step > left) {
        return NULL; /* libmnl reads attributes up to the aligned end */
    }
    *ret_step = step;
    return m;
}

bool nft_gather_message(struct nft_gather *g, const struct nlmsghdr *m, pid_t *ret_pid, char *who,
                        size_t cap)
{
    if (mnl_nlmsg_get_payload_len(m) < sizeof(struct nfgenmsg) ||
        NFNL_SUBSYS_ID(m->nlmsg_type) != NFNL_SUBSYS_NFTABLES) {
        return false;
    }
    int type = NFNL_MSG_TYPE(m->nlmsg_type);
    g->port = m->nlmsg_pid;
    g->port_known = true;
    if (type != NFT_MSG_NEWGEN) {
        take_object(g, m, type);
        return false;
    }
    struct author author = { .who = who, .cap = cap };
    who[0] = '\0';
    (void)mnl_attr_parse(m, sizeof(struct nfgenmsg), on_gen_attr, &author);
    *ret_pid = author.pid;
    return true;
}

void nft_gather_describe(const struct nft_gather *g, struct nft_change *ret)
{
    const char *family = nft_family_name(g->family);

    for (enum nft_family f = 0; f < NFT_FAMILY_COUNT; f++) {
        if (g->gone[f]) {
            ret->table_gone = true;
            family = nft_family_name(f);
            break;
        }
    }
    ret->family = g->family;
    size_t len = 0;
    if (ret->table_gone) {
        (void)str_add(ret->what, sizeof(ret->what), &len, "table %s " NFT_TABLE " removed", family);
        return;
    }
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        unsigned n = g->removed[k] ? g->removed[k] : g->added[k];
        if (n > 0) {
            (void)str_add(ret->what, sizeof(ret->what), &len, "%u %s%s of table %s " NFT_TABLE " %s",
                          n, kinds[k].name, n == 1 ? "" : "s", family,
                          g->removed[k] ? "removed" : "added");
            return;
        }
    }
}
