/* Frames by hand. Byte offsets are those of Ethernet (14), IPv4 (20) and IPv6 (40). */
#include "tests/support/frames.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ETH = 14, VNET = 10 };

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_mac(uint8_t *p, const char *text)
{
    unsigned m[6];

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6) {
        abort();
    }
    for (int i = 0; i < 6; i++) {
        p[i] = (uint8_t)m[i];
    }
}

static uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++) {
        sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
    }
    return sum;
}

static unsigned fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return ~sum & 0xffff;
}

/* Ethernet and IP headers for `len` bytes that stand behind them; returns where those stand. */
static size_t put_headers(uint8_t *b, const struct frame_ends *ends, uint8_t protocol, size_t len)
{
    bool v6 = strchr(ends->src, ':') != NULL;
    uint8_t *ip = b + ETH;

    put_mac(b, ends->dst_mac);
    put_mac(b + 6, ends->src_mac);
    put16(b + 12, v6 ? 0x86dd : 0x0800);
    if (v6) {
        memset(ip, 0, 40);
        ip[0] = 0x60;
        put16(ip + 4, (unsigned)len);
        ip[6] = protocol;
        ip[7] = 255;
        if (inet_pton(AF_INET6, ends->src, ip + 8) != 1 ||
            inet_pton(AF_INET6, ends->dst, ip + 24) != 1) {
            abort();
        }
        return ETH + 40;
    }
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)len + 20);
    ip[8] = 64;
    ip[9] = protocol;
    if (inet_pton(AF_INET, ends->src, ip + 12) != 1 ||
        inet_pton(AF_INET, ends->dst, ip + 16) != 1) {
        abort();
    }
    put16(ip + 10, fold(sum16(ip, 20, 0)));
    return ETH + 20;
}

/* The checksum over pseudo header and payload, at `at` within the payload. */
static void put_checksum(uint8_t *b, size_t start, size_t len, uint8_t protocol, size_t at)
{
    bool v6 = start == ETH + 40;
    uint32_t sum = v6 ? sum16(b + ETH + 8, 32, 0) : sum16(b + ETH + 12, 8, 0);

    put16(b + start + at, 0);
    put16(b + start + at, fold(sum16(b + start, len, sum + (uint32_t)len + protocol)));
}

size_t frame_udp(uint8_t b[static FRAME_MAX], const struct frame_ends *ends, uint16_t sport,
                 uint16_t dport, const char *payload)
{
    size_t n = strlen(payload), len = 8 + n, at = put_headers(b, ends, 17, len);

    put16(b + at, sport);
    put16(b + at + 2, dport);
    put16(b + at + 4, (unsigned)len);
    memcpy(b + at + 8, payload, n);
    put_checksum(b, at, len, 17, 6);
    return at + len;
}

size_t frame_tcp_syn(uint8_t b[static FRAME_MAX], const struct frame_ends *ends, uint16_t sport,
                     uint16_t dport, uint16_t mss)
{
    size_t len = 24, at = put_headers(b, ends, 6, len);

    memset(b + at, 0, len);
    put16(b + at, sport);
    put16(b + at + 2, dport);
    b[at + 7] = 1;
    b[at + 12] = 6 << 4;
    b[at + 13] = 2; /* SYN */
    put16(b + at + 14, 65535);
    b[at + 20] = 2;
    b[at + 21] = 4;
    put16(b + at + 22, mss);
    put_checksum(b, at, len, 6, 16);
    return at + len;
}

size_t frame_echo(uint8_t b[static FRAME_MAX], const struct frame_ends *ends, uint16_t id)
{
    bool v6 = strchr(ends->src, ':') != NULL;
    size_t len = 16, at = put_headers(b, ends, v6 ? 58 : 1, len);

    memset(b + at, 0, len);
    b[at] = v6 ? 128 : 8;
    put16(b + at + 4, id);
    if (v6) {
        put_checksum(b, at, len, 58, 2);
    } else {
        put16(b + at + 2, fold(sum16(b + at, len, 0)));
    }
    return at + len;
}

size_t frame_nd(uint8_t b[static FRAME_MAX], const struct frame_ends *ends, uint8_t type,
                const char *target, const char *mac_option)
{
    bool ra = type == 134;
    size_t len = (ra ? 16 : target ? 24 : 8) + (size_t)(mac_option ? 8 : 0);
    size_t at = put_headers(b, ends, 58, len), option = len - 8;

    memset(b + at, 0, len);
    b[at] = type;
    if (ra) {
        b[at + 4] = 64;
        put16(b + at + 6, 1800);
    }
    if (type == 136) {
        b[at + 4] = 0x60; /* solicited, override */
    }
    if (target && inet_pton(AF_INET6, target, b + at + 8) != 1) {
        abort();
    }
    if (mac_option) {
        b[at + option] = type == 136 ? 2 : 1;
        b[at + option + 1] = 1;
        put_mac(b + at + option + 2, mac_option);
    }
    put_checksum(b, at, len, 58, 2);
    return at + len;
}

size_t frame_arp(uint8_t b[static FRAME_MAX], const char *src_mac, uint16_t op,
                 const char *sender_mac, const char *sender, const char *target)
{
    uint8_t *arp = b + ETH;

    memset(b, 0xff, 6);
    put_mac(b + 6, src_mac);
    put16(b + 12, 0x0806);
    memset(arp, 0, 28);
    put16(arp, 1);
    put16(arp + 2, 0x0800);
    arp[4] = 6;
    arp[5] = 4;
    put16(arp + 6, op);
    put_mac(arp + 8, sender_mac);
    if (inet_pton(AF_INET, sender, arp + 14) != 1 || inet_pton(AF_INET, target, arp + 24) != 1) {
        abort();
    }
    return ETH + 28;
}

bool frame_send(int tap_fd, const uint8_t *frame, size_t len)
{
    uint8_t b[VNET + FRAME_MAX] = { 0 };

    memcpy(b + VNET, frame, len);
    return write(tap_fd, b, VNET + len) == (ssize_t)(VNET + len);
}

bool frame_await(int tap_fd, int seconds, bool (*fn)(const uint8_t *frame, size_t len, void *arg),
                 void *arg)
{
    struct timespec now, end;
    uint8_t b[VNET + 65536];

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    for (;;) {
        struct pollfd p = { .fd = tap_fd, .events = POLLIN };
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec)) {
            return false;
        }
        if (poll(&p, 1, 100) <= 0) {
            continue;
        }
        ssize_t n = read(tap_fd, b, sizeof(b));
        if (n > VNET && fn(b + VNET, (size_t)n - VNET, arg)) {
            return true;
        }
    }
}
