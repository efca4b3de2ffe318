#ifndef MESHDECK_TESTS_FUZZ_STANDALONE_H
#define MESHDECK_TESTS_FUZZ_STANDALONE_H
/*
 * A fuzz target defines LLVMFuzzerTestOneInput and fuzz_seeds and includes this once. Under libFuzzer
 * (-DMESHDECK_LIBFUZZER -fsanitize=fuzzer) that is all; otherwise a main is made here that runs the
 * files it is given, or, with none, a fixed number of mutations of the seeds.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const char *const fuzz_seeds[]; /* ends with NULL */

#ifndef MESHDECK_LIBFUZZER

enum { FUZZ_ROUNDS = 20000, FUZZ_ROOM = 4096 };

static uint32_t fuzz_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void fuzz_mutations(void)
{
    static uint8_t buf[FUZZ_ROOM];
    uint32_t state = 1;
    size_t n_seeds = 0;

    while (fuzz_seeds[n_seeds])
        n_seeds++;
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        const char *seed = fuzz_seeds[fuzz_next(&state) % n_seeds];
        size_t n = strlen(seed);
        if (n > sizeof buf / 2)
            n = sizeof buf / 2;
        memcpy(buf, seed, n);
        for (uint32_t i = fuzz_next(&state) % 8; i > 0 && n > 0; i--) {
            size_t at = fuzz_next(&state) % n, run = fuzz_next(&state) % (n - at + 1);
            switch (fuzz_next(&state) % 4) {
            case 0: /* another byte */
                buf[at] = (uint8_t)fuzz_next(&state);
                break;
            case 1: /* a run again */
                if (n + run <= sizeof buf)
                    memcpy(buf + n, buf + at, run), n += run;
                break;
            case 2: /* a run less */
                memmove(buf + at, buf + at + run, n - at - run);
                n -= run;
                break;
            case 3: /* cut */
                n = at;
                break;
            }
        }
        (void)LLVMFuzzerTestOneInput(buf, n);
    }
    printf("%d mutations of %zu seeds\n", FUZZ_ROUNDS, n_seeds);
}

static int fuzz_file(const char *path)
{
    static uint8_t buf[1 << 20];
    FILE *f = fopen(path, "rb");

    if (!f) {
        perror(path);
        return 1;
    }
    size_t n = fread(buf, 1, sizeof buf, f);
    fclose(f);
    uint8_t *exact = malloc(n + !n); /* so that a sanitizer sees a read past its end */
    if (!exact)
        return 1;
    memcpy(exact, buf, n);
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int bad = 0;

    if (argc == 1)
        fuzz_mutations();
    for (int i = 1; i < argc; i++)
        bad |= fuzz_file(argv[i]);
    return bad;
}

#endif
#endif
