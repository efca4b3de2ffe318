/* The command line with its list. Owned by the thread that draws. */
#include "widgets/palette.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "widgets/lineedit.h"
#include "widgets/xmem.h"

enum { LIST_ROWS = 10 };

struct match {
    size_t item;
    int score; /* smaller is better */
};

struct palette {
    palette_item_fn *items;
    void *ctx;
    struct lineedit *line;
    struct palette_item *item;
    size_t n, cap;
    struct match *match; /* best first */
    size_t n_match, match_cap;
    size_t at;
    bool moved; /* the operator chose an entry of the list */
};

/* How well the typed words stand in an entry; -1: not at all. */
static int score(const struct palette_item *it, const char *typed)
{
    size_t n = strlen(typed), name = strlen(it->name);

    if (n == 0)
        return 3;
    if (strncasecmp(it->name, typed, n) == 0)
        return name == n ? 0 : 1;
    /* "vm-stop ARGS": the whole name, then a blank */
    if (n > name && typed[name] == ' ' && strncasecmp(it->name, typed, name) == 0)
        return 0;
    for (const char *s = it->name; (s = strchr(s, '-')); s++)
        if (strncasecmp(s + 1, typed, n) == 0)
            return 2;
    if (cells_contains(it->name, typed))
        return 3;
    return cells_contains(it->help, typed) ? 4 : -1;
}

static void narrow(struct palette *p)
{
    const char *typed = lineedit_get(p->line);

    p->match = xmem_grow(p->match, &p->match_cap, p->n ? p->n : 1, sizeof *p->match);
    p->n_match = 0;
    for (int want = 0; want <= 4; want++) {
        for (size_t i = 0; i < p->n; i++)
            if (score(&p->item[i], typed) == want)
                p->match[p->n_match++] = (struct match){i, want};
    }
    p->at = 0;
    p->moved = false;
}

static bool complete(void *ctx, const char *before, size_t i, char *out, size_t cap)
{
    struct palette *p = ctx;
    size_t found = 0;

    for (int want = 0; want <= 3; want++) {
        for (size_t k = 0; k < p->n; k++) {
            if (score(&p->item[k], before) != want || strlen(before) > strlen(p->item[k].name))
                continue;
            if (found++ == i)
                return xmem_copy_text(out, cap, p->item[k].name);
        }
    }
    return false;
}

struct palette *palette_new(palette_item_fn *items, void *ctx)
{
    struct palette *p = xmem_new(1, sizeof *p);

    p->items = items;
    p->ctx = ctx;
    p->line = lineedit_new(LINEEDIT_MAX);
    lineedit_set_completion(p->line, complete, p);
    palette_refresh(p);
    return p;
}

void palette_free(struct palette *p)
{
    if (!p)
        return;
    lineedit_free(p->line);
    free(p->item);
    free(p->match);
    free(p);
}

void palette_refresh(struct palette *p)
{
    struct palette_item it;

    for (p->n = 0; it = (struct palette_item){0}, p->items(p->ctx, p->n, &it); p->n++) {
        p->item = xmem_grow(p->item, &p->cap, p->n + 1, sizeof *p->item);
        it.name = it.name ? it.name : "";
        it.keys = it.keys ? it.keys : "";
        it.help = it.help ? it.help : "";
        p->item[p->n] = it;
    }
    narrow(p);
}

void palette_open(struct palette *p, const char *text)
{
    lineedit_set(p->line, text);
    palette_refresh(p);
}

const char *palette_get_line(const struct palette *p)
{
    return lineedit_get(p->line);
}

const char *palette_get_args(const struct palette *p)
{
    const char *line = lineedit_get(p->line), *blank = strchr(line, ' ');

    return blank ? blank + strspn(blank, " ") : "";
}

size_t palette_matches(const struct palette *p)
{
    return p->n_match;
}

static enum palette_result accept(struct palette *p, int *ret_id)
{
    const struct palette_item *it = NULL;
    const char *line = lineedit_get(p->line);

    if (p->n_match > 0)
        it = &p->item[p->match[p->at].item];
    /* A line with arguments means what it says; help words alone choose only by the cursor. */
    bool fits = it && (p->moved || p->match[p->at].score < 4) && *line;
    if (it && p->moved && *line == '\0')
        fits = true;
    if (!fits)
        return *line ? PALETTE_LINE : PALETTE_CLOSED;
    if (it->blocked)
        return PALETTE_BLOCKED;
    lineedit_remember(p->line);
    *ret_id = it->id;
    return PALETTE_CHOSEN;
}

enum palette_result palette_key(struct palette *p, const struct key *k, int *ret_id)
{
    bool typed = lineedit_get(p->line)[0] != '\0';

    if (!(k->mods & KEYMOD_PASTED) && p->n_match > 0 && (typed || p->moved) &&
        (key_is(k, KEYSYM_UP, 0) || key_is(k, KEYSYM_DOWN, 0))) {
        size_t step = k->code == KEYSYM_UP ? 1 : p->n_match - 1;
        p->at = (p->at + step) % p->n_match;
        p->moved = true;
        return PALETTE_OPEN;
    }
    switch (lineedit_key(p->line, k)) {
    case LINEEDIT_CHANGED:
        narrow(p);
        break;
    case LINEEDIT_ACCEPT:
        return accept(p, ret_id);
    case LINEEDIT_DROP:
        return PALETTE_CLOSED;
    case LINEEDIT_NONE:
        if (key_is(k, KEYSYM_UP, 0) && p->n_match > 0)
            p->moved = true;
        break;
    case LINEEDIT_MOVED:
        break;
    }
    return PALETTE_OPEN;
}

void palette_draw(const struct palette *p, struct canvas c)
{
    size_t rows = p->n_match < LIST_ROWS ? p->n_match : LIST_ROWS;
    int line = c.rows - 1, name = 12, keys = 3;

    if (line < 0)
        return;
    if ((int)rows > line)
        rows = (size_t)line;
    size_t top = p->at >= rows && rows ? p->at - rows + 1 : 0;
    for (size_t i = 0; i < rows; i++) {
        const struct palette_item *it = &p->item[p->match[top + i].item];
        int w = cells_width(it->name), k = cells_width(it->keys);
        name = w > name ? w : name;
        keys = k > keys ? k : keys;
    }
    for (size_t i = 0; i < rows; i++) {
        const struct palette_item *it = &p->item[p->match[top + i].item];
        bool on = top + i == p->at;
        enum role role = on ? ROLE_CURSOR : it->blocked ? ROLE_GHOST : ROLE_DIALOG;
        int r = line - 1 - (int)i;
        canvas_fill(c, r, 0, c.cols, role);
        canvas_put(c, r, 0, role, on ? ">" : " ");
        canvas_put_in(c, r, 2, name, role, CELLS_LEFT, it->name);
        canvas_put_in(c, r, 2 + name + 2, keys, role, CELLS_LEFT, it->keys);
        canvas_add_attr(c, r, 2 + name + 2, keys, CANVAS_BOLD);
        canvas_put_in(c, r, 2 + name + 2 + keys + 2, c.cols - name - keys - 7, role, CELLS_LEFT,
                      it->help);
    }
    canvas_put(c, line, 0, ROLE_INPUT, ":");
    lineedit_draw(p->line, c, line, 1, c.cols - 1, ROLE_INPUT, NULL, true);
}
