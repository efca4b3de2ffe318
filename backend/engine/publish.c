/*
 * Tables to snapshots. Rows change as things happen; a timer gathers the changes, so that at most 20
 * snapshots a second are made and none while nothing changes. Attached consoles get theirs from
 * here as well, through control.c. Engine thread only.
 */
#include "backend/engine/core.h"

#include <stdlib.h>
#include <string.h>

#include "backend/engine/control.h"
#include "backend/model/table.h"
#include "backend/model/text.h"

enum { PUBLISH_GAP_MS = 50 };

static void publish_tick(uv_timer_t *timer)
{
    publish_now(timer->data);
}

int publish_init(struct core *c)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        c->tables[i] = table_new(row_type_of((enum table_id)i));
        if (!c->tables[i])
            return -UV_ENOMEM;
    }
    uv_timer_init(&c->loop, &c->publish);
    c->publish.data = c;
    return 0;
}

void publish_done(struct core *c)
{
    snapshot_unref(c->last);
    c->last = NULL;
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        table_free(c->tables[i]);
        c->tables[i] = NULL;
    }
}

void publish_dirty(struct core *c)
{
    if (c->dirty || c->closing)
        return;
    c->dirty = true;
    uint64_t now = uv_now(&c->loop), next = c->last_publish_ms + PUBLISH_GAP_MS;
    uv_timer_start(&c->publish, publish_tick, next > now ? next - now : 0, 0);
}

static void count_churn(struct core *c)
{
    uint64_t now = uv_now(&c->loop);

    c->churn_rows++;
    if (now - c->churn_from_ms < 1000)
        return;
    c->meta.churn = now - c->churn_from_ms < 2000 ? c->churn_rows : 0;
    c->churn_from_ms = now;
    c->churn_rows = 0;
}

void publish_put(struct core *c, enum table_id t, const void *row)
{
    bool changed = false;

    if (table_put(c->tables[t], row, &changed) < 0) {
        c->meta.health[t].whole = false;
        str_copy(c->meta.health[t].error, sizeof c->meta.health[t].error, "out of memory");
        changed = true;
    }
    if (!changed)
        return;
    count_churn(c);
    if (!c->meta.health[t].loading)
        publish_dirty(c);
}

void publish_remove(struct core *c, enum table_id t, const void *key)
{
    if (!table_remove(c->tables[t], key))
        return;
    count_churn(c);
    publish_dirty(c);
}

void publish_now(struct core *c)
{
    struct table_view *views[TABLE_COUNT] = {0};
    struct snapshot *s = NULL;
    bool whole = true;

    uv_timer_stop(&c->publish);
    c->dirty = false;
    c->last_publish_ms = uv_now(&c->loop);
    c->meta.generation++;
    c->meta.taken_ms = now_ms();
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        views[i] = table_snapshot(c->tables[i]);
        whole = whole && views[i];
    }
    if (whole)
        s = snapshot_new_take(&c->meta, views);
    if (!s) { /* no memory: the last picture stays, and the next change tries again */
        for (unsigned i = 0; i < TABLE_COUNT; i++)
            table_view_unref(views[i]);
        return;
    }
    control_publish(c->control, c->last, s);
    snapshot_unref(c->last);
    c->last = snapshot_ref(s);
    mailbox_publish_take(c->mail_b, s);
}
