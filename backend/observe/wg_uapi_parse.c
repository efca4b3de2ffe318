/*
 * The answer of a userspace WireGuard, line by line: key=value, a public_key line begins a peer.
 * Pure. The device's private key is seen here, turned into its public key and wiped; of a
 * preshared key only its presence is kept.
 */
#include "backend/observe/wg_build.h"

#include <errno.h>
#include <string.h>

#include "backend/host/wgkey.h"
#include "backend/model/text.h"

enum { VALUE_MAX = 128 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool take_hex(const char *v, size_t len, uint8_t ret[static WG_KEY])
{
    if (len != 2 * WG_KEY)
        return false;
    for (size_t i = 0; i < WG_KEY; i++) {
        int high = hex_digit(v[2 * i]), low = hex_digit(v[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool take_number(const char *v, size_t len, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;

    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(v[i] - '0');
        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *ret = n;
    return n <= max;
}

static bool take_private(struct wg_device *d, const char *v, size_t len)
{
    struct wgkey_secret key;
    static const uint8_t none[WG_KEY];
    bool ok = take_hex(v, len, key.bytes);

    if (ok && memcmp(key.bytes, none, WG_KEY) != 0)
        d->has_key = ok = wgkey_public(&key, d->public_key, NULL) == 0;
    wgkey_wipe(&key);
    return ok;
}

/* [fe80::1%eth0]:51820 without its zone; one that is not understood is none. */
static void take_endpoint(struct wg_peer *p, const char *value)
{
    char text[VALUE_MAX];
    const char *zone = strchr(value, '%'), *end = zone ? strchr(zone, ']') : NULL;
    size_t len = 0;

    if (zone && end)
        (void)str_add(text, sizeof text, &len, "%.*s%s", (int)(zone - value), value, end);
    else
        (void)str_copy(text, sizeof text, value);
    if (addr_endpoint_parse(text, &p->endpoint, NULL) != 0)
        p->endpoint = (struct endpoint){0};
}

static int take_device_line(struct wg_device *d, const char *key, const char *v, size_t len)
{
    uint64_t n;
    bool ok = true;

    if (strcmp(key, "private_key") == 0) {
        ok = take_private(d, v, len);
    } else if (strcmp(key, "listen_port") == 0) {
        if ((ok = take_number(v, len, UINT16_MAX, &n)))
            d->listen_port = (uint16_t)n;
    } else if (strcmp(key, "fwmark") == 0) {
        if ((ok = take_number(v, len, UINT32_MAX, &n)))
            d->fwmark = (uint32_t)n;
    }
    return ok ? 0 : -EBADMSG; /* keys that are not known are of newer versions */
}

static int take_peer_line(struct wg_build *b, struct wg_peer *p, const char *key, const char *v,
                          size_t len)
{
    uint64_t n = 0;
    struct addr ip;
    bool ok = true;

    if (strcmp(key, "allowed_ip") == 0)
        return addr_parse(v, false, &ip, NULL) == 0 ? wg_build_ip(b, &ip) : -EBADMSG;
    if (strcmp(key, "preshared_key") == 0)
        p->has_psk = strspn(v, "0") != len;
    else if (strcmp(key, "endpoint") == 0)
        take_endpoint(p, v);
    else if (strcmp(key, "last_handshake_time_sec") == 0)
        p->handshake_sec = (ok = take_number(v, len, INT64_MAX, &n)) ? (int64_t)n : 0;
    else if (strcmp(key, "last_handshake_time_nsec") == 0)
        p->handshake_nsec = (ok = take_number(v, len, 999999999, &n)) ? (uint32_t)n : 0;
    else if (strcmp(key, "rx_bytes") == 0)
        ok = take_number(v, len, UINT64_MAX, &p->rx_bytes);
    else if (strcmp(key, "tx_bytes") == 0)
        ok = take_number(v, len, UINT64_MAX, &p->tx_bytes);
    else if (strcmp(key, "persistent_keepalive_interval") == 0)
        p->keepalive_s = (ok = take_number(v, len, UINT16_MAX, &n)) ? (uint16_t)n : 0;
    return ok ? 0 : -EBADMSG;
}

int wg_build_uapi_line(struct wg_build *b, const char *line, size_t len)
{
    struct wg_device *d = &b->device;
    const char *equals = memchr(line, '=', len);
    char key[40], value[VALUE_MAX];
    uint8_t public_key[WG_KEY];
    int rc;

    if (!equals || (size_t)(equals - line) >= sizeof key || memchr(line, '\0', len))
        return -EBADMSG;
    size_t key_len = (size_t)(equals - line), value_len = len - key_len - 1;
    if (value_len >= sizeof value)
        return -EBADMSG;
    memcpy(key, line, key_len);
    key[key_len] = '\0';
    memcpy(value, equals + 1, value_len);
    value[value_len] = '\0';
    if (strcmp(key, "public_key") == 0) {
        if (!take_hex(value, value_len, public_key))
            return -EBADMSG;
        rc = wg_build_peer(b, public_key) ? 0 : d->n_peers >= WG_PEERS_MAX ? -E2BIG : -ENOMEM;
    } else if (d->n_peers == 0) {
        rc = take_device_line(d, key, value, value_len);
    } else {
        rc = take_peer_line(b, &d->peers[d->n_peers - 1], key, value, value_len);
    }
    explicit_bzero(value, sizeof value); /* it may have been a key */
    return rc;
}
