/* Commands on their way and their answers. Console thread; never waits. */
#include "tui/requests.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tui/state.h"
#include "tui/tickets.h"
#include "widgets/xmem.h"

enum { REQUESTS_MAX = 256 };

struct pending {
    uint64_t id;
    request_fn *fn;
    const void *owner;
    bool changes;
};

struct requests {
    struct pending at[REQUESTS_MAX];
    size_t n;
};

struct requests *requests_new(void)
{
    return xmem_new(1, sizeof(struct requests));
}

void requests_free(struct requests *q)
{
    free(q);
}

static uint64_t dispatch(struct console *c, const char *verb, json_t *args, request_fn *fn, void *owner,
                     bool changes)
{
    struct requests *q = c->requests;
    struct err e = {0};
    uint64_t id = 0;

    if (q->n == REQUESTS_MAX) {
        json_decref(args);
        console_say_error(c, "busy: %d commands wait for the engine. Try again in a moment.",
                          REQUESTS_MAX);
        return 0;
    }
    if (engine_send(c->en_b, verb, args, &id, &e) < 0) {
        console_say_error(c, "%s was not taken: %s", verb, e.text);
        return 0;
    }
    q->at[q->n++] = (struct pending){id, fn, owner, changes};
    return id;
}

uint64_t request_send(struct console *c, const char *verb, json_t *args, request_fn *fn,
                      void *owner)
{
    return dispatch(c, verb, args, fn, owner, false);
}

uint64_t request_change(struct console *c, const char *verb, json_t *args, request_fn *fn,
                        void *owner)
{
    return dispatch(c, verb, args, fn, owner, true);
}

void request_forget(struct console *c, const void *owner)
{
    for (size_t i = 0; i < c->requests->n; i++)
        if (c->requests->at[i].owner == owner)
            c->requests->at[i].fn = NULL;
}

static bool take(struct requests *q, uint64_t id, struct pending *ret)
{
    for (size_t i = 0; i < q->n; i++)
        if (q->at[i].id == id) {
            *ret = q->at[i];
            q->n--;
            memmove(&q->at[i], &q->at[i + 1], (q->n - i) * sizeof q->at[0]);
            return true;
        }
    return false;
}

void request_deliver(struct console *c)
{
    struct reply r = {.fd = -1};
    struct pending p;

    while (engine_take_reply(c->en_b, &r)) {
        c->dirty = true;
        if (r.request == 0) {
            if (r.text[0])
                console_say(c, "%s", r.text);
        } else if (take(c->requests, r.request, &p)) {
            json_t *ticket = r.code == 0 ? json_object_get(r.body, "ticket") : NULL;
            if (p.changes && json_is_integer(ticket))
                tickets_own(c, (uint64_t)json_integer_value(ticket));
            if (p.changes && r.code < 0)
                console_say_error(c, "%s", r.text);
            if (p.fn)
                p.fn(c, (void *)(uintptr_t)p.owner, &r);
        }
        reply_done(&r);
        r = (struct reply){.fd = -1};
    }
}
