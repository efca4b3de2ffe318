#ifndef MESHDECK_TUI_VIEW_H
#define MESHDECK_TUI_VIEW_H
/*
 * A view is a const record of what it shows; struct view is its state in this session: list, filter,
 * sort, marks, variant and place, which going away and coming back keep. Rows come from the
 * console's snapshot (or from the view itself: shells). Console thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/rows.h"
#include "tui/detail.h"
#include "widgets/canvas.h"
#include "widgets/list.h"
#include "widgets/key.h"

struct console;
struct page;
struct view;

enum view_id {
    VIEW_DECK,
    VIEW_VMS,
    VIEW_MESH,
    VIEW_ROUTES,
    VIEW_NETS,
    VIEW_NODES,
    VIEW_IMAGES,
    VIEW_EVENTS,
    VIEW_SHELLS,
    VIEW_TICKETS,
    VIEW_COUNT
};

enum { VIEW_VARIANTS = 3, VIEW_HINTS = 20, VIEW_NAME = 96, VIEW_CHURN_MAX = 20 };

/* What row 24 offers; label NULL takes the action's own. Ends at action 0. */
struct hint {
    int action;
    const char *label;
};

struct view_ops {
    const char *name;     /* "vms": for ':' and for alerts */
    const char *tab;      /* "VMs" */
    const char *question; /* what help says of it */
    enum table_id table;
    int context;          /* enum key_context */
    const struct list_column *columns;
    size_t n_columns;
    const char *sort;     /* the default order's column id */
    bool descending;
    bool has_marks;
    bool by_newest;       /* a log: rows are taken in the table's reverse order */
    const char *variants[VIEW_VARIANTS];
    const struct view_ops *by_variant[VIEW_VARIANTS]; /* another record each, or all NULL */
    unsigned (*first_variant)(const struct view *v);
    const char *detail;   /* verb of its detail, or NULL */
    const struct hint *hints;

    uint32_t (*glyph)(const struct view *v, const void *row, bool utf8, enum role *role);
    bool (*has_row)(const struct view *v, const void *row); /* in this variant; NULL: all */
    void (*row_name)(const void *row, char *buf, size_t cap); /* the object's name */
    void (*title)(const struct view *v, char *buf, size_t cap); /* said after the count */
    bool (*status)(const struct view *v, const void *row, char *buf, size_t cap);
    void (*empty)(const struct view *v, char *buf, size_t cap); /* no row at all */
    void (*inspect)(struct view *v, const void *row, struct canvas c);
    void (*open)(struct view *v, const void *row);
    int (*wait_ms)(const struct view *v); /* until an age it shows changes; -1 never */
    void (*draw)(struct view *v, struct canvas c);     /* a body of its own (Deck) */
    bool (*action)(struct view *v, int action);        /* before the list's own meaning */
    void (*source)(struct view *v, struct list_source *src); /* rows of its own (Shells) */
    /* What an action there is about, where it is no row of its own (Deck, events). */
    bool (*subject)(const struct view *v, enum view_id *ret_view, char *name, size_t cap);
    const char *(*copy)(const struct view *v, const void *row, char letter, char *buf, size_t cap,
                        const char **ret_what);
    const char *copy_keys; /* "y address  n name" */
};

struct view {
    const struct view_ops *ops;
    struct console *c_b;
    struct list *list;                  /* of the variant that is open */
    struct list *lists[VIEW_VARIANTS];  /* one a variant that has a record of its own */
    bool started;
    const struct table_view *rows_b; /* of the console's snapshot */
    uint64_t generation, own_generation;
    unsigned variant;
    int64_t sorted_ms;
    bool inspecting, focus_inspector;
    struct detail inspected;
    int inspect_top;
    int part, part_row[4]; /* Deck */
    uint64_t version;
};

extern const struct view_ops *const view_table[VIEW_COUNT];

void view_begin(struct view *v, struct console *c, enum view_id id);
void view_close(struct view *v);
void view_refresh(struct view *v);        /* takes the console's snapshot */
void view_draw(struct view *v, struct canvas body); /* row 0 of body is the title */
bool view_action(struct view *v, int action); /* false: it has no meaning here */
void view_set_variant(struct view *v, unsigned variant);
bool view_status(struct view *v, char *buf, size_t cap); /* what row 23 says of the row */
int view_wait_ms(const struct view *v);
const void *view_cursor_row(const struct view *v);
bool view_set_cursor_name(struct view *v, const char *name);
void view_click(struct view *v, const struct key *k, struct canvas body);
enum view_id view_named(const char *name); /* VIEW_COUNT: none; also knows the variants' names */
/* "vm web1" to VMs and web1; false for objects that no view lists. */
bool view_of_object(const char *object, enum view_id *ret_view, const char **ret_name);
unsigned view_variant_named(enum view_id id, const char *name); /* VIEW_VARIANTS: none */

#endif
