/*
 * The kernel's dump of a WireGuard device: several messages, the device's own attributes in the
 * first, peers in all of them. Pure. Private and preshared keys are looked past; the caller wipes
 * the message.
 */
#include "backend/observe/wg_build.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <string.h>

#include "backend/observe/nlattr.h"

static int take_ip(struct wg_build *b, const struct nla *nest)
{
    struct nla_walk w = nla_walk_nested(nest);
    struct nla a, bytes = {0};
    struct addr ip = {0};
    uint16_t family = 0;
    uint8_t mask = 0;

    while (nla_next(&w, &a)) {
        if (a.type == WGALLOWEDIP_A_FAMILY)
            family = nla_u16(&a);
        else if (a.type == WGALLOWEDIP_A_IPADDR)
            bytes = a;
        else if (a.type == WGALLOWEDIP_A_CIDR_MASK)
            (void)nla_copy(&a, &mask, 1);
    }
    if (family != AF_INET && family != AF_INET6)
        return 0;
    ip.family = (uint8_t)family;
    ip.prefix_len = mask;
    size_t size = family == AF_INET ? 4 : 16;
    if (bytes.len != size || mask > 8 * size || !nla_copy(&bytes, ip.bytes, size))
        return -EBADMSG;
    return wg_build_ip(b, &ip);
}

static int take_ips(struct wg_build *b, const struct nla *nest)
{
    struct nla_walk w = nla_walk_nested(nest);
    struct nla a;
    int rc = 0;

    while (rc == 0 && nla_next(&w, &a))
        rc = take_ip(b, &a);
    return rc == 0 && !nla_walk_is_done(&w) ? -EBADMSG : rc;
}

static void take_endpoint(struct wg_peer *p, const struct nla *a)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    if (a->len == sizeof four && nla_copy(a, &four, sizeof four) && four.sin_family == AF_INET) {
        p->endpoint.addr = addr_ip4(ntohl(four.sin_addr.s_addr), 32);
        p->endpoint.port = ntohs(four.sin_port);
    } else if (a->len == sizeof six && nla_copy(a, &six, sizeof six) &&
               six.sin6_family == AF_INET6) {
        p->endpoint.addr = addr_from_in6(&six.sin6_addr, 128);
        p->endpoint.port = ntohs(six.sin6_port);
    }
}

static void take_handshake(struct wg_peer *p, const struct nla *a)
{
    int64_t when[2]; /* struct __kernel_timespec */

    if (!nla_copy(a, when, sizeof when) || when[0] < 0 || when[1] < 0 || when[1] > 999999999)
        return;
    p->handshake_sec = when[0];
    p->handshake_nsec = (uint32_t)when[1];
}

static void take_psk(struct wg_peer *p, const struct nla *a)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < a->len; i++)
        bits |= a->data_b[i];
    p->has_psk = bits != 0;
}

/* Finds the peer that this part is of: the latest one, if the key is the same, or a new one. */
static int find_peer(struct wg_build *b, const struct nla *nest, struct wg_peer **ret)
{
    struct wg_device *d = &b->device;
    struct nla_walk w = nla_walk_nested(nest);
    struct nla a;

    while (nla_next(&w, &a)) {
        if (a.type != WGPEER_A_PUBLIC_KEY || a.len != WG_KEY)
            continue;
        struct wg_peer *last = d->n_peers ? &d->peers[d->n_peers - 1] : NULL;
        if (last && memcmp(last->public_key, a.data_b, WG_KEY) == 0)
            *ret = last;
        else
            *ret = wg_build_peer(b, a.data_b);
        return *ret ? 0 : d->n_peers >= WG_PEERS_MAX ? -E2BIG : -ENOMEM;
    }
    return -EBADMSG;
}

static int take_peer(struct wg_build *b, const struct nla *nest)
{
    struct nla_walk w = nla_walk_nested(nest);
    struct nla a;
    struct wg_peer *p;
    int rc = find_peer(b, nest, &p);

    while (rc == 0 && nla_next(&w, &a)) {
        if (a.type == WGPEER_A_PRESHARED_KEY)
            take_psk(p, &a);
        else if (a.type == WGPEER_A_ENDPOINT)
            take_endpoint(p, &a);
        else if (a.type == WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL)
            p->keepalive_s = nla_u16(&a);
        else if (a.type == WGPEER_A_LAST_HANDSHAKE_TIME)
            take_handshake(p, &a);
        else if (a.type == WGPEER_A_RX_BYTES)
            p->rx_bytes = nla_u64(&a);
        else if (a.type == WGPEER_A_TX_BYTES)
            p->tx_bytes = nla_u64(&a);
        else if (a.type == WGPEER_A_ALLOWEDIPS)
            rc = take_ips(b, &a);
    }
    return rc == 0 && !nla_walk_is_done(&w) ? -EBADMSG : rc;
}

static int take_peers(struct wg_build *b, const struct nla *nest)
{
    struct nla_walk w = nla_walk_nested(nest);
    struct nla a;
    int rc = 0;

    while (rc == 0 && nla_next(&w, &a))
        rc = take_peer(b, &a);
    return rc == 0 && !nla_walk_is_done(&w) ? -EBADMSG : rc;
}

int wg_build_genl(struct wg_build *b, const struct nlmsghdr *m)
{
    struct wg_device *d = &b->device;
    struct nla_walk w;
    struct nla a;
    int rc = 0;

    if (!nla_walk_message(&w, m, sizeof(struct genlmsghdr)))
        return -EBADMSG;
    while (rc == 0 && nla_next(&w, &a)) {
        if (a.type == WGDEVICE_A_IFINDEX)
            d->ifindex = nla_u32(&a);
        else if (a.type == WGDEVICE_A_PUBLIC_KEY && a.len == WG_KEY)
            d->has_key = nla_copy(&a, d->public_key, WG_KEY);
        else if (a.type == WGDEVICE_A_LISTEN_PORT)
            d->listen_port = nla_u16(&a);
        else if (a.type == WGDEVICE_A_FWMARK)
            d->fwmark = nla_u32(&a);
        else if (a.type == WGDEVICE_A_PEERS)
            rc = take_peers(b, &a);
    }
    return rc == 0 && !nla_walk_is_done(&w) ? -EBADMSG : rc;
}
