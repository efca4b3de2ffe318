#ifndef MESHDECK_TUI_OVERLAY_H
#define MESHDECK_TUI_OVERLAY_H
/* What lies over the open view: question, menu, palette and prompt. One at a time takes the keys. */
#include <stdbool.h>

struct console;
struct key;

bool overlay_is_open(const struct console *c);
bool overlay_key(struct console *c, const struct key *k); /* true: used */
void overlay_draw(struct console *c);

void overlay_open_palette(struct console *c, const char *text);
void overlay_open_menu(struct console *c);
void overlay_open_themes(struct console *c);
void overlay_open_prompt(struct console *c, bool search, const char *text);

#endif
