#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <libmnl/libmnl.h>

#include "backend/host/nft_listing.h"
#include "backend/host/nft_roster.h"
#include "backend/host/nft_set.h"
#include "backend/host/nft_text.h"
#include "backend/host/nft_watch.h"
#include "backend/model/text.h"
#include "tests/support/nfthost.h"

static void rules_do_not_grow(void **state)
{
    struct nft_config c = nfthost_config();
    struct nft_guest g[3] = { nfthost_guest(0), nfthost_guest(1), nfthost_guest(2) };
    char *none, *three;
    size_t len;

    (void)state;
    assert_int_equal(nft_text_ruleset(&c, NULL, 0, NULL, &none, &len, NULL), 0);
    assert_int_equal(nft_text_ruleset(&c, g, 3, NULL, &three, &len, NULL), 0);
    assert_null(strstr(none, "@{"));
    assert_null(strstr(none, "elements = { \"tap"));
    char *rest_none = strstr(none, "chain "), *rest_three = strstr(three, "chain ");
    size_t inet = (size_t)(strstr(rest_none, "\ntable arp") - rest_none);
    assert_memory_equal(rest_none, rest_three, inet);
    free(none);
    free(three);
}

static void counters_go_on(void **state)
{
    struct nft_config c = nfthost_config();
    struct nft_count counts[NFT_COUNTER_COUNT] = { 0 };
    char *text;
    size_t len;

    (void)state;
    counts[NFT_COUNTER_SPOOFED] = (struct nft_count){ 7, 700 };
    counts[NFT_COUNTER_ARP_SPOOFED] = (struct nft_count){ 3, 84 };
    assert_int_equal(nft_text_ruleset(&c, NULL, 0, counts, &text, &len, NULL), 0);
    /* in the first table that has it, and zero in the others, since readers add them up */
    char *first = strstr(text, "counter spoofed {"), *second = strstr(first + 1, "counter spoofed {");
    assert_int_equal(strncmp(first, "counter spoofed { packets 7 bytes 700; }", 40), 0);
    assert_int_equal(strncmp(second, "counter spoofed { packets 0 bytes 0; }", 38), 0);
    assert_non_null(strstr(text, "counter arp_spoofed { packets 3 bytes 84; }"));
    free(text);
}

static void only_guests_is_a_switch(void **state)
{
    struct nft_config c = nfthost_config();
    char *text;

    (void)state;
    assert_int_equal(nft_plan_tables_text(&c, &text, NULL), 0);
    assert_null(strstr(text, "forward_others"));
    free(text);
    c.only_guests = true;
    assert_int_equal(nft_plan_tables_text(&c, &text, NULL), 0);
    assert_non_null(strstr(text, "forward_others"));
    free(text);
}

static void refuses_bad_configurations(void **state)
{
    static const char *const devices[] = { "", "a b", "-a", "a\"", "a}", "sixteen-letters-" };
    struct nft_config c = nfthost_config();
    struct err e;
    char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        size_t len = strlen(devices[i]) + 1; /* the last one fills the field without a NUL */
        memcpy(c.wg_device, devices[i], len < sizeof(c.wg_device) ? len : sizeof(c.wg_device));
        assert_int_equal(nft_plan_tables_text(&c, &text, &e), -EINVAL);
    }
    c = nfthost_config();
    c.fleet.prefix_len = 47;
    assert_int_equal(nft_plan_tables_text(&c, &text, &e), -EINVAL);
    c = nfthost_config();
    c.mesh4.prefix_len = 24;
    assert_int_equal(nft_plan_tables_text(&c, &text, &e), -EINVAL);
}

static void keys_are_padded_to_registers(void **state)
{
    struct nft_guest g = nfthost_guest(0);
    struct nft_element els[NFT_ELEMENTS_PER_GUEST];
    uint8_t key[NFT_KEY_MAX];
    char text[NFT_ELEMENT_TEXT];
    size_t n = nft_guest_elements(&g, els), seen = 0;

    (void)state;
    assert_in_range(n, 1, NFT_ELEMENTS_PER_GUEST);
    for (size_t i = 0; i < n; i++) {
        size_t len = nft_element_key(&els[i], key);
        assert_memory_equal(key, "tap0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        if (els[i].set == NFT_SET_FROM4 && addr_compare(&els[i].addr, &g.ip4) == 0) {
            assert_int_equal(len, 16 + 8 + 4);
            assert_memory_equal(key + 16, "\x02\x5e\xed\0\0\x01\0\0\x0a\xd2\0\x02", 12);
            assert_string_equal(nft_element_format(&els[i], text),
                                "\"tap0\" . 02:5e:ed:00:00:01 . 10.210.0.2");
            seen++;
        }
        if (els[i].set == NFT_SET_NA6 && els[i].addr.bytes[0] == 0xfe) {
            assert_int_equal(len, 32);
            assert_string_equal(nft_element_format(&els[i], text),
                                "\"tap0\" . 0xfe80000000000000005eedfffe000001");
            seen++;
        }
    }
    assert_int_equal(seen, 2);
    g.ip4.family = g.ip6.family = 0;
    assert_true(nft_guest_elements(&g, els) < n);
}

static void the_roster_finds_what_was_put(void **state)
{
    enum { MANY = 3000 };
    struct nft_roster r = { 0 };
    struct nft_guest g;
    uint64_t change;
    unsigned seed = 1;
    static bool there[MANY];

    (void)state;
    assert_null(nft_roster_find(&r, "tap0", NULL));
    assert_false(nft_roster_remove(&r, "tap0"));
    for (int i = 0; i < 40000; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned k = (seed >> 8) % MANY;
        g = nfthost_guest(k);
        if (there[k] && (seed >> 28) % 2) {
            assert_true(nft_roster_remove(&r, g.tap));
            there[k] = false;
        } else {
            assert_int_equal(nft_roster_reserve(&r, 1), 0);
            nft_roster_put(&r, &g, k);
            there[k] = true;
        }
    }
    size_t count = 0;
    for (unsigned k = 0; k < MANY; k++) {
        g = nfthost_guest(k);
        const struct nft_guest *found = nft_roster_find(&r, g.tap, &change);
        assert_int_equal(found != NULL, there[k]);
        if (found) {
            assert_true(nft_guest_equal(found, &g));
            assert_int_equal(change, k);
            count++;
        }
    }
    assert_int_equal(r.count, count);
    nft_roster_done(&r);
}

static void understands_listings(void **state)
{
    static const char json[] =
        "{\"nftables\": [{\"metainfo\": {\"version\": \"1\"}}, 5, null, {\"chain\": 7}, "
        "{\"chain\": {\"family\": \"ip\", \"table\": \"filter\", \"name\": \"FORWARD\", \"handle\": 1, "
        "\"type\": \"filter\", \"hook\": \"forward\", \"prio\": 0, \"policy\": \"drop\"}},"
        "{\"chain\": {\"family\": \"ip\", \"table\": \"filter\", \"name\": \"DOCKER-USER\"}},"
        "{\"chain\": {\"family\": \"inet\", \"table\": \"meshdeck\", \"name\": \"forward\", "
        "\"hook\": \"forward\", \"prio\": 99999999999999, \"policy\": \"drop\"}},"
        "{\"chain\": {\"family\": \"inet\", \"table\": \"x\\u001b[2J\", \"name\": \"a b\", "
        "\"hook\": \"forward\", \"policy\": \"drop\"}}]}";
    struct nft_chain *c;
    size_t n;
    char fix[300];

    (void)state;
    assert_int_equal(nft_listing_parse(json, sizeof(json) - 1, &c, &n, NULL), 0);
    assert_int_equal(n, 4);
    assert_true(nft_chain_may_block(&c[0]));
    nft_chain_fix(&c[0], c, n, "mesh0", fix, sizeof(fix));
    assert_string_equal(fix, "iptables -I DOCKER-USER -i tap+ -j ACCEPT; "
                             "iptables -I DOCKER-USER -o tap+ -j ACCEPT");
    nft_chain_fix(&c[0], c, 1, "mesh0", fix, sizeof(fix));
    assert_non_null(strstr(fix, "-I FORWARD"));
    assert_false(nft_chain_may_block(&c[1]));
    assert_true(c[2].ours);
    assert_int_equal(c[2].priority, INT32_MAX);
    assert_false(nft_chain_may_block(&c[2]));
    assert_string_equal(c[3].table, "x?[2J");
    nft_chain_fix(&c[3], c, n, "mesh0", fix, sizeof(fix));
    assert_null(strstr(fix, "nft ")); /* no command out of a name like that */
    free(c);
    static const char *const bad[] = { "", "{", "[]", "{\"nftables\": 4}", "null" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e;
        assert_int_equal(nft_listing_parse(bad[i], strlen(bad[i]), &c, &n, &e), -EPROTO);
    }
}

static size_t message(char *buf, uint16_t type, uint8_t family, const char *table)
{
    struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
    m->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
    struct nfgenmsg *nf = mnl_nlmsg_put_extra_header(m, sizeof(*nf));
    nf->nfgen_family = family;
    if (table) {
        mnl_attr_put_strz(m, NFTA_TABLE_NAME, table);
    }
    return m->nlmsg_len;
}

static void take(struct nft_gather *g, const char *buf, size_t len)
{
    char who[32];
    pid_t pid;
    size_t step;
    const struct nlmsghdr *m = nft_message_at(buf, len, &step);

    assert_non_null(m);
    assert_false(nft_gather_message(g, m, &pid, who, sizeof(who)));
}

static void gathers_a_transaction(void **state)
{
    char buf[512] __attribute__((aligned(8))), who[32];
    struct nft_gather g = { 0 };
    struct nft_change change = { 0 };
    pid_t pid = 0;

    (void)state;
    take(&g, buf, message(buf, NFT_MSG_DELTABLE, 1, "other"));
    take(&g, buf, message(buf, NFT_MSG_DELTABLE, 2, NFT_TABLE)); /* ip meshdeck is not ours */
    assert_false(g.touched);
    size_t len = message(buf, NFT_MSG_DELRULE, 1, NFT_TABLE), step;
    take(&g, buf, len);
    assert_true(g.touched);
    for (size_t cut = 0; cut < len; cut++) { /* never past what is there */
        assert_null(nft_message_at(buf, cut, &step));
    }
    (void)message(buf, NFT_MSG_NEWGEN, 0, NULL);
    struct nlmsghdr *m = (struct nlmsghdr *)(void *)buf;
    mnl_attr_put_u32(m, NFTA_GEN_PROC_PID, htonl(4711));
    mnl_attr_put(m, NFTA_GEN_PROC_NAME, 5, "ev\x1b" "il");
    assert_true(nft_gather_message(&g, m, &pid, who, sizeof(who)));
    assert_int_equal(pid, 4711);
    assert_string_equal(who, "ev?il");
    nft_gather_describe(&g, &change);
    assert_string_equal(change.what, "1 rule of table inet meshdeck removed");
    assert_false(change.table_gone);
    m->nlmsg_len = 0xfffffff0u;
    assert_null(nft_message_at(buf, sizeof(buf), &step));
    /* removed and made again within one transaction is not gone */
    memset(&g, 0, sizeof(g));
    take(&g, buf, message(buf, NFT_MSG_DELTABLE, 3, NFT_TABLE));
    assert_true(g.gone[NFT_FAMILY_ARP]);
    take(&g, buf, message(buf, NFT_MSG_NEWTABLE, 3, NFT_TABLE));
    assert_false(g.gone[NFT_FAMILY_ARP]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_do_not_grow),
        cmocka_unit_test(counters_go_on),
        cmocka_unit_test(only_guests_is_a_switch),
        cmocka_unit_test(refuses_bad_configurations),
        cmocka_unit_test(keys_are_padded_to_registers),
        cmocka_unit_test(the_roster_finds_what_was_put),
        cmocka_unit_test(understands_listings),
        cmocka_unit_test(gathers_a_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
