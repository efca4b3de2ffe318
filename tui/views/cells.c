/* Glyphs of the states and the filling of cells, shared by the views. */
#include <inttypes.h>
#include <stdio.h>

#include "tui/fmt.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/xmem.h"

struct glyph glyph_vm(const struct vm_row *vm)
{
    static const struct glyph of[VM_STATE_COUNT] = {
        [VM_STATE_STOPPED] = {0x25CB, '-', ROLE_OFF},   [VM_STATE_STARTING] = {0x25D0, '~', ROLE_BUSY},
        [VM_STATE_RUNNING] = {0x25CF, '+', ROLE_OK},    [VM_STATE_PAUSED] = {0x2016, '=', ROLE_OFF},
        [VM_STATE_STOPPING] = {0x25D0, '~', ROLE_BUSY}, [VM_STATE_MOVING] = {0x25D0, '~', ROLE_BUSY},
        [VM_STATE_FAILED] = {0x2717, '!', ROLE_CRIT},   [VM_STATE_UNKNOWN] = {'?', '?', ROLE_UNKNOWN},
    };

    return of[vm->state < VM_STATE_COUNT ? vm->state : VM_STATE_UNKNOWN];
}

struct glyph glyph_peer(const struct peer_row *p)
{
    static const struct glyph well = {0x25CF, '+', ROLE_OK}, idle = {0x25CB, '-', ROLE_OFF},
                              warn = {0x25B2, '^', ROLE_WARN}, crit = {0x2717, '!', ROLE_CRIT};

    switch (p->verdict) {
    case PEER_HEALTHY:
        return well;
    case PEER_CLAIMED:
    case PEER_MISMATCH:
    case PEER_DOWN:
        return crit;
    case PEER_NEVER:
    case PEER_STALE:
    case PEER_ONE_WAY:
        return p->vms ? (struct glyph){0x25B2, '^', ROLE_CRIT} : warn;
    default:
        return idle;
    }
}

struct glyph glyph_node(const struct node_row *n)
{
    static const struct glyph of[NODE_STATE_COUNT] = {
        [NODE_UP] = {0x25CF, '+', ROLE_OK},        [NODE_DRAINING] = {0x25D0, '~', ROLE_BUSY},
        [NODE_READONLY] = {0x25B2, '^', ROLE_WARN}, [NODE_PARTIAL] = {0x25B2, '^', ROLE_WARN},
        [NODE_LOST] = {0x2717, '!', ROLE_CRIT},
    };

    return of[n->state < NODE_STATE_COUNT ? n->state : NODE_LOST];
}

struct glyph glyph_route(const struct route_row *r)
{
    static const struct glyph of[ROUTE_STATE_COUNT] = {
        [ROUTE_PLAIN] = {' ', ' ', ROLE_BASE},   [ROUTE_NEW] = {'+', '+', ROLE_ADDED},
        [ROUTE_CHANGED] = {'~', '~', ROLE_CHANGED}, [ROUTE_GONE] = {'-', '-', ROLE_REMOVED},
        [ROUTE_NEXTHOP_DOWN] = {'!', '!', ROLE_CRIT},
    };

    return of[r->state < ROUTE_STATE_COUNT ? r->state : ROUTE_PLAIN];
}

uint32_t glyph_put(struct glyph g, bool utf8, enum role *ret_role)
{
    *ret_role = g.role;
    return utf8 ? g.utf8 : (uint32_t)g.ascii;
}

enum role role_of_load(uint64_t permille)
{
    return permille >= 1000 ? ROLE_CRIT : permille >= 900 ? ROLE_WARN : ROLE_BASE;
}

void cell_text(struct list_cell *cell, const char *text)
{
    xmem_copy_text(cell->text, sizeof cell->text, text);
}

void cell_num(struct list_cell *cell, uint64_t n)
{
    snprintf(cell->text, sizeof cell->text, "%" PRIu64, n);
}

void cell_rate(struct list_cell *cell, uint64_t bps)
{
    char buf[FMT_MAX];

    cell_text(cell, fmt_rate(buf, bps));
}

void cell_addr(struct list_cell *cell, const struct addr *a, bool always_len)
{
    char buf[ADDR_TEXT];

    cell_text(cell, addr_is_set(a) ? addr_format(a, always_len, buf) : "");
}

void cell_short_time(const struct view *v, struct list_cell *cell, int64_t ms)
{
    char buf[FMT_MAX];

    cell_text(cell, ms ? fmt_short(buf, &v->c_b->clock, ms) : "");
}
