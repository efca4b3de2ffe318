/* ticket.detail, ticket.cancel and ticket.retry: what an operator may ask of a ticket. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "backend/engine/core.h"
#include "backend/engine/handlers.h"
#include "backend/engine/job_internal.h"
#include "backend/engine/keep.h"
#include "backend/engine/vms.h"
#include "backend/model/text.h"

static const char *const entry_state_names[] = {"waiting", "running", "done", "failed", "undone"};

json_t *job_to_json(const struct job *j)
{
    json_t *list = json_array(), *body = json_object();

    for (unsigned i = 0; i < j->n; i++) {
        const struct job_entry *en = &j->entries[i];
        int64_t ms = en->state == ENTRY_RUNNING ? (int64_t)uv_now(&j->core->loop) - en->began_ms
                                                : en->ms;
        json_array_append_new(list,
                              json_pack("{s:i, s:s, s:s, s:s, s:I}", "n", (int)i + 1, "name",
                                        en->name, "detail", en->detail ? en->detail : "", "state",
                                        entry_state_names[en->state], "ms", (json_int_t)ms));
    }
    json_object_set_new(body, "ticket", row_to_json(row_type_of(TABLE_TICKETS), &j->row));
    json_object_set_new(body, "list", list);
    json_object_set(body, "undone", j->undone);
    return body;
}

static void no_ticket(struct request *r, uint64_t id)
{
    struct err e = {0};
    err_set(&e, ERR_AREA_INPUT, -ENOENT, "there is no ticket %llu", (unsigned long long)id);
    request_fail(r, &e);
}

void ticket_detail_request(struct request *r)
{
    uint64_t id = request_uint(r, "id", 0);
    struct ticket_row key = {.id = id};
    const struct ticket_row *row = table_find(r->core->tables[TABLE_TICKETS], &key);
    const struct job *j = job_find(r->core, id);

    if (!row) {
        no_ticket(r, id);
        return;
    }
    json_t *body = j ? job_to_json(j)
                     : json_pack("{s:o, s:[], s:[]}", "ticket",
                                 row_to_json(row_type_of(TABLE_TICKETS), row), "list", "undone");
    vms_add_serial_tail(r->core, row->object, body);
    request_ok_take(r, body);
}

void ticket_cancel_request(struct request *r)
{
    uint64_t id = request_uint(r, "id", 0);
    struct job *j = job_find(r->core, id);
    struct err e = {0};

    if (!j) {
        no_ticket(r, id);
    } else if (!job_cancel_by(j, r->client->who)) {
        err_set(&e, ERR_AREA_INPUT, -EALREADY, "ticket %llu is past the point where it can be undone",
                (unsigned long long)id);
        request_fail(r, &e);
    } else {
        request_ok_take(r, NULL);
    }
}

/* A failed ticket is tried again by sending the same command again, as the one who asks now. */
static void ticket_again(void *arg, const char *verb, json_t *args, const struct err *e)
{
    struct request *r = arg;
    struct err mine = *e;

    if (!mine.code && verb_find(verb) == VERB_COUNT)
        err_set(&mine, ERR_AREA_INPUT, -ENOENT, "that ticket came from no command; nothing to retry");
    if (mine.code) {
        request_fail(r, &mine);
        return;
    }
    core_take_command(r->core, r->client, r->id, (int)verb_find(verb), json_incref(args));
    request_drop(r);
}

void ticket_retry_request(struct request *r)
{
    uint64_t id = request_uint(r, "id", 0);
    struct ticket_row key = {.id = id};
    const struct ticket_row *row = table_find(r->core->tables[TABLE_TICKETS], &key);
    struct err e = {0};

    if (!row) {
        no_ticket(r, id);
    } else if (row->state != TICKET_FAILED) {
        err_set(&e, ERR_AREA_INPUT, -EINVAL, "ticket %llu has not failed", (unsigned long long)id);
        request_fail(r, &e);
    } else {
        keep_ticket_command(r->core, id, ticket_again, r);
    }
}
