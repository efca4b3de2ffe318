#ifndef MESHDECK_TUI_COMMAND_H
#define MESHDECK_TUI_COMMAND_H
/* What is typed after ':', and the options that it changes. Console thread. */
#include <stdbool.h>

#include "tui/prefs.h"

struct console;

/* Puts an option in force and keeps it; false when it was refused (said). */
bool command_set(struct console *c, enum pref_id id, const char *value);
/* As command_set, but says nothing: for values noted in passing (last image, mouse). */
void command_keep(struct console *c, enum pref_id id, const char *value);
/* Puts in force what the terminal must be told at the start. */
void command_start(struct console *c);

#endif
