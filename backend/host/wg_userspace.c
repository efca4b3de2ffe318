/*
 * wireguard-go: started in a session of its own, adopted by its locked pid file, believed only when
 * the process behind its socket is that one. Engine thread; waits by a timer. Never unlinks a
 * socket that somebody answers on.
 */
#include "backend/host/wg_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/host/link.h"
#include "backend/model/text.h"
#include "backend/observe/rtnl_rows.h"

enum {
    LOOK_EVERY_MS = 15,
    START_MS = 10000,
    STOP_MS = 5000,
    CHANGE_MS = 5000,
    CHANGE_MS_PER_PEER = 2
};

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

static void timer_end(struct wg_host *h)
{
    if (h->timer)
        uv_close((uv_handle_t *)h->timer, on_timer_closed);
    h->timer = NULL;
}

static int timer_begin(struct wg_host *h, uv_timer_cb look, unsigned deadline_ms)
{
    timer_end(h);
    h->timer = malloc(sizeof *h->timer);
    if (!h->timer)
        return -ENOMEM;
    uv_timer_init(h->loop_b, h->timer);
    h->timer->data = h;
    h->deadline_ms = uv_now(h->loop_b) + deadline_ms;
    return uv_timer_start(h->timer, look, 1, LOOK_EVERY_MS);
}

void wg_user_release(struct wg_host *h)
{
    timer_end(h);
    uapi_cancel(h->call);
    proc_free(h->proc);
    h->call = NULL;
    h->proc = NULL;
}

static void forget_process(struct wg_host *h)
{
    proc_free(h->proc);
    h->proc = NULL;
    h->info.pid = 0;
    h->info.ifindex = 0;
    h->info.backend = WG_BACKEND_NONE;
}

static void on_ended(struct proc *p, const struct proc_end *end, void *arg)
{
    struct wg_host *h = arg;
    bool was_up = h->info.backend == WG_BACKEND_USERSPACE, waiting = h->timer != NULL;
    char how[64], text[128];

    (void)p;
    (void)proc_end_format(end, how, sizeof how);
    (void)snprintf(text, sizeof text, "wireguard-go of %s: %s", h->name, how);
    (void)str_copy(h->ended_text, sizeof h->ended_text, text);
    forget_process(h);
    if (was_up && !waiting && h->ended) /* else whoever waits for it sees that it is gone */
        h->ended(text, h->arg_b);
}

static void end_with(struct wg_host *h, int code, const char *what)
{
    struct err e = {0};
    (void)err_sys(&e, ERR_AREA_WIREGUARD, code, "%s", what);
    timer_end(h);
    wg_job_end(h, &e);
}

/* It answers: the link is there too. */
static void came_up(struct wg_host *h)
{
    struct rtnl_link link;
    struct err e = {0};

    timer_end(h);
    int rc = link_get(h->route, h->name, 0, &link, &e);
    if (rc == 0)
        rc = link_change(h->route,
                         &(struct link_change){.ifindex = link.ifindex, .alias_b = h->alias}, &e);
    if (rc == 0) {
        h->info.backend = WG_BACKEND_USERSPACE;
        h->info.ifindex = link.ifindex;
        h->info.pid = proc_pid(h->proc);
    }
    wg_job_end(h, rc ? &e : NULL);
}

static void look_for_socket(uv_timer_t *timer)
{
    struct wg_host *h = timer->data;
    struct err e = {0};
    pid_t pid;

    if (!h->proc) {
        end_with(h, -ECHILD, h->ended_text);
        return;
    }
    int fd = uapi_connect(h->name, &pid, &e);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && pid == proc_pid(h->proc)) {
        came_up(h);
    } else if (fd >= 0) {
        (void)err_set(&e, ERR_AREA_WIREGUARD, -EEXIST,
                      "process %d, which is not ours, serves a WireGuard device %s", (int)pid,
                      h->name);
        timer_end(h);
        wg_job_end(h, &e);
    } else if (uv_now(h->loop_b) >= h->deadline_ms) {
        (void)err_wrap(&e, "wireguard-go does not come up");
        timer_end(h);
        wg_job_end(h, &e);
    }
}

/* Sees that nobody has the name: 0, or an error in *e. Removes a socket that a killed process left
 * behind. */
static int clear_the_way(struct wg_host *h, struct err *e)
{
    char path[128];
    pid_t pid;
    int fd = uapi_connect(h->name, &pid, e);

    if (fd >= 0) {
        close(fd);
        return err_set(e, ERR_AREA_WIREGUARD, -EEXIST,
                       "process %d, which is not ours, serves a WireGuard device %s already",
                       (int)pid, h->name);
    }
    if (fd == -ENOENT)
        return 0;
    if (fd != -ECONNREFUSED || !uapi_path(h->name, path, sizeof path))
        return fd;
    if (unlink(path) != 0 && errno != ENOENT)
        return err_sys(e, ERR_AREA_WIREGUARD, -errno, "removing the stale socket %s", path);
    return 0;
}

static int start(struct wg_host *h, struct err *e)
{
    const char *const argv[] = {"wireguard-go", "-f", h->name, NULL};
    struct proc_spec spec = {
        .argv = argv, .pid_file = h->pid_file, .log_file = h->log_file, .detached = true};
    int rc = 0;

    if (h->link_is_there)
        rc = err_set(e, ERR_AREA_WIREGUARD, -EEXIST,
                     "a link %s is there already and is no WireGuard device of ours: rename or "
                     "remove it",
                     h->name);
    if (rc == 0)
        rc = clear_the_way(h, e);
    if (rc == 0)
        rc = proc_start(h->loop_b, &spec, on_ended, h, &h->proc, e);
    if (rc == -ENOENT)
        rc = err_set(e, ERR_AREA_WIREGUARD, rc,
                     "the kernel knows no WireGuard, and wireguard-go is not installed: "
                     "apt-get install wireguard-go");
    return rc;
}

void wg_user_up(struct wg_host *h)
{
    struct err e = {0};
    int rc;

    h->info.adopted = false;
    rc = h->proc ? 0 : proc_adopt(h->loop_b, h->pid_file, on_ended, h, &h->proc, &e);
    if (rc == 0) {
        h->info.adopted = true;
        (void)str_copy(h->info.why, sizeof h->info.why, "wireguard-go, running since before");
    } else if (rc == -ESRCH || rc == -ENOENT) {
        rc = start(h, &e);
    }
    if (rc == 0 && timer_begin(h, look_for_socket, START_MS) != 0)
        rc = err_set(&e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
    if (rc != 0)
        wg_job_end(h, &e);
}

static void look_for_end(uv_timer_t *timer)
{
    struct wg_host *h = timer->data;

    if (h->proc && uv_now(h->loop_b) >= h->deadline_ms) {
        h->deadline_ms = uv_now(h->loop_b) + STOP_MS;
        (void)proc_signal(h->proc, SIGKILL); /* that it is gone is success, and is seen */
    }
    if (h->proc)
        return;
    (void)clear_the_way(h, NULL); /* it removes its socket itself, but not when killed */
    timer_end(h);
    wg_job_end(h, NULL);
}

void wg_user_down(struct wg_host *h)
{
    int rc = h->proc ? proc_signal(h->proc, SIGTERM) : 0;

    if (rc == -ESRCH)
        rc = 0;
    if (rc == 0)
        rc = timer_begin(h, look_for_end, STOP_MS);
    if (rc != 0)
        end_with(h, rc, "ending wireguard-go");
}

static void changed(const struct err *failed, void *arg)
{
    struct wg_host *h = arg;
    h->call = NULL;
    wg_job_end(h, failed);
}

static void say_failed(uv_timer_t *timer)
{
    struct wg_host *h = timer->data;
    timer_end(h);
    wg_job_end(h, &h->jobs->err);
}

void wg_user_change(struct wg_host *h)
{
    struct wg_job *j = h->jobs;
    struct uapi_request q = {.name = h->name,
                             .text_take = j->text,
                             .len = j->len,
                             .deadline_ms = (unsigned)(CHANGE_MS + CHANGE_MS_PER_PEER * j->n_peers),
                             .done = changed,
                             .arg = h};

    j->text = NULL;
    if (uapi_start(h->loop_b, &q, &h->call, &j->err) == 0)
        return;
    if (timer_begin(h, say_failed, 0) != 0) /* later, from the loop, as ever */
        wg_job_end(h, &j->err);
}
