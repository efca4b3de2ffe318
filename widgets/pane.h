#ifndef MESHDECK_WIDGETS_PANE_H
#define MESHDECK_WIDGETS_PANE_H
/*
 * A terminal inside the console (libtsm behind it). The guest's bytes go in, cells come out;
 * nothing a guest sends reaches the outer terminal but cleaned cells. Answers to its queries come
 * from the emulator alone and go back to the guest through the write function. One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "widgets/canvas.h"
#include "widgets/key.h"

struct pane;

enum {
    PANE_FEED_MAX = 64 * 1024, /* a call takes at most this; the rest is the caller's to keep */
    PANE_ROWS_MAX = 500,
    PANE_COLS_MAX = 1000,
    PANE_SCROLLBACK = 2000
};

/* Bytes for the guest: keys and the emulator's answers. Called from pane_feed, pane_key, paste. */
typedef void pane_write_fn(void *ctx, const char *bytes, size_t len);

struct pane *pane_new(int rows, int cols, pane_write_fn *write, void *ctx);
void pane_free(struct pane *p);
void pane_resize(struct pane *p, int rows, int cols);
void pane_reset(struct pane *p); /* also empties the scroll-back */

/* Returns how many bytes were taken. */
size_t pane_feed(struct pane *p, const char *bytes, size_t len);

/* Sends a key to the guest; false for keys that mean nothing to a terminal (mouse). */
bool pane_key(struct pane *p, const struct key *k);

/* True after a feed until drawn: the picture may have changed. */
bool pane_is_dirty(const struct pane *p);
unsigned pane_take_bells(struct pane *p);   /* since asked last */
uint64_t pane_take_lines(struct pane *p);   /* line feeds since asked last: "unseen" */
bool pane_is_full_screen(const struct pane *p); /* the guest is on the alternate screen */
bool pane_wants_paste_marks(const struct pane *p);
void pane_get_size(const struct pane *p, int *ret_rows, int *ret_cols);

/* The screen, or the scrolled-back picture; puts the terminal's cursor with focus. */
void pane_draw(struct pane *p, struct canvas c, bool focus);

/* Scrolling back works on a frozen copy of what was there; the guest goes on behind it. */
enum pane_move {
    PANE_UP,
    PANE_DOWN,
    PANE_PAGE_UP,
    PANE_PAGE_DOWN,
    PANE_FIRST,
    PANE_LAST,
    PANE_LEFT,
    PANE_RIGHT,
    PANE_LINE_START,
    PANE_LINE_END
};
void pane_back_enter(struct pane *p);
void pane_back_leave(struct pane *p);
bool pane_is_back(const struct pane *p);
void pane_back_move(struct pane *p, enum pane_move move);
bool pane_back_search(struct pane *p, const char *word); /* backwards from the cursor */
bool pane_back_search_next(struct pane *p, int by);      /* 1 again upwards, -1 downwards */
void pane_back_select(struct pane *p);                   /* starts, or drops, the selection */
void pane_back_get_place(const struct pane *p, size_t *ret_line, size_t *ret_lines); /* 1-based */

/* Text of the selection, or of the screen when there is none; free() it. Bounded, cleaned. */
char *pane_copy_text(struct pane *p, size_t *ret_len);

#endif
