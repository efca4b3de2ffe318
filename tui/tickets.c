/* This session's own tickets and what is said of them. Console thread. */
#include "tui/tickets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/fmt.h"
#include "tui/state.h"
#include "widgets/cells.h"
#include "widgets/spark.h"
#include "widgets/term.h"

enum { BAR_COLS = 18 };

bool tickets_is_over(const struct ticket_row *t)
{
    return t->state == TICKET_DONE || t->state == TICKET_FAILED;
}

const struct ticket_row *tickets_find(const struct console *c, uint64_t id)
{
    struct ticket_row key = {.id = id};

    return view_find(c->snap->tables[TABLE_TICKETS], &key);
}

bool tickets_is_own(const struct console *c, uint64_t id)
{
    for (size_t i = 0; i < c->n_own; i++)
        if (c->own[i] == id)
            return true;
    return false;
}

void tickets_own(struct console *c, uint64_t id)
{
    if (tickets_is_own(c, id))
        return;
    if (c->n_own == OWN_TICKETS)
        c->n_own--;
    memmove(&c->own[1], &c->own[0], c->n_own * sizeof c->own[0]);
    c->own[0] = id;
    c->n_own++;
}

const struct ticket_row *tickets_running_own(const struct console *c, size_t *ret_more)
{
    const struct ticket_row *first = NULL;
    size_t n = 0;

    for (size_t i = 0; i < c->n_own; i++) {
        const struct ticket_row *t = tickets_find(c, c->own[i]);
        if (!t || tickets_is_over(t))
            continue;
        if (n++ == 0)
            first = t;
    }
    *ret_more = n > 0 ? n - 1 : 0;
    return first;
}

static void tell_end(struct console *c, const struct ticket_row *t)
{
    char took[FMT_MAX];
    const char *name = t->object;

    fmt_took(took, t->ended_ms - t->started_ms);
    if (t->state == TICKET_FAILED) {
        console_say_error(c, "%s failed%s%s. %s%s%s", t->command,
                          t->step_name[0] ? " at " : "", t->step_name, t->error,
                          t->undone[0] ? "; " : "", t->undone);
        return;
    }
    if (strcmp(t->verb, "vm.create") == 0 || strcmp(t->verb, "vm.start") == 0)
        console_say(c, "%s runs, SSH ready after %s: e opens it", name, took);
    else
        console_say(c, "%s: done in %s", t->command, took);
    if (prefs_is(&c->set, SET_BELL, "done") && c->term)
        term_bell(c->term);
}

void tickets_turn(struct console *c)
{
    for (size_t i = c->n_own; i-- > 0;) {
        const struct ticket_row *t = tickets_find(c, c->own[i]);
        if (!t || !tickets_is_over(t))
            continue;
        tell_end(c, t);
        c->n_own--;
        memmove(&c->own[i], &c->own[i + 1], (c->n_own - i) * sizeof c->own[0]);
    }
}

void tickets_draw_line(const struct console *c, struct canvas row, const struct ticket_row *t,
                       size_t more)
{
    char text[256], plus[32] = "";
    uint32_t done = t->step > 0 ? t->step - 1 : 0;

    (void)c;
    if (more)
        snprintf(plus, sizeof plus, "  +%zu", more);
    snprintf(text, sizeof text, " ticket %" PRIu64 "  %s  step %" PRIu32 " of %" PRIu32 ": %s%s", t->id,
             t->command, t->step, t->steps, t->step_name, plus);
    int at = canvas_put(row, 0, 0, ROLE_BASE, text) + 2;
    if (at + BAR_COLS <= row.cols && t->steps > 0)
        spark_draw_bar(row, 0, at, BAR_COLS, ROLE_SPARK, done, t->steps);
}

void tickets_count(const struct console *c, unsigned *running, unsigned *failed, unsigned *done)
{
    const struct table_view *tv = c->snap->tables[TABLE_TICKETS];

    *running = *failed = *done = 0;
    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct ticket_row *t = view_at(tv, i);
        if (!tickets_is_over(t))
            (*running)++;
        else if (fmt_is_today(&c->clock, t->ended_ms))
            (*(t->state == TICKET_FAILED ? failed : done))++;
    }
}

const struct ticket_row *tickets_cause(const struct console *c, const char *object, int64_t at_ms)
{
    const struct table_view *tv = c->snap->tables[TABLE_TICKETS];

    for (size_t i = tv->n_rows; i-- > 0;) {
        const struct ticket_row *t = view_at(tv, i);
        if (strcmp(t->object, object) == 0 && t->started_ms <= at_ms &&
            (t->ended_ms == 0 || t->ended_ms >= at_ms))
            return t;
    }
    return NULL;
}
