/*
 * The WireGuard device of ours: a queue of jobs, one at a time, and the kernel's side of each. What
 * speaks to the kernel runs in the pool, since creating a device may load a module and deleting one
 * waits for a grace period. Engine thread but for the functions named *_work. Never touches a
 * device that is not marked as ours.
 */
#include "backend/host/wg_internal.h"

#include <errno.h>
#include <linux/wireguard.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/host/link.h"
#include "backend/host/wg_change.h"
#include "backend/model/text.h"
#include "backend/observe/rtnl_rows.h"

static void job_begin(struct wg_host *h);

static void job_free(struct wg_job *j)
{
    if (j->text)
        explicit_bzero(j->text, j->len);
    free(j->text);
    nl_free(j->batch);
    free(j);
}

static void release(struct wg_host *h)
{
    wg_user_release(h);
    while (h->jobs) {
        struct wg_job *j = h->jobs;
        h->jobs = j->next;
        job_free(j);
    }
    nl_free(h->route);
    free(h->pid_file);
    free(h->log_file);
    free(h);
}

void wg_job_end(struct wg_host *h, const struct err *failed)
{
    struct wg_job *j = h->jobs;
    struct err e = failed ? *failed : (struct err){0}; /* it may lie in the job */
    wg_done_fn *done = j->done;
    void *arg = j->arg_b;

    h->jobs = j->next;
    if (!h->jobs)
        h->last = &h->jobs;
    job_free(j);
    h->busy = false;
    if (h->jobs)
        job_begin(h);
    done(failed ? &e : NULL, arg); /* last: it may free the host */
}

/* The device that has our name, when it is ours: in the kernel. -ENODEV when there is none; 1 when
 * the link is of another kind. */
static int find_work(struct wg_host *h, struct rtnl_link *link, struct err *e)
{
    int rc = link_get(h->route, h->name, 0, link, e);

    if (rc != 0)
        return rc;
    if (strcmp(link->kind, "wireguard") != 0)
        return 1;
    if (strcmp(link->alias, h->alias) == 0 || (!link->alias[0] && link->group == WG_LINK_GROUP))
        return 0;
    return err_set(e, ERR_AREA_WIREGUARD, -EEXIST,
                   "a WireGuard device %s is there already and is not ours (alias \"%.40s\"): "
                   "rename or remove it",
                   h->name, link->alias);
}

static int make_work(struct wg_host *h, struct rtnl_link *link, struct err *e)
{
    int rc = link_add(h->route, h->name, "wireguard", WG_LINK_GROUP, e);
    return rc ? rc : link_get(h->route, h->name, 0, link, e);
}

/* Finds or makes the kernel's device. Leaves backend NONE, without an error, when wireguard-go must
 * do it. */
static int up_work(struct wg_host *h, struct err *e)
{
    struct rtnl_link link;
    struct nl *genl;
    int rc = find_work(h, &link, e);

    h->found = (struct wg_host_info){.backend = WG_BACKEND_NONE};
    h->link_is_there = rc == 1;
    if (rc == 1)
        return 0;
    h->found.adopted = rc == 0;
    if (rc == -ENODEV && h->no_kernel) {
        (void)str_copy(h->found.why, sizeof h->found.why, "wireguard-go: so it was asked for");
        return 0;
    }
    if (rc == -ENODEV)
        rc = make_work(h, &link, e);
    if (rc == -EOPNOTSUPP) {
        (void)str_copy(h->found.why, sizeof h->found.why,
                       "wireguard-go: the kernel knows no WireGuard");
        return 0;
    }
    if (rc == 0)
        rc = nl_open(NETLINK_GENERIC, &genl, e);
    if (rc != 0)
        return rc;
    rc = nl_genl_family(genl, WG_GENL_NAME, &h->family, e);
    nl_free(genl);
    if (rc == 0)
        rc = link_change(h->route,
                         &(struct link_change){.ifindex = link.ifindex, .alias_b = h->alias}, e);
    if (rc != 0)
        return rc;
    h->found.backend = WG_BACKEND_KERNEL;
    h->found.ifindex = link.ifindex;
    (void)str_copy(h->found.why, sizeof h->found.why, "the kernel's own");
    return 0;
}

static int down_work(struct wg_host *h, struct err *e)
{
    struct rtnl_link link;
    int rc = find_work(h, &link, e);

    if (rc == -ENODEV)
        return 0;
    if (rc == 1)
        return err_set(e, ERR_AREA_WIREGUARD, -EEXIST, "link %s is no WireGuard device any more",
                       h->name);
    return rc ? rc : link_delete(h->route, link.ifindex, e);
}

static void job_work(uv_work_t *work)
{
    struct wg_host *h = work->data;
    struct wg_job *j = h->jobs;
    int rc = 0;

    switch (j->kind) {
    case WG_JOB_UP:
        rc = up_work(h, &j->err);
        break;
    case WG_JOB_DOWN:
        rc = down_work(h, &j->err);
        break;
    case WG_JOB_CHANGE: /* one for a process that has ended meanwhile has no batch */
        rc = j->batch ? nl_run(j->batch, NULL, NULL, &j->err)
                      : err_set(&j->err, ERR_AREA_WIREGUARD, -ENODEV,
                                "WireGuard device %s is not up", h->name);
        break;
    }
    if (rc == 0)
        err_clear(&j->err);
}

static void job_worked(uv_work_t *work, int status)
{
    struct wg_host *h = work->data;
    struct wg_job *j = h->jobs;

    h->in_pool = false;
    if (h->freed) {
        release(h);
        return;
    }
    if (status != 0)
        (void)err_set(&j->err, ERR_AREA_WIREGUARD, status, "the work on %s was cancelled", h->name);
    if (j->err.code == 0 && j->kind == WG_JOB_UP && h->info.backend != WG_BACKEND_USERSPACE) {
        (void)str_copy(h->found.name, sizeof h->found.name, h->name);
        h->info = h->found;
        if (h->info.backend == WG_BACKEND_NONE) {
            wg_user_up(h);
            return;
        }
    }
    if (j->err.code == 0 && j->kind == WG_JOB_DOWN)
        h->info.backend = WG_BACKEND_NONE;
    wg_job_end(h, j->err.code ? &j->err : NULL);
}

/* From the loop, so that no `done` is called within the call that asked. */
static void job_begin(struct wg_host *h)
{
    h->busy = true;
    if (h->info.backend == WG_BACKEND_USERSPACE && h->jobs->text) {
        wg_user_change(h);
    } else if (h->info.backend == WG_BACKEND_USERSPACE && h->jobs->kind == WG_JOB_DOWN) {
        wg_user_down(h);
    } else {
        h->work.data = h;
        h->in_pool = uv_queue_work(h->loop_b, &h->work, job_work, job_worked) == 0;
    }
}

static int job_add(struct wg_host *h, struct wg_job *j)
{
    *h->last = j;
    h->last = &j->next;
    if (!h->busy)
        job_begin(h);
    return 0;
}

static struct wg_job *job_new(enum wg_job_kind kind, wg_done_fn *done, void *arg, struct err *e)
{
    struct wg_job *j = calloc(1, sizeof *j);
    if (j) {
        j->kind = kind;
        j->done = done;
        j->arg_b = arg;
    } else {
        (void)err_set(e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
    }
    return j;
}

int wg_host_up(struct wg_host *h, wg_done_fn *done, void *arg, struct err *e)
{
    struct wg_job *j = job_new(WG_JOB_UP, done, arg, e);
    return j ? job_add(h, j) : -ENOMEM;
}

int wg_host_down(struct wg_host *h, wg_done_fn *done, void *arg, struct err *e)
{
    struct wg_job *j = job_new(WG_JOB_DOWN, done, arg, e);
    return j ? job_add(h, j) : -ENOMEM;
}

int wg_host_change(struct wg_host *h, const struct wg_change *c, wg_done_fn *done, void *arg,
                   struct err *e)
{
    struct wg_job *j;
    int rc = 0;

    if (h->info.backend == WG_BACKEND_NONE)
        return err_set(e, ERR_AREA_WIREGUARD, -ENODEV, "WireGuard device %s is not up", h->name);
    j = job_new(WG_JOB_CHANGE, done, arg, e);
    if (!j)
        return -ENOMEM;
    j->n_peers = c->n_peers;
    if (h->info.backend == WG_BACKEND_KERNEL) {
        rc = nl_open(NETLINK_GENERIC, &j->batch, e);
        if (rc == 0)
            wg_change_queue(j->batch, h->family, h->name, c);
    } else {
        j->text = wg_change_text(c, &j->len);
        if (!j->text)
            rc = err_set(e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
    }
    if (rc != 0) {
        job_free(j);
        return rc;
    }
    return job_add(h, j);
}

const struct wg_host_info *wg_host_info(const struct wg_host *h)
{
    return &h->info;
}

int wg_host_new(struct uv_loop_s *loop, const struct wg_host_spec *spec, wg_ended_fn *ended,
                void *arg, struct wg_host **ret, struct err *e)
{
    char path[128];
    struct wg_host *h;
    int rc = 0;

    if (!uapi_path(spec->name, path, sizeof path))
        return err_set(e, ERR_AREA_WIREGUARD, -EINVAL, "%.20s: no name for a device", spec->name);
    h = calloc(1, sizeof *h);
    if (!h)
        return err_set(e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
    h->loop_b = loop;
    h->last = &h->jobs;
    h->ended = ended;
    h->arg_b = arg;
    h->no_kernel = spec->no_kernel;
    (void)str_copy(h->name, sizeof h->name, spec->name); /* uapi_path has checked its length */
    (void)str_copy(h->info.name, sizeof h->info.name, spec->name);
    h->pid_file = strdup(spec->pid_file);
    h->log_file = spec->log_file ? strdup(spec->log_file) : NULL;
    if (!h->pid_file || (spec->log_file && !h->log_file))
        rc = err_set(e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
    else if (!str_copy(h->alias, sizeof h->alias, spec->alias))
        rc = err_set(e, ERR_AREA_WIREGUARD, -EINVAL, "alias %.20s... is too long", spec->alias);
    if (rc == 0)
        rc = nl_open(NETLINK_ROUTE, &h->route, e);
    if (rc != 0) {
        release(h);
        return rc;
    }
    *ret = h;
    return 0;
}

void wg_host_free(struct wg_host *h)
{
    if (!h)
        return;
    h->freed = true;
    if (!h->in_pool)
        release(h); /* else job_worked does */
}
