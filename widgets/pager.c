/*
 * Scrolling text: a ring of cleaned lines, the place in it, search. Owned by the thread that draws.
 * Memory is bounded by the number of lines and the length of one. pager_draw.c draws.
 */
#include "widgets/pager.h"

#include <stdlib.h>
#include <string.h>

#include "widgets/pager_priv.h"
#include "widgets/xmem.h"

struct pager *pager_new(size_t max_lines)
{
    struct pager *p = xmem_new(1, sizeof *p);

    p->max = max_lines ? max_lines : 1;
    p->rows = 20;
    p->cols = 80;
    return p;
}

static void free_lines(struct pager *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(pager_at(p, i)->text);
    p->n = p->first = 0;
}

void pager_free(struct pager *p)
{
    if (!p)
        return;
    free_lines(p);
    free(p->ring);
    free(p);
}

void pager_clear(struct pager *p)
{
    free_lines(p);
    p->top = 0;
    p->top_row = p->left = 0;
    p->dropped = 0;
    p->open = false;
    p->has_hit = false;
}

struct pager_text *pager_at(const struct pager *p, size_t i)
{
    return &p->ring[(p->first + i) % p->cap];
}

static void make_room(struct pager *p)
{
    if (p->n == p->max) {
        free(pager_at(p, 0)->text);
        p->first = (p->first + 1) % p->cap;
        p->n--;
        p->dropped++;
        if (p->top > 0)
            p->top--;
        else
            p->top_row = 0;
        if (p->has_hit && p->hit == 0)
            p->has_hit = false;
        else if (p->has_hit)
            p->hit--;
        return;
    }
    if (p->n < p->cap)
        return;
    /* While it grows nothing was dropped yet, so the ring begins at 0. */
    size_t cap = p->cap ? p->cap * 2 : 64;
    p->cap = cap < p->max ? cap : p->max;
    p->ring = xmem_resize(p->ring, p->cap, sizeof *p->ring);
}

static void set_text(struct pager_text *t, const char *bytes, size_t len)
{
    char clean[PAGER_LINE_MAX];
    size_t out = 0;

    /* Tabs become blanks to the next eighth column, before cleaning could make them '?'. */
    for (size_t i = 0, col = 0; i < len && out + 4 < sizeof clean;) {
        if (bytes[i] == '\t') {
            do {
                clean[out++] = ' ';
                col++;
            } while (col % 8 && out + 4 < sizeof clean);
            i++;
            continue;
        }
        size_t n = 0;
        while (i + n < len && bytes[i + n] != '\t' && n < sizeof clean - out - 4)
            n++;
        size_t put = cells_clean(clean + out, sizeof clean - out, bytes + i, n);
        col += (size_t)cells_width_n(clean + out, put);
        out += put;
        i += n;
    }
    t->text = xmem_resize(t->text, out + 1, 1);
    memcpy(t->text, clean, out);
    t->text[out] = '\0';
    t->cols = cells_width_n(t->text, out);
}

void pager_add(struct pager *p, enum role role, const char *text, size_t len)
{
    make_room(p);
    struct pager_text *t = pager_at(p, p->n);
    *t = (struct pager_text){.role = role};
    p->n++;
    set_text(t, text, len);
    p->open = false;
}

/* Adds to the unfinished last line. */
static void extend(struct pager *p, const char *bytes, size_t len)
{
    char whole[PAGER_LINE_MAX];

    if (!p->open) {
        pager_add(p, ROLE_BASE, "", 0);
        p->open = true;
    }
    struct pager_text *t = pager_at(p, p->n - 1);
    size_t had = strlen(t->text);
    if (had >= sizeof whole - 1)
        return;
    memcpy(whole, t->text, had);
    if (len > sizeof whole - 1 - had)
        len = sizeof whole - 1 - had;
    memcpy(whole + had, bytes, len);
    set_text(t, whole, had + len);
}

void pager_feed(struct pager *p, const char *bytes, size_t len)
{
    while (len > 0) {
        const char *nl = memchr(bytes, '\n', len);
        size_t n = nl ? (size_t)(nl - bytes) : len;
        size_t shown = n > 0 && bytes[n - 1] == '\r' ? n - 1 : n;
        if (shown > 0 || (nl && !p->open))
            extend(p, bytes, shown);
        if (nl)
            p->open = false;
        bytes += n + (nl != NULL);
        len -= n + (nl != NULL);
    }
}

void pager_set_text(struct pager *p, const char *text, size_t len)
{
    size_t top = p->top, hit = p->hit;
    int top_row = p->top_row;
    bool has_hit = p->has_hit;

    free_lines(p);
    p->open = false;
    p->dropped = 0;
    p->has_hit = false;
    p->top = 0;
    pager_feed(p, text, len);
    p->open = false;
    p->top = top < p->n ? top : p->n ? p->n - 1 : 0;
    p->top_row = top < p->n ? top_row : 0;
    p->has_hit = has_hit && hit < p->n;
    p->hit = hit;
}

size_t pager_count(const struct pager *p)
{
    return p->n;
}

uint64_t pager_dropped(const struct pager *p)
{
    return p->dropped;
}

const char *pager_line(const struct pager *p, size_t i)
{
    return i < p->n ? pager_at(p, i)->text : NULL;
}

/* Rows that a line takes on the screen. */
int pager_rows_of(const struct pager *p, size_t i)
{
    int cols = pager_at(p, i)->cols, width = p->cols > 0 ? p->cols : 1;

    return p->wrap && cols > width ? (cols + width - 1) / width : 1;
}

static void step_down(struct pager *p)
{
    if (p->n == 0)
        return;
    if (p->top_row + 1 < pager_rows_of(p, p->top)) {
        p->top_row++;
    } else if (p->top + 1 < p->n) {
        p->top++;
        p->top_row = 0;
    }
}

static void step_up(struct pager *p)
{
    if (p->top_row > 0) {
        p->top_row--;
    } else if (p->top > 0) {
        p->top--;
        p->top_row = pager_rows_of(p, p->top) - 1;
    }
}

/* The last page: as far down as the top may go. */
static void last_place(const struct pager *p, size_t *top, int *top_row)
{
    int room = p->rows;
    size_t i = p->n;

    *top = 0;
    *top_row = 0;
    while (i > 0 && room > 0) {
        room -= pager_rows_of(p, --i);
        *top = i;
        *top_row = room < 0 ? -room : 0;
    }
}

void pager_keep_inside(struct pager *p)
{
    size_t top;
    int row;

    last_place(p, &top, &row);
    if (p->follow || p->top > top || (p->top == top && p->top_row > row)) {
        p->top = top;
        p->top_row = row;
    }
    if (p->n > 0 && p->top_row >= pager_rows_of(p, p->top))
        p->top_row = pager_rows_of(p, p->top) - 1;
}

void pager_move(struct pager *p, enum pager_move move)
{
    int page = p->rows > 1 ? p->rows - 1 : 1;

    switch (move) {
    case PAGER_UP:
        step_up(p);
        break;
    case PAGER_DOWN:
        step_down(p);
        break;
    case PAGER_PAGE_UP:
        for (int i = 0; i < page; i++)
            step_up(p);
        break;
    case PAGER_PAGE_DOWN:
        for (int i = 0; i < page; i++)
            step_down(p);
        break;
    case PAGER_FIRST:
        p->top = 0;
        p->top_row = 0;
        break;
    case PAGER_LAST:
        last_place(p, &p->top, &p->top_row);
        break;
    case PAGER_LEFT:
        p->left = p->left > 8 ? p->left - 8 : 0;
        break;
    case PAGER_RIGHT:
        p->left = p->left < PAGER_LINE_MAX ? p->left + 8 : p->left;
        break;
    }
    if (move == PAGER_UP || move == PAGER_PAGE_UP || move == PAGER_FIRST)
        p->follow = false;
    pager_keep_inside(p);
}

void pager_set_follow(struct pager *p, bool on)
{
    p->follow = on;
    pager_keep_inside(p);
}

void pager_set_wrap(struct pager *p, bool on)
{
    p->wrap = on;
    p->top_row = 0;
    p->left = 0;
}

bool pager_is_following(const struct pager *p)
{
    return p->follow;
}

bool pager_is_wrapping(const struct pager *p)
{
    return p->wrap;
}

/* Finds from line i on, in steps of by, around the ends; the line itself included. */
static bool find(struct pager *p, size_t i, int by)
{
    for (size_t k = 0; k < p->n; k++) {
        if (cells_contains(pager_at(p, i)->text, p->word)) {
            p->hit = p->top = i;
            p->top_row = 0;
            p->has_hit = true;
            p->follow = false;
            pager_keep_inside(p);
            return true;
        }
        i = by > 0 ? (i + 1) % p->n : (i + p->n - 1) % p->n;
    }
    return false;
}

bool pager_search(struct pager *p, const char *word)
{
    cells_clean(p->word, sizeof p->word, word, strlen(word));
    p->has_hit = false;
    return p->word[0] && p->n > 0 && find(p, p->top, 1);
}

bool pager_search_next(struct pager *p, int by)
{
    if (!p->word[0] || p->n == 0)
        return false;
    size_t from = p->has_hit ? p->hit : p->top;
    return find(p, by > 0 ? (from + 1) % p->n : (from + p->n - 1) % p->n, by);
}
