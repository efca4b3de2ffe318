#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/host/nft_listing.h"
#include "backend/host/tap.h"
#include "tests/support/frames.h"
#include "tests/support/netns.h"
#include "tests/support/nfthost.h"

/*
 * The host is this namespace: taps of two guests whose frames are written here, a veth to a far
 * namespace that plays the internet, a veth called mesh0 to one that plays the mesh.
 */
#define MAC0 "02:5e:ed:00:00:01"
#define MAC1 "02:5e:ed:00:00:02"
#define TAP_MAC "02:00:00:00:00:fe"
#define GUEST0 "10.210.0.2"
#define GUEST1 "10.210.0.3"
#define GUEST0_6 "fd12:3456:789a:1:0:2:0:10"
#define GUEST1_6 "fd12:3456:789a:1:0:2:0:11"
#define LOCAL0 "fe80::5e:edff:fe00:1"
#define FAR "198.51.100.2"
#define FAR_6 "2001:db8::2"
#define DNS "10.210.255.53"
#define DNS_6 "fd12:3456:789a::53"

enum { PORT = 9999 };

static struct nfthost host;
static struct tap taps[2];
static int far_ns, mesh_ns, far4, far6;
static uint8_t frame[FRAME_MAX];

static int udp_socket(int family, uint16_t port)
{
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
    int on = 1, fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (family == AF_INET6) {
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&six, sizeof(six)), 0);
    } else {
        assert_int_equal(bind(fd, (struct sockaddr *)&four, sizeof(four)), 0);
    }
    return fd;
}

static int socket_in(int ns, int family, uint16_t port)
{
    int before = netns_switch(ns), fd = udp_socket(family, port);

    netns_back(before);
    return fd;
}

/* The next datagram on fd as "payload from address", or "" when none comes. */
static const char *next_datagram(int fd)
{
    static char text[128];
    char payload[64], addr[INET6_ADDRSTRLEN] = "";
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    struct pollfd p = { .fd = fd, .events = POLLIN };

    text[0] = '\0';
    if (poll(&p, 1, 10000) == 1) {
        ssize_t n = recvfrom(fd, payload, sizeof(payload) - 1, 0, (struct sockaddr *)&from, &len);
        assert_true(n >= 0);
        payload[n] = '\0';
        (void)inet_ntop(from.ss_family, from.ss_family == AF_INET
                            ? (void *)&((struct sockaddr_in *)&from)->sin_addr
                            : (void *)&((struct sockaddr_in6 *)&from)->sin6_addr,
                        addr, sizeof(addr));
        (void)snprintf(text, sizeof(text), "%s from %s", payload, addr);
    }
    return text;
}

static void send_udp(int k, const char *mac, const char *src, const char *dst, uint16_t sport,
                     uint16_t dport, const char *payload)
{
    const struct frame_ends ends = { mac, TAP_MAC, src, dst };

    assert_true(frame_send(taps[k].fd, frame, frame_udp(frame, &ends, sport, dport, payload)));
}

static uint64_t packets(enum nft_counter c)
{
    return nfthost_count(&host, c).packets;
}

static const char *udp_text(const uint8_t *f, size_t len)
{
    static char text[160];
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    bool v6 = f[12] == 0x86;
    size_t ip = v6 ? 40 : 20;

    if (len < 14 + ip + 8 || f[v6 ? 20 : 23] != 17) {
        return "";
    }
    (void)inet_ntop(v6 ? AF_INET6 : AF_INET, f + (v6 ? 22 : 26), src, sizeof(src));
    (void)inet_ntop(v6 ? AF_INET6 : AF_INET, f + (v6 ? 38 : 30), dst, sizeof(dst));
    (void)snprintf(text, sizeof(text), "%.*s from %s to %s", (int)(len - 14 - ip - 8),
                   (const char *)f + 14 + ip + 8, src, dst);
    return text;
}

static bool is_udp(const uint8_t *f, size_t len, void *want)
{
    return strcmp(udp_text(f, len), want) == 0;
}

static void add_tap(int k, const char *ip4, const char *ip6, const char *mac)
{
    static unsigned next;
    struct err e;

    if (tap_create(NULL, &next, (uid_t)-1, &taps[k], &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    const char *t = taps[k].name;
    run_ok("ip", "link", "set", t, "address", TAP_MAC, "addrgenmode", "none", "up");
    run_ok("ip", "addr", "add", "fe80::1/64", "dev", t, "nodad");
    run_ok("ip", "addr", "add", "169.254.1.1/32", "dev", t);
    run_ok("ip", "route", "add", ip4, "dev", t, "src", "10.210.0.1");
    run_ok("ip", "-6", "route", "add", ip6, "dev", t);
    run_ok("ip", "neigh", "add", ip4, "lladdr", mac, "dev", t, "nud", "permanent");
    run_ok("ip", "neigh", "add", ip6, "lladdr", mac, "dev", t, "nud", "permanent");
}

static void in_ns(int ns, const char *const argv[])
{
    int before = netns_switch(ns);

    run_ok_argv(argv);
    netns_back(before);
}
#define run_in(ns, ...) in_ns(ns, (const char *const[]){__VA_ARGS__, NULL})

static void wire(int ns, const char *here, const char *there, const char *a4, const char *a6,
                 const char *b4, const char *b6)
{
    char ns_path[64];

    (void)snprintf(ns_path, sizeof(ns_path), "/proc/%d/fd/%d", (int)getpid(), ns);
    run_ok("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", ns_path);
    run_ok("ip", "addr", "add", a4, "dev", here);
    run_ok("ip", "addr", "add", a6, "dev", here, "nodad");
    run_ok("ip", "link", "set", here, "up");
    run_in(ns, "ip", "addr", "add", b4, "dev", there);
    run_in(ns, "ip", "addr", "add", b6, "dev", there, "nodad");
    run_in(ns, "ip", "link", "set", there, "up");
}

static int build_world(void **state)
{
    struct nft_guest g[2] = { nfthost_guest(0), nfthost_guest(1) };

    (void)state;
    far_ns = netns_make();
    mesh_ns = netns_make();
    assert_true(far_ns >= 0 && mesh_ns >= 0);
    wire(far_ns, "up0", "up1", "198.51.100.1/24", "2001:db8::1/64", FAR "/24", FAR_6 "/64");
    wire(mesh_ns, "mesh0", "m1", "10.210.0.1/32", "fd12:3456:789a:1::1/128", "10.210.9.9/32",
         "fd12:3456:789a:9:0:2:0:10/128");
    run_ok("ip", "route", "add", "10.210.9.0/24", "dev", "mesh0", "src", "10.210.0.1");
    run_ok("ip", "-6", "route", "add", "fd12:3456:789a:9::/64", "dev", "mesh0");
    run_ok("ip", "route", "add", "default", "via", FAR);
    run_ok("ip", "-6", "route", "add", "default", "via", FAR_6);
    run_in(mesh_ns, "ip", "route", "add", "default", "via", "10.210.0.1", "dev", "m1", "onlink");
    run_in(far_ns, "ip", "route", "add", "10.210.0.0/16", "via", "198.51.100.1");
    run_in(far_ns, "ip", "-6", "route", "add", "fd12:3456:789a::/48", "via", "2001:db8::1");
    run_ok("ip", "addr", "add", DNS "/32", "dev", "lo");
    run_ok("ip", "addr", "add", DNS_6 "/128", "dev", "lo");
    run_ok("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    nfthost_open(&host, 65534);
    nfthost_rebuild(&host, g, 2);
    add_tap(0, GUEST0, GUEST0_6, MAC0);
    add_tap(1, GUEST1, GUEST1_6, MAC1);
    far4 = socket_in(far_ns, AF_INET, PORT);
    far6 = socket_in(far_ns, AF_INET6, PORT);
    return 0;
}

static int end_world(void **state)
{
    (void)state;
    nfthost_close(&host);
    return 0;
}

static void leaves_under_the_hosts_address(void **state)
{
    uint64_t before = packets(NFT_COUNTER_MASQUERADED);

    (void)state;
    send_udp(0, MAC0, GUEST0, FAR, 1111, PORT, "one");
    assert_string_equal(next_datagram(far4), "one from 198.51.100.1");
    send_udp(0, MAC0, GUEST0_6, FAR_6, 1111, PORT, "two");
    assert_string_equal(next_datagram(far6), "two from 2001:db8::1");
    assert_int_equal(packets(NFT_COUNTER_MASQUERADED), before + 2);
}

static void guests_see_each_others_addresses(void **state)
{
    uint64_t before = packets(NFT_COUNTER_MASQUERADED);

    (void)state;
    send_udp(0, MAC0, GUEST0, GUEST1, 1111, PORT, "hello");
    assert_true(frame_await(taps[1].fd, 10, is_udp, "hello from " GUEST0 " to " GUEST1));
    send_udp(1, MAC1, GUEST1_6, GUEST0_6, 1111, PORT, "hello");
    assert_true(frame_await(taps[0].fd, 10, is_udp, "hello from " GUEST1_6 " to " GUEST0_6));
    int m4 = socket_in(mesh_ns, AF_INET, PORT), m6 = socket_in(mesh_ns, AF_INET6, PORT);
    send_udp(0, MAC0, GUEST0, "10.210.9.9", 1111, PORT, "mesh");
    assert_string_equal(next_datagram(m4), "mesh from " GUEST0);
    send_udp(0, MAC0, GUEST0_6, "fd12:3456:789a:9:0:2:0:10", 1111, PORT, "mesh");
    assert_string_equal(next_datagram(m6), "mesh from " GUEST0_6);
    close(m4);
    close(m6);
    assert_int_equal(packets(NFT_COUNTER_MASQUERADED), before);
}

/* Sends from guest 0 what must not arrive, then what must, and looks at what came. */
static void dropped(const char *mac, const char *src, enum nft_counter why)
{
    bool v6 = strchr(src, ':') != NULL;
    uint64_t before = packets(why);

    send_udp(0, mac, src, v6 ? FAR_6 : FAR, 1112, PORT, "bad");
    send_udp(0, MAC0, v6 ? GUEST0_6 : GUEST0, v6 ? FAR_6 : FAR, 1112, PORT, "good");
    const char *got = next_datagram(v6 ? far6 : far4);
    assert_int_equal(strncmp(got, "good ", 5), 0);
    assert_int_equal(packets(why), before + 1);
}

static void spoofed_sources_go_nowhere(void **state)
{
    (void)state;
    dropped(MAC0, GUEST1, NFT_COUNTER_SPOOFED);
    dropped(MAC0, "8.8.8.8", NFT_COUNTER_SPOOFED);
    dropped(MAC0, "169.254.1.1", NFT_COUNTER_SPOOFED);
    dropped(MAC0, "198.51.100.1", NFT_COUNTER_SPOOFED);
    dropped(MAC0, "0.0.0.0", NFT_COUNTER_SPOOFED);
    dropped(MAC1, GUEST0, NFT_COUNTER_SPOOFED);
    dropped(MAC0, GUEST1_6, NFT_COUNTER_SPOOFED);
    dropped(MAC0, "2001:db8::7", NFT_COUNTER_SPOOFED);
    dropped(MAC0, "fe80::1", NFT_COUNTER_SPOOFED);
    dropped(MAC0, "::", NFT_COUNTER_SPOOFED);
    dropped(MAC1, GUEST0_6, NFT_COUNTER_SPOOFED);
}

static void every_guest_is_counted(void **state)
{
    struct nft_guest_count before, after;

    (void)state;
    assert_int_equal(nft_read_guest(host.nft, "tap0", &before, NULL), 0);
    send_udp(0, MAC0, GUEST0, FAR, 1113, PORT, "x");
    (void)next_datagram(far4);
    send_udp(1, MAC1, GUEST1_6, GUEST0_6, 1111, PORT, "y");
    assert_true(frame_await(taps[0].fd, 10, is_udp, "y from " GUEST1_6 " to " GUEST0_6));
    assert_int_equal(nft_read_guest(host.nft, "tap0", &after, NULL), 0);
    assert_int_equal(after.from4.packets, before.from4.packets + 1);
    assert_int_equal(after.from4.bytes, before.from4.bytes + 29);
    assert_int_equal(after.to6.packets, before.to6.packets + 1);
    assert_int_equal(after.to4.packets, before.to4.packets);
}

static void no_routers_servers_or_neighbours_played(void **state)
{
    const struct frame_ends ra = { MAC0, "33:33:00:00:00:01", LOCAL0, "ff02::1" };
    const struct frame_ends na = { MAC0, TAP_MAC, GUEST0_6, "fe80::1" };
    const struct frame_ends dad = { MAC0, "33:33:ff:00:00:10", "::", "ff02::1:ff00:10" };
    uint64_t ras = packets(NFT_COUNTER_GUEST_RA), nas = packets(NFT_COUNTER_GUEST_NA);
    uint64_t dhcp = packets(NFT_COUNTER_GUEST_DHCP), spoofed = packets(NFT_COUNTER_SPOOFED);
    struct nft_guest_count before, after;

    (void)state;
    assert_int_equal(nft_read_guest(host.nft, "tap0", &before, NULL), 0);
    frame_send(taps[0].fd, frame, frame_nd(frame, &ra, 134, NULL, MAC0));
    assert_int_equal(packets(NFT_COUNTER_GUEST_RA), ras + 1);
    frame_send(taps[0].fd, frame, frame_nd(frame, &na, 136, GUEST1_6, MAC0));
    assert_int_equal(packets(NFT_COUNTER_GUEST_NA), nas + 1);
    send_udp(0, MAC0, GUEST0, "255.255.255.255", 67, 68, "offer");
    send_udp(0, MAC0, LOCAL0, "ff02::1", 547, 546, "advertise");
    assert_int_equal(packets(NFT_COUNTER_GUEST_DHCP), dhcp + 2);
    /* what an honest guest says */
    frame_send(taps[0].fd, frame, frame_nd(frame, &na, 136, GUEST0_6, MAC0));
    frame_send(taps[0].fd, frame, frame_nd(frame, &na, 136, LOCAL0, MAC0));
    frame_send(taps[0].fd, frame, frame_nd(frame, &dad, 135, GUEST0_6, NULL));
    send_udp(0, MAC0, "0.0.0.0", "255.255.255.255", 68, 67, "discover");
    assert_int_equal(packets(NFT_COUNTER_GUEST_NA), nas + 1);
    assert_int_equal(packets(NFT_COUNTER_SPOOFED), spoofed);
    assert_int_equal(nft_read_guest(host.nft, "tap0", &after, NULL), 0);
    assert_int_equal(after.from6.packets, before.from6.packets + 3);
}

static bool is_arp_reply(const uint8_t *f, size_t len, void *arg)
{
    (void)arg;
    return len >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 2;
}

static bool neighbour_known(const char *addr)
{
    char out[4096];

    assert_int_equal(run_io((const char *const[]){"ip", "neigh", "show", addr, NULL}, NULL, out,
                            sizeof(out)), 0);
    return strstr(out, addr) != NULL;
}

static void arp_tells_nothing_false(void **state)
{
    uint64_t before = packets(NFT_COUNTER_ARP_SPOOFED);

    (void)state;
    frame_send(taps[0].fd, frame, frame_arp(frame, MAC0, 1, MAC0, "10.210.77.7", "169.254.1.1"));
    frame_send(taps[0].fd, frame, frame_arp(frame, MAC0, 2, MAC1, GUEST0, "169.254.1.1"));
    frame_send(taps[0].fd, frame, frame_arp(frame, MAC1, 1, MAC1, GUEST0, "169.254.1.1"));
    assert_int_equal(packets(NFT_COUNTER_ARP_SPOOFED), before + 3);
    assert_false(neighbour_known("10.210.77.7"));
    frame_send(taps[0].fd, frame, frame_arp(frame, MAC0, 1, MAC0, GUEST0, "169.254.1.1"));
    assert_true(frame_await(taps[0].fd, 10, is_arp_reply, NULL));
    assert_int_equal(packets(NFT_COUNTER_ARP_SPOOFED), before + 3);
}

static bool is_echo_reply(const uint8_t *f, size_t len, void *v6)
{
    return len >= 50 && (v6 ? f[12] == 0x86 && f[54] == 129 : f[12] == 8 && f[23] == 1 && f[34] == 0);
}

static void the_host_serves_dns_and_no_more(void **state)
{
    const struct frame_ends echo4 = { MAC0, TAP_MAC, GUEST0, "169.254.1.1" };
    const struct frame_ends echo6 = { MAC0, TAP_MAC, GUEST0_6, "fe80::1" };
    const struct frame_ends ssh = { MAC0, TAP_MAC, GUEST0, "10.210.0.1" };
    int dns4 = udp_socket(AF_INET, 53), dns6 = udp_socket(AF_INET6, 53);
    int other4 = udp_socket(AF_INET, PORT);
    uint64_t before = packets(NFT_COUNTER_TO_HOST);

    (void)state;
    send_udp(0, MAC0, GUEST0, "198.51.100.1", 1114, PORT, "no");
    send_udp(0, MAC0, GUEST0, "10.210.0.1", 1114, PORT, "no");
    send_udp(0, MAC0, GUEST0, "169.254.1.1", 1114, 53, "no");
    send_udp(0, MAC0, GUEST0_6, "fe80::1", 1114, 53, "no");
    send_udp(0, MAC0, GUEST0_6, "fd12:3456:789a:1::1", 1114, PORT, "no");
    frame_send(taps[0].fd, frame, frame_tcp_syn(frame, &ssh, 1114, 22, 1400));
    assert_int_equal(packets(NFT_COUNTER_TO_HOST), before + 6);
    send_udp(0, MAC0, GUEST0, DNS, 1114, 53, "query");
    assert_string_equal(next_datagram(dns4), "query from " GUEST0);
    send_udp(0, MAC0, GUEST0_6, DNS_6, 1114, 53, "query");
    assert_string_equal(next_datagram(dns6), "query from " GUEST0_6);
    frame_send(taps[0].fd, frame, frame_echo(frame, &echo4, 7));
    assert_true(frame_await(taps[0].fd, 10, is_echo_reply, NULL));
    frame_send(taps[0].fd, frame, frame_echo(frame, &echo6, 7));
    assert_true(frame_await(taps[0].fd, 10, is_echo_reply, taps));
    /* a guest of another node is no better; that node itself and a conversation that we began are */
    int m = socket_in(mesh_ns, AF_INET, 1115);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
    (void)inet_pton(AF_INET, "10.210.0.1", &to.sin_addr);
    assert_int_equal(sendto(m, "no", 2, 0, (struct sockaddr *)&to, sizeof(to)), 2);
    run_in(mesh_ns, "ip", "addr", "add", "10.210.9.1/32", "dev", "lo");
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(1116) };
    (void)inet_pton(AF_INET, "10.210.9.1", &from.sin_addr);
    int back = netns_switch(mesh_ns), node = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    netns_back(back);
    assert_int_equal(bind(node, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(sendto(node, "yes", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3);
    assert_string_equal(next_datagram(other4), "yes from 10.210.9.1");
    assert_int_equal(packets(NFT_COUNTER_TO_HOST), before + 7);
    (void)inet_pton(AF_INET, GUEST0, &to.sin_addr);
    to.sin_port = htons(2222);
    assert_int_equal(sendto(other4, "ask", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3);
    assert_true(frame_await(taps[0].fd, 10, is_udp, "ask from 10.210.0.1 to " GUEST0));
    send_udp(0, MAC0, GUEST0, "10.210.0.1", 2222, PORT, "answer");
    assert_string_equal(next_datagram(other4), "answer from " GUEST0);
    close(m);
    close(node);
    close(dns4);
    close(dns6);
    close(other4);
}

static void wrong_ways_are_closed(void **state)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };

    (void)state;
    /* the metadata service of whoever hosts this host */
    uint64_t before = packets(NFT_COUNTER_LINK_LOCAL);
    send_udp(0, MAC0, GUEST0, "169.254.169.254", 1117, 80, "token");
    send_udp(0, MAC0, GUEST0_6, "fd00:ec2::254", 1117, 80, "token");
    assert_int_equal(packets(NFT_COUNTER_LINK_LOCAL), before + 2);
    /* mesh addresses that lead nowhere do not go to the internet */
    before = packets(NFT_COUNTER_NO_SUCH_GUEST);
    send_udp(0, MAC0, GUEST0, "10.210.44.4", 1117, PORT, "lost");
    send_udp(0, MAC0, GUEST0_6, "fd12:3456:789a:7::7", 1117, PORT, "lost");
    assert_int_equal(packets(NFT_COUNTER_NO_SUCH_GUEST), before + 2);
    /* a route to a tap whose guest has not that address */
    run_ok("ip", "route", "add", "10.210.0.99", "dev", taps[1].name);
    before = packets(NFT_COUNTER_UNKNOWN_GUEST);
    send_udp(0, MAC0, GUEST0, "10.210.0.99", 1117, PORT, "who");
    assert_int_equal(packets(NFT_COUNTER_UNKNOWN_GUEST), before + 1);
    run_ok("ip", "route", "del", "10.210.0.99", "dev", taps[1].name);
    /* from outside: to a guest, and under a guest's name */
    before = packets(NFT_COUNTER_FROM_OUTSIDE);
    (void)inet_pton(AF_INET, GUEST0, &to.sin_addr);
    assert_int_equal(sendto(far4, "in", 2, 0, (struct sockaddr *)&to, sizeof(to)), 2);
    assert_int_equal(packets(NFT_COUNTER_FROM_OUTSIDE), before + 1);
    run_in(far_ns, "ip", "addr", "add", "10.210.55.5/32", "dev", "lo");
    struct sockaddr_in from = { .sin_family = AF_INET };
    (void)inet_pton(AF_INET, "10.210.55.5", &from.sin_addr);
    int back = netns_switch(far_ns), liar = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    netns_back(back);
    assert_int_equal(bind(liar, (struct sockaddr *)&from, sizeof(from)), 0);
    before = packets(NFT_COUNTER_OUTSIDER);
    assert_int_equal(sendto(liar, "in", 2, 0, (struct sockaddr *)&to, sizeof(to)), 2);
    assert_int_equal(packets(NFT_COUNTER_OUTSIDER), before + 1);
    close(liar);
    /* a peer of the mesh cannot use this host as its way out */
    before = packets(NFT_COUNTER_MESH_OUTWARD);
    int m = socket_in(mesh_ns, AF_INET, 1118);
    (void)inet_pton(AF_INET, FAR, &to.sin_addr);
    assert_int_equal(sendto(m, "out", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3);
    assert_int_equal(packets(NFT_COUNTER_MESH_OUTWARD), before + 1);
    close(m);
}

static bool is_syn_with_mss(const uint8_t *f, size_t len, void *want)
{
    return len >= 58 && f[12] == 8 && f[23] == 6 && (f[47] & 2) &&
           (f[56] << 8 | f[57]) == *(const int *)want;
}

static void tcp_learns_the_size_that_fits(void **state)
{
    const struct frame_ends ends = { MAC0, TAP_MAC, GUEST0, GUEST1 };
    int small = 1240 - 40, plain = 1100;

    (void)state;
    run_ok("ip", "link", "set", taps[1].name, "mtu", "1240");
    frame_send(taps[0].fd, frame, frame_tcp_syn(frame, &ends, 4000, 80, 1460));
    assert_true(frame_await(taps[1].fd, 10, is_syn_with_mss, &small));
    frame_send(taps[0].fd, frame, frame_tcp_syn(frame, &ends, 4001, 80, 1100));
    assert_true(frame_await(taps[1].fd, 10, is_syn_with_mss, &plain));
    run_ok("ip", "link", "set", taps[1].name, "mtu", "1500");
}

static void others_are_forwarded_only_when_wanted(void **state)
{
    struct nft_config c = nfthost_config();
    struct nft_guest g[2] = { nfthost_guest(0), nfthost_guest(1) };
    int lan = netns_make(), lan4;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };

    (void)state;
    assert_true(lan >= 0);
    wire(lan, "lan0", "lan1", "203.0.113.1/24", "2001:db8:1::1/64", "203.0.113.2/24",
         "2001:db8:1::2/64");
    run_in(lan, "ip", "route", "add", "default", "via", "203.0.113.1");
    lan4 = socket_in(lan, AF_INET, 1119);
    (void)inet_pton(AF_INET, FAR, &to.sin_addr);
    assert_int_equal(sendto(lan4, "a", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    assert_string_equal(next_datagram(far4), "a from 203.0.113.2");
    c.only_guests = true;
    int done = host.done;
    assert_int_equal(nft_rebuild(host.nft, &c, g, 2, nfthost_done, &host, NULL), 0);
    assert_true(nfthost_wait(&host, &host.done, done + 1));
    uint64_t before = packets(NFT_COUNTER_NOT_OURS), masq = packets(NFT_COUNTER_MASQUERADED);
    assert_int_equal(sendto(lan4, "b", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    assert_int_equal(packets(NFT_COUNTER_NOT_OURS), before + 1);
    send_udp(0, MAC0, GUEST0, FAR, 1120, PORT, "c");
    assert_string_equal(next_datagram(far4), "c from 198.51.100.1");
    assert_int_equal(packets(NFT_COUNTER_MASQUERADED), masq + 1);
    assert_true(masq > 0); /* counters went on over the rebuild */
    close(lan4);
}

static void others_walls_are_found_and_passed(void **state)
{
    struct nft_chain *chains;
    char fix[400];
    size_t n;

    (void)state;
    run_ok("nft", "add table inet wall; add chain inet wall through "
                  "{ type filter hook forward priority 10; policy drop; }; "
                  "add chain inet wall inwards { type filter hook input priority 10; policy drop; }");
    send_udp(0, MAC0, GUEST0, FAR, 1121, PORT, "blocked");
    int dns = udp_socket(AF_INET, 53), done = host.done;
    send_udp(0, MAC0, GUEST0, DNS, 1121, 53, "blocked");
    assert_int_equal(nft_list_chains(host.nft, nfthost_json, &host, NULL), 0);
    assert_true(nfthost_wait(&host, &host.done, done + 1));
    assert_int_equal(nft_listing_parse(host.json, strlen(host.json), &chains, &n, NULL), 0);
    int found = 0;
    for (size_t i = 0; i < n; i++) {
        if (nft_chain_may_block(&chains[i])) {
            assert_string_equal(chains[i].table, "wall");
            assert_int_equal(chains[i].priority, 10);
            nft_chain_fix(&chains[i], chains, n, "mesh0", fix, sizeof(fix));
            run_ok("/bin/sh", "-c", fix);
            found++;
        }
    }
    assert_int_equal(found, 2);
    free(chains);
    send_udp(0, MAC0, GUEST0, FAR, 1122, PORT, "passed");
    assert_string_equal(next_datagram(far4), "passed from 198.51.100.1");
    send_udp(0, MAC0, GUEST0, DNS, 1122, 53, "passed");
    assert_string_equal(next_datagram(dns), "passed from " GUEST0);
    close(dns);
    run_ok("nft", "delete table inet wall");
}

static void bridge_ports_are_held_to_the_same(void **state)
{
    struct nft_guest g[2] = { nfthost_guest(2), nfthost_guest(3) };
    struct err e = { 0 };
    static unsigned next = 2;
    struct tap ports[2];
    const struct frame_ends good = { "02:5e:ed:00:00:03", "02:5e:ed:00:00:04", "10.210.0.4",
                                     "10.210.0.5" };
    const struct frame_ends bad[] = {
        { "02:5e:ed:00:00:03", "02:5e:ed:00:00:04", "10.210.0.5", "10.210.0.5" },
        { "02:5e:ed:00:00:09", "02:5e:ed:00:00:04", "10.210.0.4", "10.210.0.5" },
        { "02:5e:ed:00:00:03", "02:5e:ed:00:00:04", "fd00::1", "fd00::2" },
    };
    const struct frame_ends ra = { "02:5e:ed:00:00:03", "33:33:00:00:00:01", "fe80::5e:edff:fe00:3",
                                   "ff02::1" };

    (void)state;
    g[0].bridged = g[1].bridged = true;
    /* where bridged frames pass the inet hooks too, br9 would have to be a device inside */
    (void)run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0",
              "net.bridge.bridge-nf-call-ip6tables=0");
    assert_int_equal(nft_apply(host.nft, g, 2, NULL, 0, NULL, NULL, &e), 0);
    run_ok("ip", "link", "add", "br9", "type", "bridge");
    run_ok("ip", "link", "set", "br9", "up");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tap_create(NULL, &next, (uid_t)-1, &ports[i], &e), 0);
        run_ok("ip", "link", "set", ports[i].name, "master", "br9", "up");
    }
    uint64_t spoofed = packets(NFT_COUNTER_SPOOFED), arp = packets(NFT_COUNTER_ARP_SPOOFED);
    uint64_t ras = packets(NFT_COUNTER_GUEST_RA);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        frame_send(ports[0].fd, frame, frame_udp(frame, &bad[i], 5, PORT, "bad"));
    }
    assert_int_equal(packets(NFT_COUNTER_SPOOFED), spoofed + 3);
    frame_send(ports[0].fd, frame, frame_nd(frame, &ra, 134, NULL, NULL));
    assert_int_equal(packets(NFT_COUNTER_GUEST_RA), ras + 1);
    frame_send(ports[0].fd, frame, frame_arp(frame, "02:5e:ed:00:00:03", 2, "02:5e:ed:00:00:03",
                                             "10.210.0.5", "10.210.0.4"));
    assert_int_equal(packets(NFT_COUNTER_ARP_SPOOFED), arp + 1);
    frame_send(ports[0].fd, frame, frame_udp(frame, &good, 5, PORT, "good"));
    assert_true(frame_await(ports[1].fd, 10, is_udp, "good from 10.210.0.4 to 10.210.0.5"));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_under_the_hosts_address),
        cmocka_unit_test(guests_see_each_others_addresses),
        cmocka_unit_test(spoofed_sources_go_nowhere),
        cmocka_unit_test(every_guest_is_counted),
        cmocka_unit_test(no_routers_servers_or_neighbours_played),
        cmocka_unit_test(arp_tells_nothing_false),
        cmocka_unit_test(the_host_serves_dns_and_no_more),
        cmocka_unit_test(wrong_ways_are_closed),
        cmocka_unit_test(tcp_learns_the_size_that_fits),
        cmocka_unit_test(others_are_forwarded_only_when_wanted),
        cmocka_unit_test(others_walls_are_found_and_passed),
        cmocka_unit_test(bridge_ports_are_held_to_the_same),
    };
    NFTHOST_WORKER(argc, argv);
    const char *why = netns_enter();
    if (!why && access("/dev/net/tun", R_OK | W_OK) != 0) {
        why = "no /dev/net/tun";
    }
    if (why) {
        return netns_skip_all("packets through the firewall", why);
    }
    return cmocka_run_group_tests(tests, build_world, end_world);
}
