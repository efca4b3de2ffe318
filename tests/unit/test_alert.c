/* The alert list's states and order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>

#include "backend/model/alert.h"
#include "backend/model/text.h"

static struct alert_raise alert(const char *key, enum alert_level level, uint32_t vms)
{
    return (struct alert_raise){.key = key,
                                .level = level,
                                .object = key,
                                .view = "mesh",
                                .verdict = "down",
                                .sentence = "it is down",
                                .vms = vms};
}

static void raise_at(struct alert_list *l, const char *key, enum alert_level level, uint32_t vms,
                     int64_t at)
{
    struct alert_raise a = alert(key, level, vms);

    assert_int_equal(alert_raise(l, &a, at, NULL, NULL, NULL), 0);
}

static void worst_first(void **state)
{
    struct alert_list *l = alert_list_new();
    static const char *const want[] = {"c-many", "c-new", "c-old", "w-many", "w-few", "over"};
    size_t more;

    (void)state;
    assert_null(alert_worst(l, &more));
    raise_at(l, "w-few", ALERT_WARN, 0, 50);
    raise_at(l, "c-old", ALERT_CRIT, 1, 10);
    raise_at(l, "over", ALERT_CRIT, 99, 5);
    raise_at(l, "w-many", ALERT_WARN, 40, 20);
    raise_at(l, "c-many", ALERT_CRIT, 2, 1);
    raise_at(l, "c-new", ALERT_CRIT, 1, 30);
    assert_true(alert_end(l, "over", 60));
    assert_false(alert_end(l, "over", 61));
    assert_false(alert_end(l, "nothing", 61));
    assert_int_equal(alert_count(l), ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_string_equal(alert_at(l, i)->object, want[i]);
    assert_null(alert_at(l, 6));
    assert_string_equal(alert_worst(l, &more)->object, "c-many");
    assert_int_equal(more, 2);
    alert_list_free(l);
}

static void taken_until_worse(void **state)
{
    struct alert_list *l = alert_list_new();
    struct alert_raise a = alert("peer:fra2", ALERT_WARN, 1);
    bool changed, fresh;
    size_t more;

    (void)state;
    assert_int_equal(alert_raise(l, &a, 100, &changed, &fresh, NULL), 0);
    assert_true(changed && fresh);
    assert_int_equal(alert_raise(l, &a, 200, &changed, &fresh, NULL), 0);
    assert_false(changed || fresh);
    assert_int_equal(alert_at(l, 0)->since_ms, 100);
    uint64_t id = alert_at(l, 0)->id;
    assert_string_equal(alert_key_of(l, id), "peer:fra2");
    assert_int_equal(alert_ack(l, id, "ops1", NULL), 0);
    assert_int_equal(alert_ack(l, id, "ops2", NULL), -EALREADY);
    assert_int_equal(alert_ack(l, 999, "ops2", NULL), -ENOENT);
    assert_null(alert_worst(l, &more));
    assert_string_equal(alert_at(l, 0)->acked_by, "ops1");
    a.vms = 1;
    assert_int_equal(alert_raise(l, &a, 300, &changed, &fresh, NULL), 0);
    assert_null(alert_worst(l, &more)); /* the same is still taken */
    a.vms = 2;
    assert_int_equal(alert_raise(l, &a, 400, &changed, &fresh, NULL), 0);
    assert_true(changed && !fresh);
    assert_non_null(alert_worst(l, &more)); /* more VMs: worse */
    assert_int_equal(alert_ack(l, id, "ops1", NULL), 0);
    a.level = ALERT_CRIT;
    assert_int_equal(alert_raise(l, &a, 500, &changed, &fresh, NULL), 0);
    assert_non_null(alert_worst(l, &more));
    assert_int_equal(alert_ack(l, id, "ops1", NULL), 0);
    a.vms = 1; /* better again is not worse than what was taken */
    assert_int_equal(alert_raise(l, &a, 600, &changed, &fresh, NULL), 0);
    assert_null(alert_worst(l, &more));
    assert_true(alert_end(l, "peer:fra2", 700));
    assert_int_equal(alert_ack(l, id, "ops2", NULL), -EALREADY);
    assert_int_equal(alert_raise(l, &a, 800, &changed, &fresh, NULL), 0);
    assert_true(fresh); /* it ended and came again: nobody has taken that */
    assert_non_null(alert_worst(l, &more));
    alert_list_free(l);
}

static void ended_ones_stay_for_ten_minutes(void **state)
{
    struct alert_list *l = alert_list_new();

    (void)state;
    raise_at(l, "a", ALERT_WARN, 0, 1000);
    raise_at(l, "b", ALERT_WARN, 0, 1000);
    assert_int_equal(alert_next_tick_ms(l), 0);
    assert_true(alert_end(l, "a", 2000));
    assert_int_equal(alert_next_tick_ms(l), 2000 + ALERT_ENDED_MS);
    assert_int_equal(alert_tick(l, 2000 + ALERT_ENDED_MS - 1), 0);
    assert_int_equal(alert_tick(l, 2000 + ALERT_ENDED_MS), 1);
    assert_int_equal(alert_count(l), 1);
    assert_string_equal(alert_at(l, 0)->object, "b");
    assert_true(alert_end(l, "b", 100LL * 86400 * 1000)); /* then the clock was set back */
    assert_int_equal(alert_tick(l, 5000), 1);
    alert_list_free(l);
}

static void what_a_source_raises_no_more_is_over(void **state)
{
    struct alert_list *l = alert_list_new();

    (void)state;
    raise_at(l, "peer:a", ALERT_WARN, 0, 1);
    raise_at(l, "peer:b", ALERT_WARN, 0, 1);
    raise_at(l, "disk:full", ALERT_CRIT, 0, 1);
    uint64_t mark = alert_mark(l);
    raise_at(l, "peer:b", ALERT_WARN, 0, 2);
    assert_int_equal(alert_end_unmarked(l, "peer:", mark, 3), 1);
    assert_string_equal(alert_at(l, 2)->object, "peer:a");
    assert_int_equal(alert_at(l, 2)->ended_ms, 3);
    alert_list_free(l);
}

static void acks_survive(void **state)
{
    struct alert_list *l = alert_list_new();
    size_t more;

    (void)state;
    assert_int_equal(alert_restore_ack(l, "peer:a", "ops1", ALERT_CRIT, 2), 0);
    assert_int_equal(alert_restore_ack(l, "peer:b", "ops1", ALERT_WARN, 2), 0);
    raise_at(l, "peer:a", ALERT_CRIT, 1, 1);
    assert_null(alert_worst(l, &more));
    raise_at(l, "peer:b", ALERT_CRIT, 1, 1); /* worse than it was when it was taken */
    assert_string_equal(alert_worst(l, &more)->object, "peer:b");
    raise_at(l, "peer:c", ALERT_CRIT, 9, 1);
    assert_int_equal(alert_restore_ack(l, "peer:c", "ops1", ALERT_CRIT, 9), 0);
    assert_string_equal(alert_worst(l, &more)->object, "peer:b");
    alert_list_free(l);
}

static void it_is_bounded(void **state)
{
    struct alert_list *l = alert_list_new();
    struct alert_raise a = alert("one more", ALERT_CRIT, 0);
    struct err e = {0};
    char key[32];

    (void)state;
    for (int i = 0; i < ALERT_MAX; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        raise_at(l, key, ALERT_WARN, 0, 1);
    }
    assert_int_equal(alert_raise(l, &a, 2, NULL, NULL, &e), -ENOSPC);
    assert_true(alert_end(l, "k7", 3));
    assert_int_equal(alert_raise(l, &a, 4, NULL, NULL, &e), 0); /* what is over makes room */
    assert_int_equal(alert_count(l), ALERT_MAX);
    assert_string_equal(alert_at(l, 0)->object, "one more");
    alert_list_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worst_first),
        cmocka_unit_test(taken_until_worse),
        cmocka_unit_test(ended_ones_stay_for_ten_minutes),
        cmocka_unit_test(what_a_source_raises_no_more_is_over),
        cmocka_unit_test(acks_survive),
        cmocka_unit_test(it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
