#ifndef MESHDECK_WIDGETS_KEY_H
#define MESHDECK_WIDGETS_KEY_H
/*
 * One key as a value, its name for help and files, and the decoder from a terminal's bytes.
 * Control letters are the small letter with KEYMOD_CTRL. Every character of a paste carries
 * KEYMOD_PASTED: it is text, never a command. Pure; no clock of its own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_sym {
    KEYSYM_NONE = 0,
    KEYSYM_ENTER = 0x110000,
    KEYSYM_TAB,
    KEYSYM_BACKSPACE,
    KEYSYM_ESC,
    KEYSYM_UP,
    KEYSYM_DOWN,
    KEYSYM_LEFT,
    KEYSYM_RIGHT,
    KEYSYM_HOME,
    KEYSYM_END,
    KEYSYM_PGUP,
    KEYSYM_PGDN,
    KEYSYM_INSERT,
    KEYSYM_DELETE,
    KEYSYM_F1, /* F1..F12 follow one another */
    KEYSYM_F12 = KEYSYM_F1 + 11,
    KEYSYM_MOUSE,
    KEYSYM_PASTE_START,
    KEYSYM_PASTE_END,
    KEYSYM_UNKNOWN /* a sequence that means nothing to us; swallowed whole */
};

enum key_mod { KEYMOD_SHIFT = 1, KEYMOD_ALT = 2, KEYMOD_CTRL = 4, KEYMOD_PASTED = 8 };

enum key_mouse {
    KEY_MOUSE_NONE,
    KEY_MOUSE_PRESS,
    KEY_MOUSE_DOUBLE, /* comes in place of the second press within 400 ms on the same cell */
    KEY_MOUSE_RELEASE,
    KEY_MOUSE_WHEEL_UP,
    KEY_MOUSE_WHEEL_DOWN
};

struct key {
    uint32_t code; /* a Unicode code point or enum key_sym */
    uint8_t mods;  /* enum key_mod */
    uint8_t mouse; /* enum key_mouse, with KEYSYM_MOUSE */
    uint8_t button; /* 1 left, 2 middle, 3 right */
    int16_t row, col;
};

bool key_is(const struct key *k, uint32_t code, unsigned mods);

/* A character that is text: printable, no Ctrl or Alt. */
bool key_is_text(const struct key *k);

/* "C-]", "PgDn", "S-Tab", "Space", "x". */
void key_format(const struct key *k, char *buf, size_t cap);
bool key_parse(const char *name, size_t len, struct key *ret);

enum { KEY_BUFFER = 1024, KEY_SEQS = 64, KEY_SEQ_LEN = 12 };

struct key_decoder {
    unsigned char buf[KEY_BUFFER];
    size_t len;
    bool pasting;
    int esc_ms;           /* how long a lone Esc may be the start of more; 25 */
    int64_t fed_ms;       /* when bytes last came */
    int64_t press_ms;     /* for double clicks */
    int16_t press_row, press_col;
    struct {
        char bytes[KEY_SEQ_LEN];
        struct key key;
    } extra[KEY_SEQS]; /* what terminfo says beside the common sequences */
    size_t n_extra;
};

void key_decoder_init(struct key_decoder *d);

/* A sequence of this terminal's description; ignored when too long or the table is full. */
void key_decoder_add(struct key_decoder *d, const char *bytes, uint32_t code, unsigned mods);

/* Takes up to KEY_BUFFER minus what waits; returns how many bytes were taken. */
size_t key_decoder_feed(struct key_decoder *d, const void *bytes, size_t n, int64_t now_ms);

/* The next whole key; false when there is none, or only the beginning of one. */
bool key_decoder_next(struct key_decoder *d, int64_t now_ms, struct key *ret);

/* Milliseconds after which next must be asked again although no byte came; -1 for never. */
int key_decoder_wait_ms(const struct key_decoder *d, int64_t now_ms);

#endif
