#ifndef MESHDECK_TESTS_KEYS_H
#define MESHDECK_TESTS_KEYS_H
/* Keys by name for tests of the terminal parts. */
#include "widgets/key.h"

/* The key of a name ("Enter", "C-w", "x"); fails the test for a name that is none. */
struct key keys_named(const char *name);

/* A character as a paste brings it. */
struct key keys_pasted(const char *name);

#endif
