/*
 * Allocation for the console's own memory. Any thread. Ends the process when there is none left;
 * never used by the engine.
 */
#include "widgets/xmem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *xmem_new(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        abort();
    return p;
}

void *xmem_resize(void *old, size_t n, size_t size)
{
    void *p = reallocarray(old, n ? n : 1, size ? size : 1);

    if (!p)
        abort();
    return p;
}

void *xmem_grow(void *old, size_t *cap, size_t want, size_t size)
{
    size_t n = *cap ? *cap : 16;

    if (old && want <= *cap)
        return old;
    while (n < want) {
        if (n > SIZE_MAX / 2)
            abort();
        n *= 2;
    }
    *cap = n;
    return xmem_resize(old, n, size);
}

char *xmem_dup_text(const char *s)
{
    char *p = strdup(s);

    if (!p)
        abort();
    return p;
}

bool xmem_copy_text(char *dst, size_t cap, const char *src)
{
    size_t n = strnlen(src, cap);
    bool fits = n < cap;

    if (!fits) {
        n = cap - 1;
        while (n > 0 && ((unsigned char)src[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(dst, src, n);
    dst[n] = '\0';
    return fits;
}
