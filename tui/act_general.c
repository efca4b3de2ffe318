/* Actions that mean the same everywhere. Console thread. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/alerts.h"
#include "tui/ask.h"
#include "tui/command.h"
#include "tui/overlay.h"
#include "tui/page.h"
#include "tui/requests.h"
#include "tui/shell.h"
#include "tui/state.h"
#include "tui/tickets.h"
#include "widgets/form.h"
#include "widgets/xmem.h"

bool act_subject(const struct console *c, enum view_id *ret_view, char *name, size_t cap)
{
    const struct view *v = &c->view[c->at];
    const void *row;

    for (const struct page *p = c->page; p; p = p->under)
        if (p->ops->subject)
            return p->ops->subject(p, ret_view, name, cap);
    if (v->ops->subject)
        return v->ops->subject(v, ret_view, name, cap);
    row = view_cursor_row(v);
    if (!row || !v->ops->row_name)
        return false;
    *ret_view = c->at;
    v->ops->row_name(row, name, cap);
    return true;
}

const char *act_key(const struct console *c, int action, char *buf, size_t cap)
{
    int contexts[8];
    size_t n = console_contexts(c, contexts);

    if (!keymap_format_first(c->keys, contexts, n, action, buf, cap))
        snprintf(buf, cap, ":%s", actions[action].name);
    return buf;
}

void act_view(struct console *c, int action)
{
    console_go_view(c, (enum view_id)(action - ACT_VIEW_DECK));
}

void act_palette(struct console *c, int action)
{
    (void)action;
    overlay_open_palette(c, "");
}

void act_help(struct console *c, int action)
{
    (void)action;
    page_open_help(c);
}

void act_back(struct console *c, int action)
{
    struct view *v = &c->view[c->at];
    char key[24];

    (void)action;
    if (c->page)
        console_pop_page(c);
    else if (v->inspecting && v->focus_inspector)
        v->focus_inspector = false;
    else if (v->part >= 0)
        v->part = -1;
    else
        console_say_dim(c, "nothing to go back to: %s leaves meshdeck",
                        act_key(c, ACT_QUIT, key, sizeof key));
}

static void leave(struct console *c, void *payload)
{
    (void)payload;
    c->leaving = true;
}

void act_quit(struct console *c, int action)
{
    char text[96];
    unsigned shells = shells_count(c), running, failed, done;
    bool draft = c->create_draft && form_is_edited(c->create_draft);

    (void)action;
    if (c->page && !(c->rows < 24 || c->cols < 80)) {
        console_pop_page(c);
        return;
    }
    tickets_count(c, &running, &failed, &done);
    if (engine_end(c->en_b) == ENGINE_ATTACHED)
        running = 0; /* another process carries them */
    if (!shells && !draft && !running) {
        c->leaving = true;
        return;
    }
    struct ask *a = ask_open(c, "Leave meshdeck?", "Leave", NULL, leave, NULL);
    ask_set_second_q(a);
    if (shells) {
        snprintf(text, sizeof text, "%u open session%s", shells, shells == 1 ? "" : "s");
        ask_add(a, "Closed", text);
    }
    if (draft)
        ask_add(a, "Lost", "the draft of a new VM");
    if (running) {
        snprintf(text, sizeof text, "%u ticket%s: the step ends, the rest is planned again at the", running,
                 running == 1 ? "" : "s");
        ask_add(a, "Broken off", text);
        ask_add(a, "", "next start");
    }
}

void act_why(struct console *c, int action)
{
    enum view_id view;
    char name[VIEW_NAME];
    struct alerts_sum s;

    (void)action;
    if (act_subject(c, &view, name, sizeof name)) {
        page_open_why(c, view, name);
        return;
    }
    alerts_sum(c, &s);
    if (s.worst && view_named(s.worst->view) < VIEW_COUNT)
        page_open_why(c, view_named(s.worst->view), s.worst->object);
    else
        console_say_dim(c, "nothing is chosen to ask about");
}

void act_reread(struct console *c, int action)
{
    const struct view *v = &c->view[c->at];
    const char *name = v->ops->source ? NULL : row_type_of(v->ops->table)->name;

    (void)action;
    if (!name) {
        console_say_dim(c, "sessions are this console's own: nothing to read again");
        return;
    }
    if (request_send(c, "table.reread", json_pack("{s:s}", "table", name), NULL, NULL))
        console_say(c, "reading %s again", v->ops->tab);
}

void act_freeze(struct console *c, int action)
{
    char key[24];

    (void)action;
    c->frozen_ms = c->frozen_ms ? 0 : c->now_ms;
    if (c->frozen_ms)
        console_say(c, "frozen; the engine goes on. %s thaws.", act_key(c, ACT_FREEZE, key, sizeof key));
    else
        console_say(c, "live again");
}

void act_mouse(struct console *c, int action)
{
    bool on = !prefs_is(&c->set, SET_MOUSE, "on");

    (void)action;
    command_keep(c, SET_MOUSE, on ? "on" : "off");
    if (c->term)
        term_set_mouse(c->term, on);
    console_say(c, on ? "mouse on: click, wheel; Shift-drag selects in your terminal"
                      : "mouse off: your terminal selects again");
}

void act_plain(struct console *c, int action)
{
    (void)action;
    page_open_plain(c);
}

void act_repaint(struct console *c, int action)
{
    (void)action;
    if (c->term)
        term_repaint(c->term);
    c->dirty = true;
}

void act_suspend(struct console *c, int action)
{
    (void)action;
    if (!c->term)
        return;
    term_suspend(c->term);
    int rows, cols;
    term_resize(c->term);
    term_get_size(c->term, &rows, &cols);
    console_resize(c, rows, cols);
}

void act_menu(struct console *c, int action)
{
    (void)action;
    overlay_open_menu(c);
}
