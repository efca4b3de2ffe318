#ifndef MESHDECK_HOST_UPLINK_H
#define MESHDECK_HOST_UPLINK_H
/*
 * Which way this host reaches the internet, and which way its operator came in: functions over
 * routes and a session's addresses, so that a plan which would touch the operator's own way in can
 * say so before anything is done. Pure but for way_in_read_session; any thread.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

enum { UPLINK_MAX = 8, WAY_IN_TEXT = 256 };

/* A route, as far as it matters here; plain unicast routes of table main. */
struct uplink_route {
    struct addr dst; /* prefix; length 0 is the default route of its family */
    struct addr gateway;
    uint32_t metric;
    char device[IFNAMSIZ];
};

/* Devices with a default route, best metric first, without doubles; skip (may be NULL) is a device
 * that does not count, the mesh's own. */
size_t uplink_find(const struct uplink_route *routes, size_t count, const char *skip,
                   char ret[static UPLINK_MAX][IFNAMSIZ]);
/* The route that a packet to dst takes: longest prefix, then lowest metric; NULL for none. */
const struct uplink_route *uplink_lookup(const struct uplink_route *routes, size_t count,
                                         const struct addr *dst);

/* How the operator is connected. */
struct way_in {
    bool remote;        /* false: a local console, nothing to protect */
    struct addr client; /* where the operator sits */
    struct addr server; /* our address that the session uses; family 0 when not known */
    uint16_t client_port, server_port;
    struct addr route;  /* prefix of the route back to the client; family 0 when none */
    char device[IFNAMSIZ];
};

/*
 * ssh_connection: the value of SSH_CONNECTION ("client port server port") or SSH_CLIENT ("client
 * port port"), NULL or "" for none; tty_host: the host that utmp has for the terminal, may be NULL.
 * Text that is not an address leaves remote false only when neither says anything; -EINVAL else.
 */
int way_in_find(const char *ssh_connection, const char *tty_host,
                const struct uplink_route *routes, size_t count, struct way_in *ret,
                struct err *e);

/* What way_in_find takes, as this process can know it: from its environment, that of its ancestors
 * (sudo drops it) or the login record of its terminal; "" each when unknown. Not pure: reads /proc
 * and utmp. Call it once, at start, before other threads. */
void way_in_read_session(char ssh[static WAY_IN_TEXT], char tty_host[static WAY_IN_TEXT]);

/* What a step is about to touch; unset fields do not matter. */
struct way_in_touch {
    char device[IFNAMSIZ]; /* link that is set down, removed, renamed or re-addressed */
    struct addr addr;      /* address that is removed */
    struct addr route;     /* route that is added or removed */
    uint16_t port;         /* host port that is taken by a forward */
};

/* True when the step touches the session; reason is a sentence for the operator. */
bool way_in_is_touched(const struct way_in *way, const struct way_in_touch *touch, char *reason,
                       size_t cap);

#endif
