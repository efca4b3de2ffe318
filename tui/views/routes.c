/* Routes: where does a packet go, whose route? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/page.h"
#include "tui/state.h"
#include "tui/tickets.h"
#include "tui/views/views.h"
#include "widgets/xmem.h"

enum { OURS, ALL, CHANGES, MANY_FOREIGN = 1000, CHANGED_MS = 5 * 60 * 1000 };

static const struct route_row *route_of(const void *row)
{
    return row;
}

static bool is_foreign(const struct route_row *r)
{
    return strcmp(r->owner, "foreign") == 0;
}

static void format_dst(const struct route_row *r, char *buf, size_t cap)
{
    char addr[ADDR_TEXT];

    if (r->dst.prefix_len == 0 && r->dst.family != AF_INET6)
        snprintf(buf, cap, "default");
    else
        snprintf(buf, cap, "%s", addr_format(&r->dst, true, addr));
}

static void show_dst(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    format_dst(row, cell->text, sizeof cell->text);
}

static int by_dst(void *ctx, const void *a, const void *b)
{
    int d = addr_compare(&route_of(a)->dst, &route_of(b)->dst);

    (void)ctx;
    if (d)
        return d;
    if (route_of(a)->table != route_of(b)->table)
        return route_of(a)->table < route_of(b)->table ? -1 : 1;
    return (route_of(a)->metric > route_of(b)->metric) - (route_of(a)->metric < route_of(b)->metric);
}

/* Of equal destinations by_dst decides. */
static void keys_dst(void *ctx, const void *row, uint64_t ret[static 3])
{
    (void)ctx;
    addr_sort_keys(&route_of(row)->dst, ret);
}

static void show_gateway(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    if (addr_is_set(&route_of(row)->gateway))
        cell_addr(cell, &route_of(row)->gateway, false);
    else
        cell_text(cell, "-");
}

CELL_TEXT(dev, struct route_row, r->dev)

static void show_proto(void *ctx, const void *row, struct list_cell *cell)
{
    char buf[8 + 8];

    (void)ctx;
    cell_text(cell, route_protocol_name(route_of(row)->protocol, buf));
}

static const char *text_owner(void *ctx, const void *row)
{
    (void)ctx;
    return route_of(row)->owner;
}

static void show_owner(void *ctx, const void *row, struct list_cell *cell)
{
    const struct route_row *r = row;
    const char *name = strncmp(r->owner, "node ", 5) == 0 ? r->owner + 5 : r->owner;

    (void)ctx;
    if (r->state == ROUTE_NEXTHOP_DOWN) {
        snprintf(cell->text, sizeof cell->text, "%s DOWN", name);
        cell->role = ROLE_CRIT;
        return;
    }
    cell_text(cell, r->owner);
    if (is_foreign(r))
        cell->role = ROLE_FOREIGN;
}

CELL_NUM(metric, struct route_row, r->metric)

static void format_table(uint32_t table, char *buf, size_t cap)
{
    const char *name = table == 254 ? "main" : table == 255 ? "local" : table == 253 ? "default" : NULL;

    if (name)
        snprintf(buf, cap, "%s", name);
    else
        snprintf(buf, cap, "%" PRIu32, table);
}

static void show_table(void *ctx, const void *row, struct list_cell *cell)
{
    (void)ctx;
    format_table(route_of(row)->table, cell->text, sizeof cell->text);
}

static double num_since(void *ctx, const void *row)
{
    (void)ctx;
    return (double)route_of(row)->since_ms;
}

static void show_since(void *ctx, const void *row, struct list_cell *cell)
{
    cell_short_time(ctx, cell, route_of(row)->since_ms);
}

static const struct list_column columns[] = {
    {"dst", "DESTINATION", 29, true, CELLS_LEFT, 1, 'd', .format = show_dst, .compare = by_dst,
     .keys = keys_dst, .letters = CELL_ADDR_LETTERS "defaultDEFAULT"},
    {"gateway", "GATEWAY", 14, false, CELLS_LEFT, 2, 'g', .meaning = true, .format = show_gateway,
     .letters = CELL_ADDR_LETTERS "-"},
    {"dev", "DEV", 7, false, CELLS_LEFT, 1, 'v', .format = show_dev, .text = text_dev},
    {"proto", "PROTO", 8, false, CELLS_LEFT, 3, 'p', .format = show_proto},
    {"owner", "OWNER", 14, false, CELLS_LEFT, 1, 'o', .meaning = true, .format = show_owner,
     .text = text_owner},
    {"metric", "METRIC", 6, false, CELLS_RIGHT, 4, 'm', .format = show_metric,
     .number = num_metric},
    {"table", "TABLE", 6, false, CELLS_RIGHT, 4, 't', .format = show_table},
    {"since", "SINCE", 8, false, CELLS_RIGHT, 5, 's', .descending = true, .format = show_since,
     .number = num_since},
};

static bool routes_has(const struct view *v, const void *row)
{
    const struct route_row *r = row;

    if (v->variant == OURS)
        return !is_foreign(r);
    return v->variant != CHANGES || r->state != ROUTE_PLAIN ||
           v->c_b->clock.now_ms - r->since_ms < CHANGED_MS;
}

/* Where foreign routes would bury ours (a full table of a BGP router), ours come first. */
static unsigned routes_first(const struct view *v)
{
    const struct table_view *tv = v->c_b->snap->tables[TABLE_ROUTES];
    size_t foreign = 0;

    for (size_t i = 0; i < tv->n_rows && foreign <= MANY_FOREIGN; i++)
        foreign += is_foreign(view_at(tv, i));
    return foreign > MANY_FOREIGN ? OURS : ALL;
}

static uint32_t routes_glyph(const struct view *v, const void *row, bool utf8, enum role *role)
{
    (void)v;
    return glyph_put(glyph_route(row), utf8, role);
}

static void routes_name(const void *row, char *buf, size_t cap)
{
    format_dst(row, buf, cap);
}

static bool routes_status(const struct view *v, const void *row, char *buf, size_t cap)
{
    static const char *const glyph[] = {"", "+ new at ", "~ changed at ", "- gone at ",
                                        "! its next hop is down since "};
    const struct route_row *r = row;
    const struct ticket_row *t = NULL;
    char when[FMT_MAX], table[16], cause[80] = "";

    format_table(r->table, table, sizeof table);
    if (strncmp(r->owner, "vm ", 3) == 0)
        t = tickets_cause(v->c_b, r->owner + 3, r->since_ms);
    if (t)
        snprintf(cause, sizeof cause, " by ticket %" PRIu64 " (%s)", t->id, t->command);
    if (r->state == ROUTE_PLAIN)
        snprintf(buf, cap, "metric %" PRIu32 ", table %s, since %s", r->metric, table,
                 fmt_hms(when, &v->c_b->clock, r->since_ms));
    else
        snprintf(buf, cap, "%s%s%s: metric %" PRIu32 ", table %s",
                 glyph[r->state < ROUTE_STATE_COUNT ? r->state : 0],
                 fmt_hms(when, &v->c_b->clock, r->since_ms), cause, r->metric, table);
    return true;
}

static void routes_empty(const struct view *v, char *buf, size_t cap)
{
    (void)v;
    snprintf(buf, cap, "The kernel has no route at all.");
}

static void routes_open(struct view *v, const void *row)
{
    char name[VIEW_NAME];

    format_dst(row, name, sizeof name);
    page_open_lines(v->c_b, VIEW_ROUTES, "route.detail", name, route_of(row)->id);
}

static const char *routes_copy(const struct view *v, const void *row, char letter, char *buf,
                               size_t cap, const char **what)
{
    char addr[ADDR_TEXT];
    const struct route_row *r = row;

    (void)v;
    if (letter == 'y' || letter == 'd') {
        *what = "destination";
        format_dst(r, buf, cap);
        return buf;
    }
    if (letter == 'g' && addr_is_set(&r->gateway)) {
        *what = "gateway";
        snprintf(buf, cap, "%s", addr_format(&r->gateway, false, addr));
        return buf;
    }
    return NULL;
}

static const struct hint hints[] = {
    {ACT_OPEN, NULL}, {ACT_WHY, "why this one"}, {ACT_FILTER, NULL},  {ACT_SORT, NULL},
    {ACT_VARIANT, ""}, {ACT_COPY, NULL},  {ACT_HELP, NULL},    {ACT_INSPECT, NULL},
    {ACT_QUIT, NULL}, {0, NULL},
};

const struct view_ops view_routes = {
    .name = "routes",
    .tab = "Routes",
    .question = "where a packet goes, and whose route it takes",
    .table = TABLE_ROUTES,
    .context = CTX_ROUTES,
    .columns = columns,
    .n_columns = XMEM_LEN(columns),
    .sort = "dst",
    .variants = {"ours", "all", "changes"},
    .first_variant = routes_first,
    .detail = "route.detail",
    .hints = hints,
    .glyph = routes_glyph,
    .has_row = routes_has,
    .row_name = routes_name,
    .status = routes_status,
    .empty = routes_empty,
    .open = routes_open,
    .copy = routes_copy,
    .copy_keys = "y destination  g gateway",
};
