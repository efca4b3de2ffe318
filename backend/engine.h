#ifndef MESHDECK_ENGINE_H
#define MESHDECK_ENGINE_H
/*
 * The one interface between a front end (console, command line) and the engine. It has three ends
 * behind it that look the same: `owned` (the engine runs on a thread of this process), `attached`
 * (another process runs it; we speak over STATE/engine.sock) and `demo` (a simulated fleet; nothing
 * of the host is touched).
 *
 * Two things cross it: commands in (a bounded queue) and snapshots out (immutable, counted, swapped
 * atomically). No call here waits for the engine, except engine_open and engine_close.
 * A front end uses it from one thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/model/err.h"
#include "backend/model/snapshot.h"

struct json_t;
struct engine;

enum engine_end { ENGINE_OWNED, ENGINE_ATTACHED, ENGINE_DEMO };

struct engine_options {
    const char *state_dir; /* NULL: /var/lib/meshdeck */
    const char *who;       /* operator for the journal: "ops1 from 198.51.100.20" */
    const char *way_in;    /* SSH_CONNECTION's value or NULL */
    bool read_only;        /* asked for; the engine itself then refuses this end's changes */
    bool one_shot;         /* a command line: attach if there is an owner, else own for its length */
    bool headless;         /* `meshdeck engine`: -EBUSY when there is an owner already */
    struct {
        bool on;
        uint32_t nodes, vms, churn, seed; /* churn: row changes a second */
        int64_t start_ms;                 /* its clock begins here; 0: now */
    } demo;
};

/* Answers to commands, and news that no snapshot carries. */
struct reply {
    uint64_t request;    /* what engine_send gave; 0 for news */
    int code;            /* 0, or a negative errno */
    char text[240];      /* the error, clean; or news */
    struct json_t *body; /* owned by the taker, may be NULL. Has "ticket" when one was opened. */
    int fd;              /* a stream (model/stream.h), owned by the taker, or -1 */
};

/* Starts or joins the engine. Returns once the end stands (for owned: the thread runs and a first
 * snapshot, perhaps empty and "checking", is there); -errno with text else. */
int engine_open(const struct engine_options *o, struct engine **ret, struct err *e);

/* Owned: ends the engine thread in order (its running step ends; VMs go on). When consoles are
 * attached it stays, headless, until they leave, unless `now`. NULL is fine. */
void engine_close(struct engine *en, bool now);

enum engine_end engine_end(const struct engine *en);

/* Readable when there is a new snapshot or a reply; drained by engine_drain. */
int engine_fd(const struct engine *en);
void engine_drain(struct engine *en);

/* The newest snapshot, a reference to be dropped with snapshot_unref; never NULL. */
struct snapshot *engine_snapshot(struct engine *en);

/* Wall clock of the engine's last sign of life; it says so at least every second. */
int64_t engine_heartbeat_ms(const struct engine *en);

/*
 * Sends a command: `verb` of the table in engine/verbs.h ("vm.create", "ticket.list"...), args an
 * object (taken over; NULL for none). -EAGAIN when the queue is full ("busy"). The answer comes as a
 * reply. With "dry_run": true in args nothing is done and the body has "plan", an array of
 * {step, commands[]}, "errors", an array of {field, text}, and "touches_way_in".
 */
int engine_send(struct engine *en, const char *verb, struct json_t *args, uint64_t *ret_request,
                struct err *e);

/* The next reply; false when there is none now. */
bool engine_take_reply(struct engine *en, struct reply *ret);
void reply_done(struct reply *r);

/* Blocks until the reply to `request` is there or the time (< 0: none) is over; what else comes
 * meanwhile is dropped. For the command line only. */
int engine_wait(struct engine *en, uint64_t request, int timeout_ms, struct reply *ret,
                struct err *e);

/* Who sits at this terminal ("ops1 from 198.51.100.20", clean) and SSH_CONNECTION, ours or (sudo drops
 * it) of the process that we come from; "" for none. Call it before there are other threads. */
enum { ENGINE_WHO_TEXT = 96, ENGINE_WAY_IN_TEXT = 256 };
void engine_operator(char who[static ENGINE_WHO_TEXT], char way_in[static ENGINE_WAY_IN_TEXT]);

/* The life of a worker process (`meshdeck --worker KIND`, its socket as descriptor 3), which the
 * engine starts from the same program; returns the process's exit status. -EINVAL: no such kind. */
int engine_worker_main(const char *kind);

#endif
