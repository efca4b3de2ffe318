#include "backend/engine/images.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/handlers.h"
#include "backend/engine/job.h"
#include "backend/engine/vms.h"
#include "backend/guest/image.h"
#include "backend/model/table.h"
#include "backend/model/text.h"

enum what { LIST, INSTALL, DELETE };

struct images_work {
    uv_work_t work;
    struct core *core;
    enum what what;
    void (*ready)(struct core *c);
    struct job *job;
    char state_dir[PATH_MAX], name[32];
    struct image *list;
    size_t n;
    struct err err;
};

static void work_run(uv_work_t *w)
{
    struct images_work *j = w->data;
    char from[PATH_MAX];

    if (j->what == INSTALL) {
        int r = image_find_builtin(from, &j->err);
        if (r == 0)
            (void)image_install(j->state_dir, IMAGE_BUILTIN, from, "built-in", &j->err);
    } else if (j->what == DELETE) {
        (void)image_delete(j->state_dir, j->name, &j->err);
    }
    struct err none = {0};
    (void)image_list(j->state_dir, &j->list, &j->n, j->err.code ? &none : &j->err);
}

static uint32_t users_of(const struct core *c, const char *name)
{
    uint32_t n = 0;

    for (const struct vm *v = c->vms->first; v; v = v->next)
        n += strcmp(v->rec.image, name) == 0;
    return n;
}

static void show(struct core *c, const struct image *list, size_t n)
{
    struct table_view *old = table_snapshot(c->tables[TABLE_IMAGES]);

    for (size_t i = 0; old && i < old->n_rows; i++) {
        const struct image_row *row = view_at(old, i);
        bool there = false;
        for (size_t k = 0; k < n && !there; k++)
            there = strcmp(list[k].name, row->name) == 0;
        if (!there)
            publish_remove(c, TABLE_IMAGES, row);
    }
    table_view_unref(old);
    for (size_t i = 0; i < n; i++) {
        struct image_row row = {.id = i + 1, .size_bytes = list[i].size_bytes, .added_ms = list[i].added_ms};
        memcpy(row.name, list[i].name, sizeof row.name);
        row.format = text_intern(list[i].format);
        row.boot = text_intern(list[i].boot);
        row.origin = text_intern(list[i].origin);
        row.sha256 = text_intern(list[i].sha256);
        row.problem = text_intern(list[i].problem);
        row.used_by = users_of(c, list[i].name);
        publish_put(c, TABLE_IMAGES, &row);
    }
    c->meta.health[TABLE_IMAGES].checked_ms = now_ms();
    c->meta.health[TABLE_IMAGES].whole = true;
}

static void work_ended(uv_work_t *w, int status)
{
    struct images_work *j = w->data;
    struct core *c = j->core;

    if (status == 0 && !c->closing) {
        show(c, j->list, j->n);
        if (j->err.code && j->ready && j->err.code != -ENOENT)
            journal_event(c, EVENT_WARN, "image builtin", "engine", NULL, "%s", j->err.text);
        if (j->ready)
            j->ready(c);
        if (j->job && j->err.code)
            job_step_failed(j->job, &j->err);
        else if (j->job)
            job_step_done(j->job);
    }
    free(j->list);
    free(j);
}

static int begin(struct core *c, enum what what, const char *name, struct job *job,
                 void (*ready)(struct core *c))
{
    struct images_work *j = calloc(1, sizeof *j);

    if (!j)
        return -ENOMEM;
    j->core = c;
    j->what = what;
    j->job = job;
    j->ready = ready;
    str_copy(j->state_dir, sizeof j->state_dir, c->set.state_dir);
    str_copy(j->name, sizeof j->name, name);
    j->work.data = j;
    return uv_queue_work(&c->loop, &j->work, work_run, work_ended);
}

void images_start(struct core *c, void (*ready)(struct core *c))
{
    if (begin(c, INSTALL, IMAGE_BUILTIN, NULL, ready) != 0)
        ready(c);
}

void images_done(struct core *c)
{
    (void)c; /* rows go with their table */
}

struct image_op {
    enum what what;
    char name[32];
};

static void op_run(struct job *j)
{
    struct image_op *op = job_ctx(j);
    struct err e = {0};

    if (begin(job_core(j), op->what, op->name, j, NULL) == 0)
        return;
    err_set(&e, ERR_AREA_IMAGE, -ENOMEM, "out of memory");
    job_step_failed(j, &e);
}

static void op_start(struct request *r, enum what what, const char *name)
{
    struct image_op *op = calloc(1, sizeof *op);
    struct job_step step = {.name = what == INSTALL ? "install into the store" : "delete from the store",
                            .run = op_run, .keeps = true};
    struct err e = {0};
    char who[96];

    if (!op) {
        err_set(&e, ERR_AREA_IMAGE, -ENOMEM, "out of memory");
        request_fail(r, &e);
        return;
    }
    op->what = what;
    str_copy(op->name, sizeof op->name, name);
    str_copy(who, sizeof who, r->client->who);
    struct job_spec spec = {.verb = what == INSTALL ? "build" : "delete image", .object = name,
                            .steps = &step, .n_steps = 1, .ctx = op, .free_ctx = free, .who = who,
                            .args = r->args};
    job_start(r->core, &spec, r, NULL);
}

void image_build_request(struct request *r)
{
    op_start(r, INSTALL, IMAGE_BUILTIN);
}

void image_delete_request(struct request *r)
{
    const char *name = request_text(r, "name");
    char users[160] = "";
    size_t len = 0;
    unsigned n = 0;
    struct err e = {0};

    for (const struct vm *v = r->core->vms->first; v; v = v->next)
        if (strcmp(v->rec.image, name) == 0 && ++n <= 8)
            str_add(users, sizeof users, &len, "%s%s", n > 1 ? ", " : "", v->rec.name);
    if (n > 0) {
        err_set(&e, ERR_AREA_IMAGE, -EBUSY, "%s is used by %u VM%s: %s%s", name, n, n == 1 ? "" : "s",
                users, n > 8 ? ", ..." : "");
        request_fail(r, &e);
        return;
    }
    if (request_bool(r, "dry_run", false))
        request_ok_take(r, NULL);
    else
        op_start(r, DELETE, name);
}
