/* A short list to choose from. Owned by the thread that draws; keeps copies of all it shows. */
#include "widgets/menu.h"

#include <stdlib.h>
#include <string.h>

#include "widgets/xmem.h"

enum { LABEL_MAX = 64, NOTE_MAX = 128, KEYS_MAX = 24 };

struct item {
    int id;
    char keys[KEYS_MAX], label[LABEL_MAX], note[NOTE_MAX];
    bool blocked;
};

struct menu {
    char title[LABEL_MAX];
    struct item item[MENU_ITEMS];
    size_t n, at;
};

struct menu *menu_new(const char *title)
{
    struct menu *m = xmem_new(1, sizeof *m);

    xmem_copy_text(m->title, sizeof m->title, title);
    return m;
}

void menu_free(struct menu *m)
{
    free(m);
}

void menu_add(struct menu *m, int id, const char *keys, const char *label, const char *note,
              bool blocked)
{
    if (m->n == MENU_ITEMS)
        return;
    struct item *i = &m->item[m->n++];
    i->id = id;
    i->blocked = blocked;
    xmem_copy_text(i->keys, sizeof i->keys, keys);
    xmem_copy_text(i->label, sizeof i->label, label);
    xmem_copy_text(i->note, sizeof i->note, note);
}

static enum menu_result take(struct menu *m, size_t i, int *ret_id)
{
    m->at = i;
    if (m->item[i].blocked)
        return MENU_BLOCKED;
    *ret_id = m->item[i].id;
    return MENU_CHOSEN;
}

enum menu_result menu_key(struct menu *m, const struct key *k, int *ret_id)
{
    char name[24];

    if (k->mods & KEYMOD_PASTED)
        return MENU_OPEN;
    if (key_is(k, KEYSYM_ESC, 0) || key_is(k, 'c', KEYMOD_CTRL))
        return MENU_CLOSED;
    if (key_is(k, KEYSYM_ENTER, 0) || key_is(k, 'j', KEYMOD_CTRL))
        return m->n ? take(m, m->at, ret_id) : MENU_CLOSED;
    if (key_is(k, KEYSYM_UP, 0) || key_is(k, KEYSYM_DOWN, 0)) {
        size_t step = k->code == KEYSYM_DOWN ? 1 : m->n - 1;
        m->at = m->n ? (m->at + step) % m->n : 0;
        return MENU_OPEN;
    }
    if (key_is(k, KEYSYM_HOME, 0) || key_is(k, KEYSYM_END, 0)) {
        m->at = k->code == KEYSYM_END && m->n ? m->n - 1 : 0;
        return MENU_OPEN;
    }
    key_format(k, name, sizeof name);
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->item[i].keys, name) == 0)
            return take(m, i, ret_id);
    /* j and k move where no entry has them */
    if (m->n && (key_is(k, 'j', 0) || key_is(k, 'k', 0)))
        m->at = (m->at + (k->code == 'j' ? 1 : m->n - 1)) % m->n;
    return MENU_OPEN;
}

const char *menu_get_note(const struct menu *m)
{
    return m->n ? m->item[m->at].note : "";
}

int menu_get_cursor(const struct menu *m)
{
    return m->n ? m->item[m->at].id : -1;
}

size_t menu_count(const struct menu *m)
{
    return m->n;
}

void menu_draw(const struct menu *m, struct canvas c, int row, int col)
{
    int keys = 0, label = 0, note = 0;

    for (size_t i = 0; i < m->n; i++) {
        int k = cells_width(m->item[i].keys), l = cells_width(m->item[i].label);
        int n = cells_width(m->item[i].note);
        keys = k > keys ? k : keys;
        label = l > label ? l : label;
        note = n > note ? n : note;
    }
    int cols = 4 + keys + 2 + label + (note ? 2 + note : 0), rows = (int)m->n + 3;
    int least = cells_width(m->title) + 4;
    cols = cols < least ? least : cols;
    cols = cols > c.cols ? c.cols : cols;
    rows = rows > c.rows ? c.rows : rows;
    row = row + rows > c.rows ? c.rows - rows : row;
    col = col + cols > c.cols ? c.cols - cols : col;
    struct canvas b = canvas_part(c, row < 0 ? 0 : row, col < 0 ? 0 : col, rows, cols);
    canvas_box(b, 0, 0, rows, cols, ROLE_DIALOG);
    canvas_put_in(b, 1, 2, cols - 4, ROLE_DIALOG, CELLS_LEFT, m->title);
    canvas_add_attr(b, 1, 2, cols - 4, CANVAS_BOLD);
    size_t room = rows > 3 ? (size_t)(rows - 3) : 0;
    size_t top = m->at >= room && room ? m->at - room + 1 : 0;
    for (size_t i = 0; i < room && top + i < m->n; i++) {
        const struct item *it = &m->item[top + i];
        bool on = top + i == m->at;
        enum role role = on ? ROLE_CURSOR : it->blocked ? ROLE_GHOST : ROLE_DIALOG;
        int r = (int)i + 2;
        canvas_fill(b, r, 1, cols - 2, role);
        canvas_put_in(b, r, 2, keys, role, CELLS_LEFT, it->keys);
        canvas_add_attr(b, r, 2, keys, CANVAS_BOLD);
        canvas_put_in(b, r, 2 + keys + 2, cols - 6 - keys, role, CELLS_LEFT, it->label);
        if (note)
            canvas_put_in(b, r, 2 + keys + 2 + label + 2, cols - 8 - keys - label, role, CELLS_LEFT,
                          it->note);
        if (on)
            canvas_put(b, r, 1, role, ">");
    }
}
