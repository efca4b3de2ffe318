/*
 * A guest's bytes into the terminal pane, with resizing, keys, scrolling back and drawing between.
 * The first byte of each piece says what comes: see piece(). Nothing unsafe may stand in a cell.
 */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "widgets/pane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ignore(void *ctx, const char *bytes, size_t len)
{
    (void)ctx, (void)bytes;
    if (len > 4096)
        abort();
}

static void check(struct pane *p, struct canvas_grid *g)
{
    pane_draw(p, canvas_of(g), true);
    for (int r = 0; r < 30; r++) {
        for (int c = 0; c < 100; c++) {
            const struct canvas_cell *x = canvas_grid_cell(g, r, c);
            if (x->cols > 0 && !cells_is_safe(x->cp))
                abort();
            if (x->cols == 0 && (c == 0 || canvas_grid_cell(g, r, c - 1)->cols != 2))
                abort();
            for (int m = 0; m < 2; m++)
                if (x->mark[m] && !cells_is_safe(x->mark[m]))
                    abort();
        }
    }
}

static void press(struct pane *p, uint8_t b)
{
    struct key k = {.code = b & 0x40 ? KEYSYM_ENTER + (b & 0x1f) : b,
                    .mods = (uint8_t)(b >> 5 & 0xf)};

    pane_key(p, &k);
}

/* One piece of input; returns how many bytes it took. */
static size_t piece(struct pane *p, struct canvas_grid *g, const uint8_t *d, size_t n)
{
    size_t len = d[0] & 0x1f;

    switch (d[0] >> 5) {
    case 0:
        if (n < 3)
            return n;
        pane_resize(p, d[1] % 60, d[2]);
        return 3;
    case 1:
        press(p, d[0]);
        return 1;
    case 2:
        pane_back_enter(p);
        pane_back_move(p, (enum pane_move)(d[0] % (PANE_LINE_END + 1)));
        if (d[0] & 0x10)
            pane_back_select(p);
        check(p, g);
        pane_back_search(p, d[0] & 1 ? "a" : "needle");
        free(pane_copy_text(p, &len));
        if (d[0] & 0x08)
            pane_back_leave(p);
        return 1;
    case 3:
        check(p, g);
        return 1;
    default:
        len = (size_t)(d[0] & 0x7f) < n - 1 ? (size_t)(d[0] & 0x7f) : n - 1;
        pane_feed(p, (const char *)d + 1, len);
        return 1 + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct pane *p = pane_new(24, 80, ignore, NULL);
    struct canvas_grid *g = canvas_grid_new(30, 100);
    size_t pieces = 0, len;

    setlocale(LC_CTYPE, "C.UTF-8");
    while (n > 0 && pieces++ < 60) {
        size_t took = piece(p, g, data, n);
        data += took;
        n -= took;
    }
    pane_back_leave(p);
    canvas_erase(canvas_of(g));
    check(p, g);
    free(pane_copy_text(p, &len));
    canvas_grid_free(g);
    pane_free(p);
    return 0;
}

#include "tests/fuzz/driver.h"
