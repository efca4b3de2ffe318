#ifndef MESHDECK_WIDGETS_TERMINFO_H
#define MESHDECK_WIDGETS_TERMINFO_H
/* Whether this machine has a description of a kind of terminal. A file of its own, because the
 * system's <term.h> defines a struct term as well. */
#include <stdbool.h>

bool terminfo_has(const char *type);

#endif
