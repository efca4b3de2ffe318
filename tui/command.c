/* Lines after ':' and options. Console thread. */
#include "tui/command.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/ask.h"
#include "tui/config.h"
#include "tui/page.h"
#include "tui/requests.h"
#include "tui/state.h"
#include "tui/themes.h"
#include "widgets/xmem.h"

enum { FILE_ROOM = 8192 };

static void save(struct console *c)
{
    char text[SET_COUNT * (PREF_MAX + 16)], why[300];

    prefs_format(&c->set, text, sizeof text);
    if (config_write(c->config_dir, "config", text, why, sizeof why) < 0)
        console_say(c, "in force, but not kept: %s", why);
}

/* What an option changes at once. */
static void put_in_force(struct console *c, enum pref_id id)
{
    char why[160];

    switch (id) {
    case SET_GLYPHS:
        if (c->term && !c->opt_b->ascii)
            term_set_glyphs(c->term, prefs_is(&c->set, id, "ascii")  ? TERM_GLYPHS_ASCII
                                     : prefs_is(&c->set, id, "utf8") ? TERM_GLYPHS_UTF8
                                                                        : TERM_GLYPHS_AUTO);
        if (c->term)
            canvas_grid_set_utf8(c->grid, term_has_glyphs(c->term));
        break;
    case SET_LINK:
        if (c->term)
            term_set_link_slow(c->term, prefs_is(&c->set, id, "slow")   ? 1
                                        : prefs_is(&c->set, id, "fast") ? 0
                                                                           : -1);
        break;
    case SET_MOUSE:
        if (c->term)
            term_set_mouse(c->term, prefs_is(&c->set, id, "on"));
        break;
    case SET_ESC:
        if (c->term)
            term_set_esc_ms(c->term, prefs_number(&c->set, id));
        break;
    case SET_PREFIX:
        if (keymap_set_prefix(c->keys, c->prefix, c->set.value[id], why, sizeof why) < 0)
            console_say_error(c, "prefix: %s", why);
        else
            xmem_copy_text(c->prefix, sizeof c->prefix, c->set.value[id]);
        break;
    case SET_THEME:
    case SET_TIME:
    case SET_BELL:
    case SET_IMAGE:
    case SET_NETWORK:
    case SET_COUNT:
        break;
    }
}

bool command_set(struct console *c, enum pref_id id, const char *value)
{
    char why[200];

    if (id == SET_THEME && !themes_apply(c, value))
        return false;
    if (prefs_put(&c->set, id, value, why, sizeof why) < 0) {
        console_say_error(c, "%s", why);
        return false;
    }
    put_in_force(c, id);
    console_say(c, "%s %s", prefs_table[id].name, value);
    save(c);
    return true;
}

void command_keep(struct console *c, enum pref_id id, const char *value)
{
    char why[200];

    if (prefs_is(&c->set, id, value) || prefs_put(&c->set, id, value, why, sizeof why) < 0)
        return;
    save(c);
}

void command_start(struct console *c)
{
    static const enum pref_id at_start[] = {SET_GLYPHS, SET_LINK, SET_MOUSE, SET_ESC};

    for (size_t i = 0; i < XMEM_LEN(at_start); i++)
        put_in_force(c, at_start[i]);
}

void act_line_set(struct console *c, const char *args)
{
    size_t len = strcspn(args, " =");
    enum pref_id id = prefs_find(args, len);
    const char *value = args + len + strspn(args + len, " =");

    if (len == 0)
        act_options(c, ACT_OPTIONS);
    else if (id == SET_COUNT)
        console_say_error(c, "\"%.*s\" is no option: :options lists them", (int)len, args);
    else if (!*value)
        console_say(c, "%s is %s: %s", prefs_table[id].name, c->set.value[id],
                    prefs_table[id].choices ? prefs_table[id].choices : prefs_table[id].help);
    else
        command_set(c, id, value);
}

void act_options(struct console *c, int action)
{
    char text[SET_COUNT * 160];
    size_t at = 0;

    (void)action;
    for (unsigned i = 0; i < SET_COUNT && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, ":set %-9s %-12s %s%s%s\n",
                               prefs_table[i].name, c->set.value[i],
                               prefs_table[i].choices ? prefs_table[i].choices : "",
                               prefs_table[i].choices ? ": " : "", prefs_table[i].help);
    page_open_text(c, "Options   kept in your own folder", text);
}

void act_keys(struct console *c, int action)
{
    (void)action;
    page_open_keys(c);
}

static int context_named(const char *name, size_t len)
{
    for (int i = 0; i < CTX_COUNT; i++)
        if (strlen(action_contexts[i].name) == len && memcmp(action_contexts[i].name, name, len) == 0)
            return i;
    return -1;
}

/* Adds a line to the user's key file; the last one for a key counts. */
static void keep_key(struct console *c, const char *line)
{
    char why[300], *old = NULL, *text = xmem_new(FILE_ROOM, 1);

    if (config_read(c->config_dir, "keys", &old, why, sizeof why) < 0)
        old = xmem_dup_text("");
    if (snprintf(text, FILE_ROOM, "%s%s\n", old, line) >= FILE_ROOM)
        console_say(c, "in force, but your key file is full: it was not kept");
    else if (config_write(c->config_dir, "keys", text, why, sizeof why) < 0)
        console_say(c, "in force, but not kept: %s", why);
    free(old);
    free(text);
}

void act_line_bind(struct console *c, const char *args)
{
    char context[24] = "", keys[32] = "", name[40] = "", why[200], line[128];
    const struct keymap_action *a = NULL;
    int in;

    if (sscanf(args, "%23s %31s %39s", context, keys, name) != 3) {
        console_say(c, "bind CONTEXT KEY ACTION, like: bind vms F8 vm-delete; contexts are in :keys");
        return;
    }
    in = context_named(context, strlen(context));
    for (char *p = keys; *p; p++)
        if (*p == '+' && p > keys && p[1])
            *p = ' ';
    if (strcmp(name, "none") != 0)
        a = keymap_action_named(c->keys, name);
    if (in < 0 || (!a && strcmp(name, "none") != 0)) {
        console_say_error(c, "%s \"%s\": :keys lists what there is", in < 0 ? "no context" : "no action",
                          in < 0 ? context : name);
        return;
    }
    if (keymap_bind(c->keys, in, keys, a ? a->id : 0, why, sizeof why) < 0) {
        console_say_error(c, "%s", why);
        return;
    }
    keymap_format_line(c->keys, in, keys, a ? a->id : 0, line, sizeof line);
    console_say(c, "%s: %s", keys, name);
    keep_key(c, line);
}

void act_theme(struct console *c, int action)
{
    (void)action;
    themes_open(c);
}

void act_line_theme(struct console *c, const char *args)
{
    command_set(c, SET_THEME, args);
}

static void mark(struct console *c, void *payload)
{
    request_change(c, "fleet.mark", json_pack("{s:s}", "mark", (const char *)payload), NULL, NULL);
}

void act_line_fleet(struct console *c, const char *args)
{
    const char *word = strncmp(args, "mark", 4) == 0 ? args + 4 + strspn(args + 4, " ") : args;
    char question[96], why[240];
    struct ask *a;

    if (!action_is_possible(c, ACT_FLEET_MARK, why, sizeof why)) {
        console_say(c, "%s", why);
        return;
    }
    if (strcmp(word, "production") != 0 && strcmp(word, "normal") != 0) {
        console_say(c, "fleet mark production, or fleet mark normal");
        return;
    }
    snprintf(question, sizeof question, "Mark the fleet %s as %s?", c->snap->meta.fleet, word);
    bool typed = action_class(c, ACT_FLEET_MARK) == KEYMAP_NAME;
    a = ask_open(c, question, "Mark", typed ? c->snap->meta.fleet : NULL, mark, xmem_dup_text(word));
    if (word[0] == 'p')
        ask_add(a, "From then on", "PROD on every screen; what asked y/N wants the name typed");
    else
        ask_add(a, "From then on", "questions are those of an ordinary fleet");
}

void act_line_incident(struct console *c, const char *args)
{
    static const char *const kinds[] = {"tunnel", "disk", "flush", "node"};

    for (size_t i = 0; i < XMEM_LEN(kinds); i++)
        if (strcmp(args, kinds[i]) == 0) {
            request_change(c, "incident", json_pack("{s:s}", "kind", args), NULL, NULL);
            return;
        }
    console_say(c, "incident tunnel, disk, flush or node");
}

void act_line_sort(struct console *c, const char *args)
{
    struct view *v = &c->view[c->at];
    int column = v->list ? list_find_column(v->list, args, strlen(args)) : -1;

    if (column < 0)
        console_say(c, "\"%s\" is no column of %s", args, v->ops->tab);
    else
        list_sort(v->list, column, v->ops->columns[column].descending);
}

void command_line(struct console *c, const char *line)
{
    char name[48];
    size_t len;

    line += strspn(line, " :");
    len = strcspn(line, " ");
    if (len == 0)
        return;
    snprintf(name, sizeof name, "%.*s", (int)len, line);
    const char *args = line + len + strspn(line + len, " ");
    enum view_id view = view_named(name);
    if (view < VIEW_COUNT) {
        unsigned variant = view_variant_named(view, name);
        console_go_view(c, view);
        if (variant < VIEW_VARIANTS)
            view_set_variant(&c->view[view], variant);
        return;
    }
    const struct keymap_action *a = keymap_action_named(c->keys, name);
    if (!a) {
        console_say_error(c, "\"%s\" is no command: : then Tab lists them", name);
        return;
    }
    if (actions[a->id].line && (*args || !actions[a->id].run))
        actions[a->id].line(c, args);
    else
        console_run_action(c, a->id);
}
