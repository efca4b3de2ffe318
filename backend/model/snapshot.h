#ifndef MESHDECK_MODEL_SNAPSHOT_H
#define MESHDECK_MODEL_SNAPSHOT_H
/*
 * The picture that the engine publishes and the console draws: immutable, counted, swapped
 * atomically. It holds instants, never ages, so time alone publishes nothing.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/model/clock.h"
#include "backend/model/rows.h"
#include "backend/model/table.h"

enum { LOAD_CELLS = 30 }; /* 5 minutes, a cell each 10 s */

struct table_health {
    int64_t checked_ms; /* last successful check against the source, 0: not yet */
    bool whole;         /* false: read in part */
    uint8_t tries;
    uint32_t loading; /* rows read so far while a dump runs, else 0 */
    char error[96];   /* "" when well */
};

/* One series of a node's load; cells[LOAD_CELLS - 1] is the newest, `filled` of them hold data. */
struct load_series {
    uint64_t cells[LOAD_CELLS];
    uint64_t now, peak, limit; /* permille for cpu, memory and disk; bits a second for the mesh */
    uint32_t filled;
};

struct snapshot_meta {
    uint64_t generation;
    int64_t taken_ms;
    char fleet[32], node[32];
    char accel[16];       /* "KVM", "emulated", "simulated" */
    char accel_why[96];   /* why emulated */
    char version[16];
    bool demo, production, read_only, headless_enabled;
    bool engine_ready;    /* the first reading of everything is done */
    char read_only_why[96]; /* and the command that is not, when read_only */
    uint32_t consoles;
    uint32_t owner_pid;
    uint32_t churn;       /* row changes a second */
    uint32_t cores;
    uint64_t memory_bytes, disk_bytes;
    uint8_t public_key[32]; /* this node's, all zero when there is none yet */
    char wg_device[16];     /* "mesh0", "" when there is none */
    char wg_backend[16];    /* "kernel", "wireguard-go" */
    uint16_t wg_port;
    struct addr fleet_prefix;
    struct load_series cpu, memory, disk, mesh_in, mesh_out;
    struct table_health health[TABLE_COUNT];
};

struct snapshot {
    struct snapshot_meta meta;
    struct table_view *tables[TABLE_COUNT]; /* never NULL in a published snapshot */
};

/* Takes over the views in `views` (all TABLE_COUNT of them); count is 1. NULL: no memory (the views
 * are then still the caller's). */
struct snapshot *snapshot_new_take(const struct snapshot_meta *meta,
                                   struct table_view *views[static TABLE_COUNT]);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s);

/* The place where one thread publishes and others take: a tiny lock around a swap. */
struct snapshot_box;
struct snapshot_box *snapshot_box_new(void);
void snapshot_box_free(struct snapshot_box *b);
void snapshot_box_publish_take(struct snapshot_box *b, struct snapshot *s);
struct snapshot *snapshot_box_get(struct snapshot_box *b); /* a new reference; NULL before the first */

#endif
