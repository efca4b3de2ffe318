/*
 * Making a VM: what was asked is checked, name and addresses are reserved in one transaction, then
 * the planner says the rest. A dry run does the same allocation and takes it back. Engine thread.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/base.h"
#include "backend/engine/gather.h"
#include "backend/engine/handlers.h"
#include "backend/engine/preview.h"
#include "backend/engine/vm_op.h"
#include "backend/engine/vms.h"
#include "backend/model/table.h"
#include "backend/model/text.h"
#include "backend/store/store.h"

enum { DEFAULT_CPUS = 1, DEFAULT_MEMORY = 256, DEFAULT_DISK = 10, TAPS_MAX = 4096 };

/* Names of links that exist, to be skipped by the allocation; taken on the loop, used by the store. */
struct taps {
    char names[TAPS_MAX][16];
    const char *list[TAPS_MAX];
    size_t n;
};

struct create {
    struct request *request; /* of a dry run */
    struct core *core;
    struct vm_op *op;        /* of a real one */
    struct vm_rec rec;
    struct taps *taps;
};

static struct taps *taps_now(const struct core *c)
{
    struct table *t = c->tables[TABLE_LINKS];
    struct taps *taps = calloc(1, sizeof *taps);

    for (size_t i = 0; taps && i < table_count(t) && taps->n < TAPS_MAX; i++) {
        const struct link_row *l = table_at(t, i);
        if (strncmp(l->name, "tap", 3) != 0)
            continue;
        memcpy(taps->names[taps->n], l->name, sizeof taps->names[0]);
        taps->list[taps->n] = taps->names[taps->n];
        taps->n++;
    }
    return taps;
}

/* K=V in visible ASCII: a label is shown, filtered by and written on command lines. */
static bool label_is_valid(const char *w)
{
    const char *eq = strchr(w, '=');

    if (!eq || eq == w)
        return false;
    for (; *w; w++)
        if (*w <= ' ' || *w >= 0x7f)
            return false;
    return true;
}

static int join_labels(const json_t *list, char *buf, size_t cap, struct err *e)
{
    size_t i, len = 0;
    json_t *one;

    buf[0] = '\0';
    json_array_foreach(list, i, one) {
        const char *w = json_string_value(one);
        if (!label_is_valid(w))
            return err_set(e, ERR_AREA_INPUT, -EINVAL,
                           "The label \"%.40s\" is no KEY=VALUE of visible characters.", w);
        if (!str_add(buf, cap, &len, "%s%s", i ? " " : "", w))
            return err_set(e, ERR_AREA_INPUT, -E2BIG, "There are too many labels.");
    }
    return 0;
}

/* Fills the record from what was asked; *ret_field names the field that is wrong. */
static int record_from_args(const struct request *r, struct vm_rec *rec, const char **ret_field,
                            struct err *e)
{
    struct core *c = r->core;
    const char *network = request_text(r, "network"), *image = request_text(r, "image");
    const char *ip = request_text(r, "ip"), *node = request_text(r, "node");
    const struct net_rec *net = base_net_named(c, network ? network : "mesh");

    memset(rec, 0, sizeof *rec);
    str_copy(rec->name, sizeof rec->name, request_text(r, "name"));
    str_copy(rec->image, sizeof rec->image, image ? image : "builtin");
    *ret_field = "network";
    if (!net)
        return err_set(e, ERR_AREA_INPUT, -ENOENT, "There is no network %s.", network);
    rec->network_id = net->id;
    *ret_field = "node";
    if (node && *node && strcmp(node, "auto") != 0 && strcmp(node, c->meta.node) != 0)
        return err_set(e, ERR_AREA_INPUT, -ENOENT, "%s is no node of this fleet; this one is %s.",
                       node, c->meta.node);
    rec->vcpus = (uint32_t)request_uint(r, "cpus", DEFAULT_CPUS);
    rec->memory_mib = (uint32_t)request_uint(r, "memory_mib", DEFAULT_MEMORY);
    rec->disk_gib = (uint32_t)request_uint(r, "disk_gib", DEFAULT_DISK);
    *ret_field = "cpus";
    if (c->meta.cores && rec->vcpus > c->meta.cores)
        return err_set(e, ERR_AREA_INPUT, -ERANGE, "%u of %u cores.", rec->vcpus, c->meta.cores);
    *ret_field = "memory_mib";
    if (rec->memory_mib < 64)
        return err_set(e, ERR_AREA_INPUT, -ERANGE, "%u MiB are too few for a guest: 64 at least.",
                       rec->memory_mib);
    if (c->meta.memory_bytes && ((uint64_t)rec->memory_mib << 20) > c->meta.memory_bytes)
        return err_set(e, ERR_AREA_INPUT, -ERANGE, "%u MiB wanted, %s has %llu.", rec->memory_mib,
                       c->meta.node, (unsigned long long)(c->meta.memory_bytes >> 20));
    *ret_field = "image";
    const struct image_row *im = NULL;
    for (size_t i = 0; i < table_count(c->tables[TABLE_IMAGES]) && !im; i++) {
        const struct image_row *row = table_at(c->tables[TABLE_IMAGES], i);
        im = strcmp(row->name, rec->image) == 0 ? row : NULL;
    }
    if (!im)
        return err_set(e, ERR_AREA_IMAGE, -ENOENT,
                       strcmp(rec->image, "builtin") == 0
                           ? "%s is not built yet: `make guest`, then `meshdeck image build`."
                           : "There is no image %s.", rec->image);
    if (im->problem[0])
        return err_set(e, ERR_AREA_IMAGE, -EINVAL, "%s: %s", rec->image, im->problem);
    *ret_field = "ip";
    if (ip && *ip && strcmp(ip, "auto") != 0) {
        int code = addr_parse(ip, true, &rec->ip4, e);
        if (code < 0)
            return code;
        if (rec->ip4.family != AF_INET || rec->ip4.prefix_len != 32)
            return err_set(e, ERR_AREA_INPUT, -EINVAL, "%s: one IPv4 address is wanted.", ip);
    }
    *ret_field = "ports";
    if (json_array_size(json_object_get(r->args, "ports")) > 0)
        return err_set(e, ERR_AREA_INPUT, -EOPNOTSUPP,
                       "Forwarded ports are not built yet: reach the guest by its own address.");
    *ret_field = "labels";
    rec->wanted = request_bool(r, "start", true);
    rec->autostart = request_bool(r, "autostart", rec->wanted);
    str_copy(rec->machine, sizeof rec->machine, "microvm");
    str_copy(rec->accel, sizeof rec->accel, c->meta.accel);
    return join_labels(json_object_get(r->args, "labels"), rec->labels, sizeof rec->labels, e);
}

static const char *field_of(int code)
{
    switch (code) {
    case VMREC_ADDR_TAKEN:
    case VMREC_ADDR_OUTSIDE:
        return "ip";
    case VMREC_POOL_FULL:
    case VMREC_NO_NETWORK:
        return "network";
    default:
        return "name";
    }
}

static void create_free(struct create *cr)
{
    free(cr->taps);
    free(cr);
}

/* ---- dry run ---- */

static int try_job(struct db *db, void *arg, struct err *e)
{
    struct create *cr = arg;
    struct vmrec_taken taken = {cr->taps->list, cr->taps->n};
    return vmrec_try(db, &cr->rec, 1, &taken, e);
}

static void tried(int code, const struct err *e, void *arg)
{
    struct create *cr = arg;
    struct request *r = cr->request;
    struct vm_op op = {.core = cr->core, .kind = VM_OP_CREATE,
                       .start = request_bool(r, "start", true), .limit_s = 30};
    struct plan *p = NULL;
    struct err mine = {0};
    char text[ADDR_TEXT];

    if (code < 0) {
        request_ok_take(r, preview_error(field_of(code), e->text));
        create_free(cr);
        return;
    }
    struct gather *g = gather_new(cr->core, 1);
    if (g) {
        struct plan_vm *pv = gather_add_vm(g, &cr->rec);
        struct plan_scope scope = {.only = true, .vms_b = &cr->rec.id, .n_vms = 1};
        vm_op_plan_set(&op, pv);
        (void)gather_plan(g, &scope, &p, &mine);
    }
    if (p) {
        json_t *body = preview_json(r, p, &cr->rec);
        json_object_set_new(body, "ip4", json_string(addr_format(&cr->rec.ip4, false, text)));
        json_object_set_new(body, "ip6", json_string(addr_format(&cr->rec.ip6, false, text)));
        json_object_set_new(body, "tap", json_string(cr->rec.tap));
        request_ok_take(r, body);
    } else {
        request_ok_take(r, preview_error("name", mine.code ? mine.text : "out of memory"));
    }
    plan_free(p);
    gather_free(g);
    create_free(cr);
}

/* ---- the real thing ---- */

static int reserve_job(struct db *db, void *arg, struct err *e)
{
    struct create *cr = arg;
    struct vmrec_taken taken = {cr->taps->list, cr->taps->n};
    return vmrec_create(db, &cr->rec, 1, &taken, e);
}

static void reserved(int code, const struct err *e, void *arg)
{
    struct create *cr = arg;
    struct vm_op *op = cr->op;
    struct job *j = op->job;
    struct vm *v = NULL;
    struct err mine = {0};
    char ip4[ADDR_TEXT], ip6[ADDR_TEXT];

    if (code >= 0 && !(v = vms_add(cr->core, &cr->rec)))
        err_set(&mine, ERR_AREA_HOST, -ENOMEM, "out of memory");
    if (code < 0)
        mine = *e;
    if (v) {
        op->rec = cr->rec;
        op->id = cr->rec.id;
        v->ticket = op->ticket;
        if (op->start)
            vm_set_state(v, VM_STATE_STARTING, "");
        job_detail(j, "%s  %s  %s", cr->rec.name, addr_format(&cr->rec.ip4, false, ip4),
                   addr_format(&cr->rec.ip6, false, ip6));
        base_publish(cr->core);
    }
    create_free(cr);
    if (mine.code)
        job_step_failed(j, &mine);
    else
        vm_op_begin_plan(j, op);
}

static void reserve_run(struct job *j)
{
    struct vm_op *op = job_ctx(j);
    struct create *cr = calloc(1, sizeof *cr);
    struct err e = {0};

    op->job = j;
    op->ticket = job_ticket(j);
    if (cr)
        cr->taps = taps_now(op->core);
    if (!cr || !cr->taps) {
        free(cr);
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory");
        job_step_failed(j, &e);
        return;
    }
    cr->core = op->core;
    cr->op = op;
    cr->rec = op->rec;
    cr->rec.ticket = op->ticket;
    if (store_post(op->core->store, STORE_WRITE, reserve_job, reserved, cr, &e) < 0) {
        create_free(cr);
        job_step_failed(j, &e);
    }
}

static int release_job(struct db *db, void *arg, struct err *e)
{
    struct vm_op *op = arg;
    return vmrec_delete(db, &op->id, 1, e);
}

static void released(int code, const struct err *e, void *arg)
{
    struct vm_op *op = arg;
    struct vm *v = vms_find_id(op->core, op->id);

    if (code >= 0 && v)
        vms_remove(v);
    base_publish(op->core);
    job_undo_done(op->job, code < 0 ? e->text : NULL);
}

static void reserve_undo(struct job *j)
{
    struct vm_op *op = job_ctx(j);
    struct err e = {0};

    if (store_post(op->core->store, STORE_WRITE, release_job, released, op, &e) < 0)
        job_undo_done(j, e.text);
}

static void create_start(struct request *r, const struct vm_rec *rec)
{
    struct vm_op *op = calloc(1, sizeof *op);
    struct job_step step;
    struct job_spec spec;
    struct err e = {0};
    char who[96];

    if (!op) {
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory");
        request_fail(r, &e);
        return;
    }
    op->core = r->core;
    op->kind = VM_OP_CREATE;
    op->start = rec->wanted;
    op->limit_s = 30;
    op->rec = *rec;
    memcpy(op->name, rec->name, sizeof op->name);
    str_copy(who, sizeof who, r->client->who);
    vm_op_spec(op, who, &step, &spec);
    step.run = reserve_run;
    step.undo = reserve_undo;
    spec.args = r->args;
    job_start(r->core, &spec, r, json_pack("{s:s}", "name", rec->name));
}

void vm_create_request(struct request *r)
{
    bool dry = request_bool(r, "dry_run", false);
    struct vm_rec rec;
    struct err e = {0};
    const char *field = "name";

    if (record_from_args(r, &rec, &field, &e) < 0) {
        if (dry)
            request_ok_take(r, preview_error(field, e.text));
        else
            request_fail(r, &e);
        return;
    }
    if (!dry && vms_find(r->core, rec.name)) {
        err_set(&e, ERR_AREA_INPUT, -EEXIST, "%s exists on %s", rec.name, r->core->meta.node);
        request_fail(r, &e);
        return;
    }
    if (!dry) {
        create_start(r, &rec);
        return;
    }
    struct create *cr = calloc(1, sizeof *cr);
    if (cr)
        cr->taps = taps_now(r->core);
    if (!cr || !cr->taps || !r->core->store) {
        if (cr)
            create_free(cr);
        err_set(&e, ERR_AREA_HOST, -EAGAIN, "the engine is not ready");
        request_fail(r, &e);
        return;
    }
    cr->request = r;
    cr->core = r->core;
    cr->rec = rec;
    if (store_post(r->core->store, STORE_READ, try_job, tried, cr, &e) < 0) {
        create_free(cr);
        request_fail(r, &e);
    }
}
