/* The page of the session that is shown: tabs, the guest's screen, the prefix, scrolling back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/copy.h"
#include "tui/lines.h"
#include "tui/overlay.h"
#include "tui/page.h"
#include "tui/shell_private.h"
#include "widgets/cells.h"
#include "widgets/pane.h"
#include "widgets/xmem.h"

bool shell_is_open(const struct console *c)
{
    return c->shells->page_open && c->page && c->page->ops->draw_tabs && shell_shown(c);
}

bool shell_is_zoomed(const struct console *c)
{
    return c->shells->zoomed && shell_is_open(c);
}

size_t shell_contexts(const struct console *c, int out[static 8])
{
    const struct shell *s = shell_shown(c);
    size_t n = 0;

    if (s && pane_is_back(s->pane)) {
        out[n++] = CTX_BACK;
        out[n++] = CTX_MOVE;
    }
    out[n++] = CTX_SHELL;
    if (!s || s->state == SHELL_ENDED)
        out[n++] = CTX_ANY; /* nobody takes the keys any more */
    return n;
}

static void show(struct console *c, size_t i)
{
    c->shells->shown = i;
    if (shell_shown(c))
        shell_seen(shell_shown(c));
    c->dirty = true;
}

void shell_attach(struct console *c, uint64_t id)
{
    for (size_t i = 0; i < c->shells->n; i++)
        if (c->shells->at[i]->id == id) {
            show(c, i);
            shell_page_open(c);
            return;
        }
}

static void shell_draw(struct page *page, struct canvas body)
{
    struct console *c = page->c_b;
    struct shell *s = shell_shown(c);

    if (!s)
        return;
    shell_seen(s);
    pane_draw(s->pane, body, !overlay_is_open(c));
    if (s->state == SHELL_OPEN && !s->text[0])
        return;
    const char *text = s->text[0] ? s->text : s->state == SHELL_OPENING ? "opening" : "ended";
    struct canvas line = canvas_part(body, body.rows - 1, 0, 1, body.cols);
    canvas_fill(line, 0, 0, line.cols, ROLE_HEADER);
    canvas_printf(line, 0, 1, ROLE_HEADER, "%s: %s%s", s->vm, text,
                  s->state == SHELL_ENDED ? "   Enter closes this tab" : "");
}

static void draw_tabs(struct page *page, struct canvas row)
{
    struct console *c = page->c_b;
    struct shell *shown = shell_shown(c);
    char name[64], text[80], size[48];
    int at = 1, rows, cols;

    shells_size(c, &rows, &cols);
    canvas_fill(row, 0, 0, row.cols, ROLE_TAB);
    snprintf(size, sizeof size, "9 Shells   %dx%d", cols, rows);
    int right = row.cols - 1 - cells_width(size);
    struct canvas left = canvas_part(row, 0, 0, 1, right - 1);
    for (size_t i = 0; i < c->shells->n; i++) {
        const struct shell *s = c->shells->at[i];
        shell_format_name(c, s, name, sizeof name);
        snprintf(text, sizeof text, s == shown ? "[%s%s]" : " %s%s ", name, s->bell ? " *" : "");
        at += canvas_put(left, 0, at, s == shown ? ROLE_TAB_ON : ROLE_TAB, text);
    }
    canvas_put(row, 0, right, ROLE_TAB, size);
}

static bool shell_key(struct page *page, const struct key *k)
{
    struct console *c = page->c_b;
    struct shell *s = shell_shown(c);
    const int context = CTX_SHELL;
    int action;

    if (!s || pane_is_back(s->pane))
        return false;
    if (s->state == SHELL_ENDED) {
        if (!key_is(k, KEYSYM_ENTER, 0))
            return false;
        shell_remove(c, s);
        return true;
    }
    switch (keymap_find(c->keys, &c->key_state, &context, 1, k, &action)) {
    case KEYMAP_FIRST:
        break;
    case KEYMAP_ACTION:
        console_run_action(c, action);
        break;
    case KEYMAP_NOTHING:
        pane_key(s->pane, k);
        break;
    }
    return true;
}

static void copy_screen(struct console *c, struct shell *s)
{
    size_t len;
    char *text = pane_copy_text(s->pane, &len);

    copy_text(c, text, len, pane_is_back(s->pane) ? "what is selected" : "the screen");
    free(text);
}

static bool back_action(struct shell *s, int action)
{
    static const enum pane_move moves[] = {
        [ACT_UP - ACT_UP] = PANE_UP,           [ACT_DOWN - ACT_UP] = PANE_DOWN,
        [ACT_LEFT - ACT_UP] = PANE_LEFT,       [ACT_RIGHT - ACT_UP] = PANE_RIGHT,
        [ACT_PAGE_UP - ACT_UP] = PANE_PAGE_UP, [ACT_PAGE_DOWN - ACT_UP] = PANE_PAGE_DOWN,
        [ACT_FIRST - ACT_UP] = PANE_FIRST,     [ACT_LAST - ACT_UP] = PANE_LAST,
    };

    if (!pane_is_back(s->pane))
        return false;
    if (action >= ACT_UP && action <= ACT_LAST) {
        pane_back_move(s->pane, moves[action - ACT_UP]);
        return true;
    }
    switch (action) {
    case ACT_FILTER:
        overlay_open_prompt(s->c_b, true, "");
        return true;
    case ACT_NEXT:
    case ACT_PREV:
        if (!pane_back_search_next(s->pane, action == ACT_NEXT ? 1 : -1))
            console_say_dim(s->c_b, "no match that way");
        return true;
    case ACT_MARK:
        pane_back_select(s->pane);
        return true;
    case ACT_COPY:
        copy_screen(s->c_b, s);
        return true;
    case ACT_SH_NOTHING:
        pane_back_leave(s->pane);
        return true;
    default:
        return false;
    }
}

static bool shell_action(struct page *page, int action)
{
    struct console *c = page->c_b;
    struct shells *all = c->shells;
    struct shell *s = shell_shown(c);
    char prefix[8];

    if (!s)
        return false;
    if (back_action(s, action))
        return true;
    if (action >= ACT_SH_TAB_1 && action <= ACT_SH_TAB_9) {
        if ((size_t)(action - ACT_SH_TAB_1) < all->n)
            show(c, (size_t)(action - ACT_SH_TAB_1));
        else
            console_say(c, "there is no tab %d", action - ACT_SH_TAB_1 + 1);
        return true;
    }
    switch (action) {
    case ACT_SH_DETACH:
        console_pop_page(c);
        return true;
    case ACT_SH_NEXT:
        show(c, (all->shown + 1) % all->n);
        return true;
    case ACT_SH_PREV:
        show(c, (all->shown + all->n - 1) % all->n);
        return true;
    case ACT_SH_NEW:
    case ACT_SH_SERIAL:
        shell_open(c, s->vm, action == ACT_SH_SERIAL);
        return true;
    case ACT_SH_ZOOM:
        all->zoomed = !all->zoomed;
        return true;
    case ACT_SH_BACK:
        pane_back_enter(s->pane);
        return true;
    case ACT_SH_COPY:
        copy_screen(c, s);
        return true;
    case ACT_SH_SEND:
        if (strncmp(c->prefix, "C-", 2) == 0 && c->prefix[2] && !c->prefix[3]) {
            prefix[0] = (char)(c->prefix[2] & 31);
            shell_send(s, prefix, 1);
        }
        return true;
    case ACT_SH_NOTHING:
        return true;
    default:
        return false;
    }
}

/* The second key of a two-step binding, for the line that tells the way out. */
static bool second_of(const struct console *c, int action, char *buf, size_t cap)
{
    struct key keys[2];
    int context, act;

    for (size_t i = 0; keymap_binding_at(c->keys, i, &context, &act, keys); i++)
        if (context == CTX_SHELL && act == action && keys[1].code) {
            key_format(&keys[1], buf, cap);
            return true;
        }
    return false;
}

static bool keys_line(struct page *page, char *buf, size_t cap)
{
    static const struct hint hints[] = {
        {ACT_SH_DETACH, "leave it running"}, {ACT_SH_TAB_1, "tab"}, {ACT_SH_NEXT, "next"},
        {ACT_SH_NEW, "new"}, {ACT_SH_BACK, "scroll"}, {ACT_SH_ZOOM, "zoom"}, {ACT_HELP, "all"},
        {0, NULL}};
    struct console *c = page->c_b;
    struct shell *s = shell_shown(c);
    size_t line, lines, at;
    char key[24];

    if (!s)
        return false;
    if (pane_is_back(s->pane)) {
        pane_back_get_place(s->pane, &line, &lines);
        snprintf(buf, cap, "scrolled back: line %zu of %zu  / search  n N  Space select  y copy  q live",
                 line, lines);
        return true;
    }
    at = (size_t)snprintf(buf, cap, "%s then:", c->prefix);
    for (const struct hint *h = hints; h->action && at < cap; h++) {
        if (!second_of(c, h->action, key, sizeof key))
            continue;
        at += (size_t)snprintf(buf + at, cap - at, "%s%s%s %s", h == hints ? " " : "  ", key,
                               h->action == ACT_SH_TAB_1 ? "-9" : "", h->label);
    }
    return true;
}

static void search(struct page *page, const char *word)
{
    struct shell *s = shell_shown(page->c_b);

    if (s && word[0] && !pane_back_search(s->pane, word))
        console_say_dim(page->c_b, "\"%s\" is not in what was kept", word);
}

static void shell_free(struct page *page)
{
    page->c_b->shells->page_open = false;
    page->c_b->shells->zoomed = false;
    free(page);
}

static const struct page_ops ops = {
    .name = "Shell",
    .contexts = {CTX_SHELL, -1},
    .tall = true,
    .draw = shell_draw,
    .key = shell_key,
    .action = shell_action,
    .keys_line = keys_line,
    .draw_tabs = draw_tabs,
    .search = search,
    .free = shell_free,
};

void shell_page_open(struct console *c)
{
    struct page *p;

    if (c->shells->page_open) {
        while (c->page && c->page->ops != &ops)
            console_pop_page(c);
        return;
    }
    p = xmem_new(1, sizeof *p);
    page_init(p, &ops, c);
    c->shells->page_open = true;
    console_push_page(c, p);
}
