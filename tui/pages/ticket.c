/* The page of one ticket: its steps, the kernel's own text, what was undone, the guest's serial tail. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/frame.h"
#include "tui/lines.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/tickets.h"
#include "widgets/cells.h"
#include "widgets/spark.h"
#include "widgets/xmem.h"

enum { NAME_COL = 5, DETAIL_COL = 28, SERIAL_LINES = 3, BAR_END = 11 };

struct ticket_page {
    struct page page;
    uint64_t id;
    struct ticket_row last;
    struct detail detail;
    int top, cursor; /* cursor in the steps; -1: none */
};

static void want(struct ticket_page *p)
{
    const struct ticket_row *t = tickets_find(p->page.c_b, p->id);
    char name[24];

    if (t)
        p->last = *t;
    snprintf(name, sizeof name, "%" PRIu64, p->id);
    detail_want(p->page.c_b, &p->detail, "ticket.detail", name, p->id,
                detail_stamp(&p->last, sizeof p->last));
}

static void ticket_turn(struct page *page)
{
    want((struct ticket_page *)page);
}

static void draw_head(struct ticket_page *p, struct canvas body)
{
    const struct ticket_row *t = &p->last;
    char left[200], right[80], when[FMT_MAX], steps[32];
    uint32_t done = t->state == TICKET_DONE ? t->steps : t->step > 0 ? t->step - 1 : 0;

    snprintf(left, sizeof left, "Ticket %" PRIu64 "   %s   by %s", p->id, t->command, t->by);
    snprintf(right, sizeof right, "%s %s",
             t->state == TICKET_DONE ? "done" : t->state == TICKET_FAILED ? "failed" : "started",
             fmt_hms(when, &p->page.c_b->clock, tickets_is_over(t) ? t->ended_ms : t->started_ms));
    frame_title(canvas_part(body, 0, 0, 1, body.cols), left, right);
    if (t->steps == 0)
        return;
    snprintf(steps, sizeof steps, "%" PRIu32 " of %" PRIu32, done, t->steps);
    spark_draw_bar(body, 2, 1, body.cols - BAR_END, t->state == TICKET_FAILED ? ROLE_CRIT : ROLE_SPARK,
                   done, t->steps);
    canvas_put(body, 2, body.cols - 1 - cells_width(steps), ROLE_BASE, steps);
}

static struct {
    char ascii;
    uint32_t utf8;
    enum role role;
} const step_glyph[] = {
    {'+', 0x25CF, ROLE_OK}, {'~', 0x25D0, ROLE_BUSY}, {'!', 0x2717, ROLE_CRIT}, {' ', ' ', ROLE_DIM}};

static int glyph_of(const char *state)
{
    return strcmp(state, "done") == 0 ? 0 : strcmp(state, "running") == 0 ? 1
           : strcmp(state, "failed") == 0 ? 2 : 3;
}

static void draw_step(struct canvas body, int row, json_t *step, bool cursor)
{
    const char *name = json_string_value(json_object_get(step, "name"));
    const char *text = json_string_value(json_object_get(step, "detail"));
    const char *state = json_string_value(json_object_get(step, "state"));
    const json_t *ms = json_object_get(step, "ms");
    int g = glyph_of(state ? state : "");
    char took[FMT_MAX] = "";

    canvas_glyph(body, row, 1, step_glyph[g].role, step_glyph[g].utf8, step_glyph[g].ascii);
    int n = (int)json_integer_value(json_object_get(step, "n"));
    if (n < 100)
        canvas_printf(body, row, 2, ROLE_BASE, "%2d", n);
    canvas_put(body, row, NAME_COL, g == 3 ? ROLE_DIM : ROLE_BASE, name ? name : "");
    if (json_is_integer(ms) && g != 3)
        fmt_took(took, json_integer_value(ms));
    canvas_put(body, row, body.cols - 1 - cells_width(took), ROLE_DIM, took);
    canvas_put(canvas_part(body, 0, 0, body.rows, body.cols - 10), row, DETAIL_COL,
               g == 2 ? ROLE_CRIT : ROLE_BASE, text ? text : "");
    if (cursor)
        canvas_restyle(body, row, 0, body.cols, ROLE_CURSOR);
}

static int draw_texts(const struct detail *d, const char *field, struct canvas c, int row, int most)
{
    json_t *a = detail_array(d, field);
    size_t n = json_array_size(a), from = (int)n > most ? n - (size_t)most : 0;

    for (size_t i = from; i < n && row < c.rows; i++, row++) {
        const char *s = json_string_value(json_array_get(a, i));
        canvas_put(c, row, 1, ROLE_BASE, s ? s : "");
    }
    return row;
}

static void ticket_draw(struct page *page, struct canvas body)
{
    struct ticket_page *p = (struct ticket_page *)page;
    int row = 4;
    json_t *steps;

    want(p);
    draw_head(p, body);
    steps = detail_array(&p->detail, "list");
    size_t n = json_array_size(steps), room = (size_t)(body.rows - row - 7);
    size_t top = p->cursor >= (int)room ? (size_t)p->cursor - room + 1 : 0;
    for (size_t i = top; i < n && i - top < room; i++)
        draw_step(body, row++, json_array_get(steps, i), (int)i == p->cursor);
    if (!steps)
        canvas_put(body, row++, 1, ROLE_DIM, p->detail.error[0] ? p->detail.error : "asking the engine");
    row++;
    if (p->last.state == TICKET_FAILED) {
        row = lines_put_wrapped(canvas_part(body, 0, 1, body.rows, body.cols - 2), row, ROLE_CRIT,
                                p->last.error);
        if (p->last.undone[0])
            row = lines_put_wrapped(canvas_part(body, 0, 1, body.rows, body.cols - 2), row, ROLE_BASE,
                                    p->last.undone);
        row = draw_texts(&p->detail, "undone", body, row, 6);
        return;
    }
    if (json_array_size(detail_array(&p->detail, "serial")) > 0) {
        canvas_printf(body, row++, 1, ROLE_COLHEAD, "SERIAL  %s", detail_text(&p->detail, "vm"));
        row = draw_texts(&p->detail, "serial", body, row, SERIAL_LINES) + 1;
    }
    if (!tickets_is_over(&p->last))
        canvas_put(body, row, 1, ROLE_DIM,
                   "If a step fails, what was done is undone in reverse and the reason stays here.");
}

static bool ticket_status(struct page *page, char *buf, size_t cap, enum role *role)
{
    unsigned running, failed, done;

    (void)role;
    tickets_count(page->c_b, &running, &failed, &done);
    snprintf(buf, cap, "Tickets: %u running, %u failed, %u done today", running, failed, done);
    return true;
}

static bool ticket_action(struct page *page, int action)
{
    struct ticket_page *p = (struct ticket_page *)page;
    json_t *steps = detail_array(&p->detail, "list");
    int n = (int)json_array_size(steps);
    int by = action == ACT_UP ? -1 : action == ACT_DOWN ? 1 : action == ACT_PAGE_UP ? -8
             : action == ACT_PAGE_DOWN ? 8 : action == ACT_FIRST ? -n : action == ACT_LAST ? n : 0;

    if (by && n) {
        p->cursor = p->cursor + by < 0 ? 0 : p->cursor + by >= n ? n - 1 : p->cursor + by;
        return true;
    }
    if (action == ACT_OPEN && n) {
        json_t *s = json_array_get(steps, (size_t)(p->cursor < 0 ? n - 1 : p->cursor));
        const char *name = json_string_value(json_object_get(s, "name"));
        const char *text = json_string_value(json_object_get(s, "detail"));
        page_open_text(page->c_b, name ? name : "step", text ? text : "");
        return true;
    }
    return false;
}

static bool ticket_subject(const struct page *page, enum view_id *view, char *name, size_t cap)
{
    *view = VIEW_TICKETS;
    snprintf(name, cap, "%" PRIu64, ((const struct ticket_page *)page)->id);
    return true;
}

static int ticket_wait(const struct page *page)
{
    return detail_wait_ms(page->c_b, &((const struct ticket_page *)page)->detail);
}

static void ticket_free(struct page *page)
{
    detail_done(page->c_b, &((struct ticket_page *)page)->detail);
    free(page);
}

static const struct hint hints[] = {
    {ACT_BACK, "hide, work goes on"}, {ACT_TICKET_CANCEL, NULL}, {ACT_TICKET_RETRY, NULL},
    {ACT_OPEN, "this step"}, {ACT_VIEW_TICKETS, "all"}, {ACT_HELP, NULL}, {0, NULL},
};

static const struct page_ops ops = {
    .name = "Ticket",
    .contexts = {CTX_TICKETS, CTX_LIST, CTX_MOVE, -1},
    .hints = hints,
    .draw = ticket_draw,
    .action = ticket_action,
    .turn = ticket_turn,
    .status = ticket_status,
    .wait_ms = ticket_wait,
    .subject = ticket_subject,
    .free = ticket_free,
};

void page_open_ticket(struct console *c, uint64_t id)
{
    struct ticket_page *p = xmem_new(1, sizeof *p);

    page_init(&p->page, &ops, c);
    p->id = id;
    p->cursor = -1;
    p->last.command[0] = '\0';
    p->last.verb = p->last.object = p->last.step_name = p->last.error = p->last.by = p->last.undone = "";
    want(p);
    console_push_page(c, &p->page);
}
