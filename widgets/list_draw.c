/*
 * Draws the list: which columns fit, their heads, and the rows on the screen; nothing here depends
 * on how many rows there are. Owned by the list's thread.
 */
#include <stdio.h>
#include <string.h>

#include "widgets/list_priv.h"

enum { TEXT_MAX = LIST_CELL_MAX * 4 };

/* The blank columns before column b: two where a right edge meets a left one. */
static int gap(const struct list_column *a, const struct list_column *b)
{
    return a->align == CELLS_RIGHT && b->align == CELLS_LEFT ? 2 : 1;
}

static int width_of(const struct list *t, const bool *in)
{
    const struct list_column *last = NULL;
    int cols = LIST_GUTTER;

    for (size_t i = 0; i < t->n_columns; i++) {
        if (!in[i])
            continue;
        cols += t->columns[i].width + (last ? gap(last, &t->columns[i]) : 0);
        last = &t->columns[i];
    }
    return cols;
}

/* Leaves out columns, least important first, until the rest fits. */
static void layout(struct list *t, int cols)
{
    bool in[LIST_COLUMNS_MAX] = {false};
    const struct list_column *last = NULL;
    int col = LIST_GUTTER;

    for (size_t i = 0; i < t->n_columns; i++)
        in[i] = i == 0 || i > t->skip;
    while (width_of(t, in) > cols) {
        int worst = -1;
        for (size_t i = 1; i < t->n_columns; i++)
            if (in[i] && (worst < 0 || t->columns[i].priority >= t->columns[worst].priority))
                worst = (int)i;
        if (worst < 0 || (t->columns[worst].priority <= 1 && t->skip == 0))
            break;
        in[worst] = false;
    }
    int spare = cols - 1 - width_of(t, in);
    t->n_slots = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct list_column *c = &t->columns[i];
        if (!in[i])
            continue;
        col += last ? gap(last, c) : 0;
        int width = c->width;
        if (c->grow && spare > 0) {
            width += spare;
            spare = 0;
        }
        t->slot[t->n_slots++] = (struct list_slot){(int)i, col, width};
        col += width;
        last = c;
    }
}

static void draw_heads(const struct list *t, struct canvas c)
{
    canvas_fill(c, 0, 0, c.cols, ROLE_COLHEAD);
    for (size_t i = 0; i < t->n_slots; i++) {
        const struct list_slot *s = &t->slot[i];
        const struct list_column *k = &t->columns[s->column];
        bool sorted = s->column == t->sort;
        enum role role = sorted ? ROLE_COLHEAD_SORT : ROLE_COLHEAD;
        int width = cells_width(k->title);
        int col = k->align == CELLS_RIGHT ? s->col + s->width - width : s->col;
        canvas_put(c, 0, col, role, k->title);
        if (!sorted)
            continue;
        int arrow = k->align == CELLS_RIGHT
                        ? (col - 2 >= s->col ? col - 2 : col - 1)
                        : (width + 2 <= s->width ? col + width + 1 : col + width);
        canvas_glyph(c, 0, arrow, role, t->descending ? 0x25bc : 0x25b2, t->descending ? 'v' : '^');
    }
}

static uint32_t hash_text(const char *s)
{
    uint32_t h = 2166136261u;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

static const struct list_seen *seen_before(const struct list *t, uint64_t id, size_t guess)
{
    const struct list_seen *s = t->seen[!t->seen_now];
    size_t n = t->n_seen[!t->seen_now];

    if (guess < n && s[guess].id == id)
        return &s[guess];
    for (size_t i = 0; i < n; i++)
        if (s[i].id == id)
            return &s[i];
    return NULL;
}

/* True while the cell is to be shown as changed. */
static bool note_change(struct list *t, struct list_seen *now, const struct list_seen *before,
                        int column, const char *text, int64_t now_ms)
{
    uint32_t h = hash_text(text);

    now->hash[column] = h;
    now->changed_ms[column] = before ? before->changed_ms[column] : 0;
    if (before && before->hash[column] != 0 && before->hash[column] != h && t->highlights)
        now->changed_ms[column] = now_ms > 0 ? now_ms : 1;
    if (!t->highlights || now->changed_ms[column] == 0)
        return false;
    int64_t end = now->changed_ms[column] + LIST_CHANGED_MS;
    if (now_ms >= end) {
        now->changed_ms[column] = 0;
        return false;
    }
    if (t->next_ms == 0 || end < t->next_ms)
        t->next_ms = end;
    return true;
}

static void draw_gutter(const struct list *t, struct canvas c, int line, const void *row,
                        uint64_t id, bool cursor, enum role over)
{
    bool marked = idmap_has(&t->marks, id);
    enum role role = ROLE_BASE;
    uint32_t glyph = ' ';
    char bytes[5] = "";

    if (cursor)
        canvas_put(c, line, 0, over, ">");
    if (marked)
        canvas_put(c, line, 1, cursor ? over : ROLE_MARKED, "*");
    if (idmap_has(&t->pending, id)) {
        glyph = '~';
        role = ROLE_BUSY;
    } else if (t->src.glyph) {
        glyph = t->src.glyph(t->src.ctx, row, canvas_is_utf8(c), &role);
    }
    bytes[cells_encode(bytes, glyph)] = '\0';
    if (cursor || t->wash != ROLE_BASE)
        role = cursor ? over : t->wash;
    canvas_put(c, line, 2, role, bytes);
}

static void draw_row(struct list *t, struct canvas c, int line, size_t at, int64_t now_ms)
{
    const struct list_entry *e = &t->order[t->shown[at]];
    const void *row = list_entry_row(t, e);
    bool cursor = at == t->cursor_at;
    struct list_seen scrap, *now = &scrap;

    if (!row)
        return;
    size_t guess = t->n_seen[t->seen_now];
    const struct list_seen *before = seen_before(t, e->id, guess);
    if (guess < LIST_SEEN_ROWS)
        now = &t->seen[t->seen_now][t->n_seen[t->seen_now]++];
    memset(now, 0, sizeof *now);
    now->id = e->id;
    canvas_fill(c, line, 0, c.cols, cursor ? ROLE_CURSOR : ROLE_BASE);
    draw_gutter(t, c, line, row, e->id, cursor, ROLE_CURSOR);
    for (size_t i = 0; i < t->n_slots; i++) {
        const struct list_slot *s = &t->slot[i];
        const struct list_column *k = &t->columns[s->column];
        struct list_cell cell = {.role = ROLE_BASE};
        char text[TEXT_MAX];
        k->format(t->src.ctx, row, &cell);
        if (cell.role == ROLE_BASE && idmap_has(&t->marks, e->id))
            cell.role = ROLE_MARKED;
        if (k->meaning && note_change(t, now, before, s->column, cell.text, now_ms))
            cell.role = ROLE_CHANGED;
        if (t->wash != ROLE_BASE)
            cell.role = t->wash;
        if (cursor)
            cell.role = ROLE_CURSOR;
        int used = cells_cut_middle(text, sizeof text, cell.text, s->width);
        int col = k->align == CELLS_RIGHT ? s->col + s->width - used : s->col;
        canvas_put(c, line, col, cell.role, text);
    }
}

void list_draw(struct list *t, struct canvas c, int64_t now_ms)
{
    if (c.rows < 1 || c.cols < 1)
        return;
    t->page = c.rows > 1 ? (size_t)(c.rows - 1) : 1;
    layout(t, c.cols);
    draw_heads(t, c);
    size_t most = t->n_shown > t->page ? t->n_shown - t->page : 0;
    if (t->top > most)
        t->top = most;
    if (t->cursor_at < t->top)
        t->top = t->cursor_at;
    if (t->n_shown > 0 && t->cursor_at >= t->top + t->page)
        t->top = t->cursor_at - t->page + 1;
    t->seen_now = !t->seen_now;
    t->n_seen[t->seen_now] = 0;
    t->next_ms = 0;
    for (size_t i = 0; i < t->page && t->top + i < t->n_shown; i++)
        draw_row(t, c, (int)i + 1, t->top + i, now_ms);
}

int list_wait_ms(const struct list *t, int64_t now_ms)
{
    if (t->next_ms == 0)
        return -1;
    return t->next_ms > now_ms ? (int)(t->next_ms - now_ms) : 0;
}

void list_set_highlights(struct list *t, bool on)
{
    t->highlights = on;
}

void list_set_wash(struct list *t, enum role role)
{
    t->wash = role;
}

void list_scroll_columns(struct list *t, int by)
{
    int skip = (int)t->skip + by, most = t->n_columns > 2 ? (int)t->n_columns - 2 : 0;

    t->skip = (size_t)(skip < 0 ? 0 : skip > most ? most : skip);
}

int list_column_at(const struct list *t, int col)
{
    for (size_t i = 0; i < t->n_slots; i++)
        if (col >= t->slot[i].col && col < t->slot[i].col + t->slot[i].width)
            return t->slot[i].column;
    return -1;
}

void list_format_rest(const struct list *t, const void *row, char *buf, size_t cap)
{
    size_t at = 0;

    if (cap == 0)
        return;
    buf[0] = '\0';
    for (size_t i = 0; i < t->n_columns && row; i++) {
        struct list_cell cell = {.role = ROLE_BASE};
        bool drawn = false;
        for (size_t s = 0; s < t->n_slots; s++)
            drawn = drawn || t->slot[s].column == (int)i;
        if (drawn)
            continue;
        t->columns[i].format(t->src.ctx, row, &cell);
        if (!cell.text[0])
            continue;
        int n =
            snprintf(buf + at, cap - at, "%s%s %s", at ? "  " : "", t->columns[i].title, cell.text);
        if (n < 0 || (size_t)n >= cap - at)
            break;
        at += (size_t)n;
    }
    buf[at] = '\0';
}
