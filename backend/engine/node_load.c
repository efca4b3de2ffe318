#include "backend/engine/node_load.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/engine/base.h"
#include "backend/engine/core.h"
#include "backend/observe/hostload.h"

enum { READ_MS = 2000, CELL_TURNS = 5 };

struct node_load {
    uv_timer_t timer;
    struct hostload now;
    unsigned turns;
    uint64_t sum[5]; /* of the running cell: cpu, memory, disk, mesh in, mesh out */
};

/* True when the figure on screen should change: by 2 % of it and by more than a permille. */
static bool set_now(struct load_series *s, uint64_t v)
{
    uint64_t d = v > s->now ? v - s->now : s->now - v;

    if (d <= 1 || d * 50 < s->now)
        return false;
    s->now = v;
    return true;
}

static void add_cell(struct load_series *s, uint64_t v)
{
    for (unsigned i = 1; i < LOAD_CELLS; i++)
        s->cells[i - 1] = s->cells[i];
    s->cells[LOAD_CELLS - 1] = v;
    if (s->filled < LOAD_CELLS)
        s->filled++;
    s->peak = 0;
    for (unsigned i = LOAD_CELLS - s->filled; i < LOAD_CELLS; i++)
        if (s->cells[i] > s->peak)
            s->peak = s->cells[i];
}

static void mesh_rates(const struct core *c, uint64_t *ret_in, uint64_t *ret_out)
{
    struct table *t = c->tables[TABLE_PEERS];

    *ret_in = *ret_out = 0;
    for (size_t i = 0; i < table_count(t); i++) {
        const struct peer_row *p = table_at(t, i);
        *ret_in += p->rx_bps;
        *ret_out += p->tx_bps;
    }
}

static void load_tick(uv_timer_t *timer)
{
    struct core *c = timer->data;
    struct node_load *l = c->load;
    struct load_series *series[5] = {&c->meta.cpu, &c->meta.memory, &c->meta.disk, &c->meta.mesh_in,
                                     &c->meta.mesh_out};
    uint64_t values[5] = {0};
    bool changed = false;

    if (hostload_read(&l->now, c->set.state_dir, NULL) < 0 && l->now.cores == 0)
        return;
    values[0] = l->now.cpu_permille;
    values[1] = l->now.mem_permille;
    values[2] = l->now.disk_permille;
    mesh_rates(c, &values[3], &values[4]);
    c->meta.cores = l->now.cores;
    c->meta.memory_bytes = l->now.mem_total_bytes;
    c->meta.disk_bytes = l->now.disk_total_bytes;
    l->turns++;
    bool cell = l->turns % CELL_TURNS == 0;
    for (unsigned i = 0; i < 5; i++) {
        l->sum[i] += values[i];
        changed = set_now(series[i], values[i]) || changed;
        if (!cell)
            continue;
        uint64_t was = series[i]->cells[LOAD_CELLS - 1], mean = l->sum[i] / CELL_TURNS;
        add_cell(series[i], mean);
        l->sum[i] = 0;
        changed = changed || was != mean || series[i]->filled < LOAD_CELLS;
    }
    if (values[2] >= 980)
        journal_raise(c, "disk", ALERT_CRIT, c->meta.node, "nodes", "disk full",
                      "the file system of the state folder is full", 0, 0);
    else
        journal_clear(c, "disk");
    if (changed)
        base_publish(c);
    if (changed)
        publish_dirty(c);
}

int node_load_start(struct core *c)
{
    c->load = calloc(1, sizeof *c->load);
    if (!c->load)
        return -ENOMEM;
    c->meta.cpu.limit = c->meta.memory.limit = c->meta.disk.limit = 1000;
    uv_timer_init(&c->loop, &c->load->timer);
    c->load->timer.data = c;
    uv_timer_start(&c->load->timer, load_tick, 0, READ_MS);
    return 0;
}

void node_load_done(struct core *c)
{
    free(c->load);
    c->load = NULL;
}
