#ifndef MESHDECK_TUI_PREFS_H
#define MESHDECK_TUI_PREFS_H
/*
 * The operator's options: one table gives the file's format, `:set`, its completion and the page of
 * options. Kept as lines "name value" in the folder that config.h finds. Console thread.
 */
#include <stdbool.h>
#include <stddef.h>

enum pref_id {
    SET_THEME,
    SET_GLYPHS,
    SET_LINK,
    SET_TIME,
    SET_BELL,
    SET_PREFIX,
    SET_MOUSE,
    SET_ESC,
    SET_IMAGE,
    SET_NETWORK,
    SET_COUNT
};

enum { PREF_MAX = 64 };

struct pref {
    const char *name;
    const char *choices; /* words separated by blanks; NULL: free text; "0-1000": a number */
    const char *start;   /* default */
    const char *help;
};
extern const struct pref prefs_table[SET_COUNT];

struct prefs {
    char value[SET_COUNT][PREF_MAX];
};

void prefs_init(struct prefs *s);
enum pref_id prefs_find(const char *name, size_t len); /* SET_COUNT: none */
/* -EINVAL with a sentence that names what is allowed. */
int prefs_put(struct prefs *s, enum pref_id id, const char *value, char *why, size_t cap);
bool prefs_is(const struct prefs *s, enum pref_id id, const char *value);
int prefs_number(const struct prefs *s, enum pref_id id);

/* Lines of the file; each that is refused is told. */
typedef void settings_complaint_fn(void *ctx, const char *line);
void prefs_parse(struct prefs *s, const char *text, settings_complaint_fn *say, void *ctx);
size_t prefs_format(const struct prefs *s, char *buf, size_t cap); /* only what differs */

#endif
