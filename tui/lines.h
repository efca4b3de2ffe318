#ifndef MESHDECK_TUI_LINES_H
#define MESHDECK_TUI_LINES_H
/* Drawing of {label, text} lines and of running text, shared by details and inspectors. */
#include "tui/detail.h"
#include "widgets/canvas.h"

enum { LINES_LABEL_COLS = 11 };

/* Words wrapped into c from row on; returns the row after it. */
int lines_put_wrapped(struct canvas c, int row, enum role role, const char *text);
int lines_count_wrapped(int cols, const char *text);
/* The lines of an answer from row on, long ones wrapped; returns the row after the last. */
int lines_draw(const struct detail *d, struct canvas c, int row);
/* A whole inspector: name, blank, lines; or what is missing. */
void lines_draw_detail(const struct detail *d, const char *title, struct canvas c, int top);
/* The same as one text, for copying and plain pages. */
void lines_format(const struct detail *d, char *buf, unsigned long cap);

#endif
