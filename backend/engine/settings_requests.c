/* fleet.mark, table.reread, unit.enable: small commands about the node itself. Engine thread. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/engine/base.h"
#include "backend/engine/gather.h"
#include "backend/engine/handlers.h"
#include "backend/engine/job.h"
#include "backend/engine/keep.h"
#include "backend/engine/peers.h"
#include "backend/engine/preview.h"
#include "backend/engine/watch.h"
#include "backend/host/proc.h"
#include "backend/model/text.h"

static void mark_run(struct job *j)
{
    struct core *c = job_core(j);
    bool *production = job_ctx(j);

    journal_change(c, "fleet", "operator", job_who(j), c->meta.production ? "production" : "normal",
                   *production ? "production" : "normal", "marked");
    c->base->settings.production = *production;
    c->meta.production = *production;
    keep_settings(c, &c->base->settings);
    publish_dirty(c);
    job_step_done(j);
}

void fleet_mark_request(struct request *r)
{
    static const struct job_step step = {.name = "mark", .run = mark_run, .keeps = true};
    const char *mark = request_text(r, "mark");
    bool *production = malloc(sizeof *production);
    struct err e = {0};
    char who[96];

    if (strcmp(mark, "production") != 0 && strcmp(mark, "normal") != 0)
        err_set(&e, ERR_AREA_INPUT, -EINVAL, "%s: a fleet is marked production or normal", mark);
    else if (!production)
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory");
    if (e.code) {
        free(production);
        request_fail(r, &e);
        return;
    }
    *production = mark[0] == 'p';
    str_copy(who, sizeof who, r->client->who);
    struct job_spec spec = {.verb = "mark", .object = *production ? "fleet production" : "fleet normal",
                            .steps = &step, .n_steps = 1, .ctx = production, .free_ctx = free,
                            .who = who, .args = r->args};
    job_start(r->core, &spec, r, NULL);
}

void table_reread_request(struct request *r)
{
    const char *table = request_text(r, "table");
    struct core *c = r->core;
    struct err e = {0};

    if (strcmp(table, "routes") == 0 || strcmp(table, "links") == 0) {
        rtnl_resync(watch_rtnl(c), RTNL_TABLE_COUNT);
    } else if (strcmp(table, "peers") == 0) {
        peers_read_soon(c);
    } else {
        for (unsigned i = 0; i < TABLE_COUNT; i++)
            if (strcmp(row_type_of((enum table_id)i)->name, table) == 0) {
                request_ok_take(r, NULL); /* the engine itself is its source */
                return;
            }
        err_set(&e, ERR_AREA_INPUT, -ENOENT, "there is no table %s", table);
        request_fail(r, &e);
        return;
    }
    request_ok_take(r, NULL);
}

/* What a repair would do now: drift that is not yet repaired, or why it cannot be. */
void plan_request(struct request *r)
{
    struct gather *g = r->core->base ? gather_new(r->core, 0) : NULL;
    struct plan *p = NULL;
    struct err e = {0};
    json_t *notes = json_array(), *body;

    if (!g)
        err_set(&e, ERR_AREA_HOST, -EPERM, "there is nothing to plan: %s", r->core->meta.read_only_why);
    else
        (void)gather_plan(g, NULL, &p, &e);
    gather_free(g);
    if (!p) {
        json_decref(notes);
        request_fail(r, &e);
        return;
    }
    for (size_t i = 0; i < p->n_notes; i++)
        json_array_append_new(notes, json_string(p->notes[i].text));
    body = preview_json(r, p, NULL);
    json_object_set_new(body, "notes", notes);
    plan_free(p);
    request_ok_take(r, body);
}

struct enabling {
    struct request *request;
};

static void enabled(struct proc *p, const struct proc_end *end, void *arg)
{
    struct enabling *en = arg;
    struct request *r = en->request;
    struct err e = {0};
    char why[120];

    proc_free(p);
    free(en);
    if (end->status_known && end->exit_code == 0) {
        r->core->meta.headless_enabled = true;
        publish_dirty(r->core);
        journal_event(r->core, EVENT_INFO, r->core->meta.node, "operator", r->client->who,
                      "the unit meshdeck is enabled: VMs come back after a reboot");
        request_ok_take(r, NULL);
        return;
    }
    err_set(&e, ERR_AREA_PROC, -EIO, "systemctl enable meshdeck: %s; is the unit installed (make install)?",
            proc_end_format(end, why, sizeof why));
    request_fail(r, &e);
}

void unit_enable_request(struct request *r)
{
    static const char *const argv[] = {"systemctl", "enable", "meshdeck.service", NULL};
    struct proc_spec spec = {.argv = argv};
    struct enabling *en = calloc(1, sizeof *en);
    struct proc *p = NULL;
    struct err e = {0};

    if (!en) {
        err_set(&e, ERR_AREA_PROC, -ENOMEM, "out of memory");
    } else if (access("/run/systemd/system", F_OK) != 0) {
        err_set(&e, ERR_AREA_PROC, -ENOSYS,
                "this host does not run systemd: have `meshdeck engine` started by its init");
    } else {
        en->request = r;
        if (proc_start(&r->core->loop, &spec, enabled, en, &p, &e) == 0)
            return;
    }
    free(en);
    request_fail(r, &e);
}
