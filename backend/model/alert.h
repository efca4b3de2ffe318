#ifndef MESHDECK_MODEL_ALERT_H
#define MESHDECK_MODEL_ALERT_H
/*
 * The alert list: what is wrong now, what has ended lately, who took it. A state machine without a
 * clock of its own: the caller says what time it is. One thread (the engine's). Texts are interned.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"
#include "backend/model/rows.h"

enum { ALERT_KEY = 64, ALERT_ENDED_MS = 10 * 60 * 1000, ALERT_MAX = 4096 };

/* What is raised. `key` says which alert it is ("peer:fra2:down"): the same key is the same alert.
 */
struct alert_raise {
    const char *key;
    enum alert_level level;
    const char *object, *view, *verdict, *sentence;
    uint64_t object_id;
    uint32_t vms;     /* touched */
    int64_t since_ms; /* 0: now */
};

struct alert_list;
struct alert_list *alert_list_new(void); /* NULL: no memory */
void alert_list_free(struct alert_list *l);

/*
 * Raises or refreshes; *ret_changed tells whether a row changed, *ret_new whether it was not there
 * (or had ended) before. A taken alert returns when it gets worse: a higher level or more VMs.
 * -ENOSPC when ALERT_MAX are there: nothing worse is dropped for it.
 */
int alert_raise(struct alert_list *l, const struct alert_raise *a, int64_t now_ms,
                bool *ret_changed, bool *ret_new, struct err *e);
/* It is over: kept, dim, for ALERT_ENDED_MS. False when it was not there or had ended. */
bool alert_end(struct alert_list *l, const char *key, int64_t now_ms);
/* Ends every alert whose key begins with `prefix` and which has not been raised since mark. */
uint64_t alert_mark(struct alert_list *l);
size_t alert_end_unmarked(struct alert_list *l, const char *prefix, uint64_t mark, int64_t now_ms);
/* -ENOENT, or -EALREADY when it is taken. */
int alert_ack(struct alert_list *l, uint64_t id, const char *who, struct err *e);
/* What the store kept: holds for the alert of that key, now or when it is raised, unless it has
 * become worse than it was then. */
int alert_restore_ack(struct alert_list *l, const char *key, const char *who,
                      enum alert_level level, uint32_t vms);
/* Drops those that ended ALERT_ENDED_MS ago; how many. */
size_t alert_tick(struct alert_list *l, int64_t now_ms);
int64_t alert_next_tick_ms(const struct alert_list *l); /* when alert_tick has work; 0: never */

/* The i-th of all that are kept, worst first: CRIT before WARN, more VMs, newer; ended ones last.
 */
size_t alert_count(const struct alert_list *l);
const struct alert_row *alert_at(struct alert_list *l, size_t index);
const char *alert_key_of(const struct alert_list *l, uint64_t id); /* NULL when it is not there */
/* The worst that is neither taken nor over, and how many more of its level there are; NULL: all
 * well. */
const struct alert_row *alert_worst(struct alert_list *l, size_t *ret_more);

#endif
