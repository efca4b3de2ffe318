/*
 * The order of the list: sort keys, an adaptive sort, and the filter pass. Owned by the list's
 * thread. Allocates only when there are more rows than ever before.
 */
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "widgets/list_priv.h"
#include "widgets/xmem.h"

const void *list_entry_row(const struct list *t, const struct list_entry *e)
{
    return t->src.row(t->src.ctx, e->at);
}

enum { RANK_ROWS = 512 }; /* fewer are sorted by comparing alone */

/* A number as bits that sort like it; what is no number sorts first. */
static uint64_t key_of_number(double v)
{
    uint64_t bits;

    if (isnan(v))
        return 0;
    memcpy(&bits, &v, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

/* The capitals among eight bytes made small. */
static uint64_t fold(uint64_t v)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low = v & 0x7f * ones;
    uint64_t from_a = low + (0x80 - 'A') * ones, above_z = low + (0x7f - 'Z') * ones;

    return v | ((from_a ^ above_z) & ~v & 0x80 * ones) >> 2;
}

/* Eight bytes of a text, small letters, that sort like it; moves *s on, to its end at most. */
static uint64_t key_of_text(const char **s)
{
    uint64_t key = 0;
    size_t n = strnlen(*s, sizeof key);

    memcpy(&key, *s, n);
    *s += n;
    return fold(be64toh(key));
}

/* The text of a cell, borrowed from the row or formatted into *cell. */
static const char *text_of(const struct list *t, int column, const void *row,
                           struct list_cell *cell)
{
    const struct list_column *c = &t->columns[column];

    if (c->text) {
        const char *s = c->text(t->src.ctx, row);
        return s ? s : "";
    }
    cell->text[0] = '\0';
    cell->role = ROLE_BASE;
    c->format(t->src.ctx, row, cell);
    return cell->text;
}

void list_order_set_keys(const struct list *t, struct list_entry *e)
{
    const struct list_column *c = &t->columns[t->sort], *first = &t->columns[0];
    const void *row = list_entry_row(t, e);
    struct list_cell cell;

    e->key = e->tie[0] = e->tie[1] = 0;
    if (row && c->keys) {
        uint64_t word[3];
        c->keys(t->src.ctx, row, word);
        e->key = word[0];
        e->tie[0] = word[1];
        e->tie[1] = word[2];
    }
    if (!row || c->compare)
        return;
    const char *s = c->number ? NULL : text_of(t, t->sort, row, &cell);
    e->key = c->number ? key_of_number(c->number(t->src.ctx, row)) : key_of_text(&s);
    if (t->sort != 0 && first->compare) {
        uint64_t word[3] = {0};
        if (first->keys)
            first->keys(t->src.ctx, row, word);
        memcpy(e->tie, word, sizeof e->tie);
        return;
    }
    if (t->sort != 0 && first->number) {
        e->tie[0] = key_of_number(first->number(t->src.ctx, row));
        return;
    }
    if (t->sort != 0)
        s = text_of(t, 0, row, &cell);
    if (s) {
        e->tie[0] = key_of_text(&s);
        e->tie[1] = key_of_text(&s);
    }
}

static int compare_text(const struct list *t, int column, const struct list_entry *a,
                        const struct list_entry *b)
{
    const void *ra = list_entry_row(t, a), *rb = list_entry_row(t, b);
    struct list_cell ca, cb;

    if (!ra || !rb)
        return 0;
    if (t->columns[column].compare)
        return t->columns[column].compare(t->src.ctx, ra, rb);
    return strcasecmp(text_of(t, column, ra, &ca), text_of(t, column, rb, &cb));
}

static int compare_ties(const struct list_entry *a, const struct list_entry *b)
{
    if (a->tie[0] != b->tie[0])
        return a->tie[0] > b->tie[0] ? 1 : -1;
    return a->tie[1] > b->tie[1] ? 1 : a->tie[1] < b->tie[1] ? -1 : 0;
}

static bool is_after(const struct list *t, const struct list_entry *a, const struct list_entry *b)
{
    const struct list_column *c = &t->columns[t->sort];
    int sign = 0;

    if (a->key != b->key)
        return (a->key > b->key) != t->descending;
    if (c->compare) {
        sign = compare_ties(a, b);
        if (sign == 0)
            sign = compare_text(t, t->sort, a, b);
    } else if (!c->number) {
        /* a last byte that is no NUL: there may be more of the text than the key holds */
        if (t->sort == 0)
            sign = compare_ties(a, b);
        uint64_t last = t->sort == 0 ? a->tie[1] : a->key;
        if (sign == 0 && (last & 0xff))
            sign = compare_text(t, t->sort, a, b);
    }
    if (sign)
        return (sign > 0) != t->descending;
    if (t->sort != 0) {
        sign = compare_ties(a, b);
        if (sign == 0 && (c->compare || t->columns[0].compare || (a->tie[1] & 0xff)))
            sign = compare_text(t, 0, a, b);
    }
    return sign ? sign > 0 : a->id > b->id;
}

/* Merges sorted [0, m) and [m, n) of e through scratch. */
static void merge(struct list *t, struct list_entry *e, size_t m, size_t n)
{
    struct list_entry *left = t->scratch;
    size_t i = 0, j = m, k = 0;

    if (m == 0 || m == n || !is_after(t, &e[m - 1], &e[m]))
        return;
    memcpy(left, e, m * sizeof *e);
    while (i < m && j < n)
        e[k++] = is_after(t, &left[i], &e[j]) ? e[j++] : left[i++];
    memcpy(&e[k], &left[i], (m - i) * sizeof *e);
}

static void merge_sort(struct list *t, struct list_entry *e, size_t n)
{
    enum { RUN = 8 };

    for (size_t at = 0; at < n; at += RUN) {
        size_t end = at + RUN < n ? at + RUN : n;
        for (size_t i = at + 1; i < end; i++) {
            struct list_entry x = e[i];
            size_t j = i;
            for (; j > at && is_after(t, &e[j - 1], &x); j--)
                e[j] = e[j - 1];
            e[j] = x;
        }
    }
    for (size_t width = RUN; width < n; width *= 2)
        for (size_t at = 0; at + width < n; at += 2 * width)
            merge(t, e + at, width, at + 2 * width < n ? 2 * width : n - at);
}

static void sort_by_keys(struct list *t, struct list_entry *e, size_t n)
{
    bool flip_ties = t->descending && (t->sort == 0 || t->columns[t->sort].compare);

    if (n >= RANK_ROWS)
        list_rank_sort(t, e, n, t->descending, flip_ties);
    else
        for (size_t i = 0; i < n; i++)
            list_order_set_keys(t, &e[i]);
}

/*
 * Keys bring nearly all into order; what they do not decide is then found row by row: those that
 * are in order stay, the few that are not are sorted and merged.
 */
void list_order_sort(struct list *t, struct list_entry *e, size_t n)
{
    size_t kept = 0, out = 0;

    t->scratch = xmem_grow(t->scratch, &t->scratch_cap, n ? n : 1, sizeof *t->scratch);
    sort_by_keys(t, e, n);
    for (size_t i = 0; i < n; i++) {
        struct list_entry x = e[i];
        if (kept > 0 && is_after(t, &e[kept - 1], &x)) {
            t->scratch[out++] = e[--kept]; /* either may be the one that moved: both leave */
            t->scratch[out++] = x;
        } else {
            e[kept++] = x;
        }
    }
    memcpy(&e[kept], t->scratch, out * sizeof *e);
    merge_sort(t, e + kept, out);
    merge(t, e, kept, n);
}

void list_order_merge(struct list *t, size_t n, size_t m)
{
    list_order_sort(t, t->order + n, m);
    t->scratch = xmem_grow(t->scratch, &t->scratch_cap, n ? n : 1, sizeof *t->scratch);
    merge(t, t->order, n, n + m);
}

/* Columns of numbers are asked for by "cpu>50", not by words, unless they have a text as well. */
static bool is_searched(const struct list_column *c)
{
    return c->text || !c->number;
}

/* What a word found in a text, by the text's address: states, nodes and networks repeat. Only for
 * one pass, while the rows stand still. */
enum { MEMO = 64 };
struct memo {
    bool never[FILTER_TERMS][LIST_COLUMNS_MAX]; /* the column cannot hold the word */
    const char *text[FILTER_TERMS][LIST_COLUMNS_MAX][MEMO];
    bool found[FILTER_TERMS][LIST_COLUMNS_MAX][MEMO];
};

static bool cell_matches(const struct list *t, size_t term, int column, const void *row,
                         struct memo *memo)
{
    const char *word = t->filter.term[term].word;
    struct list_cell cell;

    const char *s = text_of(t, column, row, &cell);
    if (s == cell.text)
        return cells_contains(s, word);
    size_t slot = ((uintptr_t)s >> 3 ^ (uintptr_t)s >> 11) % MEMO;
    if (memo->text[term][column][slot] != s) {
        memo->text[term][column][slot] = s;
        memo->found[term][column][slot] = cells_contains(s, word);
    }
    return memo->found[term][column][slot];
}

static bool word_matches(const struct list *t, size_t term, const void *row, struct memo *memo)
{
    int column = t->filter.term[term].column;

    if (column >= 0)
        return cell_matches(t, term, column, row, memo);
    for (size_t c = 0; c < t->n_columns; c++)
        if (!memo->never[term][c] && cell_matches(t, term, (int)c, row, memo))
            return true;
    return false;
}

static struct memo *memo_new(const struct list *t)
{
    struct memo *m = xmem_new(1, sizeof *m);

    for (size_t i = 0; i < t->filter.n; i++) {
        for (size_t k = 0; k < t->n_columns; k++) {
            const struct list_column *c = &t->columns[k];
            const char *word = t->filter.term[i].word;
            m->never[i][k] = !is_searched(c) || (c->letters && word[strspn(word, c->letters)]);
        }
    }
    return m;
}

static bool row_matches(const struct list *t, const void *row, struct memo *memo)
{
    for (size_t i = 0; i < t->filter.n; i++) {
        const struct filter_term *f = &t->filter.term[i];
        bool yes;
        if (f->kind == FILTER_WORD) {
            yes = word_matches(t, i, row, memo);
        } else {
            const struct list_column *c = &t->columns[f->column];
            yes = c->number && filter_number_matches(f, c->number(t->src.ctx, row));
        }
        if (yes == f->not )
            return false;
    }
    return true;
}

/* Finds an id among the shown rows. */
static bool find_shown(const struct list *t, uint64_t id, size_t *ret)
{
    /* Most often it is where it was. */
    if (t->cursor_at < t->n_shown && t->order[t->shown[t->cursor_at]].id == id) {
        *ret = t->cursor_at;
        return true;
    }
    for (size_t i = 0; i < t->n_shown; i++) {
        if (t->order[t->shown[i]].id == id) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* The cursor stays on its row, and its row on its line; a row that is gone gives its place on. */
static void place_cursor(struct list *t)
{
    size_t line = t->cursor_at - (t->top < t->cursor_at ? t->top : t->cursor_at), at = 0;

    if (t->n_shown == 0) {
        t->cursor_at = t->top = 0;
        return;
    }
    if (!t->has_cursor) {
        at = 0;
    } else if (!find_shown(t, t->home, &at) && !find_shown(t, t->cursor, &at)) {
        at = t->cursor_at < t->n_shown ? t->cursor_at : t->n_shown - 1;
    }
    if (!t->has_cursor)
        t->home = t->order[t->shown[at]].id;
    t->has_cursor = true;
    t->cursor_at = at;
    t->cursor = t->order[t->shown[at]].id;
    if (t->filter.n == 0)
        t->home = t->cursor;
    t->top = at >= line ? at - line : 0;
}

/*
 * Looks at the rows in the source's order, which is that of memory, not in the list's: over many
 * rows this is several times faster. taken[] says before which rows to look at, then which match.
 */
static void match_rows(struct list *t, bool narrow)
{
    struct memo *memo = memo_new(t);
    size_t last = 0, n = narrow ? t->n_shown : t->n;

    memset(t->taken, 0, t->taken_cap * sizeof *t->taken);
    for (size_t i = 0; i < n; i++) {
        uint32_t at = t->order[narrow ? t->shown[i] : i].at;
        t->taken[at] = true;
        last = at >= last ? at + (size_t)1 : last;
    }
    for (size_t i = 0; i < last; i++) {
        const void *row = t->taken[i] ? t->src.row(t->src.ctx, i) : NULL;
        t->taken[i] = row && row_matches(t, row, memo);
    }
    free(memo);
}

void list_refilter(struct list *t, bool narrow)
{
    size_t kept = 0, n = narrow ? t->n_shown : t->n;

    t->shown = xmem_grow(t->shown, &t->shown_cap, t->n ? t->n : 1, sizeof *t->shown);
    if (t->filter.n > 0 && n > 0)
        match_rows(t, narrow);
    for (size_t i = 0; i < n; i++) {
        uint32_t at = narrow ? t->shown[i] : (uint32_t)i;
        if (t->filter.n == 0 || t->taken[t->order[at].at])
            t->shown[kept++] = at;
    }
    t->n_shown = kept;
    place_cursor(t);
}
