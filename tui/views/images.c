/* Images: what can be started, who uses it? */
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/xmem.h"

CELL_TEXT(name, struct image_row, r->name)
CELL_TEXT(format, struct image_row, r->format)
CELL_TEXT(boot, struct image_row, r->boot)
CELL_NUM(size, struct image_row, (r->size_bytes + (1u << 19)) >> 20)
CELL_NUM(used, struct image_row, r->used_by)
CELL_TEXT(origin, struct image_row, r->origin)

static void show_added(void *ctx, const void *row, struct list_cell *cell)
{
    cell_short_time(ctx, cell, ((const struct image_row *)row)->added_ms);
}

static void show_sha(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    snprintf(cell->text, sizeof cell->text, "%.12s", ((const struct image_row *)row)->sha256);
}

static const struct list_column columns[] = {
    {"name", "NAME", 16, true, CELLS_LEFT, 1, 'n', .format = show_name, .text = text_name},
    {"format", "FORMAT", 7, false, CELLS_LEFT, 2, 'f', .format = show_format, .text = text_format},
    {"boot", "BOOT", 7, false, CELLS_LEFT, 2, 'b', .format = show_boot, .text = text_boot},
    {"size", "SIZE MiB", 8, false, CELLS_RIGHT, 1, 'z', .descending = true, .format = show_size,
     .number = num_size},
    {"used", "USED BY", 7, false, CELLS_RIGHT, 1, 'u', .descending = true, .format = show_used,
     .number = num_used},
    {"origin", "ORIGIN", 18, false, CELLS_LEFT, 3, 'o', .format = show_origin,
     .text = text_origin},
    {"added", "ADDED", 10, false, CELLS_RIGHT, 4, 'd', .format = show_added},
    {"sha256", "SHA256", 12, false, CELLS_LEFT, 5, 'h', .format = show_sha},
};

static uint32_t images_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    bool bad = ((const struct image_row *)row)->problem[0];

    (void)v;
    return glyph_put(bad ? (struct glyph){0x2717, '!', ROLE_CRIT} : (struct glyph){' ', ' ', ROLE_BASE},
                     utf8, role);
}

static void images_name(const void *row, char *buf, size_t cap)
{
    xmem_copy_text(buf, cap, ((const struct image_row *)row)->name);
}

static bool images_status(const struct view *v, const void *row, char *buf, size_t cap)
{
    const struct image_row *i = row;

    (void)v;
    if (!i->problem[0])
        return false;
    snprintf(buf, cap, "%s: %s", i->name, i->problem);
    return true;
}

static void images_empty(const struct view *v, char *buf, size_t cap)
{
    (void)v;
    snprintf(buf, cap, "The built-in image is not built yet. B builds it.");
}

static void images_open(struct view *v, const void *row)
{
    page_open_lines(v->c_b, VIEW_IMAGES, "image.detail", ((const struct image_row *)row)->name, 0);
}

static const char *images_copy(const struct view *v, const void *row, char letter, char *buf,
                               size_t cap, const char **what)
{
    const struct image_row *i = row;

    (void)v;
    *what = letter == 'h' ? "checksum" : "name";
    snprintf(buf, cap, "%s", letter == 'h' ? i->sha256 : i->name);
    return letter == 'h' || letter == 'y' || letter == 'n' ? buf : NULL;
}

static const struct hint hints[] = {
    {ACT_OPEN, NULL},   {ACT_IMAGE_BUILD, "build the built-in one"}, {ACT_IMAGE_DELETE, NULL},
    {ACT_INSPECT, NULL}, {ACT_FILTER, NULL}, {ACT_COPY, NULL}, {ACT_HELP, NULL}, {ACT_QUIT, NULL},
    {0, NULL},
};

const struct view_ops view_images = {
    .name = "images",
    .tab = "Images",
    .question = "what can be started, and who uses it",
    .table = TABLE_IMAGES,
    .context = CTX_IMAGES,
    .columns = columns,
    .n_columns = XMEM_LEN(columns),
    .sort = "name",
    .detail = "image.detail",
    .hints = hints,
    .glyph = images_glyph,
    .row_name = images_name,
    .status = images_status,
    .empty = images_empty,
    .open = images_open,
    .copy = images_copy,
    .copy_keys = "y name  h checksum",
};
