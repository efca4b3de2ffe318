/*
 * The firewall as nft text. Pure: used for the worker's load, for previews and in tests. Names and
 * addresses are checked before they are written, so that nothing from outside can become syntax.
 */
#include "backend/host/nft_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "backend/host/nft_rules.h"
#include "backend/host/nft_set.h"
#include "backend/model/text.h"

enum { FILLS = 6 };

/* What `@{name}` in the rules becomes. */
struct fill {
    const char *name;
    char text[ADDR_TEXT];
};

static int check_device(const char *name, const char *what, struct err *e)
{
    size_t len = strnlen(name, IFNAMSIZ);

    if (len == 0 || len >= IFNAMSIZ) {
        return err_set(e, ERR_AREA_NFT, -EINVAL, "%s has no valid name", what);
    }
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && (i == 0 || !strchr("-_.", name[i]))) {
            return err_set(e, ERR_AREA_NFT, -EINVAL,
                           "%s: a name of letters, digits, '-', '_' and '.' is needed", what);
        }
    }
    return 0;
}

int nft_guest_check(const struct nft_guest *guest, struct err *e)
{
    static const uint8_t no_mac[6];
    int r = check_device(guest->tap, "the guest's tap", e);

    if (r < 0) {
        return r;
    }
    if (memcmp(guest->mac, no_mac, sizeof(no_mac)) == 0 || (guest->mac[0] & 1)) {
        return err_set(e, ERR_AREA_NFT, -EINVAL, "%s: the guest's MAC is not one of a station",
                       guest->tap);
    }
    if ((guest->ip4.family != 0 && (guest->ip4.family != AF_INET || guest->ip4.prefix_len != 32)) ||
        (guest->ip6.family != 0 && (guest->ip6.family != AF_INET6 || guest->ip6.prefix_len != 128))) {
        return err_set(e, ERR_AREA_NFT, -EINVAL, "%s: a guest's addresses are single ones",
                       guest->tap);
    }
    return 0;
}

int nft_config_check(const struct nft_config *config, struct err *e)
{
    if (config->fleet.family != AF_INET6 || config->fleet.prefix_len != 48) {
        return err_set(e, ERR_AREA_NFT, -EINVAL, "the fleet's prefix is not an IPv6 /48");
    }
    if (config->mesh4.family != AF_INET || config->mesh4.prefix_len != 16) {
        return err_set(e, ERR_AREA_NFT, -EINVAL, "the mesh's IPv4 prefix is not a /16");
    }
    return check_device(config->wg_device, "the WireGuard device", e);
}

static void fill_all(const struct nft_config *config, struct fill ret[static FILLS])
{
    struct addr own4 = config->mesh4, dns4, dns6 = addr_dns_ip6(&config->fleet);

    own4.prefix_len = 24;
    own4.bytes[2] = 255;
    dns4 = own4;
    dns4.prefix_len = 32;
    dns4.bytes[3] = 53;
    static const char *const names[FILLS] = { "mesh4", "fleet", "own4", "dns4", "dns6", "wg" };
    for (size_t i = 0; i < FILLS; i++) {
        ret[i].name = names[i];
    }
    (void)addr_format(&config->mesh4, true, ret[0].text);
    (void)addr_format(&config->fleet, true, ret[1].text);
    (void)addr_format(&own4, true, ret[2].text);
    (void)addr_format(&dns4, false, ret[3].text);
    (void)addr_format(&dns6, false, ret[4].text);
    (void)str_copy(ret[5].text, sizeof(ret[5].text), config->wg_device);
}

/* Writes text with each @{name} replaced. The texts are ours, so an unknown name is a mistake. */
static void put_filled(FILE *f, const char *text, const struct fill fills[static FILLS])
{
    for (const char *at; (at = strstr(text, "@{")) != NULL;) {
        const char *end = strchr(at, '}');
        (void)fwrite(text, 1, (size_t)(at - text), f);
        for (size_t i = 0; i < FILLS; i++) {
            if (strlen(fills[i].name) == (size_t)(end - at - 2) &&
                strncmp(fills[i].name, at + 2, (size_t)(end - at - 2)) == 0) {
                (void)fputs(fills[i].text, f);
            }
        }
        text = end + 1;
    }
    (void)fputs(text, f);
}

static void put_counters(FILE *f, enum nft_family family, const struct nft_count *counts)
{
    for (enum nft_counter c = 0; c < NFT_COUNTER_COUNT; c++) {
        /* The first table that has it carries the sum on. */
        bool first = true;
        for (enum nft_family before = 0; before < family; before++) {
            first = first && !nft_counter_is_in(c, before);
        }
        if (!nft_counter_is_in(c, family)) {
            continue;
        }
        unsigned long long packets = counts && first ? counts[c].packets : 0;
        unsigned long long bytes = counts && first ? counts[c].bytes : 0;
        (void)fprintf(f, "\tcounter %s { packets %llu bytes %llu; }\n", nft_counter_name(c),
                      packets, bytes);
    }
}

static void put_set(FILE *f, enum nft_set set, const struct nft_guest *guests, size_t count)
{
    const struct nft_set_info *info = nft_set_info(set);
    struct nft_element els[NFT_ELEMENTS_PER_GUEST];
    char text[NFT_ELEMENT_TEXT];
    bool any = false;

    (void)fprintf(f, "\tset %s {\n\t\t%s\n%s", info->name, info->type,
                  info->counted ? "\t\tcounter\n" : "");
    for (size_t g = 0; g < count; g++) {
        size_t n = nft_guest_elements(&guests[g], els);
        for (size_t i = 0; i < n; i++) {
            if (els[i].set == set) {
                (void)fprintf(f, "%s%s", any ? ",\n\t\t\t" : "\t\telements = { ",
                              nft_element_format(&els[i], text));
                any = true;
            }
        }
    }
    (void)fputs(any ? " }\n\t}\n" : "\t}\n", f);
}

static void put_table(FILE *f, enum nft_family family, const struct nft_config *config,
                      const struct nft_guest *guests, size_t count, const struct nft_count *counts)
{
    struct fill fills[FILLS];

    fill_all(config, fills);
    (void)fprintf(f, "table %s " NFT_TABLE " {\n", nft_family_name(family));
    put_counters(f, family, counts);
    for (enum nft_set s = 0; s < NFT_SET_COUNT; s++) {
        if (nft_set_info(s)->family == family) {
            put_set(f, s, guests, count);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(nft_chains); i++) {
        if (nft_chains[i].family == family &&
            (!nft_chains[i].only_guests || config->only_guests)) {
            put_filled(f, nft_chains[i].text, fills);
        }
    }
    (void)fputs("}\n", f);
}

/* `add` before `delete`, so that it succeeds whether the table is there or not. */
static void put_removal(FILE *f)
{
    for (enum nft_family fam = 0; fam < NFT_FAMILY_COUNT; fam++) {
        (void)fprintf(f, "add table %s " NFT_TABLE "\ndelete table %s " NFT_TABLE "\n",
                      nft_family_name(fam), nft_family_name(fam));
    }
}

/* Ends a memory stream; on any failure nothing is left and -ENOMEM is returned. */
static int finish(FILE *f, char **text, struct err *e)
{
    bool bad = ferror(f) != 0;

    if (fclose(f) != 0 || bad) {
        free(*text);
        *text = NULL;
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for the firewall's text");
    }
    return 0;
}

static FILE *start(char **text, size_t *len, struct err *e)
{
    FILE *f = open_memstream(text, len);

    if (!f) {
        (void)err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for the firewall's text");
    }
    return f;
}

int nft_text_ruleset(const struct nft_config *config, const struct nft_guest *guests,
                     size_t count, const struct nft_count *counts, char **ret, size_t *ret_len,
                     struct err *e)
{
    int r = nft_config_check(config, e);

    for (size_t i = 0; r == 0 && i < count; i++) {
        r = nft_guest_check(&guests[i], e);
    }
    if (r < 0) {
        return r;
    }
    FILE *f = start(ret, ret_len, e);
    if (!f) {
        return -ENOMEM;
    }
    put_removal(f);
    for (enum nft_family fam = 0; fam < NFT_FAMILY_COUNT; fam++) {
        put_table(f, fam, config, guests, count, counts);
    }
    return finish(f, ret, e);
}

int nft_text_removal(char **ret, size_t *ret_len, struct err *e)
{
    FILE *f = start(ret, ret_len, e);

    if (!f) {
        return -ENOMEM;
    }
    put_removal(f);
    return finish(f, ret, e);
}

int nft_plan_text(const struct nft_guest *guest, bool add, char **ret, struct err *e)
{
    struct nft_element els[NFT_ELEMENTS_PER_GUEST];
    char text[NFT_ELEMENT_TEXT];
    size_t len, n;
    int r = nft_guest_check(guest, e);

    if (r < 0) {
        return r;
    }
    FILE *f = start(ret, &len, e);
    if (!f) {
        return -ENOMEM;
    }
    n = nft_guest_elements(guest, els);
    for (size_t i = 0; i < n; i++) {
        const struct nft_set_info *info = nft_set_info(els[i].set);
        (void)fprintf(f, "nft '%s element %s " NFT_TABLE " %s { %s }'\n", add ? "add" : "delete",
                      nft_family_name(info->family), info->name,
                      nft_element_format(&els[i], text));
    }
    return finish(f, ret, e);
}

int nft_plan_tables_text(const struct nft_config *config, char **ret, struct err *e)
{
    size_t len;

    return nft_text_ruleset(config, NULL, 0, NULL, ret, &len, e);
}
