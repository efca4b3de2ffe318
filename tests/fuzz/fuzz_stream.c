/* A packet of a live stream: what a worker gone wrong, or a viewer, may send. */
#include "backend/model/stream.h"
#include "backend/model/text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok)
        abort();
}

static void check_clean(const char *s)
{
    uint32_t cp;

    for (size_t left = strlen(s); left > 0;) {
        size_t n = text_utf8_decode(s, left, &cp);
        must(n > 0 && text_codepoint_is_safe(cp));
        s += n;
        left -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stream_frame f;
    struct stream_exit x;
    uint16_t cols, rows;
    char text[STREAM_TEXT_MAX];

    if (stream_parse(data, size, &f) != 0)
        return 0;
    must(f.len == size - 1 && f.len <= STREAM_DATA_MAX);
    must(f.len == 0 || memcmp(f.bytes, data + 1, f.len) == 0);
    int kinds = 0;
    if (stream_size_of(&f, &cols, &rows)) {
        kinds++;
        must(cols >= 1 && cols <= STREAM_COLS_MAX && rows >= 1 && rows <= STREAM_COLS_MAX);
    }
    if (stream_exit_of(&f, &x)) {
        kinds++;
        check_clean(x.signal);
    }
    if (stream_text_of(&f, text)) {
        kinds++;
        check_clean(text);
    }
    must(kinds <= 1);
    return 0;
}

#include "tests/fuzz/driver.h"
