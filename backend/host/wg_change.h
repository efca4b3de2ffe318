#ifndef MESHDECK_HOST_WG_CHANGE_H
#define MESHDECK_HOST_WG_CHANGE_H
/* A wg_change as a userspace WireGuard takes it, and as the kernel does. Pure; any thread. */
#include "backend/host/nl.h"
#include "backend/host/wireguard.h"

/* The whole set=1 request, malloc'd, for uapi.h; NULL when memory is out. It holds keys: wipe it.
 */
char *wg_change_text(const struct wg_change *c, size_t *ret_len);

/* Queues the messages into a generic netlink batch, split so that each stays small. They hold keys:
 * nl_wipe after the run. */
void wg_change_queue(struct nl *n, uint16_t family, const char *name, const struct wg_change *c);

#endif
