/* The rtnetlink parsers on messages made by hand, whole, cut at every byte, and lying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "backend/model/text.h"
#include "backend/observe/rtnl_rows.h"

static char buffer[4096] __attribute__((aligned(8)));

static struct nlmsghdr *begin(uint16_t type, size_t size, void **head)
{
    memset(buffer, 0, sizeof buffer);
    struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
    m->nlmsg_type = type;
    *head = mnl_nlmsg_put_extra_header(m, size);
    return m;
}

static struct nlmsghdr *a_route(void)
{
    void *h;
    struct nlmsghdr *m = begin(RTM_NEWROUTE, sizeof(struct rtmsg), &h);
    struct rtmsg *head = h;
    *head = (struct rtmsg){.rtm_family = AF_INET6,
                           .rtm_dst_len = 64,
                           .rtm_table = RT_TABLE_COMPAT,
                           .rtm_protocol = 77,
                           .rtm_type = RTN_UNICAST};
    struct addr dst, via;
    (void)addr_parse("fd00:0:0:2::/64", true, &dst, NULL);
    (void)addr_parse("fe80::2", true, &via, NULL);
    mnl_attr_put(m, RTA_DST, 16, dst.bytes);
    mnl_attr_put_u32(m, RTA_TABLE, 1000);
    mnl_attr_put(m, RTA_GATEWAY, 16, via.bytes);
    mnl_attr_put_u32(m, RTA_OIF, 7);
    mnl_attr_put_u32(m, RTA_PRIORITY, 1024);
    return m;
}

static void reads_a_route(void **state)
{
    (void)state;
    struct rtnl_route r;
    char text[ADDR_TEXT];
    assert_int_equal(rtnl_parse_route(a_route(), &r), 0);
    assert_string_equal(addr_format(&r.dst, true, text), "fd00:0:0:2::/64");
    assert_string_equal(addr_format(&r.gateway, false, text), "fe80::2");
    assert_int_equal(r.table, 1000);
    assert_int_equal(r.oif, 7);
    assert_int_equal(r.metric, 1024);
    assert_int_equal(r.protocol, 77);
    assert_int_equal(r.hops, 1);
    assert_false(r.multipath);
    assert_false(r.replaces);
    struct nlmsghdr *m = a_route();
    m->nlmsg_flags |= NLM_F_REPLACE;
    assert_int_equal(rtnl_parse_route(m, &r), 0);
    assert_true(r.replaces);
}

static void reads_several_hops(void **state)
{
    (void)state;
    void *h;
    struct rtnl_route r;
    struct nlmsghdr *m = begin(RTM_NEWROUTE, sizeof(struct rtmsg), &h);
    *(struct rtmsg *)h = (struct rtmsg){.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
    struct {
        struct rtnexthop hop;
        struct nlattr attr;
        uint8_t via[4];
    } hops[2] = {{{sizeof hops[0], 0, 0, 3}, {8, RTA_GATEWAY}, {192, 0, 2, 1}},
                 {{sizeof hops[0], 0, 0, 4}, {8, RTA_GATEWAY}, {192, 0, 2, 2}}};
    mnl_attr_put(m, RTA_MULTIPATH, sizeof hops, hops);
    assert_int_equal(rtnl_parse_route(m, &r), 0);
    assert_true(r.multipath);
    assert_int_equal(r.hops, 2);
    assert_int_equal(r.oif, 3);
    assert_int_equal(r.gateway.bytes[3], 1);
    assert_int_equal(r.dst.prefix_len, 0);
    struct rtnexthop *first =
        (struct rtnexthop *)((char *)h + sizeof(struct rtmsg) + sizeof(struct nlattr));
    first->rtnh_len = 0; /* would never end */
    assert_int_equal(rtnl_parse_route(m, &r), -EBADMSG);
    first->rtnh_len = 4000;
    assert_int_equal(rtnl_parse_route(m, &r), -EBADMSG);
}

static void looks_past_what_is_not_ours(void **state)
{
    (void)state;
    struct rtnl_route r;
    struct rtnl_link l;
    struct rtnl_neigh n;
    void *h;
    struct nlmsghdr *m = a_route();
    ((struct rtmsg *)mnl_nlmsg_get_payload(m))->rtm_flags = RTM_F_CLONED;
    assert_int_equal(rtnl_parse_route(m, &r), 1);
    m = a_route();
    ((struct rtmsg *)mnl_nlmsg_get_payload(m))->rtm_family = 128; /* multicast routing */
    assert_int_equal(rtnl_parse_route(m, &r), 1);
    m = begin(RTM_DELLINK, sizeof(struct ifinfomsg),
              &h); /* a port that leaves a bridge is not a link that goes */
    *(struct ifinfomsg *)h = (struct ifinfomsg){.ifi_family = AF_BRIDGE, .ifi_index = 3};
    mnl_attr_put_strz(m, IFLA_IFNAME, "tap0");
    assert_int_equal(rtnl_parse_link(m, &l), 1);
    m = begin(RTM_NEWNEIGH, sizeof(struct ndmsg), &h);
    ((struct ndmsg *)h)->ndm_family = AF_BRIDGE;
    assert_int_equal(rtnl_parse_neigh(m, &n), 1);
}

static struct nlmsghdr *a_link(const char *name)
{
    void *h;
    struct nlmsghdr *m = begin(RTM_NEWLINK, sizeof(struct ifinfomsg), &h);
    *(struct ifinfomsg *)h = (struct ifinfomsg){.ifi_index = 5, .ifi_flags = IFF_UP};
    mnl_attr_put_strz(m, IFLA_IFNAME, name);
    mnl_attr_put_u32(m, IFLA_MTU, 1420);
    mnl_attr_put(m, IFLA_ADDRESS, 6, "\x02\x5e\xed\x00\x00\x10");
    mnl_attr_put_strz(m, IFLA_IFALIAS, "meshdeck:tap:\x1b[31mred");
    struct nlattr *info = mnl_attr_nest_start(m, IFLA_LINKINFO);
    mnl_attr_put_strz(m, IFLA_INFO_KIND, "tun");
    mnl_attr_nest_end(m, info);
    struct rtnl_link_stats64 s = {.rx_bytes = 11, .tx_bytes = 22};
    mnl_attr_put(m, IFLA_STATS64, sizeof s, &s);
    return m;
}

static void reads_a_link(void **state)
{
    (void)state;
    struct rtnl_link l;
    assert_int_equal(rtnl_parse_link(a_link("tap0"), &l), 0);
    assert_int_equal(l.ifindex, 5);
    assert_string_equal(l.name, "tap0");
    assert_string_equal(l.kind, "tun");
    assert_string_equal(l.alias, "meshdeck:tap:?[31mred");
    assert_int_equal(l.mtu, 1420);
    assert_int_equal(l.mac[5], 0x10);
    assert_true(l.has_stats);
    assert_int_equal(l.rx_bytes, 11);
    assert_int_equal(l.tx_bytes, 22);
    assert_int_equal(rtnl_parse_link(a_link("a-name-of-16-byt"), &l), -EBADMSG);
    assert_int_equal(rtnl_parse_link(a_link(""), &l), -EBADMSG);
}

static void reads_an_address(void **state)
{
    (void)state;
    struct rtnl_addr a;
    void *h;
    struct nlmsghdr *m = begin(RTM_NEWADDR, sizeof(struct ifaddrmsg), &h);
    *(struct ifaddrmsg *)h =
        (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 2};
    mnl_attr_put(m, IFA_ADDRESS, 4, "\xc0\x00\x02\x02");
    mnl_attr_put(m, IFA_LOCAL, 4, "\xc0\x00\x02\x01");
    mnl_attr_put_u32(m, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
    assert_int_equal(rtnl_parse_addr(m, &a), 0);
    assert_int_equal(a.local.bytes[3], 1);
    assert_int_equal(a.peer.bytes[3], 2);
    assert_int_equal(a.flags, IFA_F_NOPREFIXROUTE);
    ((struct ifaddrmsg *)h)->ifa_prefixlen = 33;
    assert_int_equal(rtnl_parse_addr(m, &a), -EBADMSG);
    ((struct ifaddrmsg *)h)->ifa_prefixlen = 24;
    ((struct ifaddrmsg *)h)->ifa_family = AF_INET6; /* with four bytes of address */
    assert_int_equal(rtnl_parse_addr(m, &a), -EBADMSG);
}

static void reads_a_neighbour(void **state)
{
    (void)state;
    struct rtnl_neigh n;
    void *h;
    struct nlmsghdr *m = begin(RTM_NEWNEIGH, sizeof(struct ndmsg), &h);
    *(struct ndmsg *)h =
        (struct ndmsg){.ndm_family = AF_INET, .ndm_ifindex = 3, .ndm_state = NUD_REACHABLE};
    mnl_attr_put(m, NDA_DST, 4, "\x0a\x00\x00\x01");
    mnl_attr_put(m, NDA_LLADDR, 6, "\x02\x00\x00\x00\x00\x01");
    assert_int_equal(rtnl_parse_neigh(m, &n), 0);
    assert_int_equal(n.addr.bytes[0], 10);
    assert_true(n.has_mac);
    assert_int_equal(n.state, NUD_REACHABLE);
}

static void parse_all(const struct nlmsghdr *m)
{
    union {
        struct rtnl_link link;
        struct rtnl_addr addr;
        struct rtnl_route route;
        struct rtnl_neigh neigh;
    } row;
    (void)rtnl_parse_link(m, &row.link);
    (void)rtnl_parse_addr(m, &row.addr);
    (void)rtnl_parse_route(m, &row.route);
    (void)rtnl_parse_neigh(m, &row.neigh);
}

/* Each in a block of its exact size, so that a sanitizer sees a read past the end. */
static void survives_cuts_and_lies(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct nlmsghdr *m = kind ? a_link("tap0") : a_route();
        uint32_t whole = m->nlmsg_len;
        for (uint32_t len = NLMSG_HDRLEN; len <= whole; len++) {
            struct nlmsghdr *cut = malloc(len);
            memcpy(cut, m, len);
            cut->nlmsg_len = len;
            parse_all(cut);
            free(cut);
        }
        for (uint32_t at = NLMSG_HDRLEN; at < whole; at++) {
            static const uint8_t lies[] = {0, 1, 3, 4, 0x7f, 0xff};
            for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
                uint8_t *copy = malloc(whole);
                memcpy(copy, m, whole);
                copy[at] = lies[i];
                parse_all((struct nlmsghdr *)copy);
                free(copy);
            }
        }
    }
    struct rtnl_route r;
    struct nlmsghdr *m = a_route();
    m->nlmsg_len -= 2; /* the last attribute is cut */
    assert_int_equal(rtnl_parse_route(m, &r), -EBADMSG);
    m = a_route();
    ((struct rtmsg *)mnl_nlmsg_get_payload(m))->rtm_dst_len = 129;
    assert_int_equal(rtnl_parse_route(m, &r), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_route),
        cmocka_unit_test(reads_several_hops),
        cmocka_unit_test(looks_past_what_is_not_ours),
        cmocka_unit_test(reads_a_link),
        cmocka_unit_test(reads_an_address),
        cmocka_unit_test(reads_a_neighbour),
        cmocka_unit_test(survives_cuts_and_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
