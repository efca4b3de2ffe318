/*
 * The demo's tickets: steps that take plausible time, some that fail and undo themselves, and one
 * ticket for many VMs. Every eighth fails, by its number, so that a demonstration can be repeated.
 * Demo thread.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

enum { KEPT_MAX = 48, BULK_MS = 40, BULK_TURNS = 60, CREATE_ONLY = 3 };

struct step {
    const char *name;
    int ms;
};

struct course {
    struct step steps[DEMO_STEPS];
    unsigned fails_at; /* index of the step that may fail */
    const char *error; /* why; NULL: never fails */
};

#define BUSY "tap3: Device or resource busy (openvpn, pid 4711). Stop it, then try again"
#define SILENT "the guest did not answer on port 22 within 30 s. Its serial log tells more"
#define BOOT                                                                                       \
    {"tap", 2}, {"routes", 3}, {"firewall", 5}, {"QEMU", 60},                                      \
    {                                                                                              \
        "SSH in the guest", 1400                                                                   \
    }
#define END                                                                                        \
    {"QEMU ends", 900}, {"routes away", 3}, {"firewall and DNS away", 5},                          \
    {                                                                                              \
        "tap away", 40                                                                             \
    }

static const struct course courses[VERB_COUNT] = {
    [VERB_VM_CREATE] = {{{"name and addresses", 2}, {"disk", 11}, {"seed and keys", 9}, BOOT},
                        7,
                        SILENT},
    [VERB_VM_SET] = {{{"limits", 30}}, 0, NULL},
    [VERB_VM_START] = {{BOOT}, 0, BUSY},
    [VERB_VM_STOP] = {{END}, 0, NULL},
    [VERB_VM_RESTART] = {{{"QEMU ends", 900}, {"QEMU", 60}, {"SSH in the guest", 1400}}, 2, SILENT},
    [VERB_VM_PAUSE] = {{{"QEMU pauses", 40}}, 0, NULL},
    [VERB_VM_RESUME] = {{{"QEMU goes on", 40}}, 0, NULL},
    [VERB_VM_DELETE] = {{END, {"disk and keys away", 20}, {"name and addresses free", 3}}, 0, NULL},
    [VERB_PEER_ADD] = {{{"peers", 6}, {"routes into the mesh", 3}}, 0, NULL},
    [VERB_PEER_REMOVE] = {{{"routes away", 3}, {"peers", 6}}, 0, NULL},
    [VERB_PEER_TRY] = {{{"endpoint", 5}, {"handshake", 900}}, 0, NULL},
    [VERB_IMAGE_BUILD] =
        {{{"packages", 2500}, {"unpack", 1400}, {"image", 1800}, {"trial boot", 1600}}, 0, NULL},
    [VERB_IMAGE_DELETE] = {{{"file", 30}, {"record", 3}}, 0, NULL},
    [VERB_FLEET_MARK] = {{{"mark", 4}}, 0, NULL},
};

static unsigned steps_of(const struct demo_ticket *t)
{
    unsigned n = 0, most = DEMO_STEPS;

    if (t->verb == VERB_VM_CREATE && json_is_false(json_object_get(t->args, "start")))
        most = CREATE_ONLY;
    while (n < most && courses[t->verb].steps[n].name)
        n++;
    return n;
}

static bool is_bulk(const struct demo_ticket *t)
{
    return t->n_names > 1;
}

static void show(struct demo *d, struct demo_ticket *t)
{
    demo_put(d, TABLE_TICKETS, &t->row);
}

static void free_one(struct demo_ticket *t)
{
    json_decref(t->args);
    free(t->names);
    free(t->failed);
    free(t);
}

void demo_tickets_free(struct demo *d)
{
    while (d->tickets) {
        struct demo_ticket *t = d->tickets;
        d->tickets = t->next;
        free_one(t);
    }
}

/* Forgets the oldest ended ones past KEPT_MAX; their rows stay for a while longer. */
static void forget_old(struct demo *d)
{
    unsigned ended = 0;

    for (struct demo_ticket **at = &d->tickets; *at;) {
        struct demo_ticket *t = *at;
        if (t->over && ++ended > KEPT_MAX) {
            *at = t->next;
            free_one(t);
        } else {
            at = &t->next;
        }
    }
    while (table_count(d->tables[TABLE_TICKETS]) > DEMO_TICKETS_MAX) {
        struct ticket_row oldest =
            *(const struct ticket_row *)table_at(d->tables[TABLE_TICKETS], 0);
        demo_remove(d, TABLE_TICKETS, &oldest);
    }
}

static unsigned count_active(const struct demo *d)
{
    unsigned n = 0;

    for (const struct demo_ticket *t = d->tickets; t; t = t->next)
        n += !t->over;
    return n;
}

static void row_init(struct demo *d, struct demo_ticket *t, const char *word)
{
    struct ticket_row *r = &t->row;

    *r = (struct ticket_row){.id = d->next_ticket++,
                             .verb = demo_sym("%s", verbs[t->verb].name),
                             .state = TICKET_RUNNING,
                             .step_name = text_intern(NULL),
                             .error = text_intern(NULL),
                             .undone = text_intern(NULL),
                             .by = demo_sym("%s", d->who),
                             .started_ms = d->now_ms};
    r->object = is_bulk(t) ? demo_sym("%u VMs", t->n_names) : demo_sym("%s", t->names[0]);
    r->steps = is_bulk(t) ? t->n_names : steps_of(t);
    r->step = 1;
    r->step_name =
        is_bulk(t) ? demo_sym("%s", t->names[0]) : demo_sym("%s", courses[t->verb].steps[0].name);
    (void)snprintf(r->command, sizeof r->command, "%.12s %.32s", word, r->object);
}

static int step_ms(const struct demo *d, const struct demo_ticket *t, unsigned step)
{
    int ms = courses[t->verb].steps[step].ms;
    return ms + (int)(demo_hash(d, 70, t->row.id * DEMO_STEPS + step) % (unsigned)(ms / 3 + 1));
}

int demo_ticket_open(struct demo *d, enum verb_id verb, const char *word, json_t *args,
                     char (*names)[32], uint32_t n_names, uint64_t *ret_id, struct err *e)
{
    struct demo_ticket *t = count_active(d) < DEMO_ACTIVE_MAX ? calloc(1, sizeof *t) : NULL;
    uint8_t *failed = t ? calloc(n_names, 1) : NULL;

    if (!failed) {
        int code = t ? -ENOMEM : -EAGAIN;
        free(t);
        free(names);
        return err_set(e, ERR_AREA_CONTROL, code,
                       "busy: %d tickets are at work; try again in a moment", DEMO_ACTIVE_MAX);
    }
    t->verb = verb;
    t->names = names;
    t->n_names = n_names;
    t->failed = failed;
    t->args = json_incref(args);
    row_init(d, t, word);
    t->fails = t->row.id % 8 == 7 && courses[verb].error && !json_object_get(args, "retry");
    t->step_began_ms = d->now_ms;
    t->step_due_ms = d->now_ms + (is_bulk(t) ? BULK_MS : step_ms(d, t, 0));
    t->next = d->tickets;
    d->tickets = t;
    if (!is_bulk(t)) {
        demo_effect_begin(d, t, 0);
        t->n_begun = 1;
    }
    show(d, t);
    forget_old(d);
    *ret_id = t->row.id;
    return 0;
}

static void end(struct demo *d, struct demo_ticket *t, const char *error)
{
    char what[64];

    t->over = true;
    t->row.state = error ? TICKET_FAILED : TICKET_DONE;
    t->row.ended_ms = d->now_ms;
    if (error)
        t->row.error = demo_sym("%s", error);
    show(d, t);
    (void)snprintf(what, sizeof what, "%s %s", t->row.command, error ? "failed" : "done");
    bool of_vm = verbs[t->verb].name[0] == 'v';
    demo_event(d, error ? EVENT_WARN : EVENT_INFO,
               is_bulk(t) || !of_vm ? t->row.object : demo_sym("vm %s", t->row.object), what,
               demo_sym("ticket %llu", (unsigned long long)t->row.id), d->who);
}

static void fail(struct demo *d, struct demo_ticket *t, const char *error)
{
    unsigned undone = t->row.step - 1;

    demo_effect_undo(d, t, 0, error);
    t->row.undone = demo_sym("%u step%s undone", undone, undone == 1 ? " was" : "s were");
    end(d, t, error);
}

static void run_single(struct demo *d, struct demo_ticket *t)
{
    const struct course *c = &courses[t->verb];
    unsigned step = t->row.step - 1;

    t->step_ms[step] = (uint32_t)(d->now_ms - t->step_began_ms);
    if (t->fails && step == c->fails_at) {
        fail(d, t, c->error);
        return;
    }
    t->step_began_ms = d->now_ms;
    if (step + 1 < t->row.steps) {
        t->row.step++;
        t->row.step_name = demo_sym("%s", c->steps[step + 1].name);
        t->step_due_ms = d->now_ms + step_ms(d, t, step + 1);
        show(d, t);
        return;
    }
    demo_effect_end(d, t, 0);
    t->n_ended = 1;
    end(d, t, NULL);
}

/* A share of the names begins each turn, and what began the turn before ends. */
static void run_bulk(struct demo *d, struct demo_ticket *t)
{
    const struct course *c = &courses[t->verb];
    uint32_t share = t->n_names / BULK_TURNS + 1, upto = t->n_begun;
    char error[96];

    for (; t->n_ended < upto; t->n_ended++) {
        if (t->fails && c->error && t->n_ended % 5 == 3) {
            t->failed[t->n_ended] = 1;
            t->n_failed++;
            demo_effect_undo(d, t, t->n_ended, c->error);
        } else {
            demo_effect_end(d, t, t->n_ended);
        }
    }
    for (; t->n_begun < t->n_names && share > 0; share--)
        demo_effect_begin(d, t, t->n_begun++);
    t->row.step = t->n_ended < t->n_names ? t->n_ended + 1 : t->n_names;
    t->row.step_name = demo_sym("%s", t->names[t->row.step - 1]);
    t->step_due_ms = d->now_ms + BULK_MS * (t->n_names < BULK_TURNS ? 5 : 1);
    if (t->n_ended < t->n_names) {
        show(d, t);
        return;
    }
    (void)snprintf(error, sizeof error, "%u of %u failed: R tries them again", t->n_failed,
                   t->n_names);
    end(d, t, t->n_failed ? error : NULL);
}

void demo_tickets_run(struct demo *d)
{
    for (struct demo_ticket *t = d->tickets; t; t = t->next) {
        if (t->over || t->step_due_ms > d->now_ms)
            continue;
        if (is_bulk(t))
            run_bulk(d, t);
        else
            run_single(d, t);
    }
}

int demo_tickets_wait_ms(const struct demo *d)
{
    int64_t ms = -1;

    for (const struct demo_ticket *t = d->tickets; t; t = t->next) {
        int64_t left = t->step_due_ms - d->now_ms;
        if (!t->over && (ms < 0 || left < ms))
            ms = left < 0 ? 0 : left;
    }
    return (int)ms;
}

struct demo_ticket *demo_ticket_find(struct demo *d, uint64_t id)
{
    struct demo_ticket *t = d->tickets;

    while (t && t->row.id != id)
        t = t->next;
    return t;
}

void demo_ticket_cancel(struct demo *d, struct demo_ticket *t)
{
    if (!is_bulk(t)) {
        fail(d, t, demo_sym("cancelled by %s", d->who));
        return;
    }
    for (; t->n_ended < t->n_begun; t->n_ended++)
        demo_effect_undo(d, t, t->n_ended, "cancelled");
    end(d, t, demo_sym("cancelled by %s after %u of %u", d->who, t->n_ended, t->n_names));
}

static json_t *detail_entry(unsigned n, const char *name, const char *state, uint32_t ms)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:I}", "n", (int)n, "name", name, "detail", "", "state",
                     state, "ms", (json_int_t)ms);
}

/* Failures first. */
static void bulk_list(const struct demo_ticket *t, json_t *list)
{
    for (unsigned pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < t->n_names && json_array_size(list) < 2000; i++) {
            if ((t->failed[i] != 0) != (pass == 0))
                continue;
            const char *state = t->failed[i]     ? "failed"
                                : i < t->n_ended ? "done"
                                : i < t->n_begun ? "running"
                                                 : "waiting";
            json_array_append_new(list, detail_entry(i + 1, t->names[i], state, 0));
        }
}

static void step_list(const struct demo *d, const struct demo_ticket *t, json_t *list,
                      json_t *undone)
{
    bool failed = t->row.state == TICKET_FAILED;

    for (unsigned i = 0; i < t->row.steps; i++) {
        const char *name = courses[t->verb].steps[i].name;
        unsigned at = t->row.step - 1;
        const char *state = i > at    ? "waiting"
                            : i < at  ? (failed ? "undone" : "done")
                            : failed  ? "failed"
                            : t->over ? "done"
                                      : "running";
        uint32_t ms =
            i == at && !t->over ? (uint32_t)(d->now_ms - t->step_began_ms) : t->step_ms[i];
        json_array_append_new(list, detail_entry(i + 1, name, state, ms));
        if (failed && i < at)
            json_array_insert_new(undone, 0, json_string(name));
    }
}

/* Of a ticket from before the demo began. */
static void old_list(const struct ticket_row *row, json_t *list)
{
    enum verb_id verb = verb_find(row->verb);

    for (unsigned i = 0; i < row->steps && i < DEMO_STEPS && verb < VERB_COUNT; i++) {
        const char *name = courses[verb].steps[i].name;
        const char *state = i + 1 > row->step                                   ? "waiting"
                            : i + 1 == row->step && row->state == TICKET_FAILED ? "failed"
                                                                                : "done";
        json_array_append_new(list, detail_entry(i + 1, name ? name : row->step_name, state,
                                                 (uint32_t)courses[verb].steps[i].ms));
    }
}

json_t *demo_ticket_detail(struct demo *d, uint64_t id, struct err *e)
{
    struct ticket_row key = {.id = id};
    const struct ticket_row *row = table_find(d->tables[TABLE_TICKETS], &key);
    const struct demo_ticket *t = demo_ticket_find(d, id);
    json_t *list = json_array(), *undone = json_array(), *serial = NULL;

    if (!row) {
        json_decref(list);
        json_decref(undone);
        err_set(e, ERR_AREA_INPUT, -ENOENT, "there is no ticket %llu", (unsigned long long)id);
        return NULL;
    }
    if (t && is_bulk(t))
        bulk_list(t, list);
    else if (t)
        step_list(d, t, list, undone);
    else
        old_list(row, list);
    const struct vm_row *vm = demo_vm(d, row->object);
    serial = vm ? demo_vm_serial(d, vm, 4) : json_array();
    return json_pack("{s:o, s:o, s:o, s:o, s:s}", "ticket",
                     row_to_json(row_type_of(TABLE_TICKETS), row), "list", list, "undone", undone,
                     "serial", serial, "vm", vm ? vm->name : "");
}
