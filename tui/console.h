#ifndef MESHDECK_TUI_CONSOLE_H
#define MESHDECK_TUI_CONSOLE_H
/*
 * The console: takes the terminal of standard input and output, shows an engine's snapshots and
 * turns keys into its commands until the operator leaves. The engine stays the caller's, who closes
 * it afterwards. Call from the main thread, before which no other thread may have unblocked signals.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/engine.h"
#include "backend/model/err.h"

struct console_options {
    const char *theme;      /* name or path; NULL: the operator's own choice, else dark */
    bool ascii;             /* ASCII glyphs whatever the locale says */
    bool read_only;         /* asked for with --read-only; the engine was opened so as well */
    const char *config_dir; /* NULL: XDG's folder, under sudo that of the calling user */
    const char *command;    /* a line as after ':' to begin with, or NULL */
    int64_t (*clock_ms)(void); /* NULL: now_ms; tests hold the clock still */
};

/* Blocks the signals that the console reads by itself. Call it before the engine is opened, so that
 * no thread of it is struck by them. */
void console_block_signals(void);

/*
 * 0 when the operator left (what keeps running has then been said on the plain terminal), the
 * signal's number when SIGHUP or SIGTERM ended it, or -errno when there is no terminal to use.
 * The terminal is left as it was found in every case.
 */
int console_run(struct engine *en, const struct console_options *o, struct err *e);

#endif
