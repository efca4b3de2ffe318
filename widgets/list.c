/*
 * The list's rows, cursor and marks. Owned by the thread that draws. Keeps ids and source indexes,
 * never row pointers: between two sources nothing here points into a snapshot.
 */
#include "widgets/list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "widgets/list_priv.h"
#include "widgets/xmem.h"

struct list *list_new(const struct list_column *columns, size_t n)
{
    struct list *t = xmem_new(1, sizeof *t);

    assert(n > 0 && n <= LIST_COLUMNS_MAX);
    t->columns = columns;
    t->n_columns = n;
    t->page = 10;
    t->highlights = true;
    t->wash = ROLE_BASE;
    idmap_init(&t->where);
    idmap_init(&t->marks);
    idmap_init(&t->pending);
    return t;
}

void list_free(struct list *t)
{
    if (!t)
        return;
    idmap_done(&t->where);
    idmap_done(&t->marks);
    idmap_done(&t->pending);
    free(t->order);
    free(t->scratch);
    free(t->shown);
    free(t->taken);
    free(t->ids);
    free(t);
}

static uint64_t id_at(const struct list *t, size_t i)
{
    const void *row = t->src.row(t->src.ctx, i);

    return row ? t->src.id(t->src.ctx, row) : LIST_NO_ROW;
}

/* True when every row is still where it was: only values changed. */
static bool same_rows(const struct list *t, size_t count)
{
    if (count != t->n_ids)
        return false;
    for (size_t i = 0; i < count; i++)
        if (id_at(t, i) != t->ids[i])
            return false;
    return true;
}

static void drop_vanished(const struct list *t, struct idmap *set)
{
    uint64_t id;
    uint32_t v;
    size_t at = 0;

    while (set->n > 0 && idmap_next(set, &at, &id, &v))
        if (!idmap_has(&t->where, id))
            idmap_remove(set, id);
}

enum { AHEAD = 16 };

/* Rows came, went or moved in the source: known ones keep their place in the order. */
static void take_rows(struct list *t, size_t count)
{
    size_t kept = 0, fresh = 0, rows = 0;

    t->order = xmem_grow(t->order, &t->order_cap, t->n + count + 1, sizeof *t->order);
    t->taken = xmem_grow(t->taken, &t->taken_cap, count + 1, sizeof *t->taken);
    memset(t->taken, 0, count * sizeof *t->taken);
    idmap_clear(&t->where, count);
    t->ids = xmem_grow(t->ids, &t->ids_cap, count + 1, sizeof *t->ids);
    t->n_ids = count;
    for (size_t i = 0; i < count; i++)
        t->ids[i] = id_at(t, i);
    for (size_t i = 0; i < count; i++) {
        idmap_expect(&t->where, t->ids[i + AHEAD < count ? i + AHEAD : i]);
        if (t->ids[i] != LIST_NO_ROW)
            idmap_put(&t->where, t->ids[i], (uint32_t)i);
        else
            t->taken[i] = true;
        rows += t->ids[i] != LIST_NO_ROW;
    }
    t->unique = t->where.n == rows;
    for (size_t i = 0; i < t->n; i++) {
        uint32_t at;
        idmap_expect(&t->where, t->order[i + AHEAD < t->n ? i + AHEAD : i].id);
        if (!idmap_get(&t->where, t->order[i].id, &at) || t->taken[at])
            continue;
        t->taken[at] = true;
        t->order[kept] = t->order[i];
        t->order[kept++].at = at;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t last;
        if (t->taken[i])
            continue;
        if (!t->unique && (!idmap_get(&t->where, t->ids[i], &last) || last != i))
            continue; /* an id that came twice: the last one counts */
        t->order[kept + fresh++] = (struct list_entry){.id = t->ids[i], .at = (uint32_t)i};
    }
    t->n = kept + fresh;
    if (fresh > 0)
        list_order_merge(t, kept, fresh);
    drop_vanished(t, &t->marks);
    drop_vanished(t, &t->pending);
}

void list_set_source(struct list *t, const struct list_source *src, uint64_t generation)
{
    bool same_ctx = t->has_src && t->src.ctx == src->ctx && t->generation == generation;

    t->src = *src;
    if (same_ctx)
        return;
    t->has_src = true;
    t->generation = generation;
    size_t count = src->count(src->ctx);
    if (count > UINT32_MAX - 1)
        count = UINT32_MAX - 1;
    if (!same_rows(t, count))
        take_rows(t, count);
    t->unsorted = true;
    list_refilter(t, false);
}

void list_resort(struct list *t)
{
    if (!t->has_src || !t->unsorted)
        return;
    t->unsorted = false;
    list_order_sort(t, t->order, t->n);
    list_refilter(t, false);
}

bool list_is_unsorted(const struct list *t)
{
    return t->unsorted;
}

void list_sort(struct list *t, int column, bool descending)
{
    if (column < 0 || (size_t)column >= t->n_columns)
        return;
    t->sort = column;
    t->descending = descending;
    t->unsorted = true;
    list_resort(t);
}

void list_sort_letter(struct list *t, char letter)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!letter || t->columns[i].letter != letter)
            continue;
        bool same = t->sort == (int)i;
        list_sort(t, (int)i, same ? !t->descending : t->columns[i].descending);
        return;
    }
}

void list_reverse(struct list *t)
{
    list_sort(t, t->sort, !t->descending);
}

int list_get_sort(const struct list *t, bool *ret_descending)
{
    if (ret_descending)
        *ret_descending = t->descending;
    return t->sort;
}

int list_find_column(const struct list *t, const char *name, size_t len)
{
    for (size_t i = 0; len > 0 && i < t->n_columns; i++)
        if (strlen(t->columns[i].id) == len && strncasecmp(t->columns[i].id, name, len) == 0)
            return (int)i;
    for (size_t i = 0; len > 0 && i < t->n_columns; i++)
        if (strncasecmp(t->columns[i].id, name, len) == 0 ||
            strncasecmp(t->columns[i].title, name, len) == 0)
            return (int)i;
    return -1;
}

static int filter_column(void *ctx, const char *name, size_t len)
{
    return list_find_column(ctx, name, len);
}

void list_filter(struct list *t, const char *text)
{
    struct filter next;

    filter_parse(&next, text ? text : "", filter_column, t);
    bool narrow = t->filter.n > 0 && filter_narrows(&t->filter, &next);
    t->filter = next;
    list_refilter(t, narrow);
}

const char *list_get_filter(const struct list *t)
{
    return t->filter.text;
}

size_t list_count(const struct list *t)
{
    return t->n;
}

size_t list_shown(const struct list *t)
{
    return t->n_shown;
}

const void *list_shown_row(const struct list *t, size_t i)
{
    return i < t->n_shown ? list_entry_row(t, &t->order[t->shown[i]]) : NULL;
}

void list_get_window(const struct list *t, size_t *ret_first, size_t *ret_last)
{
    size_t end = t->top + t->page < t->n_shown ? t->top + t->page : t->n_shown;

    *ret_first = t->n_shown ? t->top + 1 : 0;
    *ret_last = end;
}

static void go_to(struct list *t, size_t at)
{
    if (t->n_shown == 0)
        return;
    t->cursor_at = at < t->n_shown ? at : t->n_shown - 1;
    t->cursor = t->home = t->order[t->shown[t->cursor_at]].id;
    t->has_cursor = true;
    if (t->cursor_at < t->top)
        t->top = t->cursor_at;
    if (t->cursor_at >= t->top + t->page)
        t->top = t->cursor_at - t->page + 1;
}

bool list_step(struct list *t, int by)
{
    size_t was = t->cursor_at, n = by < 0 ? (size_t)-by : (size_t)by;

    go_to(t, by >= 0 ? was + n : was > n ? was - n : 0);
    return t->cursor_at != was;
}

/* The wheel moves the window; the cursor comes along only when it would leave it. */
static void scroll(struct list *t, int by)
{
    size_t most = t->n_shown > t->page ? t->n_shown - t->page : 0;

    if (by < 0)
        t->top = t->top > (size_t)-by ? t->top - (size_t)-by : 0;
    else
        t->top = t->top + (size_t)by < most ? t->top + (size_t)by : most;
    if (t->cursor_at < t->top)
        go_to(t, t->top);
    else if (t->cursor_at >= t->top + t->page)
        go_to(t, t->top + t->page - 1);
}

void list_move(struct list *t, enum list_move move)
{
    int page = t->page > 1 ? (int)t->page - 1 : 1;

    switch (move) {
    case LIST_UP:
        list_step(t, -1);
        break;
    case LIST_DOWN:
        list_step(t, 1);
        break;
    case LIST_PAGE_UP:
        list_step(t, -page);
        break;
    case LIST_PAGE_DOWN:
        list_step(t, page);
        break;
    case LIST_FIRST:
        go_to(t, 0);
        break;
    case LIST_LAST:
        go_to(t, t->n_shown);
        break;
    case LIST_WHEEL_UP:
        scroll(t, -3);
        break;
    case LIST_WHEEL_DOWN:
        scroll(t, 3);
        break;
    }
}

bool list_get_cursor(const struct list *t, uint64_t *ret_id)
{
    if (t->n_shown == 0)
        return false;
    *ret_id = t->cursor;
    return true;
}

const void *list_cursor_row(const struct list *t)
{
    return list_shown_row(t, t->cursor_at);
}

size_t list_cursor_position(const struct list *t)
{
    return t->n_shown ? t->cursor_at + 1 : 0;
}

bool list_set_cursor(struct list *t, uint64_t id)
{
    for (size_t i = 0; i < t->n_shown; i++) {
        if (t->order[t->shown[i]].id == id) {
            go_to(t, i);
            return true;
        }
    }
    return false;
}

bool list_row_at_line(const struct list *t, int line, uint64_t *ret_id)
{
    size_t at = t->top + (size_t)(line - 1);

    if (line < 1 || (size_t)line > t->page || at >= t->n_shown)
        return false;
    *ret_id = t->order[t->shown[at]].id;
    return true;
}
