/*
 * Writes changes of a WireGuard device in its two languages. Pure. Nothing here replaces the list
 * of peers as a whole: that would drop the sessions of all.
 */
#include "backend/host/wg_change.h"

#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"

enum {
    SPLIT = 16 * 1024, /* bytes of a message after which the next begins */
    DEVICE_TEXT = 256,
    PEER_TEXT = 480,
    IP_TEXT = 64
};

static void add_hex(char *text, size_t cap, size_t *len, const char *key,
                    const uint8_t bytes[static WG_KEY])
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * WG_KEY + 1];

    for (size_t i = 0; i < WG_KEY; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * WG_KEY] = '\0';
    (void)str_add(text, cap, len, "%s=%s\n", key, hex); /* room was counted */
    explicit_bzero(hex, sizeof hex);
}

static void add_peer(char *text, size_t cap, size_t *len, const struct wg_peer_change *p)
{
    char buf[ADDR_ENDPOINT_TEXT];

    add_hex(text, cap, len, "public_key", p->public_key);
    if (p->op == WG_PEER_REMOVE) {
        (void)str_add(text, cap, len, "remove=true\n");
        return;
    }
    if (p->op == WG_PEER_UPDATE)
        (void)str_add(text, cap, len, "update_only=true\n");
    if (p->psk_b)
        add_hex(text, cap, len, "preshared_key", p->psk_b);
    if (p->endpoint.addr.family)
        (void)str_add(text, cap, len, "endpoint=%s\n", addr_endpoint_format(&p->endpoint, buf));
    if (p->set_keepalive)
        (void)str_add(text, cap, len, "persistent_keepalive_interval=%u\n", p->keepalive_s);
    if (!p->set_ips)
        return;
    (void)str_add(text, cap, len, "replace_allowed_ips=true\n");
    for (size_t i = 0; i < p->n_ips; i++)
        (void)str_add(text, cap, len, "allowed_ip=%s\n", addr_format(&p->ips_b[i], true, buf));
}

char *wg_change_text(const struct wg_change *c, size_t *ret_len)
{
    size_t cap = DEVICE_TEXT, len = 0;

    for (size_t i = 0; i < c->n_peers; i++)
        cap += PEER_TEXT + c->peers_b[i].n_ips * IP_TEXT;
    char *text = malloc(cap);
    if (!text)
        return NULL;
    (void)str_add(text, cap, &len, "set=1\n");
    if (c->private_key_b)
        add_hex(text, cap, &len, "private_key", c->private_key_b->bytes);
    if (c->set_port)
        (void)str_add(text, cap, &len, "listen_port=%u\n", c->port);
    if (c->set_fwmark)
        (void)str_add(text, cap, &len, "fwmark=%u\n", c->fwmark);
    for (size_t i = 0; i < c->n_peers; i++)
        add_peer(text, cap, &len, &c->peers_b[i]);
    (void)str_add(text, cap, &len, "\n");
    *ret_len = len;
    return text;
}

/* The message being built: its open nests. */
struct message {
    struct nl *nl;
    uint16_t family;
    const char *name;
    size_t peers, peer;
};

static void begin_message(struct message *m)
{
    struct genlmsghdr head = {.cmd = WG_CMD_SET_DEVICE, .version = WG_GENL_VERSION};

    nl_begin(m->nl, m->family, 0, sizeof head);
    nl_set_head(m->nl, &head, sizeof head);
    nl_put_text(m->nl, WGDEVICE_A_IFNAME, m->name);
}

static void end_message(struct message *m)
{
    char what[64];
    size_t len = 0;
    (void)str_add(what, sizeof what, &len, "changing WireGuard device %s", m->name);
    nl_end(m->nl, NULL, what);
}

static void begin_peer(struct message *m, const struct wg_peer_change *p, uint32_t flags)
{
    m->peer = nl_nest(m->nl, 0);
    nl_put(m->nl, WGPEER_A_PUBLIC_KEY, p->public_key, WG_KEY);
    if (flags)
        nl_put_u32(m->nl, WGPEER_A_FLAGS, flags);
}

static void put_endpoint(struct nl *n, const struct endpoint *p)
{
    if (p->addr.family == AF_INET) {
        struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(p->port)};
        memcpy(&four.sin_addr, p->addr.bytes, 4);
        nl_put(n, WGPEER_A_ENDPOINT, &four, sizeof four);
    } else {
        struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(p->port)};
        memcpy(&six.sin6_addr, p->addr.bytes, 16);
        nl_put(n, WGPEER_A_ENDPOINT, &six, sizeof six);
    }
}

static void put_ip(struct nl *n, const struct addr *ip)
{
    size_t nest = nl_nest(n, 0);
    nl_put_u16(n, WGALLOWEDIP_A_FAMILY, ip->family);
    nl_put(n, WGALLOWEDIP_A_IPADDR, ip->bytes, ip->family == AF_INET ? 4 : 16);
    nl_put_u8(n, WGALLOWEDIP_A_CIDR_MASK, ip->prefix_len);
    nl_nest_end(n, nest);
}

/* Ends the message in the middle of a peer's list and goes on with it in the next one. */
static size_t split_ips(struct message *m, const struct wg_peer_change *p, size_t ips)
{
    nl_nest_end(m->nl, ips);
    nl_nest_end(m->nl, m->peer);
    nl_nest_end(m->nl, m->peers);
    end_message(m);
    begin_message(m);
    m->peers = nl_nest(m->nl, WGDEVICE_A_PEERS);
    begin_peer(m, p, p->op == WG_PEER_UPDATE ? WGPEER_F_UPDATE_ONLY : 0); /* not to replace again */
    return nl_nest(m->nl, WGPEER_A_ALLOWEDIPS);
}

static void put_peer(struct message *m, const struct wg_peer_change *p)
{
    uint32_t flags = p->op == WG_PEER_REMOVE   ? WGPEER_F_REMOVE_ME
                     : p->op == WG_PEER_UPDATE ? WGPEER_F_UPDATE_ONLY
                                               : 0u;

    if (p->op != WG_PEER_REMOVE && p->set_ips)
        flags |= WGPEER_F_REPLACE_ALLOWEDIPS;
    begin_peer(m, p, flags);
    if (p->op != WG_PEER_REMOVE) {
        if (p->psk_b)
            nl_put(m->nl, WGPEER_A_PRESHARED_KEY, p->psk_b, WG_KEY);
        if (p->endpoint.addr.family)
            put_endpoint(m->nl, &p->endpoint);
        if (p->set_keepalive)
            nl_put_u16(m->nl, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, p->keepalive_s);
        if (p->set_ips) {
            size_t ips = nl_nest(m->nl, WGPEER_A_ALLOWEDIPS);
            for (size_t i = 0; i < p->n_ips; i++) {
                if (nl_size(m->nl) > SPLIT)
                    ips = split_ips(m, p, ips);
                put_ip(m->nl, &p->ips_b[i]);
            }
            nl_nest_end(m->nl, ips);
        }
    }
    nl_nest_end(m->nl, m->peer);
}

void wg_change_queue(struct nl *n, uint16_t family, const char *name, const struct wg_change *c)
{
    struct message m = {.nl = n, .family = family, .name = name};

    begin_message(&m);
    if (c->private_key_b)
        nl_put(n, WGDEVICE_A_PRIVATE_KEY, c->private_key_b->bytes, WG_KEY);
    if (c->set_port)
        nl_put_u16(n, WGDEVICE_A_LISTEN_PORT, c->port);
    if (c->set_fwmark)
        nl_put_u32(n, WGDEVICE_A_FWMARK, c->fwmark);
    m.peers = nl_nest(n, WGDEVICE_A_PEERS);
    for (size_t i = 0; i < c->n_peers; i++) {
        /* The kernel waits for a grace period at each removal, under the lock of all networking:
         * one a message, so that others get their turn. */
        bool removed = i > 0 && c->peers_b[i - 1].op == WG_PEER_REMOVE;
        if (removed || nl_size(n) > SPLIT) {
            nl_nest_end(n, m.peers);
            end_message(&m);
            begin_message(&m);
            m.peers = nl_nest(n, WGDEVICE_A_PEERS);
        }
        put_peer(&m, &c->peers_b[i]);
    }
    nl_nest_end(n, m.peers);
    end_message(&m);
}
