#ifndef MESHDECK_TUI_FRAME_H
#define MESHDECK_TUI_FRAME_H
/*
 * The frame that is the same in every view: header, views row, status row and keys row; and the
 * whole picture put together. Draws into the console's grid only. Console thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tui/view.h"
#include "widgets/canvas.h"

struct console;

enum { FRAME_MIN_ROWS = 24, FRAME_MIN_COLS = 80, FRAME_WIDE_COLS = 120 };

void frame_draw(struct console *c);
bool frame_is_small(const struct console *c);
void small_draw(struct console *c); /* below 80x24 */

/* A title row: left from column 1, right ends one before the edge; right wins when short. */
void frame_title(struct canvas row, const char *left, const char *right);

/* "live", "10s old", "STALE 40s", "FROZEN 14:03", "NO ENGINE"; and its role in the header. */
enum freshness { FRESH_LIVE, FRESH_OLD, FRESH_STALE, FRESH_FROZEN, FRESH_NONE };
enum freshness frame_freshness(const struct console *c, char *buf, size_t cap);
enum freshness frame_table_age(const struct console *c, enum table_id t, int64_t *ret_ms);

/* Row 24 from hints: those that can act now, cut between items, help always kept. */
void frame_draw_hints(const struct console *c, struct canvas row, const struct hint *hints,
                      const char *lead);
/* The text of the views row or a hint under a column, for the mouse. */
int frame_hint_at(const struct console *c, int col);
enum view_id frame_tab_at(const struct console *c, int col);

#endif
