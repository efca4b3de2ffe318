/* Text from anywhere through cleaning, cutting and the canvas: widths agree, and nothing unsafe. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "widgets/canvas.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool yes)
{
    if (!yes)
        abort();
}

static void must_be_safe(const char *s)
{
    size_t left = strlen(s);

    while (left > 0) {
        uint32_t cp = 0;
        size_t n = cells_decode(s, left, &cp);
        must(n > 0 && cells_is_safe(cp));
        s += n;
        left -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char clean[70000], cut[70000];
    struct canvas_grid *g = canvas_grid_new(2, 40);

    setlocale(LC_CTYPE, "C.UTF-8");
    n = n < 16384 ? n : 16384;
    cells_clean(clean, sizeof clean, (const char *)data, n);
    must_be_safe(clean);
    must(cells_width(clean) == cells_width_n((const char *)data, n));
    for (int cols = 0; cols < 30; cols++) {
        int used = cells_cut(cut, sizeof cut, clean, cols);
        must(used <= cols && cells_width(cut) == used);
        used = cells_cut_middle(cut, sizeof cut, clean, cols);
        must(used <= cols && cells_width(cut) == used);
        must_be_safe(cut);
    }
    size_t at = strlen(clean), steps = 0;
    while (at > 0) {
        size_t step = cells_prev_len(clean, at);
        must(step > 0 && step <= at);
        at -= step;
        steps++;
    }
    for (size_t step; (step = cells_next_len(clean, at)) > 0; at += step)
        must(steps-- > 0);
    must(at == strlen(clean) && steps == 0);
    cells_clean_paste(clean, sizeof clean, (const char *)data, n, NULL);
    must_be_safe(clean);
    must(canvas_put_n(canvas_of(g), 0, 3, ROLE_BASE, (const char *)data, n) >= 0);
    canvas_grid_dump(g, cut, sizeof cut);
    for (char *s = cut; *s; s++)
        if (*s == '\n')
            *s = ' ';
    must_be_safe(cut);
    canvas_grid_free(g);
    return 0;
}

#include "tests/fuzz/driver.h"
