/*
 * Reading our tables: the named counters, those of a guest's elements, and a fingerprint of the
 * whole. Engine thread. What the kernel sends is checked for type and length before it is believed.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "backend/host/nft_elements.h"

/* Adds what a nest of NFTA_COUNTER_* says. */
static int on_count_attr(const struct nlattr *attr, void *arg)
{
    struct nft_count *count = arg;

    if (mnl_attr_validate(attr, MNL_TYPE_U64) < 0) {
        return MNL_CB_OK;
    }
    if (mnl_attr_get_type(attr) == NFTA_COUNTER_PACKETS) {
        count->packets += be64toh(mnl_attr_get_u64(attr));
    } else if (mnl_attr_get_type(attr) == NFTA_COUNTER_BYTES) {
        count->bytes += be64toh(mnl_attr_get_u64(attr));
    }
    return MNL_CB_OK;
}

struct object {
    const char *name;
    const struct nlattr *data;
};

static int on_object_attr(const struct nlattr *attr, void *arg)
{
    struct object *o = arg;

    if (mnl_attr_get_type(attr) == NFTA_OBJ_NAME &&
        mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0) {
        o->name = mnl_attr_get_str(attr);
    } else if (mnl_attr_get_type(attr) == NFTA_OBJ_DATA) {
        o->data = attr;
    }
    return MNL_CB_OK;
}

static int on_object(const struct nlmsghdr *m, void *arg)
{
    struct nft_count *counts = arg;
    struct object o = { 0 };

    if (mnl_attr_parse(m, sizeof(struct nfgenmsg), on_object_attr, &o) < 0 || !o.name || !o.data) {
        return MNL_CB_OK;
    }
    for (enum nft_counter c = 0; c < NFT_COUNTER_COUNT; c++) {
        if (strcmp(o.name, nft_counter_name(c)) == 0) {
            (void)mnl_attr_parse_nested(o.data, on_count_attr, &counts[c]);
        }
    }
    return MNL_CB_OK;
}

static int has_table(struct nft_elements *x)
{
    char buf[256];
    struct nlmsghdr *m = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETTABLE,
                                               nft_family_number(NFT_FAMILY_INET), NLM_F_ACK, 0);

    mnl_attr_put_strz(m, NFTA_TABLE_NAME, NFT_TABLE);
    return nft_elements_ask(x, m, NULL, NULL);
}

int nft_elements_read_counters(struct nft_elements *x,
                               struct nft_count ret[static NFT_COUNTER_COUNT], struct err *e)
{
    int r = has_table(x);

    memset(ret, 0, sizeof(*ret) * NFT_COUNTER_COUNT);
    for (enum nft_family f = 0; r == 0 && f < NFT_FAMILY_COUNT; f++) {
        char buf[256];
        struct nlmsghdr *m = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETOBJ, nft_family_number(f),
                                                   NLM_F_DUMP, 0);
        mnl_attr_put_strz(m, NFTA_OBJ_TABLE, NFT_TABLE);
        mnl_attr_put_u32(m, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
        r = nft_elements_ask(x, m, on_object, ret);
        if (r == -EINTR || r == -ENOENT) {
            r = 0; /* it changed meanwhile, or that table is not there: what was read stands */
        }
    }
    return r < 0 ? err_sys(e, ERR_AREA_NFT, r, "reading the firewall's counters") : 0;
}

static int on_expression_attr(const struct nlattr *attr, void *arg)
{
    if (mnl_attr_get_type(attr) == NFTA_EXPR_DATA) {
        (void)mnl_attr_parse_nested(attr, on_count_attr, arg);
    }
    return MNL_CB_OK;
}

static int on_element_attr(const struct nlattr *attr, void *arg)
{
    if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_EXPR) {
        (void)mnl_attr_parse_nested(attr, on_expression_attr, arg);
    }
    return MNL_CB_OK;
}

static int on_list_item(const struct nlattr *attr, void *arg)
{
    if (mnl_attr_get_type(attr) == NFTA_LIST_ELEM) {
        (void)mnl_attr_parse_nested(attr, on_element_attr, arg);
    }
    return MNL_CB_OK;
}

static int on_list_attr(const struct nlattr *attr, void *arg)
{
    if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_ELEMENTS) {
        (void)mnl_attr_parse_nested(attr, on_list_item, arg);
    }
    return MNL_CB_OK;
}

static int on_elements(const struct nlmsghdr *m, void *arg)
{
    (void)mnl_attr_parse(m, sizeof(struct nfgenmsg), on_list_attr, arg);
    return MNL_CB_OK;
}

static struct nft_count *count_of(enum nft_set set, struct nft_guest_count *ret)
{
    if (set == NFT_SET_FROM4 || set == NFT_SET_PORT_FROM4) {
        return &ret->from4;
    }
    if (set == NFT_SET_FROM6 || set == NFT_SET_PORT_FROM6) {
        return &ret->from6;
    }
    return set == NFT_SET_TO4 ? &ret->to4 : set == NFT_SET_TO6 ? &ret->to6 : NULL;
}

int nft_elements_read_guest(struct nft_elements *x, const struct nft_guest *guest,
                            struct nft_guest_count *ret, struct err *e)
{
    struct nft_element els[NFT_ELEMENTS_PER_GUEST];
    size_t n = nft_guest_elements(guest, els);

    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < n; i++) {
        struct nft_count *to = count_of(els[i].set, ret);
        int r = to ? nft_elements_ask_element(x, &els[i], on_elements, to) : 0;
        if (r < 0) {
            return err_sys(e, ERR_AREA_NFT, r, "reading the counters of %s in set %s", guest->tap,
                           nft_set_info(els[i].set)->name);
        }
    }
    return 0;
}

static int on_rule(const struct nlmsghdr *m, void *arg)
{
    const uint8_t *p = mnl_nlmsg_get_payload_offset(m, sizeof(struct nfgenmsg));
    const uint8_t *end = mnl_nlmsg_get_payload_tail(m);
    uint64_t h = 1469598103934665603u, *sum = arg;

    for (; p < end; p++) {
        h = (h ^ *p) * 1099511628211u;
    }
    *sum += h;
    return MNL_CB_OK;
}

static int count_item(const struct nlattr *attr, void *arg)
{
    uint64_t *n = arg;

    *n += mnl_attr_get_type(attr) == NFTA_LIST_ELEM;
    return MNL_CB_OK;
}

static int count_list(const struct nlattr *attr, void *arg)
{
    if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_ELEMENTS) {
        (void)mnl_attr_parse_nested(attr, count_item, arg);
    }
    return MNL_CB_OK;
}

static int on_set(const struct nlmsghdr *m, void *arg)
{
    (void)mnl_attr_parse(m, sizeof(struct nfgenmsg), count_list, arg);
    return MNL_CB_OK;
}

int nft_elements_fingerprint(struct nft_elements *x, struct nft_fingerprint *ret, struct err *e)
{
    char buf[256];
    struct nlmsghdr *m;
    int r = 0;

    memset(ret, 0, sizeof(*ret));
    for (enum nft_family f = 0; r == 0 && f < NFT_FAMILY_COUNT; f++) {
        m = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, nft_family_number(f), NLM_F_DUMP, 0);
        mnl_attr_put_strz(m, NFTA_RULE_TABLE, NFT_TABLE);
        r = nft_elements_ask(x, m, on_rule, &ret->rules);
    }
    for (enum nft_set s = 0; r == 0 && s < NFT_SET_COUNT; s++) {
        const struct nft_set_info *info = nft_set_info(s);
        m = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM, nft_family_number(info->family),
                                  NLM_F_DUMP, 0);
        mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
        mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, info->name);
        r = nft_elements_ask(x, m, on_set, &ret->elements);
    }
    return r < 0 ? err_sys(e, ERR_AREA_NFT, r, "reading the firewall's tables") : 0;
}
