/*
 * Tickets and their steps. Store thread; ticketrec_args_parse is pure. Finished tickets are
 * bounded; one that has not ended is never dropped.
 */
#include "backend/store/ticketrec.h"

#include <errno.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "backend/store/db.h"
#include "backend/model/clock.h"
#include "backend/store/rec.h"

static const struct rec_col cols[] = {
    REC_COL(ticket_rec, id, REC_U64),       REC_COL(ticket_rec, verb, REC_TEXT),
    REC_COL(ticket_rec, command, REC_TEXT), REC_COL(ticket_rec, object, REC_TEXT),
    REC_COL(ticket_rec, state, REC_U8),     REC_COL(ticket_rec, step, REC_U32),
    REC_COL(ticket_rec, steps, REC_U32),    REC_COL(ticket_rec, step_name, REC_TEXT),
    REC_COL(ticket_rec, error, REC_TEXT),   REC_COL(ticket_rec, undone, REC_TEXT),
    REC_COL(ticket_rec, by, REC_TEXT),      REC_COL(ticket_rec, started_ms, REC_I64),
    REC_COL(ticket_rec, ended_ms, REC_I64),
};
const struct rec_type rec_ticket = {
    .what = "ticket",
    .cols = cols,
    .n_cols = sizeof cols / sizeof cols[0],
    .size = sizeof(struct ticket_rec),
    .damaged = offsetof(struct ticket_rec, damaged),
};

static const struct rec_col step_cols[] = {
    REC_COL(ticket_step_rec, n, REC_U32),       REC_COL(ticket_step_rec, name, REC_TEXT),
    REC_COL(ticket_step_rec, detail, REC_TEXT), REC_COL(ticket_step_rec, state, REC_U8),
    REC_COL(ticket_step_rec, ms, REC_U32),
};
const struct rec_type rec_ticket_step = {
    .what = "step of a ticket",
    .cols = step_cols,
    .n_cols = sizeof step_cols / sizeof step_cols[0],
    .size = sizeof(struct ticket_step_rec),
    .damaged = -1,
};

enum { N_COLS = sizeof cols / sizeof cols[0], ARGS_COL = N_COLS + 1 }; /* after the sum */

#define COLUMNS                                                                                    \
    "id, verb, command, object, state, step, steps, step_name, error, undone, by, started_ms,"     \
    " ended_ms, sum"

void ticketrec_done(struct ticket_rec *t)
{
    free(t->args);
    t->args = NULL;
}

void ticketrec_free_all(struct ticket_rec *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ticketrec_done(&all[i]);
    free(all);
}

static int prune(struct db *db, struct err *e)
{
    int r = db_run_u64(db,
                       "DELETE FROM tickets WHERE state >= 2 AND id <= (SELECT id FROM tickets"
                       " WHERE state >= 2 ORDER BY id DESC LIMIT 1 OFFSET ?1)",
                       TICKETREC_KEEP, e);

    return r < 0 ? r : 0;
}

int ticketrec_add(struct db *db, struct ticket_rec *io, struct err *e)
{
    sqlite3_stmt *s;
    size_t len = io->args ? strlen(io->args) : 0;

    if (len > TICKETREC_ARGS_MAX)
        return err_set(e, ERR_AREA_INPUT, -E2BIG,
                       "the command's arguments are too long to be kept");
    if (!io->started_ms)
        io->started_ms = now_ms();
    io->damaged = 0;
    int r = db_get_u64(db,
                       "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name ="
                       " 'tickets'), 0) + 1 + ?1",
                       0, &io->id, e);
    if (r == 0)
        r = db_prepare(db,
                       "INSERT INTO tickets (" COLUMNS ", args) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
                       " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                       &s, e);
    if (r < 0)
        return r;
    r = rec_bind(db, s, &rec_ticket, io, e);
    db_bind_text(s, ARGS_COL + 1, io->args ? io->args : "");
    if (r == 0)
        r = db_step(db, s, e);
    db_reset(s);
    return r < 0 ? r : prune(db, e);
}

int ticketrec_update(struct db *db, const struct ticket_rec *t, struct err *e)
{
    return rec_run(db,
                   "UPDATE tickets SET verb = ?2, command = ?3, object = ?4, state = ?5,"
                   " step = ?6, steps = ?7, step_name = ?8, error = ?9, undone = ?10, by = ?11,"
                   " started_ms = ?12, ended_ms = ?13, sum = ?14 WHERE id = ?1",
                   &rec_ticket, t, e);
}

int ticketrec_put_steps(struct db *db, uint64_t ticket, const struct ticket_step_rec *steps,
                        size_t n, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db,
                       "INSERT OR REPLACE INTO ticket_steps (n, name, detail, state, ms, ticket)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                       &s, e);

    for (size_t i = 0; i < n && r == 0; i++) {
        r = rec_bind(db, s, &rec_ticket_step, &steps[i], e);
        db_bind_u64(s, 6, ticket);
        if (r == 0)
            r = db_step(db, s, e);
        db_reset(s);
    }
    return r;
}

static int read_one(struct sqlite3_stmt *s, struct ticket_rec *ret, struct err *e)
{
    rec_read(s, &rec_ticket, ret);
    const char *args = (const char *)sqlite3_column_text(s, ARGS_COL);
    if (ret->state >= TICKET_STATE_COUNT) {
        ret->state = TICKET_FAILED;
        ret->damaged = 1;
    }
    if (!args || !args[0])
        return 0;
    ret->args = strdup(args);
    return ret->args ? 0 : err_set(e, ERR_AREA_STORE, -ENOMEM, "no memory for a ticket");
}

int ticketrec_get(struct db *db, uint64_t id, struct ticket_rec *ret, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "SELECT " COLUMNS ", args FROM tickets WHERE id = ?1", &s, e);

    if (r < 0)
        return r;
    db_bind_u64(s, 1, id);
    r = db_step(db, s, e);
    if (r == 1)
        r = read_one(s, ret, e);
    else if (r == 0)
        r = err_set(e, ERR_AREA_STORE, -ENOENT, "there is no ticket %llu", (unsigned long long)id);
    db_reset(s);
    return r;
}

int ticketrec_steps(struct db *db, uint64_t id, struct ticket_step_rec *ret, size_t max,
                    size_t *ret_n, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db,
                       "SELECT n, name, detail, state, ms FROM ticket_steps WHERE ticket = ?1"
                       " ORDER BY n",
                       &s, e);

    *ret_n = 0;
    if (r < 0)
        return r;
    db_bind_u64(s, 1, id);
    while ((r = db_step(db, s, e)) == 1 && *ret_n < max)
        rec_read(s, &rec_ticket_step, &ret[(*ret_n)++]);
    db_reset(s);
    return r < 0 ? r : 0;
}

int ticketrec_all(struct db *db, size_t finished, struct ticket_rec **ret, size_t *ret_n,
                  struct err *e)
{
    struct ticket_rec *all = NULL;
    sqlite3_stmt *s;
    size_t n = 0, cap = 0;
    int r = db_prepare(db,
                       "SELECT " COLUMNS ", args FROM tickets WHERE state < 2 UNION ALL SELECT *"
                       " FROM (SELECT " COLUMNS ", args FROM tickets WHERE state >= 2"
                       " ORDER BY id DESC LIMIT ?1) ORDER BY id",
                       &s, e);

    if (r < 0)
        return r;
    db_bind_u64(s, 1, finished);
    while ((r = db_step(db, s, e)) == 1) {
        if (n == cap) {
            cap = cap ? cap * 2 : 64;
            struct ticket_rec *more = realloc(all, cap * sizeof *all);
            if (!more) {
                r = err_set(e, ERR_AREA_STORE, -ENOMEM, "no memory for %zu tickets", cap);
                break;
            }
            all = more;
        }
        memset(&all[n], 0, sizeof all[n]);
        r = read_one(s, &all[n++], e);
        if (r < 0)
            break;
    }
    db_reset(s);
    if (r < 0) {
        ticketrec_free_all(all, n);
        return r;
    }
    *ret = all;
    *ret_n = n;
    return 0;
}

static bool too_deep(const json_t *v, int left)
{
    const char *key;
    json_t *item;
    size_t i;

    if (left == 0)
        return true;
    if (json_is_array(v)) {
        json_array_foreach(v, i, item) if (too_deep(item, left - 1)) return true;
    } else if (json_is_object(v)) {
        json_object_foreach((json_t *)(uintptr_t)v, key,
                            item) if (too_deep(item, left - 1)) return true;
    }
    return false;
}

int ticketrec_args_parse(const char *text, size_t len, struct json_t **ret, struct err *e)
{
    json_error_t why;

    if (len > TICKETREC_ARGS_MAX)
        return err_set(e, ERR_AREA_STORE, -E2BIG, "a ticket's arguments: %zu bytes, at most %d",
                       len, TICKETREC_ARGS_MAX);
    json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!v)
        return err_set(e, ERR_AREA_STORE, -EINVAL,
                       "a ticket's arguments are damaged: %s at byte %d", why.text, why.position);
    if (!json_is_object(v) || too_deep(v, TICKETREC_DEPTH_MAX)) {
        json_decref(v);
        return err_set(e, ERR_AREA_STORE, -EINVAL,
                       "a ticket's arguments are damaged: not an object, or nested too deep");
    }
    *ret = v;
    return 0;
}
