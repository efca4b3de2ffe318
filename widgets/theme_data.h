#ifndef MESHDECK_WIDGETS_THEME_DATA_H
#define MESHDECK_WIDGETS_THEME_DATA_H
/* The shipped themes as they lie in themes/, inside the program. For theme.c. */
#include <stddef.h>

struct theme_data {
    const char *name, *json, *end;
};

/* Number i; NULL past the last. The first is the default. */
const struct theme_data *theme_data_at(size_t i);

#endif
