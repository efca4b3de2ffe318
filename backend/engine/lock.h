#ifndef MESHDECK_ENGINE_LOCK_H
#define MESHDECK_ENGINE_LOCK_H
/*
 * One owner a state folder and one a network namespace: a lock on STATE/lock, and the abstract
 * socket @meshdeck. Taking it also makes the state folder (0711) and STATE/secrets (0700), refuses
 * folders of another user, symlinks and a folder that was copied from another machine.
 * It waits for the disk: start-up only. The kernel lets go of both when the process dies.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "backend/model/err.h"

struct lock;

/* What tells one machine from another; "" where it is not known. */
struct lock_host {
    char machine_id[64];
    char product_uuid[64]; /* of the firmware: differs where a disk was copied with its machine-id */
    char boot_id[64];
};

/* -EBUSY: there is an owner, attach to it (the text names its pid); -EADDRINUSE: the owner of this
 * host works in another state folder; -EXDEV: the folder is another machine's. */
int lock_take(const char *state_dir, struct lock **ret, struct err *e);
void lock_release(struct lock *l); /* NULL is fine */

/* The machine was started anew since the last owner took the lock (or there was none). */
bool lock_is_first_of_boot(const struct lock *l);

/* Pid of the owner of that folder, 0 when there is none or it cannot be told. */
pid_t lock_holder(const char *state_dir);

void lock_host_read(struct lock_host *ret);
/* lock_take on a machine that is given; for tests. */
int lock_take_on(const struct lock_host *host, const char *state_dir, struct lock **ret,
                 struct err *e);

#endif
