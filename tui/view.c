/*
 * What all list views share: rows from the snapshot, order, movement, marks, the inspector's place.
 * Console thread.
 */
#include "tui/view.h"

#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/copy.h"
#include "tui/overlay.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/cells.h"
#include "widgets/xmem.h"

enum { RESORT_MS = 2000, CALM_MS = 3000 };

const struct view_ops *const view_table[VIEW_COUNT] = {
    [VIEW_DECK] = &view_deck,     [VIEW_VMS] = &view_vms,       [VIEW_MESH] = &view_mesh,
    [VIEW_ROUTES] = &view_routes, [VIEW_NETS] = &view_nets,     [VIEW_NODES] = &view_nodes,
    [VIEW_IMAGES] = &view_images, [VIEW_EVENTS] = &view_events, [VIEW_SHELLS] = &view_shells,
    [VIEW_TICKETS] = &view_tickets,
};

static size_t rows_count(void *ctx)
{
    const struct view *v = ctx;

    return v->rows_b ? v->rows_b->n_rows : 0;
}

static const void *rows_row(void *ctx, size_t i)
{
    const struct view *v = ctx;

    if (!v->rows_b || i >= v->rows_b->n_rows)
        return NULL;
    const void *row = view_at(v->rows_b, v->ops->by_newest ? v->rows_b->n_rows - 1 - i : i);
    return row && v->ops->has_row && !v->ops->has_row(v, row) ? NULL : row;
}

static uint64_t rows_id(void *ctx, const void *row)
{
    uint64_t id;

    (void)ctx;
    memcpy(&id, row, sizeof id); /* every row begins with it */
    return id;
}

static uint32_t rows_glyph(void *ctx, const void *row, bool utf8, enum role *role)
{
    const struct view *v = ctx;

    return v->ops->glyph(v, row, utf8, role);
}

/* The list of the variant in force, made when it is first wanted; it keeps its filter and marks. */
static void take_list(struct view *v)
{
    struct list **of = &v->lists[v->ops->by_variant[0] ? v->variant : 0];
    int column;

    v->version = UINT64_MAX;
    if (*of) {
        v->list = *of;
        return;
    }
    v->list = *of = list_new(v->ops->columns, v->ops->n_columns);
    column = list_find_column(v->list, v->ops->sort, strlen(v->ops->sort));
    if (column >= 0)
        list_sort(v->list, column, v->ops->descending);
}

void view_begin(struct view *v, struct console *c, enum view_id id)
{
    *v = (struct view){.ops = view_table[id], .c_b = c, .part = -1};
    if (v->ops->columns)
        take_list(v);
}

void view_close(struct view *v)
{
    for (unsigned i = 0; i < VIEW_VARIANTS; i++)
        list_free(v->lists[i]);
    v->list = NULL;
    detail_done(v->c_b, &v->inspected);
}

static bool is_calm(const struct console *c)
{
    return c->now_ms - c->last_key_ms >= CALM_MS && !overlay_is_open(c);
}

void view_refresh(struct view *v)
{
    struct console *c = v->c_b;
    struct list_source src = {v, rows_count, rows_row, rows_id, v->ops->glyph ? rows_glyph : NULL};

    if (!v->list)
        return;
    if (!v->started && v->ops->first_variant && c->snap->meta.engine_ready) {
        v->started = true;
        v->variant = v->ops->first_variant(v);
    }
    v->rows_b = c->snap->tables[v->ops->table];
    if (v->ops->source) {
        v->ops->source(v, &src);
        v->generation++;
    } else if (v->rows_b->version != v->version) {
        v->version = v->rows_b->version;
        v->generation++;
    }
    list_set_source(v->list, &src, v->generation);
    if (list_is_unsorted(v->list) && c->now_ms - v->sorted_ms >= RESORT_MS && is_calm(c)) {
        list_resort(v->list);
        v->sorted_ms = c->now_ms;
    }
}

int view_wait_ms(const struct view *v)
{
    const struct console *c = v->c_b;
    int wait = v->ops->wait_ms ? v->ops->wait_ms(v) : -1;

    if (!v->list)
        return wait;
    int more = list_wait_ms(v->list, c->now_ms);
    if (more >= 0 && (wait < 0 || more < wait))
        wait = more;
    if (list_is_unsorted(v->list)) {
        int64_t by_sort = v->sorted_ms + RESORT_MS - c->now_ms;
        int64_t by_key = c->last_key_ms + CALM_MS - c->now_ms;
        int64_t due = by_sort > by_key ? by_sort : by_key;
        if (due < 1)
            due = overlay_is_open(c) ? 1000 : 1;
        if (wait < 0 || due < wait)
            wait = (int)due;
    }
    more = v->inspecting ? detail_wait_ms(c, &v->inspected) : -1;
    return more >= 0 && (wait < 0 || more < wait) ? more : wait;
}

const void *view_cursor_row(const struct view *v)
{
    return v->list ? list_cursor_row(v->list) : NULL;
}

bool view_set_cursor_name(struct view *v, const char *name)
{
    char have[VIEW_NAME];

    if (!v->list || !v->ops->row_name)
        return false;
    for (size_t i = 0, n = list_shown(v->list); i < n; i++) {
        const void *row = list_shown_row(v->list, i);
        if (!row)
            continue;
        v->ops->row_name(row, have, sizeof have);
        if (strcmp(have, name) == 0)
            return list_set_cursor(v->list, rows_id(v, row));
    }
    return false;
}

bool view_status(struct view *v, char *buf, size_t cap)
{
    const void *row = view_cursor_row(v);

    buf[0] = '\0';
    if (!row)
        return false;
    if (v->ops->status && v->ops->status(v, row, buf, cap))
        return true;
    if (v->inspecting)
        return false; /* it says it all */
    list_format_rest(v->list, row, buf, cap);
    return buf[0] != '\0';
}

void view_set_variant(struct view *v, unsigned variant)
{
    if (variant == v->variant)
        return;
    v->variant = variant;
    if (v->ops->by_variant[variant])
        v->ops = v->ops->by_variant[variant];
    take_list(v);
    view_refresh(v);
}

static void next_variant(struct view *v)
{
    unsigned n = 0;

    while (n < VIEW_VARIANTS && v->ops->variants[n])
        n++;
    if (n < 2) {
        console_say_dim(v->c_b, "%s has one view only", v->ops->tab);
        return;
    }
    view_set_variant(v, (v->variant + 1) % n);
}

static bool move(struct view *v, int action)
{
    static const enum list_move moves[] = {
        [ACT_UP - ACT_UP] = LIST_UP,           [ACT_DOWN - ACT_UP] = LIST_DOWN,
        [ACT_PAGE_UP - ACT_UP] = LIST_PAGE_UP, [ACT_PAGE_DOWN - ACT_UP] = LIST_PAGE_DOWN,
        [ACT_FIRST - ACT_UP] = LIST_FIRST,     [ACT_LAST - ACT_UP] = LIST_LAST,
    };

    if (action == ACT_LEFT || action == ACT_RIGHT) {
        list_scroll_columns(v->list, action == ACT_LEFT ? -8 : 8);
        return true;
    }
    if (v->inspecting && v->focus_inspector) {
        int by = action == ACT_UP ? -1 : action == ACT_DOWN ? 1 : action == ACT_PAGE_UP ? -8
                 : action == ACT_PAGE_DOWN ? 8 : action == ACT_FIRST ? -10000 : 0;
        v->inspect_top = v->inspect_top + by < 0 ? 0 : v->inspect_top + by;
        return true;
    }
    list_move(v->list, moves[action - ACT_UP]);
    v->inspect_top = 0;
    return true;
}

static bool list_action(struct view *v, int action)
{
    struct console *c = v->c_b;
    const void *row = view_cursor_row(v);

    switch (action) {
    case ACT_OPEN:
        if (row && v->ops->open)
            v->ops->open(v, row);
        return true;
    case ACT_FILTER:
        overlay_open_prompt(c, false, list_get_filter(v->list));
        return true;
    case ACT_NEXT:
    case ACT_PREV:
        if (!list_step(v->list, action == ACT_NEXT ? 1 : -1))
            console_say_dim(c, "no more rows that way");
        return true;
    case ACT_SORT:
        c->second = SECOND_SORT;
        return true;
    case ACT_REVERSE:
        list_reverse(v->list);
        return true;
    case ACT_MARK:
        list_mark_toggle(v->list);
        return true;
    case ACT_MARK_RANGE:
        list_mark_range(v->list);
        return true;
    case ACT_MARK_SHOWN:
        list_mark_shown(v->list);
        return true;
    case ACT_UNMARK:
        list_unmark_all(v->list);
        return true;
    case ACT_COPY:
        if (row)
            c->second = SECOND_COPY;
        return row;
    default:
        return false;
    }
}

bool view_action(struct view *v, int action)
{
    if (v->ops->action && v->ops->action(v, action))
        return true;
    if (action == ACT_VARIANT) {
        next_variant(v);
        return true;
    }
    if (!v->list)
        return false;
    if (action == ACT_INSPECT) {
        v->inspecting = !v->inspecting && (v->ops->inspect || v->ops->detail);
        v->focus_inspector = false;
        return true;
    }
    if (action == ACT_PART_NEXT || action == ACT_PART_PREV) {
        v->focus_inspector = v->inspecting && !v->focus_inspector;
        return true;
    }
    if (action >= ACT_UP && action <= ACT_LAST)
        return move(v, action);
    return list_action(v, action);
}

enum view_id view_named(const char *name)
{
    for (unsigned i = 0; i < VIEW_COUNT; i++)
        if (strcmp(view_table[i]->name, name) == 0 ||
            view_variant_named((enum view_id)i, name) < VIEW_VARIANTS)
            return (enum view_id)i;
    return VIEW_COUNT;
}

bool view_of_object(const char *object, enum view_id *ret_view, const char **ret_name)
{
    static const struct {
        const char *kind;
        enum view_id view;
    } of[] = {{"vm ", VIEW_VMS}, {"peer ", VIEW_MESH}, {"route ", VIEW_ROUTES},
              {"network ", VIEW_NETS}, {"node ", VIEW_NODES}, {"image ", VIEW_IMAGES}};

    for (size_t i = 0; i < XMEM_LEN(of); i++)
        if (strncmp(object, of[i].kind, strlen(of[i].kind)) == 0) {
            *ret_view = of[i].view;
            *ret_name = object + strlen(of[i].kind);
            return true;
        }
    return false;
}

unsigned view_variant_named(enum view_id id, const char *name)
{
    for (unsigned k = 0; k < VIEW_VARIANTS && view_table[id]->variants[k]; k++)
        if (strcmp(view_table[id]->variants[k], name) == 0)
            return k;
    return VIEW_VARIANTS;
}
