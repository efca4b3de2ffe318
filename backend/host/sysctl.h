#ifndef MESHDECK_HOST_SYSCTL_H
#define MESHDECK_HOST_SYSCTL_H
/*
 * Settings under /proc/sys/net of the network namespace that we are in. Every change gives the old
 * value back, so that a ticket can undo it. /proc is memory: nothing here waits. Engine thread.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "backend/model/err.h"

enum { SYSCTL_KEY_MAX = 96, SYSCTL_VALUE_MAX = 64, SYSCTL_UNDO_MAX = 64 };

/* One change: key is the path below /proc/sys, "net/ipv6/conf/tap0/accept_ra". */
struct sysctl_change {
    char key[SYSCTL_KEY_MAX];
    char old_value[SYSCTL_VALUE_MAX];
    char new_value[SYSCTL_VALUE_MAX];
};

/* What was changed, newest last; sysctl_undo puts it back in reverse. */
struct sysctl_log {
    struct sysctl_change changes[SYSCTL_UNDO_MAX];
    size_t count;
};

int sysctl_read(const char *key, char *ret, size_t cap, struct err *e);
/* Writes only when the value differs; log may be NULL. 1 when it changed, 0 when it was so. */
int sysctl_write(const char *key, const char *value, struct sysctl_log *log, struct err *e);
int sysctl_undo(struct sysctl_log *log, struct err *e);

/* What a routed guest's tap needs before it goes up. Entries that this kernel lacks are skipped. */
int sysctl_prepare_tap(const char *device, struct sysctl_log *log, struct err *e);

struct sysctl_forwarding {
    bool was_on4, was_on6;
    size_t n_kept;                 /* uplinks whose accept_ra was raised to 2 */
    char kept[16][IFNAMSIZ];
};

/*
 * Switches forwarding on for both families. An interface that learned a default route or an address
 * by router advertisement gets accept_ra=2 first, else the kernel would forget both and cut the
 * operator off. ret may be NULL.
 */
int sysctl_enable_forwarding(struct sysctl_log *log, struct sysctl_forwarding *ret,
                             struct err *e);
/* The same as text for a preview, "sysctl -w ..." one a line; what is so already is left out. */
int sysctl_plan_forwarding_text(char *ret, size_t cap, struct err *e);

#endif
