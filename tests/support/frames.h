#ifndef MESHDECK_TESTS_FRAMES_H
#define MESHDECK_TESTS_FRAMES_H
/*
 * Frames as a guest would send them, honest or not, and the way to and from a tap's descriptor.
 * Addresses are text; a frame is built whole, checksums included. Returns are frame sizes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_MAX = 2048 };

struct frame_ends {
    const char *src_mac, *dst_mac; /* "02:..." */
    const char *src, *dst;         /* both of one family */
};

size_t frame_udp(uint8_t b[static FRAME_MAX], const struct frame_ends *ends, uint16_t sport,
                 uint16_t dport, const char *payload);
size_t frame_tcp_syn(uint8_t b[static FRAME_MAX], const struct frame_ends *ends, uint16_t sport,
                     uint16_t dport, uint16_t mss);
size_t frame_echo(uint8_t b[static FRAME_MAX], const struct frame_ends *ends, uint16_t id);
/* Neighbour discovery: type 133 to 137; target and mac_option may be NULL. */
size_t frame_nd(uint8_t b[static FRAME_MAX], const struct frame_ends *ends, uint8_t type,
                const char *target, const char *mac_option);
/* op 1 asks, 2 answers; sender_mac is the one inside the packet. */
size_t frame_arp(uint8_t b[static FRAME_MAX], const char *src_mac, uint16_t op,
                 const char *sender_mac, const char *sender, const char *target);

/* Writes to a tap with IFF_VNET_HDR; false when the kernel refused. */
bool frame_send(int tap_fd, const uint8_t *frame, size_t len);
/* Reads frames from a tap until fn says yes or time runs out. */
bool frame_await(int tap_fd, int seconds, bool (*fn)(const uint8_t *frame, size_t len, void *arg),
                 void *arg);

#endif
