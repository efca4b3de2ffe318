/*
 * vm.set: other limits, labels, coming back after a reboot. What the guest only sees after a restart
 * is written down now and said; a disk only grows, and only while nobody has it open. Engine thread,
 * but for the growing.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/handlers.h"
#include "backend/engine/job.h"
#include "backend/engine/preview.h"
#include "backend/engine/vms.h"
#include "backend/guest/disk.h"
#include "backend/model/text.h"
#include "backend/store/store.h"

struct set {
    struct core *core;
    struct job *job;
    struct vm_rec rec, was;
    char folder[PATH_MAX];
    uv_work_t work;
    struct err err;
};

static int set_write(struct db *db, void *arg, struct err *e)
{
    struct set *s = arg;
    struct vm_rec now;

    int r = vmrec_get(db, s->rec.id, &now, e);
    if (r < 0)
        return r;
    now.vcpus = s->rec.vcpus;
    now.memory_mib = s->rec.memory_mib;
    now.disk_gib = s->rec.disk_gib;
    now.autostart = s->rec.autostart;
    memcpy(now.labels, s->rec.labels, sizeof now.labels);
    return vmrec_update(db, &now, e);
}

static void set_written(int code, const struct err *e, void *arg)
{
    struct set *s = arg;
    struct vm *v = vms_find_id(s->core, s->rec.id);
    char before[96], after[96];

    if (code < 0) {
        job_step_failed(s->job, e);
        return;
    }
    if (v) {
        v->rec.vcpus = s->rec.vcpus;
        v->rec.memory_mib = s->rec.memory_mib;
        v->rec.disk_gib = s->rec.disk_gib;
        v->rec.autostart = s->rec.autostart;
        memcpy(v->rec.labels, s->rec.labels, sizeof v->rec.labels);
        vm_publish(v);
    }
    (void)snprintf(before, sizeof before, "%u cpus, %u MiB, %u GiB", s->was.vcpus, s->was.memory_mib,
                   s->was.disk_gib);
    (void)snprintf(after, sizeof after, "%u cpus, %u MiB, %u GiB", s->rec.vcpus, s->rec.memory_mib,
                   s->rec.disk_gib);
    char object[48], cause[32];
    (void)snprintf(object, sizeof object, "vm %s", s->rec.name);
    (void)snprintf(cause, sizeof cause, "ticket %llu", (unsigned long long)job_ticket(s->job));
    journal_change(s->core, object, cause, job_who(s->job), before, after, "limits changed");
    job_step_done(s->job);
}

static void record_run(struct job *j)
{
    struct set *s = job_ctx(j);
    struct err e = {0};

    s->job = j;
    if (store_post(s->core->store, STORE_WRITE, set_write, set_written, s, &e) < 0)
        job_step_failed(j, &e);
}

static void grow_work(uv_work_t *w)
{
    struct set *s = w->data;
    (void)disk_grow(s->folder, "disk.qcow2", (uint64_t)s->rec.disk_gib << 30, &s->err);
}

static void grown(uv_work_t *w, int status)
{
    struct set *s = w->data;

    (void)status;
    if (s->err.code)
        job_step_failed(s->job, &s->err);
    else
        job_step_done(s->job);
}

static void grow_run(struct job *j)
{
    struct set *s = job_ctx(j);

    s->job = j;
    s->work.data = s;
    uv_queue_work(&s->core->loop, &s->work, grow_work, grown);
}

static void set_ended(struct job *j, void *ctx, const struct err *e)
{
    struct set *s = ctx;
    struct vm *v = vms_find_id(s->core, s->rec.id);

    (void)j;
    (void)e;
    if (v)
        v->ticket = 0;
}

static int change_from_args(struct request *r, const struct vm *v, struct vm_rec *rec,
                            const char **field, struct err *e)
{
    const json_t *labels = json_object_get(r->args, "labels");
    const struct core *c = r->core;
    size_t i, len = 0;
    json_t *one;

    *rec = v->rec;
    rec->vcpus = (uint32_t)request_uint(r, "cpus", rec->vcpus);
    rec->memory_mib = (uint32_t)request_uint(r, "memory_mib", rec->memory_mib);
    rec->disk_gib = (uint32_t)request_uint(r, "disk_gib", rec->disk_gib);
    rec->autostart = request_bool(r, "autostart", rec->autostart);
    *field = "cpus";
    if (c->meta.cores && rec->vcpus > c->meta.cores)
        return err_set(e, ERR_AREA_INPUT, -ERANGE, "%u of %u cores.", rec->vcpus, c->meta.cores);
    *field = "memory_mib";
    if (rec->memory_mib < 64)
        return err_set(e, ERR_AREA_INPUT, -ERANGE, "%u MiB are too few for a guest: 64 at least.",
                       rec->memory_mib);
    *field = "disk_gib";
    if (rec->disk_gib < v->rec.disk_gib)
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "A disk only grows: it has %u GiB.", v->rec.disk_gib);
    if (rec->disk_gib > v->rec.disk_gib && v->vmm)
        return err_set(e, ERR_AREA_INPUT, -EBUSY, "Stop %s first: its disk is open.", v->rec.name);
    *field = "labels";
    if (labels)
        rec->labels[0] = '\0';
    json_array_foreach(labels, i, one)
        if (!str_add(rec->labels, sizeof rec->labels, &len, "%s%s", i ? " " : "", json_string_value(one)))
            return err_set(e, ERR_AREA_INPUT, -E2BIG, "Too many labels.");
    return 0;
}

static json_t *set_preview(const struct vm *v, const struct vm_rec *rec)
{
    char line[160];
    json_t *commands = json_array();

    (void)snprintf(line, sizeof line, "cpus %u to %u, memory %u to %u MiB, disk %u to %u GiB",
                   v->rec.vcpus, rec->vcpus, v->rec.memory_mib, rec->memory_mib, v->rec.disk_gib,
                   rec->disk_gib);
    json_array_append_new(commands, json_string(line));
    if (rec->disk_gib > v->rec.disk_gib) {
        (void)snprintf(line, sizeof line, "qemu-img resize vms/%s/disk.qcow2 %uG", rec->name, rec->disk_gib);
        json_array_append_new(commands, json_string(line));
    }
    return json_pack("{s:[{s:s, s:s, s:o}], s:[]}", "plan", "step", "record", "detail",
                     v->vmm ? "the guest sees it after a restart" : "", "commands", commands, "errors");
}

void vm_set_request(struct request *r)
{
    static const struct job_step steps[2] = {{.name = "record", .run = record_run, .keeps = true},
                                             {.name = "disk", .run = grow_run, .keeps = true}};
    struct vm *v = vms_find(r->core, request_text(r, "name"));
    struct set *s = calloc(1, sizeof *s);
    const char *field = "name";
    struct err e = {0};
    char who[96];

    if (!s)
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory");
    else if (!v)
        err_set(&e, ERR_AREA_INPUT, -ENOENT, "there is no VM %s", request_text(r, "name"));
    else if (v->ticket)
        err_set(&e, ERR_AREA_INPUT, -EBUSY, "%s is busy with ticket %llu", v->rec.name,
                (unsigned long long)v->ticket);
    else
        (void)change_from_args(r, v, &s->rec, &field, &e);
    bool dry = request_bool(r, "dry_run", false);
    if (e.code || dry) {
        if (e.code && !dry)
            request_fail(r, &e);
        else
            request_ok_take(r, e.code ? preview_error(field, e.text) : set_preview(v, &s->rec));
        free(s);
        return;
    }
    s->core = r->core;
    s->was = v->rec;
    (void)vm_folder(v, s->folder);
    v->ticket = ~0ull;
    bool restart = v->vmm && (s->rec.vcpus != v->rec.vcpus || s->rec.memory_mib != v->rec.memory_mib);
    str_copy(who, sizeof who, r->client->who);
    struct job_spec spec = {.verb = "change", .object = s->rec.name, .steps = steps,
                            .n_steps = s->rec.disk_gib > v->rec.disk_gib ? 2 : 1, .ctx = s,
                            .free_ctx = free, .ended = set_ended, .who = who, .args = r->args,
                            .vm_id = v->rec.id, .kind = "vm"};
    job_start(r->core, &spec, r, json_pack("{s:b}", "needs_restart", restart));
}
