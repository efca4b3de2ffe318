/* The passing message. Plain data, no clock of its own. */
#include "widgets/toast.h"

#include <stdio.h>
#include <string.h>

#include "widgets/cells.h"

static void show(struct toast *t, enum role role, const char *text, int64_t now_ms, bool sticky)
{
    char clean[TOAST_MAX];

    cells_clean(clean, sizeof clean, text, strlen(text));
    bool showing = t->times > 0 && (t->sticky || now_ms < t->until_ms);
    t->times = showing && strcmp(clean, t->text) == 0 ? t->times + 1 : 1;
    memcpy(t->text, clean, sizeof clean);
    t->role = role;
    t->sticky = sticky;
    t->until_ms = now_ms + TOAST_MS;
}

void toast_show(struct toast *t, enum role role, const char *text, int64_t now_ms)
{
    show(t, role, text, now_ms, false);
}

void toast_show_error(struct toast *t, const char *text, int64_t now_ms)
{
    show(t, ROLE_CRIT, text, now_ms, true);
}

void toast_dismiss(struct toast *t)
{
    if (t->sticky)
        t->times = 0;
}

bool toast_format(struct toast *t, int64_t now_ms, char *buf, size_t cap)
{
    if (t->times == 0 || (!t->sticky && now_ms >= t->until_ms)) {
        t->times = 0;
        return false;
    }
    if (t->times > 1)
        snprintf(buf, cap, "%s x%u", t->text, t->times);
    else
        snprintf(buf, cap, "%s", t->text);
    return true;
}

int toast_wait_ms(const struct toast *t, int64_t now_ms)
{
    if (t->times == 0 || t->sticky)
        return -1;
    return t->until_ms > now_ms ? (int)(t->until_ms - now_ms) : 0;
}
