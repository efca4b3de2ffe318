#ifndef MESHDECK_OBSERVE_WG_BUILD_H
#define MESHDECK_OBSERVE_WG_BUILD_H
/*
 * A wg_device in the making, and the two parsers that make one from outside bytes. Bounded by
 * WG_PEERS_MAX and WG_IPS_MAX. Pure; any thread. Used by wireguard.c and by tests.
 */
#include "backend/observe/wireguard.h"

struct nlmsghdr;

struct wg_build {
    struct wg_device device;
    size_t cap_peers, cap_ips;
};

/* Begins anew, keeping the memory. */
void wg_build_reset(struct wg_build *b, const char *name, enum wg_backend backend);
/* The next peer; NULL when there are too many or memory is out. Valid until the next call. */
struct wg_peer *wg_build_peer(struct wg_build *b, const uint8_t key[static WG_KEY]);
/* An allowed IP of the latest peer: 0, -EBADMSG (no peer), -E2BIG or -ENOMEM. */
int wg_build_ip(struct wg_build *b, const struct addr *ip);
/* Sorts; -EBADMSG when a key came twice. */
int wg_build_finish(struct wg_build *b, struct err *e);
void wg_build_done(struct wg_build *b);

/* One line of a userspace answer, without its newline: 0, or -EBADMSG, -E2BIG, -ENOMEM. */
int wg_build_uapi_line(struct wg_build *b, const char *line, size_t len);

/* One message of a kernel dump: 0, or -EBADMSG, -E2BIG, -ENOMEM. A peer that goes on from the
 * message before is merged with its first part. */
int wg_build_genl(struct wg_build *b, const struct nlmsghdr *m);

#endif
