#ifndef MESHDECK_TUI_DECK_PARTS_H
#define MESHDECK_TUI_DECK_PARTS_H
/* The Deck's counts by state and this node's load with its five minutes. */
#include "widgets/canvas.h"

struct console;

void deck_draw_counts(const struct console *c, struct canvas at); /* 3 rows */
void deck_draw_load(const struct console *c, struct canvas at);   /* 6 rows */

#endif
