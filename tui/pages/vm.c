/* The page of one VM: addresses, use, process, serial tail, journal. Console thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/copy.h"
#include "tui/frame.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "tui/views/vm_parts.h"
#include "widgets/cells.h"
#include "widgets/xmem.h"

enum { LEFT_COL = 1, RIGHT_COL = 42, HEAD_ROWS = 12 };

struct vm_page {
    struct page page;
    char name[32];
    struct detail detail;
    struct vm_row last; /* the row as it was when the VM was last there */
    bool gone;
    int journal; /* cursor in it; -1: none */
};

static void want(struct vm_page *p)
{
    const struct vm_row *vm = vm_by_name(p->page.c_b, p->name);

    p->gone = !vm;
    if (!vm)
        return;
    p->last = *vm;
    detail_want(p->page.c_b, &p->detail, "vm.detail", p->name, 0, detail_stamp(vm, sizeof *vm));
}

static void vm_turn(struct page *page)
{
    want((struct vm_page *)page);
}

static void draw_title(struct vm_page *p, struct canvas row)
{
    const struct console *c = p->page.c_b;
    const struct view *v = &c->view[VIEW_VMS];
    char left[160], right[64] = "", since[FMT_MAX], pos[FMT_MAX], all[FMT_MAX];
    struct glyph g = glyph_vm(&p->last);

    snprintf(left, sizeof left, "VMs > %s", p->name);
    size_t at = list_cursor_position(v->list);
    if (at)
        snprintf(right, sizeof right, "%s of %s, n N next VM", fmt_count(pos, at),
                 fmt_count(all, list_shown(v->list)));
    frame_title(row, left, right);
    int col = 1 + cells_width(left) + 3;
    if (p->gone) {
        canvas_put(row, 0, col, ROLE_REMOVED, "gone: what follows is the last that was known");
        return;
    }
    canvas_glyph(row, 0, col, g.role, g.utf8, g.ascii);
    col += 2 + canvas_put(row, 0, col + 2, g.role, vm_state_names[p->last.state]);
    canvas_printf(row, 0, col, ROLE_BASE, " since %s", fmt_hm(since, &c->clock, p->last.since_ms));
}

static void vm_draw(struct page *page, struct canvas body)
{
    struct vm_page *p = (struct vm_page *)page;
    int room = body.rows - HEAD_ROWS - 2, journal = room * 3 / 7, serial = room - journal;
    struct canvas left = canvas_part(body, 0, LEFT_COL, body.rows, RIGHT_COL - LEFT_COL - 1);
    struct canvas right = canvas_part(body, 0, RIGHT_COL, body.rows, body.cols - RIGHT_COL - 3);
    struct canvas wide = canvas_part(body, 0, LEFT_COL, body.rows, body.cols - LEFT_COL - 1);
    int row;

    want(p);
    draw_title(p, canvas_part(body, 0, 0, 1, body.cols));
    vm_parts_addresses(&p->detail, &p->last, left, 2);
    row = vm_parts_use(&p->detail, &p->last, right, 2) + 1;
    vm_parts_process(&p->detail, &p->last, canvas_part(body, 0, RIGHT_COL, body.rows, body.cols - RIGHT_COL),
                     row);
    const char *why = p->detail.error[0] ? p->detail.error : p->last.reason;
    if (why[0])
        canvas_printf(wide, HEAD_ROWS - 1, 0, ROLE_WARN, "why      %s", why);
    static const char log[] = "o opens the log, t types on it", pick[] = "Tab, then Enter for one entry";
    row = vm_parts_serial(&p->detail, wide, HEAD_ROWS, serial);
    canvas_put(wide, HEAD_ROWS, wide.cols - (int)sizeof log + 1, ROLE_DIM, log);
    vm_parts_journal(p->page.c_b, &p->detail, wide, row, journal, p->journal);
    canvas_put(wide, row, wide.cols - (int)sizeof pick + 1, ROLE_DIM, pick);
    if (p->gone)
        for (int i = 1; i < body.rows; i++)
            canvas_restyle(body, i, 0, body.cols, ROLE_STALE);
}

static void go_next(struct vm_page *p, int by)
{
    struct console *c = p->page.c_b;
    struct view *v = &c->view[VIEW_VMS];
    const struct vm_row *vm;

    view_refresh(v);
    if (!list_step(v->list, by)) {
        console_say_dim(c, "no more VMs that way");
        return;
    }
    vm = view_cursor_row(v);
    if (vm) {
        xmem_copy_text(p->name, sizeof p->name, vm->name);
        p->journal = -1;
        want(p);
    }
}

static bool vm_action(struct page *page, int action)
{
    struct vm_page *p = (struct vm_page *)page;
    int n = (int)vm_parts_n_journal(&p->detail);
    int by = action == ACT_UP ? -1 : action == ACT_DOWN ? 1 : action == ACT_PAGE_UP ? -10
             : action == ACT_PAGE_DOWN ? 10 : action == ACT_FIRST ? -n : action == ACT_LAST ? n : 0;

    switch (action) {
    case ACT_NEXT:
    case ACT_PREV:
        go_next(p, action == ACT_NEXT ? 1 : -1);
        return true;
    case ACT_PART_NEXT:
    case ACT_PART_PREV:
        p->journal = p->journal < 0 && n > 0 ? 0 : -1;
        return true;
    case ACT_COPY:
        page->c_b->second = SECOND_COPY;
        return true;
    case ACT_OPEN:
        if (p->journal >= 0)
            page_open_lines(page->c_b, VIEW_EVENTS, "event.detail", p->name,
                            vm_parts_journal_id(&p->detail, (size_t)p->journal));
        return true;
    default:
        if (by == 0 || n == 0)
            return false;
        p->journal = p->journal + by < 0 ? 0 : p->journal + by >= n ? n - 1 : p->journal + by;
        return true;
    }
}

static bool vm_subject(const struct page *page, enum view_id *view, char *name, size_t cap)
{
    *view = VIEW_VMS;
    xmem_copy_text(name, cap, ((const struct vm_page *)page)->name);
    return true;
}

static int vm_wait(const struct page *page)
{
    return detail_wait_ms(page->c_b, &((const struct vm_page *)page)->detail);
}

static void vm_free(struct page *page)
{
    detail_done(page->c_b, &((struct vm_page *)page)->detail);
    free(page);
}

static const struct hint hints[] = {
    {ACT_BACK, NULL},    {ACT_VM_SHELL, NULL},  {ACT_VM_SERIAL, NULL}, {ACT_VM_LOG, NULL},
    {ACT_VM_BOOT, NULL}, {ACT_VM_RESUME, NULL}, {ACT_VM_STOP, NULL},   {ACT_VM_RESTART, NULL},
    {ACT_WHY, NULL},     {ACT_COPY, NULL},      {ACT_HELP, NULL},      {ACT_VM_DELETE, NULL},
    {ACT_VM_LIMITS, NULL}, {ACT_NEXT, "next VM"}, {0, NULL},
};

static const struct page_ops ops = {
    .name = "VM",
    .contexts = {CTX_VMS, CTX_LIST, CTX_MOVE, -1},
    .hints = hints,
    .tall = true,
    .draw = vm_draw,
    .action = vm_action,
    .turn = vm_turn,
    .wait_ms = vm_wait,
    .subject = vm_subject,
    .free = vm_free,
};

void page_open_vm(struct console *c, const char *name)
{
    struct vm_page *p = xmem_new(1, sizeof *p);

    page_init(&p->page, &ops, c);
    xmem_copy_text(p->name, sizeof p->name, name);
    p->journal = -1;
    want(p);
    console_push_page(c, &p->page);
}
