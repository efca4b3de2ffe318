#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "backend/host/dnsmasq_priv.h"
#include "backend/model/text.h"

static struct addr a(const char *text)
{
    struct addr ret;

    assert_int_equal(addr_parse(text, true, &ret, NULL), 0);
    return ret;
}

static void writes_a_configuration(void **state)
{
    struct dnsmasq_config c = { .folder = "/var/lib/meshdeck/dns", .uid = 999, .n_listen = 2,
                                .n_local = 2 };
    char *text;

    (void)state;
    c.listen[0] = a("fd12:3456:789a::53");
    c.listen[1] = a("10.210.255.53");
    c.local[0] = a("fd12:3456:789a::/48");
    c.local[1] = a("10.210.0.0/16");
    assert_int_equal(dnsmasq_config_text(&c, &text, NULL), 0);
    assert_non_null(strstr(text, "\nlisten-address=fd12:3456:789a::53\n"));
    assert_non_null(strstr(text, "\nlisten-address=10.210.255.53\n"));
    assert_non_null(strstr(text, "\nhostsdir=/var/lib/meshdeck/dns/hosts\n"));
    assert_non_null(strstr(text, "\nlocal=/a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa/\n"));
    assert_non_null(strstr(text, "\nlocal=/210.10.in-addr.arpa/\n"));
    assert_non_null(strstr(text, "\nlocal=/internal/\n"));
    free(text);
}

static void refuses_a_bad_configuration(void **state)
{
    static const char *const folders[] = { NULL, "", "relative", "/a b", "/a\nlog-queries", "/a#b",
                                           "/a,b" };
    struct dnsmasq_config c = { .uid = 999, .n_listen = 1 };
    struct err e;
    char *text;

    (void)state;
    c.listen[0] = a("10.210.255.53");
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        c.folder = folders[i];
        assert_int_equal(dnsmasq_config_text(&c, &text, &e), -EINVAL);
    }
    c.folder = "/a";
    c.uid = 0;
    assert_int_equal(dnsmasq_config_text(&c, &text, &e), -EINVAL);
    c.uid = 1;
    c.n_listen = 0;
    assert_int_equal(dnsmasq_config_text(&c, &text, &e), -EINVAL);
}

static void names_each_address_both_ways(void **state)
{
    struct dnsmasq_host h = { .name = "web", .network = "mesh", .ip4 = a("10.210.0.2"),
                              .ip6 = a("fd12:3456:789a:1:0:2:0:10") };
    char *text;

    (void)state;
    assert_int_equal(dnsmasq_host_text(&h, &text, NULL), 0);
    assert_string_equal(text, "fd12:3456:789a:1:0:2:0:10 web.internal web.mesh.internal\n"
                              "10.210.0.2 web.internal web.mesh.internal\n");
    free(text);
    h.ip6.family = 0;
    assert_int_equal(dnsmasq_host_text(&h, &text, NULL), 0);
    assert_string_equal(text, "10.210.0.2 web.internal web.mesh.internal\n");
    free(text);
}

static void no_name_becomes_syntax(void **state)
{
    static const char *const bad[] = { "", "-a", "a.b", "a b", "a\nb", "A", "a,b", "a#", "../a",
                                       ".a", "a-", "\xc3\xa9" };
    struct dnsmasq_host h = { .ip4 = a("10.210.0.2") };
    struct err e;
    char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_true(str_copy(h.name, sizeof(h.name), bad[i]));
        assert_true(str_copy(h.network, sizeof(h.network), "mesh"));
        assert_int_equal(dnsmasq_host_text(&h, &text, &e), -EINVAL);
        assert_true(str_copy(h.name, sizeof(h.name), "web"));
        assert_true(str_copy(h.network, sizeof(h.network), bad[i]));
        assert_int_equal(dnsmasq_host_text(&h, &text, &e), -EINVAL);
    }
}

static void reads_resolv_conf(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        const char *servers[DNSMASQ_UPSTREAM_MAX];
    } cases[] = {
        { "", 0, { NULL } },
        { "nameserver 9.9.9.9", 1, { "9.9.9.9" } },
        { "# nameserver 1.1.1.1\nsearch x\nnameserver\t2620:fe::fe # quad\nnameserver 9.9.9.9;x\n", 2,
          { "2620:fe::fe", "9.9.9.9" } },
        { "nameserver 9.9.9.9\nnameserver 9.9.9.9\r\n", 1, { "9.9.9.9" } },
        { "nameserver 10.210.255.53\nnameserver 127.0.0.53\n", 1, { "127.0.0.53" } },
        { "nameserver fe80::1%eth0\nnameserver x\nnameserver\nnameserver 1.2.3\nnameserver 1.2.3.0/24\n",
          0, { NULL } },
        { "nameserverx 9.9.9.9\n nameserver 9.9.9.9\nnameserver 1.1.1.1\n", 1, { "1.1.1.1" } },
        { "nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4\n"
          "nameserver 1.0.0.5\nnameserver 1.0.0.6\nnameserver 1.0.0.7\nnameserver 1.0.0.8\n"
          "nameserver 1.0.0.9\n", 8,
          { "1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4", "1.0.0.5", "1.0.0.6", "1.0.0.7",
            "1.0.0.8" } },
    };
    const struct addr own = a("10.210.255.53");
    struct addr ret[DNSMASQ_UPSTREAM_MAX];
    char text[ADDR_TEXT];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = dnsmasq_parse_resolv(cases[i].text, strlen(cases[i].text), &own, 1, ret);
        assert_int_equal(n, cases[i].n);
        for (size_t k = 0; k < n; k++) {
            assert_string_equal(addr_format(&ret[k], false, text), cases[i].servers[k]);
        }
    }
    static const char nul[] = "nameserver 1.2.3.4\0.5\nnameserver 9.9.9.9\n";
    assert_int_equal(dnsmasq_parse_resolv(nul, sizeof(nul) - 1, NULL, 0, ret), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_configuration),
        cmocka_unit_test(refuses_a_bad_configuration),
        cmocka_unit_test(names_each_address_both_ways),
        cmocka_unit_test(no_name_becomes_syntax),
        cmocka_unit_test(reads_resolv_conf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
