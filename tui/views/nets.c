/* Nets: who may talk to whom, is there room? */
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/xmem.h"

CELL_TEXT(name, struct network_row, r->name)
CELL_TEXT(shape, struct network_row, r->shape)
CELL_TEXT(prefix, struct network_row, r->prefix)
CELL_NUM(vms, struct network_row, r->vms)
CELL_TEXT(nat, struct network_row, r->nat ? "yes" : "no")
CELL_TEXT(egress, struct network_row, r->egress)
CELL_TEXT(reach, struct network_row, r->reach)
CELL_TEXT(domain, struct network_row, r->domain)
CELL_NUM(mtu, struct network_row, r->mtu)

static double num_free(void *ctx, const void *row)
{
    (void)ctx;
    return ((const struct network_row *)row)->free;
}

static void show_free(void *ctx, const void *row, struct list_cell *cell)
{
    const struct network_row *n = row;

    (void)ctx;
    cell_num(cell, n->free);
    if (n->total)
        cell->role = role_of_load(1000 - (uint64_t)n->free * 1000 / n->total);
}

static const struct list_column columns[] = {
    {"name", "NAME", 13, true, CELLS_LEFT, 1, 'n', .format = show_name, .text = text_name},
    {"shape", "SHAPE", 8, false, CELLS_LEFT, 1, 's', .format = show_shape, .text = text_shape},
    {"prefix", "PREFIX", 18, false, CELLS_LEFT, 2, 'p', .format = show_prefix, .text = text_prefix},
    {"vms", "VMS", 5, false, CELLS_RIGHT, 1, 'v', .descending = true, .format = show_vms,
     .number = num_vms},
    {"free", "FREE", 6, false, CELLS_RIGHT, 2, 'f', .format = show_free, .number = num_free},
    {"nat", "NAT", 3, false, CELLS_LEFT, 3, 'a', .meaning = true, .format = show_nat,
     .text = text_nat},
    {"egress", "EGRESS", 7, false, CELLS_LEFT, 3, 'e', .meaning = true, .format = show_egress,
     .text = text_egress},
    {"reaches", "REACHES", 16, false, CELLS_LEFT, 4, 'r', .meaning = true, .format = show_reach,
     .text = text_reach},
    {"domain", "DOMAIN", 12, false, CELLS_LEFT, 4, 'd', .format = show_domain,
     .text = text_domain},
    {"mtu", "MTU", 5, false, CELLS_RIGHT, 5, 'm', .format = show_mtu, .number = num_mtu},
};

static uint32_t nets_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    const struct network_row *n = row;
    bool full = n->total && n->free == 0;

    (void)v;
    return glyph_put(full ? (struct glyph){0x2717, '!', ROLE_CRIT} : (struct glyph){' ', ' ', ROLE_BASE},
                     utf8, role);
}

static void nets_name(const void *row, char *buf, size_t cap)
{
    xmem_copy_text(buf, cap, ((const struct network_row *)row)->name);
}

static void nets_empty(const struct view *v, char *buf, size_t cap)
{
    (void)v;
    snprintf(buf, cap, "No network yet: `mesh` is made with the first engine that may change this host.");
}

static void nets_open(struct view *v, const void *row)
{
    page_open_lines(v->c_b, VIEW_NETS, "network.detail", ((const struct network_row *)row)->name, 0);
}

static const char *nets_copy(const struct view *v, const void *row, char letter, char *buf,
                             size_t cap, const char **what)
{
    const struct network_row *n = row;

    (void)v;
    *what = letter == 'n' ? "name" : "prefix";
    snprintf(buf, cap, "%s", letter == 'n' ? n->name : n->prefix);
    return letter == 'n' || letter == 'y' ? buf : NULL;
}

static const struct hint hints[] = {
    {ACT_OPEN, NULL}, {ACT_INSPECT, NULL}, {ACT_WHY, NULL},  {ACT_FILTER, NULL}, {ACT_SORT, NULL},
    {ACT_COPY, NULL}, {ACT_HELP, NULL},    {ACT_QUIT, NULL}, {0, NULL},
};

const struct view_ops view_nets = {
    .name = "nets",
    .tab = "Nets",
    .question = "who may talk to whom, and is there room",
    .table = TABLE_NETWORKS,
    .context = CTX_NETS,
    .columns = columns,
    .n_columns = XMEM_LEN(columns),
    .sort = "name",
    .detail = "network.detail",
    .hints = hints,
    .glyph = nets_glyph,
    .row_name = nets_name,
    .empty = nets_empty,
    .open = nets_open,
    .copy = nets_copy,
    .copy_keys = "y prefix  n name",
};
