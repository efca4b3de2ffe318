#ifndef MESHDECK_HOST_WIREGUARD_H
#define MESHDECK_HOST_WIREGUARD_H
/*
 * The WireGuard device of ours: made in the kernel where it knows WireGuard, else by wireguard-go
 * in a process of its own that outlives the engine and is found again by its locked pid file. Peers
 * are added, changed and removed one by one, so that the sessions of others go on. Engine thread;
 * every change is asked for and `done` is called once, later, from the loop.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/host/wgkey.h"
#include "backend/model/addr.h"
#include "backend/model/err.h"
#include "backend/observe/wireguard.h"

struct wg_host;

struct wg_host_spec {
    const char *name;     /* "mesh0" */
    const char *alias;    /* "meshdeck:wireguard:mesh0": marks the link as ours */
    const char *pid_file; /* of wireguard-go */
    const char *log_file; /* of wireguard-go; NULL: none */
    bool no_kernel;       /* do not try the kernel */
};

/* What the engine shows. */
struct wg_host_info {
    char name[IFNAMSIZ];
    enum wg_backend backend; /* NONE: not up */
    bool adopted;            /* it was there already */
    uint32_t ifindex;
    pid_t pid;     /* of wireguard-go; 0 with the kernel's */
    char why[128]; /* why this back end: "the kernel knows no WireGuard: ..." */
};

/* failed: NULL when it went well; its text is valid during the call. */
typedef void wg_done_fn(const struct err *failed, void *arg);
/* The device ended behind our back (wireguard-go died). The kernel's link is seen by rtnl.h. */
typedef void wg_ended_fn(const char *reason, void *arg);

int wg_host_new(struct uv_loop_s *loop, const struct wg_host_spec *spec, wg_ended_fn *ended,
                void *arg, struct wg_host **ret, struct err *e);
/* Lets go; the device stays. NULL is fine. No callback comes any more. */
void wg_host_free(struct wg_host *h);

/* Makes the device or adopts the one that is there (same name and ours). It is down and bare after;
 * link.h and address.h do the rest. A foreign device or socket of that name is an error naming it.
 */
int wg_host_up(struct wg_host *h, wg_done_fn *done, void *arg, struct err *e);
/* Removes it: deletes the link, or ends wireguard-go. */
int wg_host_down(struct wg_host *h, wg_done_fn *done, void *arg, struct err *e);
const struct wg_host_info *wg_host_info(const struct wg_host *h);

enum wg_peer_op {
    WG_PEER_ADD,    /* or change: made when it is not there */
    WG_PEER_UPDATE, /* only when it is there: a removed peer does not come back */
    WG_PEER_REMOVE
};

/* Borrowed until the call returns. */
struct wg_peer_change {
    enum wg_peer_op op;
    uint8_t public_key[WG_KEY];
    const uint8_t *psk_b;     /* NULL: as it is; 32 zero bytes: none */
    struct endpoint endpoint; /* addr.family 0: as it is */
    bool set_keepalive, set_ips;
    uint16_t keepalive_s;
    const struct addr *ips_b; /* with set_ips: they replace the peer's */
    size_t n_ips;
};

struct wg_change {
    const struct wgkey_secret *private_key_b; /* NULL: as it is */
    bool set_port, set_fwmark;
    uint16_t port;
    uint32_t fwmark;
    const struct wg_peer_change *peers_b; /* removals first: order is kept */
    size_t n_peers;
};

/* Queued behind earlier ones. Not atomic: after a failure read the device and plan again. An
 * allowed IP that another peer has moves to the new one without an error: check before. In the
 * kernel each removal of a peer takes a grace period, some milliseconds. Setting the key or port
 * that is set already disturbs a userspace device: leave out what has not changed. */
int wg_host_change(struct wg_host *h, const struct wg_change *c, wg_done_fn *done, void *arg,
                   struct err *e);

#endif
