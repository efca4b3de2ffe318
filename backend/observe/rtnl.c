/*
 * The monitor's decisions: which table is dumped when, how often it is tried, and what its health
 * is. One dump at a time. Engine thread. It never asks for a dump in a tight circle: an attempt has
 * five tries, then waits, longer each time; checks asked for by events are joined and take at most
 * a tenth of the time.
 */
#include "backend/observe/rtnl_internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/model/text.h"

static int64_t wall_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail on Linux */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void rtnl_tell_health(struct rtnl *r, enum rtnl_table t)
{
    if (r->to.health)
        r->to.health(t, &r->health[t], r->arg_b);
}

void rtnl_plan_at(struct rtnl *r, enum rtnl_table t, uint64_t delay_ms)
{
    struct rtnl_plan *p = &r->plan[t];
    uint64_t at = uv_now(r->loop_b) + delay_ms;
    if (!p->due || at < p->at_ms)
        p->at_ms = at;
    p->due = true;
}

static void on_timer(uv_timer_t *timer)
{
    struct rtnl *r = timer->data;
    if (r->dump.active && uv_now(r->loop_b) - r->dump.moved_ms >= RTNL_STALL_MS)
        rtnl_dump_abort(r, "the kernel stopped answering");
    rtnl_schedule(r);
}

void rtnl_schedule(struct rtnl *r)
{
    uint64_t now = uv_now(r->loop_b), soonest = UINT64_MAX;

    if (r->closing)
        return;
    if (r->dump.active) {
        uv_timer_start(&r->timer, on_timer, RTNL_STALL_MS, 0);
        return;
    }
    if (r->hold.len) /* the pump comes back here when all is delivered */
        return;
    for (int t = 0; t < RTNL_TABLE_COUNT; t++) {
        if (!r->plan[t].due)
            continue;
        if (r->plan[t].at_ms <= now) {
            rtnl_dump_start(r, (enum rtnl_table)t);
            if (r->dump.active) {
                uv_timer_start(&r->timer, on_timer, RTNL_STALL_MS, 0);
                return;
            }
        }
        if (r->plan[t].due && r->plan[t].at_ms < soonest)
            soonest = r->plan[t].at_ms;
    }
    if (soonest != UINT64_MAX)
        uv_timer_start(&r->timer, on_timer, soonest > now ? soonest - now : 1, 0);
    else
        uv_timer_stop(&r->timer);
}

static void dump_was_whole(struct rtnl *r, enum rtnl_table t)
{
    struct rtnl_health *h = &r->health[t];
    struct rtnl_plan *p = &r->plan[t];

    h->checked_ms = wall_ms();
    h->whole = !h->filtered;
    h->tries = 0;
    p->backoff_ms = 0;
    p->took_ms = uv_now(r->loop_b) - r->dump.started_ms;
    if (h->filtered)
        (void)snprintf(h->error, sizeof h->error,
                       "more than %u routes: only those of this host and of meshdeck are read",
                       r->opt.route_limit);
    else
        h->error[0] = '\0';
    if (r->opt.compare_seconds != UINT32_MAX)
        rtnl_plan_at(r, t, (uint64_t)r->opt.compare_seconds * 1000);
}

static void dump_fell_short(struct rtnl *r, enum rtnl_table t, const char *why, bool again)
{
    struct rtnl_health *h = &r->health[t];
    struct rtnl_plan *p = &r->plan[t];

    h->whole = false;
    if (again && h->tries < RTNL_TRIES) {
        (void)snprintf(h->error, sizeof h->error, "%s; reading it again", why);
        rtnl_plan_at(r, t, 0);
        return;
    }
    p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : RTNL_BACKOFF_MS;
    if (p->backoff_ms > RTNL_BACKOFF_MAX_MS)
        p->backoff_ms = RTNL_BACKOFF_MAX_MS;
    (void)snprintf(h->error, sizeof h->error, "partial after %u tries: %s", h->tries, why);
    h->tries = 0;
    rtnl_plan_at(r, t, p->backoff_ms);
}

void rtnl_dump_ended(struct rtnl *r, const char *why_not, bool again)
{
    enum rtnl_table t = r->dump.table;
    enum rtnl_held held = rtnl_events_hold(r, t);

    if (!why_not && held == RTNL_HELD_REMOVED && r->dump.reads > 1) {
        /* After rows went and others came, the kernel counts its way back to where it was in the
         * IPv6 table, past rows that are still there, and says nothing of it. */
        why_not = "rows were removed while it was read";
        again = true;
    } else if (!why_not && held == RTNL_HELD_LOST) {
        why_not = "events were lost while it was read";
        again = true;
    }
    r->dump.active = false;
    r->health[t].reading = false;
    uv_update_time(r->loop_b);
    if (why_not)
        dump_fell_short(r, t, why_not, again);
    else
        dump_was_whole(r, t);
    if (r->to.end_dump)
        r->to.end_dump(t, !why_not, r->arg_b);
    rtnl_tell_health(r, t);
    if (r->hold.len)
        uv_idle_start(&r->pump, rtnl_events_pump);
    else
        rtnl_events_listen(r, true);
    rtnl_schedule(r);
}

void rtnl_resync(struct rtnl *r, enum rtnl_table t)
{
    for (int i = 0; i < RTNL_TABLE_COUNT; i++) {
        if (t != RTNL_TABLE_COUNT && (int)t != i)
            continue;
        r->plan[i].backoff_ms = 0;
        r->health[i].filtered = r->dump.active && (int)r->dump.table == i && r->health[i].filtered;
        rtnl_plan_at(r, (enum rtnl_table)i, 0);
    }
    /* the dump itself starts from the loop, as every callback does */
    if (!r->dump.active && !r->hold.len)
        uv_timer_start(&r->timer, on_timer, 0, 0);
}

void rtnl_recheck(struct rtnl *r, enum rtnl_table t)
{
    struct rtnl_plan *p = &r->plan[t];
    uint64_t delay = p->took_ms * 10 > RTNL_SOON_MS ? p->took_ms * 10 : RTNL_SOON_MS;
    if (delay < p->backoff_ms)
        delay = p->backoff_ms;
    rtnl_plan_at(r, t, delay);
    if (!r->dump.active && !r->hold.len && !r->closing) {
        uint64_t left = uv_timer_get_due_in(&r->timer);
        if (!uv_is_active((uv_handle_t *)&r->timer) || left > delay)
            uv_timer_start(&r->timer, on_timer, delay, 0);
    }
}

const struct rtnl_health *rtnl_health_of(const struct rtnl *r, enum rtnl_table t)
{
    return &r->health[t];
}

static void release(struct rtnl *r)
{
    if (r->ask)
        mnl_socket_close(r->ask);
    if (r->events)
        mnl_socket_close(r->events);
    free(r->ask_buffer);
    free(r->event_buffers);
    free(r->hold.bytes);
    free(r);
}

static void on_closed(uv_handle_t *handle)
{
    struct rtnl *r = handle->data;
    if (--r->closing == 0)
        release(r);
}

void rtnl_free(struct rtnl *r)
{
    if (!r)
        return;
    r->closing = 3;
    rtnl_dump_close(r);
    uv_close((uv_handle_t *)&r->events_poll, on_closed);
    uv_close((uv_handle_t *)&r->timer, on_closed);
    uv_close((uv_handle_t *)&r->pump, on_closed);
}

int rtnl_new(struct uv_loop_s *loop, const struct rtnl_consumer *c, void *arg,
             const struct rtnl_options *o, struct rtnl **ret, struct err *e)
{
    struct rtnl *r = calloc(1, sizeof *r);
    int rc;

    if (!r)
        return err_set(e, ERR_AREA_NETLINK, -ENOMEM, "out of memory");
    r->loop_b = loop;
    r->to = *c;
    r->arg_b = arg;
    if (o)
        r->opt = *o;
    if (!r->opt.receive_buffer)
        r->opt.receive_buffer = 16 << 20;
    if (!r->opt.route_limit)
        r->opt.route_limit = 1 << 18;
    if (!r->opt.compare_seconds)
        r->opt.compare_seconds = 300;
    r->ask_buffer = malloc(RTNL_BUFFER);
    r->event_buffers = malloc((size_t)RTNL_EVENT_BUFFER * RTNL_EVENT_BATCH);
    rc = r->ask_buffer && r->event_buffers ? 0
                                           : err_set(e, ERR_AREA_NETLINK, -ENOMEM, "out of memory");
    if (rc == 0)
        rc = rtnl_events_open(r, e); /* listening first, so that no change falls between */
    if (rc != 0) {
        release(r);
        return rc;
    }
    uv_timer_init(loop, &r->timer);
    uv_idle_init(loop, &r->pump);
    r->timer.data = r->pump.data = r;
    rc = rtnl_dump_open(r, e);
    if (rc != 0) {
        rtnl_free(r);
        return rc;
    }
    rtnl_events_listen(r, true);
    rtnl_resync(r, RTNL_TABLE_COUNT);
    *ret = r;
    return 0;
}
