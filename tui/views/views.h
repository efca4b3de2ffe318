#ifndef MESHDECK_TUI_VIEWS_H
#define MESHDECK_TUI_VIEWS_H
/* The records of the ten views, and the glyphs of their states. */
#include "tui/view.h"

extern const struct view_ops view_deck, view_vms, view_mesh, view_routes, view_nets, view_nodes,
    view_images, view_events, view_shells, view_tickets;

struct glyph {
    uint32_t utf8;
    char ascii;
    enum role role;
};
struct glyph glyph_vm(const struct vm_row *vm);
struct glyph glyph_peer(const struct peer_row *p);
struct glyph glyph_node(const struct node_row *n);
struct glyph glyph_route(const struct route_row *r);
uint32_t glyph_put(struct glyph g, bool utf8, enum role *ret_role);

/* A number against its limit: warn at 90 %, crit at 100 %. */
enum role role_of_load(uint64_t permille);

/* Fills a cell. */
void cell_text(struct list_cell *cell, const char *text);
void cell_num(struct list_cell *cell, uint64_t n);
void cell_rate(struct list_cell *cell, uint64_t bps);
void cell_addr(struct list_cell *cell, const struct addr *a, bool always_len);
void cell_short_time(const struct view *v, struct list_cell *cell, int64_t ms);

/* What addresses are written with, for columns of them. */
#define CELL_ADDR_LETTERS "0123456789abcdefABCDEF:./"

/* Formatters of plain columns: a text of the row, or a number of it. */
#define CELL_TEXT(fn, type, expr)                                                                  \
    static const char *text_##fn(void *ctx, const void *row)                                       \
    {                                                                                              \
        const type *r = row;                                                                       \
        (void)ctx;                                                                                 \
        return expr;                                                                               \
    }                                                                                              \
    static void show_##fn(void *ctx, const void *row, struct list_cell *cell)                      \
    {                                                                                              \
        cell_text(cell, text_##fn(ctx, row));                                                      \
    }
#define CELL_NUM(fn, type, expr)                                                                   \
    static double num_##fn(void *ctx, const void *row)                                             \
    {                                                                                              \
        const type *r = row;                                                                       \
        (void)ctx;                                                                                 \
        return (double)(expr);                                                                     \
    }                                                                                              \
    static void show_##fn(void *ctx, const void *row, struct list_cell *cell)                      \
    {                                                                                              \
        const type *r = row;                                                                       \
        (void)ctx;                                                                                 \
        cell_num(cell, (uint64_t)(expr));                                                          \
    }

#endif
