#ifndef MESHDECK_WIDGETS_TERM_PRIV_H
#define MESHDECK_WIDGETS_TERM_PRIV_H
/* What the parts of the terminal module share: term.c (life), term_draw.c (frames), term_out.c. */
#include <stdio.h>
#include <termios.h>

#include <curses.h>

#include "widgets/term.h"

enum { TERM_RAW_SIDE = 257 }; /* colours of a raw cell: the terminal's own, then 0..255 */

struct term_look {
    attr_t attr;
    int pair;
};

struct term {
    int in_fd, out_fd;
    int write_fd;  /* out_fd opened again without blocking, or out_fd itself */
    bool may_block; /* write_fd is out_fd: write little, after asking poll */
    bool gone;     /* hung up */
    bool entered;
    struct termios saved;

    FILE *mem, *mem_in; /* curses writes here; curses reads nothing */
    SCREEN *screen;
    char type[64];
    char note[160];

    char *out; /* waits for the terminal: out[out_at .. out_len) */
    size_t out_at, out_len, out_cap;
    uint64_t bytes;

    int rows, cols;
    struct canvas_cell *shown; /* what curses was given last */
    cchar_t *line;
    bool repaint, cursor_on;
    int cursor_row, cursor_col;

    bool utf8, sync;
    enum term_glyphs glyphs;
    int colours;  /* of the terminal: 0, 8, 16 or 256 */
    bool direct;  /* colour numbers above 7 are 0xRRGGBB */
    struct theme theme;
    struct term_look look[ROLE_COUNT];
    uint16_t *raw_pair; /* [fg + 1][bg + 1], 0: not made yet */
    int next_pair;

    bool mouse;
    struct key_decoder keys;

    int waits; /* frames in a row that had to wait */
    bool wait_counted;
    int64_t wait_ms;
    int link_slow; /* -1 measured */
};

/* Queues bytes and sends what goes out at once. */
void term_out_add(struct term *t, const char *bytes, size_t n);
/* Moves what curses wrote from memory to the queue, between marks; returns how much it was. */
size_t term_out_take_curses(struct term *t);
/* Sends all that waits, for at most limit_ms; what is left then is dropped. */
void term_out_finish(struct term *t, int limit_ms);

/* Makes the colour pairs of theme and terminal. */
void term_draw_set_looks(struct term *t);
void term_draw_resize(struct term *t);

#endif
