/*
 * Text in terminal columns: decoding, cleaning, cutting, padding. Pure; any thread. The set of what
 * may be shown is the same as the engine's at its boundary (a test compares the two): here it is
 * the second fence, at the moment of drawing.
 */
#include "widgets/cells.h"

#include <string.h>
#include <strings.h>
#include <wchar.h>

#include "widgets/xmem.h"

enum { MARKS_MAX = 2 };

size_t cells_decode(const char *s, size_t n, uint32_t *ret_cp)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t want;
    uint32_t cp, least;

    if (p[0] < 0x80) {
        *ret_cp = p[0];
        return 1;
    }
    if ((p[0] & 0xe0) == 0xc0) {
        want = 2, cp = p[0] & 0x1fu, least = 0x80;
    } else if ((p[0] & 0xf0) == 0xe0) {
        want = 3, cp = p[0] & 0x0fu, least = 0x800;
    } else if ((p[0] & 0xf8) == 0xf0) {
        want = 4, cp = p[0] & 0x07u, least = 0x10000;
    } else {
        return 0;
    }
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

size_t cells_encode(char out[4], uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | (cp >> 6));
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | (cp >> 12));
        out[1] = (char)(0x80 | ((cp >> 6) & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    if (cp > 0x10ffff)
        return 0;
    out[0] = (char)(0xf0 | (cp >> 18));
    out[1] = (char)(0x80 | ((cp >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((cp >> 6) & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

/* The ranges that never reach a terminal, in order. */
static const struct {
    uint32_t first, last;
} unsafe[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x180e, 0x180e},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xd800, 0xf8ff}, {0xfdd0, 0xfdef},
    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, UINT32_MAX},
};

bool cells_is_safe(uint32_t cp)
{
    if (cp >= 0x20 && cp < 0x7f)
        return true;
    for (size_t i = 0; i < XMEM_LEN(unsafe); i++)
        if (cp >= unsafe[i].first && cp <= unsafe[i].last)
            return false;
    return (cp & 0xfffe) != 0xfffe;
}

int cells_width_cp(uint32_t cp)
{
    if (cp >= 0x20 && cp < 0x7f)
        return 1;
    if (!cells_is_safe(cp))
        return 1;
    int w = wcwidth((wchar_t)cp);
    return w < 0 || w > 2 ? 1 : w;
}

uint32_t cells_next(const char **s, const char *end, unsigned *marks)
{
    uint32_t cp = 0;

    if (*s >= end)
        return 0;
    size_t n = cells_decode(*s, (size_t)(end - *s), &cp);
    *s += n ? n : 1;
    if (n == 1 && cp >= 0x20 && cp < 0x7f) {
        *marks = 0;
        return cp;
    }
    if (n == 0 || !cells_is_safe(cp) || wcwidth((wchar_t)cp) < 0) {
        *marks = 0;
        return '?';
    }
    if (wcwidth((wchar_t)cp) != 0) {
        *marks = 0;
        return cp;
    }
    if (*marks == MARKS_MAX)
        return '?';
    ++*marks;
    return cp;
}

int cells_width_n(const char *s, size_t len)
{
    const char *end = s + len;
    unsigned marks = 0;
    uint32_t cp;
    int cols = 0;

    while ((cp = cells_next(&s, end, &marks)))
        cols += cells_width_cp(cp);
    return cols;
}

int cells_width(const char *s)
{
    return cells_width_n(s, strlen(s));
}

/* Appends cp when it and a NUL still fit. */
static bool put(char *dst, size_t cap, size_t *at, uint32_t cp)
{
    char b[4];
    size_t n = cells_encode(b, cp);

    if (*at + n >= cap)
        return false;
    memcpy(dst + *at, b, n);
    *at += n;
    return true;
}

size_t cells_clean(char *dst, size_t cap, const char *src, size_t len)
{
    const char *end = src + len;
    unsigned marks = 0;
    uint32_t cp;
    size_t at = 0;

    if (cap == 0)
        return 0;
    while ((cp = cells_next(&src, end, &marks)) && put(dst, cap, &at, cp))
        ;
    dst[at] = '\0';
    return at;
}

size_t cells_clean_paste(char *dst, size_t cap, const char *src, size_t len, size_t *ret_dropped)
{
    size_t at = 0, dropped = 0;
    unsigned marks = 0;

    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        size_t n = cells_decode(src + i, len - i, &cp);
        const char *s = src + i;
        bool keep = n > 0 && cells_is_safe(cp) && cells_next(&s, src + len, &marks) == cp;

        if (!keep || !put(dst, cap, &at, cp))
            dropped += n ? n : 1;
        i += n ? n : 1;
    }
    if (cap > 0)
        dst[at] = '\0';
    if (ret_dropped)
        *ret_dropped = dropped;
    return at;
}

/* Cleans src into dst up to cols columns; returns the columns used. */
static int take_cols(char *dst, size_t cap, size_t *at, const char **src, const char *end, int cols)
{
    unsigned marks = 0;
    int used = 0;

    while (*src < end) {
        const char *next = *src;
        uint32_t cp = cells_next(&next, end, &marks);
        int w = cells_width_cp(cp);
        if (used + w > cols || !put(dst, cap, at, cp))
            break;
        used += w;
        *src = next;
    }
    return used;
}

int cells_cut(char *dst, size_t cap, const char *src, int cols)
{
    const char *end = src + strlen(src);
    size_t at = 0;
    bool whole = cells_width_n(src, (size_t)(end - src)) <= cols;

    if (cap == 0)
        return 0;
    if (cols < 0)
        cols = 0;
    int used = take_cols(dst, cap, &at, &src, end, whole || cols == 0 ? cols : cols - 1);
    if (!whole && cols > 0 && put(dst, cap, &at, '~'))
        used++;
    dst[at] = '\0';
    return used;
}

int cells_cut_middle(char *dst, size_t cap, const char *src, int cols)
{
    const char *end = src + strlen(src);
    int width = cells_width_n(src, (size_t)(end - src));
    size_t at = 0;

    if (width <= cols || cols < 3 || cap == 0)
        return cells_cut(dst, cap, src, cols);

    int head = cols / 2, tail = cols - head - 1;
    int used = take_cols(dst, cap, &at, &src, end, head);
    if (put(dst, cap, &at, '~'))
        used++;
    /* Skip until what remains fits; then drop marks that lost their base. */
    unsigned marks = 0;
    int left = width - used + 1;
    while (src < end && left > tail)
        left -= cells_width_cp(cells_next(&src, end, &marks));
    for (const char *s = src; s < end; src = s)
        if (cells_width_cp(cells_next(&s, end, &marks)) != 0)
            break;
    used += take_cols(dst, cap, &at, &src, end, tail);
    dst[at] = '\0';
    return used;
}

void cells_pad(char *dst, size_t cap, const char *src, int cols, enum cells_align align)
{
    size_t at = 0;

    if (cap == 0)
        return;
    int width = cells_width(src), blanks = width < cols ? cols - width : 0;
    for (int i = 0; align == CELLS_RIGHT && i < blanks; i++)
        put(dst, cap, &at, ' ');
    cells_cut_middle(dst + at, cap - at, src, cols);
    at += strlen(dst + at);
    for (int i = 0; align == CELLS_LEFT && i < blanks; i++)
        put(dst, cap, &at, ' ');
    dst[at] = '\0';
}

size_t cells_bytes_of(const char *src, size_t len, int cols)
{
    const char *s = src, *end = src + len;
    unsigned marks = 0;
    int used = 0;

    while (s < end) {
        const char *next = s;
        used += cells_width_cp(cells_next(&next, end, &marks));
        if (used > cols)
            break;
        s = next;
    }
    return (size_t)(s - src);
}

size_t cells_prev_len(const char *s, size_t at)
{
    size_t n = 0;

    while (n < at) {
        uint32_t cp = 0;
        size_t one = 1;
        while (one < 4 && n + one < at && ((unsigned char)s[at - n - one] & 0xc0) == 0x80)
            one++;
        if (cells_decode(s + at - n - one, one, &cp) != one)
            one = 1;
        n += one;
        if (cells_width_cp(cp) != 0)
            break;
    }
    return n;
}

size_t cells_next_len(const char *s, size_t at)
{
    size_t len = strlen(s), n = 0;
    uint32_t cp;

    if (at >= len)
        return 0;
    do {
        cp = 0;
        size_t one = cells_decode(s + at + n, len - at - n, &cp);
        n += one ? one : 1;
        cp = 0;
        if (at + n < len)
            cells_decode(s + at + n, len - at - n, &cp);
    } while (at + n < len && cp >= 0x80 && cells_width_cp(cp) == 0);
    return n;
}

static unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

bool cells_contains(const char *hay, const char *needle)
{
    const unsigned char *h = (const unsigned char *)hay, *want = (const unsigned char *)needle;
    unsigned char low = fold(*want), high = low;

    if (low == '\0')
        return true;
    if (low >= 'a' && low <= 'z')
        high = (unsigned char)(low - 32);
    for (; *h; h++) {
        if (*h != low && *h != high)
            continue;
        size_t i = 1;
        while (want[i] && fold(h[i]) == fold(want[i]))
            i++;
        if (want[i] == '\0')
            return true;
        if (h[i] == '\0')
            return false;
    }
    return false;
}
