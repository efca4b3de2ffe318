/* Shells: where am I logged in? Its rows are this console's own sessions. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/page.h"
#include "tui/shell.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/xmem.h"

static const struct shell *shell_of(const void *row)
{
    return row;
}

static size_t tab_of(const struct view *v, const struct shell *s)
{
    for (size_t i = 0; i < shells_all(v->c_b); i++)
        if (shells_at(v->c_b, i) == s)
            return i + 1;
    return 0;
}

static double num_tab(void *ctx, const void *row)
{
    return (double)tab_of(ctx, row);
}

static void show_tab(void *ctx, const void *row, struct list_cell *cell)
{
    cell_num(cell, tab_of(ctx, row));
}

CELL_TEXT(vm, struct shell, r->vm)
CELL_TEXT(kind, struct shell, r->serial ? "serial" : "ssh")
CELL_NUM(unseen, struct shell, r->unseen)

static const char *text_state(void *ctx, const void *row)
{
    (void)ctx;
    return shell_state_names[shell_of(row)->state];
}

static void show_state(void *ctx, const void *row, struct list_cell *cell)
{
    static const enum role role[SHELL_STATE_COUNT] = {ROLE_BUSY, ROLE_OK, ROLE_OFF};

    cell_text(cell, text_state(ctx, row));
    cell->role = role[shell_of(row)->state];
}

static void show_size(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    snprintf(cell->text, sizeof cell->text, "%dx%d", shell_of(row)->cols, shell_of(row)->rows);
}

static void show_since(void *ctx, const void *row, struct list_cell *cell)
{
    cell_short_time(ctx, cell, shell_of(row)->since_ms);
}

static const struct list_column columns[] = {
    {"tab", "TAB", 3, false, CELLS_RIGHT, 1, 't', .format = show_tab, .number = num_tab},
    {"vm", "VM", 13, true, CELLS_LEFT, 1, 'v', .format = show_vm, .text = text_vm},
    {"kind", "KIND", 6, false, CELLS_LEFT, 1, 'k', .format = show_kind, .text = text_kind},
    {"state", "STATE", 9, false, CELLS_LEFT, 1, 's', .meaning = true, .format = show_state,
     .text = text_state},
    {"size", "SIZE", 7, false, CELLS_LEFT, 3, 'z', .format = show_size},
    {"since", "SINCE", 8, false, CELLS_LEFT, 2, 'i', .format = show_since},
    {"unseen", "UNSEEN", 6, false, CELLS_RIGHT, 2, 'u', .descending = true, .format = show_unseen,
     .number = num_unseen},
};

static size_t source_count(void *ctx)
{
    return shells_all(((const struct view *)ctx)->c_b);
}

static const void *source_row(void *ctx, size_t i)
{
    return shells_at(((const struct view *)ctx)->c_b, i);
}

static void shells_source(struct view *v, struct list_source *src)
{
    (void)v;
    src->count = source_count;
    src->row = source_row;
}

static uint32_t shells_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    static const struct glyph of[SHELL_STATE_COUNT] = {
        {0x25D0, '~', ROLE_BUSY}, {0x25CF, '+', ROLE_OK}, {0x25CB, '-', ROLE_OFF}};

    (void)v;
    return glyph_put(of[shell_of(row)->state], utf8, role);
}

static void shells_name(const void *row, char *buf, size_t cap)
{
    const struct shell *s = row;
    size_t i = 0;

    while (shells_at(s->c_b, i) && shells_at(s->c_b, i) != s)
        i++;
    snprintf(buf, cap, "%zu %s %s", i + 1, s->vm, s->serial ? "serial" : "ssh");
}

static bool shells_status(const struct view *v, const void *row, char *buf, size_t cap)
{
    (void)v;
    snprintf(buf, cap, "%s", shell_of(row)->text);
    return shell_of(row)->text[0];
}

static void shells_empty(const struct view *v, char *buf, size_t cap)
{
    (void)v;
    snprintf(buf, cap, "No session is open. In VMs, e opens a shell, t the serial line.");
}

static void shells_open(struct view *v, const void *row)
{
    shell_attach(v->c_b, shell_of(row)->id);
}

static const struct hint hints[] = {
    {ACT_OPEN, "attach"}, {ACT_SHELL_CLOSE, NULL}, {ACT_FILTER, NULL}, {ACT_SORT, NULL},
    {ACT_HELP, NULL},     {ACT_QUIT, NULL},        {0, NULL},
};

const struct view_ops view_shells = {
    .name = "shells",
    .tab = "Shells",
    .question = "where you are logged in",
    .table = TABLE_VMS,
    .context = CTX_SHELLS,
    .columns = columns,
    .n_columns = XMEM_LEN(columns),
    .sort = "tab",
    .hints = hints,
    .glyph = shells_glyph,
    .row_name = shells_name,
    .status = shells_status,
    .empty = shells_empty,
    .open = shells_open,
    .source = shells_source,
};
