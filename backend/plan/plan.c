/*
 * The planner's frame: copies what a plan keeps, asks each part, sorts what they said into steps.
 * Pure. It must never plan a change to what is not ours, nor act on a source that was read in part.
 */
#include "backend/plan/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/plan/build.h"

uint64_t plan_hash(const void *data, size_t n)
{
    const unsigned char *p = data;
    uint64_t h = 14695981039346656037ULL;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211ULL;
    return h;
}

uint64_t plan_hash_text(const char *text)
{
    return plan_hash(text, strlen(text));
}

uint64_t plan_hash_addr(const struct addr *a, const char *dev)
{
    return plan_hash(a, sizeof *a) ^ plan_hash_text(dev) * 31;
}

void plan_fail(struct plan_build *b, int code, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    if (b->code < 0)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    b->code = err_set(&b->e, ERR_AREA_INPUT, code, "%s", text);
}

static bool grow(struct plan_build *b, void **all, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    size_t want = *cap ? *cap * 2 : 32;
    void *more = realloc(*all, want * size);
    if (!more) {
        plan_fail(b, -ENOMEM, "no memory for the plan");
        return false;
    }
    *all = more;
    *cap = want;
    return true;
}

void plan_index_add(struct plan_build *b, struct plan_index *x, uint64_t key, size_t i)
{
    void *all = x->all;

    if (!grow(b, &all, x->n, &x->cap, sizeof *x->all))
        return;
    x->all = all;
    x->all[x->n++] = (struct plan_entry){key, i};
    x->sorted = false;
}

static int by_key(const void *a, const void *b)
{
    const struct plan_entry *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

const struct plan_entry *plan_index_find(struct plan_index *x, uint64_t key,
                                         const struct plan_entry **ret_end)
{
    if (!x->sorted && x->n)
        qsort(x->all, x->n, sizeof *x->all, by_key);
    x->sorted = true;
    size_t lo = 0, hi = x->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (x->all[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (ret_end)
        *ret_end = x->all + x->n;
    return lo < x->n && x->all[lo].key == key ? &x->all[lo] : NULL;
}

struct plan_op *plan_add(struct plan_build *b, enum plan_op_kind kind, enum plan_stage stage,
                         const struct plan_vm *vm)
{
    struct plan *p = &b->p->pub;
    void *all = p->ops;

    if (b->code < 0 || !grow(b, &all, p->n_ops, &b->cap_ops, sizeof *p->ops))
        return &b->sink;
    p->ops = all;
    struct plan_op *op = &p->ops[p->n_ops++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->stage = stage;
    op->vm = vm;
    op->vm_id = vm ? vm->id : 0;
    return op;
}

void plan_add_note(struct plan_build *b, enum plan_note_kind kind, uint64_t id, const char *fmt,
                   ...)
{
    struct plan *p = &b->p->pub;
    void *all = p->notes;
    char raw[240];
    va_list ap;

    if (b->code < 0 || !grow(b, &all, p->n_notes, &b->cap_notes, sizeof *p->notes))
        return;
    p->notes = all;
    struct plan_note *note = &p->notes[p->n_notes++];
    note->kind = kind;
    note->id = id;
    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    text_clean(note->text, sizeof note->text, raw, strlen(raw));
}

bool plan_knows(const struct plan_build *b, unsigned what)
{
    return (b->a->known & what) == what;
}

void plan_want_route(struct plan_build *b, const struct plan_route_want *w)
{
    void *all = b->routes;

    if (!grow(b, &all, b->n_routes, &b->cap_routes, sizeof *b->routes))
        return;
    b->routes = all;
    b->routes[b->n_routes++] = *w;
}

void plan_want_guard(struct plan_build *b, const struct plan_guard_want *w)
{
    void *all = b->guards;

    if (!grow(b, &all, b->n_guards, &b->cap_guards, sizeof *b->guards))
        return;
    b->guards = all;
    b->guards[b->n_guards++] = *w;
}

const struct plan_link *plan_link_named(struct plan_build *b, const char *name)
{
    const struct plan_entry *end, *x = plan_index_find(&b->link_names, plan_hash_text(name), &end);

    for (uint64_t key = x ? x->key : 0; x && x < end && x->key == key; x++)
        if (strcmp(b->a->links_b[x->i].name, name) == 0)
            return &b->a->links_b[x->i];
    return NULL;
}

const struct plan_link *plan_link_of_vm(struct plan_build *b, uint64_t id)
{
    const struct plan_entry *x = plan_index_find(&b->link_ids, id, NULL);

    return x ? &b->a->links_b[x->i] : NULL;
}

const struct plan_vm_state *plan_state_of(struct plan_build *b, uint64_t id)
{
    static const struct plan_vm_state none = {0};
    const struct plan_entry *x = plan_index_find(&b->states, id, NULL);

    return x ? &b->a->vms_b[x->i] : &none;
}

bool plan_is_orphans(struct plan_build *b, const char *dev)
{
    const struct plan_link *l = plan_link_named(b, dev);
    uint64_t id;

    return l && plan_alias_vm_parse(l->alias, &id) && !plan_index_find(&b->vm_ids, id, NULL) &&
           (!plan_knows(b, PLAN_KNOWS_VMS) || plan_state_of(b, id)->proc != PLAN_PROC_NONE);
}

bool plan_has_addr(struct plan_build *b, const char *dev, const struct addr *a)
{
    const struct plan_entry *end, *x = plan_index_find(&b->addrs, plan_hash_addr(a, dev), &end);

    for (uint64_t key = x ? x->key : 0; x && x < end && x->key == key; x++) {
        const struct plan_addr *have = &b->a->addrs_b[x->i];
        if (addr_compare(&have->addr, a) == 0 && strcmp(have->dev, dev) == 0)
            return true;
    }
    return false;
}

void plan_want_addr(struct plan_build *b, enum plan_stage stage, const struct plan_vm *vm,
                    const char *dev, uint32_t ifindex, const struct addr *a, bool fresh)
{
    if (!addr_is_set(a) ||
        (!fresh && (!plan_knows(b, PLAN_KNOWS_ADDRS) || plan_has_addr(b, dev, a))))
        return;
    struct plan_op *op = plan_add(b, PLAN_OP_ADDR_ADD, stage, vm);
    (void)str_copy(op->addr.dev, sizeof op->addr.dev, dev);
    op->addr.ifindex = ifindex;
    op->addr.addr = *a;
}

struct addr plan_node_ip4(const struct plan_build *b)
{
    struct addr a = {0};

    if (b->d->node.n_blocks == 0)
        return a;
    a = addr_node_block4(b->d->node.blocks[0]);
    a.bytes[3] = 1;
    a.prefix_len = 32;
    return a;
}

static bool copy_in(struct plan_build *b)
{
    struct plan_whole *p = b->p;
    size_t n = p->n_vms = b->d->n_vms;

    p->vms = calloc(n + 1, sizeof *p->vms);
    p->peers = calloc(b->d->n_peers + 1, sizeof *p->peers);
    p->peers_was = calloc(b->a->n_peers + 1, sizeof *p->peers_was);
    p->guards = calloc(n + 1, sizeof *p->guards);
    b->vms = calloc(n + 1, sizeof *b->vms);
    if (!p->vms || !p->peers || !p->peers_was || !p->guards || !b->vms) {
        plan_fail(b, -ENOMEM, "no memory for the plan");
        return false;
    }
    if (n)
        memcpy(p->vms, b->d->vms_b, n * sizeof *p->vms);
    if (b->d->n_peers)
        memcpy(p->peers, b->d->peers_b, b->d->n_peers * sizeof *p->peers);
    if (b->a->n_peers)
        memcpy(p->peers_was, b->a->peers_b, b->a->n_peers * sizeof *p->peers_was);
    return true;
}

static void index_all(struct plan_build *b)
{
    const struct plan_actual *a = b->a;
    uint64_t id;

    for (size_t i = 0; i < b->d->n_vms; i++)
        plan_index_add(b, &b->vm_ids, b->d->vms_b[i].id, i);
    for (size_t i = 0; i < a->n_vms; i++)
        plan_index_add(b, &b->states, a->vms_b[i].id, i);
    for (size_t i = 0; i < b->s->n_vms; i++)
        plan_index_add(b, &b->scope_ids, b->s->vms_b[i], i);
    for (size_t i = 0; i < a->n_links; i++) {
        plan_index_add(b, &b->link_names, plan_hash_text(a->links_b[i].name), i);
        if (plan_alias_vm_parse(a->links_b[i].alias, &id))
            plan_index_add(b, &b->link_ids, id, i);
    }
    for (size_t i = 0; i < a->n_addrs; i++)
        plan_index_add(b, &b->addrs, plan_hash_addr(&a->addrs_b[i].addr, a->addrs_b[i].dev), i);
    for (size_t i = 0; i < a->n_peers; i++)
        plan_index_add(b, &b->peer_keys, plan_hash(a->peers_b[i].public_key, 32), i);
}

static void build_done(struct plan_build *b)
{
    free(b->vms);
    free(b->vm_ids.all);
    free(b->states.all);
    free(b->scope_ids.all);
    free(b->link_names.all);
    free(b->link_ids.all);
    free(b->addrs.all);
    free(b->peer_keys.all);
    free(b->routes);
    free(b->guards);
}

int plan_make(const struct plan_desired *d, const struct plan_actual *a,
              const struct plan_scope *scope, struct plan **ret, struct err *e)
{
    static const struct plan_scope all = {0};
    struct plan_build b = {.d = d, .a = a, .s = scope ? scope : &all};

    b.everything = !b.s->only;
    b.node = b.everything || b.s->node;
    b.peers = b.everything || b.s->peers;
    b.p = calloc(1, sizeof *b.p);
    if (!b.p)
        return err_set(e, ERR_AREA_NONE, -ENOMEM, "no memory for the plan");
    if (copy_in(&b)) {
        index_all(&b);
        plan_vms_decide(&b);
        plan_base(&b);
        plan_peers(&b);
        plan_vms(&b);
        if (b.everything)
            plan_clean(&b);
        plan_diff_routes(&b);
        plan_diff_guards(&b);
        if (b.code == 0)
            plan_describe(b.p);
    }
    build_done(&b);
    if (b.code == 0 && b.p->pub.n_ops && !b.p->pub.steps)
        b.code = err_set(&b.e, ERR_AREA_NONE, -ENOMEM, "no memory for the plan");
    if (b.code < 0) {
        plan_free(&b.p->pub);
        if (e)
            *e = b.e;
        return b.code;
    }
    *ret = &b.p->pub;
    return 0;
}

void plan_free(struct plan *p)
{
    struct plan_whole *w = (struct plan_whole *)p;

    if (!p)
        return;
    free(p->steps);
    free(p->ops);
    free(p->notes);
    free(w->vms);
    free(w->peers);
    free(w->peers_was);
    free(w->guards);
    free(w);
}
