/*
 * From a terminal's bytes to keys: UTF-8, control bytes, the escape sequences of xterm, rxvt, linux
 * and vt100 terminals, what terminfo adds, mouse reports and bracketed paste. Owned by the thread
 * that reads the terminal. Sequences that mean nothing are swallowed whole; in a paste nothing is
 * interpreted but its end.
 */
#include <string.h>

#include "widgets/cells.h"
#include "widgets/key.h"
#include "widgets/xmem.h"

enum { ESC = 0x1b, DOUBLE_MS = 400, SEQ_MAX = 64, PASTE_END_MS = 1000 };

static const char paste_end[] = "\033[201~";

void key_decoder_init(struct key_decoder *d)
{
    memset(d, 0, sizeof *d);
    d->esc_ms = 25;
    d->press_ms = -DOUBLE_MS - 1;
}

void key_decoder_add(struct key_decoder *d, const char *bytes, uint32_t code, unsigned mods)
{
    size_t n = strnlen(bytes, KEY_SEQ_LEN);

    if (n < 2 || n == KEY_SEQ_LEN || bytes[0] != ESC || d->n_extra == KEY_SEQS)
        return;
    memcpy(d->extra[d->n_extra].bytes, bytes, n + 1);
    d->extra[d->n_extra++].key = (struct key){.code = code, .mods = (uint8_t)mods};
}

size_t key_decoder_feed(struct key_decoder *d, const void *bytes, size_t n, int64_t now_ms)
{
    size_t room = sizeof d->buf - d->len;

    if (n > room)
        n = room;
    memcpy(d->buf + d->len, bytes, n);
    d->len += n;
    if (n > 0)
        d->fed_ms = now_ms;
    return n;
}

static void drop(struct key_decoder *d, size_t n)
{
    memmove(d->buf, d->buf + n, d->len - n);
    d->len -= n;
}

/* Letters that end "CSI x" or "SS3 x", and numbers of "CSI n ~". */
static uint32_t code_of_letter(unsigned char c)
{
    switch (c) {
    case 'A':
        return KEYSYM_UP;
    case 'B':
        return KEYSYM_DOWN;
    case 'C':
        return KEYSYM_RIGHT;
    case 'D':
        return KEYSYM_LEFT;
    case 'H':
        return KEYSYM_HOME;
    case 'F':
        return KEYSYM_END;
    case 'M':
        return KEYSYM_ENTER;
    case 'P':
    case 'Q':
    case 'R':
    case 'S':
        return KEYSYM_F1 + (uint32_t)(c - 'P');
    default:
        return KEYSYM_UNKNOWN;
    }
}

static uint32_t code_of_number(unsigned n)
{
    static const uint32_t codes[] = {
        [1] = KEYSYM_HOME,        [2] = KEYSYM_INSERT,   [3] = KEYSYM_DELETE,
        [4] = KEYSYM_END,         [5] = KEYSYM_PGUP,     [6] = KEYSYM_PGDN,
        [7] = KEYSYM_HOME,        [8] = KEYSYM_END,      [11] = KEYSYM_F1,
        [12] = KEYSYM_F1 + 1,     [13] = KEYSYM_F1 + 2,  [14] = KEYSYM_F1 + 3,
        [15] = KEYSYM_F1 + 4,     [17] = KEYSYM_F1 + 5,  [18] = KEYSYM_F1 + 6,
        [19] = KEYSYM_F1 + 7,     [20] = KEYSYM_F1 + 8,  [21] = KEYSYM_F1 + 9,
        [23] = KEYSYM_F1 + 10,    [24] = KEYSYM_F1 + 11, [200] = KEYSYM_PASTE_START,
        [201] = KEYSYM_PASTE_END,
    };

    return n < XMEM_LEN(codes) && codes[n] ? codes[n] : KEYSYM_UNKNOWN;
}

static uint8_t mods_of(unsigned n)
{
    n = n > 0 ? n - 1 : 0;
    return (uint8_t)((n & 1 ? KEYMOD_SHIFT : 0) | (n & 2 ? KEYMOD_ALT : 0) |
                     (n & 4 ? KEYMOD_CTRL : 0));
}

static void set_mouse(struct key_decoder *d, struct key *k, unsigned b, int col, int row,
                      bool release, int64_t now_ms)
{
    *k = (struct key){.code = KEYSYM_MOUSE, .row = (int16_t)(row - 1), .col = (int16_t)(col - 1)};
    k->mods = (uint8_t)((b & 4 ? KEYMOD_SHIFT : 0) | (b & 8 ? KEYMOD_ALT : 0) |
                        (b & 16 ? KEYMOD_CTRL : 0));
    if (b & 64) {
        k->mouse = b & 1 ? KEY_MOUSE_WHEEL_DOWN : KEY_MOUSE_WHEEL_UP;
        return;
    }
    k->button = (uint8_t)((b & 3) + 1);
    if (release || (b & 3) == 3 || (b & 32)) {
        k->mouse = b & 32 ? KEY_MOUSE_NONE : KEY_MOUSE_RELEASE;
        return;
    }
    k->mouse = KEY_MOUSE_PRESS;
    if (k->button == 1 && now_ms - d->press_ms <= DOUBLE_MS && d->press_row == k->row &&
        d->press_col == k->col) {
        k->mouse = KEY_MOUSE_DOUBLE;
        d->press_ms = now_ms - DOUBLE_MS - 1;
    } else {
        d->press_ms = now_ms;
    }
    d->press_row = k->row;
    d->press_col = k->col;
}

/* A whole "CSI ... final" of n bytes at the front of the buffer. */
static void decode_csi(struct key_decoder *d, size_t n, int64_t now_ms, struct key *k)
{
    unsigned num[4] = {0}, at = 0;
    unsigned char final = d->buf[n - 1], lead = d->buf[2];

    for (size_t i = 2; i + 1 < n; i++) {
        unsigned char c = d->buf[i];
        if (c >= '0' && c <= '9' && num[at] < 100000)
            num[at] = num[at] * 10 + (unsigned)(c - '0');
        else if (c == ';' && at + 1 < XMEM_LEN(num))
            at++;
    }
    *k = (struct key){.code = KEYSYM_UNKNOWN};
    if (lead == '<' && (final == 'M' || final == 'm')) {
        if (at == 2 && num[1] >= 1 && num[1] <= INT16_MAX && num[2] >= 1 && num[2] <= INT16_MAX)
            set_mouse(d, k, num[0], (int)num[1], (int)num[2], final == 'm', now_ms);
        return;
    }
    if (lead == '<' || lead == '?' || lead == '>' || lead == '=')
        return;
    if (final == '~' && num[0] == 27 && at == 2) { /* modifyOtherKeys */
        k->code = num[2] < KEYSYM_ENTER && cells_is_safe(num[2]) ? num[2] : KEYSYM_UNKNOWN;
        k->mods = mods_of(num[1]);
    } else if (final == '~' || final == '^' || final == '$') {
        k->code = code_of_number(num[0]);
        k->mods = at             ? mods_of(num[1])
                  : final == '^' ? KEYMOD_CTRL
                  : final == '$' ? KEYMOD_SHIFT
                                 : 0;
    } else if (final == 'Z') {
        *k = (struct key){.code = KEYSYM_TAB, .mods = KEYMOD_SHIFT};
    } else if (final != 'M') {
        k->code = code_of_letter(final);
        k->mods = at ? mods_of(num[1]) : 0;
    }
}

/* Length of the escape sequence at the front; 0: not whole yet. */
static size_t seq_len(const struct key_decoder *d)
{
    const unsigned char *b = d->buf;

    if (d->len < 2)
        return 0;
    if (b[1] == 'O')
        return d->len >= 3 ? 3 : 0;
    if (b[1] != '[') {
        uint32_t cp;
        size_t want = b[1] < 0x80 ? 1 : b[1] >= 0xf0 ? 4 : b[1] >= 0xe0 ? 3 : 2;
        if (d->len < 1 + want)
            return 0;
        size_t n = cells_decode((const char *)b + 1, d->len - 1, &cp);
        return 1 + (n ? n : 1);
    }
    if (d->len >= 3 && b[2] == '[') /* linux console: CSI [ A */
        return d->len >= 4 ? 4 : 0;
    if (d->len >= 3 && b[2] == 'M') /* the old mouse report */
        return d->len >= 6 ? 6 : 0;
    for (size_t i = 2; i < d->len; i++) {
        if (b[i] == '$' && i > 2 && b[i - 1] >= '0' && b[i - 1] <= '9')
            return i + 1;
        if (b[i] >= 0x40 && b[i] <= 0x7e)
            return i + 1;
        if (b[i] < 0x20 || b[i] > 0x7e || i > SEQ_MAX)
            return i; /* broken off: swallow what there is */
    }
    return 0;
}

static void decode_plain(unsigned char c, struct key *k)
{
    *k = (struct key){.code = c};
    if (c == '\r')
        k->code = KEYSYM_ENTER;
    else if (c == '\t')
        k->code = KEYSYM_TAB;
    else if (c == 0x7f)
        k->code = KEYSYM_BACKSPACE;
    else if (c == ESC)
        k->code = KEYSYM_ESC;
    else if (c == 0)
        *k = (struct key){.code = ' ', .mods = KEYMOD_CTRL};
    else if (c < 0x1b)
        *k = (struct key){.code = (uint32_t)c + 0x60, .mods = KEYMOD_CTRL};
    else if (c < 0x20)
        *k = (struct key){.code = (uint32_t)c + 0x40, .mods = KEYMOD_CTRL};
}

/* A known sequence of terminfo at the front; returns its length. */
static size_t match_extra(const struct key_decoder *d, struct key *k)
{
    for (size_t i = 0; i < d->n_extra; i++) {
        size_t n = strlen(d->extra[i].bytes);
        if (d->len >= n && memcmp(d->buf, d->extra[i].bytes, n) == 0) {
            *k = d->extra[i].key;
            return n;
        }
    }
    return 0;
}

static bool decode_escape(struct key_decoder *d, int64_t now_ms, struct key *k)
{
    size_t n = match_extra(d, k);

    if (n) {
        drop(d, n);
        return true;
    }
    n = seq_len(d);
    if (n == 0) {
        if (now_ms - d->fed_ms < d->esc_ms && d->len < sizeof d->buf)
            return false;
        if (d->len >= 2 && (d->buf[1] == '[' || d->buf[1] == 'O') && d->len > 2) {
            *k = (struct key){.code = KEYSYM_UNKNOWN}; /* a sequence that never ended */
            drop(d, d->len);
            return true;
        }
        decode_plain(ESC, k);
        drop(d, 1);
        return true;
    }
    if (d->buf[1] == '[' && n == 4 && d->buf[2] == '[') {
        unsigned char c = d->buf[3];
        *k = (struct key){.code = c >= 'A' && c <= 'E' ? KEYSYM_F1 + (uint32_t)(c - 'A')
                                                       : KEYSYM_UNKNOWN};
    } else if (d->buf[1] == '[' && n == 6 && d->buf[2] == 'M') {
        *k = (struct key){.code = KEYSYM_UNKNOWN};
        if (d->buf[3] >= 32 && d->buf[4] > 32 && d->buf[5] > 32)
            set_mouse(d, k, d->buf[3] - 32u, d->buf[4] - 32, d->buf[5] - 32, false, now_ms);
    } else if (d->buf[1] == '[') {
        if (n >= 3)
            decode_csi(d, n, now_ms, k);
        else
            *k = (struct key){.code = KEYSYM_UNKNOWN};
    } else if (d->buf[1] == 'O') {
        *k = (struct key){.code = code_of_letter(d->buf[2])};
    } else if (d->buf[1] == ESC) { /* Esc, then perhaps a sequence */
        decode_plain(ESC, k);
        n = 1;
    } else {
        uint32_t cp = 0;
        decode_plain(d->buf[1], k);
        if (d->buf[1] >= 0x80)
            k->code = cells_decode((char *)d->buf + 1, d->len - 1, &cp) ? cp : KEYSYM_UNKNOWN;
        k->mods |= KEYMOD_ALT;
    }
    drop(d, n);
    if (k->code == KEYSYM_PASTE_START)
        d->pasting = true;
    return true;
}

/* True when the buffer may be the beginning of the paste's end. */
static bool may_end_paste(const struct key_decoder *d)
{
    size_t n = d->len < sizeof paste_end - 1 ? d->len : sizeof paste_end - 1;

    return memcmp(d->buf, paste_end, n) == 0;
}

bool key_decoder_next(struct key_decoder *d, int64_t now_ms, struct key *ret)
{
    uint32_t cp = 0;

    if (d->len == 0)
        return false;
    if (d->pasting && d->buf[0] == ESC && may_end_paste(d)) {
        bool whole = d->len >= sizeof paste_end - 1;
        if (!whole && now_ms - d->fed_ms < PASTE_END_MS)
            return false;
        /* Esc alone for a second: the end was lost on the way, and the operator wants out. */
        if (whole || d->len == 1) {
            drop(d, whole ? sizeof paste_end - 1 : 1);
            d->pasting = false;
            *ret = (struct key){.code = KEYSYM_PASTE_END};
            return true;
        }
    }
    if (!d->pasting && d->buf[0] == ESC)
        return decode_escape(d, now_ms, ret);
    if (d->buf[0] < 0x80) {
        decode_plain(d->buf[0], ret);
        drop(d, 1);
    } else {
        size_t want = d->buf[0] >= 0xf0 ? 4 : d->buf[0] >= 0xe0 ? 3 : 2;
        size_t n = cells_decode((char *)d->buf, d->len, &cp);
        if (n == 0 && d->len < want && now_ms - d->fed_ms < d->esc_ms)
            return false;
        *ret = (struct key){.code = n ? cp : KEYSYM_UNKNOWN};
        drop(d, n ? n : 1);
    }
    if (d->pasting)
        ret->mods |= KEYMOD_PASTED;
    return true;
}

int key_decoder_wait_ms(const struct key_decoder *d, int64_t now_ms)
{
    if (d->len == 0)
        return -1;
    int64_t left = d->fed_ms + (d->pasting ? PASTE_END_MS : d->esc_ms) - now_ms;
    return left > 0 ? (int)left : 0;
}
