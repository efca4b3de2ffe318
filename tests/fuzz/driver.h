/*
 * Included at the end of each fuzz target, which defines LLVMFuzzerTestOneInput. Without -DLIBFUZZER
 * it gives a main that runs the files of tests/fuzz/corpus/NAME (of fuzz_NAME) and seeded mutations
 * of them, always the same, and prints TAP. FUZZ_TRIES says how many; FUZZ_ONLY runs one by number,
 * as "died at input N" names it.
 */
#ifndef LIBFUZZER
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DRIVER_FILES = 256, DRIVER_MAX = 16384, DRIVER_TRIES = 2000 };

static struct {
    uint8_t *bytes;
    size_t n;
} driver_file[DRIVER_FILES];
static size_t driver_files;
static uint64_t driver_state;
static volatile long driver_now;

/* Tells the input's number when the target dies, whoever kills it. */
static void driver_died(void)
{
    char text[64];
    int n = snprintf(text, sizeof text, "# died at input %ld\n", driver_now);

    if (n > 0 && write(STDOUT_FILENO, text, (size_t)n) < 0)
        return;
}

static void driver_on_signal(int sig)
{
    driver_died();
    signal(sig, SIG_DFL);
    raise(sig);
}

extern void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

static uint32_t driver_random(uint32_t below)
{
    driver_state ^= driver_state << 13;
    driver_state ^= driver_state >> 7;
    driver_state ^= driver_state << 17;
    return (uint32_t)(driver_state >> 16) % below;
}

static void driver_load(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d && (e = readdir(d)) && driver_files < DRIVER_FILES) {
        char path[512];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        FILE *f = fopen(path, "re");
        if (!f)
            continue;
        uint8_t *b = malloc(DRIVER_MAX);
        if (b) {
            driver_file[driver_files].n = fread(b, 1, DRIVER_MAX, f);
            driver_file[driver_files++].bytes = b;
        }
        fclose(f);
    }
    if (d)
        closedir(d);
}

/* Changes a few places of b: flips, new bytes, pieces taken out, doubled, or from another file. */
static size_t driver_mutate(uint8_t *b, size_t n)
{
    for (uint32_t k = 1 + driver_random(8); k > 0; k--) {
        size_t at = n ? driver_random((uint32_t)n) : 0, len = 1 + driver_random(16);
        switch (driver_random(6)) {
        case 0:
            if (n)
                b[at] ^= (uint8_t)(1u << driver_random(8));
            break;
        case 1:
            if (n)
                b[at] = (uint8_t)driver_random(256);
            break;
        case 2:
            len = len < n - at ? len : n - at;
            memmove(b + at, b + at + len, n - at - len);
            n -= len;
            break;
        case 3:
            if (n + len > DRIVER_MAX || at + len > n)
                break;
            memmove(b + at + len, b + at, n - at);
            n += len;
            break;
        case 4: {
            size_t f = driver_files ? driver_random((uint32_t)driver_files) : 0;
            if (!driver_files || driver_file[f].n <= len || at + len > n)
                break;
            memcpy(b + at, driver_file[f].bytes + driver_random((uint32_t)(driver_file[f].n - len)),
                   len);
            break;
        }
        default:
            for (size_t i = 0; i < len && n < DRIVER_MAX; i++)
                b[n++] = (uint8_t)driver_random(256);
        }
    }
    return n;
}

/* Input number i: a file, or a mutation that depends on i alone. An exact allocation each time, so
 * that reading past the end is seen. */
static void driver_run(long i)
{
    static uint8_t b[DRIVER_MAX];
    size_t n = 0;

    driver_now = i;
    driver_state = 0x9e3779b97f4a7c15u * (uint64_t)(i + 1);
    if (driver_files) {
        size_t f = i < (long)driver_files ? (size_t)i : driver_random((uint32_t)driver_files);
        n = driver_file[f].n;
        memcpy(b, driver_file[f].bytes, n);
    }
    if (i >= (long)driver_files)
        n = driver_mutate(b, n);
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    memcpy(exact, b, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    const char *tries = getenv("FUZZ_TRIES"), *only = getenv("FUZZ_ONLY");
    long most = tries ? atol(tries) : DRIVER_TRIES;
    char dir[256];

    (void)argc;
    name += strncmp(name, "fuzz_", 5) == 0 ? 5 : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(driver_died);
    } else {
        signal(SIGSEGV, driver_on_signal);
        signal(SIGABRT, driver_on_signal);
    }
    snprintf(dir, sizeof dir, "tests/fuzz/corpus/%s", name);
    driver_load(dir);
    if (only) {
        driver_run(atol(only));
    } else {
        printf("1..2\n");
        for (size_t i = 0; i < driver_files; i++)
            driver_run((long)i);
        printf("%s 1 - fuzz %s: %zu files\n", driver_files ? "ok" : "not ok", name, driver_files);
        for (long i = 0; i < most; i++)
            driver_run((long)driver_files + i);
        printf("ok 2 - fuzz %s: %ld mutations\n", name, most);
    }
    bool bad = !only && driver_files == 0;
    while (driver_files > 0)
        free(driver_file[--driver_files].bytes);
    return bad;
}
#endif
