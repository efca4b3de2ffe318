#ifndef MESHDECK_TUI_PAGE_H
#define MESHDECK_TUI_PAGE_H
/*
 * A page lies over the open view and fills its body: details, forms, tickets, help, logs, shells.
 * Pages are a stack; Esc goes back by one. The page's own struct begins with struct page.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tui/view.h"
#include "widgets/canvas.h"
#include "widgets/key.h"

struct page_ops {
    const char *name;
    int contexts[4];           /* enum key_context, ends at -1 */
    const struct hint *hints;
    bool tall;                 /* its body takes row 23 too, where nothing presses */
    void (*draw)(struct page *p, struct canvas body); /* row 0 is the title */
    bool (*key)(struct page *p, const struct key *k); /* before the key map; true: used */
    bool (*action)(struct page *p, int action);       /* true: done */
    void (*turn)(struct page *p);                     /* a new snapshot is there */
    bool (*status)(struct page *p, char *buf, size_t cap, enum role *role);
    bool (*keys_line)(struct page *p, char *buf, size_t cap); /* row 24 instead of hints */
    int (*wait_ms)(const struct page *p);
    bool (*subject)(const struct page *p, enum view_id *view, char *name, size_t cap);
    void (*draw_tabs)(struct page *p, struct canvas row);
    void (*resize)(struct page *p, struct canvas body);
    void (*search)(struct page *p, const char *word);
    void (*mouse)(struct page *p, const struct key *k, struct canvas body);
    void (*free)(struct page *p);
};

struct page {
    const struct page_ops *ops;
    struct console *c_b;
    struct page *under;
};

void page_init(struct page *p, const struct page_ops *ops, struct console *c);

/* Pages of other modules; each is pushed on the console's stack. */
void page_open_vm(struct console *c, const char *name);
void page_open_ticket(struct console *c, uint64_t id);
/* A page of {label, text} lines: verb's answer about the object of that view. */
void page_open_lines(struct console *c, enum view_id view, const char *verb, const char *name,
                     uint64_t id);
void page_open_why(struct console *c, enum view_id view, const char *object);
void page_open_help(struct console *c);
void page_open_keys(struct console *c);
void page_open_text(struct console *c, const char *title, const char *text);
void page_open_plain(struct console *c); /* the screen as text for the terminal's own selection */
void page_open_log(struct console *c, const char *vm);
void page_open_create(struct console *c);
void page_open_peer(struct console *c);
void page_open_limits(struct console *c, const char *vm);

#endif
