#include "backend/model/text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INTERN_BUCKETS = 16384, INTERN_MAX_BYTES = 16 * 1024 * 1024, MARKS_MAX = 2 };

bool str_copy(char *dst, size_t cap, const char *src)
{
    size_t n = strnlen(src, cap);

    if (n == cap) {
        memcpy(dst, src, cap - 1);
        dst[cap - 1] = '\0';
        return false;
    }
    memcpy(dst, src, n + 1);
    return true;
}

bool str_add(char *dst, size_t cap, size_t *len, const char *fmt, ...)
{
    va_list ap;

    if (*len >= cap)
        return false;
    va_start(ap, fmt);
    int n = vsnprintf(dst + *len, cap - *len, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= cap - *len) {
        *len = cap - 1;
        return false;
    }
    *len += (size_t)n;
    return true;
}

size_t text_utf8_decode(const char *s, size_t n, uint32_t *ret_cp)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t want;
    uint32_t cp, least;

    if (p[0] < 0x80) {
        *ret_cp = p[0];
        return 1;
    }
    if ((p[0] & 0xe0) == 0xc0)
        want = 2, cp = p[0] & 0x1fu, least = 0x80;
    else if ((p[0] & 0xf0) == 0xe0)
        want = 3, cp = p[0] & 0x0fu, least = 0x800;
    else if ((p[0] & 0xf8) == 0xf0)
        want = 4, cp = p[0] & 0x07u, least = 0x10000;
    else
        return 0;
    if (n < want)
        return 0;
    for (size_t i = 1; i < want; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        cp = (cp << 6) | (p[i] & 0x3fu);
    }
    if (cp < least || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return 0;
    *ret_cp = cp;
    return want;
}

/* The ranges that never reach a terminal, in order. */
static const struct {
    uint32_t first, last;
} unsafe[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x061c, 0x061c},
    {0x180e, 0x180e}, {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
    {0xd800, 0xf8ff}, {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xfff0, 0xfffb}, {0xfffe, 0xffff},   {0xe0000, 0x10ffff},
};

bool text_codepoint_is_safe(uint32_t cp)
{
    if (cp >= 0x20 && cp < 0x7f)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(unsafe); i++)
        if (cp >= unsafe[i].first && cp <= unsafe[i].last)
            return false;
    return (cp & 0xfffe) != 0xfffe;
}

static bool is_combining(uint32_t cp)
{
    return (cp >= 0x300 && cp <= 0x36f) || (cp >= 0x483 && cp <= 0x489) ||
           (cp >= 0x591 && cp <= 0x5bd) || (cp >= 0x610 && cp <= 0x61a) ||
           (cp >= 0x64b && cp <= 0x65f) || (cp >= 0x1ab0 && cp <= 0x1aff) ||
           (cp >= 0x1dc0 && cp <= 0x1dff) || (cp >= 0x20d0 && cp <= 0x20ff) ||
           (cp >= 0xfe20 && cp <= 0xfe2f);
}

size_t text_clean(char *dst, size_t cap, const char *src, size_t len)
{
    size_t out = 0, i = 0;
    unsigned marks = 0;

    if (cap == 0)
        return 0;
    while (i < len) {
        uint32_t cp = 0;
        size_t n = text_utf8_decode(src + i, len - i, &cp);
        bool keep = n > 0 && text_codepoint_is_safe(cp);

        marks = keep && is_combining(cp) ? marks + 1 : 0;
        if (marks > MARKS_MAX) {
            marks = MARKS_MAX;
            keep = false;
        }
        size_t put = keep ? n : 1;
        if (out + put >= cap)
            break;
        if (keep)
            memcpy(dst + out, src + i, n);
        else
            dst[out] = '?';
        out += put;
        i += n ? n : 1;
    }
    dst[out] = '\0';
    return out;
}

bool text_name_is_valid(const char *name)
{
    size_t n = strnlen(name, 32);

    if (n == 0 || n > 31 || name[0] < 'a' || name[0] > 'z' || name[n - 1] == '-')
        return false;
    for (size_t i = 1; i < n; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

struct interned {
    struct interned *next;
    uint32_t hash;
    char text[];
};

static pthread_mutex_t intern_lock = PTHREAD_MUTEX_INITIALIZER;
static struct interned *intern_buckets[INTERN_BUCKETS];
static size_t intern_bytes;

const char *text_intern(const char *s)
{
    static const char empty[] = "", full[] = "...";
    uint32_t hash = 2166136261u;

    if (!s || !*s)
        return empty;
    size_t len = strlen(s);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)s[i]) * 16777619u;

    const char *found = NULL;
    pthread_mutex_lock(&intern_lock);
    struct interned **bucket = &intern_buckets[hash % INTERN_BUCKETS];
    for (struct interned *p = *bucket; p && !found; p = p->next)
        if (p->hash == hash && strcmp(p->text, s) == 0)
            found = p->text;
    if (!found && intern_bytes + len > INTERN_MAX_BYTES)
        found = full;
    if (!found) {
        struct interned *p = malloc(sizeof *p + len + 1);
        if (p) {
            p->hash = hash;
            memcpy(p->text, s, len + 1);
            p->next = *bucket;
            *bucket = p;
            intern_bytes += sizeof *p + len + 1;
            found = p->text;
        }
    }
    pthread_mutex_unlock(&intern_lock);
    return found;
}
