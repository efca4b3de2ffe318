/* A line being edited. Owned by the thread that draws. What is in it is clean at all times. */
#include "widgets/lineedit.h"

#include <stdlib.h>
#include <string.h>

#include "widgets/xmem.h"

struct lineedit {
    char text[LINEEDIT_MAX];
    size_t len, at, max;
    bool selected; /* all of it: the next character replaces */
    size_t dropped;

    char *history[LINEEDIT_HISTORY]; /* 0 newest */
    size_t n_history, back;          /* back: how far up; 0 is the line itself */
    char draft[LINEEDIT_MAX];

    lineedit_complete_fn *complete;
    void *ctx;
    size_t candidate; /* repeated Tab: the next one */
    char stem[LINEEDIT_MAX];
    bool completing;
};

struct lineedit *lineedit_new(size_t max_bytes)
{
    struct lineedit *l = xmem_new(1, sizeof *l);

    l->max = max_bytes < LINEEDIT_MAX - 1 ? max_bytes : LINEEDIT_MAX - 1;
    return l;
}

void lineedit_free(struct lineedit *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n_history; i++)
        free(l->history[i]);
    free(l);
}

void lineedit_set_completion(struct lineedit *l, lineedit_complete_fn *fn, void *ctx)
{
    l->complete = fn;
    l->ctx = ctx;
}

void lineedit_set(struct lineedit *l, const char *text)
{
    l->len = cells_clean_paste(l->text, l->max + 1, text, strlen(text), NULL);
    l->at = l->len;
    l->selected = l->completing = false;
    l->back = 0;
}

void lineedit_select_all(struct lineedit *l)
{
    l->selected = l->len > 0;
    l->at = l->len;
}

static void clear(struct lineedit *l)
{
    l->len = l->at = 0;
    l->text[0] = '\0';
    l->selected = false;
}

void lineedit_insert(struct lineedit *l, const char *text)
{
    char clean[LINEEDIT_MAX];
    size_t dropped = 0;

    if (l->selected)
        clear(l);
    size_t n = cells_clean_paste(clean, sizeof clean, text, strlen(text), &dropped);
    if (n > l->max - l->len) {
        size_t fits = l->max - l->len;
        while (fits > 0 && ((unsigned char)clean[fits] & 0xc0) == 0x80)
            fits--;
        dropped += n - fits;
        n = fits;
    }
    l->dropped += dropped;
    memmove(l->text + l->at + n, l->text + l->at, l->len - l->at + 1);
    memcpy(l->text + l->at, clean, n);
    l->len += n;
    l->at += n;
}

const char *lineedit_get(const struct lineedit *l)
{
    return l->text;
}

size_t lineedit_get_cursor(const struct lineedit *l)
{
    return l->at;
}

size_t lineedit_take_dropped(struct lineedit *l)
{
    size_t n = l->dropped;

    l->dropped = 0;
    return n;
}

static enum lineedit_result erase(struct lineedit *l, size_t from, size_t to)
{
    if (from == to)
        return LINEEDIT_MOVED;
    memmove(l->text + from, l->text + to, l->len - to + 1);
    l->len -= to - from;
    l->at = from;
    return LINEEDIT_CHANGED;
}

static enum lineedit_result erase_word(struct lineedit *l)
{
    size_t from = l->at;

    while (from > 0 && l->text[from - 1] == ' ')
        from--;
    while (from > 0 && l->text[from - 1] != ' ')
        from--;
    return erase(l, from, l->at);
}

static enum lineedit_result recall(struct lineedit *l, int by)
{
    if ((by > 0 && l->back == l->n_history) || (by < 0 && l->back == 0))
        return LINEEDIT_MOVED;
    if (l->back == 0)
        memcpy(l->draft, l->text, sizeof l->draft);
    size_t back = by > 0 ? l->back + 1 : l->back - 1;
    char line[LINEEDIT_MAX];
    xmem_copy_text(line, sizeof line, back ? l->history[back - 1] : l->draft);
    lineedit_set(l, line);
    l->back = back;
    return LINEEDIT_CHANGED;
}

static enum lineedit_result complete(struct lineedit *l)
{
    char found[LINEEDIT_MAX], rest[LINEEDIT_MAX];

    if (!l->complete)
        return LINEEDIT_NONE;
    if (!l->completing) {
        memcpy(l->stem, l->text, l->at);
        l->stem[l->at] = '\0';
        l->candidate = 0;
    }
    if (!l->complete(l->ctx, l->stem, l->candidate, found, sizeof found)) {
        if (l->candidate == 0)
            return LINEEDIT_MOVED;
        l->candidate = 0;
        if (!l->complete(l->ctx, l->stem, 0, found, sizeof found))
            return LINEEDIT_MOVED;
    }
    xmem_copy_text(rest, sizeof rest, l->text + l->at);
    size_t next = l->candidate + 1;
    lineedit_set(l, found);
    size_t at = l->at;
    lineedit_insert(l, rest);
    l->at = at;
    l->completing = true;
    l->candidate = next;
    return LINEEDIT_CHANGED;
}

static enum lineedit_result type(struct lineedit *l, const struct key *k)
{
    char bytes[5] = "";

    if (!key_is_text(k)) {
        if (k->mods & KEYMOD_PASTED) { /* control bytes and line ends of a paste */
            l->dropped++;
            return LINEEDIT_MOVED;
        }
        return LINEEDIT_NONE;
    }
    bytes[cells_encode(bytes, k->code)] = '\0';
    size_t was = l->len;
    bool replaced = l->selected;
    lineedit_insert(l, bytes);
    return replaced || l->len != was ? LINEEDIT_CHANGED : LINEEDIT_MOVED;
}

static enum lineedit_result edit(struct lineedit *l, const struct key *k)
{
    if (key_is(k, 'w', KEYMOD_CTRL))
        return erase_word(l);
    if (key_is(k, 'u', KEYMOD_CTRL))
        return erase(l, 0, l->at);
    switch (k->code) {
    case KEYSYM_LEFT:
        l->at -= cells_prev_len(l->text, l->at);
        return LINEEDIT_MOVED;
    case KEYSYM_RIGHT:
        l->at += cells_next_len(l->text, l->at);
        return LINEEDIT_MOVED;
    case KEYSYM_HOME:
        l->at = 0;
        return LINEEDIT_MOVED;
    case KEYSYM_END:
        l->at = l->len;
        return LINEEDIT_MOVED;
    case KEYSYM_BACKSPACE:
        return erase(l, l->at - cells_prev_len(l->text, l->at), l->at);
    case KEYSYM_DELETE:
        return erase(l, l->at, l->at + cells_next_len(l->text, l->at));
    case KEYSYM_UP:
        return l->n_history ? recall(l, 1) : LINEEDIT_NONE;
    case KEYSYM_DOWN:
        return l->n_history ? recall(l, -1) : LINEEDIT_NONE;
    case KEYSYM_ENTER:
        return LINEEDIT_ACCEPT;
    case KEYSYM_ESC:
        return LINEEDIT_DROP;
    default:
        return type(l, k);
    }
}

enum lineedit_result lineedit_key(struct lineedit *l, const struct key *k)
{
    struct key key = *k;

    if (k->mods & KEYMOD_PASTED)
        return type(l, k);
    if (k->code == KEYSYM_PASTE_START || k->code == KEYSYM_PASTE_END)
        return LINEEDIT_MOVED;
    if (key_is(k, 'h', KEYMOD_CTRL))
        key = (struct key){.code = KEYSYM_BACKSPACE};
    else if (key_is(k, 'j', KEYMOD_CTRL))
        key = (struct key){.code = KEYSYM_ENTER};
    else if (key_is(k, 'c', KEYMOD_CTRL))
        key = (struct key){.code = KEYSYM_ESC};
    if (key_is(&key, KEYSYM_TAB, 0))
        return complete(l);
    l->completing = false;
    bool kill = l->selected && (key.code == KEYSYM_BACKSPACE || key.code == KEYSYM_DELETE);
    if (kill) {
        clear(l);
        return LINEEDIT_CHANGED;
    }
    enum lineedit_result r = edit(l, &key);
    if (r != LINEEDIT_NONE && r != LINEEDIT_ACCEPT)
        l->selected = false;
    return r;
}

void lineedit_remember(struct lineedit *l)
{
    size_t i = 0;

    l->back = 0;
    if (l->text[strspn(l->text, " ")] == '\0')
        return;
    while (i < l->n_history && strcmp(l->history[i], l->text) != 0)
        i++;
    if (i < l->n_history) {
        free(l->history[i]);
    } else if (l->n_history == LINEEDIT_HISTORY) {
        free(l->history[--i]);
    } else {
        l->n_history++;
    }
    memmove(&l->history[1], &l->history[0], i * sizeof l->history[0]);
    l->history[0] = xmem_dup_text(l->text);
}

const char *lineedit_history(const struct lineedit *l, size_t i)
{
    return i < l->n_history ? l->history[i] : NULL;
}

void lineedit_draw(const struct lineedit *l, struct canvas c, int row, int col, int cols,
                   enum role role, const char *ghost, bool focus)
{
    struct canvas part = canvas_part(c, row, col, 1, cols);
    int before = cells_width_n(l->text, l->at);
    int shift = before >= cols ? before - cols + 1 : 0;

    canvas_fill(part, 0, 0, cols, role);
    int used = canvas_put(part, 0, -shift, role, l->text) - shift;
    if (ghost && *ghost)
        canvas_put(part, 0, used, ROLE_GHOST, ghost);
    if (l->selected && focus)
        canvas_add_attr(part, 0, 0, used, CANVAS_REVERSE);
    if (focus)
        canvas_cursor(part, 0, before - shift);
}
