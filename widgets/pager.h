#ifndef MESHDECK_WIDGETS_PAGER_H
#define MESHDECK_WIDGETS_PAGER_H
/*
 * Scrolling text: logs, help, plain pages. Keeps at most max_lines, oldest dropped; follows its end
 * when asked, wraps or scrolls sideways, searches. Lines are cleaned when added.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "widgets/canvas.h"

struct pager;

enum { PAGER_LINE_MAX = 4096 };

enum pager_move {
    PAGER_UP,
    PAGER_DOWN,
    PAGER_PAGE_UP,
    PAGER_PAGE_DOWN,
    PAGER_FIRST,
    PAGER_LAST,
    PAGER_LEFT,
    PAGER_RIGHT
};

struct pager *pager_new(size_t max_lines);
void pager_free(struct pager *p);
void pager_clear(struct pager *p); /* also goes to the top */

/* One line (no line end in it); longer than PAGER_LINE_MAX bytes is cut. */
void pager_add(struct pager *p, enum role role, const char *text, size_t len);

/* Bytes of a stream: split at line ends, the unfinished line shows and grows. */
void pager_feed(struct pager *p, const char *bytes, size_t len);

/* Replaces all lines, keeping the place where possible: for text that comes again and again. */
void pager_set_text(struct pager *p, const char *text, size_t len);

void pager_move(struct pager *p, enum pager_move move);
void pager_set_follow(struct pager *p, bool on);
void pager_set_wrap(struct pager *p, bool on);
bool pager_is_following(const struct pager *p);
bool pager_is_wrapping(const struct pager *p);

/* Case-insensitive; moves to the first match at or after the top. False: none. "" ends it. */
bool pager_search(struct pager *p, const char *word);
bool pager_search_next(struct pager *p, int by); /* 1 or -1; wraps around */

size_t pager_count(const struct pager *p);
uint64_t pager_dropped(const struct pager *p); /* lines lost at the front */
void pager_get_window(const struct pager *p, size_t *ret_first, size_t *ret_last); /* 1-based */
const char *pager_line(const struct pager *p, size_t i);

/* The lines in sight as text, for copying. Returns bytes. */
size_t pager_copy_window(const struct pager *p, char *buf, size_t cap);

void pager_draw(struct pager *p, struct canvas c);

#endif
