/*
 * peer.add, peer.remove, peer.try: the record first, then the planner. A dry run does all checks of
 * the store in a transaction that is taken back. Engine thread.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/base.h"
#include "backend/engine/gather.h"
#include "backend/engine/handlers.h"
#include "backend/engine/peers.h"
#include "backend/engine/plan_job.h"
#include "backend/engine/preview.h"
#include "backend/host/wgkey.h"
#include "backend/model/text.h"
#include "backend/store/store.h"

enum { DEFAULT_KEEPALIVE = 25 };
enum peer_op_kind { PEER_OP_ADD, PEER_OP_REMOVE, PEER_OP_TRY };

struct peer_op {
    struct plan_ctx ctx; /* first: plan_job.c looks for it here */
    struct core *core;
    struct job *job;
    struct request *request; /* of a dry run */
    enum peer_op_kind kind;
    uint64_t id;
    struct peer_rec rec;
};

static int op_plan(struct peer_op *op, struct plan **ret, struct err *e)
{
    struct plan_scope scope = {.only = true, .peers = true};
    struct gather *g = gather_new(op->core, 0);

    if (!g)
        return err_set(e, ERR_AREA_WIREGUARD, -ENOMEM, "planning: out of memory");
    struct plan_peer *p = gather_peer(g, op->id);
    if (p && op->kind == PEER_OP_REMOVE)
        p->goal = PLAN_GONE;
    if (!p && op->request) { /* a dry run: it is in no record yet */
        p = gather_add_peer(g);
        *p = (struct plan_peer){.id = ~0ull, .goal = PLAN_RUN, .endpoint = op->rec.endpoint,
                                .keepalive_s = (uint16_t)op->rec.keepalive_s,
                                .n_prefixes = op->rec.n_prefixes};
        memcpy(p->name, op->rec.name, sizeof p->name);
        memcpy(p->public_key, op->rec.public_key, sizeof p->public_key);
        memcpy(p->prefixes, op->rec.prefixes, sizeof p->prefixes);
    }
    int r = gather_plan(g, &scope, ret, e);
    gather_free(g);
    return r;
}

static void begin_plan(struct peer_op *op)
{
    struct plan *p = NULL;
    struct err e = {0};

    if (op_plan(op, &p, &e) < 0 || plan_run_new_take(op->job, p, true, &op->ctx.run, &e) < 0)
        job_step_failed(op->job, &e);
    else
        job_step_done(op->job);
}

static int op_write(struct db *db, void *arg, struct err *e)
{
    struct peer_op *op = arg;

    if (op->kind == PEER_OP_ADD)
        return peerrec_add(db, &op->rec, e);
    op->rec.removing = op->kind == PEER_OP_REMOVE;
    return peerrec_update(db, &op->rec, e);
}

static void op_written(int code, const struct err *e, void *arg)
{
    struct peer_op *op = arg;
    struct err mine = {0};

    if (code < 0) {
        job_step_failed(op->job, e);
        return;
    }
    struct peer *p = peers_find_id(op->core, op->id);
    if (op->kind == PEER_OP_ADD) {
        p = peers_add(op->core, &op->rec);
        op->id = op->rec.id;
    }
    if (!p) {
        err_set(&mine, ERR_AREA_WIREGUARD, -ENOENT, "the peer is gone");
        job_step_failed(op->job, &mine);
        return;
    }
    if (op->kind == PEER_OP_TRY) {
        p->rec = op->rec;
        p->force_endpoint = true;
    }
    p->wanted = op->kind != PEER_OP_REMOVE;
    begin_plan(op);
}

static void op_run(struct job *j)
{
    struct peer_op *op = job_ctx(j);
    struct err e = {0};

    op->job = j;
    if (store_post(op->core->store, STORE_WRITE, op_write, op_written, op, &e) < 0)
        job_step_failed(j, &e);
}

static int undo_write(struct db *db, void *arg, struct err *e)
{
    struct peer_op *op = arg;
    return peerrec_remove(db, op->id, e);
}

static void undo_written(int code, const struct err *e, void *arg)
{
    struct peer_op *op = arg;
    struct peer *p = peers_find_id(op->core, op->id);

    if (code >= 0 && p)
        peers_drop(op->core, p);
    job_undo_done(op->job, code < 0 ? e->text : NULL);
}

static void op_undo(struct job *j)
{
    struct peer_op *op = job_ctx(j);
    struct peer *p = peers_find_id(op->core, op->id);
    struct err e = {0};

    if (op->kind != PEER_OP_ADD) {
        if (p)
            p->wanted = true;
        job_undo_done(j, NULL);
    } else if (store_post(op->core->store, STORE_WRITE, undo_write, undo_written, op, &e) < 0) {
        job_undo_done(j, e.text);
    }
}

static void op_free(void *ctx)
{
    struct peer_op *op = ctx;

    plan_run_free(op->ctx.run);
    free(op);
}

static void op_ended(struct job *j, void *ctx, const struct err *e)
{
    static const char *const verbs_of[] = {"added", "removed", "moved to its other endpoint"};
    struct peer_op *op = ctx;
    struct peer *p = peers_find_id(op->core, op->id);
    char cause[32], object[48];

    if (!j)
        return;
    if (p)
        p->force_endpoint = false;
    (void)snprintf(cause, sizeof cause, "ticket %llu", (unsigned long long)job_ticket(j));
    (void)snprintf(object, sizeof object, "peer %s", op->rec.name);
    journal_event(op->core, e->code ? EVENT_WARN : EVENT_INFO, object, cause, job_who(j),
                  e->code ? "not %s: %s" : "%s%s", verbs_of[op->kind], e->code ? e->text : "");
    peers_read_soon(op->core);
}

static void op_start(struct request *r, struct peer_op *op)
{
    static const char *const words[] = {"add peer", "remove peer", "try peer"};
    struct job_step step = {.name = "record", .run = op_run, .undo = op_undo};
    char who[96];

    str_copy(who, sizeof who, r->client->who);
    struct job_spec spec = {.verb = words[op->kind], .object = op->rec.name, .steps = &step,
                            .n_steps = 1, .ctx = op, .free_ctx = op_free, .ended = op_ended,
                            .who = who, .args = r->args, .kind = "peer"};
    job_start(r->core, &spec, r, NULL);
}

/* ---- what was asked ---- */

static int rec_from_args(const struct request *r, struct peer_rec *rec, const char **field,
                         struct err *e)
{
    const json_t *ips = json_object_get(r->args, "allowed_ips");
    const char *endpoint = request_text(r, "endpoint"), *expected = request_text(r, "expected");
    size_t i;
    json_t *one;

    memset(rec, 0, sizeof *rec);
    str_copy(rec->name, sizeof rec->name, request_text(r, "name"));
    *field = "public_key";
    int code = wgkey_from_base64(request_text(r, "public_key"), rec->public_key, e);
    if (code < 0)
        return code;
    if (memcmp(rec->public_key, r->core->meta.public_key, sizeof rec->public_key) == 0)
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "This is this node's own key.");
    *field = "endpoint";
    if (endpoint && *endpoint && (code = addr_endpoint_parse(endpoint, &rec->endpoint, e)) < 0)
        return code;
    *field = "allowed_ips";
    json_array_foreach(ips, i, one) {
        if (rec->n_prefixes == PEERREC_PREFIXES_MAX)
            return err_set(e, ERR_AREA_INPUT, -E2BIG, "At most %d prefixes a peer.", PEERREC_PREFIXES_MAX);
        code = addr_parse(json_string_value(one), true, &rec->prefixes[rec->n_prefixes++], e);
        if (code < 0)
            return code;
    }
    *field = "expected";
    if (expected && strcmp(expected, "always") != 0 && strcmp(expected, "sometimes") != 0)
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "always, or sometimes for a laptop.");
    rec->expected_always = !expected || strcmp(expected, "always") == 0;
    rec->keepalive_s = (uint32_t)request_uint(r, "keepalive", DEFAULT_KEEPALIVE);
    return 0;
}

static int try_write(struct db *db, void *arg, struct err *e)
{
    struct peer_op *op = arg;
    int r = peerrec_add(db, &op->rec, e);

    /* Whatever came of it, nothing stays: a job that fails is rolled back. */
    return r < 0 ? r : err_set(e, ERR_AREA_STORE, -ECANCELED, "dry run");
}

static void tried(int code, const struct err *e, void *arg)
{
    struct peer_op *op = arg;
    struct request *r = op->request;
    struct plan *p = NULL;
    struct err mine = {0};

    if (code != -ECANCELED) {
        request_ok_take(r, preview_error(code == -ENOTUNIQ     ? "public_key"
                                         : code == -EADDRINUSE ? "allowed_ips"
                                                               : "name", e->text));
    } else if (op_plan(op, &p, &mine) < 0) {
        request_ok_take(r, preview_error("name", mine.text));
    } else {
        request_ok_take(r, preview_json(r, p, NULL));
        plan_free(p);
    }
    op_free(op);
}

void peer_add_request(struct request *r)
{
    bool dry = request_bool(r, "dry_run", false);
    struct peer_op *op = calloc(1, sizeof *op);
    const char *field = "name";
    struct err e = {0};

    if (!op)
        err_set(&e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
    else if (!r->core->base || !r->core->store)
        err_set(&e, ERR_AREA_WIREGUARD, -EPERM, "%s", r->core->meta.read_only_why);
    else
        (void)rec_from_args(r, &op->rec, &field, &e);
    if (!e.code && !dry) {
        op->core = r->core;
        op->kind = PEER_OP_ADD;
        op_start(r, op);
        return;
    }
    if (!e.code) {
        op->core = r->core;
        op->request = r;
        if (store_post(r->core->store, STORE_WRITE, try_write, tried, op, &e) == 0)
            return;
    }
    free(op);
    if (dry)
        request_ok_take(r, preview_error(field, e.text));
    else
        request_fail(r, &e);
}

static struct peer_op *op_of_peer(struct request *r, enum peer_op_kind kind, struct err *e)
{
    struct peer *p = peers_find(r->core, request_text(r, "name"));
    struct peer_op *op = p ? calloc(1, sizeof *op) : NULL;

    if (!p)
        err_set(e, ERR_AREA_INPUT, -ENOENT, "there is no peer %s", request_text(r, "name"));
    else if (p->foreign)
        err_set(e, ERR_AREA_INPUT, -EPERM, "%s was not made by meshdeck, which does not change it",
                p->row.name);
    else if (!op)
        err_set(e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
    if (e->code) {
        free(op);
        return NULL;
    }
    op->core = r->core;
    op->kind = kind;
    op->id = p->rec.id;
    op->rec = p->rec;
    return op;
}

void peer_remove_request(struct request *r)
{
    struct err e = {0};
    struct peer_op *op = op_of_peer(r, PEER_OP_REMOVE, &e);
    struct plan *p = NULL;

    if (!op) {
        request_fail(r, &e);
    } else if (!request_bool(r, "dry_run", false)) {
        op_start(r, op);
    } else {
        if (op_plan(op, &p, &e) < 0)
            request_ok_take(r, preview_error("name", e.text));
        else
            request_ok_take(r, preview_json(r, p, NULL));
        plan_free(p);
        op_free(op);
    }
}

void peer_try_request(struct request *r)
{
    struct err e = {0};
    struct peer_op *op = op_of_peer(r, PEER_OP_TRY, &e);

    if (op && op->rec.other.port == 0) {
        err_set(&e, ERR_AREA_INPUT, -EINVAL, "%s has no other endpoint", op->rec.name);
        op_free(op);
        op = NULL;
    }
    if (!op) {
        request_fail(r, &e);
        return;
    }
    struct endpoint was = op->rec.endpoint;
    op->rec.endpoint = op->rec.other;
    op->rec.other = was;
    op_start(r, op);
}
