#ifndef MESHDECK_STORE_TICKETREC_H
#define MESHDECK_STORE_TICKETREC_H
/*
 * Tickets: every command's row, its arguments as JSON and its steps. They survive the process;
 * those that an earlier engine left running are found at start by their state. Functions are for
 * jobs of the store.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"
#include "backend/model/rows.h" /* enum ticket_state */

struct db;
struct json_t;

enum {
    TICKETREC_ARGS_MAX = 4 << 20,
    TICKETREC_DEPTH_MAX = 16,
    TICKETREC_KEEP = 2000,
    TICKETREC_STEPS_MAX = 64
};

struct ticket_rec {
    uint64_t id;
    char verb[32];    /* of engine/verbs.h */
    char command[48]; /* "create web3" */
    char object[48];
    char *args;    /* JSON object as text, NULL for none; owned: ticketrec_done */
    uint8_t state; /* enum ticket_state */
    uint32_t step, steps;
    char step_name[48];
    char error[240], undone[240];
    char by[64];
    int64_t started_ms, ended_ms;
    uint8_t damaged;
};

enum ticket_step_state {
    TICKET_STEP_WAITING,
    TICKET_STEP_RUNNING,
    TICKET_STEP_DONE,
    TICKET_STEP_FAILED,
    TICKET_STEP_UNDONE
};

struct ticket_step_rec {
    uint32_t n; /* from 1 */
    char name[48], detail[160];
    uint8_t state; /* enum ticket_step_state */
    uint32_t ms;
};

void ticketrec_done(struct ticket_rec *t); /* frees args */
void ticketrec_free_all(struct ticket_rec *all, size_t n);

/* io->id is filled in. Finished tickets past TICKETREC_KEEP go, oldest first. */
int ticketrec_add(struct db *db, struct ticket_rec *io, struct err *e);
/* State, step, steps, step_name, error, undone, ended_ms. */
int ticketrec_update(struct db *db, const struct ticket_rec *t, struct err *e);
int ticketrec_put_steps(struct db *db, uint64_t ticket, const struct ticket_step_rec *steps,
                        size_t n, struct err *e); /* inserts or replaces by n */
int ticketrec_get(struct db *db, uint64_t id, struct ticket_rec *ret, struct err *e);
/* Up to `max` steps in order. */
int ticketrec_steps(struct db *db, uint64_t id, struct ticket_step_rec *ret, size_t max,
                    size_t *ret_n, struct err *e);
/* All that have not ended and the newest `finished` of the others; oldest first. */
int ticketrec_all(struct db *db, size_t finished, struct ticket_rec **ret, size_t *ret_n,
                  struct err *e);

/* Arguments from text that may be damaged: an object, at most TICKETREC_ARGS_MAX bytes, no key
 * twice, nested at most TICKETREC_DEPTH_MAX deep. *ret is owned. */
int ticketrec_args_parse(const char *text, size_t len, struct json_t **ret, struct err *e);

#endif
