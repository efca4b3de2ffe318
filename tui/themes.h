#ifndef MESHDECK_TUI_THEMES_H
#define MESHDECK_TUI_THEMES_H
/* Themes: applying one, and the menu that shows each as the cursor reaches it. Console thread. */
#include <stdbool.h>

struct console;
struct key;

/* False when it could not be loaded (said); the theme before then stays. */
bool themes_apply(struct console *c, const char *name);
void themes_open(struct console *c);
bool themes_is_open(const struct console *c);
void themes_key(struct console *c, const struct key *k);
void themes_start(struct console *c); /* at start: the asked for, else the operator's own */

#endif
