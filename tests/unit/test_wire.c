/* The control protocol: what is sent is what arrives, however it is cut; what is hostile is
 * refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "backend/engine.h"
#include "backend/engine/wire.h"
#include "backend/model/text.h"

enum { DEADLINE_MS = 20000 };

/* The other side: lines in, tables out. */
struct mirror {
    struct wire_in in;
    struct table *tables[TABLE_COUNT];
    struct snapshot_meta meta;
    size_t lines, longest, rows_apart;
    bool whole;
    size_t cut; /* bytes handed over at a time */
};

static void mirror_init(struct mirror *m, size_t cut)
{
    memset(m, 0, sizeof *m);
    wire_in_init(&m->in, WIRE_LINE_MAX);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        m->tables[i] = table_new(row_type_of((enum table_id)i));
    m->cut = cut;
}

static void mirror_done(struct mirror *m)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        table_free(m->tables[i]);
    wire_in_done(&m->in);
}

static void take_lines(struct mirror *m)
{
    struct err e = {0};
    json_t *line = NULL;
    bool more;
    int r;

    while ((r = wire_in_next(&m->in, &line, &e)) == 1) {
        assert_false(m->whole); /* nothing comes behind the whole picture */
        if (wire_apply(json_object_get(line, "snapshot"), m->tables, &m->meta, &more, &e) < 0)
            fail_msg("%s", e.text);
        m->whole = !more;
        m->lines++;
        json_decref(line);
    }
    if (r < 0)
        fail_msg("%s", e.text);
}

static int emit(const char *line, size_t len, void *arg)
{
    struct mirror *m = arg;

    m->longest = len > m->longest ? len : m->longest;
    assert_int_equal(line[len - 1], '\n');
    assert_null(memchr(line, '\n', len - 1));
    for (size_t at = 0; at < len;) {
        size_t room = 0, n = len - at < m->cut ? len - at : m->cut;
        char *to = wire_in_room(&m->in, n, &room);
        assert_non_null(to);
        assert_true(room >= n);
        memcpy(to, line + at, n);
        wire_in_added(&m->in, n);
        at += n;
        take_lines(m);
    }
    return 0;
}

static int count_change(enum table_change change, const void *row, void *arg)
{
    (void)change;
    (void)row;
    (*(size_t *)arg)++;
    return 0;
}

static void check_mirror(struct mirror *m, const struct snapshot *s)
{
    assert_true(m->whole);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        struct table_view *v = table_snapshot(m->tables[i]);
        size_t apart = 0;
        (void)table_diff(s->tables[i], v, count_change, &apart);
        assert_int_equal(apart, 0);
        assert_int_equal(v->n_rows, s->tables[i]->n_rows);
        table_view_unref(v);
    }
    assert_memory_equal(&m->meta.cpu, &s->meta.cpu, sizeof m->meta.cpu);
    assert_memory_equal(&m->meta.mesh_out, &s->meta.mesh_out, sizeof m->meta.mesh_out);
    assert_memory_equal(&m->meta.fleet_prefix, &s->meta.fleet_prefix, sizeof m->meta.fleet_prefix);
    assert_memory_equal(m->meta.public_key, s->meta.public_key, sizeof m->meta.public_key);
    assert_string_equal(m->meta.fleet, s->meta.fleet);
    assert_int_equal(m->meta.generation, s->meta.generation);
    assert_int_equal(m->meta.taken_ms, s->meta.taken_ms);
    assert_int_equal(m->meta.demo, s->meta.demo);
    assert_int_equal(m->meta.production, s->meta.production);
    assert_int_equal(m->meta.memory_bytes, s->meta.memory_bytes);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        assert_int_equal(m->meta.health[i].checked_ms, s->meta.health[i].checked_ms);
        assert_int_equal(m->meta.health[i].whole, s->meta.health[i].whole);
        assert_string_equal(m->meta.health[i].error, s->meta.health[i].error);
    }
}

static void send_demo(size_t cut)
{
    struct engine_options o = {.demo = {true, 20, 3000, 2000, 3, 0}};
    static const char *const kinds[] = {"tunnel", "disk", "node"};
    struct engine *en = NULL;
    static struct mirror m;

    assert_int_equal(engine_open(&o, &en, NULL), 0);
    struct snapshot *before = engine_snapshot(en);
    mirror_init(&m, cut);
    assert_int_equal(wire_snapshot(NULL, before, emit, &m), 0);
    assert_true(m.lines > 6000 / WIRE_ROWS);
    check_mirror(&m, before);
    for (unsigned round = 0; round < 5; round++) { /* deltas of a fleet that lives */
        uint64_t id;
        struct reply r;
        json_t *args = json_pack("{s:s}", "kind", kinds[round % ARRAY_LEN(kinds)]);
        assert_int_equal(engine_send(en, "incident", args, &id, NULL), 0);
        assert_int_equal(engine_wait(en, id, DEADLINE_MS, &r, NULL), 0);
        reply_done(&r);
        (void)usleep(120000); /* let the churn publish; less is fine as well */
        struct snapshot *after = engine_snapshot(en);
        m.whole = false;
        m.lines = 0;
        assert_int_equal(wire_snapshot(before, after, emit, &m), 0);
        check_mirror(&m, after);
        snapshot_unref(before);
        before = after;
    }
    m.whole = false;
    m.lines = m.longest = 0;
    assert_int_equal(wire_snapshot(before, before, emit, &m), 0); /* nothing but the meta */
    assert_int_equal(m.lines, 1);
    assert_true(m.longest < 8192);
    snapshot_unref(before);
    mirror_done(&m);
    engine_close(en, true);
}

static void test_snapshots(void **state)
{
    (void)state;
    send_demo(65536);
}

static void test_snapshots_in_pieces(void **state)
{
    (void)state;
    send_demo(1337);
}

static int stop(const char *line, size_t len, void *arg)
{
    (void)line;
    (void)len;
    return ++*(int *)arg == 2 ? 42 : 0;
}

static void test_emit_stops(void **state)
{
    struct engine_options o = {.demo = {true, 20, 3000, 0, 3, 0}};
    struct engine *en = NULL;
    int calls = 0;

    (void)state;
    assert_int_equal(engine_open(&o, &en, NULL), 0);
    struct snapshot *s = engine_snapshot(en);
    assert_int_equal(wire_snapshot(NULL, s, stop, &calls), 42);
    assert_int_equal(calls, 2);
    snapshot_unref(s);
    engine_close(en, true);
}

/* Feeds text and gives wire_in_next's first answer that is no line. */
static int feed(struct wire_in *in, const char *text, size_t len, unsigned *ret_lines)
{
    struct err e = {0};
    json_t *line = NULL;
    int r = 0;

    *ret_lines = 0;
    for (size_t at = 0; at < len && r == 0;) {
        size_t room, n = len - at < 4096 ? len - at : 4096;
        char *to = wire_in_room(in, n, &room);
        if (!to)
            return -EPROTO;
        memcpy(to, text + at, n);
        wire_in_added(in, n);
        at += n;
        while ((r = wire_in_next(in, &line, &e)) == 1) {
            (*ret_lines)++;
            json_decref(line);
        }
    }
    return r;
}

static void test_lines(void **state)
{
    static const struct {
        const char *text;
        int result;
        unsigned lines;
    } cases[] = {
        {"{\"a\":1}\n{\"b\":2}\n", 0, 2},
        {"{\"a\":1}\n{\"b\":", 0, 1},
        {"\n", -EPROTO, 0},
        {"[]\n", -EPROTO, 0},
        {"{\"a\":1,\"a\":2}\n", -EPROTO, 0},
        {"nul\n", -EPROTO, 0},
        {"{\"a\":\"\\u0000\"}\n", -EPROTO, 0},
        {"{\"a\":\"\xff\"}\n", -EPROTO, 0},
        {"3\n", -EPROTO, 0},
        {"{\"a\":1} x\n", -EPROTO, 0},
        {"{}\n{}\n\n", -EPROTO, 2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_in in;
        unsigned lines;
        wire_in_init(&in, 1000);
        assert_int_equal(feed(&in, cases[i].text, strlen(cases[i].text), &lines), cases[i].result);
        assert_int_equal(lines, cases[i].lines);
        wire_in_done(&in);
    }
}

static void test_limits(void **state)
{
    const size_t n = 300000;
    char *text = malloc(n);
    struct wire_in in;
    unsigned lines;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', n); /* a line that never ends */
    wire_in_init(&in, 100000);
    assert_int_equal(feed(&in, text, n, &lines), -EPROTO);
    wire_in_done(&in);
    memset(text, '[', n); /* depth */
    memcpy(text, "{\"a\":", 5);
    text[n - 1] = '\n';
    wire_in_init(&in, WIRE_LINE_MAX);
    assert_int_equal(feed(&in, text, n, &lines), -EPROTO);
    wire_in_done(&in);
    free(text);
}

static void test_hostile_snapshots(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"tables\": []}",
        "{\"tables\": {\"vms\": {\"put\": [3]}}}",
        "{\"tables\": {\"vms\": {\"put\": [{\"name\": 1}]}}}",
        "{\"tables\": {\"vms\": {\"remove\": [{\"state\": \"flying\"}]}}}",
        "{\"tables\": {\"routes\": {\"put\": [{\"dst\": \"x\"}]}}}",
        "{\"tables\": {}, \"meta\": {\"fleet\": \"a-name-longer-than-the-thirty-one-bytes\"}}",
        "{\"tables\": {}, \"meta\": {\"health\": {\"vms\": {\"tries\": 256}}}}",
        "{\"tables\": {}, \"meta\": {\"load\": {\"cpu\": {\"filled\": -1}}}}",
        "{\"tables\": {}, \"meta\": {\"load\": {\"cpu\": {\"cells\": [-1]}}}}",
        "{\"tables\": {}, \"meta\": {\"load\": {\"cpu\": {\"cells\": [1.5]}}}}",
        "{\"tables\": {}, \"meta\": []}",
        "[]",
    };
    static struct mirror m;
    bool more;

    (void)state;
    mirror_init(&m, 1);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        json_t *j = json_loads(bad[i], 0, NULL);
        assert_non_null(j);
        if (wire_apply(j, m.tables, &m.meta, &more, &e) >= 0)
            fail_msg("taken: %s", bad[i]);
        assert_true(e.text[0]);
        json_decref(j);
    }
    json_t *j =
        json_loads("{\"tables\": {\"unheard\": 3, \"vms\": {\"put\": [{\"name\": \"a\\u001b\"}]}},"
                   " \"meta\": {\"fleet\": \"x\\u009b\", \"load\": {\"cpu\": {\"filled\": 99,"
                   " \"cells\": [1, 2]}}}}",
                   0, NULL);
    assert_int_equal(wire_apply(j, m.tables, &m.meta, &more, NULL), 0);
    assert_false(more);
    assert_string_equal(((const struct vm_row *)table_at(m.tables[TABLE_VMS], 0))->name, "a?");
    assert_string_equal(m.meta.fleet, "x?");
    assert_true(m.meta.cpu.filled <= LOAD_CELLS);
    json_decref(j);
    mirror_done(&m);
}

static json_t *parsed(char *line)
{
    assert_non_null(line);
    size_t len = strlen(line);
    assert_int_equal(line[len - 1], '\n');
    json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    free(line);
    return j;
}

static void test_replies(void **state)
{
    struct reply r = {.request = 7, .fd = -1, .body = json_pack("{s:i}", "ticket", 41)}, back;
    struct err e = {0};
    bool has_fd;

    (void)state;
    json_t *j = parsed(wire_reply(&r));
    assert_int_equal(wire_reply_parse(j, &back, &has_fd, &e), 0);
    json_decref(j);
    assert_int_equal(back.request, 7);
    assert_int_equal(back.code, 0);
    assert_false(has_fd);
    assert_true(json_equal(back.body, r.body));
    reply_done(&back);
    reply_done(&r);

    r = (struct reply){.request = 8, .code = -EBUSY, .fd = 3, .text = "tap3: busy"};
    j = parsed(wire_reply(&r));
    assert_int_equal(wire_reply_parse(j, &back, &has_fd, &e), 0);
    json_decref(j);
    assert_int_equal(back.code, -EBUSY);
    assert_string_equal(back.text, "tap3: busy");
    assert_true(has_fd);
    assert_int_equal(back.fd, -1);
    reply_done(&back);

    static const struct {
        const char *line;
        int result, code;
    } odd[] = {
        {"{}", -EPROTO, 0},
        {"{\"id\": \"x\"}", -EPROTO, 0},
        {"{\"id\": -1}", -EPROTO, 0},
        {"{\"id\": 1, \"ok\": false, \"code\": 5}", 0, -EPROTO},
        {"{\"id\": 1, \"ok\": false, \"code\": -99999999}", 0, -EPROTO},
        {"{\"id\": 1, \"ok\": 1, \"error\": [1], \"body\": null}", 0, -EPROTO},
        {"{\"id\": 1, \"ok\": false, \"error\": \"a\\u001b[2J\"}", 0, -EPROTO},
    };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        j = json_loads(odd[i].line, 0, NULL);
        assert_int_equal(wire_reply_parse(j, &back, &has_fd, &e), odd[i].result);
        json_decref(j);
        if (odd[i].result < 0)
            continue;
        assert_int_equal(back.code, odd[i].code);
        assert_null(strchr(back.text, '\033'));
        reply_done(&back);
    }
}

static void test_requests(void **state)
{
    json_t *args = json_pack("{s:[s]}", "names", "web1");
    json_t *j = parsed(wire_request(9, "vm.start", args));

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(j, "id")), 9);
    assert_string_equal(json_string_value(json_object_get(j, "verb")), "vm.start");
    assert_true(json_equal(json_object_get(j, "args"), args));
    json_decref(j);
    json_decref(args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshots),  cmocka_unit_test(test_snapshots_in_pieces),
        cmocka_unit_test(test_emit_stops), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_hostile_snapshots),
        cmocka_unit_test(test_replies),    cmocka_unit_test(test_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
