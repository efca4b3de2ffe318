#ifndef MESHDECK_GUEST_SERIAL_H
#define MESHDECK_GUEST_SERIAL_H
/*
 * The engine's end of a guest's serial line: it reads the monitor's socket, keeps the last 64 KiB,
 * writes a log of two files of at most 256 KiB (serial.log, serial.log.1 in the VM's folder), and
 * passes bytes to subscribers and from them to the guest. A guest that floods costs itself: at most
 * 64 KiB a turn and 1 MiB a second are read, then the guest's own line stands still. Bytes are raw:
 * only serial_last_lines cleans them. Engine thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/err.h"

struct uv_loop_s;
struct serial;
struct serial_sub;

enum { SERIAL_RING = 65536, SERIAL_LOG_MAX = 262144, SERIAL_SUBS_MAX = 8 };

struct serial_events {
    void (*line)(struct serial *s, const char *text,
                 void *arg);                     /* a whole line, cleaned; or NULL */
    void (*closed)(struct serial *s, void *arg); /* the monitor's end is gone; or NULL */
};

/* folder (copied) is the VM's; its log goes on where an earlier engine left it. Not connected yet.
 */
int serial_new(struct uv_loop_s *loop, const char *folder, const struct serial_events *events,
               void *arg, struct serial **ret, struct err *e);
void serial_free(struct serial *s); /* NULL is fine; the loop must turn once more */

/* To the folder's serial.sock, of the process pid (0: not checked). Call it after vmm_start or
 * vmm_adopt, before the loop turns: then nothing is missed. */
int serial_connect(struct serial *s, pid_t pid, struct err *e);
bool serial_is_connected(const struct serial *s);

/*
 * A subscriber takes what it can: returns the number of bytes taken (at most len). When it takes
 * less, nothing is offered until serial_sub_wake; while it is behind, it loses what leaves the
 * ring, not the others. With replay > 0 it first gets the last `replay` bytes of the ring.
 */
typedef size_t serial_data_fn(const void *bytes, size_t len, void *arg);
int serial_subscribe(struct serial *s, size_t replay, serial_data_fn *fn, void *arg,
                     struct serial_sub **ret, struct err *e);
void serial_sub_wake(struct serial_sub *sub);
uint64_t serial_sub_lost(const struct serial_sub *sub); /* bytes */
void serial_unsubscribe(struct serial_sub *sub);        /* NULL is fine */

/* Typed towards the guest; returns how much was taken (its buffer holds 4 KiB), 0 when full. */
size_t serial_write(struct serial *s, const void *bytes, size_t len);

/* The last n lines of ring (or log, when the ring is empty), cleaned, '\n' between; returns bytes.
 */
size_t serial_last_lines(struct serial *s, size_t n, char *buf, size_t cap);
uint64_t serial_bytes(const struct serial *s); /* read in all */

#endif
