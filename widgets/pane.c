/*
 * The terminal pane: libtsm behind one header. Owned by the thread that draws. The guest's bytes
 * are hostile: fed in bounded pieces, answered in bounded amounts, and shown only as cleaned cells;
 * titles, clipboard, notifications and bells go nowhere.
 */
#include "widgets/pane.h"

#include <stdlib.h>
#include <string.h>

#include "widgets/pane_priv.h"
#include "widgets/theme.h"
#include "widgets/xmem.h"

enum { ANSWER_MAX = 4096 };

static int clamp(int n, int low, int high)
{
    return n < low ? low : n > high ? high : n;
}

static void write_guest(struct tsm_vte *vte, const char *bytes, size_t len, void *data)
{
    struct pane *p = data;

    (void)vte; /* there is one a pane */
    if (p->answered + len > ANSWER_MAX)
        return;
    p->answered += len;
    p->write(p->ctx, bytes, len);
}

struct pane *pane_new(int rows, int cols, pane_write_fn *write, void *ctx)
{
    struct pane *p = xmem_new(1, sizeof *p);

    p->write = write;
    p->ctx = ctx;
    if (tsm_screen_new(&p->screen, NULL, NULL) != 0 ||
        tsm_vte_new(&p->vte, p->screen, write_guest, p, NULL, NULL) != 0)
        abort(); /* only memory can be missing here */
    pane_resize(p, rows, cols);
    tsm_screen_clear_sb(p->screen);
    tsm_screen_set_max_sb(p->screen, PANE_SCROLLBACK);
    return p;
}

void pane_free(struct pane *p)
{
    if (!p)
        return;
    tsm_vte_unref(p->vte);
    tsm_screen_clear_sb(p->screen); /* the library does not free it with the screen */
    tsm_screen_unref(p->screen);
    free(p->back.cells);
    free(p);
}

void pane_resize(struct pane *p, int rows, int cols)
{
    rows = clamp(rows, 1, PANE_ROWS_MAX);
    cols = clamp(cols, 2, PANE_COLS_MAX);
    if (rows == p->rows && cols == p->cols)
        return;
    if (tsm_screen_resize(p->screen, (unsigned)cols, (unsigned)rows) != 0)
        return; /* no memory: it keeps its size */
    p->rows = rows;
    p->cols = cols;
    p->dirty = true;
}

void pane_reset(struct pane *p)
{
    pane_back_leave(p);
    tsm_vte_hard_reset(p->vte);
    tsm_screen_clear_sb(p->screen);
    p->scan = SCAN_GROUND;
    p->paste_marks = false;
    p->dirty = true;
}

static void end_csi(struct pane *p, char final)
{
    if (!p->private_mode || (final != 'h' && final != 'l'))
        return;
    for (unsigned i = 0; i <= p->n_args && i < PANE_ARGS; i++)
        if (p->arg[i] == 2004)
            p->paste_marks = final == 'h';
}

static void begin_csi(struct pane *p)
{
    p->scan = SCAN_CSI;
    p->n_args = 0;
    p->private_mode = false;
    memset(p->arg, 0, sizeof p->arg);
}

static void scan_csi(struct pane *p, char c)
{
    if (c >= '0' && c <= '9') {
        if (p->n_args < PANE_ARGS && p->arg[p->n_args] < 100000)
            p->arg[p->n_args] = p->arg[p->n_args] * 10 + (unsigned)(c - '0');
    } else if (c == ';') {
        p->n_args += p->n_args < PANE_ARGS;
    } else if (c == '?') {
        p->private_mode = true;
    } else if (c >= 0x40 && c <= 0x7e) {
        p->scan = SCAN_GROUND;
        end_csi(p, c);
    }
}

/* Bells, line feeds and the paste mode, which the emulator keeps to itself. */
static void scan_byte(struct pane *p, char c)
{
    if (c == 0x18 || c == 0x1a) {
        p->scan = SCAN_GROUND;
        return;
    }
    switch (p->scan) {
    case SCAN_GROUND:
        if (c == 0x1b)
            p->scan = SCAN_ESC;
        else if (c == '\a')
            p->bells++;
        else if (c == '\n')
            p->line_feeds++;
        break;
    case SCAN_ESC:
        if (c == '[')
            begin_csi(p);
        else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
            p->scan = SCAN_STRING;
        else if (c != 0x1b)
            p->scan = SCAN_GROUND;
        if (c == 'c')
            p->paste_marks = false;
        break;
    case SCAN_CSI:
        if (c == 0x1b)
            p->scan = SCAN_ESC;
        else
            scan_csi(p, c);
        break;
    case SCAN_STRING:
        if (c == '\a')
            p->scan = SCAN_GROUND;
        else if (c == 0x1b)
            p->scan = SCAN_STRING_ESC;
        break;
    case SCAN_STRING_ESC:
        p->scan = SCAN_GROUND;
        if (c == '[')
            begin_csi(p);
        break;
    }
}

size_t pane_feed(struct pane *p, const char *bytes, size_t len)
{
    if (len > PANE_FEED_MAX)
        len = PANE_FEED_MAX;
    for (size_t i = 0; i < len; i++)
        scan_byte(p, bytes[i]);
    p->answered = 0;
    tsm_vte_input(p->vte, bytes, len);
    p->dirty = p->dirty || len > 0;
    return len;
}

bool pane_is_dirty(const struct pane *p)
{
    return p->dirty;
}

unsigned pane_take_bells(struct pane *p)
{
    unsigned n = p->bells;

    p->bells = 0;
    return n;
}

uint64_t pane_take_lines(struct pane *p)
{
    uint64_t n = p->line_feeds;

    p->line_feeds = 0;
    return n;
}

bool pane_is_full_screen(const struct pane *p)
{
    return tsm_screen_get_flags(p->screen) & TSM_SCREEN_ALTERNATE;
}

bool pane_wants_paste_marks(const struct pane *p)
{
    return p->paste_marks;
}

void pane_get_size(const struct pane *p, int *ret_rows, int *ret_cols)
{
    *ret_rows = p->rows;
    *ret_cols = p->cols;
}

static int16_t index_of_rgb(struct pane *p, uint8_t r, uint8_t g, uint8_t b)
{
    uint32_t rgb = (uint32_t)r << 16 | (uint32_t)g << 8 | b;
    size_t i = (rgb * 2654435761u >> 16) % PANE_RGB_CACHE;

    if (!p->rgb_cache[i].used || p->rgb_cache[i].rgb != rgb) {
        p->rgb_cache[i].used = true;
        p->rgb_cache[i].rgb = rgb;
        p->rgb_cache[i].index = (int16_t)theme_nearest(rgb, 256);
    }
    return p->rgb_cache[i].index;
}

static int16_t colour_of(struct pane *p, int8_t code, uint8_t r, uint8_t g, uint8_t b)
{
    if (code < 0)
        return index_of_rgb(p, r, g, b);
    return code < TSM_COLOR_FOREGROUND ? code : -1;
}

struct picture {
    struct pane *p;
    struct canvas_cell *cells;
    int rows, cols;
};

static int draw_cell(struct tsm_screen *con, uint64_t id, const uint32_t *ch, size_t len,
                     unsigned int width, unsigned int x, unsigned int y,
                     const struct tsm_screen_attr *a, tsm_age_t age, void *data)
{
    struct picture *to = data;

    (void)con, (void)id, (void)age; /* the whole picture is taken each time */
    if (x >= (unsigned)to->cols || y >= (unsigned)to->rows)
        return 0;
    struct canvas_cell *cell = &to->cells[(size_t)y * (size_t)to->cols + x];
    *cell = (struct canvas_cell){
        .cp = len > 0      ? ch[0]
              : width == 0 ? 0
                           : ' ',
        .mark = {len > 1 ? ch[1] : 0, len > 2 ? ch[2] : 0},
        .fg = colour_of(to->p, a->fccode, a->fr, a->fg, a->fb),
        .bg = colour_of(to->p, a->bccode, a->br, a->bg, a->bb),
        .role = ROLE_RAW,
        .attr =
            (uint8_t)((a->bold ? CANVAS_BOLD : 0) | (a->italic ? CANVAS_ITALIC : 0) |
                      (a->underline ? CANVAS_UNDERLINE : 0) | (a->inverse ? CANVAS_REVERSE : 0)),
        .cols = (uint8_t)(width > 2 ? 1 : width),
    };
    return 0;
}

void pane_take_picture(struct pane *p, struct canvas_cell *cells, int rows, int cols)
{
    struct picture to = {p, cells, rows, cols};
    unsigned hidden = tsm_screen_get_flags(p->screen) & TSM_SCREEN_HIDE_CURSOR;

    for (size_t i = 0; i < (size_t)rows * (size_t)cols; i++)
        cells[i] = (struct canvas_cell){.cp = ' ', .cols = 1, .role = ROLE_RAW, .fg = -1, .bg = -1};
    /* The emulator paints its cursor as a reversed cell: ours is the terminal's own. */
    tsm_screen_set_flags(p->screen, TSM_SCREEN_HIDE_CURSOR);
    tsm_screen_draw(p->screen, draw_cell, &to);
    if (!hidden)
        tsm_screen_reset_flags(p->screen, TSM_SCREEN_HIDE_CURSOR);
}

void pane_draw(struct pane *p, struct canvas c, bool focus)
{
    p->dirty = false;
    if (p->back.on) {
        pane_back_draw(p, c, focus);
        return;
    }
    size_t need = (size_t)p->rows * (size_t)p->cols;
    p->back.cells = xmem_grow(p->back.cells, &p->back.cells_cap, need, sizeof *p->back.cells);
    pane_take_picture(p, p->back.cells, p->rows, p->cols);
    for (int r = 0; r < p->rows && r < c.rows; r++) {
        for (int k = 0; k < p->cols && k < c.cols; k++) {
            const struct canvas_cell *x = &p->back.cells[(size_t)r * (size_t)p->cols + (size_t)k];
            if (x->cols > 0)
                canvas_cell(c, r, k, x);
        }
    }
    if (!focus || (tsm_screen_get_flags(p->screen) & TSM_SCREEN_HIDE_CURSOR))
        return;
    int col = (int)tsm_screen_get_cursor_x(p->screen);
    canvas_cursor(c, (int)tsm_screen_get_cursor_y(p->screen), col < p->cols ? col : p->cols - 1);
}
