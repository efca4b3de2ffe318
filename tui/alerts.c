/* Ranking and wording of alerts; going to one and taking one. Console thread. */
#include "tui/alerts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/fmt.h"
#include "tui/page.h"
#include "tui/requests.h"
#include "tui/state.h"

static bool is_open(const struct alert_row *a)
{
    return a->ended_ms == 0 && !a->acked;
}

static int rank(const struct alert_row *a)
{
    return a->ended_ms ? 2 : a->acked ? 1 : 0;
}

static int compare(const void *pa, const void *pb)
{
    const struct alert_row *a = *(const struct alert_row *const *)pa;
    const struct alert_row *b = *(const struct alert_row *const *)pb;

    if (rank(a) != rank(b))
        return rank(a) - rank(b);
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
    if (a->vms != b->vms)
        return a->vms > b->vms ? -1 : 1;
    if (a->since_ms != b->since_ms)
        return a->since_ms > b->since_ms ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

void alerts_sum(const struct console *c, struct alerts_sum *ret)
{
    const struct table_view *tv = c->snap->tables[TABLE_ALERTS];

    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct alert_row *a = view_at(tv, i);
        if (!is_open(a) || a->level >= ALERT_LEVEL_COUNT)
            continue;
        ret->of_level[a->level]++;
        if (!ret->worst || compare(&a, &ret->worst) < 0)
            ret->worst = a;
    }
}

size_t alerts_sorted(const struct console *c, const struct alert_row **out, size_t cap)
{
    const struct table_view *tv = c->snap->tables[TABLE_ALERTS];
    size_t n = 0;

    for (size_t i = 0; i < tv->n_rows && n < cap; i++)
        out[n++] = view_at(tv, i);
    qsort(out, n, sizeof out[0], compare);
    return n;
}

const char *alerts_level_word(const struct alert_row *a)
{
    return a->level == ALERT_CRIT ? "CRIT" : "WARN";
}

enum role alerts_role(const struct alert_row *a)
{
    if (a->ended_ms)
        return ROLE_DIM;
    return a->level == ALERT_CRIT ? ROLE_CRIT : ROLE_WARN;
}

/* Whether "is" stands before the verdict: "fra2 is down", but "dns ended". */
static bool takes_is(const char *verdict)
{
    for (unsigned i = 0; i < PEER_VERDICT_COUNT; i++)
        if (strcmp(peer_verdict_names[i], verdict) == 0)
            return true;
    for (unsigned i = 0; i < NODE_STATE_COUNT; i++)
        if (strcmp(node_state_names[i], verdict) == 0)
            return true;
    return false;
}

void alerts_format_sentence(const struct console *c, const struct alert_row *a, char *buf,
                            size_t cap)
{
    char since[FMT_MAX];
    bool tunnel = strcmp(a->view, "mesh") == 0;

    fmt_hms(since, &c->clock, a->since_ms);
    int n = snprintf(buf, cap, "%s %s%s %s %s%s%s", a->object, takes_is(a->verdict) ? "is " : "",
                     a->verdict, strcmp(a->verdict, "failed") == 0 ? "at" : "since", since,
                     a->sentence[0] ? ": " : "", a->sentence);
    if (n < 0 || (size_t)n >= cap || a->vms == 0)
        return;
    snprintf(buf + n, cap - (size_t)n, ". %u VM%s %s.", a->vms, a->vms == 1 ? "" : "s",
             tunnel ? "cut off" : "affected");
}

/* Names of the VMs behind a peer or on a node, as far as the snapshot tells. */
static void add_vms(const struct console *c, const char *node, char *buf, size_t cap)
{
    const struct table_view *tv = c->snap->tables[TABLE_VMS];
    size_t at = strlen(buf);

    for (size_t i = 0; i < tv->n_rows && at + 34 < cap; i++) {
        const struct vm_row *vm = view_at(tv, i);
        if (strcmp(vm->node, node) == 0)
            at += (size_t)snprintf(buf + at, cap - at, " %s", vm->name);
    }
}

void alerts_format_short(const struct console *c, const struct alert_row *a, char *buf, size_t cap)
{
    char ended[FMT_MAX];

    if (strcmp(a->view, "mesh") == 0 && a->vms > 0) {
        snprintf(buf, cap, "tunnel %s; %u VM%s cut off:", a->verdict, a->vms, a->vms == 1 ? "" : "s");
        add_vms(c, a->object, buf, cap);
    } else {
        snprintf(buf, cap, "%s", a->sentence[0] ? a->sentence : a->verdict);
    }
    size_t at = strlen(buf);
    if (a->ended_ms && at < cap)
        snprintf(buf + at, cap - at, "; ended %s", fmt_hms(ended, &c->clock, a->ended_ms));
    else if (a->acked && at < cap)
        snprintf(buf + at, cap - at, "; taken by %s", a->acked_by);
}

void alerts_turn(struct console *c)
{
    const struct table_view *tv = c->snap->tables[TABLE_ALERTS];
    uint64_t newest = c->heard_alert;
    bool ring = false;

    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct alert_row *a = view_at(tv, i);
        if (a->id <= c->heard_alert)
            continue;
        ring = ring || (is_open(a) && a->level == ALERT_CRIT);
        newest = a->id > newest ? a->id : newest;
    }
    if (ring && c->term && c->bell_on_crit && !prefs_is(&c->set, SET_BELL, "off"))
        term_bell(c->term);
    c->heard_alert = newest;
    c->bell_on_crit = true; /* what was there at the start does not ring */
}

void alerts_go(struct console *c, const struct alert_row *a)
{
    enum view_id id = view_named(a->view);

    if (id == VIEW_COUNT)
        id = VIEW_DECK;
    console_go_view(c, id);
    if (id != VIEW_DECK && !view_set_cursor_name(&c->view[id], a->object)) {
        if (list_get_filter(c->view[id].list)[0]) {
            list_filter(c->view[id].list, NULL);
            console_say(c, "filter dropped to show %s", a->object);
            if (view_set_cursor_name(&c->view[id], a->object))
                return;
        }
        page_open_why(c, id, a->object); /* no row of that view: the evidence alone */
    }
}

bool can_worst(const struct console *c, int action, char *why, size_t cap)
{
    struct alerts_sum s;

    (void)action;
    alerts_sum(c, &s);
    if (!s.worst)
        snprintf(why, cap, "all well: there is no alert to go to");
    return s.worst;
}

void act_worst(struct console *c, int action)
{
    struct alerts_sum s;

    (void)action;
    alerts_sum(c, &s);
    if (s.worst)
        alerts_go(c, s.worst);
}

/* The alert meant: the one under the cursor in the list of alerts, else the worst. */
static const struct alert_row *chosen(const struct console *c)
{
    const struct view *v = &c->view[c->at];
    const struct alert_row *sorted[256];
    struct alerts_sum s;

    if (c->at == VIEW_EVENTS && !c->page && v->variant == 1)
        return view_cursor_row(v);
    if (c->at == VIEW_DECK && !c->page && v->part == 2) {
        size_t n = alerts_sorted(c, sorted, 256);
        return v->part_row[2] < (int)n ? sorted[v->part_row[2]] : NULL;
    }
    alerts_sum(c, &s);
    return s.worst;
}

bool can_ack(const struct console *c, int action, char *why, size_t cap)
{
    const struct alert_row *a = chosen(c);

    (void)action;
    if (!a)
        snprintf(why, cap, "all well: there is no alert to acknowledge");
    else if (a->ended_ms)
        snprintf(why, cap, "%s: this alert is over", a->object);
    else if (a->acked)
        snprintf(why, cap, "%s: %s has taken this alert", a->object, a->acked_by);
    return a && !a->ended_ms && !a->acked;
}

static void ack_done(struct console *c, void *owner, struct reply *r)
{
    (void)owner;
    if (r->code == 0)
        console_say(c, "acknowledged: it stays in the list with your name, and returns if it gets worse");
}

void alerts_ack(struct console *c, const struct alert_row *a)
{
    request_change(c, "alert.ack", json_pack("{s:I}", "id", (json_int_t)a->id), ack_done, NULL);
}

void act_ack(struct console *c, int action)
{
    const struct alert_row *a = chosen(c);

    (void)action;
    if (a)
        alerts_ack(c, a);
}
