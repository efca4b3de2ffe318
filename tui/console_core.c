/*
 * The console without its terminal: state, keys to actions, news of the engine, the frame. The loop
 * (console.c) and the tests drive it. Console thread.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/alerts.h"
#include "tui/ask.h"
#include "tui/config.h"
#include "tui/copy.h"
#include "tui/forms/create_vm.h"
#include "tui/frame.h"
#include "tui/overlay.h"
#include "tui/page.h"
#include "tui/requests.h"
#include "tui/shell.h"
#include "tui/state.h"
#include "tui/tickets.h"
#include "widgets/form.h"
#include "widgets/lineedit.h"
#include "widgets/menu.h"
#include "widgets/palette.h"
#include "widgets/xmem.h"

enum { SLOW_AGE_MS = 10000 }; /* steps of ages over a slow link */

int64_t console_now_ms(const struct console *c)
{
    return c->opt_b->clock_ms ? c->opt_b->clock_ms() : now_ms();
}

static void set_clock(struct console *c)
{
    c->now_ms = console_now_ms(c);
    c->clock.now_ms = c->frozen_ms ? c->frozen_ms : c->now_ms;
    if (console_is_slow(c))
        c->clock.now_ms -= c->clock.now_ms % SLOW_AGE_MS;
}

bool console_is_slow(const struct console *c)
{
    return prefs_is(&c->set, SET_LINK, "slow") || (c->term && term_is_slow(c->term, c->now_ms));
}

static void complain(void *ctx, const char *line)
{
    struct console *c = ctx;

    if (!c->note[0])
        xmem_copy_text(c->note, sizeof c->note, line);
}

static void load_files(struct console *c)
{
    char *text, why[300];
    int r;

    config_find(c->config_dir, sizeof c->config_dir, c->opt_b->config_dir);
    r = config_read(c->config_dir, "config", &text, why, sizeof why);
    if (r == 0) {
        prefs_parse(&c->set, text, complain, c);
        free(text);
    } else if (why[0]) {
        complain(c, why);
    }
    r = config_read(c->config_dir, "keys", &text, why, sizeof why);
    if (r == 0) {
        keymap_parse(c->keys, text, strlen(text), "keys", complain, c);
        free(text);
    } else if (why[0]) {
        complain(c, why);
    }
    xmem_copy_text(c->prefix, sizeof c->prefix, prefs_table[SET_PREFIX].start);
    if (prefs_is(&c->set, SET_PREFIX, c->prefix))
        return;
    if (keymap_set_prefix(c->keys, c->prefix, c->set.value[SET_PREFIX], why, sizeof why) < 0)
        complain(c, why);
    else
        xmem_copy_text(c->prefix, sizeof c->prefix, c->set.value[SET_PREFIX]);
}

struct console *console_new(struct engine *en, const struct console_options *o, struct term *term,
                            int rows, int cols)
{
    struct console *c = xmem_new(1, sizeof *c);

    c->en_b = en;
    c->opt_b = o;
    c->term = term;
    c->rows = rows;
    c->cols = cols;
    c->grid = canvas_grid_new(rows, cols);
    c->keys = actions_keymap_new();
    c->requests = requests_new();
    c->shells = shells_new();
    c->snap = engine_snapshot(en);
    set_clock(c);
    prefs_init(&c->set);
    theme_init(&c->theme);
    load_files(c);
    c->clock.utc = prefs_is(&c->set, SET_TIME, "utc");
    for (unsigned i = 0; i < VIEW_COUNT; i++)
        view_begin(&c->view[i], c, (enum view_id)i);
    c->dirty = true;
    return c;
}

void console_free(struct console *c)
{
    if (!c)
        return;
    while (c->page)
        console_pop_page(c);
    for (unsigned i = 0; i < VIEW_COUNT; i++)
        view_close(&c->view[i]);
    ask_free(c->ask);
    menu_free(c->menu);
    palette_free(c->palette);
    free(c->palette_texts);
    lineedit_free(c->prompt);
    form_free(c->create_draft);
    form_free(c->peer_draft);
    free(c->create_fields);
    command_forget_undo(c);
    json_decref(c->after_build.args);
    shells_free(c);
    requests_free(c->requests);
    keymap_free(c->keys);
    canvas_grid_free(c->grid);
    snapshot_unref(c->snap);
    free(c);
}

void console_resize(struct console *c, int rows, int cols)
{
    c->rows = rows;
    c->cols = cols;
    canvas_grid_resize(c->grid, rows, cols);
    c->dirty = true;
}

bool console_engine_is_silent(const struct console *c)
{
    if (c->opt_b->clock_ms && engine_end(c->en_b) == ENGINE_DEMO)
        return false; /* the clock is held, the demo's heart is not */
    return c->now_ms - engine_heartbeat_ms(c->en_b) >= ENGINE_SILENT_MS;
}

bool console_is_production(const struct console *c)
{
    return c->snap->meta.production;
}

bool console_may_change(const struct console *c, char *why, size_t cap)
{
    const struct snapshot_meta *m = &c->snap->meta;

    if (console_engine_is_silent(c))
        snprintf(why, cap, "NO ENGINE: nothing can be changed until one answers");
    else if (c->opt_b->read_only)
        snprintf(why, cap, "READ-ONLY: opened with --read-only");
    else if (m->read_only)
        snprintf(why, cap, "READ-ONLY: %s", m->read_only_why);
    else
        return true;
    return false;
}

__attribute__((format(printf, 4, 0))) static void say(struct console *c, enum role role, bool error,
                                                      const char *fmt, va_list ap)
{
    char text[TOAST_MAX];

    vsnprintf(text, sizeof text, fmt, ap);
    if (error)
        toast_show_error(&c->toast, text, c->now_ms);
    else
        toast_show(&c->toast, role, text, c->now_ms);
    c->dirty = true;
}

void console_say(struct console *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(c, ROLE_STRONG, false, fmt, ap);
    va_end(ap);
}

void console_say_dim(struct console *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(c, ROLE_DIM, false, fmt, ap);
    va_end(ap);
}

void console_say_error(struct console *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(c, ROLE_CRIT, true, fmt, ap);
    va_end(ap);
}

void page_init(struct page *p, const struct page_ops *ops, struct console *c)
{
    p->ops = ops;
    p->c_b = c;
    p->under = NULL;
}

void console_push_page(struct console *c, struct page *p)
{
    p->under = c->page;
    c->page = p;
    c->second = SECOND_NONE;
    c->dirty = true;
}

void console_pop_page(struct console *c)
{
    struct page *p = c->page;

    if (!p)
        return;
    c->page = p->under;
    c->second = SECOND_NONE;
    c->dirty = true;
    p->ops->free(p);
}

void console_go_view(struct console *c, enum view_id id)
{
    while (c->page)
        console_pop_page(c);
    c->at = id;
    c->second = SECOND_NONE;
    c->dirty = true;
    view_refresh(&c->view[id]);
}

size_t console_contexts(const struct console *c, int out[static 8])
{
    size_t n = 0;

    if (c->page) {
        for (size_t i = 0; i < 4 && c->page->ops->contexts[i] >= 0; i++)
            out[n++] = c->page->ops->contexts[i];
        if (n > 0 && (out[0] == CTX_SHELL || out[0] == CTX_BACK))
            return shell_contexts(c, out);
    } else {
        out[n++] = c->view[c->at].ops->context;
        if (c->at != VIEW_DECK)
            out[n++] = CTX_LIST;
        out[n++] = CTX_MOVE;
    }
    out[n++] = CTX_ANY;
    return n;
}

void console_run_action(struct console *c, int action)
{
    const struct action *a = &actions[action];
    char why[240] = "";

    if (a->run || a->line) {
        if (!action_is_possible(c, action, why, sizeof why))
            console_say(c, "%s", why);
        else if (a->run)
            a->run(c, action);
        else
            a->line(c, "");
        return;
    }
    if (c->page) {
        if (c->page->ops->action && c->page->ops->action(c->page, action))
            return;
    } else if (view_action(&c->view[c->at], action)) {
        return;
    }
    console_say_dim(c, "%s: nothing to do here", a->name);
}

static void say_nothing_here(struct console *c, const struct key *k)
{
    char name[24];
    bool capital = k->code >= 'A' && k->code <= 'Z';

    if (k->code == KEYSYM_UNKNOWN || (k->mods & (KEYMOD_ALT | KEYMOD_PASTED)))
        return; /* swallowed */
    key_format(k, name, sizeof name);
    console_say_dim(c, "%s: nothing here.%s", name, capital ? " Caps Lock?" : "");
}

static void mouse(struct console *c, const struct key *k)
{
    bool press = k->mouse == KEY_MOUSE_PRESS || k->mouse == KEY_MOUSE_DOUBLE;

    if (overlay_is_open(c) || frame_is_small(c))
        return;
    if (press && k->row == 1 && !(c->page && c->page->ops->draw_tabs)) {
        enum view_id id = frame_tab_at(c, k->col);
        if (id < VIEW_COUNT)
            console_go_view(c, id);
    } else if (press && k->row == c->rows - 1) {
        int action = frame_hint_at(c, k->col);
        if (action)
            console_run_action(c, action);
    } else if (k->mouse != KEY_MOUSE_RELEASE) {
        if (!c->page)
            view_click(&c->view[c->at], k, console_body(c));
        else if (c->page->ops->mouse)
            c->page->ops->mouse(c->page, k, console_body(c));
    }
}

static void second_key(struct console *c, const struct key *k)
{
    enum second_key second = c->second;

    c->second = SECOND_NONE;
    if (k->code == KEYSYM_ESC || !key_is_text(k) || (k->mods & KEYMOD_PASTED))
        return;
    if (second == SECOND_COPY)
        copy_field(c, (char)k->code);
    else if (c->view[c->at].list)
        list_sort_letter(c->view[c->at].list, (char)k->code);
}

static void small_key(struct console *c, const struct key *k)
{
    if (c->ask) {
        overlay_key(c, k);
        return;
    }
    if (key_is(k, 'q', 0) || key_is(k, KEYSYM_F1 + 9, 0))
        act_quit(c, ACT_QUIT);
    else if (key_is(k, 'l', KEYMOD_CTRL))
        act_repaint(c, ACT_REPAINT);
    else if (key_is(k, 'z', KEYMOD_CTRL))
        act_suspend(c, ACT_SUSPEND);
    else if (key_is(k, '?', 0))
        console_say(c, "Everything goes on; only the picture waits for 80x24. q leaves.");
}

void console_key(struct console *c, const struct key *k)
{
    int contexts[8], action;
    size_t n;

    set_clock(c);
    c->last_key_ms = c->now_ms;
    c->dirty = true;
    c->go_to_vm[0] = '\0'; /* the hand has moved on */
    toast_dismiss(&c->toast);
    if (frame_is_small(c)) {
        small_key(c, k);
        return;
    }
    if (k->code == KEYSYM_MOUSE) {
        mouse(c, k);
        return;
    }
    if (overlay_key(c, k))
        return;
    if (c->second != SECOND_NONE) {
        second_key(c, k);
        return;
    }
    if (!c->key_state.first.code && c->page && c->page->ops->key && c->page->ops->key(c->page, k))
        return;
    n = console_contexts(c, contexts);
    switch (keymap_find(c->keys, &c->key_state, contexts, n, k, &action)) {
    case KEYMAP_ACTION:
        console_run_action(c, action);
        break;
    case KEYMAP_NOTHING:
        say_nothing_here(c, k);
        break;
    case KEYMAP_FIRST:
        break;
    }
}

void console_turn(struct console *c)
{
    struct snapshot *s;

    set_clock(c);
    request_deliver(c);
    if (c->frozen_ms)
        return;
    s = engine_snapshot(c->en_b);
    if (s == c->snap || (s->meta.generation == c->snap->meta.generation &&
                         s->meta.taken_ms == c->snap->meta.taken_ms)) {
        snapshot_unref(s);
        return;
    }
    snapshot_unref(c->snap);
    c->snap = s;
    for (unsigned i = 0; i < VIEW_COUNT; i++)
        c->view[i].rows_b = s->tables[c->view[i].ops->table];
    view_refresh(&c->view[c->at]);
    alerts_turn(c);
    tickets_turn(c);
    create_turn(c);
    if (c->go_to_vm[0] && view_set_cursor_name(&c->view[VIEW_VMS], c->go_to_vm))
        c->go_to_vm[0] = '\0';
    for (struct page *p = c->page; p; p = p->under)
        if (p->ops->turn)
            p->ops->turn(p);
    c->dirty = true;
}

void console_draw(struct console *c)
{
    set_clock(c);
    c->clock.utc = prefs_is(&c->set, SET_TIME, "utc");
    frame_draw(c);
    c->dirty = false;
    c->drawn_ms = c->now_ms;
}

static void sooner(int *wait, int other)
{
    if (other >= 0 && (*wait < 0 || other < *wait))
        *wait = other;
}

int console_wait_ms(const struct console *c)
{
    int wait = toast_wait_ms(&c->toast, c->now_ms);

    if (frame_is_small(c))
        return wait;
    if (c->page && c->page->ops->wait_ms)
        sooner(&wait, c->page->ops->wait_ms(c->page));
    else if (!c->page && !c->frozen_ms)
        sooner(&wait, view_wait_ms(&c->view[c->at]));
    char fresh[32];
    enum freshness f = frame_freshness(c, fresh, sizeof fresh);
    if (f == FRESH_OLD || f == FRESH_STALE)
        sooner(&wait, 1000);
    return wait;
}
