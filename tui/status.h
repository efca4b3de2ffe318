#ifndef MESHDECK_TUI_STATUS_H
#define MESHDECK_TUI_STATUS_H
/*
 * The two last rows. Row 23 shows the first that applies: prompt, error, toast, own running ticket,
 * what the columns left out of the chosen row. Row 24 shows the keys, from the live map.
 */
#include <stdbool.h>

#include "widgets/canvas.h"

struct console;

/* above: the rows over row 23 that a long error may take as well (row 23 is the last of them). */
void status_draw(struct console *c, struct canvas above);
void status_draw_keys(struct console *c, struct canvas row);
bool status_is_pressing(struct console *c); /* a prompt, a toast or an error wants the row */

#endif
