/* The Deck's counts and load rows. Console thread. */
#include "tui/views/deck_parts.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/state.h"
#include "tui/views/views.h"
#include "widgets/cells.h"
#include "widgets/spark.h"

enum { SLOTS = 5, WIDE_COLS = 110, CHANGED_MS = 5 * 60 * 1000 };

struct slot {
    size_t n;
    const char *word;
    enum role role; /* when n > 0 */
};

/* Where the numbers of a row end: columns for a small fleet, wider ones where there is room. */
static const int narrow_edge[SLOTS + 1] = {12, 16, 29, 42, 54, 66};
static const int wide_edge[SLOTS + 1] = {14, 22, 40, 58, 74, 90};

static bool fits(const int *edge, size_t total, const struct slot *slot, size_t n)
{
    char text[FMT_MAX];
    int from = 9; /* behind the longest label */

    fmt_count(text, total);
    if (edge[0] + 1 - cells_width(text) < from - 1)
        return false;
    from = edge[0] + 2;
    for (size_t i = 0; i < n && i < SLOTS; i++) {
        fmt_count(text, slot[i].n);
        if (edge[i + 1] + 1 - cells_width(text) < from)
            return false;
        from = edge[i + 1] + 2 + cells_width(slot[i].word) + 1;
    }
    return true;
}

static void draw_slots(struct canvas c, int row, const char *label, size_t total,
                       const struct slot *slot, size_t n)
{
    bool aligned = fits(narrow_edge, total, slot, n), wide = c.cols >= WIDE_COLS;
    const int *edge = wide ? wide_edge : narrow_edge;
    char text[FMT_MAX];
    int at;

    canvas_put(c, row, 1, ROLE_COLHEAD, label);
    fmt_count(text, total);
    if (aligned || wide) {
        canvas_put(c, row, edge[0] + 1 - cells_width(text), ROLE_STRONG, text);
        at = 0;
    } else { /* a large fleet in a small window: one behind the other */
        at = 8 + canvas_put(c, row, 8, ROLE_STRONG, text) + 2;
    }
    for (size_t i = 0; i < n && i < SLOTS; i++) {
        enum role role = slot[i].n ? slot[i].role : ROLE_DIM;
        fmt_count(text, slot[i].n);
        int col = at ? at : edge[i + 1] + 1 - cells_width(text);
        canvas_put(c, row, col, role, text);
        col += cells_width(text) + 1;
        col += canvas_put(c, row, col, role, slot[i].word);
        at = at ? col + 2 : 0;
    }
}

/* Rarer states take the place of usual ones that count nothing. */
static void fit_in(struct slot *slot, size_t n, const struct slot *rare, size_t n_rare)
{
    for (size_t i = 0; i < n_rare; i++) {
        if (rare[i].n == 0)
            continue;
        for (size_t k = n; k-- > 0;)
            if (slot[k].n == 0) {
                slot[k] = rare[i];
                break;
            }
    }
}

static void draw_vms(const struct console *c, struct canvas at)
{
    const struct table_view *tv = c->snap->tables[TABLE_VMS];
    size_t n[VM_STATE_COUNT] = {0};

    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct vm_row *vm = view_at(tv, i);
        n[vm->state < VM_STATE_COUNT ? vm->state : VM_STATE_UNKNOWN]++;
    }
    struct slot slot[SLOTS] = {
        {n[VM_STATE_RUNNING], "running", ROLE_OK}, {n[VM_STATE_STARTING], "starting", ROLE_BUSY},
        {n[VM_STATE_STOPPED], "stopped", ROLE_OFF}, {n[VM_STATE_FAILED], "failed", ROLE_CRIT},
        {n[VM_STATE_UNKNOWN], "unknown", ROLE_UNKNOWN},
    };
    const struct slot rare[] = {
        {n[VM_STATE_PAUSED], "paused", ROLE_OFF}, {n[VM_STATE_STOPPING], "stopping", ROLE_BUSY},
        {n[VM_STATE_MOVING], "moving", ROLE_BUSY},
    };
    fit_in(slot, SLOTS, rare, 3);
    draw_slots(at, 0, "VMS", tv->n_rows, slot, SLOTS);
}

static void draw_mesh(const struct console *c, struct canvas at)
{
    const struct table_view *tv = c->snap->tables[TABLE_PEERS];
    size_t n[PEER_VERDICT_COUNT] = {0};

    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct peer_row *p = view_at(tv, i);
        n[p->verdict < PEER_VERDICT_COUNT ? p->verdict : PEER_NEVER]++;
    }
    struct slot slot[SLOTS] = {
        {n[PEER_HEALTHY], "healthy", ROLE_OK}, {n[PEER_IDLE], "idle", ROLE_OFF},
        {n[PEER_STALE], "stale", ROLE_WARN},   {n[PEER_ONE_WAY], "one-way", ROLE_WARN},
        {n[PEER_DOWN], "down", ROLE_CRIT},
    };
    const struct slot rare[] = {
        {n[PEER_MISMATCH], "mismatch", ROLE_CRIT}, {n[PEER_CLAIMED], "claimed", ROLE_CRIT},
        {n[PEER_NEVER], "never", ROLE_WARN},
    };
    fit_in(slot, SLOTS, rare, 3);
    draw_slots(at, 1, "MESH", tv->n_rows, slot, SLOTS);
}

static void draw_routes(const struct console *c, struct canvas at)
{
    const struct table_view *tv = c->snap->tables[TABLE_ROUTES];
    size_t foreign = 0, changed = 0;

    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct route_row *r = view_at(tv, i);
        foreign += strcmp(r->owner, "foreign") == 0;
        changed += (r->state == ROUTE_NEW || r->state == ROUTE_CHANGED) &&
                   c->clock.now_ms - r->since_ms < CHANGED_MS;
    }
    const struct slot slot[] = {
        {tv->n_rows - foreign, "ours", ROLE_BASE}, {foreign, "foreign", ROLE_FOREIGN},
        {changed, "changed in 5 min", ROLE_BASE},
    };
    draw_slots(at, 2, "ROUTES", tv->n_rows, slot, 3);
}

void deck_draw_counts(const struct console *c, struct canvas at)
{
    draw_vms(c, at);
    draw_mesh(c, at);
    draw_routes(c, at);
}

static void draw_series(struct canvas c, int row, const char *label, const struct load_series *s,
                        bool rate, const char *of)
{
    double values[LOAD_CELLS];
    char now[FMT_MAX + 8], peak[FMT_MAX + 8], buf[FMT_MAX];

    if (rate) {
        snprintf(now, sizeof now, "%s b/s", fmt_rate(buf, s->now));
        snprintf(peak, sizeof peak, "%s b/s", fmt_rate(buf, s->peak));
    } else {
        snprintf(now, sizeof now, "%d %%", (int)((s->now + 5) / 10));
        snprintf(peak, sizeof peak, "%d %%", (int)((s->peak + 5) / 10));
    }
    for (unsigned i = 0; i < LOAD_CELLS; i++)
        values[i] = i + s->filled >= LOAD_CELLS ? (double)s->cells[i] : (double)NAN;
    canvas_put(c, row, 1, ROLE_BASE, label);
    canvas_put(c, row, 21 - cells_width(now), rate ? ROLE_BASE : role_of_load(s->now), now);
    spark_draw(c, row, 24, LOAD_CELLS, ROLE_SPARK, values, LOAD_CELLS,
               rate ? (double)(s->peak ? s->peak : 1) : 1000.0);
    canvas_put(c, row, 66 - cells_width(peak), ROLE_DIM, peak);
    canvas_put(c, row, 69, ROLE_DIM, of);
}

void deck_draw_load(const struct console *c, struct canvas at)
{
    const struct snapshot_meta *m = &c->snap->meta;
    char node[32], cores[FMT_MAX], memory[FMT_MAX], disk[FMT_MAX];
    size_t i;

    for (i = 0; m->node[i] && i < sizeof node - 1; i++)
        node[i] = (char)toupper((unsigned char)m->node[i]);
    node[i] = '\0';
    canvas_put_in(at, 0, 1, 16, ROLE_COLHEAD, CELLS_LEFT, node);
    canvas_put(at, 0, 18, ROLE_COLHEAD, "now");
    canvas_put(at, 0, 24, ROLE_COLHEAD, "5 min, one cell is 10 s");
    canvas_put(at, 0, 62, ROLE_COLHEAD, "peak   of");
    snprintf(cores, sizeof cores, "%u cores", m->cores);
    draw_series(at, 1, "cpu", &m->cpu, false, cores);
    draw_series(at, 2, "memory", &m->memory, false, fmt_bytes(memory, m->memory_bytes));
    draw_series(at, 3, "disk", &m->disk, false, fmt_bytes(disk, m->disk_bytes));
    draw_series(at, 4, "mesh in", &m->mesh_in, true, "");
    draw_series(at, 5, "mesh out", &m->mesh_out, true, "");
}
