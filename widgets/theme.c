/*
 * Reads themes: from JSON, by name or path, bounded and refused with a reason. No terminal here and
 * no global state; any thread. A theme is complete after every call, whatever the file left out.
 */
#include "widgets/theme.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "widgets/canvas.h"
#include "widgets/cells.h"
#include "widgets/theme_data.h"
#include "widgets/xmem.h"

struct reader {
    const char *where;
    char *why;
    size_t cap;
};

static int refuse(const struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(const struct reader *r, const char *fmt, ...)
{
    char text[256], raw[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    int n = snprintf(raw, sizeof raw, "%s: %s", r->where, text);
    if (r->cap > 0)
        cells_clean(r->why, r->cap, raw, n < 0 ? 0 : strnlen(raw, sizeof raw));
    return -EINVAL;
}

static bool read_rgb(const json_t *v, int32_t *ret)
{
    const char *s = json_string_value(v);
    char *end = NULL;

    if (json_is_null(v)) {
        *ret = THEME_DEFAULT;
        return true;
    }
    if (!s || s[0] != '#' || strspn(s + 1, "0123456789abcdefABCDEF") != 6 || s[7] != '\0')
        return false;
    *ret = (int32_t)strtol(s + 1, &end, 16);
    return true;
}

static bool read_index(const json_t *v, int top, int16_t *ret)
{
    if (json_is_null(v)) {
        *ret = THEME_DEFAULT;
        return true;
    }
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > top)
        return false;
    *ret = (int16_t)json_integer_value(v);
    return true;
}

static bool read_attr(const json_t *v, uint8_t *ret)
{
    static const struct {
        const char *word;
        uint8_t bit;
    } words[] = {{"bold", CANVAS_BOLD},
                 {"underline", CANVAS_UNDERLINE},
                 {"reverse", CANVAS_REVERSE},
                 {"italic", CANVAS_ITALIC}};
    const char *s = json_string_value(v);

    if (!s)
        return false;
    *ret = 0;
    while (*s) {
        size_t n = strcspn(s, " "), i = 0;
        for (; i < XMEM_LEN(words); i++)
            if (strlen(words[i].word) == n && memcmp(words[i].word, s, n) == 0)
                break;
        if (i == XMEM_LEN(words) && n > 0)
            return false;
        if (n > 0)
            *ret = (uint8_t)(*ret | words[i].bit);
        s += n + (s[n] == ' ');
    }
    return true;
}

/* What a file said about one role; a background not named is that of base. */
struct said {
    bool rgb, x256, x16, attr, attr16, mono;
    bool bg_rgb, bg_256, bg_16;
};

static bool read_pair(const json_t *v, bool *ret_has_bg, const json_t **fg, const json_t **bg)
{
    *ret_has_bg = json_is_array(v);
    *fg = v;
    *bg = NULL;
    if (!*ret_has_bg)
        return true;
    *fg = json_array_get(v, 0);
    *bg = json_array_get(v, 1);
    return json_array_size(v) == 2;
}

static bool read_member(const char *key, const json_t *v, struct theme_style *s, struct said *said)
{
    const json_t *fg, *bg;
    bool has_bg;

    if (strcmp(key, "attr") == 0)
        return said->attr = true, read_attr(v, &s->attr);
    if (strcmp(key, "attr16") == 0)
        return said->attr16 = true, read_attr(v, &s->attr_16);
    if (strcmp(key, "mono") == 0)
        return said->mono = true, read_attr(v, &s->mono);
    if (!read_pair(v, &has_bg, &fg, &bg))
        return false;
    if (strcmp(key, "rgb") == 0) {
        said->rgb = true;
        said->bg_rgb = has_bg;
        return read_rgb(fg, &s->fg_rgb) && (!has_bg || read_rgb(bg, &s->bg_rgb));
    }
    if (strcmp(key, "256") == 0) {
        said->x256 = true;
        said->bg_256 = has_bg;
        return read_index(fg, 255, &s->fg_256) && (!has_bg || read_index(bg, 255, &s->bg_256));
    }
    if (strcmp(key, "16") == 0) {
        said->x16 = true;
        said->bg_16 = has_bg;
        return read_index(fg, 15, &s->fg_16) && (!has_bg || read_index(bg, 15, &s->bg_16));
    }
    return false;
}

static int32_t rgb_of_index(int16_t i)
{
    return i == THEME_DEFAULT ? THEME_DEFAULT : (int32_t)theme_palette(i);
}

static int16_t index_of_rgb(int32_t rgb, int n)
{
    return (int16_t)(rgb == THEME_DEFAULT ? THEME_DEFAULT : theme_nearest((uint32_t)rgb, n));
}

/* Fills what the file did not say about colours from what it did say. */
static void derive(struct theme_style *s, struct said *said)
{
    if (said->x256 && !said->rgb) {
        s->fg_rgb = rgb_of_index(s->fg_256);
        if (said->bg_256)
            s->bg_rgb = rgb_of_index(s->bg_256);
        said->bg_rgb = said->bg_256;
    } else if (said->rgb && !said->x256) {
        s->fg_256 = index_of_rgb(s->fg_rgb, 256);
        if (said->bg_rgb)
            s->bg_256 = index_of_rgb(s->bg_rgb, 256);
        said->bg_256 = said->bg_rgb;
    }
    if ((said->x256 || said->rgb) && !said->attr)
        s->attr = 0;
    if (said->x16) {
        if (!said->attr16)
            s->attr_16 = 0;
        return;
    }
    if (said->rgb || said->x256) {
        s->fg_16 = index_of_rgb(s->fg_rgb, 16);
        if (said->bg_rgb)
            s->bg_16 = index_of_rgb(s->bg_rgb, 16);
        said->bg_16 = said->bg_rgb;
        if (!said->attr16)
            s->attr_16 = s->attr;
    }
}

static int read_roles(const struct reader *r, struct theme *t, json_t *roles)
{
    struct theme_style base_was = t->role[ROLE_BASE];
    struct said said[ROLE_COUNT] = {0};
    const char *name, *key;
    json_t *role, *v;

    if (!json_is_object(roles))
        return refuse(r, "\"roles\" is missing");
    json_object_foreach(roles, name, role)
    {
        int i = role_from_name(name);
        if (i < 0)
            return refuse(r, "there is no role \"%.40s\"", name);
        if (!json_is_object(role))
            return refuse(r, "%s: not an object", name);
        json_object_foreach(
            role, key,
            v) if (!read_member(key, v, &t->role[i],
                                &said[i])) return refuse(r, "%s: \"%.40s\" is not understood", name,
                                                         key);
        /* mono goes with its colours: a file that writes the role out writes all of it */
        if (said[i].x16 && said[i].x256 && !said[i].mono)
            t->role[i].mono = 0;
        derive(&t->role[i], &said[i]);
    }
    /* A background nobody named follows that of base. */
    const struct theme_style *base = &t->role[ROLE_BASE];
    for (int i = 1; i < ROLE_COUNT; i++) {
        struct theme_style *s = &t->role[i];
        bool followed = s->bg_rgb == base_was.bg_rgb && s->bg_256 == base_was.bg_256;
        bool spoke = said[i].rgb || said[i].x256;
        if ((spoke && !said[i].bg_rgb) || (!spoke && followed)) {
            s->bg_rgb = base->bg_rgb;
            s->bg_256 = base->bg_256;
        }
        if ((said[i].x16 && !said[i].bg_16) || (!said[i].x16 && s->bg_16 == base_was.bg_16))
            s->bg_16 = base->bg_16;
    }
    return 0;
}

static int read_theme(const struct reader *r, struct theme *t, json_t *root)
{
    const char *key;
    json_t *v;

    if (!json_is_object(root))
        return refuse(r, "not a JSON object");
    json_object_foreach(root, key, v)
    {
        if (strcmp(key, "name") == 0) {
            if (!json_is_string(v) || json_string_length(v) >= sizeof t->name)
                return refuse(r, "\"name\" is no short text");
            cells_clean(t->name, sizeof t->name, json_string_value(v), json_string_length(v));
        } else if (strcmp(key, "colours") == 0) {
            json_int_t n = json_integer_value(v);
            if (!json_is_integer(v) || (n != 0 && n != 8 && n != 16 && n != 256))
                return refuse(r, "\"colours\" is one of 0, 8, 16, 256");
            t->colours = (int)n;
        } else if (strcmp(key, "text_min") == 0) {
            t->text_min = json_number_value(v);
            if (!(t->text_min >= 1 && t->text_min <= 21))
                return refuse(r, "\"text_min\" is a number from 1 to 21");
        } else if (strcmp(key, "roles") != 0) {
            return refuse(r, "\"%.40s\" is not understood", key);
        }
    }
    return read_roles(r, t, json_object_get(root, "roles"));
}

static int parse_onto(struct theme *t, const char *json, size_t len, const struct reader *r)
{
    json_error_t je;

    if (len > THEME_FILE_MAX)
        return refuse(r, "larger than %d KiB", THEME_FILE_MAX / 1024);
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &je);
    if (!root)
        return refuse(r, "line %d: %s", je.line, je.text);
    int rc = read_theme(r, t, root);
    json_decref(root);
    return rc;
}

void theme_init(struct theme *t)
{
    const struct theme_data *d = theme_data_at(0);
    char why[256] = "";
    struct reader r = {"dark", why, sizeof why};

    *t = (struct theme){.name = "dark", .colours = 256, .text_min = 4.5};
    for (int i = 0; i < ROLE_COUNT; i++)
        t->role[i] = (struct theme_style){THEME_DEFAULT,
                                          THEME_DEFAULT,
                                          THEME_DEFAULT,
                                          THEME_DEFAULT,
                                          THEME_DEFAULT,
                                          THEME_DEFAULT,
                                          0,
                                          0,
                                          0};
    if (parse_onto(t, d->json, (size_t)(d->end - d->json), &r) != 0)
        fprintf(stderr, "the theme in the program is broken: %s\n", why);
}

int theme_parse(struct theme *t, const char *json, size_t len, const char *where, char *why,
                size_t cap)
{
    struct reader r = {where, why, cap};

    theme_init(t);
    t->name[0] = '\0';
    int rc = parse_onto(t, json, len, &r);
    if (rc != 0)
        theme_init(t);
    else if (t->name[0] == '\0')
        xmem_copy_text(t->name, sizeof t->name, "unnamed");
    return rc;
}

static int load_file(struct theme *t, const char *path, char *why, size_t cap)
{
    struct reader r = {path, why, cap};
    struct stat st;
    ssize_t n = 0;
    size_t len = 0;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int code = -errno;
        refuse(&r, "%s", strerror(-code));
        return code;
    }
    char *buf = xmem_new(THEME_FILE_MAX + 1, 1);
    int rc = 0;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        rc = refuse(&r, "not a file");
    while (rc == 0 && len <= THEME_FILE_MAX && (n = read(fd, buf + len, THEME_FILE_MAX + 1 - len)))
        if (n > 0)
            len += (size_t)n;
        else if (errno != EINTR)
            rc = refuse(&r, "%s", strerror(errno));
    if (rc == 0)
        rc = theme_parse(t, buf, len, path, why, cap);
    free(buf);
    close(fd);
    return rc;
}

/* The folder of the running program, without the slash; false when it is not known. */
static bool program_folder(char *buf, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", buf, cap - 1);

    if (n <= 0)
        return false;
    buf[n] = '\0';
    char *slash = strrchr(buf, '/');
    if (slash)
        *slash = '\0';
    return slash != NULL;
}

static bool try_folder(struct theme *t, const char *folder, const char *rest, const char *name,
                       int *rc, char *why, size_t cap)
{
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof path, "%s%s/%s.json", folder, rest, name) >= sizeof path)
        return false;
    if (access(path, F_OK) != 0)
        return false;
    *rc = load_file(t, path, why, cap);
    return true;
}

int theme_load(struct theme *t, const char *name, char *why, size_t cap)
{
    char here[PATH_MAX - 64];
    const char *env = getenv("MESHDECK_THEMES");
    struct reader r = {name, why, cap};
    int rc = 0;

    theme_init(t);
    if (strchr(name, '/'))
        return load_file(t, name, why, cap);
    if (name[0] == '\0' || name[0] == '.' || strlen(name) >= THEME_NAME_MAX)
        return refuse(&r, "no such theme");
    if (env && *env && try_folder(t, env, "", name, &rc, why, cap))
        return rc;
    if (program_folder(here, sizeof here) &&
        (try_folder(t, here, "/../themes", name, &rc, why, cap) ||
         try_folder(t, here, "/../share/meshdeck/themes", name, &rc, why, cap)))
        return rc;
    if (try_folder(t, "/usr/local", "/share/meshdeck/themes", name, &rc, why, cap) ||
        try_folder(t, "/usr", "/share/meshdeck/themes", name, &rc, why, cap))
        return rc;
    const struct theme_data *d;
    for (size_t i = 0; (d = theme_data_at(i)); i++)
        if (strcmp(d->name, name) == 0)
            return theme_parse(t, d->json, (size_t)(d->end - d->json), name, why, cap);
    refuse(&r, "no such theme; dark, light, contrast, colour-blind, sixteen and mono are here");
    return -ENOENT;
}

const char *const *theme_names(void)
{
    static const char *const names[] = {"dark",    "light", "contrast", "colour-blind",
                                        "sixteen", "mono",  NULL};

    return names;
}
