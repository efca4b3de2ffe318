/*
 * dnsmasq as one object: its files, its process, its upstream servers. Engine thread; whatever
 * touches a disk or walks /proc is an operation that runs on libuv's pool, one batch at a time and
 * in order. The process is never signalled but through a pidfd.
 */
#include "backend/host/dnsmasq.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/host/dnsmasq_priv.h"
#include "backend/host/proc.h"
#include "backend/model/text.h"

enum {
    UP_MS = 500,          /* alive that long after its start, it is up */
    RETRY_FIRST_MS = 1000,
    RETRY_MAX_MS = 60000,
    STEADY_MS = 60000,    /* alive that long, the next failure starts over with the short pause */
    FOLLOW_MS = 5000,     /* how often resolv.conf is looked at */
};

static void start_process(struct dnsmasq *d);
static void ask_again(struct dnsmasq *d);

static void tell(struct dnsmasq *d, enum dnsmasq_event_kind kind, const char *text)
{
    struct dnsmasq_event ev = { .kind = kind, .pid = dnsmasq_pid(d) };

    (void)str_copy(ev.text, sizeof(ev.text), text);
    if (d->event && !d->closing) {
        d->event(&ev, d->arg);
    }
}

static void pause_then_start(struct dnsmasq *d, uint64_t ms);

static void next_pause(struct dnsmasq *d)
{
    d->retry_ms = d->retry_ms ? d->retry_ms * 2 : RETRY_FIRST_MS;
    d->retry_ms = d->retry_ms < RETRY_MAX_MS ? d->retry_ms : RETRY_MAX_MS;
    pause_then_start(d, d->retry_ms);
}

static void on_ended(struct proc *p, const struct proc_end *end, void *arg)
{
    struct dnsmasq *d = arg;

    d->proc = NULL;
    proc_free(p);
    (void)proc_end_format(end, d->ended, sizeof(d->ended));
    (void)uv_timer_stop(&d->timer);
    if (d->stopped) {
        return;
    }
    if (d->replacing) {
        d->replacing = false;
        start_process(d);
        return;
    }
    if (uv_now(d->loop) - d->started_ms >= STEADY_MS) {
        d->retry_ms = 0;
    }
    struct err e = { 0 };
    struct dnsmasq_op *op = dnsmasq_op_new(DNSMASQ_OP_LAST_WORDS, NULL, NULL, &e);
    if (!op || dnsmasq_op_queue(d, op, &e) < 0) {
        tell(d, DNSMASQ_EVENT_DIED, d->ended);
        next_pause(d);
    }
}

static void after_last_words(struct dnsmasq *d, const struct dnsmasq_op *op)
{
    char text[DNSMASQ_REASON_MAX];
    size_t len = 0;

    if (d->proc || d->stopped) {
        return; /* the log was only looked at to keep it small */
    }
    (void)str_add(text, sizeof(text), &len, "dnsmasq: %s%s%s", d->ended, op->words[0] ? ": " : "",
                  op->words);
    tell(d, d->was_up ? DNSMASQ_EVENT_DIED : DNSMASQ_EVENT_FAILED, text);
    next_pause(d);
}

static void on_timer(uv_timer_t *timer)
{
    struct dnsmasq *d = timer->data;

    if (d->proc) {
        d->was_up = true;
        tell(d, DNSMASQ_EVENT_UP, "started");
    } else if (!d->stopped) {
        ask_again(d);
    }
}

static void pause_then_start(struct dnsmasq *d, uint64_t ms)
{
    if (!d->closing) {
        (void)uv_timer_start(&d->timer, on_timer, ms, 0);
    }
}

static void start_process(struct dnsmasq *d)
{
    char conf[DNSMASQ_PATH_MAX + 32], log[DNSMASQ_PATH_MAX + 8];
    const char *const argv[] = { d->exe, conf, NULL };
    const struct proc_spec spec = { .argv = argv, .log_file = log, .uid = d->config.uid,
                                    .gid = d->config.gid, .detached = true,
                                    .keep_net_bind = true };
    struct err e = { 0 };

    (void)snprintf(conf, sizeof(conf), "--conf-file=%s/dnsmasq.conf", d->folder);
    (void)snprintf(log, sizeof(log), "%s/log", d->folder);
    d->was_up = false;
    d->started_ms = uv_now(d->loop);
    if (proc_start(d->loop, &spec, on_ended, d, &d->proc, &e) < 0) {
        d->proc = NULL;
        tell(d, DNSMASQ_EVENT_FAILED, e.text);
        next_pause(d);
        return;
    }
    pause_then_start(d, UP_MS);
}

static int is_ours(pid_t pid, const void *arg)
{
    const struct dnsmasq *d = arg;

    return dnsmasq_files_is(pid, d->folder, d->config.uid);
}

static void after_prepare(struct dnsmasq *d, const struct dnsmasq_op *op)
{
    struct err e = { 0 };

    if (op->err.code != 0) {
        tell(d, DNSMASQ_EVENT_FAILED, op->err.text);
        next_pause(d);
        return;
    }
    if (op->found == 0 ||
        proc_adopt_known(d->loop, op->found, is_ours, d, on_ended, d, &d->proc, &e) < 0) {
        d->proc = NULL;
        start_process(d);
        return;
    }
    if (op->changed) {
        d->replacing = true;
        (void)proc_signal(d->proc, SIGTERM); /* already gone is as good */
        return;
    }
    d->was_up = true;
    d->started_ms = uv_now(d->loop);
    /* Names and servers may have been written while nobody told it. */
    (void)proc_signal(d->proc, SIGHUP);
    tell(d, DNSMASQ_EVENT_UP, "adopted");
}

static void after_servers(struct dnsmasq *d, const struct dnsmasq_op *op)
{
    char text[200], addr[ADDR_TEXT];
    size_t len = 0;

    if (op->err.code != 0 || (!op->changed && d->servers_told)) {
        return;
    }
    for (size_t i = 0; i < op->n_servers; i++) {
        (void)str_add(text, sizeof(text), &len, "%s%s", i ? " " : "",
                      addr_format(&op->servers[i], false, addr));
    }
    if (d->proc && op->changed) {
        (void)proc_signal(d->proc, SIGHUP); /* already gone reads it at its next start */
    }
    d->servers_told = true;
    tell(d, DNSMASQ_EVENT_UPSTREAM, op->n_servers ? text : "none");
}

void dnsmasq_op_finish(struct dnsmasq *d, const struct dnsmasq_op *op)
{
    switch (op->kind) {
    case DNSMASQ_OP_PREPARE:
        after_prepare(d, op);
        break;
    case DNSMASQ_OP_SERVERS:
        after_servers(d, op);
        break;
    case DNSMASQ_OP_LAST_WORDS:
        after_last_words(d, op);
        break;
    case DNSMASQ_OP_PUT:
    case DNSMASQ_OP_REMOVE:
    case DNSMASQ_OP_SET:
        if (op->done) {
            op->done(op->err.code ? &op->err : NULL, op->arg);
        }
        break;
    }
}

/* Looks at the world anew: the folder, the process, the servers. */
static int queue_start(struct dnsmasq *d, struct err *e)
{
    struct dnsmasq_op *prepare = dnsmasq_op_new(DNSMASQ_OP_PREPARE, NULL, NULL, e), *servers = NULL;
    int r = prepare ? dnsmasq_config_text(&d->config, &prepare->text, e) : -ENOMEM;

    if (r == 0) {
        servers = dnsmasq_op_new(DNSMASQ_OP_SERVERS, NULL, NULL, e);
        r = servers ? 0 : -ENOMEM;
    }
    if (r < 0) {
        if (prepare) {
            dnsmasq_op_free(prepare);
        }
        return r;
    }
    r = dnsmasq_op_queue(d, prepare, e);
    if (r < 0) {
        dnsmasq_op_free(servers);
        return r;
    }
    return dnsmasq_op_queue(d, servers, e);
}

static void ask_again(struct dnsmasq *d)
{
    struct err e = { 0 };

    if (queue_start(d, &e) < 0) {
        tell(d, DNSMASQ_EVENT_FAILED, e.text);
        next_pause(d);
    }
}

static void on_follow(uv_timer_t *timer)
{
    struct dnsmasq *d = timer->data;
    struct dnsmasq_op *servers = dnsmasq_op_new(DNSMASQ_OP_SERVERS, NULL, NULL, NULL);
    struct dnsmasq_op *words = dnsmasq_op_new(DNSMASQ_OP_LAST_WORDS, NULL, NULL, NULL);

    if (servers && d->config.n_upstream == 0) {
        (void)dnsmasq_op_queue(d, servers, NULL); /* the next look does it */
    } else if (servers) {
        dnsmasq_op_free(servers);
    }
    if (words && d->proc) {
        (void)dnsmasq_op_queue(d, words, NULL);
    } else if (words) {
        dnsmasq_op_free(words);
    }
}

int dnsmasq_open(struct uv_loop_s *loop, const struct dnsmasq_config *config,
                 dnsmasq_event_fn *event, void *arg, struct dnsmasq **ret, struct err *e)
{
    struct dnsmasq *d = calloc(1, sizeof(*d));

    if (!d) {
        return err_set(e, ERR_AREA_HOST, -ENOMEM, "no memory for dnsmasq");
    }
    d->loop = loop;
    d->config = *config;
    d->event = event;
    d->arg = arg;
    d->work.data = d->timer.data = d->follow.data = d;
    (void)uv_timer_init(loop, &d->timer); /* neither can fail */
    (void)uv_timer_init(loop, &d->follow);
    d->handles = 2;
    if (!str_copy(d->folder, sizeof(d->folder), config->folder ? config->folder : "") ||
        !str_copy(d->exe, sizeof(d->exe), config->exe ? config->exe : "dnsmasq") ||
        !str_copy(d->resolv, sizeof(d->resolv),
                  config->resolv_conf ? config->resolv_conf : "/etc/resolv.conf")) {
        dnsmasq_free(d);
        return err_set(e, ERR_AREA_HOST, -ENAMETOOLONG, "a path for dnsmasq is too long");
    }
    d->config.folder = d->folder;
    d->config.exe = d->exe;
    d->config.resolv_conf = d->resolv;
    int r = queue_start(d, e);
    if (r < 0) {
        dnsmasq_free(d);
        return r;
    }
    (void)uv_timer_start(&d->follow, on_follow, FOLLOW_MS, FOLLOW_MS);
    *ret = d;
    return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
    struct dnsmasq *d = h->data;

    d->handles--;
    dnsmasq_free_if_over(d);
}

void dnsmasq_free(struct dnsmasq *d)
{
    if (!d) {
        return;
    }
    d->closing = true;
    dnsmasq_op_drop_all(d);
    proc_free(d->proc);
    d->proc = NULL;
    uv_close((uv_handle_t *)&d->timer, on_timer_closed);
    uv_close((uv_handle_t *)&d->follow, on_timer_closed);
}

void dnsmasq_stop(struct dnsmasq *d)
{
    d->stopped = true;
    (void)uv_timer_stop(&d->timer);
    (void)uv_timer_stop(&d->follow);
    if (d->proc) {
        (void)proc_signal(d->proc, SIGTERM); /* already gone is as good */
    }
}

pid_t dnsmasq_pid(const struct dnsmasq *d)
{
    return d->proc ? proc_pid(d->proc) : 0;
}
