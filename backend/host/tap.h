#ifndef MESHDECK_HOST_TAP_H
#define MESHDECK_HOST_TAP_H
/*
 * Taps. They are not persistent: a tap lives as long as a descriptor of it does, so it is created
 * here, handed to QEMU and closed here, and it ends with its VM. Address, alias, MTU and up are
 * netlink's work (link.h, address.h), /proc settings sysctl.h's. Creating costs 0.1 ms; closing the
 * last descriptor waits for an RCU grace period, so never close a tap's last descriptor on the
 * engine's thread: tap_close_many does it on libuv's pool.
 */
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/err.h"

struct nl;
struct uv_loop_s;

struct tap {
    int fd; /* IFF_TAP, IFF_NO_PI, IFF_VNET_HDR; non-blocking, close-on-exec */
    int ifindex;
    char name[IFNAMSIZ];
};

/*
 * name: NULL or "" takes the lowest free tapN at or above *next (may be NULL: 0), skipping names
 * taken by others, and moves *next past it. owner: (uid_t)-1 for none. A taken name gives -EEXIST
 * (or -EBUSY when it is a tap in use) and the error names the holder as far as it can be found.
 */
int tap_create(const char *name, unsigned *next, uid_t owner, struct tap *ret, struct err *e);

/*
 * Queues what a routed guest's tap needs (nl_run applies it): alias, MTU, fe80::1/64 and
 * 169.254.1.1/32 of link scope, and up. Before it: sysctl_prepare_tap, so that the kernel makes no
 * address of its own, and the guest's firewall elements. The guest's routes are the caller's.
 */
void tap_queue_prepare(struct nl *n, const struct tap *t, const char *alias, uint32_t mtu);

/* Closes count descriptors at once, off the loop's thread; done (may be NULL) runs on the loop. */
int tap_close_many(struct uv_loop_s *loop, const int *fds, size_t count,
                   void (*done)(void *arg), void *arg, struct err *e);

/* "taken by qemu-system-x86 (pid 4711)", "a persistent tap, no process holds it", "a link of type
 * bridge"...: whatever can be told about the link called name; "" when there is none. */
void tap_describe_holder(const char *name, char *ret, size_t cap);

#endif
