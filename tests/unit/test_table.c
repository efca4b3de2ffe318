/* Tables against a plain model: random operations, views that stay as they were, diffs that
 * rebuild. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/model/rows.h"
#include "backend/model/table.h"
#include "backend/model/text.h"

enum { KEYS = 3000 };

/* The plain model: alert rows, ordered by id, so the key is an index. */
struct model {
    bool there[KEYS];
    struct alert_row rows[KEYS];
};

static uint32_t rnd_state = 12345;

static uint32_t rnd(uint32_t below)
{
    rnd_state ^= rnd_state << 13;
    rnd_state ^= rnd_state >> 17;
    rnd_state ^= rnd_state << 5;
    return rnd_state % below;
}

static struct alert_row alert(uint32_t key, uint32_t vms)
{
    const char *none = text_intern(NULL);
    return (struct alert_row){.id = key + 1,
                              .vms = vms,
                              .object = none,
                              .view = none,
                              .verdict = none,
                              .sentence = none,
                              .acked_by = none};
}

static void check_view(const struct table_view *v, const struct model *m)
{
    struct view_cursor c = {0, 0};
    size_t index = 0;

    for (uint32_t k = 0; k < KEYS; k++) {
        struct alert_row key = alert(k, 0);
        bool found;
        size_t at = view_index_of(v, &key, &found);
        assert_int_equal(found, m->there[k]);
        assert_int_equal(at, index);
        if (!found) {
            assert_null(view_find(v, &key));
            continue;
        }
        const struct alert_row *row = view_at(v, index);
        assert_true(row_equal(v->type, row, &m->rows[k]));
        assert_ptr_equal(view_find(v, &key), row);
        assert_ptr_equal(view_next(v, &c), row);
        index++;
    }
    assert_int_equal(index, v->n_rows);
    assert_null(view_at(v, index));
    assert_null(view_next(v, &c));
}

static void one_operation(struct table *t, struct model *m, uint32_t bias)
{
    uint32_t k = rnd(KEYS);
    struct alert_row row = alert(k, rnd(4));
    bool changed;

    if (rnd(100) < bias) {
        bool want = !m->there[k] || !row_equal(row_type_of(TABLE_ALERTS), &row, &m->rows[k]);
        uint64_t version = table_version(t);
        assert_int_equal(table_put(t, &row, &changed), 0);
        assert_int_equal(changed, want);
        assert_int_equal(table_version(t) != version, want);
        m->there[k] = true;
        m->rows[k] = row;
    } else {
        assert_int_equal(table_remove(t, &row), m->there[k] ? 1 : 0);
        m->there[k] = false;
    }
}

static void test_random(void **state)
{
    static struct model now, then[16];
    struct table_view *views[16] = {0};
    struct table *t = table_new(row_type_of(TABLE_ALERTS));

    (void)state;
    for (unsigned round = 0; round < 96; round++) {
        uint32_t bias = round % 32 < 16 ? 80 : 15; /* grow, then shrink */
        for (unsigned i = 0; i < 500; i++)
            one_operation(t, &now, bias);
        unsigned slot = round % 16;
        if (views[slot]) {
            check_view(views[slot], &then[slot]);
            table_view_unref(views[slot]);
        }
        views[slot] = table_snapshot(t);
        then[slot] = now;
        check_view(views[slot], &now);
        size_t n = 0;
        for (uint32_t k = 0; k < KEYS; k++)
            if (now.there[k])
                assert_true(row_equal(row_type_of(TABLE_ALERTS), table_at(t, n++), &now.rows[k]));
        assert_int_equal(n, table_count(t));
        assert_null(table_at(t, n));
    }
    table_free(t);
    for (unsigned i = 0; i < 16; i++) { /* views outlive their table */
        check_view(views[i], &then[i]);
        table_view_unref(views[i]);
    }
}

struct replay {
    struct table *t;
    size_t puts, removes;
    const void *last;
};

static int replay_change(enum table_change change, const void *row, void *arg)
{
    struct replay *r = arg;

    if (r->last)
        assert_true(row_type_of(TABLE_ALERTS)->compare(r->last, row) < 0);
    r->last = row;
    if (change == TABLE_REMOVED) {
        r->removes++;
        assert_int_equal(table_remove(r->t, row), 1);
    } else {
        bool changed;
        r->puts++;
        assert_int_equal(table_put(r->t, row, &changed), 0);
        assert_true(changed);
    }
    return 0;
}

static void check_same(const struct table_view *a, const struct table_view *b)
{
    assert_int_equal(a->n_rows, b->n_rows);
    for (size_t i = 0; i < a->n_rows; i++)
        assert_true(row_equal(a->type, view_at(a, i), view_at(b, i)));
}

static void test_diff(void **state)
{
    static struct model m;
    struct table *t = table_new(row_type_of(TABLE_ALERTS));
    struct table *copy = table_new(row_type_of(TABLE_ALERTS));
    struct table_view *before = NULL;

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        unsigned n = round % 3 == 0 ? 2000 : round % 3 == 1 ? 3 : 0;
        for (unsigned i = 0; i < n; i++)
            one_operation(t, &m, round < 30 ? 85 : 20);
        struct table_view *after = table_snapshot(t);
        struct replay r = {.t = copy};
        assert_int_equal(table_diff(before, after, replay_change, &r), 0);
        assert_true(n > 0 || r.puts + r.removes == 0);
        struct table_view *mirror = table_snapshot(copy);
        check_same(after, mirror);
        table_view_unref(mirror);
        table_view_unref(before);
        before = after;
    }
    table_view_unref(before);
    table_free(copy);
    table_free(t);
}

static int stop_at_second(enum table_change change, const void *row, void *arg)
{
    (void)change;
    (void)row;
    return ++*(int *)arg == 2 ? 77 : 0;
}

static void test_diff_stops(void **state)
{
    struct table *t = table_new(row_type_of(TABLE_ALERTS));
    int calls = 0;

    (void)state;
    for (uint32_t k = 0; k < 10; k++) {
        struct alert_row row = alert(k, 0);
        assert_int_equal(table_put(t, &row, NULL), 0);
    }
    struct table_view *v = table_snapshot(t);
    assert_int_equal(table_diff(NULL, v, stop_at_second, &calls), 77);
    assert_int_equal(calls, 2);
    table_view_unref(v);
    table_free(t);
}

static void test_sharing(void **state)
{
    struct table *t = table_new(row_type_of(TABLE_ALERTS));
    size_t shared = 0;

    (void)state;
    for (uint32_t k = 0; k < 2560; k++) {
        struct alert_row row = alert(k, 0);
        assert_int_equal(table_put(t, &row, NULL), 0);
    }
    struct table_view *a = table_snapshot(t), *again = table_snapshot(t);
    assert_ptr_equal(a, again);
    assert_int_equal(a->n_chunks, 10); /* rows in order fill chunks */
    struct alert_row row = alert(1000, 9);
    assert_int_equal(table_put(t, &row, NULL), 0);
    struct table_view *b = table_snapshot(t);
    assert_ptr_not_equal(a, b);
    assert_int_not_equal(a->version, b->version);
    for (size_t i = 0; i < a->n_chunks; i++)
        shared += a->chunks[i] == b->chunks[i];
    assert_int_equal(shared, 9); /* one changed row copies one chunk */
    table_view_unref(again);
    table_view_unref(a);
    table_view_unref(b);
    table_free(t);
}

static void test_clear_and_empty(void **state)
{
    struct table *t = table_new(row_type_of(TABLE_ALERTS));
    struct alert_row row = alert(5, 1);

    (void)state;
    assert_null(table_find(t, &row));
    assert_null(table_at(t, 0));
    assert_int_equal(table_remove(t, &row), 0);
    struct table_view *empty = table_snapshot(t);
    assert_int_equal(empty->n_rows, 0);
    assert_null(view_at(empty, 0));
    assert_null(view_find(empty, &row));
    assert_int_equal(table_put(t, &row, NULL), 0);
    struct table_view *one = table_snapshot(t);
    table_clear(t);
    assert_int_equal(table_count(t), 0);
    assert_int_equal(((const struct alert_row *)view_at(one, 0))->vms, 1);
    assert_int_equal(table_put(t, &row, NULL), 0);
    assert_int_equal(table_count(t), 1);
    table_view_unref(empty);
    table_view_unref(one);
    table_free(t);
    table_free(NULL);
    table_view_unref(NULL);
}

/* Many routes at random and in order: the size that a full table has. */
static void test_many(void **state)
{
    enum { N = 65536 };
    struct table *t = table_new(row_type_of(TABLE_ROUTES));
    const char *none = text_intern(NULL);

    (void)state;
    for (unsigned pass = 0; pass < 3; pass++) { /* in order; at random; again, no change */
        for (uint32_t i = 0; i < N; i++) {
            uint32_t k = pass == 0 ? i : i * 40503u % N;
            struct route_row r = {
                .dst = addr_ip4(0x0a000000u + k, 32), .dev = none, .owner = none, .table = 254};
            bool changed;
            r.id = route_row_id(&r);
            assert_int_equal(table_put(t, &r, &changed), 0);
            assert_int_equal(changed, pass < 2);
        }
        assert_int_equal(table_count(t), N);
        struct table_view *v = table_snapshot(t);
        for (uint32_t i = 0; i < N; i += 997)
            assert_int_equal(addr_ip4_host(&((const struct route_row *)view_at(v, i))->dst),
                             0x0a000000u + i);
        table_view_unref(v);
        if (pass == 0)
            table_clear(t);
    }
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),          cmocka_unit_test(test_diff),
        cmocka_unit_test(test_diff_stops),      cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_clear_and_empty), cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
