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

enum { WARN_MS = 5000, STALE_MS = 30000 };

bool frame_is_small(const struct console *c)
{
    return c->rows < FRAME_MIN_ROWS || c->cols < FRAME_MIN_COLS;
}

enum freshness frame_table_age(const struct console *c, enum table_id t, int64_t *ret_ms)
{
    const struct table_health *h = &c->snap->meta.health[t];

    *ret_ms = 0;
    if (h->error[0] && h->checked_ms)
        *ret_ms = c->clock.now_ms - h->checked_ms;
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
    fmt_age(age, c->clock.now_ms - ms, c->clock.now_ms);
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

static void format_alert(const struct console *c, const struct alerts_sum *s, char *buf, size_t cap)
{
    const struct alert_row *a = s->worst;
    char since[FMT_MAX];

    fmt_hm(since, &c->clock, a->since_ms);
    int n = snprintf(buf, cap, "%s %s %s since %s", alerts_level_word(a), a->object, a->verdict, since);
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

static int put_word(struct canvas row, int at, enum role role, const char *word)
{
    return at + canvas_put(row, 0, at, role, word) + 2;
}

/* Words about this session behind the freshness. */
static int draw_session(const struct console *c, struct canvas row, int at, enum role role)
{
    const struct snapshot_meta *m = &c->snap->meta;
    char text[32];

    if (m->read_only || c->opt_b->read_only)
        at = put_word(row, at, role, "READ-ONLY");
    if ((c->term && term_is_slow(c->term, c->clock.now_ms)) || prefs_is(&c->set, SET_LINK, "slow"))
        at = put_word(row, at, role, "slow");
    if (m->consoles > 1) {
        snprintf(text, sizeof text, "%u consoles", m->consoles);
        at = put_word(row, at, role, text);
    }
    return at;
}

static void draw_header(const struct console *c, struct canvas row)
{
    const struct snapshot_meta *m = &c->snap->meta;
    bool prod = console_is_production(c);
    enum role role = prod ? ROLE_HEADER_PROD : ROLE_HEADER;
    char alert[160] = "all well", fleet[80], fresh[32];
    struct alerts_sum s;
    int at = 1;

    canvas_fill(row, 0, 0, row.cols, role);
    alerts_sum(c, &s);
    if (s.worst)
        format_alert(c, &s, alert, sizeof alert);
    int right = row.cols - 1 - cells_width(alert);
    if (right < row.cols / 3)
        right = row.cols / 3;
    struct canvas left = canvas_part(row, 0, 0, 1, right - 1);
    if (prod)
        at += canvas_put(left, 0, at, ROLE_BADGE, " PROD ") + 1;
    if (!prod || c->cols >= FRAME_WIDE_COLS)
        at = put_word(left, at, role, "meshdeck");
    snprintf(fleet, sizeof fleet, "%s%s / %s", m->demo ? "DEMO " : "", m->fleet, m->node);
    at = put_word(left, at, role, fleet);
    at = put_word(left, at, role, m->accel);
    enum freshness f = frame_freshness(c, fresh, sizeof fresh);
    at = put_word(left, at, f == FRESH_LIVE ? role : f == FRESH_OLD ? ROLE_WARN : ROLE_CRIT, fresh);
    at = draw_session(c, left, at, role);
    if (prod && c->theme.colours == 0)
        for (int i = at; i < right - 1; i++)
            canvas_put(row, 0, i, role, "!");
    canvas_put(row, 0, right, s.worst ? alerts_role(s.worst) : role, alert);
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
            status_draw(c, canvas_part(all, c->rows - 2, 0, 1, c->cols));
        }
        status_draw_keys(c, canvas_part(all, c->rows - 1, 0, 1, c->cols));
    }
    overlay_draw(c);
}
