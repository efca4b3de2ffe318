#ifndef MESHDECK_MODEL_ADDR_H
#define MESHDECK_MODEL_ADDR_H
/*
 * Addresses and the fleet's address plan (design, section 4). Pure; any thread. Binary addresses
 * are in network byte order, as the kernel takes them.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"

enum {
    ADDR_TEXT = 64,          /* room for any address or prefix as text, with its NUL */
    ADDR_ENDPOINT_TEXT = 80, /* room for "[v6%zone]:port" */
    ADDR_MAC_TEXT = 18,
    ADDR_MESH_NETWORK = 2,   /* network id of the default `mesh` network; 0 is the node itself */
    ADDR_FIRST_MACHINE = 16, /* machine ids of guests start here (0x10) */
};

/* An address or prefix of either family; family is AF_INET or AF_INET6, or 0 for none. */
struct addr {
    uint8_t family;
    uint8_t prefix_len;
    uint8_t bytes[16]; /* IPv4 uses the first 4 */
};

/* Where a peer is reached. */
struct endpoint {
    struct addr addr;
    uint16_t port;
};

/* "10.0.0.1", "fd00::1", "10.0.0.0/24", "::/0"; a prefix with host bits set is refused when
 * `strict_prefix`. No zone ids, no IPv4-mapped IPv6. Errors name the text and what is wrong. */
int addr_parse(const char *text, bool strict_prefix, struct addr *ret, struct err *e);
/* With "/len" only when it is not the full length (or when `always_len`). */
const char *addr_format(const struct addr *a, bool always_len, char buf[static ADDR_TEXT]);
/* "192.0.2.1:51820", "[2001:db8::1]:51820" */
int addr_endpoint_parse(const char *text, struct endpoint *ret, struct err *e);
const char *addr_endpoint_format(const struct endpoint *p, char buf[static ADDR_ENDPOINT_TEXT]);

int addr_compare(const struct addr *a, const struct addr *b); /* family, bytes, length */
/* Three words that sort as addr_compare does, the first one first. */
void addr_sort_keys(const struct addr *a, uint64_t ret[static 3]);
bool addr_is_set(const struct addr *a);
bool addr_contains(const struct addr *prefix, const struct addr *a);
bool addr_overlaps(const struct addr *a, const struct addr *b);
struct addr addr_ip4(uint32_t host_order, uint8_t prefix_len);
uint32_t addr_ip4_host(const struct addr *a); /* 0 when not IPv4 */
struct addr addr_from_in6(const struct in6_addr *in6, uint8_t prefix_len);

/* The fleet's plan. `fleet` is the /48; node, network and machine as in design section 4. */
struct addr addr_fleet_random(struct err *e); /* family 0 when no randomness could be had */
struct addr addr_guest_ip6(const struct addr *fleet, uint16_t node, uint32_t network,
                           uint32_t machine);
struct addr addr_node_prefix6(const struct addr *fleet, uint16_t node); /* /64 */
struct addr addr_node_ip6(const struct addr *fleet, uint16_t node);     /* network 0, machine 1 */
struct addr addr_dns_ip6(const struct addr *fleet);                     /* fleet::53 */
struct addr addr_dns_ip4(void);                                         /* 10.210.255.53 */
struct addr addr_mesh_ip4(void);                                        /* 10.210.0.0/16 */
struct addr addr_node_block4(uint8_t block);                            /* 10.210.B.0/24 */
struct addr addr_gateway_ip6(void);                                     /* fe80::1 */
struct addr addr_gateway_ip4(void);                                     /* 169.254.1.1 */

/* Locally administered, from the VM's id: 02:5e:ed:xx:xx:xx (id below 2^24, else -ERANGE). */
int addr_mac_for_id(uint64_t id, uint8_t ret_mac[static 6]);
const char *addr_mac_format(const uint8_t mac[static 6], char buf[static ADDR_MAC_TEXT]);

#endif
