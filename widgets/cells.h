#ifndef MESHDECK_WIDGETS_CELLS_H
#define MESHDECK_WIDGETS_CELLS_H
/*
 * Text measured in terminal columns. All layout uses cells_width, never strlen. What a terminal
 * must not be sent (controls, bidi, zero-width, bad UTF-8, marks past the second) counts and is
 * shown as '?', so cleaning never changes a width. Pure; needs setlocale for wide characters.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cells_align { CELLS_LEFT, CELLS_RIGHT };

/* Decodes one character of n > 0 bytes; 0 when they are not valid UTF-8. */
size_t cells_decode(const char *s, size_t n, uint32_t *ret_cp);

/* Writes 1..4 bytes, without NUL; returns how many (0 for what is not a code point). */
size_t cells_encode(char out[4], uint32_t cp);

/* True for a code point that may be shown. */
bool cells_is_safe(uint32_t cp);

/* 0 (combining), 1 or 2 columns; what is not safe or not printable here is 1, its '?'. */
int cells_width_cp(uint32_t cp);

int cells_width(const char *s);
int cells_width_n(const char *s, size_t len);

/*
 * The next character to show of *s (before end), cleaned; moves *s on. *marks is the caller's
 * count of combining marks since the last base, 0 at first. Returns 0 at the end.
 */
uint32_t cells_next(const char **s, const char *end, unsigned *marks);

/* Cleaned copy of len bytes; ends with NUL, cut at a character. Returns bytes written. */
size_t cells_clean(char *dst, size_t cap, const char *src, size_t len);

/* As cells_clean, but drops what is not safe, and line ends; *ret_dropped (may be NULL) counts. */
size_t cells_clean_paste(char *dst, size_t cap, const char *src, size_t len, size_t *ret_dropped);

/* At most cols columns, the end lost to '~' when it does not fit. Cleaned. Returns columns used. */
int cells_cut(char *dst, size_t cap, const char *src, int cols);

/* As cells_cut, but the middle is lost: web-pr~0017. */
int cells_cut_middle(char *dst, size_t cap, const char *src, int cols);

/* Exactly cols columns: the middle cut or blanks added at the side away from align. */
void cells_pad(char *dst, size_t cap, const char *src, int cols, enum cells_align align);

/* Bytes of src that make at most cols columns. */
size_t cells_bytes_of(const char *src, size_t len, int cols);

/* Bytes of the character before, after position at in s: for editing. */
size_t cells_prev_len(const char *s, size_t at);
size_t cells_next_len(const char *s, size_t at);

/* Case-insensitive (ASCII) substring. */
bool cells_contains(const char *hay, const char *needle);

#endif
