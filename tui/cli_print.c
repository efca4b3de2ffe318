/* What the command line prints: aligned tables for people, JSON for programs. Main thread. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/model/text.h"
#include "tui/cli.h"
#include "widgets/cells.h"

enum { CELL = 256, COLUMNS_MAX = 16 };

int cli_print_json(const json_t *j)
{
    if (json_dumpf(j, stdout, JSON_INDENT(2)) < 0)
        return cli_fail("JSON", "out of memory");
    (void)putchar('\n');
    return CLI_DONE;
}

int cli_print_row(const struct row_type *type, const void *row)
{
    json_t *j = row_to_json(type, row);
    int status = j ? cli_print_json(j) : cli_fail("JSON", "out of memory");

    json_decref(j);
    return status;
}

/* One row a line, each written as soon as it is made: a fleet is long. */
static int print_json_rows(const struct table_view *v, cli_filter_fn *keep, const void *arg)
{
    struct view_cursor at = {0, 0};
    const char *before = "[\n";
    const void *row;

    while ((row = view_next(v, &at))) {
        if (keep && !keep(row, arg))
            continue;
        json_t *j = row_to_json(v->type, row);
        (void)fputs(before, stdout);
        if (!j || json_dumpf(j, stdout, JSON_COMPACT) < 0) {
            json_decref(j);
            return cli_fail("JSON", "out of memory");
        }
        json_decref(j);
        before = ",\n";
    }
    (void)puts(before[0] == '[' ? "[]" : "\n]");
    return CLI_DONE;
}

static void print_cell(const char *text, int width, bool right, bool last)
{
    int gap = width - cells_width(text);

    if (last && !right)
        gap = 0;
    if (right)
        (void)printf("%*s", gap, "");
    (void)fputs(text, stdout);
    if (!right)
        (void)printf("%*s", gap, "");
    (void)fputs(last ? "\n" : "  ", stdout);
}

static void print_text_rows(const struct table_view *v, const struct cli_column *columns, size_t n,
                            cli_filter_fn *keep, const void *arg, const char *none)
{
    int width[COLUMNS_MAX];
    char raw[CELL], text[CELL];
    struct view_cursor at;
    const void *row;
    size_t rows = 0;

    for (size_t i = 0; i < n; i++)
        width[i] = cells_width(columns[i].title);
    for (unsigned pass = 0; pass < 2; pass++) {
        if (pass == 1 && rows > 0)
            for (size_t i = 0; i < n; i++)
                print_cell(columns[i].title, width[i], columns[i].right, i + 1 == n);
        at = (struct view_cursor){0, 0};
        while ((row = view_next(v, &at))) {
            if (keep && !keep(row, arg))
                continue;
            rows += pass == 0;
            for (size_t i = 0; i < n; i++) {
                raw[0] = '\0';
                columns[i].format(row, raw, sizeof raw);
                text_clean(text, sizeof text, raw, strlen(raw));
                if (pass == 1)
                    print_cell(text, width[i], columns[i].right, i + 1 == n);
                else if (cells_width(text) > width[i])
                    width[i] = cells_width(text);
            }
        }
    }
    if (rows == 0)
        (void)fprintf(stderr, "%s\n", none);
}

int cli_print_table(struct cli *c, enum table_id table, const struct cli_column *columns,
                    size_t n_columns, cli_filter_fn *keep, const void *arg, const char *none)
{
    struct snapshot *s = cli_snapshot(c);
    const struct table_health *h = &s->meta.health[table];
    int status = CLI_DONE;

    if (c->json)
        status = print_json_rows(s->tables[table], keep, arg);
    else
        print_text_rows(s->tables[table], columns, n_columns, keep, arg, none);
    if (h->error[0])
        status = cli_fail(s->tables[table]->type->name, h->error);
    else if (h->checked_ms && !h->whole)
        status =
            cli_fail(s->tables[table]->type->name, "read in part only: the source kept changing");
    if (!s->meta.engine_ready)
        status = CLI_FAILED;
    snapshot_unref(s);
    return status;
}

void cli_print_lines(const json_t *lines)
{
    char label[64], text[1024];
    json_t *line;
    size_t i;

    json_array_foreach(lines, i, line)
    {
        const char *l = json_string_value(json_object_get(line, "label"));
        const char *t = json_string_value(json_object_get(line, "text"));
        text_clean(label, sizeof label, l ? l : "", l ? strlen(l) : 0);
        text_clean(text, sizeof text, t ? t : "", t ? strlen(t) : 0);
        (void)printf("%-11s %s\n", label, text);
    }
}

void cli_format_instant(int64_t ms, char *buf, size_t cap)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;

    if (ms == 0 || !localtime_r(&s, &tm) || strftime(buf, cap, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        (void)str_copy(buf, cap, "-");
}

void cli_format_rate(uint64_t bps, char *buf, size_t cap)
{
    static const char units[] = " kMGT";
    double v = (double)bps;
    size_t unit = 0;

    while (v >= 999.5 && unit + 2 < sizeof units) {
        v /= 1000;
        unit++;
    }
    if (unit == 0)
        (void)snprintf(buf, cap, "%.0f", v);
    else
        (void)snprintf(buf, cap, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[unit]);
}

void cli_format_bytes(uint64_t bytes, char *buf, size_t cap)
{
    double mib = (double)bytes / (1 << 20);

    if (mib < 1024)
        (void)snprintf(buf, cap, mib < 10 ? "%.1f MiB" : "%.0f MiB", mib);
    else
        (void)snprintf(buf, cap, "%.1f GiB", mib / 1024);
}
