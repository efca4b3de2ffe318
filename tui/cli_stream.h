#ifndef MESHDECK_TUI_CLI_STREAM_H
#define MESHDECK_TUI_CLI_STREAM_H
/* Streams between this terminal and a guest. Main thread; returns at the stream's end. */
#include <stdbool.h>

#include "backend/model/stream.h"
#include "tui/cli.h"

/* Can a command be run in the guest now? why gets the reason when not ("" when unknown). */
bool cli_stream_probe(struct cli *c, const char *name, char why[static STREAM_TEXT_MAX]);

#endif
