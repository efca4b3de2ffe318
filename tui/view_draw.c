/* How a list view is drawn: title, list or what stands in its place, inspector. Console thread. */
#include "tui/view.h"

#include <stdio.h>
#include <string.h>

#include "tui/frame.h"
#include "tui/lines.h"
#include "tui/state.h"
#include "widgets/cells.h"

enum { TITLE_GAP = 2, WIDE_LIST_PERCENT = 59 };

static void format_variants(const struct view *v, char *buf, size_t cap)
{
    size_t at = 0;

    buf[0] = '\0';
    if (!v->ops->variants[0])
        return;
    at += (size_t)snprintf(buf, cap, "v");
    for (unsigned i = 0; i < VIEW_VARIANTS && v->ops->variants[i] && at < cap; i++)
        at += (size_t)snprintf(buf + at, cap - at, i == v->variant ? " [%s]" : " %s",
                               v->ops->variants[i]);
}

static void format_window(const struct view *v, bool with_total, char *buf, size_t cap)
{
    char shown[FMT_MAX];
    size_t first, last;

    list_get_window(v->list, &first, &last);
    if (last == 0)
        buf[0] = '\0';
    else if (with_total)
        snprintf(buf, cap, "%zu-%zu of %s", first, last, fmt_count(shown, list_shown(v->list)));
    else
        snprintf(buf, cap, "%zu-%zu", first, last);
}

/* What is said at the right, shortest last; the caller takes the first that fits. */
static void format_right(const struct view *v, unsigned level, char *buf, size_t cap)
{
    const struct snapshot_meta *m = &v->c_b->snap->meta;
    char variants[64], window[64], churn[48] = "", rate[FMT_MAX];

    format_variants(v, variants, sizeof variants);
    format_window(v, !variants[0], window, sizeof window);
    if (m->churn > VIEW_CHURN_MAX)
        snprintf(churn, sizeof churn, "   churn %s/s: highlights off", fmt_rate(rate, m->churn));
    if (level >= 1)
        churn[0] = '\0';
    if (level >= 3 && variants[0])
        window[0] = '\0';
    snprintf(buf, cap, "%s%s%s%s", variants, variants[0] && window[0] ? "   " : "", window, churn);
}

static void format_left(const struct view *v, unsigned level, bool utf8, char *buf, size_t cap)
{
    char shown[FMT_MAX], all[FMT_MAX], extra[96] = "";
    const char *filter = list_get_filter(v->list);
    bool descending;
    int column = list_get_sort(v->list, &descending);
    size_t hidden, marked = list_marked(v->list, &hidden), at;
    const char *mark = utf8 ? (descending ? " ▼" : " ▲") : (descending ? " v" : " ^");

    at = (size_t)snprintf(buf, cap, "%s  %s of %s", v->ops->tab, fmt_count(shown, list_shown(v->list)),
                          fmt_count(all, list_count(v->list)));
    if ((v->ops->has_marks || marked) && at < cap) {
        at += (size_t)snprintf(buf + at, cap - at, "   marked %zu", marked);
        if (hidden && at < cap)
            at += (size_t)snprintf(buf + at, cap - at, ", %zu hidden", hidden);
    }
    if (v->ops->title)
        v->ops->title(v, extra, sizeof extra);
    if (extra[0] && at < cap)
        at += (size_t)snprintf(buf + at, cap - at, "   %s", extra);
    if (column >= 0 && at < cap) {
        const char *id = v->ops->columns[column].id;
        at += (size_t)snprintf(buf + at, cap - at, "   sort %s%s", id,
                               strcmp(id, "trouble") == 0 ? "" : mark);
    }
    if ((filter[0] || level < 2) && at < cap)
        snprintf(buf + at, cap - at, "   filter %s", filter[0] ? filter : "none");
}

static void draw_title(const struct view *v, struct canvas row)
{
    const struct table_health *h = &v->c_b->snap->meta.health[v->ops->table];
    char left[256], right[192];
    unsigned level = 0;

    do {
        format_left(v, level, canvas_is_utf8(row), left, sizeof left);
        format_right(v, level, right, sizeof right);
    } while (1 + cells_width(left) + TITLE_GAP + cells_width(right) > row.cols - 1 && ++level < 4);
    frame_title(row, left, right);
    if (!v->ops->source && h->checked_ms && !h->whole) {
        char part[64];
        snprintf(part, sizeof part, "  changed while read, try %u, partial", h->tries);
        int at = row.cols - 1 - cells_width(part);
        canvas_fill(row, 0, at, row.cols - at, ROLE_BASE);
        canvas_put(row, 0, at, ROLE_WARN, part);
    }
}

/* What stands where there is no row to show. */
static void draw_instead(const struct view *v, struct canvas c)
{
    const struct snapshot_meta *m = &v->c_b->snap->meta;
    const struct table_health *h = &m->health[v->ops->table];
    char text[512] = "", n[FMT_MAX];
    enum role role = ROLE_BASE;

    if (list_count(v->list) > 0 && list_get_filter(v->list)[0]) {
        snprintf(text, sizeof text, "0 of %s match \"%s\". / then Esc drops the filter.",
                 fmt_count(n, list_count(v->list)), list_get_filter(v->list));
    } else if (v->ops->source) {
        v->ops->empty(v, text, sizeof text);
    } else if (h->error[0]) {
        role = ROLE_WARN;
        snprintf(text, sizeof text, "%s", h->error);
    } else if (h->loading) {
        snprintf(text, sizeof text, "reading %s, %s so far", v->ops->name, fmt_count(n, h->loading));
    } else if (!m->engine_ready && !h->checked_ms) {
        snprintf(text, sizeof text, "reading %s", v->ops->name);
    } else if (v->ops->has_row && v->rows_b && v->rows_b->n_rows) {
        snprintf(text, sizeof text, "None in this view. v shows the next one.");
    } else if (v->ops->empty) {
        v->ops->empty(v, text, sizeof text);
    }
    lines_put_wrapped(canvas_part(c, 2, 4, c.rows - 2, c.cols - 8), 0, role, text);
}

static void inspect(struct view *v, struct canvas c)
{
    const void *row = view_cursor_row(v);
    char name[VIEW_NAME] = "";

    if (!row)
        return;
    if (v->ops->row_name)
        v->ops->row_name(row, name, sizeof name);
    if (v->ops->detail) {
        uint64_t id = 0;
        if (strcmp(v->ops->detail, "route.detail") == 0 || strcmp(v->ops->detail, "event.detail") == 0 ||
            strcmp(v->ops->detail, "ticket.detail") == 0)
            memcpy(&id, row, sizeof id);
        detail_want(v->c_b, &v->inspected, v->ops->detail, name, id,
                    detail_stamp(row, row_type_of(v->ops->table)->size));
    }
    if (v->ops->inspect)
        v->ops->inspect(v, row, c);
    else
        lines_draw_detail(&v->inspected, name, c, v->inspect_top);
}

static void draw_list(struct view *v, struct canvas c)
{
    struct console *con = v->c_b;
    int64_t age;
    bool stale = console_engine_is_silent(con) ||
                 (!v->ops->source && frame_table_age(con, v->ops->table, &age) == FRESH_STALE);

    list_set_wash(v->list, stale ? ROLE_STALE : ROLE_BASE);
    list_set_highlights(v->list, con->snap->meta.churn <= VIEW_CHURN_MAX && !console_is_slow(con));
    list_draw(v->list, c, con->clock.now_ms);
    if (list_shown(v->list) == 0)
        draw_instead(v, c);
}

static void draw_split(struct view *v, struct canvas c)
{
    if (c.cols >= FRAME_WIDE_COLS) {
        int left = c.cols * WIDE_LIST_PERCENT / 100;
        draw_list(v, canvas_part(c, 0, 0, c.rows, left));
        canvas_vline(c, 0, left, c.rows, ROLE_DIM);
        inspect(v, canvas_part(c, 0, left + 2, c.rows, c.cols - left - 3));
        return;
    }
    int need = (int)list_shown(v->list) + 1, half = c.rows / 2;
    int rows = need < half ? need : half;
    if (rows < 2)
        rows = 2;
    draw_list(v, canvas_part(c, 0, 0, rows, c.cols));
    inspect(v, canvas_part(c, rows + 1, 1, c.rows - rows - 1, c.cols - 2));
}

void view_draw(struct view *v, struct canvas body)
{
    if (v->ops->draw) {
        v->ops->draw(v, body);
        return;
    }
    view_refresh(v);
    struct canvas rest = canvas_part(body, 1, 0, body.rows - 1, body.cols);
    if (v->inspecting)
        draw_split(v, rest);
    else
        draw_list(v, rest);
    draw_title(v, canvas_part(body, 0, 0, 1, body.cols));
}

void view_click(struct view *v, const struct key *k, struct canvas body)
{
    uint64_t id;
    int line = k->row - body.top - 1;

    if (!v->list)
        return;
    if (k->mouse == KEY_MOUSE_WHEEL_UP || k->mouse == KEY_MOUSE_WHEEL_DOWN) {
        list_move(v->list, k->mouse == KEY_MOUSE_WHEEL_UP ? LIST_WHEEL_UP : LIST_WHEEL_DOWN);
        return;
    }
    if (line == 0) {
        int column = list_column_at(v->list, k->col);
        if (column >= 0 && v->ops->columns[column].letter)
            list_sort_letter(v->list, v->ops->columns[column].letter);
    } else if (list_row_at_line(v->list, line, &id)) {
        list_set_cursor(v->list, id);
        if (k->mouse == KEY_MOUSE_DOUBLE && v->ops->open && view_cursor_row(v))
            v->ops->open(v, view_cursor_row(v));
    }
}
