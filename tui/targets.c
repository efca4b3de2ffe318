/* Which VMs an action means. Console thread. */
#include "tui/targets.h"

#include <stdlib.h>

#include "tui/act.h"
#include "tui/state.h"
#include "tui/views/vm_parts.h"
#include "widgets/xmem.h"

struct place {
    uint64_t id;
    size_t at;
};

static int by_id(const void *pa, const void *pb)
{
    const struct place *a = pa, *b = pb;

    return a->id < b->id ? -1 : a->id > b->id;
}

static void take_marked(const struct console *c, struct targets *t, size_t n)
{
    const struct table_view *tv = c->snap->tables[TABLE_VMS];
    uint64_t *ids = xmem_new(n, sizeof *ids);
    struct place *place = xmem_new(n, sizeof *place);
    bool *there = xmem_new(n, sizeof *there);

    n = list_get_marked(c->view[VIEW_VMS].list, ids, n);
    for (size_t i = 0; i < n; i++)
        place[i] = (struct place){ids[i], i};
    qsort(place, n, sizeof *place, by_id);
    t->vm = xmem_new(n, sizeof *t->vm);
    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct vm_row *vm = view_at(tv, i);
        struct place key = {vm->id, 0}, *found = bsearch(&key, place, n, sizeof *place, by_id);
        if (found) {
            t->vm[found->at] = *vm;
            there[found->at] = true;
        }
    }
    size_t shown = n - t->hidden;
    t->hidden = 0;
    for (size_t i = 0; i < n; i++)
        if (there[i]) {
            t->vm[t->n++] = t->vm[i];
            t->hidden += i >= shown;
        }
    free(ids);
    free(place);
    free(there);
}

void targets_take(const struct console *c, struct targets *ret)
{
    const struct list *list = c->view[VIEW_VMS].list;
    enum view_id view;
    char name[VIEW_NAME];
    size_t marked = c->at == VIEW_VMS && !c->page ? list_marked(list, &ret->hidden) : 0;

    *ret = (struct targets){.marked = marked > 0};
    if (marked) {
        list_marked(list, &ret->hidden);
        take_marked(c, ret, marked);
        return;
    }
    if (!act_subject(c, &view, name, sizeof name) || view != VIEW_VMS)
        return;
    const struct vm_row *vm = vm_by_name(c, name);
    if (!vm)
        return;
    ret->vm = xmem_new(1, sizeof *ret->vm);
    ret->vm[0] = *vm;
    ret->n = 1;
}

void targets_done(struct targets *t)
{
    free(t->vm);
    *t = (struct targets){0};
}
