/* The simulated fleet: one seed one picture, silence, tickets, every verb, streams, incidents. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "backend/engine.h"
#include "backend/engine/verbs.h"
#include "backend/model/stream.h"
#include "backend/model/text.h"

enum { DEADLINE_MS = 20000 };

static struct engine *open_demo(uint32_t nodes, uint32_t vms, uint32_t churn, uint32_t seed)
{
    struct engine_options o = {.who = "ops1",
                               .demo = {true, nodes, vms, churn, seed, 1763733600000}};
    struct engine *en = NULL;
    struct err e = {0};

    if (engine_open(&o, &en, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(engine_end(en), ENGINE_DEMO);
    return en;
}

static struct reply ask(struct engine *en, const char *verb, json_t *args)
{
    struct reply r = {.fd = -1};
    struct err e = {0};
    uint64_t id = 0;

    if (engine_send(en, verb, args, &id, &e) < 0)
        fail_msg("%s: %s", verb, e.text);
    if (engine_wait(en, id, DEADLINE_MS, &r, &e) < 0)
        fail_msg("%s: %s", verb, e.text);
    return r;
}

static const void *row_named(const struct snapshot *s, enum table_id table, const char *name)
{
    struct view_cursor c = {0, 0};
    const void *row;

    while ((row = view_next(s->tables[table], &c)))
        if (strcmp((const char *)row + 8, name) == 0) /* id, then name, in every named row */
            return row;
    return NULL;
}

/* Waits until the ticket has ended and gives its state. */
static uint8_t ticket_end(struct engine *en, uint64_t id)
{
    struct ticket_row key = {.id = id};
    const struct timespec pause = {0, 10000000};

    for (unsigned i = 0; i < DEADLINE_MS / 10; i++) {
        struct snapshot *s = engine_snapshot(en);
        const struct ticket_row *t = view_find(s->tables[TABLE_TICKETS], &key);
        uint8_t state = t ? t->state : TICKET_ACCEPTED;
        snapshot_unref(s);
        if (state == TICKET_DONE || state == TICKET_FAILED)
            return state;
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("ticket %llu does not end", (unsigned long long)id);
    return 0;
}

static uint64_t ticket_of(struct reply *r)
{
    if (r->code < 0)
        fail_msg("refused: %s", r->text);
    uint64_t id = (uint64_t)json_integer_value(json_object_get(r->body, "ticket"));
    assert_true(id > 0);
    reply_done(r);
    return id;
}

static int differ(enum table_change change, const void *row, void *arg)
{
    (void)change;
    (void)row;
    (*(unsigned *)arg)++;
    return 0;
}

static unsigned difference(struct snapshot *a, struct snapshot *b)
{
    unsigned n = 0;

    for (unsigned i = 0; i < TABLE_COUNT; i++)
        (void)table_diff(a->tables[i], b->tables[i], differ, &n);
    return n;
}

static void test_one_seed_one_picture(void **state)
{
    struct engine *a = open_demo(20, 4000, 0, 7), *b = open_demo(20, 4000, 0, 7);
    struct engine *other = open_demo(20, 4000, 0, 8);
    struct snapshot *sa = engine_snapshot(a), *sb = engine_snapshot(b),
                    *so = engine_snapshot(other);

    (void)state;
    assert_int_equal(difference(sa, sb), 0);
    assert_true(difference(sa, so) > 1000);
    assert_memory_equal(&sa->meta.cpu, &sb->meta.cpu, sizeof sa->meta.cpu);
    snapshot_unref(sa);
    snapshot_unref(sb);
    snapshot_unref(so);
    engine_close(a, false);
    engine_close(b, false);
    engine_close(other, false);
}

/* The whole fleet, as the manual's picture has it. */
static void test_picture(void **state)
{
    struct engine *en = open_demo(0, 0, 0, 1);
    struct snapshot *s = engine_snapshot(en);
    char text[ADDR_TEXT];
    unsigned crit = 0, warn = 0;
    static uint8_t taken[65536];

    (void)state;
    assert_int_equal(s->tables[TABLE_VMS]->n_rows, 64000);
    assert_int_equal(s->tables[TABLE_NODES]->n_rows, 255);
    assert_int_equal(s->tables[TABLE_ROUTES]->n_rows, 64000);
    const struct vm_row *vm = row_named(s, TABLE_VMS, "web-00056");
    assert_non_null(vm);
    assert_int_equal(vm->state, VM_STATE_FAILED);
    assert_string_equal(vm->node, "n137");
    assert_string_equal(addr_format(&vm->ip4, false, text), "10.210.136.29");
    assert_string_equal(addr_format(&vm->ip6, false, text), "fd5e:ed68:d54d:89:0:2:0:38");
    assert_string_equal(((const struct vm_row *)row_named(s, TABLE_VMS, "web-00038"))->node,
                        "n011");
    struct view_cursor c = {0, 0};
    const struct vm_row *r;
    while ((r = view_next(s->tables[TABLE_VMS], &c))) { /* every address once */
        uint32_t at = addr_ip4_host(&r->ip4) & 0xffff;
        assert_int_equal(taken[at], 0);
        taken[at] = 1;
        assert_int_equal(strtoul(r->node + 1, NULL, 10), (at >> 8) + 1);
    }
    for (size_t i = 0; i < s->tables[TABLE_ALERTS]->n_rows; i++) {
        const struct alert_row *a = view_at(s->tables[TABLE_ALERTS], i);
        crit += a->level == ALERT_CRIT;
        warn += a->level == ALERT_WARN;
    }
    assert_int_equal(crit, 4);
    assert_int_equal(warn, 11);
    snapshot_unref(s);
    engine_close(en, false);
}

static void test_silence(void **state)
{
    struct engine *en = open_demo(10, 2000, 0, 1);
    const struct timespec pause = {1, 300000000};
    struct pollfd p = {engine_fd(en), POLLIN, 0};

    (void)state;
    engine_drain(en);
    struct snapshot *a = engine_snapshot(en);
    int64_t beat = engine_heartbeat_ms(en);
    (void)nanosleep(&pause, NULL);
    struct snapshot *b = engine_snapshot(en);
    assert_ptr_equal(a, b); /* nothing was published */
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_true(engine_heartbeat_ms(en) > beat); /* but it lives */
    snapshot_unref(a);
    snapshot_unref(b);
    engine_close(en, false);
}

static void test_churn(void **state)
{
    struct engine *en = open_demo(10, 2000, 500, 1);
    struct snapshot *first = engine_snapshot(en);
    unsigned changed = 0;

    (void)state;
    for (unsigned i = 0; i < 200 && changed < 200; i++) {
        struct pollfd p = {engine_fd(en), POLLIN, 0};
        assert_int_not_equal(poll(&p, 1, DEADLINE_MS), 0);
        engine_drain(en);
        struct snapshot *s = engine_snapshot(en);
        changed = difference(first, s);
        assert_int_equal(s->tables[TABLE_VMS]->n_rows, 2000);
        snapshot_unref(s);
    }
    assert_true(changed >= 200);
    snapshot_unref(first);
    engine_close(en, false);
}

static void test_life_of_a_vm(void **state)
{
    struct engine *en = open_demo(3, 300, 0, 1);

    (void)state;
    struct reply r = ask(en, "vm.create", json_pack("{s:s, s:b}", "name", "vm1", "dry_run", 1));
    assert_int_equal(r.code, 0);
    assert_int_equal(json_array_size(json_object_get(r.body, "plan")), 8);
    assert_int_equal(json_array_size(json_object_get(r.body, "errors")), 0);
    reply_done(&r);
    r = ask(en, "vm.create", json_pack("{s:s, s:[s]}", "name", "vm1", "ports", "8080:80"));
    assert_int_equal(ticket_end(en, ticket_of(&r)), TICKET_DONE);
    struct snapshot *s = engine_snapshot(en);
    const struct vm_row *vm = row_named(s, TABLE_VMS, "vm1");
    assert_int_equal(vm->state, VM_STATE_RUNNING);
    assert_string_equal(vm->ports, "8080:80/tcp");
    assert_true(vm->tap[0] && vm->pid);
    unsigned routes = 0;
    for (size_t i = 0; i < s->tables[TABLE_ROUTES]->n_rows; i++) {
        const struct route_row *route = view_at(s->tables[TABLE_ROUTES], i);
        routes += strcmp(route->owner, "vm vm1") == 0 && strcmp(route->dev, vm->tap) == 0;
    }
    assert_int_equal(routes, 2);
    snapshot_unref(s);
    static const char *const verbs_in_turn[] = {"vm.pause", "vm.resume", "vm.stop", "vm.delete"};
    for (size_t i = 0; i < ARRAY_LEN(verbs_in_turn); i++) {
        r = ask(en, verbs_in_turn[i], json_pack("{s:[s]}", "names", "vm1"));
        uint64_t id = ticket_of(&r);
        if (ticket_end(en, id) != TICKET_DONE) { /* some fail, on purpose */
            r = ask(en, "ticket.retry", json_pack("{s:I}", "id", (json_int_t)id));
            assert_int_equal(ticket_end(en, ticket_of(&r)), TICKET_DONE);
        }
    }
    s = engine_snapshot(en);
    assert_null(row_named(s, TABLE_VMS, "vm1"));
    assert_int_equal(s->tables[TABLE_VMS]->n_rows, 300);
    snapshot_unref(s);
    engine_close(en, false);
}

static void test_refusals(void **state)
{
    struct engine *en = open_demo(3, 300, 0, 1);
    struct snapshot *s = engine_snapshot(en);
    const struct vm_row *vm = view_at(s->tables[TABLE_VMS], 0);
    static const struct {
        const char *field, *value;
    } bad[] = {{"image", "nonesuch"},
               {"network", "nonesuch"},
               {"node", "n999"},
               {"ip", "10.210.7.9"},
               {"ip", "hello"}};

    (void)state;
    struct reply r = ask(en, "vm.create", json_pack("{s:s}", "name", vm->name));
    assert_int_equal(r.code, -EEXIST);
    assert_true(strstr(r.text, "exists on"));
    reply_done(&r);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        r = ask(
            en, "vm.create",
            json_pack("{s:s, s:s, s:b}", "name", "vm1", bad[i].field, bad[i].value, "dry_run", 1));
        const json_t *error = json_array_get(json_object_get(r.body, "errors"), 0);
        assert_string_equal(json_string_value(json_object_get(error, "field")), bad[i].field);
        reply_done(&r);
    }
    r = ask(en, "vm.create", json_pack("{s:s, s:[s,s]}", "name", "vm1", "ports", "70000:1", "x"));
    assert_int_equal(r.code, -EINVAL);
    reply_done(&r);
    r = ask(en, "vm.start", json_pack("{s:[s]}", "names", "no-such-vm"));
    assert_int_equal(r.code, -ENOENT);
    reply_done(&r);
    r = ask(en, "incident", json_pack("{s:s}", "kind", "flood"));
    assert_int_equal(r.code, -EINVAL);
    reply_done(&r);
    struct err e = {0};
    assert_int_equal(engine_send(en, "vm.explode", NULL, NULL, &e), -EINVAL);
    assert_int_equal(engine_send(en, "vm.start", NULL, NULL, &e), -EINVAL);
    snapshot_unref(s);
    engine_close(en, false);
}

static void test_bulk_and_failure(void **state)
{
    struct engine *en = open_demo(4, 1000, 0, 1);
    struct snapshot *s = engine_snapshot(en);
    json_t *names = json_array();
    unsigned failed = 0, done = 0;

    (void)state;
    for (size_t i = 0; i < 1000 && json_array_size(names) < 200; i++) {
        const struct vm_row *vm = view_at(s->tables[TABLE_VMS], i);
        if (vm->state == VM_STATE_RUNNING)
            json_array_append_new(names, json_string(vm->name));
    }
    snapshot_unref(s);
    struct reply r = ask(en, "vm.stop", json_pack("{s:O}", "names", names));
    uint64_t id = ticket_of(&r);
    assert_int_equal(ticket_end(en, id), TICKET_DONE);
    r = ask(en, "ticket.detail", json_pack("{s:I}", "id", (json_int_t)id));
    assert_int_equal(json_array_size(json_object_get(r.body, "list")), 200);
    reply_done(&r);
    s = engine_snapshot(en);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(((const struct vm_row *)row_named(
                              s, TABLE_VMS, json_string_value(json_array_get(names, i))))
                             ->state,
                         VM_STATE_STOPPED);
    snapshot_unref(s);
    uint64_t ids[16];
    for (size_t i = 0; i < 16; i++) {
        r = ask(en, "vm.start",
                json_pack("{s:[s]}", "names", json_string_value(json_array_get(names, i))));
        ids[i] = ticket_of(&r);
    }
    for (size_t i = 0; i < 16; i++) {
        bool ok = ticket_end(en, ids[i]) == TICKET_DONE;
        done += ok;
        failed += !ok;
    }
    assert_int_equal(failed, 2);
    assert_int_equal(done, 14);
    json_decref(names);
    engine_close(en, false);
}

/* Something to say to every verb of the table; none may be left without an answer. */
static void test_every_verb(void **state)
{
    struct engine *en = open_demo(255, 2000, 0, 1);
    struct snapshot *s = engine_snapshot(en);
    const struct vm_row *vm = NULL;

    (void)state;
    for (size_t i = 0; i < 2000 && (!vm || vm->state != VM_STATE_RUNNING); i++)
        vm = view_at(s->tables[TABLE_VMS], i);
    const struct route_row *route = view_at(s->tables[TABLE_ROUTES], 5);
    const struct event_row *event = view_at(s->tables[TABLE_EVENTS], 0);
    const struct ticket_row *ticket = view_at(s->tables[TABLE_TICKETS], 0);
    const struct alert_row *alert = view_at(s->tables[TABLE_ALERTS], 0);
    const struct {
        enum verb_id verb;
        json_t *args;
        const char *has; /* in the body; NULL: nothing; "fd" */
        int code;
    } asked[] = {
        {VERB_VM_CREATE, json_pack("{s:s}", "name", "vm1"), "ticket", 0},
        {VERB_VM_SET, json_pack("{s:s, s:i}", "name", vm->name, "cpus", 2), "needs_restart", 0},
        {VERB_VM_START, json_pack("{s:[s]}", "names", vm->name), NULL, -EALREADY},
        {VERB_VM_RESUME, json_pack("{s:[s]}", "names", vm->name), NULL, -EALREADY},
        {VERB_VM_DETAIL, json_pack("{s:s}", "name", vm->name), "history", 0},
        {VERB_VM_SHELL, json_pack("{s:s, s:i, s:i}", "name", vm->name, "cols", 80, "rows", 24),
         "fd", 0},
        {VERB_VM_EXEC, json_pack("{s:s, s:[s]}", "name", vm->name, "argv", "true"), "fd", 0},
        {VERB_VM_SERIAL, json_pack("{s:s}", "name", vm->name), "fd", 0},
        {VERB_VM_LOG, json_pack("{s:s}", "name", vm->name), "lines", 0},
        {VERB_VM_PAUSE, json_pack("{s:[s]}", "names", vm->name), "ticket", 0},
        {VERB_VM_RESTART, json_pack("{s:[s], s:b}", "names", vm->name, "dry_run", 1), "plan", 0},
        {VERB_VM_STOP, json_pack("{s:[s]}", "names", vm->name), "ticket", 0},
        {VERB_VM_DELETE, json_pack("{s:[s], s:b}", "names", "no-vm", "dry_run", 1), NULL, -ENOENT},
        {VERB_PEER_ADD,
         json_pack("{s:s, s:s}", "name", "laptop", "public_key",
                   "AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk="),
         "ticket", 0},
        {VERB_PEER_REMOVE, json_pack("{s:s}", "name", "n100"), "ticket", 0},
        {VERB_PEER_DETAIL, json_pack("{s:s}", "name", "n044"), "lines", 0},
        {VERB_PEER_TRY, json_pack("{s:s}", "name", "n044"), "ticket", 0},
        {VERB_ROUTE_DETAIL, json_pack("{s:I}", "id", (json_int_t)route->id), "command", 0},
        {VERB_NETWORK_DETAIL, json_pack("{s:s}", "name", "mesh"), "members", 0},
        {VERB_NODE_DETAIL, json_pack("{s:s}", "name", "n112"), "lines", 0},
        {VERB_IMAGE_BUILD, json_object(), "ticket", 0},
        {VERB_IMAGE_DETAIL, json_pack("{s:s}", "name", "builtin"), "users", 0},
        {VERB_IMAGE_DELETE, json_pack("{s:s}", "name", "builtin"), NULL, -EBUSY},
        {VERB_EVENT_DETAIL, json_pack("{s:I}", "id", (json_int_t)event->id), "lines", 0},
        {VERB_TICKET_DETAIL, json_pack("{s:I}", "id", (json_int_t)ticket->id), "list", 0},
        {VERB_TICKET_CANCEL, json_pack("{s:I}", "id", (json_int_t)ticket->id), NULL, -ENOENT},
        {VERB_TICKET_RETRY, json_pack("{s:I}", "id", (json_int_t)ticket->id), NULL, -ENOENT},
        {VERB_ALERT_ACK, json_pack("{s:I}", "id", (json_int_t)alert->id), NULL, 0},
        {VERB_WHY, json_pack("{s:s, s:s}", "view", "vms", "object", "web-00056"), "lines", 0},
        {VERB_FLEET_MARK, json_pack("{s:s}", "mark", "production"), "ticket", 0},
        {VERB_TABLE_REREAD, json_pack("{s:s}", "table", "routes"), NULL, 0},
        {VERB_UNIT_ENABLE, json_object(), NULL, 0},
        {VERB_PLAN, json_object(), "plan", 0},
        {VERB_INCIDENT, json_pack("{s:s}", "kind", "tunnel"), NULL, 0},
    };
    assert_int_equal(ARRAY_LEN(asked), VERB_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        struct reply r = ask(en, verbs[asked[i].verb].name, asked[i].args);
        if (r.code != asked[i].code)
            fail_msg("%s: %d %s", verbs[asked[i].verb].name, r.code, r.text);
        assert_int_equal(r.code < 0, r.text[0] != '\0');
        if (asked[i].has && strcmp(asked[i].has, "fd") == 0)
            assert_true(r.fd >= 0);
        else if (asked[i].has && !json_object_get(r.body, asked[i].has))
            fail_msg("%s has no %s", verbs[asked[i].verb].name, asked[i].has);
        reply_done(&r);
    }
    snapshot_unref(s);
    engine_close(en, false);
}

static void test_read_only(void **state)
{
    struct engine_options o = {.read_only = true, .demo = {true, 2, 20, 0, 1, 0}};
    struct engine *en = NULL;

    (void)state;
    assert_int_equal(engine_open(&o, &en, NULL), 0);
    struct reply r = ask(en, "vm.create", json_pack("{s:s}", "name", "vm1"));
    assert_int_equal(r.code, -EPERM);
    reply_done(&r);
    r = ask(en, "network.detail", json_pack("{s:s}", "name", "mesh"));
    assert_int_equal(r.code, 0);
    reply_done(&r);
    engine_close(en, true);
}

static void next_frame(int fd, struct stream_frame *f)
{
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
        int r = stream_recv(fd, f);
        if (r != -EAGAIN) {
            assert_int_equal(r, 0);
            return;
        }
    }
}

/* All that is shown until a text comes, or the stream ends. */
static void read_until(int fd, const char *text, char *all, size_t cap)
{
    static struct stream_frame f;
    size_t len = 0;

    all[0] = '\0';
    while (!strstr(all, text)) {
        next_frame(fd, &f);
        assert_true(f.type == STREAM_OUT || f.type == STREAM_ERR);
        assert_true(len + f.len < cap);
        memcpy(all + len, f.bytes, f.len);
        len += f.len;
        all[len] = '\0';
    }
}

static void test_streams(void **state)
{
    struct engine *en = open_demo(2, 40, 0, 1);
    struct snapshot *s = engine_snapshot(en);
    static struct stream_frame f;
    struct stream_exit x;
    char all[8192];
    const struct vm_row *vm = NULL;

    (void)state;
    for (size_t i = 0; i < 40 && (!vm || vm->state != VM_STATE_RUNNING); i++)
        vm = view_at(s->tables[TABLE_VMS], i);
    struct reply r =
        ask(en, "vm.exec", json_pack("{s:s, s:[s,s]}", "name", vm->name, "argv", "uname", "-n"));
    read_until(r.fd, vm->name, all, sizeof all);
    next_frame(r.fd, &f);
    assert_true(stream_exit_of(&f, &x));
    assert_true(x.has_status && x.status == 0);
    reply_done(&r);
    r = ask(en, "vm.exec", json_pack("{s:s, s:[s]}", "name", vm->name, "argv", "frobnicate"));
    next_frame(r.fd, &f);
    assert_int_equal(f.type, STREAM_ERR);
    next_frame(r.fd, &f);
    assert_true(stream_exit_of(&f, &x));
    assert_int_equal(x.status, 127);
    reply_done(&r);
    r = ask(en, "vm.shell", json_pack("{s:s, s:i, s:i}", "name", vm->name, "cols", 80, "rows", 24));
    read_until(r.fd, "simulated", all, sizeof all);
    assert_int_equal(stream_send(r.fd, STREAM_IN, "\033[Aecho he\177ello\r", 16), 0);
    read_until(r.fd, "\r\nhello\r\n", all, sizeof all);
    assert_int_equal(stream_send(r.fd, STREAM_IN, "exit\r", 5), 0);
    do
        next_frame(r.fd, &f);
    while (f.type == STREAM_OUT);
    assert_int_equal(f.type, STREAM_EXIT);
    reply_done(&r);
    snapshot_unref(s);
    engine_close(en, false);
}

static void test_incidents(void **state)
{
    static const char *const kinds[] = {"tunnel", "node", "disk", "flush"};
    struct engine *en = open_demo(20, 4000, 0, 1);

    (void)state;
    struct snapshot *s = engine_snapshot(en);
    size_t before = s->tables[TABLE_ALERTS]->n_rows;
    snapshot_unref(s);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct reply r = ask(en, "incident", json_pack("{s:s}", "kind", kinds[i]));
        assert_int_equal(r.code, 0);
        reply_done(&r);
    }
    char down[32] = "";
    const struct timespec pause = {0, 10000000};
    for (unsigned n = 0; n < DEADLINE_MS / 10; n++) { /* until they are published */
        s = engine_snapshot(en);
        size_t now = s->tables[TABLE_ALERTS]->n_rows;
        for (size_t i = 0; now == before + 4 && i < now; i++) {
            const struct alert_row *a = view_at(s->tables[TABLE_ALERTS], i);
            if (strcmp(a->verdict, "down") == 0) {
                assert_true(a->vms > 0 && a->level == ALERT_CRIT);
                (void)str_copy(down, sizeof down, a->object);
            }
        }
        snapshot_unref(s);
        if (down[0])
            break;
        (void)nanosleep(&pause, NULL);
    }
    assert_true(down[0]);
    struct reply r = ask(en, "peer.try", json_pack("{s:s}", "name", down));
    assert_int_equal(ticket_end(en, ticket_of(&r)), TICKET_DONE);
    s = engine_snapshot(en);
    assert_int_equal(((const struct peer_row *)row_named(s, TABLE_PEERS, down))->verdict,
                     PEER_HEALTHY);
    snapshot_unref(s);
    engine_close(en, false);
}

static void test_bad_options(void **state)
{
    struct engine_options o = {.demo = {true, 256, 1, 0, 1, 0}};
    struct engine *en = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(engine_open(&o, &en, &e), -ERANGE);
    o.demo.nodes = 2;
    o.demo.vms = 507;
    assert_int_equal(engine_open(&o, &en, &e), -ERANGE);
    assert_true(strstr(e.text, "506"));
    o.demo.vms = 506;
    assert_int_equal(engine_open(&o, &en, &e), 0);
    engine_close(en, false);
    engine_close(NULL, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_seed_one_picture),
        cmocka_unit_test(test_picture),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_churn),
        cmocka_unit_test(test_life_of_a_vm),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bulk_and_failure),
        cmocka_unit_test(test_every_verb),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_incidents),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
