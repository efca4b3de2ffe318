/* Choosing and previewing themes. Console thread. */
#include "tui/themes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/command.h"
#include "tui/config.h"
#include "tui/state.h"
#include "widgets/menu.h"
#include "widgets/xmem.h"

static void complain(void *ctx, const char *line)
{
    struct console *c = ctx;

    if (!c->note[0])
        snprintf(c->note, sizeof c->note, "theme: %s", line);
}

bool themes_apply(struct console *c, const char *name)
{
    char why[300], path[512];
    struct theme t;
    int r = -1;

    /* The operator's own folder first, by a plain name. */
    why[0] = '\0';
    if (!strchr(name, '/') && c->config_dir[0]) {
        char *text = NULL, file[96];
        snprintf(file, sizeof file, "%s.json", name);
        snprintf(path, sizeof path, "%s/themes", c->config_dir);
        if (config_read(path, file, &text, why, sizeof why) == 0) {
            c->note[0] = '\0';
            r = theme_parse(&t, text, strlen(text), file, why, sizeof why);
            if (r == 0)
                theme_check(&t, complain, c);
            free(text);
        } else if (why[0]) {
            console_say(c, "%s", why);
        }
    }
    if (r < 0 && !why[0])
        r = theme_load(&t, name, why, sizeof why);
    if (r < 0) {
        console_say_error(c, "The theme stays as it is. %s", why);
        return false;
    }
    c->theme = t;
    if (c->term)
        term_set_theme(c->term, &c->theme);
    c->dirty = true;
    return true;
}

void themes_start(struct console *c)
{
    const char *no_color = getenv("NO_COLOR");

    if (c->opt_b->theme) {
        themes_apply(c, c->opt_b->theme);
        return;
    }
    if (!(no_color && no_color[0]) && themes_apply(c, c->set.value[SET_THEME]))
        return;
    themes_apply(c, no_color && no_color[0] ? "mono" : "dark");
}

void themes_open(struct console *c)
{
    const char *const *names = theme_names();

    menu_free(c->menu);
    c->menu = menu_new("Themes: shown as you move");
    for (int i = 0; names[i]; i++)
        menu_add(c->menu, i, "", names[i], "", false);
    c->choosing_theme = true;
    xmem_copy_text(c->theme_before, sizeof c->theme_before, c->theme.name);
}

bool themes_is_open(const struct console *c)
{
    return c->choosing_theme;
}

static void close(struct console *c)
{
    menu_free(c->menu);
    c->menu = NULL;
    c->choosing_theme = false;
}

void themes_key(struct console *c, const struct key *k)
{
    const char *const *names = theme_names();
    int id = menu_get_cursor(c->menu), chosen;

    switch (menu_key(c->menu, k, &chosen)) {
    case MENU_OPEN:
    case MENU_BLOCKED:
        if (menu_get_cursor(c->menu) != id)
            themes_apply(c, names[menu_get_cursor(c->menu)]);
        return;
    case MENU_CHOSEN:
        close(c);
        if (themes_apply(c, names[chosen]))
            command_set(c, SET_THEME, names[chosen]);
        return;
    case MENU_CLOSED:
        close(c);
        themes_apply(c, c->theme_before);
        return;
    }
}
