/*
 * Colours as numbers: the xterm palette, WCAG contrast, CIE76 difference under colour blindness,
 * and the rules that every theme is held to. Pure; any thread.
 */
#include <math.h>
#include <stdio.h>

#include "widgets/theme.h"
#include "widgets/xmem.h"

struct vec {
    double x, y, z;
};

uint32_t theme_palette(int index)
{
    static const uint32_t ansi[] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
                                    0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
                                    0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};
    static const uint32_t level[] = {0, 95, 135, 175, 215, 255};

    if (index < 0 || index > 255)
        return 0;
    unsigned i = (unsigned)index;
    if (i < 16)
        return ansi[i];
    if (i < 232) {
        i -= 16;
        return level[i / 36] << 16 | level[i / 6 % 6] << 8 | level[i % 6];
    }
    return (8 + (i - 232) * 10) * 0x010101u;
}

int theme_nearest(uint32_t rgb, int n)
{
    int best = 0;
    long best_d = -1;

    /* The first 16 are the user's own: never chosen where there are better. */
    for (int i = n > 16 ? 16 : 0; i < n; i++) {
        uint32_t p = theme_palette(i);
        long dr = (long)(p >> 16 & 255) - (long)(rgb >> 16 & 255);
        long dg = (long)(p >> 8 & 255) - (long)(rgb >> 8 & 255);
        long db = (long)(p & 255) - (long)(rgb & 255);
        long d = dr * dr * 3 + dg * dg * 6 + db * db;
        if (best_d < 0 || d < best_d) {
            best_d = d;
            best = i;
        }
    }
    return best;
}

static double linear(uint32_t byte)
{
    double c = (double)(byte & 255) / 255;

    return c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static struct vec linear_of(uint32_t rgb)
{
    return (struct vec){linear(rgb >> 16), linear(rgb >> 8), linear(rgb)};
}

static double luminance(uint32_t rgb)
{
    struct vec v = linear_of(rgb);

    return 0.2126 * v.x + 0.7152 * v.y + 0.0722 * v.z;
}

double theme_contrast(uint32_t a, uint32_t b)
{
    double la = luminance(a), lb = luminance(b);

    return (fmax(la, lb) + 0.05) / (fmin(la, lb) + 0.05);
}

static double unit(double v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* Machado, Oliveira and Fernandes (2009), full severity, on linear RGB. */
static struct vec seen_by(struct vec c, enum theme_vision vision)
{
    static const double m[THEME_VISION_COUNT][9] = {
        [THEME_NORMAL] = {1, 0, 0, 0, 1, 0, 0, 0, 1},
        [THEME_PROTAN] = {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882,
                          -0.048116, 1.051998},
        [THEME_DEUTAN] = {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820,
                          0.042940, 0.968881},
        [THEME_TRITAN] = {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733,
                          0.691367, 0.303900},
    };
    const double *k = m[vision];

    return (struct vec){unit(k[0] * c.x + k[1] * c.y + k[2] * c.z),
                        unit(k[3] * c.x + k[4] * c.y + k[5] * c.z),
                        unit(k[6] * c.x + k[7] * c.y + k[8] * c.z)};
}

static double lab_f(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

static struct vec lab_of(struct vec c)
{
    double x = lab_f((0.4124564 * c.x + 0.3575761 * c.y + 0.1804375 * c.z) / 0.95047);
    double y = lab_f(0.2126729 * c.x + 0.7151522 * c.y + 0.0721750 * c.z);
    double z = lab_f((0.0193339 * c.x + 0.1191920 * c.y + 0.9503041 * c.z) / 1.08883);

    return (struct vec){116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

double theme_difference(uint32_t a, uint32_t b, enum theme_vision vision)
{
    struct vec p = lab_of(seen_by(linear_of(a), vision));
    struct vec q = lab_of(seen_by(linear_of(b), vision));

    return sqrt((p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y) + (p.z - q.z) * (p.z - q.z));
}

static int check_contrast(const struct theme *t, enum role role, theme_complaint_fn *say, void *ctx)
{
    const struct theme_style *s = &t->role[role];
    bool faint = role == ROLE_DISABLED || role == ROLE_GHOST;
    double least = faint ? 3 : t->text_min;
    char line[160];

    if (s->fg_256 == THEME_DEFAULT || s->bg_256 == THEME_DEFAULT) {
        snprintf(line, sizeof line, "%s: the terminal's own colours cannot be checked",
                 role_name(role));
        say(ctx, line);
        return 1;
    }
    double is = theme_contrast(theme_palette(s->fg_256), theme_palette(s->bg_256));
    if (is >= least - 0.005)
        return 0;
    snprintf(line, sizeof line, "%s: contrast %.2f:1, at least %.1f:1 is needed", role_name(role),
             is, least);
    say(ctx, line);
    return 1;
}

static int check_states(const struct theme *t, theme_complaint_fn *say, void *ctx)
{
    static const char *const vision_name[] = {"normal", "protan", "deutan", "tritan"};
    static const enum role states[] = {ROLE_OK, ROLE_BUSY, ROLE_WARN, ROLE_CRIT, ROLE_UNKNOWN};
    int broken = 0;

    for (size_t i = 0; i < XMEM_LEN(states); i++) {
        for (size_t j = i + 1; j < XMEM_LEN(states); j++) {
            int a = t->role[states[i]].fg_256, b = t->role[states[j]].fg_256;
            for (int v = 0; v < THEME_VISION_COUNT; v++) {
                char line[160];
                double is =
                    theme_difference(theme_palette(a), theme_palette(b), (enum theme_vision)v);
                if (is >= 20)
                    continue;
                snprintf(line, sizeof line,
                         "%s and %s: difference %.1f in %s vision, at least 20 is needed",
                         role_name(states[i]), role_name(states[j]), is, vision_name[v]);
                say(ctx, line);
                broken++;
            }
        }
    }
    return broken;
}

int theme_check(const struct theme *t, theme_complaint_fn *say, void *ctx)
{
    int broken = 0;

    const struct theme_style *h = &t->role[ROLE_HEADER], *p = &t->role[ROLE_HEADER_PROD];
    bool same_16 = h->fg_16 == p->fg_16 && h->bg_16 == p->bg_16 && h->attr_16 == p->attr_16;
    if (h->mono == p->mono || (t->colours > 0 && same_16)) {
        say(ctx, "header_prod: looks like header without 256 colours");
        broken++;
    }
    if (t->colours < 256)
        return broken;
    for (int i = 0; i < ROLE_COUNT; i++)
        broken += check_contrast(t, (enum role)i, say, ctx);
    if (h->bg_256 == THEME_DEFAULT || p->bg_256 == THEME_DEFAULT ||
        theme_difference(theme_palette(h->bg_256), theme_palette(p->bg_256), THEME_NORMAL) < 20) {
        say(ctx, "header_prod: its background is too near to that of header");
        broken++;
    }
    return broken + check_states(t, say, ctx);
}
