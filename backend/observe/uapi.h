#ifndef MESHDECK_OBSERVE_UAPI_H
#define MESHDECK_OBSERVE_UAPI_H
/*
 * One exchange with the socket of a userspace WireGuard: connect, one request, the lines of one
 * answer. The socket is spoken to only when the process behind it lives in our network namespace,
 * since all namespaces share one folder of sockets. Engine thread; nothing waits. Buffers are
 * wiped.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/err.h"

struct uv_loop_s;
struct uapi;

/* One line of the answer, without its newline (not errno= and not the last, empty one); a negative
 * errno ends the exchange. */
typedef int uapi_line_fn(const char *line, size_t len, void *arg);
/* Called once, from the loop. failed: NULL when the answer was whole and its errno 0. */
typedef void uapi_done_fn(const struct err *failed, void *arg);

struct uapi_request {
    const char *name; /* of the device */
    char *text_take;  /* malloc'd; becomes the exchange's, which wipes it, also on failure */
    size_t len;
    unsigned deadline_ms;
    uapi_line_fn *line; /* may be NULL */
    uapi_done_fn *done;
    void *arg;
};

int uapi_start(struct uv_loop_s *loop, const struct uapi_request *r, struct uapi **ret,
               struct err *e);
/* Ends it without calling `done`; NULL is fine. Not after `done` was called. */
void uapi_cancel(struct uapi *u);

/* A connected non-blocking socket whose process is in our network namespace, or a negative errno:
 * -ENOENT no socket, -ECONNREFUSED nobody behind it, -EXDEV another namespace. *ret_pid is set for
 * the last and for success. */
int uapi_connect(const char *name, pid_t *ret_pid, struct err *e);
/* "/var/run/wireguard/NAME.sock"; false when the name is no interface name. */
bool uapi_path(const char *name, char *buf, size_t cap);

/* The splitting of an answer into lines, apart for tests: feeds n bytes. 0: more is wanted; 1: the
 * answer is whole; -EBADMSG: a line too long or without end; else what `line` returned. */
enum { UAPI_LINE = 512 };
struct uapi_split {
    char line[UAPI_LINE]; /* the beginning of a line that has not ended yet */
    size_t len;
    int code; /* of errno= */
    bool has_code;
};
int uapi_split_feed(struct uapi_split *s, const char *bytes, size_t n, uapi_line_fn *line,
                    void *arg);

#endif
