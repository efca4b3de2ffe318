/* Pages of running text: serial logs, plain text, options, keys. Console thread. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/copy.h"
#include "tui/frame.h"
#include "tui/overlay.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/vm_parts.h"
#include "widgets/pager.h"
#include "widgets/xmem.h"

enum { LOG_LINES = 10000, COPY_ROOM = 64 * 1024, LOG_AGAIN_MS = 2000, PLAIN_ROOM = 256 * 1024 };

struct text_page {
    struct page page;
    char title[160], vm[32]; /* vm: a log that is asked for again and again */
    struct pager *pager;
    struct detail detail;
    struct json_t *shown_b; /* the answer that the pager holds */
    bool plain;             /* the picture as text, without a frame */
    char word[128];
};

static void want(struct text_page *p)
{
    struct console *c = p->page.c_b;

    if (!p->vm[0])
        return;
    /* A log has no row that changes with it: it is read again by time while it is followed. */
    uint64_t stamp = pager_is_following(p->pager) ? (uint64_t)(c->now_ms / LOG_AGAIN_MS) : 0;
    detail_want(c, &p->detail, "vm.log", p->vm, 0, stamp ? stamp : p->detail.asked_stamp);
    if (p->detail.body == p->shown_b)
        return;
    json_t *lines = detail_array(&p->detail, "lines"), *line;
    size_t i, at = 0, room = 1;
    json_array_foreach(lines, i, line)
        room += json_string_length(line) + 1;
    char *text = xmem_new(room, 1);
    json_array_foreach(lines, i, line) {
        size_t len = json_string_length(line);
        memcpy(text + at, json_string_value(line), len);
        at += len;
        text[at++] = '\n';
    }
    pager_set_text(p->pager, text, at);
    free(text);
    p->shown_b = p->detail.body;
}

static void text_draw(struct page *page, struct canvas body)
{
    struct text_page *p = (struct text_page *)page;
    char right[96];
    size_t first, last;

    want(p);
    if (p->plain) {
        pager_draw(p->pager, body);
        return;
    }
    struct canvas c = canvas_part(body, 1, 1, body.rows - 1, body.cols - 2);
    pager_draw(p->pager, c);
    pager_get_window(p->pager, &first, &last);
    snprintf(right, sizeof right, "%s%s%zu-%zu of %zu", p->vm[0] && pager_is_following(p->pager) ? "following   " : "",
             pager_is_wrapping(p->pager) ? "wrapped   " : "", first, last, pager_count(p->pager));
    frame_title(canvas_part(body, 0, 0, 1, body.cols), p->title, right);
    if (p->vm[0] && pager_count(p->pager) == 0)
        canvas_put(c, 1, 0, ROLE_DIM, p->detail.error[0] ? p->detail.error
                   : p->detail.body ? "The guest has written nothing yet." : "asking the engine");
}

static bool text_action(struct page *page, int action)
{
    static const enum pager_move moves[] = {
        [ACT_UP - ACT_UP] = PAGER_UP,           [ACT_DOWN - ACT_UP] = PAGER_DOWN,
        [ACT_LEFT - ACT_UP] = PAGER_LEFT,       [ACT_RIGHT - ACT_UP] = PAGER_RIGHT,
        [ACT_PAGE_UP - ACT_UP] = PAGER_PAGE_UP, [ACT_PAGE_DOWN - ACT_UP] = PAGER_PAGE_DOWN,
        [ACT_FIRST - ACT_UP] = PAGER_FIRST,     [ACT_LAST - ACT_UP] = PAGER_LAST,
    };
    struct text_page *p = (struct text_page *)page;

    if (action >= ACT_UP && action <= ACT_LAST) {
        pager_move(p->pager, moves[action - ACT_UP]);
        return true;
    }
    switch (action) {
    case ACT_FILTER:
        overlay_open_prompt(page->c_b, true, p->word);
        return true;
    case ACT_NEXT:
    case ACT_PREV:
        if (!pager_search_next(p->pager, action == ACT_NEXT ? 1 : -1))
            console_say_dim(page->c_b, "no match");
        return true;
    case ACT_FOLLOW:
        pager_set_follow(p->pager, !pager_is_following(p->pager));
        return true;
    case ACT_WRAP:
        pager_set_wrap(p->pager, !pager_is_wrapping(p->pager));
        return true;
    case ACT_COPY: {
        char *text = xmem_new(COPY_ROOM, 1);
        size_t n = pager_copy_window(p->pager, text, COPY_ROOM);
        copy_text(page->c_b, text, n, "the lines in sight");
        free(text);
        return true;
    }
    default:
        return false;
    }
}

static void text_search(struct page *page, const char *word)
{
    struct text_page *p = (struct text_page *)page;

    xmem_copy_text(p->word, sizeof p->word, word);
    if (!pager_search(p->pager, word) && word[0])
        console_say_dim(page->c_b, "\"%s\" is not in this page", word);
}

static void text_mouse(struct page *page, const struct key *k, struct canvas body)
{
    struct text_page *p = (struct text_page *)page;

    (void)body;
    for (int i = 0; i < 3; i++)
        if (k->mouse == KEY_MOUSE_WHEEL_UP)
            pager_move(p->pager, PAGER_UP);
        else if (k->mouse == KEY_MOUSE_WHEEL_DOWN)
            pager_move(p->pager, PAGER_DOWN);
}

static bool text_subject(const struct page *page, enum view_id *view, char *name, size_t cap)
{
    const struct text_page *p = (const struct text_page *)page;

    *view = VIEW_VMS;
    xmem_copy_text(name, cap, p->vm);
    return p->vm[0];
}

static int text_wait(const struct page *page)
{
    const struct text_page *p = (const struct text_page *)page;

    return p->vm[0] && pager_is_following(p->pager) ? LOG_AGAIN_MS : -1;
}

static void text_free(struct page *page)
{
    struct text_page *p = (struct text_page *)page;

    detail_done(page->c_b, &p->detail);
    pager_free(p->pager);
    free(p);
}

static const struct hint hints[] = {
    {ACT_BACK, NULL}, {ACT_FILTER, "search"}, {ACT_NEXT, "next"}, {ACT_FOLLOW, NULL},
    {ACT_WRAP, NULL}, {ACT_COPY, NULL}, {ACT_VM_SERIAL, "type on it"}, {ACT_HELP, NULL}, {0, NULL},
};

static const struct page_ops ops = {
    .name = "Log",
    .contexts = {CTX_LOG, CTX_MOVE, -1},
    .hints = hints,
    .draw = text_draw,
    .action = text_action,
    .search = text_search,
    .mouse = text_mouse,
    .wait_ms = text_wait,
    .subject = text_subject,
    .free = text_free,
};

static struct text_page *make(struct console *c, const char *title)
{
    struct text_page *p = xmem_new(1, sizeof *p);

    page_init(&p->page, &ops, c);
    p->pager = pager_new(LOG_LINES);
    xmem_copy_text(p->title, sizeof p->title, title);
    return p;
}

void page_open_text(struct console *c, const char *title, const char *text)
{
    struct text_page *p = make(c, title);

    pager_set_text(p->pager, text, strlen(text));
    console_push_page(c, &p->page);
}

void page_open_log(struct console *c, const char *vm)
{
    char title[96];
    struct text_page *p;

    snprintf(title, sizeof title, "VMs > %s   serial log", vm);
    p = make(c, title);
    xmem_copy_text(p->vm, sizeof p->vm, vm);
    pager_set_follow(p->pager, true);
    want(p);
    console_push_page(c, &p->page);
}

void page_open_plain(struct console *c)
{
    char *text = xmem_new(PLAIN_ROOM, 1);
    struct text_page *p = make(c, "Plain");
    size_t n = canvas_grid_dump(c->grid, text, PLAIN_ROOM);

    p->plain = true;
    pager_set_text(p->pager, text, n);
    free(text);
    console_push_page(c, &p->page);
}

void page_open_keys(struct console *c)
{
    char *text = xmem_new(PLAIN_ROOM, 1), one[24], two[24], keys[52], line[192];
    struct key key[2];
    int context, action;
    size_t at = 0;

    at += (size_t)snprintf(text, PLAIN_ROOM, "%s\n%s\n\n",
                           "bind CONTEXT KEY ACTION sets another (two keys: C-]+d); action none takes it away.",
                           "They are kept in the file `keys` of your meshdeck folder.");
    for (size_t i = 0; keymap_binding_at(c->keys, i, &context, &action, key); i++) {
        key_format(&key[0], one, sizeof one);
        two[0] = '\0';
        if (key[1].code)
            key_format(&key[1], two, sizeof two);
        snprintf(keys, sizeof keys, "%s%s%s", one, two[0] ? " " : "", two);
        snprintf(line, sizeof line, "%-9s %-12s %-18s %s\n", action_contexts[context].name, keys,
                 actions[action].name, actions[action].help);
        if (at + strlen(line) + 1 > PLAIN_ROOM)
            break;
        memcpy(text + at, line, strlen(line) + 1);
        at += strlen(line);
    }
    page_open_text(c, "Keys", text);
    free(text);
}
