/* Commands to the demo: refused, carried out by a ticket, or answered at once. Demo thread. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

static void refuse(struct reply *r, int code, const struct err *e)
{
    r->code = code;
    str_copy(r->text, sizeof r->text, e->text);
}

static const char *arg_text(const struct mail *m, const char *name)
{
    const char *s = json_string_value(json_object_get(m->args, name));
    return s ? s : "";
}

/* May this be done to a VM in that state? NULL: yes, else why not. */
static const char *why_not(enum verb_id verb, const struct vm_row *r)
{
    bool rests = r->state == VM_STATE_STOPPED || r->state == VM_STATE_FAILED;
    bool busy = r->state == VM_STATE_STARTING || r->state == VM_STATE_STOPPING ||
                r->state == VM_STATE_MOVING;

    if (r->state == VM_STATE_UNKNOWN)
        return "is unknown: nothing is done to what cannot be seen";
    if (busy && verb != VERB_VM_STOP)
        return "is changing: wait for its ticket";
    if (verb == VERB_VM_START && !rests)
        return r->state == VM_STATE_PAUSED ? "is paused: let it go on" : "runs already";
    if ((verb == VERB_VM_STOP || verb == VERB_VM_RESTART) && rests)
        return "is stopped already";
    if (verb == VERB_VM_PAUSE && r->state != VM_STATE_RUNNING)
        return "does not run";
    if (verb == VERB_VM_RESUME && r->state != VM_STATE_PAUSED)
        return "is not paused";
    return NULL;
}

static const char *word_of(enum verb_id verb)
{
    const char *dot = strchr(verbs[verb].name, '.');
    return dot ? dot + 1 : verbs[verb].name;
}

static void open_ticket(struct demo *d, const struct mail *m, char (*names)[32], uint32_t n,
                        const char *word, struct reply *r)
{
    struct err e = {0};
    uint64_t id = 0;
    int code = demo_ticket_open(d, (enum verb_id)m->verb, word, m->args, names, n, &id, &e);

    if (code < 0) {
        refuse(r, code, &e);
        return;
    }
    if (!r->body)
        r->body = json_object();
    json_object_set_new(r->body, "ticket", json_integer((json_int_t)id));
}

static void open_one(struct demo *d, const struct mail *m, const char *name, const char *word,
                     struct reply *r)
{
    char(*names)[32] = calloc(1, sizeof *names);
    struct err e = {0};

    if (!names) {
        refuse(r, -ENOMEM, (err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory"), &e));
        return;
    }
    str_copy(names[0], sizeof names[0], name);
    open_ticket(d, m, names, 1, word, r);
}

static void dry_run(const char *step, const char *command, struct reply *r)
{
    r->body = json_pack("{s:[{s:s, s:[s]}], s:[], s:b}", "plan", "step", step, "commands", command,
                        "errors", "touches_way_in", 0);
}

static bool is_dry(const struct mail *m)
{
    return json_is_true(json_object_get(m->args, "dry_run"));
}

/* start, stop, restart, pause, resume, delete: those of the names that it applies to. */
static void on_vms(struct demo *d, const struct mail *m, struct reply *r)
{
    const json_t *list = json_object_get(m->args, "names");
    char(*names)[32] = calloc(json_array_size(list), sizeof *names), text[96];
    struct err e = {0};
    const char *why = NULL, *last = "";
    uint32_t n = 0;
    json_t *item;
    size_t i;

    if (!names) {
        refuse(r, -ENOMEM, (err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory"), &e));
        return;
    }
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(item);
        const struct vm_row *vm = demo_vm(d, name);
        if (!vm) {
            err_set(&e, ERR_AREA_INPUT, -ENOENT, "%s: there is no such VM", name);
            break;
        }
        const char *not = why_not((enum verb_id)m->verb, vm);
        if (not ) {
            why = not ;
            last = name;
        } else {
            str_copy(names[n++], sizeof names[0], name);
        }
    }
    if (e.code == 0 && n == 0)
        err_set(&e, ERR_AREA_INPUT, -EALREADY, "%s %s", last, why ? why : "");
    if (e.code < 0 || is_dry(m)) {
        (void)snprintf(text, sizeof text, "%s %s%s", word_of((enum verb_id)m->verb),
                       n ? names[0] : "", n > 1 ? " and others" : "");
        free(names);
        if (e.code < 0)
            refuse(r, e.code, &e);
        else
            dry_run(word_of((enum verb_id)m->verb), text, r);
        return;
    }
    open_ticket(d, m, names, n, word_of((enum verb_id)m->verb), r);
}

static void vm_create(struct demo *d, const struct mail *m, struct reply *r)
{
    json_t *errors = json_array();
    struct vm_row row = demo_create_row(d, m->args, errors);
    char ip4[ADDR_TEXT], ip6[ADDR_TEXT];

    addr_format(&row.ip4, false, ip4);
    addr_format(&row.ip6, false, ip6);
    if (is_dry(m)) {
        r->body = json_pack("{s:o, s:o, s:b, s:f, s:s, s:s, s:s}", "plan",
                            demo_create_plan(d, &row), "errors", errors, "touches_way_in", 0,
                            "seconds", 1.6, "name", row.name, "ip4", ip4, "ip6", ip6);
        return;
    }
    const json_t *first = json_array_get(errors, 0);
    if (first) {
        struct err e = {0};
        bool taken = strcmp(json_string_value(json_object_get(first, "field")), "name") == 0;
        err_set(&e, ERR_AREA_INPUT, taken ? -EEXIST : -EINVAL, "%s",
                json_string_value(json_object_get(first, "text")));
        refuse(r, e.code, &e);
    } else {
        r->body = json_pack("{s:s, s:s, s:s}", "name", row.name, "ip4", ip4, "ip6", ip6);
        open_one(d, m, row.name, "create", r);
    }
    json_decref(errors);
}

static void vm_set(struct demo *d, const struct mail *m, struct reply *r)
{
    const struct vm_row *vm = demo_vm(d, arg_text(m, "name"));
    struct err e = {0};

    if (!vm) {
        refuse(r,
               err_set(&e, ERR_AREA_INPUT, -ENOENT, "%s: there is no such VM", arg_text(m, "name")),
               &e);
        return;
    }
    const json_t *gib = json_object_get(m->args, "disk_gib");
    if (gib && json_integer_value(gib) < (json_int_t)vm->disk_gib) {
        refuse(r,
               err_set(&e, ERR_AREA_INPUT, -EINVAL, "%s: its disk has %u GiB and can only grow",
                       vm->name, vm->disk_gib),
               &e);
        return;
    }
    bool runs = vm->state == VM_STATE_RUNNING;
    if (is_dry(m))
        dry_run("limits", "limits of the VM, at its next start", r);
    else
        open_one(d, m, vm->name, "set", r);
    if (r->body)
        json_object_set_new(r->body, "needs_restart", json_boolean(runs));
}

static int peer_add_check(struct demo *d, const struct mail *m, struct err *e)
{
    json_t *one = json_object();
    struct peer_row want;

    json_object_set(one, "public_key", json_object_get(m->args, "public_key"));
    int code = row_from_json(row_type_of(TABLE_PEERS), one, &want, e);
    json_decref(one);
    if (code < 0)
        return err_set(e, ERR_AREA_INPUT, -EINVAL,
                       "the key is 32 bytes in base64, 44 characters with = last");
    if (demo_peer(d, arg_text(m, "name")))
        return err_set(e, ERR_AREA_INPUT, -EEXIST, "%s: there is such a peer already",
                       arg_text(m, "name"));
    for (size_t i = 0; i < table_count(d->tables[TABLE_PEERS]); i++) {
        const struct peer_row *p = table_at(d->tables[TABLE_PEERS], i);
        if (memcmp(p->public_key, want.public_key, sizeof want.public_key) == 0)
            return err_set(e, ERR_AREA_INPUT, -EEXIST, "the key is %s's", p->name);
    }
    if (memcmp(d->meta.public_key, want.public_key, sizeof want.public_key) == 0)
        return err_set(e, ERR_AREA_INPUT, -EEXIST, "the key is this node's own");
    struct endpoint ep;
    if (arg_text(m, "endpoint")[0])
        code = addr_endpoint_parse(arg_text(m, "endpoint"), &ep, e);
    size_t i;
    json_t *word;
    json_array_foreach(json_object_get(m->args, "allowed_ips"), i, word)
    {
        struct addr a;
        code = code < 0 ? code : addr_parse(json_string_value(word), true, &a, e);
        for (size_t k = 0; code == 0 && k < table_count(d->tables[TABLE_PEERS]); k++) {
            const struct peer_row *p = table_at(d->tables[TABLE_PEERS], k);
            const char *at = strstr(p->allowed_ips, json_string_value(word));
            if (at && strcspn(at, " ") == strlen(json_string_value(word)))
                code = err_set(e, ERR_AREA_INPUT, -EEXIST, "%s is %s's", json_string_value(word),
                               p->name);
        }
    }
    return code;
}

static void peer_add(struct demo *d, const struct mail *m, struct reply *r)
{
    struct err e = {0};
    int code = peer_add_check(d, m, &e);

    if (is_dry(m)) {
        char text[96];
        (void)snprintf(text, sizeof text, "wg set mesh0 peer %.44s", arg_text(m, "public_key"));
        dry_run("peers", text, r);
        if (code < 0)
            json_array_append_new(json_object_get(r->body, "errors"),
                                  json_pack("{s:s, s:s}", "field", "public_key", "text", e.text));
    } else if (code < 0) {
        refuse(r, code, &e);
    } else {
        open_one(d, m, arg_text(m, "name"), "peer add", r);
    }
}

/* peer.remove, peer.try, image.delete: by the name of one object that must be there. */
static void on_object(struct demo *d, const struct mail *m, struct reply *r)
{
    const char *name = arg_text(m, "name");
    struct image_row key = {.id = 0};
    struct err e = {0};
    bool image = m->verb == VERB_IMAGE_DELETE;
    const struct image_row *i = image && str_copy(key.name, sizeof key.name, name)
                                    ? table_find(d->tables[TABLE_IMAGES], &key)
                                    : NULL;

    if (image ? !i : !demo_peer(d, name))
        err_set(&e, ERR_AREA_INPUT, -ENOENT, "%s: there is no such %s", name,
                image ? "image" : "peer");
    else if (i && i->used_by > 0)
        err_set(&e, ERR_AREA_INPUT, -EBUSY, "%s is used by %u VMs: delete those first", name,
                i->used_by);
    if (e.code < 0)
        refuse(r, e.code, &e);
    else if (is_dry(m))
        dry_run(verbs[m->verb].name, name, r);
    else
        open_one(d, m, name, verbs[m->verb].name, r);
}

static void alert_ack(struct demo *d, const struct mail *m, struct reply *r)
{
    struct alert_row key = {.id = (uint64_t)json_integer_value(json_object_get(m->args, "id"))};
    const struct alert_row *found = table_find(d->tables[TABLE_ALERTS], &key);
    struct err e = {0};

    if (!found) {
        refuse(r,
               err_set(&e, ERR_AREA_INPUT, -ENOENT, "there is no alert %llu",
                       (unsigned long long)key.id),
               &e);
        return;
    }
    if (found->acked) {
        refuse(r, err_set(&e, ERR_AREA_INPUT, -EALREADY, "%s has it already", found->acked_by), &e);
        return;
    }
    key = *found;
    key.acked = 1;
    key.acked_by = demo_sym("%s", d->who);
    demo_put(d, TABLE_ALERTS, &key);
    demo_event(d, EVENT_INFO, key.object, "alert taken", "operator", d->who);
}

static void ticket_act(struct demo *d, const struct mail *m, struct reply *r)
{
    uint64_t id = (uint64_t)json_integer_value(json_object_get(m->args, "id"));
    struct demo_ticket *t = demo_ticket_find(d, id);
    struct err e = {0};

    if (!t) {
        err_set(&e, ERR_AREA_INPUT, -ENOENT, "ticket %llu is not there, or from before the demo",
                (unsigned long long)id);
    } else if (m->verb == VERB_TICKET_CANCEL) {
        if (t->over)
            err_set(&e, ERR_AREA_INPUT, -EALREADY, "ticket %llu has ended", (unsigned long long)id);
        else
            demo_ticket_cancel(d, t);
    } else if (t->row.state != TICKET_FAILED) {
        err_set(&e, ERR_AREA_INPUT, -EINVAL, "ticket %llu has not failed", (unsigned long long)id);
    } else {
        json_t *args = json_deep_copy(t->args);
        struct mail again = {m->request, (int)t->verb, args ? args : json_object()};
        json_object_set_new(again.args, "retry", json_true());
        demo_answer(d, &again, r);
        json_decref(again.args);
        return;
    }
    if (e.code < 0)
        refuse(r, e.code, &e);
}

static void stream(struct demo *d, const struct mail *m, struct reply *r)
{
    const struct vm_row *vm = demo_vm(d, arg_text(m, "name"));
    struct err e = {0};
    int fd;

    if (!vm)
        fd = err_set(&e, ERR_AREA_INPUT, -ENOENT, "%s: there is no such VM", arg_text(m, "name"));
    else if (vm->state != VM_STATE_RUNNING && m->verb != VERB_VM_SERIAL)
        fd = err_set(&e, ERR_AREA_INPUT, -ENOTCONN, "%s is %s: only a running VM has a shell",
                     vm->name, vm_state_names[vm->state]);
    else if (m->verb == VERB_VM_EXEC)
        fd = demo_exec_open(d, vm, json_object_get(m->args, "argv"), &e);
    else
        fd = demo_shell_open(d, vm, m->verb == VERB_VM_SERIAL, &e);
    if (fd < 0)
        refuse(r, fd, &e);
    else
        r->fd = fd;
}

static void table_reread(struct demo *d, const struct mail *m, struct reply *r)
{
    enum table_id id = row_table_find(arg_text(m, "table"));
    struct err e = {0};

    if (id == TABLE_COUNT) {
        refuse(r,
               err_set(&e, ERR_AREA_INPUT, -ENOENT, "%s: there is no such table",
                       arg_text(m, "table")),
               &e);
        return;
    }
    d->meta.health[id].checked_ms = d->now_ms;
    d->dirty = true;
}

static void fleet_mark(struct demo *d, const struct mail *m, struct reply *r)
{
    const char *mark = arg_text(m, "mark");
    struct err e = {0};

    if (strcmp(mark, "production") != 0 && strcmp(mark, "normal") != 0)
        refuse(r,
               err_set(&e, ERR_AREA_INPUT, -EINVAL, "%s: the mark is production or normal", mark),
               &e);
    else
        open_one(d, m, mark, "mark", r);
}

/* What is answered from the tables, without a change. */
static void look(struct demo *d, const struct mail *m, struct reply *r)
{
    struct err e = {0};

    if (m->verb == VERB_WHY)
        r->body = demo_why(d, arg_text(m, "view"), arg_text(m, "object"), &e);
    else if (m->verb == VERB_TICKET_DETAIL)
        r->body =
            demo_ticket_detail(d, (uint64_t)json_integer_value(json_object_get(m->args, "id")), &e);
    else
        r->body = demo_detail(d, (enum verb_id)m->verb, m->args, &e);
    if (!r->body)
        refuse(r, e.code ? e.code : -ENOMEM, &e);
}

typedef void answer_fn(struct demo *d, const struct mail *m, struct reply *r);

static void unit_enable(struct demo *d, const struct mail *m, struct reply *r)
{
    (void)m;
    (void)r;
    d->meta.headless_enabled = true; /* in the picture only */
    d->dirty = true;
}

static void incident(struct demo *d, const struct mail *m, struct reply *r)
{
    struct err e = {0};
    int code = demo_incident(d, arg_text(m, "kind"), &e);

    if (code < 0)
        refuse(r, code, &e);
}

static void image_build(struct demo *d, const struct mail *m, struct reply *r)
{
    open_one(d, m, "builtin", "build", r);
}

/* Nobody but the demo changes the simulated fleet, so it never drifts. */
static void plan(struct demo *d, const struct mail *m, struct reply *r)
{
    (void)d;
    (void)m;
    r->body = json_pack("{s:[], s:[s]}", "plan", "notes", "simulated: this is a demonstration");
}

static answer_fn *const answers[VERB_COUNT] = {
    [VERB_VM_CREATE] = vm_create,
    [VERB_VM_SET] = vm_set,
    [VERB_VM_START] = on_vms,
    [VERB_VM_STOP] = on_vms,
    [VERB_VM_RESTART] = on_vms,
    [VERB_VM_PAUSE] = on_vms,
    [VERB_VM_RESUME] = on_vms,
    [VERB_VM_DELETE] = on_vms,
    [VERB_VM_DETAIL] = look,
    [VERB_VM_SHELL] = stream,
    [VERB_VM_EXEC] = stream,
    [VERB_VM_SERIAL] = stream,
    [VERB_VM_LOG] = look,
    [VERB_PEER_ADD] = peer_add,
    [VERB_PEER_REMOVE] = on_object,
    [VERB_PEER_DETAIL] = look,
    [VERB_PEER_TRY] = on_object,
    [VERB_ROUTE_DETAIL] = look,
    [VERB_NETWORK_DETAIL] = look,
    [VERB_NODE_DETAIL] = look,
    [VERB_IMAGE_BUILD] = image_build,
    [VERB_IMAGE_DETAIL] = look,
    [VERB_IMAGE_DELETE] = on_object,
    [VERB_EVENT_DETAIL] = look,
    [VERB_TICKET_DETAIL] = look,
    [VERB_TICKET_CANCEL] = ticket_act,
    [VERB_TICKET_RETRY] = ticket_act,
    [VERB_ALERT_ACK] = alert_ack,
    [VERB_WHY] = look,
    [VERB_FLEET_MARK] = fleet_mark,
    [VERB_TABLE_REREAD] = table_reread,
    [VERB_UNIT_ENABLE] = unit_enable,
    [VERB_PLAN] = plan,
    [VERB_INCIDENT] = incident,
};

void demo_answer(struct demo *d, const struct mail *m, struct reply *r)
{
    struct err e = {0};

    if (d->meta.read_only && verbs[m->verb].writes && !is_dry(m))
        refuse(r,
               err_set(&e, ERR_AREA_CONTROL, -EPERM, "%s is refused: this console is read-only",
                       verbs[m->verb].name),
               &e);
    else if (answers[m->verb])
        answers[m->verb](d, m, r);
    else
        refuse(r,
               err_set(&e, ERR_AREA_INPUT, -EOPNOTSUPP, "%s: the demo does not have it",
                       verbs[m->verb].name),
               &e);
}
