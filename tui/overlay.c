/* Question, palette, menu, prompt: who of them takes a key, and how they lie over the picture. */
#include "tui/overlay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/ask.h"
#include "tui/frame.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/themes.h"
#include "widgets/lineedit.h"
#include "widgets/menu.h"
#include "widgets/palette.h"
#include "widgets/xmem.h"

bool overlay_is_open(const struct console *c)
{
    return c->ask || c->palette_open || c->menu || c->prompt_kind != PROMPT_NONE;
}

struct palette_texts {
    char keys[ACT_COUNT][24], why[ACT_COUNT][200];
};

static bool is_listed(const struct console *c, int id)
{
    return !(id >= ACT_SH_DETACH && id <= ACT_SH_NOTHING) && (!actions[id].demo || c->snap->meta.demo);
}

/* Palette: every action by name; what cannot be done now says why in place of its help. */
static bool palette_item(void *ctx, size_t i, struct palette_item *out)
{
    struct console *c = ctx;
    int id = 0, contexts[8];
    size_t n = console_contexts(c, contexts);

    if (!c->palette_texts)
        c->palette_texts = xmem_new(1, sizeof *c->palette_texts);
    for (size_t seen = 0; seen <= i;)
        if (++id >= ACT_COUNT)
            return false;
        else
            seen += is_listed(c, id);
    char *keys = c->palette_texts->keys[id], *why = c->palette_texts->why[id];
    keys[0] = '\0';
    keymap_format_first(c->keys, contexts, n, id, keys, sizeof c->palette_texts->keys[id]);
    *out = (struct palette_item){id, actions[id].name, keys, actions[id].help, false};
    if (!action_is_possible(c, id, why, sizeof c->palette_texts->why[id])) {
        out->blocked = true;
        out->help = why;
    }
    return true;
}

void overlay_open_palette(struct console *c, const char *text)
{
    if (!c->palette)
        c->palette = palette_new(palette_item, c);
    else
        palette_refresh(c->palette);
    palette_open(c->palette, text);
    c->palette_open = true;
}

static void palette_take(struct console *c, const struct key *k)
{
    char line[PALETTE_TEXT * 2];
    int id;

    switch (palette_key(c->palette, k, &id)) {
    case PALETTE_OPEN:
        break;
    case PALETTE_CHOSEN:
        c->palette_open = false;
        if (actions[id].line && (palette_get_args(c->palette)[0] || !actions[id].run))
            actions[id].line(c, palette_get_args(c->palette));
        else
            console_run_action(c, id);
        break;
    case PALETTE_LINE:
        c->palette_open = false;
        snprintf(line, sizeof line, "%s", palette_get_line(c->palette));
        command_line(c, line);
        break;
    case PALETTE_BLOCKED:
    case PALETTE_CLOSED:
        c->palette_open = false;
        break;
    }
}

void overlay_open_menu(struct console *c)
{
    static const int rows[] = {ACT_OPEN, ACT_WHY, ACT_COPY};
    char keys[32], why[200];
    int contexts[8], context = c->view[c->at].ops->context;
    size_t n = console_contexts(c, contexts);

    menu_free(c->menu);
    c->menu = menu_new("Actions");
    for (unsigned i = 0; i < 3; i++)
        if (keymap_format_first(c->keys, contexts, n, rows[i], keys, sizeof keys))
            menu_add(c->menu, rows[i], keys, actions[rows[i]].help, "", false);
    for (int id = 1; id < ACT_COUNT; id++) {
        if (!keymap_format_first(c->keys, &context, 1, id, keys, sizeof keys))
            continue;
        why[0] = '\0';
        bool can = action_is_possible(c, id, why, sizeof why);
        menu_add(c->menu, id, keys, actions[id].help, why, !can);
    }
}

static void menu_take(struct console *c, const struct key *k)
{
    int id;

    if (themes_is_open(c)) {
        themes_key(c, k);
        return;
    }
    switch (menu_key(c->menu, k, &id)) {
    case MENU_OPEN:
        return;
    case MENU_BLOCKED:
        console_say(c, "%s", menu_get_note(c->menu));
        return;
    case MENU_CHOSEN:
        menu_free(c->menu);
        c->menu = NULL;
        console_run_action(c, id);
        return;
    case MENU_CLOSED:
        menu_free(c->menu);
        c->menu = NULL;
        return;
    }
}

void overlay_open_prompt(struct console *c, bool search, const char *text)
{
    if (!c->prompt)
        c->prompt = lineedit_new(120);
    lineedit_set(c->prompt, text);
    c->prompt_kind = search ? PROMPT_SEARCH : PROMPT_FILTER;
}

static void search(struct console *c, const char *word)
{
    if (c->page && c->page->ops->search)
        c->page->ops->search(c->page, word);
}

static void prompt_take(struct console *c, const struct key *k)
{
    struct view *v = &c->view[c->at];
    bool filter = c->prompt_kind == PROMPT_FILTER;

    switch (lineedit_key(c->prompt, k)) {
    case LINEEDIT_CHANGED:
        if (filter && v->list)
            list_filter(v->list, lineedit_get(c->prompt));
        break;
    case LINEEDIT_ACCEPT:
        c->prompt_kind = PROMPT_NONE;
        lineedit_remember(c->prompt);
        if (!filter)
            search(c, lineedit_get(c->prompt));
        break;
    case LINEEDIT_DROP:
        c->prompt_kind = PROMPT_NONE;
        if (filter && v->list)
            list_filter(v->list, NULL);
        else
            search(c, "");
        break;
    case LINEEDIT_NONE:
    case LINEEDIT_MOVED:
        break;
    }
    size_t dropped = lineedit_take_dropped(c->prompt);
    if (dropped)
        console_say(c, "%zu control bytes of the paste were dropped", dropped);
}

bool overlay_key(struct console *c, const struct key *k)
{
    if (c->ask)
        return ask_key(c, k);
    if (c->palette_open) {
        palette_take(c, k);
        return true;
    }
    if (c->menu) {
        menu_take(c, k);
        return true;
    }
    if (c->prompt_kind != PROMPT_NONE) {
        prompt_take(c, k);
        return true;
    }
    return false;
}

void overlay_draw(struct console *c)
{
    struct canvas all = canvas_of(c->grid);

    if (c->ask)
        ask_draw(c, frame_is_small(c) ? all : canvas_part(all, ASK_TOP, 0, c->rows - ASK_TOP - 2, c->cols));
    else if (c->palette_open)
        palette_draw(c->palette, canvas_part(all, 3, 0, c->rows - 4, c->cols));
    else if (c->menu)
        menu_draw(c->menu, canvas_part(all, 3, 0, c->rows - 5, c->cols), 1, 20);
}
