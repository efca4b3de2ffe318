#ifndef MESHDECK_VMM_QMP_H
#define MESHDECK_VMM_QMP_H
/*
 * QEMU's monitor protocol. In two parts: `qmp_lines` cuts a byte stream into messages and never
 * trusts it (lines of 64 KiB, depth 32, one JSON object a line; anything else is dropped and
 * counted); `qmp` is one connection on the loop: greeting, ids, deadlines, reconnection. The other
 * end may be compromised: every field is checked, every text cleaned. Engine thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/err.h"

struct json_t;
struct uv_loop_s;

enum { QMP_LINE_MAX = 65536, QMP_DEPTH_MAX = 32, QMP_PENDING_MAX = 32, QMP_DEADLINE_MS = 2000 };

/* Pure; may be fed anything. */
struct qmp_lines;
typedef void qmp_message_fn(const struct json_t *object, void *arg);
struct qmp_lines *qmp_lines_new(void); /* NULL: no memory */
void qmp_lines_free(struct qmp_lines *l);
void qmp_lines_feed(struct qmp_lines *l, const char *bytes, size_t len, qmp_message_fn *fn,
                    void *arg);
void qmp_lines_reset(struct qmp_lines *l);
uint64_t qmp_lines_dropped(const struct qmp_lines *l); /* lines that were no message */

struct qmp;
struct qmp_events {
    void (*ready)(struct qmp *q, void *arg); /* greeted, and commands may be sent */
    /* data: an object or NULL. */
    void (*event)(struct qmp *q, const char *name, const struct json_t *data, void *arg);
    /* An answer or the greeting is overdue (silent), or came after all. */
    void (*silence)(struct qmp *q, bool silent, void *arg);
    void (*closed)(struct qmp *q,
                   void *arg); /* by the other end; qmp_connect may be called again */
};

/* result: what `return` held, or NULL when e->code is not 0 (class and desc are in the text).
 * Called once; by qmp_free too, with -ECANCELED, so that arg can be freed. */
typedef void qmp_reply_fn(struct qmp *q, const struct json_t *result, const struct err *e,
                          void *arg);

int qmp_new(struct uv_loop_s *loop, const struct qmp_events *events, void *arg, struct qmp **ret,
            struct err *e);
void qmp_free(struct qmp *q); /* the loop must turn once more */

/* To the socket `name` in the folder (opened without following links). pid: whom the socket must
 * belong to, 0: not checked. greeting_ms: how long it may take to say hello. */
int qmp_connect(struct qmp *q, const char *folder, const char *name, pid_t pid,
                unsigned greeting_ms, struct err *e);
/* Takes in what the other end has sent already; for a process that is seen to have ended. */
void qmp_drain(struct qmp *q);
bool qmp_is_ready(const struct qmp *q);
bool qmp_is_silent(const struct qmp *q);

/* args is taken over (NULL for none). -EAGAIN: too many are waiting; -ENOTCONN. A reply that is
 * overdue gives -ETIMEDOUT once; when it comes later it is dropped. */
int qmp_send(struct qmp *q, const char *command, struct json_t *args, qmp_reply_fn *fn, void *arg,
             struct err *e);

#endif
