/*
 * Which way out and which way in: pure functions over routes. Any thread. They only tell; what to
 * do about it is the planner's and the operator's.
 */
#include "backend/host/uplink.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "backend/model/text.h"

enum { WORD_MAX = 64 };

static bool is_default(const struct uplink_route *r)
{
    return r->dst.family != 0 && r->dst.prefix_len == 0 && r->device[0] != '\0';
}

size_t uplink_find(const struct uplink_route *routes, size_t count, const char *skip,
                   char ret[static UPLINK_MAX][IFNAMSIZ])
{
    uint32_t metrics[UPLINK_MAX];
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        const struct uplink_route *r = &routes[i];
        size_t at = 0;
        if (!is_default(r) || (skip && strncmp(r->device, skip, IFNAMSIZ) == 0)) {
            continue;
        }
        while (at < n && strncmp(ret[at], r->device, IFNAMSIZ) != 0) {
            at++;
        }
        if (at == n && n == UPLINK_MAX) {
            continue;
        }
        if (at == n) {
            n++;
        } else if (metrics[at] <= r->metric) {
            continue;
        }
        /* the entry at `at` is free or worse: move it up to its place */
        while (at > 0 && metrics[at - 1] > r->metric) {
            memcpy(ret[at], ret[at - 1], IFNAMSIZ);
            metrics[at] = metrics[at - 1];
            at--;
        }
        (void)str_copy(ret[at], IFNAMSIZ, r->device);
        metrics[at] = r->metric;
    }
    return n;
}

const struct uplink_route *uplink_lookup(const struct uplink_route *routes, size_t count,
                                         const struct addr *dst)
{
    const struct uplink_route *best = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct uplink_route *r = &routes[i];
        if (r->dst.family != dst->family || !addr_contains(&r->dst, dst)) {
            continue;
        }
        if (!best || r->dst.prefix_len > best->dst.prefix_len ||
            (r->dst.prefix_len == best->dst.prefix_len && r->metric < best->metric)) {
            best = r;
        }
    }
    return best;
}

/* The next word of *text, cut off; "" at the end. False when it is too long to be an address. */
static bool next_word(const char **text, char word[static WORD_MAX])
{
    const char *at = *text;
    size_t n = 0;

    while (isspace((unsigned char)*at)) {
        at++;
    }
    while (at[n] && !isspace((unsigned char)at[n])) {
        n++;
    }
    *text = at + n;
    word[0] = '\0';
    if (n >= WORD_MAX) {
        return false;
    }
    memcpy(word, at, n);
    word[n] = '\0';
    return true;
}

/* An address as sshd and utmp write it: perhaps with a zone, perhaps IPv4 mapped into IPv6. */
static bool parse_host(char *word, struct addr *ret)
{
    static const char mapped[] = "::ffff:";

    word[strcspn(word, "%")] = '\0';
    if (strncasecmp(word, mapped, sizeof(mapped) - 1) == 0 && strchr(word, '.')) {
        word += sizeof(mapped) - 1;
    }
    return strchr(word, '/') == NULL && addr_parse(word, true, ret, NULL) == 0;
}

static bool parse_port(const char *word, uint16_t *ret)
{
    char *end;
    unsigned long v = strtoul(word, &end, 10);

    if (!isdigit((unsigned char)word[0]) || *end || v == 0 || v > 65535) {
        return false;
    }
    *ret = (uint16_t)v;
    return true;
}

/* "client port server port" or "client port port". */
static bool parse_ssh(const char *text, struct way_in *ret)
{
    char word[4][WORD_MAX], more[WORD_MAX];

    for (int i = 0; i < 4; i++) {
        if (!next_word(&text, word[i])) {
            return false;
        }
    }
    if (!next_word(&text, more) || more[0] || !parse_host(word[0], &ret->client) ||
        !parse_port(word[1], &ret->client_port)) {
        return false;
    }
    return word[3][0] ? parse_host(word[2], &ret->server) && parse_port(word[3], &ret->server_port)
                      : parse_port(word[2], &ret->server_port);
}

int way_in_find(const char *ssh_connection, const char *tty_host,
                const struct uplink_route *routes, size_t count, struct way_in *ret,
                struct err *e)
{
    struct way_in way = { 0 };
    char host[WORD_MAX];

    if (ssh_connection && ssh_connection[0]) {
        if (!parse_ssh(ssh_connection, &way)) {
            return err_set(e, ERR_AREA_INPUT, -EINVAL,
                           "SSH_CONNECTION is set and cannot be understood");
        }
        way.remote = true;
    } else if (tty_host && tty_host[0] && tty_host[0] != ':') {
        /* ":0" is a local display; a name instead of an address was looked up by somebody else */
        if (!str_copy(host, sizeof(host), tty_host) || !parse_host(host, &way.client)) {
            return err_set(e, ERR_AREA_INPUT, -EINVAL,
                           "the terminal's session comes from a host that is not an address");
        }
        way.remote = true;
    }
    const struct uplink_route *route =
        way.remote ? uplink_lookup(routes, count, &way.client) : NULL;
    if (route) {
        way.route = route->dst;
        (void)str_copy(way.device, sizeof(way.device), route->device);
    }
    *ret = way;
    return 0;
}

static bool same_prefix(const struct addr *a, const struct addr *b)
{
    return addr_is_set(a) && addr_is_set(b) && addr_compare(a, b) == 0;
}

static bool same_host(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && a->family != 0 &&
           memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

static bool say(char *reason, size_t cap, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool say(char *reason, size_t cap, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(reason, cap, fmt, ap); /* cut is better than nothing */
    va_end(ap);
    return true;
}

bool way_in_is_touched(const struct way_in *way, const struct way_in_touch *touch, char *reason,
                       size_t cap)
{
    char client[ADDR_TEXT], text[ADDR_TEXT];

    if (!way->remote) {
        return false;
    }
    (void)addr_format(&way->client, false, client);
    if (touch->device[0] && strncmp(touch->device, way->device, IFNAMSIZ) == 0) {
        return say(reason, cap, "your session from %s comes in over %s", client,
                       way->device);
    }
    if (same_host(&touch->addr, &way->server)) {
        return say(reason, cap, "your session from %s is connected to %s", client,
                       addr_format(&touch->addr, false, text));
    }
    /* The very route, or one that would take the way back from it. */
    if (same_prefix(&touch->route, &way->route) ||
        (touch->route.family == way->client.family && touch->route.family != 0 &&
         addr_contains(&touch->route, &way->client) &&
         (!addr_is_set(&way->route) || touch->route.prefix_len >= way->route.prefix_len))) {
        return say(reason, cap, "the way back to your session at %s goes by the route %s",
                       client, addr_format(&touch->route, true, text));
    }
    if (touch->port != 0 && touch->port == way->server_port) {
        return say(reason, cap, "your session from %s uses port %u of this host", client,
                       touch->port);
    }
    return false;
}
