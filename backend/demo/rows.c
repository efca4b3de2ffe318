/* The demo's tables: looking up by name, and changes that mark the picture. Demo thread. */
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

const struct vm_row *demo_vm(struct demo *d, const char *name)
{
    struct vm_row key = {.id = 0};
    return str_copy(key.name, sizeof key.name, name) ? table_find(d->tables[TABLE_VMS], &key)
                                                     : NULL;
}

const struct peer_row *demo_peer(struct demo *d, const char *name)
{
    struct peer_row key = {.id = 0};
    return str_copy(key.name, sizeof key.name, name) ? table_find(d->tables[TABLE_PEERS], &key)
                                                     : NULL;
}

const struct node_row *demo_node(struct demo *d, const char *name)
{
    struct node_row key = {.id = 0};
    return str_copy(key.name, sizeof key.name, name) ? table_find(d->tables[TABLE_NODES], &key)
                                                     : NULL;
}

void demo_put(struct demo *d, enum table_id table, const void *row)
{
    bool changed = false;

    if (table_put(d->tables[table], row, &changed) == 0 && changed)
        d->dirty = true; /* without memory the fleet stays as it was */
}

void demo_remove(struct demo *d, enum table_id table, const void *key)
{
    if (table_remove(d->tables[table], key) > 0)
        d->dirty = true;
}

void demo_event(struct demo *d, enum event_level level, const char *object, const char *what,
                const char *cause, const char *who)
{
    struct event_row r = {.id = d->next_event++,
                          .time_ms = d->now_ms,
                          .level = (uint8_t)level,
                          .object = demo_sym("%s", object),
                          .what = demo_sym("%s", what),
                          .cause = demo_sym("%s", cause),
                          .who = demo_sym("%s", who)};

    demo_put(d, TABLE_EVENTS, &r);
    if (table_count(d->tables[TABLE_EVENTS]) > DEMO_EVENTS_MAX) {
        struct event_row oldest = *(const struct event_row *)table_at(d->tables[TABLE_EVENTS], 0);
        demo_remove(d, TABLE_EVENTS, &oldest);
    }
}

uint64_t demo_alert(struct demo *d, const struct alert_row *like)
{
    struct alert_row r = *like;

    r.id = d->next_alert++;
    r.acked_by = text_intern(NULL);
    if (r.since_ms == 0)
        r.since_ms = d->now_ms;
    demo_put(d, TABLE_ALERTS, &r);
    return r.id;
}

void demo_alert_end(struct demo *d, uint64_t id)
{
    struct alert_row key = {.id = id};
    const struct alert_row *found = table_find(d->tables[TABLE_ALERTS], &key);

    if (!found || found->ended_ms)
        return;
    key = *found;
    key.ended_ms = d->now_ms;
    demo_put(d, TABLE_ALERTS, &key);
}

void demo_alert_end_of(struct demo *d, const char *view, uint64_t object_id)
{
    for (size_t i = 0; i < table_count(d->tables[TABLE_ALERTS]); i++) {
        const struct alert_row *r = table_at(d->tables[TABLE_ALERTS], i);
        if (r->object_id == object_id && strcmp(r->view, view) == 0)
            demo_alert_end(d, r->id);
    }
}
