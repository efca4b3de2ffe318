#ifndef MESHDECK_WIDGETS_TOAST_H
#define MESHDECK_WIDGETS_TOAST_H
/* The passing message of the status line: 5 s, or until a key; the same text again becomes x2. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "widgets/role.h"

enum { TOAST_MAX = 256, TOAST_MS = 5000 };

struct toast {
    char text[TOAST_MAX];
    enum role role;
    unsigned times;
    bool sticky; /* an error: until toast_dismiss */
    int64_t until_ms;
};

void toast_show(struct toast *t, enum role role, const char *text, int64_t now_ms);
void toast_show_error(struct toast *t, const char *text, int64_t now_ms);
void toast_dismiss(struct toast *t); /* a key was pressed */
/* What to show now ("text x2"); false when there is nothing. */
bool toast_format(struct toast *t, int64_t now_ms, char *buf, size_t cap);
int toast_wait_ms(const struct toast *t, int64_t now_ms);

#endif
