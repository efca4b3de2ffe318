/* A terminal's bytes into the key decoder, split anywhere: all are consumed, none is read twice. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "widgets/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct key_decoder d;
    size_t keys = 0, all = n;
    int64_t now = 0;
    struct key k;

    key_decoder_init(&d);
    key_decoder_add(&d, "\033[zz", KEYSYM_F1, 0);
    while (n > 0) {
        size_t len = 1 + data[0] % 37;
        size_t took = key_decoder_feed(&d, data, len < n ? len : n, now);
        data += took;
        n -= took;
        for (; key_decoder_next(&d, now, &k); keys++) {
            char name[32];
            key_format(&k, name, sizeof name);
            if (k.code == KEYSYM_MOUSE && (k.row < -1 || k.col < -1))
                abort();
        }
        now += (int64_t)len;
    }
    for (now += 10000; key_decoder_next(&d, now, &k); keys++)
        ;
    if (d.len != 0 || keys > all)
        abort();
    return 0;
}

#include "tests/fuzz/driver.h"
