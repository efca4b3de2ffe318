/*
 * The alert list. One thread. It must never lose an alert that is not over: when it is full, those
 * that have ended make room, and only then a new one is refused.
 */
#include "backend/model/alert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"

struct entry {
    struct alert_row row;
    char key[ALERT_KEY];
    uint8_t acked_level;
    uint32_t acked_vms;
    uint64_t raised_at; /* the list's mark when it was last raised */
};

struct kept_ack {
    char key[ALERT_KEY];
    const char *who;
    uint8_t level;
    uint32_t vms;
};

struct alert_list {
    struct entry *all; /* worst first once sorted */
    size_t n, cap;
    struct kept_ack *acks; /* of alerts that have not been raised yet */
    size_t n_acks, cap_acks;
    uint64_t next_id, mark;
    bool sorted;
};

struct alert_list *alert_list_new(void)
{
    struct alert_list *l = calloc(1, sizeof *l);

    if (l)
        l->next_id = 1;
    return l;
}

void alert_list_free(struct alert_list *l)
{
    if (!l)
        return;
    free(l->all);
    free(l->acks);
    free(l);
}

static struct entry *find(const struct alert_list *l, const char *key)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->all[i].key, key) == 0)
            return &l->all[i];
    return NULL;
}

static int by_weight(const void *a, const void *b)
{
    const struct alert_row *x = &((const struct entry *)a)->row,
                           *y = &((const struct entry *)b)->row;

    if (!x->ended_ms != !y->ended_ms)
        return x->ended_ms ? 1 : -1;
    if (x->ended_ms != y->ended_ms)
        return x->ended_ms > y->ended_ms ? -1 : 1;
    if (x->level != y->level)
        return x->level > y->level ? -1 : 1;
    if (x->vms != y->vms)
        return x->vms > y->vms ? -1 : 1;
    if (x->since_ms != y->since_ms)
        return x->since_ms > y->since_ms ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static void sort(struct alert_list *l)
{
    if (!l->sorted && l->n)
        qsort(l->all, l->n, sizeof *l->all, by_weight);
    l->sorted = true;
}

static int make_room(struct alert_list *l, struct err *e)
{
    if (l->n == ALERT_MAX) {
        sort(l); /* what ended longest ago stands last */
        if (!l->all[l->n - 1].row.ended_ms)
            return err_set(e, ERR_AREA_NONE, -ENOSPC, "%d alerts are open: no more are taken",
                           ALERT_MAX);
        l->n--;
    }
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        struct entry *more = realloc(l->all, cap * sizeof *more);
        if (!more)
            return err_set(e, ERR_AREA_NONE, -ENOMEM, "no memory for an alert");
        l->all = more;
        l->cap = cap;
    }
    return 0;
}

/* A kept acknowledgement holds while the alert is not worse than it was then. */
static void use_kept_ack(struct alert_list *l, struct entry *en)
{
    for (size_t i = 0; i < l->n_acks; i++) {
        const struct kept_ack *a = &l->acks[i];
        if (strcmp(a->key, en->key) != 0)
            continue;
        if (en->row.level <= a->level && en->row.vms <= a->vms) {
            en->row.acked = 1;
            en->row.acked_by = a->who;
            en->acked_level = a->level;
            en->acked_vms = a->vms;
        }
        l->acks[i] = l->acks[--l->n_acks];
        return;
    }
}

static const char *word(const char *s)
{
    const char *kept = text_intern(s);

    return kept ? kept : "";
}

static void fill(struct alert_row *row, const struct alert_raise *a)
{
    row->level = (uint8_t)a->level;
    row->object = word(a->object);
    row->view = word(a->view);
    row->verdict = word(a->verdict);
    row->sentence = word(a->sentence);
    row->object_id = a->object_id;
    row->vms = a->vms;
    if (a->since_ms)
        row->since_ms = a->since_ms;
}

static bool rows_differ(const struct alert_row *a, const struct alert_row *b)
{
    return a->level != b->level || a->acked != b->acked || strcmp(a->object, b->object) != 0 ||
           strcmp(a->view, b->view) != 0 || strcmp(a->verdict, b->verdict) != 0 ||
           strcmp(a->sentence, b->sentence) != 0 || a->vms != b->vms ||
           a->object_id != b->object_id || a->since_ms != b->since_ms || a->ended_ms != b->ended_ms;
}

int alert_raise(struct alert_list *l, const struct alert_raise *a, int64_t now_ms,
                bool *ret_changed, bool *ret_new, struct err *e)
{
    struct entry *en = find(l, a->key);
    bool fresh = !en || en->row.ended_ms;

    if (strlen(a->key) >= ALERT_KEY)
        return err_set(e, ERR_AREA_NONE, -ENAMETOOLONG, "alert key too long: %.40s", a->key);
    if (!en) {
        int r = make_room(l, e);
        if (r < 0)
            return r;
        en = &l->all[l->n++];
        memset(en, 0, sizeof *en);
        (void)str_copy(en->key, sizeof en->key, a->key);
        en->row.id = l->next_id++;
        en->row.acked_by = "";
    }
    struct alert_row was = en->row;
    if (fresh) {
        en->row.ended_ms = 0;
        en->row.acked = 0;
        en->row.acked_by = "";
        en->row.since_ms = now_ms;
    }
    fill(&en->row, a);
    if (fresh)
        use_kept_ack(l, en);
    else if (en->row.acked && (en->row.level > en->acked_level || en->row.vms > en->acked_vms)) {
        en->row.acked = 0; /* worse than what was taken */
        en->row.acked_by = "";
    }
    en->raised_at = l->mark;
    bool changed = fresh || rows_differ(&was, &en->row);
    if (changed)
        l->sorted = false;
    if (ret_changed)
        *ret_changed = changed;
    if (ret_new)
        *ret_new = fresh;
    return 0;
}

static void end(struct alert_list *l, struct entry *en, int64_t now_ms)
{
    en->row.ended_ms = now_ms;
    l->sorted = false;
}

bool alert_end(struct alert_list *l, const char *key, int64_t now_ms)
{
    struct entry *en = find(l, key);

    if (!en || en->row.ended_ms)
        return false;
    end(l, en, now_ms);
    return true;
}

uint64_t alert_mark(struct alert_list *l)
{
    return ++l->mark;
}

size_t alert_end_unmarked(struct alert_list *l, const char *prefix, uint64_t mark, int64_t now_ms)
{
    size_t len = strlen(prefix), n = 0;

    for (size_t i = 0; i < l->n; i++) {
        struct entry *en = &l->all[i];
        if (!en->row.ended_ms && en->raised_at < mark && strncmp(en->key, prefix, len) == 0) {
            end(l, en, now_ms);
            n++;
        }
    }
    return n;
}

int alert_ack(struct alert_list *l, uint64_t id, const char *who, struct err *e)
{
    for (size_t i = 0; i < l->n; i++) {
        struct entry *en = &l->all[i];
        if (en->row.id != id)
            continue;
        if (en->row.acked)
            return err_set(e, ERR_AREA_INPUT, -EALREADY, "%s has taken it already",
                           en->row.acked_by);
        if (en->row.ended_ms)
            return err_set(e, ERR_AREA_INPUT, -EALREADY, "it is over already");
        en->row.acked = 1;
        en->row.acked_by = word(who);
        en->acked_level = en->row.level;
        en->acked_vms = en->row.vms;
        return 0;
    }
    return err_set(e, ERR_AREA_INPUT, -ENOENT, "there is no such alert any more");
}

int alert_restore_ack(struct alert_list *l, const char *key, const char *who,
                      enum alert_level level, uint32_t vms)
{
    if (l->n_acks == ALERT_MAX)
        return -ENOSPC;
    if (l->n_acks == l->cap_acks) {
        size_t cap = l->cap_acks ? l->cap_acks * 2 : 16;
        struct kept_ack *more = realloc(l->acks, cap * sizeof *more);
        if (!more)
            return -ENOMEM;
        l->acks = more;
        l->cap_acks = cap;
    }
    struct kept_ack *a = &l->acks[l->n_acks];
    *a = (struct kept_ack){.who = word(who), .level = (uint8_t)level, .vms = vms};
    if (!str_copy(a->key, sizeof a->key, key))
        return -ENAMETOOLONG;
    l->n_acks++;
    struct entry *en = find(l, key);
    if (en && !en->row.ended_ms)
        use_kept_ack(l, en);
    return 0;
}

size_t alert_tick(struct alert_list *l, int64_t now_ms)
{
    size_t kept = 0, dropped;

    for (size_t i = 0; i < l->n; i++) {
        const struct alert_row *r = &l->all[i].row;
        /* one that ended in the future did so before the clock was set back */
        if (r->ended_ms &&
            (now_ms - r->ended_ms >= ALERT_ENDED_MS || r->ended_ms > now_ms + ALERT_ENDED_MS))
            continue;
        if (kept != i)
            l->all[kept] = l->all[i];
        kept++;
    }
    dropped = l->n - kept;
    l->n = kept;
    return dropped;
}

int64_t alert_next_tick_ms(const struct alert_list *l)
{
    int64_t next = 0;

    for (size_t i = 0; i < l->n; i++) {
        int64_t at = l->all[i].row.ended_ms ? l->all[i].row.ended_ms + ALERT_ENDED_MS : 0;
        if (at && (!next || at < next))
            next = at;
    }
    return next;
}

size_t alert_count(const struct alert_list *l)
{
    return l->n;
}

const struct alert_row *alert_at(struct alert_list *l, size_t index)
{
    sort(l);
    return index < l->n ? &l->all[index].row : NULL;
}

const char *alert_key_of(const struct alert_list *l, uint64_t id)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->all[i].row.id == id)
            return l->all[i].key;
    return NULL;
}

const struct alert_row *alert_worst(struct alert_list *l, size_t *ret_more)
{
    const struct alert_row *worst = NULL;

    *ret_more = 0;
    sort(l);
    for (size_t i = 0; i < l->n; i++) {
        const struct alert_row *r = &l->all[i].row;
        if (r->ended_ms || r->acked)
            continue;
        if (!worst)
            worst = r;
        else if (r->level == worst->level)
            ++*ret_more;
    }
    return worst;
}
