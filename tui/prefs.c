/* The options as a table, and their file's text. Console thread. */
#include "tui/prefs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "widgets/key.h"
#include "widgets/xmem.h"

const struct pref prefs_table[SET_COUNT] = {
    [SET_THEME] = {"theme", NULL, "dark", "dark light contrast colour-blind sixteen mono, or a file"},
    [SET_GLYPHS] = {"glyphs", "auto ascii utf8", "auto", "how graphs and states are drawn"},
    [SET_LINK] = {"link", "auto slow fast", "auto", "slow: one frame a second, no highlights"},
    [SET_TIME] = {"time", "local utc", "local", "the clock that instants are written in"},
    [SET_BELL] = {"bell", "off crit done", "crit", "rings for a new CRIT; done: also for tickets"},
    [SET_PREFIX] = {"prefix", NULL, "C-]", "the shell pane's prefix key"},
    [SET_MOUSE] = {"mouse", "off on", "off", "clicks and wheel; Shift-drag stays the terminal's"},
    [SET_ESC] = {"esc", "0-1000", "25", "ms that a lone Esc waits for more; 200 on a very slow link"},
    [SET_IMAGE] = {"image", NULL, "builtin", "what a new VM starts from: the last one used"},
    [SET_NETWORK] = {"network", NULL, "mesh", "where a new VM goes: the last one used"},
};

void prefs_init(struct prefs *s)
{
    for (unsigned i = 0; i < SET_COUNT; i++)
        xmem_copy_text(s->value[i], PREF_MAX, prefs_table[i].start);
}

enum pref_id prefs_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < SET_COUNT; i++)
        if (strlen(prefs_table[i].name) == len && memcmp(prefs_table[i].name, name, len) == 0)
            return (enum pref_id)i;
    return SET_COUNT;
}

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    if (len == 0 || strchr(word, ' '))
        return false;
    for (const char *p = words; (p = strstr(p, word)); p += len)
        if ((p == words || p[-1] == ' ') && (p[len] == '\0' || p[len] == ' '))
            return true;
    return false;
}

static bool is_allowed(const struct pref *t, const char *value)
{
    char *end;
    long low, high, v;

    if (!t->choices)
        return value[0] != '\0';
    if (t->choices[0] < '0' || t->choices[0] > '9')
        return has_word(t->choices, value);
    low = strtol(t->choices, &end, 10);
    high = strtol(end + 1, NULL, 10);
    v = strtol(value, &end, 10);
    return *value != '\0' && *end == '\0' && v >= low && v <= high;
}

int prefs_put(struct prefs *s, enum pref_id id, const char *value, char *why, size_t cap)
{
    const struct pref *t = &prefs_table[id];
    struct key k;

    if (strlen(value) >= PREF_MAX) {
        snprintf(why, cap, "%s: at most %d characters", t->name, PREF_MAX - 1);
        return -EINVAL;
    }
    if (!is_allowed(t, value)) {
        snprintf(why, cap, "%s is one of: %s", t->name, t->choices ? t->choices : t->help);
        return -EINVAL;
    }
    if (id == SET_PREFIX && !key_parse(value, strlen(value), &k)) {
        snprintf(why, cap, "prefix: \"%s\" is no key; like C-] or F12", value);
        return -EINVAL;
    }
    xmem_copy_text(s->value[id], PREF_MAX, value);
    return 0;
}

bool prefs_is(const struct prefs *s, enum pref_id id, const char *value)
{
    return strcmp(s->value[id], value) == 0;
}

int prefs_number(const struct prefs *s, enum pref_id id)
{
    return (int)strtol(s->value[id], NULL, 10);
}

static void parse_line(struct prefs *s, char *line, settings_complaint_fn *say, void *ctx)
{
    char why[160], told[224];
    size_t name;
    enum pref_id id;

    line += strspn(line, " \t");
    if (*line == '\0' || *line == '#')
        return;
    name = strcspn(line, " \t=");
    id = prefs_find(line, name);
    if (id == SET_COUNT) {
        snprintf(told, sizeof told, "config: \"%.40s\" is no option", line);
        say(ctx, told);
        return;
    }
    char *value = line + name + strspn(line + name, " \t=");
    for (size_t n = strlen(value); n > 0 && strchr(" \t\r", value[n - 1]); n--)
        value[n - 1] = '\0';
    if (prefs_put(s, id, value, why, sizeof why) < 0) {
        snprintf(told, sizeof told, "config: %s", why);
        say(ctx, told);
    }
}

void prefs_parse(struct prefs *s, const char *text, settings_complaint_fn *say, void *ctx)
{
    char line[256];

    while (*text) {
        size_t len = strcspn(text, "\n");
        size_t n = len < sizeof line - 1 ? len : sizeof line - 1;
        memcpy(line, text, n);
        line[n] = '\0';
        parse_line(s, line, say, ctx);
        text += len + (text[len] == '\n');
    }
}

size_t prefs_format(const struct prefs *s, char *buf, size_t cap)
{
    size_t at = 0;

    buf[0] = '\0';
    for (unsigned i = 0; i < SET_COUNT && at < cap; i++)
        if (strcmp(s->value[i], prefs_table[i].start) != 0) {
            int n = snprintf(buf + at, cap - at, "%s %s\n", prefs_table[i].name, s->value[i]);
            at += n > 0 ? (size_t)n : 0;
        }
    return at < cap ? at : cap - 1;
}
