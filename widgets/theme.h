#ifndef MESHDECK_WIDGETS_THEME_H
#define MESHDECK_WIDGETS_THEME_H
/*
 * How each role looks, in RGB, 256, 16 and no colours. Themes are JSON (themes/); the shipped ones
 * are in the program as well. Loading starts from the defaults, so nothing of the theme before
 * leaks. Plain data; needs no terminal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "widgets/role.h"

enum { THEME_NAME_MAX = 32, THEME_FILE_MAX = 64 * 1024, THEME_DEFAULT = -1 };

struct theme_style {
    int32_t fg_rgb, bg_rgb; /* 0xRRGGBB or THEME_DEFAULT, the terminal's own */
    int16_t fg_256, bg_256; /* 0..255 or THEME_DEFAULT */
    int16_t fg_16, bg_16;   /* 0..15 or THEME_DEFAULT */
    uint8_t attr;           /* enum canvas_attr, with colours */
    uint8_t attr_16;        /* enum canvas_attr, with 8 or 16 colours */
    uint8_t mono;           /* enum canvas_attr, without colours */
};

struct theme {
    char name[THEME_NAME_MAX];
    int colours;    /* most colours it uses: 256, 16 or 0 */
    double text_min; /* contrast it promises for text: 4.5, or 7 */
    struct theme_style role[ROLE_COUNT];
};

/* The built-in dark theme, complete; also where every loading starts. */
void theme_init(struct theme *t);

/*
 * Loads by name: $MESHDECK_THEMES, ../themes and ../share/meshdeck/themes beside the program,
 * /usr/local/share and /usr/share, then the copies in the program. A name with a '/' is a path.
 * 0; or -errno, *t as theme_init makes it, and why = "path: reason".
 */
int theme_load(struct theme *t, const char *name, char *why, size_t cap);

/* The same from text (len bytes, at most THEME_FILE_MAX). where names it in messages. */
int theme_parse(struct theme *t, const char *json, size_t len, const char *where, char *why,
                size_t cap);

/* Names of the shipped themes, NULL at the end. */
const char *const *theme_names(void);

/*
 * The rules of the console's specification. Each broken one is told by a line ("ok: 3.1:1 on its
 * background, 4.5 is the least"); returns how many. A theme of 16 or no colours breaks none.
 */
typedef void theme_complaint_fn(void *ctx, const char *line);
int theme_check(const struct theme *t, theme_complaint_fn *say, void *ctx);

enum theme_vision { THEME_NORMAL, THEME_PROTAN, THEME_DEUTAN, THEME_TRITAN, THEME_VISION_COUNT };

/* WCAG 2 contrast of two 0xRRGGBB colours, 1..21. */
double theme_contrast(uint32_t a, uint32_t b);

/* CIE76 difference of two colours as that vision sees them. */
double theme_difference(uint32_t a, uint32_t b, enum theme_vision vision);

/* The xterm palette: index to 0xRRGGBB, and the nearest index (of the first n: 8, 16 or 256). */
uint32_t theme_palette(int index);
int theme_nearest(uint32_t rgb, int n);

#endif
