/* Events: what happened, who, why? The journal, and the alerts. */
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/alerts.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/xmem.h"

static const struct event_row *event_of(const void *row)
{
    return row;
}

static const struct alert_row *alert_of(const void *row)
{
    return row;
}

static const char *level_word(uint8_t level)
{
    return level == EVENT_CRIT ? "CRIT" : level == EVENT_WARN ? "WARN" : "info";
}

static enum role level_role(uint8_t level)
{
    return level == EVENT_CRIT ? ROLE_CRIT : level == EVENT_WARN ? ROLE_WARN : ROLE_BASE;
}

static double num_time(void *ctx, const void *row)
{
    (void)ctx;
    return (double)event_of(row)->time_ms;
}

static void show_time(void *ctx, const void *row, struct list_cell *cell)
{
    const struct view *v = ctx;
    char buf[FMT_MAX];

    if (fmt_is_today(&v->c_b->clock, event_of(row)->time_ms))
        cell_text(cell, fmt_hms(buf, &v->c_b->clock, event_of(row)->time_ms));
    else
        cell_text(cell, fmt_day_hms(buf, &v->c_b->clock, event_of(row)->time_ms));
}

static const char *text_level(void *ctx, const void *row)
{
    (void)ctx;
    return level_word(event_of(row)->level);
}

static void show_level(void *ctx, const void *row, struct list_cell *cell)
{
    cell_text(cell, text_level(ctx, row));
    cell->role = level_role(event_of(row)->level);
}

CELL_TEXT(object, struct event_row, r->object)

static const char *text_what(void *ctx, const void *row)
{
    (void)ctx;
    return event_of(row)->what;
}

static void show_what(void *ctx, const void *row, struct list_cell *cell)
{
    const struct event_row *e = row;

    (void)ctx;
    snprintf(cell->text, sizeof cell->text, "%s%s%s", e->what, e->who[0] ? " by " : "", e->who);
}

CELL_TEXT(cause, struct event_row, r->cause)

static const struct list_column columns[] = {
    {"time", "TIME", 14, false, CELLS_LEFT, 1, 't', .descending = true, .format = show_time,
     .number = num_time},
    {"level", "LEVEL", 5, false, CELLS_LEFT, 1, 'l', .format = show_level, .text = text_level},
    {"object", "OBJECT", 16, false, CELLS_LEFT, 1, 'o', .format = show_object,
     .text = text_object},
    {"what", "WHAT", 25, true, CELLS_LEFT, 1, 'w', .format = show_what, .text = text_what},
    {"cause", "CAUSE", 12, false, CELLS_LEFT, 3, 'c', .format = show_cause, .text = text_cause},
};

static void event_name(const void *row, char *buf, size_t cap)
{
    xmem_copy_text(buf, cap, event_of(row)->object);
}

static bool event_subject(const struct view *v, enum view_id *view, char *name, size_t cap)
{
    const struct event_row *e = view_cursor_row(v);
    const char *object;

    if (!e || !view_of_object(e->object, view, &object))
        return false;
    xmem_copy_text(name, cap, object);
    return true;
}

static bool alert_subject(const struct view *v, enum view_id *view, char *name, size_t cap)
{
    const struct alert_row *a = view_cursor_row(v);

    if (!a || view_named(a->view) == VIEW_COUNT)
        return false;
    *view = view_named(a->view);
    xmem_copy_text(name, cap, a->object);
    return true;
}

static uint32_t event_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    uint8_t level = event_of(row)->level;

    (void)v;
    return glyph_put(level == EVENT_CRIT   ? (struct glyph){0x2717, '!', ROLE_CRIT}
                     : level == EVENT_WARN ? (struct glyph){0x25B2, '^', ROLE_WARN}
                                           : (struct glyph){' ', ' ', ROLE_BASE},
                     utf8, role);
}

static bool event_status(const struct view *v, const void *row, char *buf, size_t cap)
{
    const struct event_row *e = row;

    (void)v;
    snprintf(buf, cap, "%s: %s%s%s%s%s", e->object, e->what, e->who[0] ? " by " : "", e->who,
             e->cause[0] ? ", " : "", e->cause);
    return true;
}

static void event_open(struct view *v, const void *row)
{
    page_open_lines(v->c_b, VIEW_EVENTS, "event.detail", event_of(row)->object, event_of(row)->id);
}

static void event_empty(const struct view *v, char *buf, size_t cap)
{
    (void)v;
    snprintf(buf, cap, "Nothing has happened yet.");
}

static double num_since(void *ctx, const void *row)
{
    (void)ctx;
    return (double)alert_of(row)->since_ms;
}

static void show_since(void *ctx, const void *row, struct list_cell *cell)
{
    const struct view *v = ctx;
    char buf[FMT_MAX];

    cell_text(cell, fmt_hms(buf, &v->c_b->clock, alert_of(row)->since_ms));
}

static void show_alert_level(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    cell_text(cell, alerts_level_word(row));
    cell->role = alerts_role(row);
}

static void show_alert_object(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    cell_text(cell, alert_of(row)->object);
}

static void show_alert_what(void *ctx, const void *row, struct list_cell *cell)
{
    const struct view *v = ctx;

    alerts_format_short(v->c_b, row, cell->text, sizeof cell->text);
    if (alert_of(row)->ended_ms || alert_of(row)->acked)
        cell->role = ROLE_DIM;
}

static void show_alert_state(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    cell_text(cell, alert_of(row)->ended_ms ? "over" : alert_of(row)->acked ? "taken" : "open");
}

static double num_trouble(void *ctx, const void *row)
{
    const struct alert_row *a = row;
    double rank = a->ended_ms ? 3 : a->acked ? 2 : a->level == ALERT_CRIT ? 0 : 1;

    (void)ctx;
    return rank * 1e15 - a->vms * 1e14 / 1e6 - (double)a->since_ms / 1e6;
}

static void show_nothing(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    (void)row;
    cell->text[0] = '\0';
}

static const struct list_column alert_columns[] = {
    {"since", "SINCE", 14, false, CELLS_LEFT, 1, 't', .descending = true, .format = show_since,
     .number = num_since},
    {"level", "LEVEL", 5, false, CELLS_LEFT, 1, 'l', .format = show_alert_level},
    {"object", "OBJECT", 16, false, CELLS_LEFT, 1, 'o', .format = show_alert_object},
    {"what", "WHAT", 25, true, CELLS_LEFT, 1, 'w', .format = show_alert_what},
    {"state", "STATE", 6, false, CELLS_LEFT, 2, 's', .meaning = true, .format = show_alert_state},
    {"trouble", "TROUBLE", 4000, false, CELLS_LEFT, 6, 'x', .format = show_nothing,
     .number = num_trouble},
};

static void alert_name(const void *row, char *buf, size_t cap)
{
    xmem_copy_text(buf, cap, alert_of(row)->object);
}

static uint32_t alert_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    const struct alert_row *a = row;

    (void)v;
    return glyph_put(a->level == ALERT_CRIT ? (struct glyph){0x2717, '!', alerts_role(a)}
                                            : (struct glyph){0x25B2, '^', alerts_role(a)},
                     utf8, role);
}

static void alert_open(struct view *v, const void *row)
{
    alerts_go(v->c_b, row);
}

static bool alert_status(const struct view *v, const void *row, char *buf, size_t cap)
{
    alerts_format_sentence(v->c_b, row, buf, cap);
    return true;
}

static void alert_empty(const struct view *v, char *buf, size_t cap)
{
    (void)v;
    snprintf(buf, cap, "all well: no alert in the last 10 minutes.");
}

static const struct hint hints[] = {
    {ACT_OPEN, NULL}, {ACT_FILTER, NULL}, {ACT_SORT, NULL}, {ACT_VARIANT, ""},
    {ACT_INSPECT, NULL}, {ACT_HELP, NULL}, {ACT_QUIT, NULL}, {0, NULL},
};
static const struct hint alert_hints[] = {
    {ACT_OPEN, "go there"}, {ACT_ACK, NULL}, {ACT_WHY, NULL}, {ACT_VARIANT, ""},
    {ACT_FILTER, NULL}, {ACT_HELP, NULL}, {ACT_QUIT, NULL}, {0, NULL},
};

static const struct view_ops view_alerts;

#define EVENTS_COMMON                                                                              \
    .name = "events", .tab = "Events", .question = "what happened, who did it, and why",           \
    .context = CTX_EVENTS, .variants = {"events", "alerts"},                                       \
    .by_variant = {&view_events, &view_alerts}

const struct view_ops view_events = {
    EVENTS_COMMON,
    .table = TABLE_EVENTS,
    .columns = columns,
    .n_columns = XMEM_LEN(columns),
    .sort = "time",
    .descending = true,
    .by_newest = true,
    .detail = "event.detail",
    .hints = hints,
    .glyph = event_glyph,
    .row_name = event_name,
    .subject = event_subject,
    .status = event_status,
    .open = event_open,
    .empty = event_empty,
};

static const struct view_ops view_alerts = {
    EVENTS_COMMON,
    .table = TABLE_ALERTS,
    .columns = alert_columns,
    .n_columns = XMEM_LEN(alert_columns),
    .sort = "trouble",
    .hints = alert_hints,
    .glyph = alert_glyph,
    .row_name = alert_name,
    .subject = alert_subject,
    .status = alert_status,
    .open = alert_open,
    .empty = alert_empty,
};
