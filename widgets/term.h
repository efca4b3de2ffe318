#ifndef MESHDECK_WIDGETS_TERM_H
#define MESHDECK_WIDGETS_TERM_H
/*
 * The one terminal of the process: start, end, keys in, frames out. Curses writes into memory and
 * this module alone writes to the terminal, without ever blocking: what does not go out waits, and
 * while it waits no new frame is made. Only the thread that called term_new may use it, but for
 * term_restore_fatal. Nothing here prints to a terminal that is not ours.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "widgets/canvas.h"
#include "widgets/key.h"
#include "widgets/theme.h"

struct term;

enum term_glyphs { TERM_GLYPHS_AUTO, TERM_GLYPHS_ASCII, TERM_GLYPHS_UTF8 };

enum term_drawn {
    TERM_SAME,  /* nothing differs: no byte was written */
    TERM_DRAWN, /* the frame is out, or on its way */
    TERM_WAITS  /* the last frame is not out yet: this one was not made; draw again later */
};

struct term_opts {
    int in_fd, out_fd;  /* stay the caller's */
    const char *type;   /* NULL: $TERM, then xterm-256color, then vt100 */
    enum term_glyphs glyphs;
    int colours;        /* -1: what terminal and NO_COLOR say; else at most 0, 8, 16 or 256 */
    bool mouse;
};

/* 0, or -errno with a sentence in why. Call after setlocale(LC_ALL, ""). */
int term_new(struct term **ret, const struct term_opts *opts, char *why, size_t cap);

/* Puts the terminal back as it was found. NULL is fine. */
void term_free(struct term *t);

/* Leaves and takes again, for suspending or running something else; enter repaints. */
void term_leave(struct term *t);
void term_enter(struct term *t);

/* Leaves, stops the process, and takes the terminal again when it goes on. */
void term_suspend(struct term *t);

/* For a handler of a fatal signal: write(2) and tcsetattr only; safe at any time, also twice. */
void term_restore_fatal(void);

/* A sentence for the operator about how it started ("TERM foo is not known ..."), or "". */
const char *term_get_note(const struct term *t);

void term_get_size(const struct term *t, int *ret_rows, int *ret_cols);
int term_get_colours(const struct term *t);
bool term_is_utf8(const struct term *t);     /* the character set */
bool term_has_glyphs(const struct term *t);  /* graph and line glyphs beyond ASCII */
void term_set_glyphs(struct term *t, enum term_glyphs glyphs);
void term_set_theme(struct term *t, const struct theme *theme);
void term_set_mouse(struct term *t, bool on);
void term_set_esc_ms(struct term *t, int ms);
void term_set_link_slow(struct term *t, int slow); /* 1 slow, 0 fast, -1 as measured */

/* Asks the kernel for the size; true when it changed. Call on SIGWINCH and after term_enter. */
bool term_resize(struct term *t);

/* Reads what there is, never waits. False: the terminal is gone (hang-up). */
bool term_read(struct term *t, int64_t now_ms);

/* Next decoded key; false when there is none. Drain it after term_read and after wait_ms. */
bool term_next_key(struct term *t, int64_t now_ms, struct key *ret);
int term_wait_ms(const struct term *t, int64_t now_ms);

/* Shows the grid. The theme in force gives roles their looks. */
enum term_drawn term_draw(struct term *t, const struct canvas_grid *g, int64_t now_ms);

/* The next term_draw sends every cell again (C-l). */
void term_repaint(struct term *t);

void term_bell(struct term *t);

/* OSC 52. 0, or -E2BIG above TERM_COPY_MAX bytes: nothing was sent. */
enum { TERM_COPY_MAX = 74 * 1024 };
int term_copy(struct term *t, const char *text, size_t len);

/* Output that waits: poll term_get_out_fd for POLLOUT while true, then term_flush. */
bool term_has_output(const struct term *t);
void term_flush(struct term *t);
int term_get_in_fd(const struct term *t);
int term_get_out_fd(const struct term *t);

/* Two draws in a row had to wait; until 30 s without waiting. */
bool term_is_slow(const struct term *t, int64_t now_ms);

/* Bytes written to the terminal since term_new. */
uint64_t term_get_bytes(const struct term *t);

#endif
