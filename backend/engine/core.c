/*
 * The engine thread: its loop, its heartbeat, its start and its end. It owns every socket, child and
 * decision of the engine, and must never wait for a disk or an RCU grace period.
 */
#include "backend/engine/core.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/boot.h"
#include "backend/engine/control.h"
#include "backend/engine/lock.h"
#include "backend/engine/owned.h"
#include "backend/model/text.h"

enum { BEAT_MS = 1000 };

static void console_deliver(struct client *client, const struct reply *r)
{
    mailbox_reply_take(client->end_b, r);
}

static void core_woken(uv_async_t *wake)
{
    struct core *c = wake->data;
    struct mail mail;

    while (!c->closing && mailbox_take(c->mail_b, &mail))
        core_take_command(c, c->console, mail.request, mail.verb, mail.args);
    enum owned_wish wish = owned_wish(c->owned_b);
    if (wish != OWNED_STAY)
        core_begin_close(c, wish == OWNED_LEAVE_NOW);
}

static void core_beat(uv_timer_t *beat)
{
    struct core *c = beat->data;

    mailbox_beat(c->mail_b);
    if (c->churn_rows == 0 && c->meta.churn > 0) {
        c->meta.churn = 0;
        publish_dirty(c);
    }
}

static int core_init(struct core *c, const struct core_start *start)
{
    const struct engine_options *o = start->options;

    c->mail_b = start->mail;
    c->owned_b = start->owned;
    c->lock = start->lock;
    c->held_tail = &c->held;
    c->set = start->settings;
    c->console = calloc(1, sizeof *c->console);
    if (!c->console)
        return -ENOMEM;
    c->console->refs = 1;
    c->console->read_only = o->read_only;
    c->console->deliver = console_deliver;
    c->console->end_b = c->mail_b;
    str_copy(c->console->who, sizeof c->console->who, o->who ? o->who : "operator");
    str_copy(c->console->way_in, sizeof c->console->way_in, o->way_in ? o->way_in : "");
    uv_async_init(&c->loop, &c->wake, core_woken);
    c->wake.data = c;
    uv_timer_init(&c->loop, &c->beat);
    c->beat.data = c;
    uv_timer_start(&c->beat, core_beat, 0, BEAT_MS);
    return publish_init(c);
}

static void close_walk(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void core_begin_close(struct core *c, bool now)
{
    if (c->closing)
        return;
    if (!now && control_consoles(c->control) > 0) {
        c->leave_when_alone = true; /* it stays for those who are attached, and ends after them */
        return;
    }
    c->closing = true;
    core_release_held(c); /* they are told that the engine is ending */
    owned_closing(c->owned_b);
    boot_close(c);
}

/* Parts have let go of what they ran; what is left are the core's own handles. */
void core_part_closed(struct core *c)
{
    uv_walk(&c->loop, close_walk, NULL);
}

void *core_thread(void *arg)
{
    struct core_start *start = arg;
    struct owned *owned = start->owned;
    struct core *c = calloc(1, sizeof *c);
    struct err e = {0};

    if (!c || uv_loop_init(&c->loop) != 0) {
        free(c);
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "starting the engine: out of memory");
        owned_started(owned, NULL, &e);
        return NULL;
    }
    if (core_init(c, start) < 0) {
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "starting the engine: out of memory");
        owned_started(owned, NULL, &e);
        return NULL; /* the process ends with this error */
    }
    boot_start(c);
    publish_now(c);
    mailbox_beat(c->mail_b);
    owned_started(owned, &c->wake, &e);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    boot_done(c);
    publish_done(c);
    c->console->gone = true;
    client_unref(c->console);
    uv_loop_close(&c->loop);
    lock_release(c->lock);
    free(c);
    owned_ended(owned);
    return NULL;
}
