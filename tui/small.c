/* Below 80x24: what matters in what room there is, down to four lines. Console thread. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/alerts.h"
#include "tui/ask.h"
#include "tui/frame.h"
#include "tui/lines.h"
#include "tui/shell.h"
#include "tui/state.h"
#include "tui/tickets.h"
#include "widgets/cells.h"
#include "widgets/toast.h"

enum { SMALL_ROWS = 10, SMALL_COLS = 40 };

static void count_vms(const struct console *c, size_t n[VM_STATE_COUNT])
{
    const struct table_view *tv = c->snap->tables[TABLE_VMS];

    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct vm_row *vm = view_at(tv, i);
        n[vm->state < VM_STATE_COUNT ? vm->state : VM_STATE_UNKNOWN]++;
    }
}

static void tiny(const struct console *c, struct canvas all)
{
    size_t n[VM_STATE_COUNT] = {0};
    struct alerts_sum s;
    char text[96];

    count_vms(c, n);
    alerts_sum(c, &s);
    int at = 1 + canvas_put(all, 0, 1, ROLE_HEADER, c->snap->meta.fleet) + 2;
    if (s.worst) {
        snprintf(text, sizeof text, "%s %s", alerts_level_word(s.worst), s.worst->object);
        canvas_put(all, 0, at, alerts_role(s.worst), text);
    } else {
        canvas_put(all, 0, at, ROLE_OK, "all well");
    }
    canvas_printf(all, 1, 1, ROLE_BASE, "%zu of %zu VMs run", n[VM_STATE_RUNNING],
                  c->snap->tables[TABLE_VMS]->n_rows);
    canvas_printf(all, 2, 1, ROLE_BASE, "too small: %dx%d", c->cols, c->rows);
    canvas_put(all, 3, 1, ROLE_KEY, "q");
    canvas_put(all, 3, 3, ROLE_BASE, "leave");
}

/* "7 running   2 stopped": what counts anything, most useful first. */
static void format_counts(const size_t *n, const char *const *names, const unsigned *order,
                          size_t n_order, char *buf, size_t cap)
{
    size_t at = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < n_order && at < cap; i++)
        if (n[order[i]])
            at += (size_t)snprintf(buf + at, cap - at, "%s%zu %s", at ? "   " : "", n[order[i]],
                                   names[order[i]]);
}

static int put_counts(const struct console *c, struct canvas all, int row)
{
    static const unsigned vm_order[] = {VM_STATE_RUNNING, VM_STATE_STOPPED, VM_STATE_FAILED,
                                        VM_STATE_UNKNOWN};
    static const unsigned peer_order[] = {PEER_HEALTHY, PEER_DOWN, PEER_STALE, PEER_ONE_WAY,
                                          PEER_MISMATCH, PEER_CLAIMED, PEER_NEVER};
    const struct table_view *peers = c->snap->tables[TABLE_PEERS];
    size_t vms[VM_STATE_COUNT] = {0}, verdicts[PEER_VERDICT_COUNT] = {0}, more;
    char text[160];

    count_vms(c, vms);
    for (size_t i = 0; i < peers->n_rows; i++) {
        const struct peer_row *p = view_at(peers, i);
        verdicts[p->verdict < PEER_VERDICT_COUNT ? p->verdict : PEER_NEVER]++;
    }
    format_counts(vms, vm_state_names, vm_order, 4, text, sizeof text);
    canvas_printf(all, row++, 1, ROLE_BASE, "VMS    %3zu   %s", c->snap->tables[TABLE_VMS]->n_rows, text);
    format_counts(verdicts, peer_verdict_names, peer_order, 7, text, sizeof text);
    canvas_printf(all, row++, 1, ROLE_BASE, "MESH   %3zu   %s", peers->n_rows, text);
    const struct ticket_row *t = tickets_running_own(c, &more);
    if (t)
        canvas_printf(all, row++, 1, ROLE_BASE, "TICKET %3" PRIu64 "   %s, %u of %u", t->id, t->command,
                      t->step > 0 ? t->step - 1 : 0, t->steps);
    if (shells_count(c)) {
        int rows, cols;
        shells_size(c, &rows, &cols);
        canvas_printf(all, row++, 1, ROLE_BASE, "SHELLS %3u   kept at %dx%d, nothing is lost",
                      shells_count(c), cols, rows);
    }
    return row;
}

static void draw_header(const struct console *c, struct canvas all, const struct alerts_sum *s)
{
    enum role role = console_is_production(c) ? ROLE_HEADER_PROD : ROLE_HEADER;
    char text[128], fresh[32], since[FMT_MAX];

    canvas_fill(all, 0, 0, all.cols, role);
    frame_freshness(c, fresh, sizeof fresh);
    canvas_printf(all, 0, 1, role, "%s%s%s / %s  %s", console_is_production(c) ? "PROD " : "",
                  c->snap->meta.demo ? "DEMO " : "", c->snap->meta.fleet, c->snap->meta.node, fresh);
    if (s->worst)
        snprintf(text, sizeof text, "%s %s %s since %s", alerts_level_word(s->worst), s->worst->object,
                 s->worst->verdict, fmt_hm(since, &c->clock, s->worst->since_ms));
    else
        snprintf(text, sizeof text, "all well");
    canvas_put(all, 0, all.cols - 1 - cells_width(text), s->worst ? alerts_role(s->worst) : role, text);
}

void small_draw(struct console *c)
{
    struct canvas all = canvas_of(c->grid);
    struct alerts_sum s;
    char text[400];
    int row = 2;

    if (c->rows < SMALL_ROWS || c->cols < SMALL_COLS) {
        tiny(c, all);
        return;
    }
    alerts_sum(c, &s);
    draw_header(c, all, &s);
    if (c->ask) {
        ask_draw(c, all);
        return;
    }
    canvas_printf(all, row++, 1, ROLE_BASE, "This window is %dx%d. meshdeck needs 80x24.", c->cols, c->rows);
    canvas_put(all, row++, 1, ROLE_BASE, "Make it larger or the font smaller (often Ctrl -).");
    row = put_counts(c, all, row + 1) + 1;
    if (toast_format(&c->toast, c->now_ms, text, sizeof text)) {
        row = lines_put_wrapped(canvas_part(all, 0, 1, all.rows - 2, all.cols - 2), row, c->toast.role, text);
    } else if (s.worst && row < all.rows - 2) {
        canvas_put(all, row, 1, alerts_role(s.worst), alerts_level_word(s.worst));
        alerts_format_sentence(c, s.worst, text, sizeof text);
        lines_put_wrapped(canvas_part(all, 0, 7, all.rows - 2, all.cols - 9), row, ROLE_BASE, text);
    }
    canvas_put(all, all.rows - 1, 1, ROLE_BASE, "q leave   ? help   it comes back by itself");
}
