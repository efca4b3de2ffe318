#ifndef MESHDECK_OBSERVE_RTNL_INTERNAL_H
#define MESHDECK_OBSERVE_RTNL_INTERNAL_H
/*
 * What the three files of the monitor share: rtnl.c decides when a table is dumped, rtnl_dump.c
 * reads a dump, rtnl_events.c reads multicast events. Nobody else includes this.
 */
#include <uv.h>

#include "backend/observe/rtnl.h"

enum {
    RTNL_BUFFER = 64 * 1024,       /* of the dump socket; the kernel fills 32 KiB at most */
    RTNL_EVENT_BUFFER = 16 * 1024, /* of one event */
    RTNL_EVENT_BATCH = 32,
    RTNL_READS_A_TURN = 16, /* of dump buffers: about 3,000 routes, 3 ms */
    RTNL_EVENTS_A_TURN = 2048,
    RTNL_HOLD_MAX = 32 << 20, /* bytes of events that came during a dump */
    RTNL_SOON_MS = 50,
    RTNL_STALL_MS = 10000,
    RTNL_BACKOFF_MS = 1000,
    RTNL_BACKOFF_MAX_MS = 60000
};

struct mnl_socket;

struct rtnl_plan {
    bool due;
    uint64_t at_ms;   /* loop time */
    uint64_t took_ms; /* the last dump, so that dumps never fill the time */
    uint32_t backoff_ms;
};

struct rtnl_dump {
    bool active, interrupted;
    enum rtnl_table table;
    uint32_t seq;
    size_t part; /* filtered: which protocol is read now */
    unsigned malformed;
    unsigned reads; /* answers with rows: one alone is consistent in itself */
    uint64_t started_ms, moved_ms;
};

struct rtnl_hold {
    uint8_t *bytes;
    size_t len, cap, at; /* at: delivered up to here */
};

struct rtnl {
    uv_loop_t *loop_b;
    struct rtnl_consumer to;
    void *arg_b;
    struct rtnl_options opt;
    struct mnl_socket *ask, *events;
    uv_poll_t *ask_poll;
    uv_poll_t events_poll;
    uv_timer_t timer;
    uv_idle_t pump; /* delivers held events, a piece a turn */
    unsigned closing;
    struct rtnl_health health[RTNL_TABLE_COUNT];
    struct rtnl_plan plan[RTNL_TABLE_COUNT];
    struct rtnl_dump dump;
    struct rtnl_hold hold;
    bool congested; /* events were dropped, and will be until the queue has run dry */
    bool silent6;   /* the kernel is set to drop IPv6 routes of lost links without a word */
    bool hops6; /* an IPv6 route of several next hops was seen: its parts go without saying which */
    uint32_t seq;
    uint8_t *ask_buffer, *event_buffers;
};

/* rtnl.c */
void rtnl_plan_at(struct rtnl *r, enum rtnl_table t, uint64_t delay_ms); /* the sooner counts */
void rtnl_schedule(struct rtnl *r); /* starts what is due, or sets the timer */
void rtnl_tell_health(struct rtnl *r, enum rtnl_table t);
/* A dump came to its end: whole, or a reason why not. `again`: at once, if tries are left. */
void rtnl_dump_ended(struct rtnl *r, const char *why_not, bool again);

/* rtnl_dump.c */
int rtnl_dump_open(struct rtnl *r, struct err *e);
void rtnl_dump_close(struct rtnl *r);
void rtnl_dump_start(struct rtnl *r, enum rtnl_table t);
void rtnl_dump_abort(struct rtnl *r, const char *why);
bool rtnl_protocol_is_read(uint8_t protocol); /* when filtered */

/* rtnl_events.c */
int rtnl_events_open(struct rtnl *r, struct err *e);
void rtnl_events_listen(struct rtnl *r, bool on);
/* Takes in what came during a dump of t, undelivered; tells whether the dump can be believed. */
enum rtnl_held { RTNL_HELD_CALM, RTNL_HELD_REMOVED, RTNL_HELD_LOST };
enum rtnl_held rtnl_events_hold(struct rtnl *r, enum rtnl_table t);
void rtnl_events_pump(uv_idle_t *idle);
/* Parses one message and calls the consumer; 1 when it is of no table. */
int rtnl_deliver(struct rtnl *r, const struct nlmsghdr *m, enum rtnl_what what);

#endif
