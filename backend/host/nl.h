#ifndef MESHDECK_HOST_NL_H
#define MESHDECK_HOST_NL_H
/*
 * One netlink request socket. Requests are queued into a batch with the functions of link.h,
 * address.h and route.h, then nl_run sends them, many in one send, and tells the outcome of each.
 * The kernel applies each on its own: one that fails stops none, so undo lists are the caller's.
 * One thread at a time (the engine thread, or a job of the pool that owns it). A run takes about
 * 10 microseconds a request, and waits for the kernel's lock where others hold it.
 */
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"

struct nl;

int nl_open(int bus, struct nl **ret, struct err *e); /* NETLINK_ROUTE, NETLINK_GENERIC */
void nl_free(struct nl *n);                           /* NULL is fine; the buffer is wiped */
void nl_wipe(struct nl *n); /* after a batch or an answer that held a key */
int nl_fd(const struct nl *n);

/* The outcome of request `index` of the batch (0 first): NULL when it succeeded. */
typedef void nl_result_fn(size_t index, const struct err *failed, void *arg);

/* Sends what was queued, calls `each` (may be NULL) once per request in order, empties the batch.
 * Returns 0 when all succeeded, else the code of the first that did not, with its text in *e. A
 * request that could not be queued for want of memory fails the run before anything is sent. */
int nl_run(struct nl *n, nl_result_fn *each, void *arg, struct err *e);
size_t nl_queued(const struct nl *n);
void nl_drop(struct nl *n); /* forgets what was queued */

/*
 * For the modules that build requests. nl_begin starts one, with a family header of `size` zeroed
 * bytes that nl_set_head fills, nl_put adds an attribute to it, nl_end ends it. They fail silently
 * when memory runs out: then the run fails. `settle` may turn failures of this kind of request into
 * success (an equal object was there) or give them a better text; it is called once a run with all
 * of them, may send requests of its own by nl_ask, and sets code 0 in those that are fine.
 */
struct nl_failed {
    const struct nlmsghdr *request;
    size_t index;
    struct err err;
};
typedef void nl_settle_fn(struct nl *n, struct nl_failed *failed, size_t count);

void nl_begin(struct nl *n, uint16_t type, uint16_t flags, size_t size);
void nl_set_head(struct nl *n, const void *head, size_t size);
void nl_put(struct nl *n, uint16_t attr, const void *data, size_t len);
void nl_put_u8(struct nl *n, uint16_t attr, uint8_t v);
void nl_put_u16(struct nl *n, uint16_t attr, uint16_t v);
void nl_put_u32(struct nl *n, uint16_t attr, uint32_t v);
void nl_put_text(struct nl *n, uint16_t attr, const char *s); /* with its NUL */
size_t nl_nest(struct nl *n, uint16_t attr);                  /* returns a mark for nl_nest_end */
void nl_nest_end(struct nl *n, size_t mark);
size_t nl_size(const struct nl *n); /* bytes of the request being built, to split what is large */
/* `what` names the object in errors: "adding route 10.0.0.0/8". Copied; cut at 95 bytes. */
void nl_end(struct nl *n, nl_settle_fn *settle, const char *what);

/* Sends one request built by the caller (libmnl, with the flags it needs) and calls `row` for each
 * message of the answer (0, or a negative errno that stops it). -EINTR when a dump was interrupted:
 * the caller may ask again. At most max_rows messages (0: 1,048,576), else -E2BIG. Leaves the batch
 * alone. */
typedef int nl_row_fn(const struct nlmsghdr *m, void *arg);
int nl_ask(struct nl *n, struct nlmsghdr *request, nl_row_fn *row, void *arg, size_t max_rows,
           const char *what, struct err *e);

/* A generic netlink family's id by name; -ENOENT when the kernel has no such family. */
int nl_genl_family(struct nl *n, const char *name, uint16_t *ret, struct err *e);

#endif
