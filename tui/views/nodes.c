/* Nodes: which host is well, which has room? */
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/xmem.h"

static const struct node_row *node_of(const void *row)
{
    return row;
}

CELL_TEXT(name, struct node_row, r->name)
CELL_NUM(vms, struct node_row, r->vms)
CELL_TEXT(accel, struct node_row, r->accel)
CELL_TEXT(version, struct node_row, r->version)

static const char *text_state(void *ctx, const void *row)
{
    (void)ctx;
    return node_state_names[node_of(row)->state < NODE_STATE_COUNT ? node_of(row)->state : NODE_LOST];
}

static void show_state(void *ctx, const void *row, struct list_cell *cell)
{
    cell_text(cell, text_state(ctx, row));
    cell->role = glyph_node(row).role;
}

static void percent(struct list_cell *cell, uint32_t permille)
{
    cell_num(cell, (permille + 5) / 10);
    cell->role = role_of_load(permille);
}

static double num_cpu(void *ctx, const void *row)
{
    (void)ctx;
    return node_of(row)->cpu_permille / 10.0;
}

static void show_cpu(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    percent(cell, node_of(row)->cpu_permille);
}

static double num_mem(void *ctx, const void *row)
{
    (void)ctx;
    return node_of(row)->mem_permille / 10.0;
}

static void show_mem(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    percent(cell, node_of(row)->mem_permille);
}

static double num_disk(void *ctx, const void *row)
{
    (void)ctx;
    return node_of(row)->disk_permille / 10.0;
}

static void show_disk(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    percent(cell, node_of(row)->disk_permille);
}

static void show_tunnels(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    snprintf(cell->text, sizeof cell->text, "%u/%u", node_of(row)->tunnels_up, node_of(row)->tunnels);
    if (node_of(row)->tunnels_up < node_of(row)->tunnels)
        cell->role = ROLE_WARN;
}

static void show_address(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    cell_addr(cell, &node_of(row)->address, false);
}

static void show_seen(void *ctx, const void *row, struct list_cell *cell)
{
    const struct view *v = ctx;

    if (node_of(row)->state != NODE_LOST)
        cell_text(cell, "now");
    else
        cell_short_time(v, cell, node_of(row)->seen_ms);
}

static int by_trouble(void *ctx, const void *a, const void *b)
{
    static const int rank[NODE_STATE_COUNT] = {
        [NODE_LOST] = 0, [NODE_PARTIAL] = 1, [NODE_READONLY] = 1, [NODE_DRAINING] = 2, [NODE_UP] = 3,
    };
    int ra = rank[node_of(a)->state % NODE_STATE_COUNT], rb = rank[node_of(b)->state % NODE_STATE_COUNT];

    (void)ctx;
    return ra != rb ? ra - rb : strcmp(node_of(a)->name, node_of(b)->name);
}

static void show_nothing(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    (void)row;
    cell->text[0] = '\0';
}

static const struct list_column columns[] = {
    {"name", "NAME", 13, true, CELLS_LEFT, 1, 'n', .format = show_name, .text = text_name},
    {"state", "STATE", 9, false, CELLS_LEFT, 1, 's', .meaning = true, .format = show_state,
     .text = text_state},
    {"vms", "VMS", 5, false, CELLS_RIGHT, 1, 'v', .descending = true, .format = show_vms,
     .number = num_vms},
    {"cpu", "CPU %", 5, false, CELLS_RIGHT, 2, 'c', .descending = true, .format = show_cpu,
     .number = num_cpu},
    {"mem", "MEM %", 5, false, CELLS_RIGHT, 2, 'm', .descending = true, .format = show_mem,
     .number = num_mem},
    {"disk", "DISK %", 6, false, CELLS_RIGHT, 2, 'd', .descending = true, .format = show_disk,
     .number = num_disk},
    {"tunnels", "TUNNELS", 7, false, CELLS_RIGHT, 2, 't', .format = show_tunnels},
    {"address", "ADDRESS", 18, false, CELLS_LEFT, 3, 'a', .format = show_address},
    {"seen", "SEEN", 8, false, CELLS_RIGHT, 4, 'e', .format = show_seen},
    {"accel", "ACCEL", 8, false, CELLS_LEFT, 4, 'l', .format = show_accel, .text = text_accel},
    {"version", "VERSION", 8, false, CELLS_LEFT, 5, 'r', .format = show_version,
     .text = text_version},
    {"trouble", "TROUBLE", 4000, false, CELLS_LEFT, 6, 'x', .format = show_nothing,
     .compare = by_trouble},
};

static uint32_t nodes_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    (void)v;
    return glyph_put(glyph_node(row), utf8, role);
}

static void nodes_name(const void *row, char *buf, size_t cap)
{
    xmem_copy_text(buf, cap, node_of(row)->name);
}

static bool nodes_status(const struct view *v, const void *row, char *buf, size_t cap)
{
    (void)v;
    if (!node_of(row)->lacks[0])
        return false;
    snprintf(buf, cap, "%s lacks: %s", node_of(row)->name, node_of(row)->lacks);
    return true;
}

static void nodes_open(struct view *v, const void *row)
{
    page_open_lines(v->c_b, VIEW_NODES, "node.detail", node_of(row)->name, 0);
}

static const char *nodes_copy(const struct view *v, const void *row, char letter, char *buf,
                              size_t cap, const char **what)
{
    char addr[ADDR_TEXT];

    (void)v;
    *what = letter == 'n' ? "name" : "address";
    if (letter == 'n')
        snprintf(buf, cap, "%s", node_of(row)->name);
    else
        snprintf(buf, cap, "%s", addr_format(&node_of(row)->address, false, addr));
    return letter == 'n' || letter == 'y' ? buf : NULL;
}

static const struct hint hints[] = {
    {ACT_OPEN, NULL}, {ACT_INSPECT, NULL}, {ACT_WHY, NULL},  {ACT_FILTER, NULL}, {ACT_SORT, NULL},
    {ACT_COPY, NULL}, {ACT_HELP, NULL},    {ACT_QUIT, NULL}, {0, NULL},
};

const struct view_ops view_nodes = {
    .name = "nodes",
    .tab = "Nodes",
    .question = "which host is well, and which has room",
    .table = TABLE_NODES,
    .context = CTX_NODES,
    .columns = columns,
    .n_columns = XMEM_LEN(columns),
    .sort = "trouble",
    .detail = "node.detail",
    .hints = hints,
    .glyph = nodes_glyph,
    .row_name = nodes_name,
    .status = nodes_status,
    .open = nodes_open,
    .copy = nodes_copy,
    .copy_keys = "y address  n name",
};
