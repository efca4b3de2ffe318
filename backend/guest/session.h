#ifndef MESHDECK_GUEST_SESSION_H
#define MESHDECK_GUEST_SESSION_H
/*
 * SSH sessions into guests. The engine connects the TCP socket, then an unprivileged worker process
 * speaks SSH on it; what is typed and shown runs between the worker and the viewer over a stream
 * (model/stream.h), past the engine. A worker's death costs its own session. Engine thread; nothing
 * here waits.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/guest/keys.h"
#include "backend/model/addr.h"
#include "backend/model/err.h"
#include "backend/model/stream.h"

struct uv_loop_s;
struct session_pool;
struct session;
struct session_probe;

enum { SESSIONS_MAX = 64, SESSION_PROBES_MAX = 1024, SESSION_COMMAND_MAX = 64 * 1024 };

enum session_mode { SESSION_PROBE, SESSION_EXEC, SESSION_SHELL };

enum session_result {
    SESSION_OK,          /* ran to its end (or, a probe, logged in); exit says how */
    SESSION_UNREACHABLE, /* no TCP connection to any address */
    SESSION_STALLED,     /* a stage took too long */
    SESSION_PROTOCOL,    /* not SSH, closed early, or an error of the protocol */
    SESSION_HOST_KEY,    /* not the pinned one: refused, nothing was sent to it */
    SESSION_AUTH,        /* our key was refused */
    SESSION_REFUSED,     /* logged in, but no channel, terminal or command was given */
    SESSION_LOST,        /* the connection ended before the command did */
    SESSION_LEFT,        /* the viewer closed the stream, or session_close */
    SESSION_WORKER,      /* the worker died or could not be started */
    SESSION_RESULT_COUNT
};

struct session_spec {
    enum session_mode mode;
    struct addr addrs[4]; /* tried in order: IPv6, then IPv4 */
    size_t n_addrs;
    uint16_t port;                 /* 0: 22 */
    const char *user;              /* NULL: root */
    const struct key_pair *key;    /* the client's */
    const char *host_key;          /* pinned public line: "ssh-ed25519 AAAA..." */
    const char *const *argv;       /* exec: words, quoted for the remote shell; NULL at the end */
    const char *command;           /* exec: or a line for that shell as it is */
    uint16_t cols, rows;           /* shell; 0: 80 x 24 */
    unsigned connect_ms;           /* limit of connecting to one address; 0: 3 s */
    unsigned stage_ms;             /* limit of each stage after that; 0: 20 s */
    unsigned keepalive_ms;         /* 0: 15 s */
};

struct session_end {
    enum session_result result;
    struct stream_exit exit; /* with SESSION_OK of exec and shell */
    struct err err;          /* code 0 with SESSION_OK and SESSION_LEFT */
};

/* Both are called from the loop. `ended` once, not after session_close; s is gone after it. Neither
 * may close s. */
struct session_events {
    void (*stage)(struct session *s, const char *text, void *arg); /* may be NULL */
    void (*ended)(struct session *s, const struct session_end *end, void *arg);
};

/* worker NULL: this program, called as `exe --worker ssh`. uid, gid: what workers become; 0: nobody. */
struct session_pool *session_pool_new(struct uv_loop_s *loop, const char *worker, unsigned uid,
                                      unsigned gid);
size_t session_pool_count(const struct session_pool *p); /* sessions that live, without probes */
/* Kills the workers; no callback is called. The loop must turn once more before it is closed. */
void session_pool_free(struct session_pool *p);

/* Everything in spec is copied. *ret_stream (NULL for SESSION_PROBE) is the viewer's end, at once,
 * with stages and messages in it; the caller owns it. -EUSERS: SESSIONS_MAX live already. */
int session_open(struct session_pool *p, const struct session_spec *spec,
                 const struct session_events *events, void *arg, struct session **ret,
                 int *ret_stream, struct err *e);
void session_close(struct session *s); /* NULL is fine */
int session_worker_pid(const struct session *s); /* 0 while it connects */

/* Tries to log in, again and again, until it works, deadline_ms are over, or the host key is another:
 * that never gets better. end->err is the last failure, code 0 when the guest is ready. p is gone
 * after it. */
typedef void session_probe_fn(struct session_probe *p, const struct session_end *end, void *arg);
int session_probe_start(struct session_pool *p, const struct session_spec *spec,
                        unsigned deadline_ms, session_probe_fn *done, void *arg,
                        struct session_probe **ret, struct err *e);
void session_probe_cancel(struct session_probe *p); /* NULL is fine; done is not called */

#endif
