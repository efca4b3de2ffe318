/* The page of one object as {label, text} lines, and the evidence page (`w`). Console thread. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/copy.h"
#include "tui/frame.h"
#include "tui/lines.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/mesh_scale.h"
#include "widgets/xmem.h"

enum { TEXT_ROOM = 16 * 1024 };

struct lines_page {
    struct page page;
    enum view_id view;
    char verb[32], name[VIEW_NAME];
    uint64_t id;
    struct detail detail;
    int top, end; /* first line in sight; how many rows all took */
    bool why;
};

/* The row it is about, and what that row says now. */
static const void *row_of(const struct lines_page *p, uint64_t *ret_stamp)
{
    const struct view *v = &p->page.c_b->view[p->view];
    const struct table_view *tv = p->page.c_b->snap->tables[v->ops->table];
    struct peer_row peer = {0};

    *ret_stamp = 0;
    if (p->view == VIEW_MESH) {
        xmem_copy_text(peer.name, sizeof peer.name, p->name);
        const void *row = view_find(tv, &peer);
        *ret_stamp = row ? detail_stamp(row, tv->type->size) : 0;
        return row;
    }
    *ret_stamp = tv->version;
    return NULL;
}

static const void *want(struct lines_page *p)
{
    uint64_t stamp;
    const void *row = row_of(p, &stamp);

    detail_want(p->page.c_b, &p->detail, p->verb, p->name, p->id, stamp);
    return row;
}

static void lines_turn(struct page *page)
{
    want((struct lines_page *)page);
}

static void lines_draw_page(struct page *page, struct canvas body)
{
    struct lines_page *p = (struct lines_page *)page;
    struct canvas c = canvas_part(body, 2, 1, body.rows - 2, body.cols - 2);
    const void *row = want(p);
    char left[160];
    int at = -p->top;

    snprintf(left, sizeof left, "%s > %s%s", page->c_b->view[p->view].ops->tab, p->name,
             p->why ? "   why" : "");
    frame_title(canvas_part(body, 0, 0, 1, body.cols), left,
                p->why || p->view == VIEW_EVENTS ? "" : "n N next, previous");
    if (row && !p->why) {
        mesh_draw_peer(page->c_b, &p->detail, row, c, p->top, "");
        p->end = 60;
        return;
    }
    if (p->detail.error[0])
        at = lines_put_wrapped(c, at, ROLE_WARN, p->detail.error);
    else if (!p->detail.body)
        canvas_put(c, 0, 0, ROLE_DIM, "asking the engine");
    at = lines_draw(&p->detail, c, at);
    static const char *const texts[] = {"command", "before", "after"};
    for (unsigned i = 0; i < XMEM_LEN(texts); i++) {
        const char *text = detail_text(&p->detail, texts[i]);
        if (!text[0])
            continue;
        at++;
        if (at >= 0)
            canvas_put(c, at, 0, ROLE_DIM, texts[i]);
        at = lines_put_wrapped(canvas_part(c, 0, LINES_LABEL_COLS, c.rows, c.cols - LINES_LABEL_COLS), at,
                               ROLE_BASE, text);
    }
    p->end = at + p->top;
}

static void go_next(struct lines_page *p, int by)
{
    struct console *c = p->page.c_b;
    struct view *v = &c->view[p->view];
    const void *row;

    if (c->at != p->view || !v->list || !list_step(v->list, by) || !(row = view_cursor_row(v))) {
        console_say_dim(c, "no more that way");
        return;
    }
    v->ops->row_name(row, p->name, sizeof p->name);
    if (p->id)
        memcpy(&p->id, row, sizeof p->id);
    p->top = 0;
    want(p);
}

static bool lines_action(struct page *page, int action)
{
    struct lines_page *p = (struct lines_page *)page;
    char text[TEXT_ROOM];

    switch (action) {
    case ACT_UP:
        p->top -= p->top > 0;
        return true;
    case ACT_DOWN:
        p->top += p->top < p->end - 1;
        return true;
    case ACT_PAGE_UP:
        p->top = p->top > 10 ? p->top - 10 : 0;
        return true;
    case ACT_PAGE_DOWN:
        p->top = p->top + 10 < p->end ? p->top + 10 : p->top;
        return true;
    case ACT_FIRST:
        p->top = 0;
        return true;
    case ACT_LAST:
        p->top = p->end > 5 ? p->end - 5 : 0;
        return true;
    case ACT_NEXT:
    case ACT_PREV:
        go_next(p, action == ACT_NEXT ? 1 : -1);
        return true;
    case ACT_COPY:
        lines_format(&p->detail, text, sizeof text);
        copy_text(page->c_b, text, strlen(text), "all lines");
        return true;
    default:
        return false;
    }
}

static bool lines_subject(const struct page *page, enum view_id *view, char *name, size_t cap)
{
    const struct lines_page *p = (const struct lines_page *)page;

    *view = p->view;
    xmem_copy_text(name, cap, p->name);
    return p->view != VIEW_EVENTS;
}

static int lines_wait(const struct page *page)
{
    const struct lines_page *p = (const struct lines_page *)page;
    uint64_t stamp;
    const struct peer_row *row = row_of(p, &stamp);
    int wait = detail_wait_ms(page->c_b, &p->detail);
    int age = row && !p->why ? fmt_age_wait_ms(row->handshake_ms, page->c_b->clock.now_ms) : -1;

    return age >= 0 && (wait < 0 || age < wait) ? age : wait;
}

static void lines_free(struct page *page)
{
    detail_done(page->c_b, &((struct lines_page *)page)->detail);
    free(page);
}

static const struct hint hints[] = {
    {ACT_BACK, NULL}, {ACT_PEER_TRY, NULL}, {ACT_PEER_REMOVE, NULL}, {ACT_WHY, NULL},
    {ACT_COPY, "copy all"}, {ACT_HELP, NULL}, {0, NULL},
};

#define LINES_OPS(context)                                                                         \
    {                                                                                              \
        .name = "detail", .contexts = {context, CTX_LIST, CTX_MOVE, -1}, .hints = hints,           \
        .draw = lines_draw_page, .action = lines_action, .turn = lines_turn,                       \
        .wait_ms = lines_wait, .subject = lines_subject, .free = lines_free,                       \
    }

/* The keys of the object's own view work on its page. */
static const struct page_ops ops_of[VIEW_COUNT] = {
    [VIEW_DECK] = LINES_OPS(CTX_DECK),     [VIEW_VMS] = LINES_OPS(CTX_VMS),
    [VIEW_MESH] = LINES_OPS(CTX_MESH),     [VIEW_ROUTES] = LINES_OPS(CTX_ROUTES),
    [VIEW_NETS] = LINES_OPS(CTX_NETS),     [VIEW_NODES] = LINES_OPS(CTX_NODES),
    [VIEW_IMAGES] = LINES_OPS(CTX_IMAGES), [VIEW_EVENTS] = LINES_OPS(CTX_EVENTS),
    [VIEW_SHELLS] = LINES_OPS(CTX_SHELLS), [VIEW_TICKETS] = LINES_OPS(CTX_TICKETS),
};

static void open_page(struct console *c, enum view_id view, const char *verb, const char *name,
                      uint64_t id, bool why)
{
    struct lines_page *p = xmem_new(1, sizeof *p);

    page_init(&p->page, &ops_of[view], c);
    p->view = view;
    p->id = id;
    p->why = why;
    xmem_copy_text(p->verb, sizeof p->verb, verb);
    xmem_copy_text(p->name, sizeof p->name, name);
    want(p);
    console_push_page(c, &p->page);
}

void page_open_lines(struct console *c, enum view_id view, const char *verb, const char *name,
                     uint64_t id)
{
    open_page(c, view, verb, name, id, false);
}

void page_open_why(struct console *c, enum view_id view, const char *object)
{
    char verb[32];

    snprintf(verb, sizeof verb, "why %s", view_table[view]->name);
    open_page(c, view, verb, object, 0, true);
}
