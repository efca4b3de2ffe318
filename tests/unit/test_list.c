#include "widgets/list.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "widgets/filter.h"
#include "widgets/xmem.h"

struct vm {
    uint64_t id;
    char name[24];
    const char *state;
    double cpu;
};

struct fleet {
    struct vm *vm;
    size_t n;
    unsigned formatted, asked;
};

static void format_name(void *ctx, const void *row, struct list_cell *cell)
{
    ((struct fleet *)ctx)->formatted++;
    snprintf(cell->text, sizeof cell->text, "%s", ((const struct vm *)row)->name);
}

static const char *text_name(void *ctx, const void *row)
{
    ((struct fleet *)ctx)->asked++;
    return ((const struct vm *)row)->name;
}

static void format_state(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    snprintf(cell->text, sizeof cell->text, "%s", ((const struct vm *)row)->state);
    cell->role = ROLE_OK;
}

static void format_cpu(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    snprintf(cell->text, sizeof cell->text, "%.0f", ((const struct vm *)row)->cpu);
}

static double number_cpu(void *ctx, const void *row)
{
    (void)ctx;
    return ((const struct vm *)row)->cpu;
}

static void format_id(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    snprintf(cell->text, sizeof cell->text, "%llu",
             (unsigned long long)((const struct vm *)row)->id);
}

static const struct list_column columns[] = {
    {.id = "name",
     .title = "NAME",
     .width = 8,
     .grow = true,
     .priority = 1,
     .letter = 'n',
     .format = format_name,
     .text = text_name},
    {.id = "state",
     .title = "STATE",
     .width = 8,
     .priority = 2,
     .letter = 's',
     .meaning = true,
     .format = format_state},
    {.id = "cpu",
     .title = "CPU %",
     .width = 5,
     .priority = 3,
     .align = CELLS_RIGHT,
     .letter = 'c',
     .descending = true,
     .format = format_cpu,
     .number = number_cpu},
    {.id = "id", .title = "ID", .width = 6, .priority = 5, .format = format_id},
};

static size_t count(void *ctx)
{
    return ((struct fleet *)ctx)->n;
}

static const void *row_at(void *ctx, size_t i)
{
    return &((struct fleet *)ctx)->vm[i];
}

static uint64_t id_of(void *ctx, const void *row)
{
    (void)ctx;
    return ((const struct vm *)row)->id;
}

static uint32_t glyph_of(void *ctx, const void *row, bool utf8, enum role *role)
{
    (void)ctx, (void)utf8;
    *role = ROLE_OK;
    return strcmp(((const struct vm *)row)->state, "running") == 0 ? '+' : '-';
}

static struct list_source source(struct fleet *f)
{
    return (struct list_source){f, count, row_at, id_of, glyph_of};
}

static struct vm few[] = {
    {11, "web1", "running", 12}, {12, "db1", "running", 7},   {13, "old-db", "stopped", 0},
    {14, "web2", "running", 9},  {15, "cache", "stopped", 0},
};

static char text[8192];

static const char *draw(struct list *l, struct canvas_grid *g, int64_t now)
{
    canvas_erase(canvas_of(g));
    list_draw(l, canvas_of(g), now);
    canvas_grid_dump(g, text, sizeof text);
    return text;
}

static const char *order(const struct list *l)
{
    text[0] = '\0';
    for (size_t i = 0; i < list_shown(l); i++) {
        strcat(text, ((const struct vm *)list_shown_row(l, i))->name);
        strcat(text, " ");
    }
    return text;
}

static void test_draws_as_specified(void **state)
{
    struct fleet f = {few, 5, 0, 0};
    struct list_source s = source(&f);
    struct list *l = list_new(columns, XMEM_LEN(columns));
    struct canvas_grid *g = canvas_grid_new(7, 30);

    (void)state;
    list_set_source(l, &s, 1);
    list_move(l, LIST_DOWN);
    list_mark_toggle(l);
    assert_string_equal(draw(l, g, 0), "    NAME ^     STATE    CPU %\n"
                                       "  - cache      stopped      0\n"
                                       " *+ db1        running      7\n"
                                       "> - old-db     stopped      0\n"
                                       "  + web1       running     12\n"
                                       "  + web2       running      9\n"
                                       "\n");
    canvas_grid_dump_roles(g, text, sizeof text);
    assert_non_null(strstr(text, "jjjjjjjjjj")); /* the cursor row is all the cursor's */
    list_format_rest(l, list_cursor_row(l), text, sizeof text);
    assert_string_equal(text, "ID 13");
    list_sort_letter(l, 'c');
    assert_non_null(strstr(draw(l, g, 0), "STATE   vCPU %"));
    canvas_grid_free(g);
    list_free(l);
}

static void test_columns_leave_by_priority(void **state)
{
    static const struct {
        int cols;
        const char *head;
    } cases[] = {
        {60, "    NAME ^                           STATE    CPU %  ID\n"},
        {35, "    NAME ^   STATE    CPU %  ID\n"},
        {34, "    NAME ^         STATE    CPU %\n"},
        {25, "    NAME ^      STATE\n"},
        {20, "    NAME ^\n"},
    };
    struct fleet f = {few, 5, 0, 0};
    struct list_source s = source(&f);
    struct list *l = list_new(columns, XMEM_LEN(columns));

    (void)state;
    list_set_source(l, &s, 1);
    for (size_t i = 0; i < XMEM_LEN(cases); i++) {
        struct canvas_grid *g = canvas_grid_new(1, cases[i].cols);
        assert_string_equal(draw(l, g, 0), cases[i].head);
        canvas_grid_free(g);
    }
    for (int cols = 1; cols < 12; cols++) { /* far too narrow: clipped, never beyond */
        struct canvas_grid *g = canvas_grid_new(3, cols);
        draw(l, g, 0);
        canvas_grid_free(g);
    }
    list_free(l);
}

static void test_cursor_belongs_to_the_row(void **state)
{
    struct vm next[] = {{99, "aaa", "running", 1},
                        {14, "web2", "running", 9},
                        {13, "zold", "stopped", 0},
                        {11, "web1", "running", 12}};
    struct fleet f = {few, 5, 0, 0}, n = {next, 4, 0, 0};
    struct list_source s = source(&f), t = source(&n);
    struct list *l = list_new(columns, XMEM_LEN(columns));
    uint64_t id = 0;

    (void)state;
    list_set_source(l, &s, 1);
    assert_string_equal(order(l), "cache db1 old-db web1 web2 ");
    assert_true(list_set_cursor(l, 13));
    list_mark_toggle(l);
    assert_true(list_set_cursor(l, 15));
    list_mark_toggle(l);
    assert_true(list_set_cursor(l, 13));
    list_set_source(l, &t, 2);
    /* known rows kept their places although one was renamed; the new one came in sorted */
    assert_string_equal(order(l), "aaa zold web1 web2 ");
    assert_true(list_get_cursor(l, &id));
    assert_int_equal(id, 13);
    assert_int_equal(list_marked(l, NULL), 1); /* 15 is gone, and its mark with it */
    assert_true(list_is_unsorted(l));
    list_resort(l);
    assert_string_equal(order(l), "aaa web1 web2 zold ");
    assert_true(list_get_cursor(l, &id));
    assert_int_equal(id, 13);
    assert_int_equal(list_cursor_position(l), 4);
    /* the cursor's row vanishes: the one that took its place has it */
    n.n = 2;
    list_set_source(l, &t, 3);
    assert_true(list_get_cursor(l, &id));
    assert_int_equal(id, 14);
    n.n = 0;
    list_set_source(l, &t, 4);
    assert_false(list_get_cursor(l, &id));
    assert_null(list_cursor_row(l));
    list_move(l, LIST_DOWN);
    list_mark_toggle(l);
    list_mark_range(l);
    assert_int_equal(list_marked(l, NULL), 0);
    list_free(l);
}

static void test_sort(void **state)
{
    struct fleet f = {few, 5, 0, 0};
    struct list_source s = source(&f);
    struct list *l = list_new(columns, XMEM_LEN(columns));
    bool down;

    (void)state;
    list_set_source(l, &s, 1);
    list_sort_letter(l, 'c');
    assert_int_equal(list_get_sort(l, &down), 2);
    assert_true(down);
    assert_string_equal(order(l), "web1 web2 db1 cache old-db ");
    list_sort_letter(l, 'c');
    assert_string_equal(order(l), "cache old-db db1 web2 web1 ");
    list_sort_letter(l, 's');
    assert_string_equal(order(l), "db1 web1 web2 cache old-db ");
    list_reverse(l);
    assert_string_equal(order(l), "cache old-db db1 web1 web2 ");
    list_sort_letter(l, '?');
    list_free(l);
}

static void test_filter(void **state)
{
    static const struct {
        const char *filter, *want;
    } cases[] = {
        {"web", "web1 web2 "},
        {"WEB b1", "web1 "},
        {"!web", "cache db1 old-db "},
        {"state:run", "db1 web1 web2 "},
        {"cpu>8", "web1 web2 "},
        {"cpu>=9 cpu<12", "web2 "},
        {"db !stopped", "db1 "},
        {"cpu=7", "db1 "},
        {"!cpu>0", "cache old-db "},
        {"nothing", ""},
        {"fd00:1", ""},
        {"stop", "cache old-db "},
        {"name:db", "db1 old-db "},
        {"", "cache db1 old-db web1 web2 "},
        {"  ", "cache db1 old-db web1 web2 "},
    };
    struct fleet f = {few, 5, 0, 0};
    struct list_source s = source(&f);
    struct list *l = list_new(columns, XMEM_LEN(columns));
    uint64_t id, ids[5];
    size_t hidden;

    (void)state;
    list_set_source(l, &s, 1);
    for (size_t i = 0; i < XMEM_LEN(cases); i++) {
        list_filter(l, cases[i].filter);
        assert_string_equal(order(l), cases[i].want);
    }
    /* the cursor comes back to its row when the filter goes */
    assert_true(list_set_cursor(l, 13));
    list_mark_toggle(l);
    assert_true(list_set_cursor(l, 13));
    list_filter(l, "w");
    list_filter(l, "we");
    assert_true(list_get_cursor(l, &id));
    assert_true(id == 11 || id == 14);
    assert_int_equal(list_marked(l, &hidden), 1);
    assert_int_equal(hidden, 1);
    assert_int_equal(list_get_marked(l, ids, 5), 1);
    assert_int_equal(ids[0], 13);
    list_filter(l, NULL);
    assert_true(list_get_cursor(l, &id));
    assert_int_equal(id, 13);
    list_free(l);
}

static void test_marks(void **state)
{
    struct fleet f = {few, 5, 0, 0};
    struct list_source s = source(&f);
    struct list *l = list_new(columns, XMEM_LEN(columns));
    uint64_t ids[8];

    (void)state;
    list_set_source(l, &s, 1);
    list_mark_toggle(l); /* cache, then down */
    list_move(l, LIST_LAST);
    list_mark_range(l);
    assert_int_equal(list_get_marked(l, ids, 8), 5);
    assert_int_equal(ids[0], 15);
    assert_int_equal(ids[4], 14);
    list_unmark_all(l);
    assert_int_equal(list_marked(l, NULL), 0);
    list_filter(l, "web");
    list_mark_shown(l);
    assert_int_equal(list_marked(l, NULL), 2);
    assert_true(list_is_marked(l, 11));
    assert_false(list_is_marked(l, 12));
    list_free(l);
}

static void test_changed_cells_light_up(void **state)
{
    struct vm rows[] = {{1, "a", "running", 1}, {2, "b", "running", 1}};
    struct fleet f = {rows, 2, 0, 0};
    struct list_source s = source(&f);
    struct list *l = list_new(columns, XMEM_LEN(columns));
    struct canvas_grid *g = canvas_grid_new(4, 40);

    (void)state;
    list_set_source(l, &s, 1);
    draw(l, g, 1000);
    assert_int_equal(list_wait_ms(l, 1000), -1);
    rows[1].state = "stopped";
    rows[1].cpu = 50; /* numbers never light up */
    list_set_source(l, &s, 2);
    draw(l, g, 1100);
    canvas_grid_dump_roles(g, text, sizeof text);
    assert_non_null(strstr(text, "sssssss")); /* ROLE_CHANGED, seven letters of "stopped" */
    assert_null(strstr(text, "ssssssss"));
    assert_int_equal(list_wait_ms(l, 1100), 2000);
    draw(l, g, 3100);
    canvas_grid_dump_roles(g, text, sizeof text);
    assert_null(strchr(text, 's'));
    assert_int_equal(list_wait_ms(l, 3100), -1);
    list_set_highlights(l, false);
    rows[1].state = "running";
    list_set_source(l, &s, 3);
    draw(l, g, 3200);
    canvas_grid_dump_roles(g, text, sizeof text);
    assert_null(strchr(text, 's'));
    canvas_grid_free(g);
    list_free(l);
}

static void test_mouse_places(void **state)
{
    struct fleet f = {few, 5, 0, 0};
    struct list_source s = source(&f);
    struct list *l = list_new(columns, XMEM_LEN(columns));
    struct canvas_grid *g = canvas_grid_new(4, 40);
    uint64_t id = 0;

    (void)state;
    list_set_source(l, &s, 1);
    draw(l, g, 0);
    assert_false(list_row_at_line(l, 0, &id));
    assert_true(list_row_at_line(l, 2, &id));
    assert_int_equal(id, 12);
    assert_false(list_row_at_line(l, 4, &id));
    assert_int_equal(list_column_at(l, 5), 0);
    assert_int_equal(list_column_at(l, 1), -1);
    list_move(l, LIST_WHEEL_DOWN);
    draw(l, g, 0);
    assert_true(list_row_at_line(l, 1, &id));
    assert_int_equal(id, 13);
    canvas_grid_free(g);
    list_free(l);
}

/* 64,000 rows: what is drawn and what is asked for is counted, not timed. */
static void test_large(void **state)
{
    enum { N = 64000 };
    struct fleet f = {xmem_new(N, sizeof *f.vm), N, 0, 0};
    struct list_source s = source(&f);
    struct list *l = list_new(columns, XMEM_LEN(columns));
    struct canvas_grid *g = canvas_grid_new(40, 80);
    uint32_t seed = 1;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        seed = seed * 1664525u + 1013904223u;
        f.vm[i] = (struct vm){
            .id = i + 1, .state = i % 3 ? "running" : "stopped", .cpu = (double)(seed >> 16)};
        snprintf(f.vm[i].name, sizeof f.vm[i].name, "vm-%05u", (unsigned)(seed % N));
    }
    list_set_source(l, &s, 1);
    for (size_t i = 1; i < N; i++)
        assert_true(strcmp(((const struct vm *)list_shown_row(l, i - 1))->name,
                           ((const struct vm *)list_shown_row(l, i))->name) <= 0);
    f.formatted = f.asked = 0;
    draw(l, g, 0);
    assert_int_equal(f.formatted, 39);
    assert_int_equal(f.asked, 0);
    list_filter(l, "vm-0");
    f.asked = 0;
    size_t narrowed = list_shown(l);
    list_filter(l, "vm-00");
    assert_true(f.asked <= narrowed); /* only what was left is looked at */
    list_filter(l, "");
    /* one value in a thousand moves: sorting again compares little more than once a row */
    list_sort_letter(l, 'c');
    for (size_t i = 0; i < N; i += 1000)
        f.vm[i].cpu = (double)i;
    list_set_source(l, &s, 2);
    list_resort(l);
    for (size_t i = 1; i < N; i++)
        assert_true(((const struct vm *)list_shown_row(l, i - 1))->cpu >=
                    ((const struct vm *)list_shown_row(l, i))->cpu);
    free(f.vm);
    canvas_grid_free(g);
    list_free(l);
}

/* Rows come, go and change at random; the order after a sort is right and nothing is lost. */
static void test_random_churn(void **state)
{
    enum { MOST = 300 };
    struct vm rows[MOST];
    struct fleet f = {rows, 0, 0, 0};
    struct list_source s = source(&f);
    struct list *l = list_new(columns, XMEM_LEN(columns));
    uint32_t seed = 7;

    (void)state;
    for (unsigned round = 1; round < 200; round++) {
        seed = seed * 1664525u + 1013904223u;
        f.n = (seed >> 8) % MOST;
        for (size_t i = 0; i < f.n; i++) {
            seed = seed * 1664525u + 1013904223u;
            /* distinct ids in an order that changes */
            rows[i] = (struct vm){.id = 1 + (i * 7 + round) % MOST,
                                  .state = "running",
                                  .cpu = (double)((seed >> 20) % 50)};
            if (i >= MOST / 7)
                rows[i].id = 1000 + i;
            snprintf(rows[i].name, sizeof rows[i].name, "n%u", (unsigned)(seed >> 24));
        }
        list_set_source(l, &s, round);
        assert_int_equal(list_shown(l), f.n);
        if (round % 3 == 0)
            list_sort_letter(l, "nsc"[round % 2 ? 2 : 0]);
        list_resort(l);
        bool down;
        int sort = list_get_sort(l, &down);
        for (size_t i = 1; i < f.n; i++) {
            const struct vm *a = list_shown_row(l, i - 1), *b = list_shown_row(l, i);
            double d = sort == 2 ? a->cpu - b->cpu : strcmp(a->name, b->name);
            assert_true(down ? d >= 0 : d <= 0);
        }
    }
    list_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws_as_specified),
        cmocka_unit_test(test_columns_leave_by_priority),
        cmocka_unit_test(test_cursor_belongs_to_the_row),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_changed_cells_light_up),
        cmocka_unit_test(test_mouse_places),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_random_churn),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
