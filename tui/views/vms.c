/* VMs: what runs where, what does it use? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "tui/views/vm_parts.h"
#include "widgets/xmem.h"

static const struct vm_row *vm_of(const void *row)
{
    return row;
}

static bool has_use(const struct vm_row *vm)
{
    return vm->state == VM_STATE_RUNNING || vm->state == VM_STATE_STARTING ||
           vm->state == VM_STATE_PAUSED || vm->state == VM_STATE_STOPPING ||
           vm->state == VM_STATE_MOVING;
}

static const char *state_word(const struct vm_row *vm)
{
    return vm_state_names[vm->state < VM_STATE_COUNT ? vm->state : VM_STATE_UNKNOWN];
}

CELL_TEXT(name, struct vm_row, r->name)

static void show_state(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    cell_text(cell, state_word(row));
    cell->role = glyph_vm(row).role;
}

static const char *text_state(void *ctx, const void *row)
{
    (void)ctx;
    return state_word(row);
}

CELL_TEXT(node, struct vm_row, r->node)

CELL_TEXT(network, struct vm_row, r->network)

static void show_ip4(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    cell_addr(cell, &vm_of(row)->ip4, false);
}

static void keys_ip4(void *ctx, const void *row, uint64_t ret[static 3])
{
    (void)ctx;
    addr_sort_keys(&vm_of(row)->ip4, ret);
}

static int by_ip4(void *ctx, const void *a, const void *b)
{
    (void)ctx;
    return addr_compare(&vm_of(a)->ip4, &vm_of(b)->ip4);
}

static void show_ip6(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    cell_addr(cell, &vm_of(row)->ip6, false);
}

static void keys_ip6(void *ctx, const void *row, uint64_t ret[static 3])
{
    (void)ctx;
    addr_sort_keys(&vm_of(row)->ip6, ret);
}

static int by_ip6(void *ctx, const void *a, const void *b)
{
    (void)ctx;
    return addr_compare(&vm_of(a)->ip6, &vm_of(b)->ip6);
}

static double num_cpu(void *ctx, const void *row)
{
    (void)ctx;
    return has_use(row) ? vm_of(row)->cpu_permille / 10.0 : (double)NAN;
}

static void show_cpu(void *ctx, const void *row, struct list_cell *cell)
{
    const struct vm_row *vm = row;

    (void)ctx;
    if (!has_use(vm))
        return;
    cell_num(cell, (vm->cpu_permille + 5) / 10);
    if (vm->vcpus)
        cell->role = role_of_load(vm->cpu_permille / vm->vcpus);
}

static double num_mem(void *ctx, const void *row)
{
    (void)ctx;
    return has_use(row) ? vm_of(row)->rss_mib : (double)NAN;
}

static void show_mem(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    if (has_use(row))
        cell_num(cell, vm_of(row)->rss_mib);
}

static double num_net(void *ctx, const void *row)
{
    (void)ctx;
    return has_use(row) ? (double)(vm_of(row)->rx_bps + vm_of(row)->tx_bps) : (double)NAN;
}

static void show_net(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    if (has_use(row))
        cell_rate(cell, vm_of(row)->rx_bps + vm_of(row)->tx_bps);
}

static double num_since(void *ctx, const void *row)
{
    (void)ctx;
    return (double)vm_of(row)->since_ms;
}

static void show_since(void *ctx, const void *row, struct list_cell *cell)
{
    cell_short_time(ctx, cell, vm_of(row)->since_ms);
}

CELL_TEXT(image, struct vm_row, r->image)

CELL_TEXT(tap, struct vm_row, r->tap)

static double num_pid(void *ctx, const void *row)
{
    (void)ctx;
    return vm_of(row)->pid ? vm_of(row)->pid : (double)NAN;
}

static void show_pid(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    if (vm_of(row)->pid)
        cell_num(cell, vm_of(row)->pid);
}

static const struct list_column columns[] = {
    {"name", "NAME", 13, true, CELLS_LEFT, 1, 'n', .format = show_name, .text = text_name},
    {"state", "STATE", 9, false, CELLS_LEFT, 1, 's', .meaning = true, .format = show_state,
     .text = text_state},
    {"node", "NODE", 6, false, CELLS_LEFT, 3, 'o', .meaning = true, .format = show_node,
     .text = text_node},
    {"network", "NETWORK", 7, false, CELLS_LEFT, 3, 'w', .format = show_network,
     .text = text_network},
    {"ipv4", "IPV4", 14, false, CELLS_LEFT, 2, '4', .format = show_ip4, .compare = by_ip4,
     .keys = keys_ip4, .letters = "0123456789./"},
    {"cpu", "CPU %", 5, false, CELLS_RIGHT, 2, 'c', .descending = true, .format = show_cpu,
     .number = num_cpu},
    {"mem", "MEM MiB", 7, false, CELLS_RIGHT, 2, 'm', .descending = true, .format = show_mem,
     .number = num_mem},
    {"net", "NET b/s", 7, false, CELLS_RIGHT, 3, 'b', .descending = true, .format = show_net,
     .number = num_net},
    {"ipv6", "IPV6", 25, false, CELLS_LEFT, 4, '6', .format = show_ip6, .compare = by_ip6,
     .keys = keys_ip6, .letters = CELL_ADDR_LETTERS},
    {"since", "SINCE", 8, false, CELLS_RIGHT, 5, 't', .descending = true, .format = show_since,
     .number = num_since},
    {"image", "IMAGE", 10, false, CELLS_LEFT, 5, 'i', .format = show_image, .text = text_image},
    {"tap", "TAP", 6, false, CELLS_LEFT, 5, 'a', .format = show_tap, .text = text_tap},
    {"pid", "PID", 7, false, CELLS_RIGHT, 5, 'p', .format = show_pid, .number = num_pid},
};

static uint32_t vms_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    (void)v;
    return glyph_put(glyph_vm(row), utf8, role);
}

static void vms_name(const void *row, char *buf, size_t cap)
{
    xmem_copy_text(buf, cap, vm_of(row)->name);
}

static void vms_empty(const struct view *v, char *buf, size_t cap)
{
    char why[200];

    if (!console_may_change(v->c_b, why, sizeof why))
        snprintf(buf, cap, "No VMs yet. %s", why);
    else
        snprintf(buf, cap, "No VMs yet. c then Enter makes one: image builtin, network mesh, 256 MiB, "
                           "about 2 s.");
}

static void vms_open(struct view *v, const void *row)
{
    page_open_vm(v->c_b, vm_of(row)->name);
}

static void vms_inspect(struct view *v, const void *row, struct canvas c)
{
    vm_parts_inspect(v->c_b, &v->inspected, row, c, v->inspect_top);
}

static bool vms_status(const struct view *v, const void *row, char *buf, size_t cap)
{
    const struct vm_row *vm = row;

    (void)v;
    if (!vm->reason[0])
        return false;
    snprintf(buf, cap, "%s: %s", vm->name, vm->reason);
    return true;
}

static const char *vms_copy(const struct view *v, const void *row, char letter, char *buf,
                            size_t cap, const char **what)
{
    (void)v;
    return vm_parts_copy(row, letter, buf, cap, what);
}

static const struct hint hints[] = {
    {ACT_OPEN, NULL},     {ACT_VM_CREATE, "create"}, {ACT_VM_SHELL, NULL}, {ACT_VM_BOOT, NULL},
    {ACT_VM_RESUME, NULL}, {ACT_VM_STOP, NULL},      {ACT_FILTER, NULL},   {ACT_MENU, "more"},
    {ACT_VM_DELETE, NULL}, {ACT_SORT, NULL},         {ACT_INSPECT, NULL},  {ACT_VM_LIMITS, NULL},
    {ACT_HELP, NULL},     {ACT_QUIT, NULL},          {0, NULL},
};

const struct view_ops view_vms = {
    .name = "vms",
    .tab = "VMs",
    .question = "every VM of the fleet, its state and what it uses",
    .table = TABLE_VMS,
    .context = CTX_VMS,
    .columns = columns,
    .n_columns = XMEM_LEN(columns),
    .sort = "name",
    .has_marks = true,
    .detail = "vm.detail",
    .hints = hints,
    .glyph = vms_glyph,
    .row_name = vms_name,
    .status = vms_status,
    .empty = vms_empty,
    .inspect = vms_inspect,
    .open = vms_open,
    .copy = vms_copy,
    .copy_keys = "y address  6 ipv6  n name  m mac  d dns name",
};
