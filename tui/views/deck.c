/* Deck: is anything wrong, what moves? Counts by state, this node's load, alerts, events. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/alerts.h"
#include "tui/lines.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/deck_parts.h"
#include "tui/views/views.h"
#include "widgets/cells.h"

enum { PART_COUNTS, PART_LOAD, PART_ALERTS, PART_EVENTS };
enum { ROW_COUNTS = 3, ROW_LOAD = 7, ROW_LISTS = 14, NAME_COL = 17, NAME_COLS = 9, ALERTS_MAX = 256 };

static void draw_worst(const struct console *c, struct canvas body)
{
    struct alerts_sum s;
    char text[320], more[48] = "";
    size_t at = 0;

    alerts_sum(c, &s);
    if (!s.worst) {
        canvas_put(body, 0, 1, ROLE_OK, "all well");
        if (c->snap->tables[TABLE_VMS]->n_rows == 0 && c->snap->meta.engine_ready)
            lines_put_wrapped(canvas_part(body, 1, 1, 1, body.cols - 2), 0, ROLE_BASE,
                              c->snap->meta.read_only ? c->snap->meta.read_only_why
                              : "No VMs yet. c then Enter makes one.");
        return;
    }
    int col = 1 + canvas_put(body, 0, 1, alerts_role(s.worst), alerts_level_word(s.worst)) + 2;
    alerts_format_sentence(c, s.worst, text, sizeof text);
    canvas_put_in(body, 0, col, body.cols - 1 - col, ROLE_STRONG, CELLS_LEFT, text);
    unsigned same = s.of_level[s.worst->level] - 1;
    unsigned warns = s.worst->level == ALERT_CRIT ? s.of_level[ALERT_WARN] : 0;
    if (same || warns)
        at = (size_t)snprintf(more, sizeof more, "and");
    if (same)
        at += (size_t)snprintf(more + at, sizeof more - at, " %u %s", same, alerts_level_word(s.worst));
    if (warns)
        snprintf(more + at, sizeof more - at, " %u WARN", warns);
    col = 7;
    static const char *const key[] = {"!", "w", "A"};
    static const char *const does[] = {" goes there   ", " shows the evidence   ", " acknowledges"};
    for (unsigned i = 0; i < 3; i++) {
        col += canvas_put(body, 1, col, ROLE_KEY, key[i]);
        col += canvas_put(body, 1, col, ROLE_BASE, does[i]);
    }
    canvas_put(body, 1, body.cols - 1 - cells_width(more), ROLE_BASE, more);
}

/* The rows that alerts and events take: alerts what they need up to half. */
static void share(const struct view *v, int rows, int *alerts, int *events)
{
    int have = (int)v->c_b->snap->tables[TABLE_ALERTS]->n_rows;
    int room = rows - ROW_LISTS - 2, half = room / 2;

    *alerts = have < 1 ? 1 : have < half ? have : half;
    *events = room - *alerts;
}

/* An object's name keeps both ends; a wide window shows more of it. Returns where text goes on. */
static int put_name(struct canvas c, int row, enum role role, const char *name)
{
    int cols = c.cols >= 100 ? 2 * NAME_COLS : NAME_COLS;
    char cut[4 * 2 * NAME_COLS + 1];

    cells_cut_middle(cut, sizeof cut, name, cols);
    canvas_put(c, row, NAME_COL, role, cut);
    return NAME_COL + cols + 1;
}

static void draw_alerts(const struct view *v, struct canvas c)
{
    const struct alert_row *sorted[ALERTS_MAX];
    size_t n = alerts_sorted(v->c_b, sorted, ALERTS_MAX);
    char text[256], when[FMT_MAX];

    canvas_put(c, 0, 1, ROLE_COLHEAD, "SINCE");
    canvas_printf(c, 0, 11, ROLE_COLHEAD, "ALERTS %zu", n);
    if (n == 0)
        canvas_put(c, 1, 1, ROLE_DIM, "none");
    int from = v->part == PART_ALERTS && v->part_row[PART_ALERTS] >= c.rows - 1
                   ? v->part_row[PART_ALERTS] - (c.rows - 2) : 0;
    for (int i = 0; i < c.rows - 1 && from + i < (int)n; i++) {
        const struct alert_row *a = sorted[from + i];
        enum role dim = a->ended_ms || a->acked ? ROLE_DIM : ROLE_BASE;
        alerts_format_short(v->c_b, a, text, sizeof text);
        canvas_put(c, i + 1, 1, dim, fmt_short(when, &v->c_b->clock, a->since_ms));
        canvas_put(c, i + 1, 11, alerts_role(a), alerts_level_word(a));
        int at = put_name(c, i + 1, dim, a->object);
        canvas_put_in(c, i + 1, at, c.cols - 1 - at, dim, CELLS_LEFT, text);
    }
}

static void draw_events(const struct view *v, struct canvas c)
{
    const struct table_view *tv = v->c_b->snap->tables[TABLE_EVENTS];
    char kind[16], when[FMT_MAX], text[256];

    canvas_put(c, 0, 1, ROLE_COLHEAD, "TIME");
    canvas_put(c, 0, 11, ROLE_COLHEAD, "EVENTS");
    if (tv->n_rows == 0)
        canvas_put(c, 1, 1, ROLE_DIM, "none yet");
    size_t from = v->part == PART_EVENTS && v->part_row[PART_EVENTS] >= c.rows - 1
                      ? (size_t)(v->part_row[PART_EVENTS] - (c.rows - 2)) : 0;
    for (size_t i = 0; (int)i < c.rows - 1 && from + i < tv->n_rows; i++) {
        const struct event_row *e = view_at(tv, tv->n_rows - 1 - from - i);
        const char *name = strchr(e->object, ' ');
        snprintf(kind, sizeof kind, "%.*s", name ? (int)(name - e->object) : 0, e->object);
        snprintf(text, sizeof text, "%s%s%s", e->what, e->who[0] ? " by " : "", e->who);
        int row = (int)i + 1;
        canvas_put(c, row, 1, ROLE_BASE, fmt_short(when, &v->c_b->clock, e->time_ms));
        canvas_put_in(c, row, 11, 5, ROLE_DIM, CELLS_LEFT, kind);
        int at = put_name(c, row, ROLE_BASE, name ? name + 1 : e->object);
        canvas_put_in(c, row, at, c.cols - 1 - at,
                      e->level == EVENT_CRIT   ? ROLE_CRIT
                      : e->level == EVENT_WARN ? ROLE_WARN
                                               : ROLE_BASE,
                      CELLS_LEFT, text);
    }
}

static int part_rows(const struct view *v, int part)
{
    const struct snapshot *s = v->c_b->snap;
    size_t n = part == PART_COUNTS ? 3 : part == PART_ALERTS ? s->tables[TABLE_ALERTS]->n_rows
               : part == PART_EVENTS ? s->tables[TABLE_EVENTS]->n_rows : 0;

    return n > ALERTS_MAX ? ALERTS_MAX : (int)n;
}

static void draw_cursor(const struct view *v, struct canvas body, int alerts)
{
    int row = v->part == PART_COUNTS ? ROW_COUNTS
              : v->part == PART_ALERTS ? ROW_LISTS + 1 : ROW_LISTS + alerts + 2;
    int shown = v->part == PART_COUNTS ? 3 : v->part == PART_ALERTS ? alerts
                : body.rows - ROW_LISTS - 2 - alerts;
    int at = v->part_row[v->part] < shown ? v->part_row[v->part] : shown - 1;

    if (part_rows(v, v->part) == 0)
        return;
    canvas_restyle(body, row + at, 0, body.cols, ROLE_CURSOR);
    canvas_put(body, row + at, 0, ROLE_CURSOR, ">");
}

static void deck_draw(struct view *v, struct canvas body)
{
    int alerts, events;

    share(v, body.rows, &alerts, &events);
    draw_worst(v->c_b, body);
    deck_draw_counts(v->c_b, canvas_part(body, ROW_COUNTS, 0, 3, body.cols));
    deck_draw_load(v->c_b, canvas_part(body, ROW_LOAD, 0, 6, body.cols));
    draw_alerts(v, canvas_part(body, ROW_LISTS, 0, alerts + 1, body.cols));
    draw_events(v, canvas_part(body, ROW_LISTS + alerts + 1, 0, events + 1, body.cols));
    if (v->part >= 0)
        draw_cursor(v, body, alerts);
}

static void next_part(struct view *v, int by)
{
    static const int order[] = {-1, PART_COUNTS, PART_ALERTS, PART_EVENTS};
    int at = 0;

    for (int i = 0; i < 4; i++)
        if (order[i] == v->part)
            at = i;
    v->part = order[(at + by + 4) % 4];
}

static void open_part(struct view *v)
{
    static const enum view_id of[] = {VIEW_VMS, VIEW_MESH, VIEW_ROUTES};
    const struct table_view *events = v->c_b->snap->tables[TABLE_EVENTS];
    const struct alert_row *sorted[ALERTS_MAX];
    int row = v->part_row[v->part];

    if (row >= part_rows(v, v->part))
        return;
    if (v->part == PART_COUNTS) {
        console_go_view(v->c_b, of[row]);
    } else if (v->part == PART_ALERTS) {
        alerts_sorted(v->c_b, sorted, ALERTS_MAX);
        alerts_go(v->c_b, sorted[row]);
    } else {
        const struct event_row *e = view_at(events, events->n_rows - 1 - (size_t)row);
        page_open_lines(v->c_b, VIEW_EVENTS, "event.detail", e->object, e->id);
    }
}

static bool deck_action(struct view *v, int action)
{
    int by = action == ACT_UP ? -1 : action == ACT_DOWN ? 1 : action == ACT_PAGE_UP ? -10
             : action == ACT_PAGE_DOWN ? 10 : action == ACT_FIRST ? -ALERTS_MAX
             : action == ACT_LAST ? ALERTS_MAX : 0;

    if (action == ACT_PART_NEXT || action == ACT_PART_PREV) {
        next_part(v, action == ACT_PART_NEXT ? 1 : -1);
        return true;
    }
    if (by == 0 && action != ACT_OPEN)
        return false;
    if (v->part < 0) {
        v->part = part_rows(v, PART_ALERTS) ? PART_ALERTS : PART_COUNTS;
        return true;
    }
    if (action == ACT_OPEN) {
        open_part(v);
        return true;
    }
    int last = part_rows(v, v->part) - 1, to = v->part_row[v->part] + by;
    v->part_row[v->part] = to > last ? (last < 0 ? 0 : last) : to < 0 ? 0 : to;
    return true;
}

static bool deck_subject(const struct view *v, enum view_id *view, char *name, size_t cap)
{
    const struct table_view *events = v->c_b->snap->tables[TABLE_EVENTS];
    const struct alert_row *sorted[ALERTS_MAX];
    const char *object;
    size_t row;

    if (v->part < 0 || v->part_row[v->part] >= part_rows(v, v->part))
        return false;
    row = (size_t)v->part_row[v->part];
    if (v->part == PART_EVENTS) {
        const struct event_row *e = view_at(events, events->n_rows - 1 - row);
        if (!view_of_object(e->object, view, &object))
            return false;
        snprintf(name, cap, "%s", object);
        return true;
    }
    if (v->part != PART_ALERTS)
        return false;
    alerts_sorted(v->c_b, sorted, ALERTS_MAX);
    *view = view_named(sorted[row]->view);
    snprintf(name, cap, "%s", sorted[row]->object);
    return *view < VIEW_COUNT;
}

static const struct hint hints[] = {
    {ACT_OPEN, NULL}, {ACT_PART_NEXT, NULL}, {ACT_WORST, NULL}, {ACT_VM_CREATE, NULL},
    {ACT_PALETTE, NULL}, {ACT_HELP, NULL}, {ACT_QUIT, NULL}, {0, NULL},
};

const struct view_ops view_deck = {
    .name = "deck",
    .tab = "Deck",
    .question = "is anything wrong, what moves",
    .table = TABLE_ALERTS,
    .context = CTX_DECK,
    .hints = hints,
    .draw = deck_draw,
    .action = deck_action,
    .subject = deck_subject,
};
