/*
 * Commands in, answers out: the check against the verb table, the refusal of changes to read-only
 * ends, and the hand-over to the handler of the verb. Engine thread.
 */
#include "backend/engine/core.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/handlers.h"
#include "backend/model/text.h"

struct client *client_ref(struct client *c)
{
    c->refs++;
    return c;
}

void client_unref(struct client *c)
{
    if (c && --c->refs == 0)
        free(c);
}

void request_drop(struct request *r)
{
    client_unref(r->client);
    json_decref(r->args);
    free(r);
}

static void request_answer(struct request *r, struct reply *reply)
{
    reply->request = r->id;
    if (r->client->gone)
        reply_done(reply);
    else
        r->client->deliver(r->client, reply);
    request_drop(r);
}

void request_ok_take(struct request *r, json_t *body)
{
    struct reply reply = {.body = body, .fd = -1};
    request_answer(r, &reply);
}

void request_stream_take(struct request *r, int fd)
{
    struct reply reply = {.fd = fd};
    request_answer(r, &reply);
}

void request_fail(struct request *r, const struct err *e)
{
    struct reply reply = {.code = e->code ? e->code : -EIO, .fd = -1};

    str_copy(reply.text, sizeof reply.text, e->text);
    request_answer(r, &reply);
}

const char *request_text(const struct request *r, const char *arg)
{
    return json_string_value(json_object_get(r->args, arg));
}

uint64_t request_uint(const struct request *r, const char *arg, uint64_t otherwise)
{
    const json_t *v = json_object_get(r->args, arg);
    return v ? (uint64_t)json_integer_value(v) : otherwise;
}

bool request_bool(const struct request *r, const char *arg, bool otherwise)
{
    const json_t *v = json_object_get(r->args, arg);
    return v ? json_is_true(v) : otherwise;
}

/* What this command may not do here, if anything. */
static int request_refused(const struct request *r, struct err *e)
{
    const struct verb *v = &verbs[r->verb];
    const struct core *c = r->core;

    if (c->closing)
        return err_set(e, ERR_AREA_CONTROL, -ESHUTDOWN, "the engine is ending");
    if (!v->writes || request_bool(r, "dry_run", false))
        return 0;
    if (r->client->read_only)
        return err_set(e, ERR_AREA_CONTROL, -EROFS,
                       "%s: this console is read-only; open one without --read-only", v->name);
    if (!c->set.may_change)
        return err_set(e, ERR_AREA_CONTROL, -EPERM, "%s: %s", v->name, c->meta.read_only_why);
    return 0;
}

static void request_run(struct request *r)
{
    struct err e = {0};

    if (request_refused(r, &e) == 0 && !handlers[r->verb])
        err_set(&e, ERR_AREA_INPUT, -EOPNOTSUPP, "%s works in the demo only", verbs[r->verb].name);
    if (e.code)
        request_fail(r, &e);
    else
        handlers[r->verb](r);
}

void core_release_held(struct core *c)
{
    struct request *r = c->held;

    c->held = NULL;
    c->held_tail = &c->held;
    while (r) {
        struct request *next = r->next;
        request_run(r);
        r = next;
    }
}

void core_take_command(struct core *c, struct client *from, uint64_t id, int verb, json_t *args)
{
    struct request *r = calloc(1, sizeof *r);
    struct err e = {0};

    if (r && !args)
        args = json_object();
    if (!r || !args) {
        struct reply lost = {.request = id, .code = -ENOMEM, .text = "out of memory", .fd = -1};
        json_decref(args);
        free(r);
        from->deliver(from, &lost);
        return;
    }
    *r = (struct request){NULL, c, client_ref(from), id, (enum verb_id)verb, args};
    if (verb < 0 || verb >= VERB_COUNT)
        err_set(&e, ERR_AREA_INPUT, -EINVAL, "no such command");
    else
        (void)verb_check(r->verb, args, &e);
    if (e.code) {
        request_fail(r, &e);
    } else if (c->meta.engine_ready || c->closing) {
        request_run(r);
    } else {
        *c->held_tail = r;
        c->held_tail = &r->next;
    }
}
