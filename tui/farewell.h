#ifndef MESHDECK_TUI_FAREWELL_H
#define MESHDECK_TUI_FAREWELL_H
/* What is said on the plain terminal after the console: what keeps running, what stops being healed. */
#include <stddef.h>

struct console;

void farewell(const struct console *c);
void farewell_format(const struct console *c, char *buf, size_t cap);

#endif
