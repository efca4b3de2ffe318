/* Marks of the list: a set of row ids that outlives filters, sorting and snapshots. */
#include "widgets/list_priv.h"

static uint64_t id_at(const struct list *t, size_t i)
{
    return t->order[t->shown[i]].id;
}

void list_mark_toggle(struct list *t)
{
    if (t->n_shown == 0)
        return;
    if (!idmap_remove(&t->marks, t->cursor)) {
        idmap_put(&t->marks, t->cursor, 1);
        t->has_last_mark = true;
        t->last_mark = t->cursor;
    }
    list_step(t, 1);
}

void list_mark_range(struct list *t)
{
    size_t from = t->cursor_at, to = t->cursor_at;

    if (t->n_shown == 0)
        return;
    for (size_t i = 0; t->has_last_mark && i < t->n_shown; i++)
        if (id_at(t, i) == t->last_mark)
            from = i;
    if (from > to) {
        size_t swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = from; i <= to; i++)
        idmap_put(&t->marks, id_at(t, i), 1);
    t->has_last_mark = true;
    t->last_mark = t->cursor;
}

void list_mark_shown(struct list *t)
{
    for (size_t i = 0; i < t->n_shown; i++)
        idmap_put(&t->marks, id_at(t, i), 1);
}

void list_unmark_all(struct list *t)
{
    idmap_clear(&t->marks, 0);
    t->has_last_mark = false;
}

bool list_is_marked(const struct list *t, uint64_t id)
{
    return idmap_has(&t->marks, id);
}

size_t list_marked(const struct list *t, size_t *ret_hidden)
{
    size_t shown = 0;

    if (ret_hidden) {
        bool all = t->n_shown == t->n;
        for (size_t i = 0; !all && t->marks.n > 0 && i < t->n_shown; i++)
            shown += idmap_has(&t->marks, id_at(t, i));
        *ret_hidden = all ? 0 : t->marks.n - shown;
    }
    return t->marks.n;
}

size_t list_get_marked(const struct list *t, uint64_t *ids, size_t cap)
{
    size_t n = 0, shown = 0;

    for (size_t i = 0; t->marks.n > 0 && i < t->n_shown; i++) {
        if (!idmap_has(&t->marks, id_at(t, i)))
            continue;
        if (n < cap)
            ids[n++] = id_at(t, i);
    }
    for (size_t i = 0; i < t->n && t->marks.n > n && t->n_shown < t->n; i++) {
        /* shown is sorted by place in the order: walk both */
        if (shown < t->n_shown && t->shown[shown] == i) {
            shown++;
            continue;
        }
        if (idmap_has(&t->marks, t->order[i].id) && n < cap)
            ids[n++] = t->order[i].id;
    }
    return t->marks.n;
}

void list_set_pending(struct list *t, uint64_t id, bool pending)
{
    if (pending)
        idmap_put(&t->pending, id, 1);
    else
        idmap_remove(&t->pending, id);
}
