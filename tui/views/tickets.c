/* Tickets: what is being done, what failed? */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/tickets.h"
#include "tui/views/views.h"
#include "widgets/xmem.h"

static const struct ticket_row *ticket_of(const void *row)
{
    return row;
}

CELL_NUM(no, struct ticket_row, r->id)
CELL_TEXT(what, struct ticket_row, r->command)
CELL_TEXT(by, struct ticket_row, r->by)

static struct glyph glyph_ticket(const struct ticket_row *t)
{
    switch (t->state) {
    case TICKET_DONE:
        return (struct glyph){0x25CF, '+', ROLE_OK};
    case TICKET_FAILED:
        return (struct glyph){0x2717, '!', ROLE_CRIT};
    default:
        return (struct glyph){0x25D0, '~', ROLE_BUSY};
    }
}

static const char *text_state(void *ctx, const void *row)
{
    uint8_t state = ticket_of(row)->state;

    (void)ctx;
    return ticket_state_names[state < TICKET_STATE_COUNT ? state : TICKET_FAILED];
}

static void show_state(void *ctx, const void *row, struct list_cell *cell)
{
    cell_text(cell, text_state(ctx, row));
    cell->role = glyph_ticket(row).role;
}

static void show_step(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    if (ticket_of(row)->steps)
        snprintf(cell->text, sizeof cell->text, "%u/%u", ticket_of(row)->step, ticket_of(row)->steps);
}

static double num_start(void *ctx, const void *row)
{
    (void)ctx;
    return (double)ticket_of(row)->started_ms;
}

static void show_start(void *ctx, const void *row, struct list_cell *cell)
{
    cell_short_time(ctx, cell, ticket_of(row)->started_ms);
}

static double num_took(void *ctx, const void *row)
{
    const struct ticket_row *t = row;

    (void)ctx;
    return t->ended_ms ? (double)(t->ended_ms - t->started_ms) / 1000 : (double)NAN;
}

static void show_took(void *ctx, const void *row, struct list_cell *cell)
{
    double s = num_took(ctx, row);

    if (!isnan(s))
        snprintf(cell->text, sizeof cell->text, "%.1f", s);
}

static int by_trouble(void *ctx, const void *pa, const void *pb)
{
    const struct ticket_row *a = pa, *b = pb;
    int ra = !tickets_is_over(a) ? 0 : a->state == TICKET_FAILED ? 1 : 2;
    int rb = !tickets_is_over(b) ? 0 : b->state == TICKET_FAILED ? 1 : 2;

    (void)ctx;
    return ra != rb ? ra - rb : (a->id < b->id) - (a->id > b->id);
}

static void show_nothing(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    (void)row;
    cell->text[0] = '\0';
}

static const struct list_column columns[] = {
    {"no", "NO", 6, false, CELLS_RIGHT, 1, 'n', .descending = true, .format = show_no,
     .number = num_no},
    {"what", "WHAT", 20, true, CELLS_LEFT, 1, 'w', .format = show_what, .text = text_what},
    {"state", "STATE", 9, false, CELLS_LEFT, 1, 's', .meaning = true, .format = show_state,
     .text = text_state},
    {"step", "STEP", 7, false, CELLS_RIGHT, 2, 'p', .format = show_step},
    {"by", "BY", 10, false, CELLS_LEFT, 3, 'b', .format = show_by, .text = text_by},
    {"start", "START", 8, false, CELLS_LEFT, 2, 't', .descending = true, .format = show_start,
     .number = num_start},
    {"took", "TOOK s", 7, false, CELLS_RIGHT, 3, 'k', .descending = true, .format = show_took,
     .number = num_took},
    {"trouble", "TROUBLE", 4000, false, CELLS_LEFT, 6, 'x', .format = show_nothing,
     .compare = by_trouble},
};

static uint32_t tickets_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    (void)v;
    return glyph_put(glyph_ticket(row), utf8, role);
}

static void tickets_name(const void *row, char *buf, size_t cap)
{
    snprintf(buf, cap, "%" PRIu64, ticket_of(row)->id);
}

static bool tickets_status(const struct view *v, const void *row, char *buf, size_t cap)
{
    const struct ticket_row *t = row;

    (void)v;
    if (t->state != TICKET_FAILED)
        return false;
    snprintf(buf, cap, "%s failed%s%s: %s%s%s", t->command, t->step_name[0] ? " at " : "",
             t->step_name, t->error, t->undone[0] ? "; " : "", t->undone);
    return true;
}

static void tickets_empty(const struct view *v, char *buf, size_t cap)
{
    (void)v;
    snprintf(buf, cap, "Nothing has been done yet: each change that is asked for gets a ticket here.");
}

static void tickets_open(struct view *v, const void *row)
{
    page_open_ticket(v->c_b, ticket_of(row)->id);
}

static const struct hint hints[] = {
    {ACT_OPEN, NULL},   {ACT_TICKET_CANCEL, NULL}, {ACT_TICKET_RETRY, NULL}, {ACT_FILTER, NULL},
    {ACT_SORT, NULL},   {ACT_HELP, NULL},          {ACT_QUIT, NULL},         {0, NULL},
};

const struct view_ops view_tickets = {
    .name = "tickets",
    .tab = "Tickets",
    .question = "what is being done, and what failed",
    .table = TABLE_TICKETS,
    .context = CTX_TICKETS,
    .columns = columns,
    .n_columns = XMEM_LEN(columns),
    .sort = "trouble",
    .detail = NULL,
    .hints = hints,
    .glyph = tickets_glyph,
    .row_name = tickets_name,
    .status = tickets_status,
    .empty = tickets_empty,
    .open = tickets_open,
};
