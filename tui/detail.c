/* What the engine tells about one object, kept fresh. Console thread. */
#include "tui/detail.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tui/requests.h"
#include "tui/state.h"
#include "widgets/xmem.h"

enum { DETAIL_AGAIN_MS = 2000 };

static void detail_take(struct console *c, void *owner, struct reply *r)
{
    struct detail *d = owner;

    (void)c;
    d->request = 0;
    if (r->code < 0) {
        xmem_copy_text(d->error, sizeof d->error, r->text);
        return;
    }
    d->error[0] = '\0';
    json_decref(d->body);
    d->body = r->body;
    r->body = NULL;
}

static void ask(struct console *c, struct detail *d)
{
    json_t *args;

    if (strcmp(d->verb, "vm.log") == 0)
        args = json_pack("{s:s, s:i}", "name", d->name, "lines", 2000);
    else if (strncmp(d->verb, "why ", 4) == 0)
        args = json_pack("{s:s, s:s}", "view", d->verb + 4, "object", d->name);
    else
        args = d->id ? json_pack("{s:I}", "id", (json_int_t)d->id)
                     : json_pack("{s:s}", "name", d->name);
    d->asked_ms = c->now_ms;
    d->asked_stamp = d->stamp;
    d->request = request_send(c, strncmp(d->verb, "why ", 4) == 0 ? "why" : d->verb, args,
                              detail_take, d);
}

void detail_want(struct console *c, struct detail *d, const char *verb, const char *name,
                 uint64_t id, uint64_t stamp)
{
    if (strcmp(d->verb, verb) != 0 || strcmp(d->name, name) != 0 || d->id != id) {
        detail_done(c, d);
        xmem_copy_text(d->verb, sizeof d->verb, verb);
        xmem_copy_text(d->name, sizeof d->name, name);
        d->id = id;
        d->stamp = stamp;
        ask(c, d);
        return;
    }
    d->stamp = stamp;
    if (d->request || d->stamp == d->asked_stamp)
        return;
    if (c->now_ms - d->asked_ms >= DETAIL_AGAIN_MS || c->now_ms < d->asked_ms)
        ask(c, d);
}

void detail_done(struct console *c, struct detail *d)
{
    request_forget(c, d);
    json_decref(d->body);
    memset(d, 0, sizeof *d);
}

int detail_wait_ms(const struct console *c, const struct detail *d)
{
    if (!d->verb[0] || d->request || d->stamp == d->asked_stamp)
        return -1;
    int64_t due = d->asked_ms + DETAIL_AGAIN_MS - c->now_ms;
    return due < 1 ? 1 : due > DETAIL_AGAIN_MS ? DETAIL_AGAIN_MS : (int)due;
}

const char *detail_text(const struct detail *d, const char *field)
{
    const char *s = json_string_value(json_object_get(d->body, field));

    return s ? s : "";
}

int64_t detail_number(const struct detail *d, const char *field, int64_t otherwise)
{
    const json_t *v = json_object_get(d->body, field);

    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

json_t *detail_array(const struct detail *d, const char *field)
{
    json_t *v = json_object_get(d->body, field);

    return json_is_array(v) ? v : NULL;
}

unsigned detail_series(const struct detail *d, const char *group, const char *field, double *out,
                       unsigned cap)
{
    const json_t *a = json_object_get(json_object_get(d->body, group), field);
    size_t n = json_array_size(a), from = n > cap ? n - cap : 0;

    for (size_t i = from; i < n; i++)
        out[i - from] = json_number_value(json_array_get(a, i));
    return (unsigned)(n - from);
}

uint64_t detail_stamp(const void *row, unsigned long size)
{
    const unsigned char *p = row;
    uint64_t h = 14695981039346656037u;

    for (unsigned long i = 0; i < size; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h;
}
