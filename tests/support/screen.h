#ifndef MESHDECK_TESTS_SCREEN_H
#define MESHDECK_TESTS_SCREEN_H
/*
 * A program on a pseudo-terminal and what an operator would see of it: its bytes go into a terminal
 * emulator, whose cells are read back with their attributes. Every wait has a generous deadline and
 * polls; nothing here measures speed. A screen that is not what was waited for is printed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "widgets/canvas.h"

enum { SCREEN_WAIT_MS = 15000 };

struct screen;

/* env: NULL-ended "NAME=value" that are added ("NAME" alone: taken away). Never NULL. */
struct screen *screen_start(int rows, int cols, char *const argv[], const char *const env[]);
void screen_free(struct screen *s); /* ends the program if it still runs */

void screen_type(struct screen *s, const char *bytes);
void screen_resize(struct screen *s, int rows, int cols);
void screen_signal(struct screen *s, int sig);
pid_t screen_pid(const struct screen *s);

/* Reads for that long, whatever comes. */
void screen_settle(struct screen *s, int ms);
/* Until the text stands somewhere on the screen (in one row); false, and the picture, when not. */
bool screen_await(struct screen *s, const char *text);
bool screen_await_gone(struct screen *s, const char *text);
bool screen_await_row(struct screen *s, int row, const char *text);
/* The status of waitpid once it has ended; -1 when it does not. */
int screen_await_end(struct screen *s);

bool screen_has(struct screen *s, const char *text);
const char *screen_row(struct screen *s, int row); /* until the next call */
int screen_find(struct screen *s, const char *text); /* the row, -1 */
const struct canvas_cell *screen_cell(struct screen *s, int row, int col);
void screen_print(struct screen *s);

uint64_t screen_bytes(const struct screen *s);      /* that the program has written */
bool screen_wrote(const struct screen *s, const char *bytes); /* anywhere in its output */
bool screen_wrote_last(const struct screen *s, const char *bytes, const char *before); /* after it */
void screen_forget(struct screen *s);               /* for screen_wrote: from here on */
bool screen_is_sane(const struct screen *s);        /* the terminal's modes are as at the start */

#endif
