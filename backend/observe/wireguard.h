#ifndef MESHDECK_OBSERVE_WIREGUARD_H
#define MESHDECK_OBSERVE_WIREGUARD_H
/*
 * Reading a WireGuard device and its peers, from the kernel's generic netlink or from the socket of
 * a userspace implementation, as one thing. There are no events: the engine polls. Private and
 * preshared keys pass through the buffers, are never kept, and the buffers are wiped. Engine
 * thread; nothing waits on the loop.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct uv_loop_s;

#define WG_SOCKET_DIR "/var/run/wireguard"

enum wg_backend { WG_BACKEND_NONE, WG_BACKEND_KERNEL, WG_BACKEND_USERSPACE };

enum {
    WG_KEY = 32,
    WG_READ_DEADLINE_MS = 2000,
    WG_PEERS_MAX = 1 << 17,
    WG_IPS_MAX = 1 << 21,
    WG_ANSWER_MAX = 64 << 20 /* bytes */
};

struct wg_peer {
    uint8_t public_key[WG_KEY];
    bool has_psk;
    uint16_t keepalive_s;     /* 0: off */
    struct endpoint endpoint; /* addr.family 0: none known */
    int64_t handshake_sec;    /* wall clock; 0: never */
    uint32_t handshake_nsec;
    uint64_t rx_bytes, tx_bytes;
    size_t first_ip, n_ips; /* in the device's ips, sorted */
};

struct wg_device {
    char name[IFNAMSIZ];
    enum wg_backend backend;
    uint32_t ifindex; /* 0 when the link is not in this network namespace */
    bool has_key;
    uint8_t public_key[WG_KEY]; /* when has_key */
    uint16_t listen_port;
    uint32_t fwmark;
    struct wg_peer *peers; /* sorted by public key, no key twice */
    size_t n_peers;
    struct addr *ips; /* allowed IPs of all peers */
    size_t n_ips;
};

/* Peer by key; NULL when there is none. */
const struct wg_peer *wg_device_peer(const struct wg_device *d, const uint8_t key[static WG_KEY]);
void wg_device_done(struct wg_device *d); /* the arrays; NULL is fine */

struct wg_reader;

/* `device` is the reader's, until the next read or wg_reader_free; NULL with `failed` set. */
typedef void wg_read_fn(const struct wg_device *device, const struct err *failed, void *arg);

int wg_reader_new(struct uv_loop_s *loop, const char *name, enum wg_backend backend,
                  struct wg_reader **ret, struct err *e);
void wg_reader_free(struct wg_reader *r); /* NULL is fine; `done` will not be called any more */

/* Reads once; `done` is called from the loop within WG_READ_DEADLINE_MS. -EBUSY while one is under
 * way. An interrupted kernel dump is asked again, RTNL_TRIES times at most, then -EINTR. */
int wg_read(struct wg_reader *r, wg_read_fn *done, void *arg, struct err *e);

#endif
