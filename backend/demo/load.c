/* The load of the node that we pretend to be on: five minutes of history. Demo thread. */
#include "backend/demo/demo_parts.h"

enum { HASH_LOAD = 60, CELL_MS = 10000, NOW_MS = 2000 };

/* A slow wave with some noise on it, between low and high. */
static uint64_t wave(const struct demo *d, uint32_t series, int64_t at, uint64_t low, uint64_t high)
{
    int64_t phase = (at + (int64_t)series * 7) % 24;
    uint64_t up = (uint64_t)(phase < 12 ? phase : 24 - phase); /* 0 to 12 */
    uint64_t noise = demo_hash(d, HASH_LOAD + series, (uint64_t)at) % 5;

    return low + (high - low) * (up + noise) / 16;
}

struct shape {
    struct load_series *series;
    uint64_t low, high, limit;
};

static void shapes(struct demo *d, struct shape ret[5])
{
    ret[0] = (struct shape){&d->meta.cpu, 300, 820, 1000};
    ret[1] = (struct shape){&d->meta.memory, 600, 630, 1000};
    ret[2] = (struct shape){&d->meta.disk, 440, 446, 1000};
    ret[3] = (struct shape){&d->meta.mesh_in, 900000, 96000000, 0};
    ret[4] = (struct shape){&d->meta.mesh_out, 200000, 38000000, 0};
}

static void set_now(struct load_series *s, uint64_t now)
{
    s->now = now;
    s->peak = 0;
    for (unsigned i = 0; i < LOAD_CELLS; i++)
        s->peak = s->cells[i] > s->peak ? s->cells[i] : s->peak;
    s->peak = now > s->peak ? now : s->peak;
}

void demo_load_first(struct demo *d)
{
    struct shape of[5];

    shapes(d, of);
    for (uint32_t k = 0; k < 5; k++) {
        struct load_series *s = of[k].series;
        for (int i = 0; i < LOAD_CELLS; i++)
            s->cells[i] = wave(d, k, i, of[k].low, of[k].high);
        s->filled = LOAD_CELLS;
        s->limit = of[k].limit;
        set_now(s, s->cells[LOAD_CELLS - 1]);
    }
}

void demo_load_run(struct demo *d)
{
    struct shape of[5];
    bool cell = d->now_ms - d->cell_ms >= CELL_MS;

    if (!cell && d->now_ms - d->load_ms < NOW_MS)
        return;
    d->load_ms = d->now_ms;
    if (cell)
        d->cell_ms = d->now_ms;
    shapes(d, of);
    for (uint32_t k = 0; k < 5; k++) {
        struct load_series *s = of[k].series;
        int64_t at = LOAD_CELLS + (d->now_ms - d->start_ms) / CELL_MS;
        for (unsigned i = 1; cell && i < LOAD_CELLS; i++)
            s->cells[i - 1] = s->cells[i];
        if (cell)
            s->cells[LOAD_CELLS - 1] = s->now;
        if (s->now < s->limit || s->limit == 0) /* a full disk stays full */
            set_now(s, wave(d, k, at, of[k].low, of[k].high));
    }
    d->dirty = true;
}
