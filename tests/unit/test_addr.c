#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "backend/model/addr.h"
#include "backend/model/text.h"

static struct addr must(const char *text)
{
    struct addr a;
    struct err e = {0};
    if (addr_parse(text, true, &a, &e) != 0)
        fail_msg("%s", e.text);
    return a;
}

static void parses_and_prints(void **state)
{
    (void)state;
    static const char *const same[] = {"10.210.0.9", "10.210.0.0/24", "fd00::9", "::/0", "fd00::/48"};
    char buf[ADDR_TEXT];
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        struct addr a = must(same[i]);
        assert_string_equal(addr_format(&a, false, buf), same[i]);
    }
}

/* Small numbers, so that runs of zeros of every length and place come up. */
static struct addr any_address(unsigned *seed)
{
    struct addr a = {0};
    bool is6 = rand_r(seed) % 4 != 0;

    a.family = is6 ? AF_INET6 : AF_INET;
    a.prefix_len = is6 ? 128 : 32;
    for (unsigned i = 0; i < (is6 ? 16u : 4u); i++)
        a.bytes[i] = rand_r(seed) % 3 ? 0 : (uint8_t)rand_r(seed);
    return a;
}

static void prints_as_the_library_does(void **state)
{
    unsigned seed = 1;
    char ours[ADDR_TEXT], theirs[INET6_ADDRSTRLEN];

    (void)state;
    for (int i = 0; i < 50000; i++) {
        struct addr a = any_address(&seed);
        if (a.family == AF_INET6 && i % 5 == 0)
            for (int k = 0; k < 8; k++) { /* each pattern of zero groups */
                a.bytes[2 * k] = 0;
                a.bytes[2 * k + 1] = (uint8_t)(i / 5 >> k & 1);
            }
        assert_non_null(inet_ntop(a.family, a.bytes, theirs, sizeof theirs));
        assert_string_equal(addr_format(&a, false, ours), theirs);
    }
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void sort_keys_sort_as_compare_does(void **state)
{
    unsigned seed = 2;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct addr a = any_address(&seed), b = i % 3 ? any_address(&seed) : a;
        uint64_t x[3], y[3];
        if (i % 2)
            b.prefix_len = (uint8_t)(rand_r(&seed) % 33);
        addr_sort_keys(&a, x);
        addr_sort_keys(&b, y);
        int k = x[0] != y[0] ? 0 : x[1] != y[1] ? 1 : 2;
        assert_int_equal((x[k] > y[k]) - (x[k] < y[k]), sign(addr_compare(&a, &b)));
    }
}

static void refuses_and_says_why(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "10.0.0", "10.0.0.1/33", "10.0.0.1/24", "10.0.0.0/", "fe80::1%eth0",
                                      "::ffff:10.0.0.1", "10.0.0.0/ 8", "10.0.0.0/-1", "1:2", "a"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct addr a;
        struct err e = {0};
        assert_true(addr_parse(bad[i], true, &a, &e) < 0);
        assert_true(strlen(e.text) > 10);
    }
}

static void endpoints(void **state)
{
    (void)state;
    static const char *const good[] = {"192.0.2.1:51820", "[2001:db8::1]:1"};
    static const char *const bad[] = {"192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536", "2001:db8::1:5", "[192.0.2.1]:5",
                                      "[::1]", "host:5", ":5", "192.0.2.0/24:5", ""};
    char buf[ADDR_ENDPOINT_TEXT];
    struct endpoint p;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(addr_endpoint_parse(good[i], &p, NULL), 0);
        assert_string_equal(addr_endpoint_format(&p, buf), good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_true(addr_endpoint_parse(bad[i], &p, NULL) < 0);
}

static void the_plan_of_the_fleet(void **state)
{
    (void)state;
    struct addr fleet = must("fd5e:ed68:d54d::/48"), a;
    char buf[ADDR_TEXT];
    a = addr_guest_ip6(&fleet, 1, 2, 0x10);
    assert_string_equal(addr_format(&a, false, buf), "fd5e:ed68:d54d:1:0:2:0:10");
    a = addr_dns_ip6(&fleet);
    assert_string_equal(addr_format(&a, false, buf), "fd5e:ed68:d54d::53");
    a = addr_dns_ip4();
    assert_string_equal(addr_format(&a, false, buf), "10.210.255.53");
    a = addr_node_block4(3);
    assert_string_equal(addr_format(&a, false, buf), "10.210.3.0/24");
    a = addr_gateway_ip6();
    assert_string_equal(addr_format(&a, false, buf), "fe80::1");
    struct addr mesh = addr_mesh_ip4(), in = must("10.210.7.3"), out = must("10.211.0.1");
    assert_true(addr_contains(&mesh, &in));
    assert_false(addr_contains(&mesh, &out));
    uint8_t mac[6];
    char text[ADDR_MAC_TEXT];
    assert_int_equal(addr_mac_for_id(0x10, mac), 0);
    assert_string_equal(addr_mac_format(mac, text), "02:5e:ed:00:00:10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_prints),
        cmocka_unit_test(prints_as_the_library_does),
        cmocka_unit_test(sort_keys_sort_as_compare_does),
        cmocka_unit_test(refuses_and_says_why),
        cmocka_unit_test(endpoints),
        cmocka_unit_test(the_plan_of_the_fleet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
