/*
 * From a grid of cells to the terminal: roles become attributes and colour pairs, rows that differ
 * from the last frame go to curses, and what curses makes of them goes out as one piece. Owned by
 * the terminal's thread. Never clears: curses finds the difference.
 */
#include <stdlib.h>
#include <string.h>

#include "widgets/term_priv.h"
#include "widgets/xmem.h"

enum { SLOW_MS = 30000, PAIRS_TOP = 65535 };

/* A colour of the 256 as this terminal numbers it. */
static int number_of(const struct term *t, int depth, int index)
{
    if (index < 0)
        return -1;
    if (depth < 256 && index >= depth) {
        index = index < 16 ? index : theme_nearest(theme_palette(index), 16);
        return depth <= 8 ? index & 7 : index;
    }
    if (t->direct && index > 7)
        return (int)theme_palette(index);
    return index;
}

static attr_t attr_of(unsigned bits)
{
    return (bits & CANVAS_BOLD ? A_BOLD : 0) | (bits & CANVAS_UNDERLINE ? A_UNDERLINE : 0) |
           (bits & CANVAS_REVERSE ? A_REVERSE : 0) | (bits & CANVAS_ITALIC ? A_ITALIC : 0);
}

static int depth_of(const struct term *t)
{
    return t->theme.colours < t->colours ? t->theme.colours : t->colours;
}

void term_draw_set_looks(struct term *t)
{
    int depth = depth_of(t);

    for (int i = 0; i < ROLE_COUNT; i++) {
        const struct theme_style *s = &t->theme.role[i];
        struct term_look *look = &t->look[i];
        if (depth == 0) {
            *look = (struct term_look){.attr = attr_of(s->mono)};
            continue;
        }
        int fg = depth >= 256 ? s->fg_256 : s->fg_16, bg = depth >= 256 ? s->bg_256 : s->bg_16;
        look->attr = attr_of(depth >= 256 ? s->attr : s->attr_16);
        if (depth == 8 && fg >= 8)
            look->attr |= A_BOLD;
        look->pair = i + 1;
        init_extended_pair(i + 1, number_of(t, depth, fg), number_of(t, depth, bg));
    }
    memset(t->raw_pair, 0, TERM_RAW_SIDE * TERM_RAW_SIDE * sizeof *t->raw_pair);
    t->next_pair = ROLE_COUNT + 1;
    t->repaint = true;
}

/* The pair of two colours of the pane; the base pair when the terminal has no more. */
static int raw_pair(struct term *t, int depth, int fg, int bg)
{
    uint16_t *p = &t->raw_pair[(fg + 1) * TERM_RAW_SIDE + bg + 1];
    const struct theme_style *base = &t->theme.role[ROLE_BASE];
    int top = COLOR_PAIRS - 1 < PAIRS_TOP ? COLOR_PAIRS - 1 : PAIRS_TOP;

    if (*p)
        return *p;
    if (t->next_pair > top)
        return t->look[ROLE_BASE].pair;
    if (fg < 0)
        fg = depth >= 256 ? base->fg_256 : base->fg_16;
    if (bg < 0)
        bg = depth >= 256 ? base->bg_256 : base->bg_16;
    if (init_extended_pair(t->next_pair, number_of(t, depth, fg), number_of(t, depth, bg)) != OK)
        return t->look[ROLE_BASE].pair;
    *p = (uint16_t)t->next_pair++;
    return *p;
}

static struct term_look look_of(struct term *t, const struct canvas_cell *x)
{
    int depth = depth_of(t);
    struct term_look look;

    if (x->role < ROLE_COUNT) {
        look = t->look[x->role];
        look.attr ^= attr_of(x->attr & CANVAS_REVERSE);
        look.attr |= attr_of(x->attr & (unsigned)~CANVAS_REVERSE);
        return look;
    }
    look.attr = attr_of(x->attr);
    look.pair = 0;
    if (depth > 0)
        look.pair =
            x->fg < 0 && x->bg < 0 ? t->look[ROLE_BASE].pair : raw_pair(t, depth, x->fg, x->bg);
    if (depth == 8 && x->fg >= 8 && x->fg < 16)
        look.attr |= A_BOLD;
    return look;
}

static void send_row(struct term *t, int row, const struct canvas_cell *cells, int cols)
{
    int n = 0;

    for (int c = 0; c < cols; c++) {
        const struct canvas_cell *x = &cells[c];
        if (x->cols == 0)
            continue;
        bool ascii = !t->utf8 && x->cp >= 0x80;
        wchar_t w[4] = {(wchar_t)(ascii ? '?' : x->cp)};
        if (t->utf8) {
            w[1] = (wchar_t)x->mark[0];
            w[2] = (wchar_t)x->mark[1];
        }
        struct term_look look = look_of(t, x);
        setcchar(&t->line[n++], w, look.attr, 0, &look.pair);
        if (ascii && x->cols == 2) {
            w[0] = ' ';
            setcchar(&t->line[n++], w, look.attr, 0, &look.pair);
        }
    }
    mvwadd_wchnstr(stdscr, row, 0, t->line, n);
}

void term_draw_resize(struct term *t)
{
    size_t n = (size_t)t->rows * (size_t)t->cols;

    t->shown = xmem_resize(t->shown, n, sizeof *t->shown);
    t->line = xmem_resize(t->line, (size_t)t->cols + 1, sizeof *t->line);
    t->repaint = true;
}

/* Gives curses every row that is not as it was. */
static bool send_rows(struct term *t, const struct canvas_grid *g)
{
    bool any = t->repaint;

    for (int r = 0; r < t->rows; r++) {
        const struct canvas_cell *row = canvas_grid_cell(g, r, 0);
        struct canvas_cell *was = t->shown + (size_t)r * (size_t)t->cols;
        int cols = t->cols;
        if (!row)
            break;
        while (cols > 0 && !canvas_grid_cell(g, r, cols - 1))
            cols--;
        size_t bytes = (size_t)cols * sizeof *was;
        if (!t->repaint && memcmp(was, row, bytes) == 0)
            continue;
        memcpy(was, row, bytes);
        send_row(t, r, row, cols);
        any = true;
    }
    return any;
}

static bool send_cursor(struct term *t, const struct canvas_grid *g)
{
    int row = 0, col = 0;
    bool on = canvas_grid_get_cursor(g, &row, &col) && row < t->rows && col < t->cols;

    if (!t->repaint && on == t->cursor_on &&
        (!on || (row == t->cursor_row && col == t->cursor_col)))
        return false;
    if (on != t->cursor_on || t->repaint)
        curs_set(on);
    t->cursor_on = on;
    t->cursor_row = row;
    t->cursor_col = col;
    return true;
}

static void count_wait(struct term *t, int64_t now_ms)
{
    if (!t->wait_counted)
        t->waits++;
    t->wait_counted = true;
    t->wait_ms = now_ms;
}

enum term_drawn term_draw(struct term *t, const struct canvas_grid *g, int64_t now_ms)
{
    if (t->gone || !t->entered)
        return TERM_SAME;
    term_flush(t);
    if (term_has_output(t)) {
        count_wait(t, now_ms);
        return TERM_WAITS;
    }
    bool rows = send_rows(t, g), cursor = send_cursor(t, g);
    if (!rows && !cursor)
        return TERM_SAME;
    if (t->repaint)
        clearok(curscr, TRUE);
    t->repaint = false;
    wmove(stdscr, t->cursor_on ? t->cursor_row : t->rows - 1,
          t->cursor_on ? t->cursor_col : t->cols - 1);
    wnoutrefresh(stdscr);
    doupdate();
    if (term_out_take_curses(t) == 0)
        return TERM_SAME;
    if (!t->wait_counted && now_ms - t->wait_ms >= SLOW_MS)
        t->waits = 0;
    else if (!t->wait_counted && t->waits < 2)
        t->waits = 0;
    t->wait_counted = false;
    term_flush(t);
    return TERM_DRAWN;
}

void term_repaint(struct term *t)
{
    t->repaint = true;
}

bool term_is_slow(const struct term *t, int64_t now_ms)
{
    if (t->link_slow >= 0)
        return t->link_slow;
    return t->waits >= 2 && now_ms - t->wait_ms < SLOW_MS;
}

void term_set_link_slow(struct term *t, int slow)
{
    t->link_slow = slow < 0 ? -1 : slow > 0;
}
