#ifndef MESHDECK_TESTS_FIXTURE_H
#define MESHDECK_TESTS_FIXTURE_H
/*
 * One small fleet, exactly that of the drawings in the console's specification: node ams1 of the
 * fleet lab at 14:06:27 on 2026-11-21 (UTC), twelve VMs, the tunnel to fra2 down, ticket 41 on its
 * last step. Answers to commands are canned. For tests of the console only.
 */
#include <stdint.h>

#include "backend/engine.h"

int64_t fixture_now_ms(void);
int64_t fixture_at(int day, int hour, int minute, int second); /* of November 2026 */

/* A new picture of it; the caller's. generation counts up with each call. */
struct snapshot *fixture_snapshot(void);

/* What the fixture may be asked to be before fixture_snapshot. Reset by fixture_reset. */
struct fixture_change {
    bool production, read_only, empty, quiet; /* quiet: no alert, no running ticket */
    bool no_unit;                             /* meshdeck.service is not enabled */
    bool hostile;                             /* names with escape sequences */
    uint32_t many_vms;                        /* so many more, vm-00001 ... */
    uint32_t beat;                            /* another value in a row that is shown */
    const char *peers_error;
};
extern struct fixture_change fixture_change;
void fixture_reset(void);

/* An engine that shows the fixture and answers at once. */
struct fake_engine;
struct engine *fake_engine_new(void);
void fake_engine_publish(struct engine *en);       /* a new picture after a change */
void fake_engine_set_heartbeat(struct engine *en, int64_t ms);
const char *fake_engine_last_verb(struct engine *en); /* "" before the first */
struct json_t *fake_engine_last_args(struct engine *en); /* borrowed */
unsigned fake_engine_count(struct engine *en, const char *verb);
int fake_engine_take_stream(struct engine *en);    /* the far end of the last shell; the caller's */
void fake_engine_fail_next(struct engine *en, const char *text);

/* The canned answer; NULL for none. */
struct json_t *fixture_answer(const char *verb, const struct json_t *args);

#endif
