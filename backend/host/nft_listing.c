/*
 * libnftables' JSON listing of chains. Pure. The names in it are other people's: cleaned, cut, and
 * counted before they are kept.
 */
#include "backend/host/nft_listing.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backend/host/nft_set.h"
#include "backend/model/text.h"

static void take_text(const json_t *object, const char *key, char *dst, size_t cap)
{
    const json_t *v = json_object_get(object, key);

    dst[0] = '\0';
    if (json_is_string(v)) {
        (void)text_clean(dst, cap, json_string_value(v), json_string_length(v));
    }
}

static bool take_chain(const json_t *object, struct nft_chain *c)
{
    const json_t *prio = json_object_get(object, "prio");
    char policy[8];

    memset(c, 0, sizeof(*c));
    take_text(object, "family", c->family, sizeof(c->family));
    take_text(object, "table", c->table, sizeof(c->table));
    take_text(object, "name", c->name, sizeof(c->name));
    take_text(object, "hook", c->hook, sizeof(c->hook));
    take_text(object, "type", c->type, sizeof(c->type));
    take_text(object, "policy", policy, sizeof(policy));
    c->policy_drop = strcmp(policy, "drop") == 0;
    if (json_is_integer(prio)) {
        json_int_t v = json_integer_value(prio);
        c->priority = v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : (int32_t)v;
    }
    for (enum nft_family f = 0; f < NFT_FAMILY_COUNT; f++) {
        c->ours = c->ours || (strcmp(c->table, NFT_TABLE) == 0 &&
                              strcmp(c->family, nft_family_name(f)) == 0);
    }
    return c->family[0] && c->table[0] && c->name[0];
}

int nft_listing_parse(const char *json, size_t len, struct nft_chain **ret, size_t *ret_n,
                      struct err *e)
{
    json_error_t why;
    json_t *root = json_loadb(json, len, 0, &why);
    const json_t *list = root ? json_object_get(root, "nftables") : NULL;
    char text[120];
    size_t n = 0;

    if (!json_is_array(list)) {
        (void)text_clean(text, sizeof(text), why.text, root ? 0 : strlen(why.text));
        json_decref(root);
        return err_set(e, ERR_AREA_NFT, -EPROTO, "nft's listing is not understood%s%s",
                       text[0] ? ": " : "", text);
    }
    size_t most = json_array_size(list);
    struct nft_chain *chains = calloc((most < NFT_CHAINS_MAX ? most : NFT_CHAINS_MAX) + 1,
                                      sizeof(*chains));
    for (size_t i = 0; chains && i < most && n < NFT_CHAINS_MAX; i++) {
        const json_t *chain = json_object_get(json_array_get(list, i), "chain");
        if (chain && take_chain(chain, &chains[n])) {
            n++;
        }
    }
    json_decref(root);
    if (!chains) {
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for nft's listing");
    }
    *ret = chains;
    *ret_n = n;
    return 0;
}

bool nft_chain_may_block(const struct nft_chain *c)
{
    return !c->ours && c->policy_drop &&
           (strcmp(c->hook, "forward") == 0 || strcmp(c->hook, "input") == 0) &&
           (strcmp(c->family, "inet") == 0 || strcmp(c->family, "ip") == 0 ||
            strcmp(c->family, "ip6") == 0);
}

/* A name that may stand in a command that somebody types. */
static bool is_plain(const char *s)
{
    return s[0] && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")]
                       == '\0';
}

/* A chain that iptables keeps: a rule of nft in it would make the table unreadable to iptables. */
static bool is_iptables(const struct nft_chain *c)
{
    return strcmp(c->family, "inet") != 0 && strcmp(c->table, "filter") == 0 &&
           (strcmp(c->name, "FORWARD") == 0 || strcmp(c->name, "INPUT") == 0);
}

static bool has_docker(const struct nft_chain *c, const struct nft_chain *all, size_t n_all)
{
    for (size_t i = 0; i < n_all; i++) {
        if (strcmp(all[i].family, c->family) == 0 && strcmp(all[i].table, c->table) == 0 &&
            strcmp(all[i].name, "DOCKER-USER") == 0) {
            return true;
        }
    }
    return false;
}

void nft_chain_fix(const struct nft_chain *c, const struct nft_chain *all, size_t n_all,
                   const char *wg_device, char *ret, size_t cap)
{
    const bool in = strcmp(c->hook, "input") == 0;
    const char *tool = strcmp(c->family, "ip6") == 0 ? "ip6tables" : "iptables";
    size_t len = 0;

    ret[0] = '\0';
    if (is_iptables(c) && in) {
        (void)str_add(ret, cap, &len, "%s -I INPUT -i tap+ -p udp --dport 53 -j ACCEPT; "
                      "%s -I INPUT -i tap+ -p tcp --dport 53 -j ACCEPT", tool, tool);
    } else if (is_iptables(c)) {
        const char *chain = has_docker(c, all, n_all) ? "DOCKER-USER" : "FORWARD";
        (void)str_add(ret, cap, &len, "%s -I %s -i tap+ -j ACCEPT; %s -I %s -o tap+ -j ACCEPT",
                      tool, chain, tool, chain);
    } else if (!is_plain(c->table) || !is_plain(c->name)) {
        (void)str_add(ret, cap, &len, "let tap* and %s through the chain %s", wg_device, c->name);
    } else if (in) {
        (void)str_add(ret, cap, &len,
                      "nft 'insert rule %s %s %s iifname \"tap*\" meta l4proto { tcp, udp } "
                      "th dport 53 accept'", c->family, c->table, c->name);
    } else {
        (void)str_add(ret, cap, &len,
                      "nft 'insert rule %s %s %s iifname { \"tap*\", \"%s\" } accept'; "
                      "nft 'insert rule %s %s %s oifname { \"tap*\", \"%s\" } accept'",
                      c->family, c->table, c->name, wg_device, c->family, c->table, c->name,
                      wg_device);
    }
}
