/* What a WireGuard device says, in its two languages, and what we say to it; no device needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>

#include "backend/host/nl_internal.h"
#include "backend/host/wg_change.h"
#include "backend/host/wgkey.h"
#include "backend/model/text.h"
#include "backend/observe/uapi.h"
#include "backend/observe/wg_build.h"

#define HEX1 "1111111111111111111111111111111111111111111111111111111111111111"
#define HEX2 "2222222222222222222222222222222222222222222222222222222222222222"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static const char answer[] =
    "private_key=77076d0a7318a57d3c16c17251b26645"
    "1fd1f3f6c1c0d6a2a24c6f1c0f0f0f40\n"
    "listen_port=51820\nfwmark=7\n"
    "public_key=" HEX2 "\npreshared_key=" HEX1 "\nprotocol_version=1\n"
    "endpoint=[fe80::1%eth0]:51821\nlast_handshake_time_sec=1700000000\n"
    "last_handshake_time_nsec=5\ntx_bytes=100\nrx_bytes=18446744073709551615\n"
    "persistent_keepalive_interval=25\nallowed_ip=fd00::/64\nallowed_ip=10.0.0.0/8\n"
    "public_key=" HEX1 "\npreshared_key=" ZERO "\nendpoint=192.0.2.1:1\n"
    "errno=0\n\n";

static int take_line(const char *line, size_t len, void *arg)
{
    return wg_build_uapi_line(arg, line, len);
}

/* The whole answer, fed in pieces of `step` bytes. */
static int feed(struct wg_build *b, const char *text, size_t step)
{
    struct uapi_split s = {.len = 0};
    size_t len = strlen(text);
    int rc = 0;
    wg_build_reset(b, "mesh0", WG_BACKEND_USERSPACE);
    for (size_t at = 0; at < len && rc == 0; at += step)
        rc = uapi_split_feed(&s, text + at, len - at < step ? len - at : step, take_line, b);
    return rc == 1 ? s.code : rc == 0 ? -EAGAIN : rc;
}

static void reads_an_answer_in_any_pieces(void **state)
{
    (void)state;
    struct wg_build b = {.cap_ips = 0};
    char text[ADDR_ENDPOINT_TEXT];
    for (size_t step = 1; step < sizeof answer; step++) {
        struct err e = {0};
        assert_int_equal(feed(&b, answer, step), 0);
        assert_int_equal(wg_build_finish(&b, &e), 0);
        const struct wg_device *d = &b.device;
        assert_int_equal(d->n_peers, 2);
        assert_int_equal(d->listen_port, 51820);
        assert_int_equal(d->fwmark, 7);
        assert_true(d->has_key);
        assert_int_equal(d->peers[0].public_key[0], 0x11); /* sorted */
        assert_false(d->peers[0].has_psk);
        const struct wg_peer *p = &d->peers[1];
        assert_true(p->has_psk);
        assert_string_equal(addr_endpoint_format(&p->endpoint, text), "[fe80::1]:51821");
        assert_true(p->handshake_sec == 1700000000 && p->handshake_nsec == 5);
        assert_true(p->tx_bytes == 100 && p->rx_bytes == UINT64_MAX);
        assert_int_equal(p->keepalive_s, 25);
        assert_int_equal(p->n_ips, 2);
        assert_int_equal(d->ips[p->first_ip].family, AF_INET); /* sorted */
    }
    wg_build_done(&b);
}

static void refuses_bad_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"errno=0\n\n", 0},
        {"errno=-22\n\n", -EINVAL},
        {"errno=22\n\n", -EINVAL}, /* some write it without the sign */
        {"\n", -EBADMSG},
        {"errno=x\n\n", -EBADMSG},
        {"errno=\n\n", -EBADMSG},
        {"errno=99999999999999999\n\n", -EBADMSG},
        {"listen_port=65536\n", -EBADMSG},
        {"listen_port=-1\n", -EBADMSG},
        {"fwmark=4294967296\n", -EBADMSG},
        {"no equals sign\n", -EBADMSG},
        {"public_key=12\n", -EBADMSG},
        {"private_key=" HEX1 "1\n", -EBADMSG},
        {"public_key=" HEX1 "\nallowed_ip=10.0.0.0/33\n", -EBADMSG},
        {"public_key=" HEX1 "\nrx_bytes=18446744073709551616\n", -EBADMSG},
        {"public_key=" HEX1 "\nlast_handshake_time_sec=-5\n", -EBADMSG},
        {"some_new_key=some value\nerrno=0\n\n", 0},
        {"listen_port=1", -EAGAIN},
    };
    struct wg_build b = {.cap_ips = 0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (feed(&b, cases[i].text, 1000) != cases[i].code)
            fail_msg("%s", cases[i].text);
    struct err e = {0};
    assert_int_equal(feed(&b, "public_key=" HEX1 "\npublic_key=" HEX1 "\nerrno=0\n\n", 7), 0);
    assert_int_equal(wg_build_finish(&b, &e), -EBADMSG); /* a peer twice */
    wg_build_done(&b);
}

static void put_ips(struct nlmsghdr *m, unsigned from, unsigned to)
{
    struct nlattr *ips = mnl_attr_nest_start(m, WGPEER_A_ALLOWEDIPS);
    for (unsigned i = from; i < to; i++) {
        struct nlattr *ip = mnl_attr_nest_start(m, 0);
        uint8_t bytes[4] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};
        mnl_attr_put_u16(m, WGALLOWEDIP_A_FAMILY, AF_INET);
        mnl_attr_put(m, WGALLOWEDIP_A_IPADDR, 4, bytes);
        mnl_attr_put_u8(m, WGALLOWEDIP_A_CIDR_MASK, 32);
        mnl_attr_nest_end(m, ip);
    }
    mnl_attr_nest_end(m, ips);
}

static struct nlmsghdr *genl(char *buffer)
{
    struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
    mnl_nlmsg_put_extra_header(m, sizeof(struct genlmsghdr));
    return m;
}

/* As the kernel sends it: the device in the first part, a peer that goes on in the second. */
static struct nlmsghdr *first_part(char *buffer)
{
    uint8_t key[WG_KEY];
    struct nlmsghdr *m = genl(buffer);
    memset(key, 3, sizeof key);
    mnl_attr_put_u32(m, WGDEVICE_A_IFINDEX, 9);
    mnl_attr_put(m, WGDEVICE_A_PRIVATE_KEY, WG_KEY, key);
    mnl_attr_put(m, WGDEVICE_A_PUBLIC_KEY, WG_KEY, key);
    mnl_attr_put_u16(m, WGDEVICE_A_LISTEN_PORT, 51820);
    struct nlattr *peers = mnl_attr_nest_start(m, WGDEVICE_A_PEERS);
    struct nlattr *peer = mnl_attr_nest_start(m, 0);
    memset(key, 1, sizeof key);
    mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, WG_KEY, key);
    uint8_t psk[WG_KEY] = {0};
    mnl_attr_put(m, WGPEER_A_PRESHARED_KEY, WG_KEY, psk);
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons(51820), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    mnl_attr_put(m, WGPEER_A_ENDPOINT, sizeof six, &six);
    int64_t when[2] = {1700000000, 42};
    mnl_attr_put(m, WGPEER_A_LAST_HANDSHAKE_TIME, sizeof when, when);
    mnl_attr_put_u64(m, WGPEER_A_RX_BYTES, 1000);
    put_ips(m, 0, 20);
    mnl_attr_nest_end(m, peer);
    mnl_attr_nest_end(m, peers);
    return m;
}

static struct nlmsghdr *second_part(char *buffer)
{
    uint8_t key[WG_KEY];
    struct nlmsghdr *m = genl(buffer);
    struct nlattr *peers = mnl_attr_nest_start(m, WGDEVICE_A_PEERS);
    for (uint8_t k = 1; k <= 2; k++) {
        struct nlattr *peer = mnl_attr_nest_start(m, 0);
        memset(key, k, sizeof key);
        mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, WG_KEY, key);
        put_ips(m, 20u * k, 20u * k + 10);
        mnl_attr_nest_end(m, peer);
    }
    mnl_attr_nest_end(m, peers);
    return m;
}

static void merges_the_parts_of_a_kernel_dump(void **state)
{
    (void)state;
    static char buffer[8192] __attribute__((aligned(8)));
    struct wg_build b = {.cap_ips = 0};
    struct err e = {0};
    wg_build_reset(&b, "mesh0", WG_BACKEND_KERNEL);
    assert_int_equal(wg_build_genl(&b, first_part(buffer)), 0);
    assert_int_equal(wg_build_genl(&b, second_part(buffer)), 0);
    assert_int_equal(wg_build_finish(&b, &e), 0);
    const struct wg_device *d = &b.device;
    assert_int_equal(d->ifindex, 9);
    assert_int_equal(d->n_peers, 2);
    assert_int_equal(d->peers[0].n_ips, 30);
    assert_int_equal(d->peers[1].n_ips, 10);
    assert_false(d->peers[0].has_psk);
    assert_int_equal(d->peers[0].endpoint.port, 51820);
    assert_true(d->peers[0].rx_bytes == 1000 && d->peers[0].handshake_nsec == 42);
    uint8_t key[WG_KEY];
    memset(key, 2, sizeof key);
    assert_ptr_equal(wg_device_peer(d, key), &d->peers[1]);
    key[0] = 9;
    assert_null(wg_device_peer(d, key));
    wg_build_done(&b);
}

static void survives_cuts_and_lies(void **state)
{
    (void)state;
    static char buffer[8192] __attribute__((aligned(8)));
    struct wg_build b = {.cap_ips = 0};
    struct nlmsghdr *m = first_part(buffer);
    uint32_t whole = m->nlmsg_len;
    for (uint32_t len = NLMSG_HDRLEN; len < whole; len++) {
        struct nlmsghdr *cut = malloc(len);
        memcpy(cut, m, len);
        cut->nlmsg_len = len;
        wg_build_reset(&b, "mesh0", WG_BACKEND_KERNEL);
        (void)wg_build_genl(&b, cut);
        (void)wg_build_finish(&b, NULL);
        free(cut);
    }
    for (uint32_t at = NLMSG_HDRLEN; at < whole; at++) {
        for (unsigned lie = 0; lie < 256; lie += 51) {
            uint8_t *copy = malloc(whole);
            memcpy(copy, m, whole);
            copy[at] = (uint8_t)lie;
            wg_build_reset(&b, "mesh0", WG_BACKEND_KERNEL);
            (void)wg_build_genl(&b, (struct nlmsghdr *)copy);
            (void)wg_build_finish(&b, NULL);
            free(copy);
        }
    }
    wg_build_done(&b);
}

static void writes_changes_as_text(void **state)
{
    (void)state;
    struct addr ips[2];
    struct wg_peer_change p[] = {{.op = WG_PEER_REMOVE},
                                 {.op = WG_PEER_UPDATE,
                                  .set_ips = true,
                                  .ips_b = ips,
                                  .n_ips = 2,
                                  .set_keepalive = true,
                                  .keepalive_s = 25}};
    size_t len;
    (void)addr_parse("10.210.1.0/24", true, &ips[0], NULL);
    (void)addr_parse("fd00::9", true, &ips[1], NULL);
    memset(p[0].public_key, 0x11, WG_KEY);
    memset(p[1].public_key, 0x22, WG_KEY);
    (void)addr_endpoint_parse("[2001:db8::1]:5", &p[1].endpoint, NULL);
    char *text = wg_change_text(
        &(struct wg_change){.set_port = true, .port = 1, .peers_b = p, .n_peers = 2}, &len);
    assert_string_equal(
        text, "set=1\nlisten_port=1\npublic_key=" HEX1 "\nremove=true\npublic_key=" HEX2
              "\nupdate_only=true\nendpoint=[2001:db8::1]:5\npersistent_keepalive_interval=25\n"
              "replace_allowed_ips=true\nallowed_ip=10.210.1.0/24\nallowed_ip=fd00::9/128\n\n");
    assert_int_equal(len, strlen(text));
    free(text);
}

/* What the messages for the kernel say, read back by the parser of its dumps. */
static void splits_changes_for_the_kernel(void **state)
{
    (void)state;
    enum { PEERS = 600, IPS = 3000 };
    struct wg_peer_change *p = calloc(PEERS, sizeof *p);
    struct addr *ips = calloc(IPS, sizeof *ips);
    struct wg_build b = {.cap_ips = 0};
    struct nl *n;
    for (unsigned i = 0; i < PEERS; i++) {
        memset(p[i].public_key, 5, WG_KEY);
        p[i].public_key[0] = (uint8_t)(i >> 8);
        p[i].public_key[1] = (uint8_t)i;
        p[i].op = i < 3 ? WG_PEER_REMOVE : WG_PEER_ADD;
    }
    for (unsigned i = 0; i < IPS; i++)
        ips[i] = addr_ip4(0x0a000000u + i, 32);
    p[300].set_ips = true;
    p[300].ips_b = ips;
    p[300].n_ips = IPS;
    assert_int_equal(nl_open(NETLINK_GENERIC, &n, NULL), 0);
    wg_change_queue(
        n, 30, "mesh0",
        &(struct wg_change){.set_port = true, .port = 77, .peers_b = p, .n_peers = PEERS});
    assert_false(n->broken);
    assert_true(n->n_queue > 7);
    wg_build_reset(&b, "mesh0", WG_BACKEND_KERNEL);
    for (size_t i = 0; i < n->n_queue; i++) {
        assert_true(n->queue[i].len < 20000);
        assert_int_equal(wg_build_genl(&b, (const struct nlmsghdr *)(n->bytes + n->queue[i].at)),
                         0);
    }
    assert_int_equal(wg_build_finish(&b, NULL), 0);
    assert_int_equal(b.device.listen_port, 77);
    assert_int_equal(b.device.n_peers, PEERS);
    assert_int_equal(b.device.peers[300].n_ips, IPS);
    assert_int_equal(b.device.n_ips, IPS);
    wg_build_done(&b);
    nl_free(n);
    free(p);
    free(ips);
}

static void keys(void **state)
{
    (void)state;
    /* RFC 7748, section 6.1: Alice's keys */
    static const char secret64[] = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=";
    static const char public64[] = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";
    struct wgkey_secret k;
    uint8_t key[WGKEY_LEN];
    char text[WGKEY_BASE64];
    struct err e = {0};
    assert_int_equal(wgkey_from_base64(secret64, k.bytes, &e), 0);
    assert_string_equal(wgkey_to_base64(k.bytes, text), secret64);
    assert_int_equal(wgkey_public(&k, key, &e), 0);
    assert_string_equal(wgkey_to_base64(key, text), public64);
    assert_int_equal(wgkey_generate(&k, &e), 0);
    assert_true((k.bytes[0] & 7) == 0 && (k.bytes[31] & 0xc0) == 0x40);
    static const char *const bad[] = {"",
                                      "=",
                                      "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
                                      "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC==",
                                      "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=",
                                      "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo==",
                                      " wdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=",
                                      "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(wgkey_from_base64(bad[i], key, &e), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_an_answer_in_any_pieces),
        cmocka_unit_test(refuses_bad_answers),
        cmocka_unit_test(merges_the_parts_of_a_kernel_dump),
        cmocka_unit_test(survives_cuts_and_lies),
        cmocka_unit_test(writes_changes_as_text),
        cmocka_unit_test(splits_changes_for_the_kernel),
        cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
