#ifndef MESHDECK_WIDGETS_XMEM_H
#define MESHDECK_WIDGETS_XMEM_H
/*
 * Memory for widgets/ and tui/: never returns NULL, ends the process when there is none left (a
 * console can be started again; the engine's own code does not use these).
 */
#include <stdbool.h>
#include <stddef.h>

#define XMEM_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* n zeroed elements of size bytes; release with free(). */
void *xmem_new(size_t n, size_t size);

/* Resizes to n elements; what is new is not zeroed. */
void *xmem_resize(void *old, size_t n, size_t size);

/* Makes room for at least want elements, doubling *cap; old contents stay. */
void *xmem_grow(void *old, size_t *cap, size_t want, size_t size);

char *xmem_dup_text(const char *s);

/* Copies src, always ends with NUL, cut at a whole UTF-8 character; false when it did not fit. */
bool xmem_copy_text(char *dst, size_t cap, const char *src);

#endif
