#ifndef MESHDECK_MODEL_TEXT_H
#define MESHDECK_MODEL_TEXT_H
/*
 * Text at the engine's boundary: bounded copies, and the cleaning that every string of a guest, a
 * peer, a file or the kernel passes before it may enter a snapshot, an error or the journal. Pure;
 * any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Copies src, always ends with NUL; false when it did not fit. */
bool str_copy(char *dst, size_t cap, const char *src);

/* Appends formatted text at *len (kept below cap); false once it does not fit. */
bool str_add(char *dst, size_t cap, size_t *len, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Makes len bytes of src safe to show: valid UTF-8 only, and '?' for each C0, DEL, C1, line and
 * paragraph separator, bidi control, zero-width, tag and private or unassigned noncharacter, and
 * for combining marks past the second. Ends with NUL; cut at a character. Returns bytes written.
 */
size_t text_clean(char *dst, size_t cap, const char *src, size_t len);

/* True for a code point that text_clean would let through. */
bool text_codepoint_is_safe(uint32_t cp);

/* Decodes one UTF-8 character at s (n bytes there, n > 0); 0 when the bytes are not valid. */
size_t text_utf8_decode(const char *s, size_t n, uint32_t *ret_cp);

/* A name of ours: [a-z][a-z0-9-]{0,30}, not ending in '-' (design, section 11). */
bool text_name_is_valid(const char *name);

/*
 * One immortal copy per distinct text, for values that repeat (node, network, image, device).
 * Never freed; thread-safe; after 16 MiB of distinct texts every new one becomes "...".
 * NULL gives "". NULL is returned only when memory ran out.
 */
const char *text_intern(const char *s);

#endif
