#ifndef MESHDECK_ENGINE_MAILBOX_H
#define MESHDECK_ENGINE_MAILBOX_H
/*
 * The two queues between a front end and an engine thread, used by every end: commands in (bounded:
 * full means "busy", never waiting) and replies out, with a snapshot box beside them. Thread-safe.
 * The engine side is woken by the `wake` function given at creation; the front end by an eventfd.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/engine.h"

enum { MAILBOX_COMMANDS = 256 };

struct mail {
    uint64_t request;
    int verb; /* enum verb_id */
    struct json_t *args; /* owned by who took the mail; may be NULL */
};

struct mailbox;

/* `wake` is called from the front end's thread after each command; it must be thread-safe and quick
 * (uv_async_send, eventfd write). NULL: no memory or no eventfd. */
struct mailbox *mailbox_new(void (*wake)(void *arg), void *arg);
/* Drops what is queued in both directions. Both threads must be done with it. */
void mailbox_free(struct mailbox *m);

/* Front end. */
int mailbox_send_take(struct mailbox *m, int verb, struct json_t *args, uint64_t *ret_request,
                      struct err *e); /* takes args in every case; -EAGAIN when full */
bool mailbox_take_reply(struct mailbox *m, struct reply *ret);
int mailbox_fd(const struct mailbox *m);
void mailbox_drain(struct mailbox *m); /* makes the fd unreadable until the next news */
struct snapshot *mailbox_snapshot(struct mailbox *m);
int64_t mailbox_heartbeat_ms(const struct mailbox *m);

/* Engine thread. */
bool mailbox_take(struct mailbox *m, struct mail *ret);
void mailbox_reply_take(struct mailbox *m, const struct reply *r); /* takes body and fd */
void mailbox_publish_take(struct mailbox *m, struct snapshot *s);
void mailbox_beat(struct mailbox *m); /* "I am alive", now */

#endif
