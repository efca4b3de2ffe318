#ifndef MESHDECK_TUI_COPY_H
#define MESHDECK_TUI_COPY_H
/* Copying to the operator's own clipboard, by OSC 52. Console thread. */
#include <stddef.h>

struct console;

/* Says how many bytes went, or why none did. */
void copy_text(struct console *c, const char *text, size_t len, const char *what);
/* After 'y': the field of that letter, of what is chosen. */
void copy_field(struct console *c, char letter);

#endif
