/*
 * The frame around every view and the order in which a picture is put together. Console thread;
 * draws into the grid only, and only what the snapshot and the clock of this turn say.
 */
#include "tui/frame.h"

#include <stdio.h>
#include <string.h>

#include "tui/alerts.h"
#include "tui/overlay.h"
#include "tui/page.h"
#include "tui/shell.h"
#include "tui/state.h"
#include "tui/status.h"
#include "widgets/cells.h"

enum { WARN_MS = 5000, STALE_MS = 30000, STATUS_ROWS = 4 };

bool frame_is_small(const struct console *c)
{
    return c->rows < FRAME_MIN_ROWS || c->cols < FRAME_MIN_COLS;
}

enum freshness frame_table_age(const struct console *c, enum table_id t, int64_t *ret_ms)
{
    const struct table_health *h = &c->snap->meta.health[t];

    *ret_ms = 0;
    if (h->error[0] && h->checked_ms)
        *ret_ms = c->now_ms - h->checked_ms;
    return *ret_ms >= STALE_MS ? FRESH_STALE : *ret_ms >= WARN_MS ? FRESH_OLD : FRESH_LIVE;
}

enum freshness frame_freshness(const struct console *c, char *buf, size_t cap)
{
    char age[FMT_MAX];
    int64_t ms = 0;
    enum freshness f = FRESH_LIVE;

    if (console_engine_is_silent(c)) {
        snprintf(buf, cap, "NO ENGINE");
        return FRESH_NONE;
    }
    if (c->frozen_ms) {
        snprintf(buf, cap, "FROZEN %s", fmt_hm(age, &c->clock, c->frozen_ms));
        return FRESH_FROZEN;
    }
    if (c->at != VIEW_SHELLS && c->at != VIEW_DECK)
        f = frame_table_age(c, c->view[c->at].ops->table, &ms);
    fmt_age(age, c->now_ms - ms, c->now_ms);
    if (f == FRESH_LIVE)
        snprintf(buf, cap, "live");
    else
        snprintf(buf, cap, f == FRESH_STALE ? "STALE %s" : "%s old", age);
    return f;
}

void frame_title(struct canvas row, const char *left, const char *right)
{
    int width = cells_width(right), at = row.cols - 1 - width;

    canvas_fill(row, 0, 0, row.cols, ROLE_BASE);
    if (at < 1)
        at = 1;
    canvas_put(canvas_part(row, 0, 0, 1, width ? at - 1 : row.cols), 0, 1, ROLE_STRONG, left);
    canvas_put(row, 0, at, ROLE_BASE, right);
}

/* level 2 and more: without its instant. */
static void format_alert(const struct console *c, const struct alerts_sum *s, int level, char *buf,
                         size_t cap)
{
    const struct alert_row *a = s->worst;
    char since[FMT_MAX];
    int n;

    if (!a) {
        snprintf(buf, cap, "all well");
        return;
    }
    n = level < 3 ? snprintf(buf, cap, "%s %s %s since %s", alerts_level_word(a), a->object, a->verdict,
                             fmt_hm(since, &c->clock, a->since_ms))
                  : snprintf(buf, cap, "%s %s %s", alerts_level_word(a), a->object, a->verdict);
    if (n < 0 || (size_t)n >= cap)
        return;
    size_t at = (size_t)n;
    unsigned more = s->of_level[a->level] - 1;
    if (c->cols < FRAME_WIDE_COLS) {
        if (more)
            snprintf(buf + at, cap - at, " +%u", more);
        return;
    }
    unsigned warns = a->level == ALERT_CRIT ? s->of_level[ALERT_WARN] : 0;
    if (more || warns)
        at += (size_t)snprintf(buf + at, cap - at, "   and");
    if (more && at < cap)
        at += (size_t)snprintf(buf + at, cap - at, " %u %s", more, alerts_level_word(a));
    if (warns && at < cap)
        snprintf(buf + at, cap - at, " %u WARN", warns);
}

/* Words about this session behind the freshness. */
static void format_session(const struct console *c, char *buf, size_t cap)
{
    const struct snapshot_meta *m = &c->snap->meta;
    size_t at = 0;

    buf[0] = '\0';
    if (m->read_only || c->opt_b->read_only)
        at += (size_t)snprintf(buf + at, cap - at, "  READ-ONLY");
    if (console_is_slow(c))
        at += (size_t)snprintf(buf + at, cap - at, "  slow");
    if (m->consoles > 1)
        snprintf(buf + at, cap - at, "  %u consoles", m->consoles);
}

struct header {
    char before[112], fresh[32], session[64], alert[160];
    enum freshness freshness;
};

/* What stands there when room is short: each level leaves out a little more, freshness never. */
static void make_header(const struct console *c, const struct alerts_sum *s, int level,
                        struct header *h)
{
    const struct snapshot_meta *m = &c->snap->meta;
    size_t at = 0, cap = sizeof h->before;

    h->before[0] = '\0';
    if (level < 1)
        at += (size_t)snprintf(h->before, cap, "meshdeck  ");
    at += (size_t)snprintf(h->before + at, cap - at, "%s%s / %s  ", m->demo ? "DEMO " : "", m->fleet,
                           m->node);
    if (level < 2)
        snprintf(h->before + at, cap - at, "%s  ", m->accel);
    h->freshness = frame_freshness(c, h->fresh, sizeof h->fresh);
    format_session(c, h->session, sizeof h->session);
    format_alert(c, s, level, h->alert, sizeof h->alert);
}

static void draw_header(const struct console *c, struct canvas row)
{
    static const char badge[] = " PROD ";
    bool prod = console_is_production(c);
    bool plain = c->theme.colours == 0 || (c->term && term_get_colours(c->term) == 0);
    enum role role = prod ? ROLE_HEADER_PROD : ROLE_HEADER;
    struct alerts_sum s;
    struct header h;
    int level = 0, need, at = 1;

    alerts_sum(c, &s);
    do {
        make_header(c, &s, level, &h);
        need = 1 + (prod ? (int)sizeof badge : 0) + cells_width(h.before) + cells_width(h.fresh) +
               cells_width(h.session) + 2 + cells_width(h.alert) + 1;
    } while (need > row.cols && ++level < 4);
    canvas_fill(row, 0, 0, row.cols, role);
    if (prod)
        at += canvas_put(row, 0, at, ROLE_BADGE, badge) + 1;
    int right = row.cols - 1 - cells_width(h.alert);
    if (right < row.cols / 3)
        right = row.cols / 3;
    struct canvas left = canvas_part(row, 0, 0, 1, right - 1);
    at += canvas_put(left, 0, at, role, h.before);
    at += canvas_put(left, 0, at, h.freshness == FRESH_LIVE  ? role
                                  : h.freshness == FRESH_OLD ? ROLE_WARN
                                                             : ROLE_CRIT, h.fresh);
    at += canvas_put(left, 0, at, role, h.session) + 1;
    for (int i = at; prod && plain && i < right - 1; i++)
        canvas_put(row, 0, i, role, "!");
    if (plain && s.worst && right >= 2)
        canvas_fill(row, 0, right - 2, 2, ROLE_BASE); /* reverse beside reverse would be one bar */
    canvas_put(row, 0, right, s.worst ? alerts_role(s.worst) : role, h.alert);
}

static void format_tab(const struct console *c, int i, char *buf, size_t cap)
{
    bool on = (int)c->at == i;

    snprintf(buf, cap, "%s%d %s%s", on ? "[" : " ", i + 1, view_table[i]->tab, on ? "]" : " ");
}

/* Column where tab i begins; also its width. Tabs stand at fixed places whichever is open. */
static int tab_at(const struct console *c, int i, int *ret_width)
{
    char text[32];
    int at = 0;

    for (int k = 0; k <= i; k++) {
        format_tab(c, k, text, sizeof text);
        *ret_width = cells_width(text);
        if (k < i)
            at += *ret_width;
    }
    return at;
}

static void draw_views(const struct console *c, struct canvas row)
{
    char text[32];
    int width;

    canvas_fill(row, 0, 0, row.cols, ROLE_TAB);
    for (int i = 0; i < VIEW_TICKETS; i++) {
        format_tab(c, i, text, sizeof text);
        canvas_put(row, 0, tab_at(c, i, &width), (int)c->at == i ? ROLE_TAB_ON : ROLE_TAB, text);
    }
    if (c->at == VIEW_TICKETS && row.cols >= 92)
        canvas_put(row, 0, tab_at(c, VIEW_SHELLS, &width) + 9, ROLE_TAB_ON, "[0 Tickets]");
}

enum view_id frame_tab_at(const struct console *c, int col)
{
    int width;

    for (int i = 0; i < VIEW_TICKETS; i++) {
        int at = tab_at(c, i, &width);
        if (col >= at && col < at + width)
            return (enum view_id)i;
    }
    return VIEW_COUNT;
}

struct canvas console_body(const struct console *c)
{
    struct canvas all = canvas_of(c->grid);

    if (shell_is_zoomed(c))
        return all;
    return canvas_part(all, 2, 0, c->rows - (c->page && c->page->ops->tall ? 3 : 4), c->cols);
}

void frame_draw(struct console *c)
{
    struct canvas all = canvas_of(c->grid);

    canvas_erase(all);
    if (frame_is_small(c)) {
        small_draw(c);
        return;
    }
    struct canvas body = console_body(c);
    if (c->page)
        c->page->ops->draw(c->page, body);
    else
        view_draw(&c->view[c->at], body);
    if (!shell_is_zoomed(c)) {
        draw_header(c, canvas_part(all, 0, 0, 1, c->cols));
        struct canvas tabs = canvas_part(all, 1, 0, 1, c->cols);
        if (c->page && c->page->ops->draw_tabs)
            c->page->ops->draw_tabs(c->page, tabs);
        else
            draw_views(c, tabs);
        if (!(c->page && c->page->ops->tall) || status_is_pressing(c)) {
            canvas_fill(all, c->rows - 2, 0, c->cols, ROLE_BASE);
            status_draw(c, canvas_part(all, c->rows - 1 - STATUS_ROWS, 0, STATUS_ROWS, c->cols));
        }
        status_draw_keys(c, canvas_part(all, c->rows - 1, 0, 1, c->cols));
    }
    overlay_draw(c);
}
