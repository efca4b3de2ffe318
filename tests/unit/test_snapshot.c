/* Snapshots: counting, and one thread that publishes while another takes and reads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/model/snapshot.h"
#include "backend/model/text.h"

enum { ROWS = 1500, ROUNDS = 300 };

struct writer {
    struct table *tables[TABLE_COUNT];
    struct snapshot_box *box;
    _Atomic bool done;
};

static void put_network(struct table *t, uint32_t n, uint32_t vms)
{
    const char *none = text_intern(NULL);
    struct network_row row = {.id = n + 1,
                              .vms = vms,
                              .shape = none,
                              .prefix = none,
                              .egress = none,
                              .reach = none,
                              .domain = none};
    (void)snprintf(row.name, sizeof row.name, "net%05u", n);
    assert_int_equal(table_put(t, &row, NULL), 0);
}

static void publish(struct writer *w, uint64_t generation)
{
    struct table_view *views[TABLE_COUNT];
    struct snapshot_meta meta = {.generation = generation};

    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        views[i] = table_snapshot(w->tables[i]);
        assert_non_null(views[i]);
    }
    struct snapshot *s = snapshot_new_take(&meta, views);
    assert_non_null(s);
    snapshot_box_publish_take(w->box, s);
}

static void writer_init(struct writer *w)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        w->tables[i] = table_new(row_type_of((enum table_id)i));
    w->box = snapshot_box_new();
    atomic_init(&w->done, false);
    assert_null(snapshot_box_get(w->box));
    for (uint32_t i = 0; i < ROWS; i++)
        put_network(w->tables[TABLE_NETWORKS], i, 0);
    publish(w, 0);
}

static void writer_done(struct writer *w)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        table_free(w->tables[i]);
    snapshot_box_free(w->box);
}

/* In each round all rows get the generation; a reader must see one generation in all of them. */
static void *write_thread(void *arg)
{
    struct writer *w = arg;

    for (uint32_t g = 1; g <= ROUNDS; g++) {
        for (uint32_t i = 0; i < ROWS; i += 1 + g % 7)
            put_network(w->tables[TABLE_NETWORKS], i, 0);
        for (uint32_t i = 0; i < ROWS; i += 100)
            put_network(w->tables[TABLE_NETWORKS], i, g);
        if (g % 5 == 0) {
            struct network_row key = {.id = 1};
            (void)snprintf(key.name, sizeof key.name, "net%05u", 50u);
            assert_int_equal(table_remove(w->tables[TABLE_NETWORKS], &key), 1);
            publish(w, g);
            put_network(w->tables[TABLE_NETWORKS], 50, 0);
        }
        publish(w, g);
    }
    atomic_store(&w->done, true);
    return NULL;
}

static void test_two_threads(void **state)
{
    struct writer w;
    pthread_t thread;
    uint64_t last = 0;
    bool done;

    (void)state;
    writer_init(&w);
    assert_int_equal(pthread_create(&thread, NULL, write_thread, &w), 0);
    do {
        done = atomic_load(&w.done);
        struct snapshot *s = snapshot_box_get(w.box);
        const struct table_view *v = s->tables[TABLE_NETWORKS];
        assert_true(s->meta.generation >= last);
        last = s->meta.generation;
        assert_true(v->n_rows == ROWS || v->n_rows == ROWS - 1);
        struct view_cursor c = {0, 0};
        const struct network_row *row;
        while ((row = view_next(v, &c)))
            if ((row->id - 1) % 100 == 0)
                assert_int_equal(row->vms, s->meta.generation);
        snapshot_unref(s);
    } while (!done);
    assert_int_equal(last, ROUNDS);
    pthread_join(thread, NULL);
    writer_done(&w);
}

static void test_counting(void **state)
{
    struct writer w;

    (void)state;
    writer_init(&w);
    struct snapshot *a = snapshot_box_get(w.box), *b = snapshot_ref(a);
    publish(&w, 1);
    snapshot_unref(a);
    assert_int_equal(b->meta.generation, 0);
    assert_int_equal(b->tables[TABLE_NETWORKS]->n_rows, ROWS);
    struct snapshot *c = snapshot_box_get(w.box);
    assert_int_equal(c->meta.generation, 1);
    assert_ptr_equal(c->tables[TABLE_NETWORKS], b->tables[TABLE_NETWORKS]); /* nothing changed */
    writer_done(&w);
    assert_int_equal(((const struct network_row *)view_at(c->tables[TABLE_NETWORKS], 3))->id, 4);
    snapshot_unref(b);
    snapshot_unref(c);
    snapshot_unref(NULL);
    snapshot_box_free(NULL);
}

static void test_clock(void **state)
{
    (void)state;
    int64_t a = now_ms(), b = now_ms();
    assert_true(a > INT64_C(1600000000000));
    assert_true(b >= a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
