#ifndef MESHDECK_ENGINE_CORE_H
#define MESHDECK_ENGINE_CORE_H
/*
 * Inside of the owned engine: what its parts share. Everything here belongs to the engine thread
 * and its libuv loop; nothing blocks it. Parts: core.c (life of the thread), request.c (commands in,
 * answers out), publish.c (tables to snapshots), boot.c (start-up), base.c (the node's own
 * plumbing), watch.c (what the kernel says), peers.c, vms.c and vm_*.c (machines), job.c (tickets),
 * detail*.c (answers about one object), journal.c (events and alerts), control.c (the socket).
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "backend/engine.h"
#include "backend/engine/mailbox.h"
#include "backend/engine/verbs.h"
#include "backend/model/alert.h"
#include "backend/model/rows.h"
#include "backend/model/snapshot.h"

struct json_t;
struct core;
struct client;
struct job;
struct vm;
struct control;
struct store;
struct rtnl;
struct nl;
struct lock;
struct owned;

/* Who sends commands: the console of this process, or one connection to the control socket. It is
 * counted, so that an answer to one that has left is dropped and not delivered to a stranger. */
struct client {
    unsigned refs;
    bool read_only, gone;
    char who[96];
    char way_in[160]; /* SSH_CONNECTION's value, "" for none */
    void (*deliver)(struct client *c, const struct reply *r); /* takes body and fd */
    void *end_b; /* the mailbox or the connection, until `gone` */
};
struct client *client_ref(struct client *c);
void client_unref(struct client *c);

/* One command on its way. Its handler answers once, by one of the request_ functions, which end it. */
struct request {
    struct request *next; /* while it is held */
    struct core *core;
    struct client *client;
    uint64_t id;
    enum verb_id verb;
    struct json_t *args; /* checked; never NULL */
};
void core_take_command(struct core *c, struct client *from, uint64_t id, int verb,
                       struct json_t *args);
void request_ok_take(struct request *r, struct json_t *body); /* body may be NULL */
void request_fail(struct request *r, const struct err *e);
void request_stream_take(struct request *r, int fd);
void request_drop(struct request *r); /* ends it without an answer: another request gives it */
/* What came before the engine had read host and store waits; this lets it go on. */
void core_release_held(struct core *c);
const char *request_text(const struct request *r, const char *arg); /* NULL when not given */
uint64_t request_uint(const struct request *r, const char *arg, uint64_t otherwise);
bool request_bool(const struct request *r, const char *arg, bool otherwise);

struct core_settings {
    char state_dir[PATH_MAX];
    char guest_dir[PATH_MAX]; /* where the built-in image's files lie */
    bool may_change;          /* root or CAP_NET_ADMIN */
    bool headless;
    char node_name[32];
};

struct core {
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t beat, publish;
    struct core_settings set;
    struct mailbox *mail_b; /* the owned end's, as is owned_b */
    struct owned *owned_b;
    struct client *console; /* the console of this process */
    struct table *tables[TABLE_COUNT];
    struct snapshot_meta meta;
    struct snapshot *last;  /* the newest published, for attached consoles' first picture */
    uint64_t last_publish_ms, churn_from_ms;
    uint32_t churn_rows;
    bool dirty, closing, leave_when_alone;
    struct request *held, **held_tail; /* commands that came before the engine was ready */

    struct lock *lock;
    struct nl *nl; /* requests to the kernel; NULL when we may not change anything */
    struct control *control;
    struct store *store;
    struct boot *boot;
    struct base *base;
    struct watch *watch;
    struct peers *peers;
    struct vms *vms;
    struct jobs *jobs;
    struct journal *journal;
    struct reconcile *reconcile;
    struct images *images;
    struct node_load *load;
};

/* core.c */
struct core_start {
    const struct engine_options *options; /* until owned_started */
    struct core_settings settings;
    struct owned *owned;
    struct mailbox *mail;
    struct lock *lock; /* taken over */
};
void *core_thread(void *start); /* the thread's main; frees nothing of start */
void core_begin_close(struct core *c, bool now);
/* A part that runs something at close calls this when it has ended. */
void core_part_closed(struct core *c);

/* publish.c: rows in, snapshots out. A table's rows change only through these. */
int publish_init(struct core *c);
void publish_done(struct core *c);
void publish_put(struct core *c, enum table_id t, const void *row);
void publish_remove(struct core *c, enum table_id t, const void *key);
void publish_dirty(struct core *c); /* meta changed */
void publish_now(struct core *c);

/* journal.c: events and alerts. Texts are cleaned here. */
int journal_init(struct core *c);
void journal_done(struct core *c);
void journal_event(struct core *c, enum event_level level, const char *object, const char *cause,
                   const char *who, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Alerts, by key: the same key raised again refreshes, cleared ends. view names where it is seen. */
void journal_raise(struct core *c, const char *key, enum alert_level level, const char *object,
                   const char *view, const char *verdict, const char *sentence, uint32_t vms,
                   uint64_t object_id);
void journal_clear(struct core *c, const char *key);
/* For a source that tells all it has each time: mark, raise, then end what was not raised again. */
uint64_t journal_mark(struct core *c);
void journal_clear_unmarked(struct core *c, const char *prefix, uint64_t mark);
/* As journal_event, with what stood before and after (JSON texts or NULL). */
void journal_change(struct core *c, const char *object, const char *cause, const char *who,
                    const char *before, const char *after, const char *what);

#endif
