#ifndef MESHDECK_TUI_SETTINGS_H
#define MESHDECK_TUI_SETTINGS_H
/*
 * The operator's options: one table gives the file's format, `:set`, its completion and the page of
 * options. Kept as lines "name value" in the folder that config.h finds. Console thread.
 */
#include <stdbool.h>
#include <stddef.h>

enum setting_id {
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

enum { SETTING_MAX = 64 };

struct setting {
    const char *name;
    const char *choices; /* words separated by blanks; NULL: free text; "0-1000": a number */
    const char *start;   /* default */
    const char *help;
};
extern const struct setting settings_table[SET_COUNT];

struct settings {
    char value[SET_COUNT][SETTING_MAX];
};

void settings_init(struct settings *s);
enum setting_id settings_find(const char *name, size_t len); /* SET_COUNT: none */
/* -EINVAL with a sentence that names what is allowed. */
int settings_put(struct settings *s, enum setting_id id, const char *value, char *why, size_t cap);
bool settings_is(const struct settings *s, enum setting_id id, const char *value);
int settings_number(const struct settings *s, enum setting_id id);

/* Lines of the file; each that is refused is told. */
typedef void settings_complaint_fn(void *ctx, const char *line);
void settings_parse(struct settings *s, const char *text, settings_complaint_fn *say, void *ctx);
size_t settings_format(const struct settings *s, char *buf, size_t cap); /* only what differs */

#endif
