#ifndef MESHDECK_WIDGETS_PANE_PRIV_H
#define MESHDECK_WIDGETS_PANE_PRIV_H
/* What pane.c, pane_keys.c and pane_back.c share. */
#include <libtsm.h>

#include "widgets/pane.h"

enum pane_scan { SCAN_GROUND, SCAN_ESC, SCAN_CSI, SCAN_STRING, SCAN_STRING_ESC };

enum { PANE_RGB_CACHE = 64, PANE_ARGS = 8 };

/* A frozen picture of scroll-back and screen, and the place in it. */
struct pane_back {
    bool on;
    struct canvas_cell *cells; /* lines * cols */
    size_t lines, cells_cap;
    int cols;
    size_t top, line; /* of the window, of the cursor */
    int col;
    bool selecting;
    size_t from_line;
    int from_col;
    char word[128];
};

struct pane {
    struct tsm_screen *screen;
    struct tsm_vte *vte;
    pane_write_fn *write;
    void *ctx;
    int rows, cols;
    bool dirty;
    size_t answered; /* bytes of answers in this feed */

    /* What the emulator does not tell: a second, small look at the stream. */
    enum pane_scan scan;
    unsigned arg[PANE_ARGS], n_args;
    bool private_mode, paste_marks;
    unsigned bells;
    uint64_t line_feeds;

    struct {
        uint32_t rgb;
        int16_t index;
        bool used;
    } rgb_cache[PANE_RGB_CACHE];

    struct pane_back back;
};

/* Copies the screen as it stands now (scrolled or not) into rows * cols cells. */
void pane_take_picture(struct pane *p, struct canvas_cell *cells, int rows, int cols);
void pane_back_draw(struct pane *p, struct canvas c, bool focus);

#endif
