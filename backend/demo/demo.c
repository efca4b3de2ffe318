/*
 * The demo end: a simulated fleet on a thread of its own behind the same interface as the real
 * engine. It sleeps until a command, a due step or the next churn; while nothing changes it
 * publishes nothing. It opens no file of the host and no socket but its streams.
 */
#include "backend/demo/demo_parts.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "backend/model/text.h"
#include "backend/model/version.h"

enum {
    PUBLISH_MS = 50,
    BEAT_MS = 1000,
    TIDY_MS = 10000,
    FRESH_MS = 5 * 60 * 1000,
    ENDED_MS = 10 * 60 * 1000
};

static int64_t mono_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void wake(void *arg)
{
    struct demo *d = arg;
    uint64_t one = 1;
    ssize_t n = write(d->wake_fd, &one, sizeof one);
    (void)n; /* a full counter wakes as well */
}

static int publish(struct demo *d)
{
    struct table_view *views[TABLE_COUNT] = {0};
    struct snapshot *s = NULL;
    bool whole = true;

    d->meta.generation++;
    d->meta.taken_ms = d->now_ms;
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        views[i] = table_snapshot(d->tables[i]);
        whole = whole && views[i];
    }
    if (whole)
        s = snapshot_new_take(&d->meta, views);
    for (unsigned i = 0; !s && i < TABLE_COUNT; i++)
        table_view_unref(views[i]);
    if (!s)
        return -ENOMEM;
    mailbox_publish_take(d->mail, s);
    d->published_ms = d->now_ms;
    d->dirty = false;
    return 0;
}

/* Routes are new for five minutes. */
static void tidy_routes(struct demo *d)
{
    struct table *t = d->tables[TABLE_ROUTES];

    d->fresh_routes = 0;
    for (size_t i = 0; i < table_count(t); i++) {
        const struct route_row *r = table_at(t, i);
        if (r->state != ROUTE_NEW && r->state != ROUTE_CHANGED)
            continue;
        struct route_row plain = *r;
        plain.state = ROUTE_PLAIN;
        if (d->now_ms - r->since_ms >= FRESH_MS)
            demo_put(d, TABLE_ROUTES, &plain);
        else
            d->fresh_routes++;
    }
}

/* Ended alerts stay for ten minutes. */
static void tidy_alerts(struct demo *d)
{
    struct table *t = d->tables[TABLE_ALERTS];

    for (size_t i = table_count(t); i-- > 0;) {
        struct alert_row r = *(const struct alert_row *)table_at(t, i);
        if (r.ended_ms && d->now_ms - r.ended_ms >= ENDED_MS)
            demo_remove(d, TABLE_ALERTS, &r);
    }
}

static void tidy(struct demo *d)
{
    if (d->now_ms - d->tidy_ms < TIDY_MS)
        return;
    d->tidy_ms = d->now_ms;
    if (d->fresh_routes > 0)
        tidy_routes(d);
    tidy_alerts(d);
}

static void take_commands(struct demo *d)
{
    struct mail m;
    uint64_t n;
    ssize_t got = read(d->wake_fd, &n, sizeof n);

    (void)got; /* nothing to read: woken for another reason */
    while (mailbox_take(d->mail, &m)) {
        struct reply r = {.request = m.request, .fd = -1};
        demo_answer(d, &m, &r);
        json_decref(m.args);
        mailbox_reply_take(d->mail, &r);
    }
}

static int sooner(int a, int b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

static int wait_ms(const struct demo *d)
{
    int ms = BEAT_MS;

    if (d->dirty) {
        int64_t left = PUBLISH_MS - (d->now_ms - d->published_ms);
        ms = left < 0 ? 0 : (int)left;
    }
    ms = sooner(ms, demo_tickets_wait_ms(d));
    ms = sooner(ms, demo_later_wait_ms(d));
    return sooner(ms, demo_churn_wait_ms(d));
}

static void turn(struct demo *d)
{
    d->now_ms = d->start_ms + mono_ms() - d->began_mono_ms;
    take_commands(d);
    demo_tickets_run(d);
    demo_later_run(d);
    demo_churn(d);
    tidy(d);
    if (d->dirty && d->now_ms - d->published_ms >= PUBLISH_MS)
        (void)publish(d); /* without memory it is tried again next turn */
    mailbox_beat(d->mail);
}

/* Built here, so that its memory comes from the arena in which this thread goes on: chunks that the
 * churn replaces are then used again. */
static int first_picture(struct demo *d, struct err *e)
{
    int r = demo_fleet_build(d, e);

    if (r < 0)
        return r;
    demo_load_first(d);
    d->churned_ms = d->cell_ms = d->load_ms = d->tidy_ms = d->start_ms;
    mailbox_beat(d->mail);
    return publish(d) < 0 ? err_set(e, ERR_AREA_HOST, -ENOMEM, "starting the demo: out of memory")
                          : 0;
}

static void *demo_thread(void *arg)
{
    struct demo *d = arg;
    bool stands = first_picture(d, &d->start_error) == 0;

    sem_post(&d->stands);
    if (!stands)
        return NULL;
    while (!atomic_load(&d->leaving)) {
        struct pollfd p[1 + DEMO_SHELLS];
        turn(d);
        p[0] = (struct pollfd){d->wake_fd, POLLIN, 0};
        for (unsigned i = 0; i < DEMO_SHELLS; i++)
            p[1 + i] = (struct pollfd){d->shells[i].fd, POLLIN, 0};
        if (poll(p, ARRAY_LEN(p), wait_ms(d)) <= 0)
            continue;
        for (unsigned i = 0; i < DEMO_SHELLS; i++)
            if (p[1 + i].revents)
                demo_shell_read(d, &d->shells[i]);
    }
    return NULL;
}

static void demo_free(struct demo *d)
{
    for (unsigned i = 0; i < DEMO_SHELLS; i++)
        demo_shell_close(&d->shells[i]);
    demo_tickets_free(d);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        table_free(d->tables[i]);
    mailbox_free(d->mail);
    if (d->wake_fd >= 0)
        close(d->wake_fd);
    sem_destroy(&d->stands);
    free(d);
}

static void demo_close(struct engine *en, bool now)
{
    struct demo *d = (struct demo *)en;

    (void)now; /* nobody else can be attached */
    atomic_store(&d->leaving, true);
    wake(d);
    pthread_join(d->thread, NULL);
    demo_free(d);
}

static int demo_fd(const struct engine *en)
{
    return mailbox_fd(((const struct demo *)en)->mail);
}

static void demo_drain(struct engine *en)
{
    mailbox_drain(((struct demo *)en)->mail);
}

static struct snapshot *demo_snapshot(struct engine *en)
{
    return mailbox_snapshot(((struct demo *)en)->mail);
}

static int64_t demo_heartbeat(const struct engine *en)
{
    return mailbox_heartbeat_ms(((const struct demo *)en)->mail);
}

static int demo_send(struct engine *en, const char *verb, json_t *args, uint64_t *ret_request,
                     struct err *e)
{
    enum verb_id id = verb_find(verb);

    if (id == VERB_COUNT) {
        json_decref(args);
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%.40s: no such command", verb);
    }
    int r = verb_check(id, args, e);
    if (r < 0) {
        json_decref(args);
        return r;
    }
    return mailbox_send_take(((struct demo *)en)->mail, (int)id, args, ret_request, e);
}

static bool demo_take_reply(struct engine *en, struct reply *ret)
{
    return mailbox_take_reply(((struct demo *)en)->mail, ret);
}

static const struct engine_ops demo_ops = {
    .end = ENGINE_DEMO,
    .close = demo_close,
    .fd = demo_fd,
    .drain = demo_drain,
    .snapshot = demo_snapshot,
    .heartbeat = demo_heartbeat,
    .send = demo_send,
    .take_reply = demo_take_reply,
};

static void meta_init(struct demo *d, const struct engine_options *o)
{
    struct snapshot_meta *m = &d->meta;

    (void)snprintf(m->fleet, sizeof m->fleet, "%u nodes", d->n_nodes);
    str_copy(m->node, sizeof m->node, demo_node_name(1));
    str_copy(m->accel, sizeof m->accel, "simulated");
    str_copy(m->version, sizeof m->version, MESHDECK_VERSION);
    m->demo = m->engine_ready = true;
    m->read_only = o->read_only;
    if (o->read_only)
        str_copy(m->read_only_why, sizeof m->read_only_why, "asked for with --read-only");
    m->consoles = 1;
    m->owner_pid = (uint32_t)getpid();
    m->churn = d->churn;
    m->cores = 64;
    m->memory_bytes = UINT64_C(256) << 30;
    m->disk_bytes = UINT64_C(4000) << 30;
    str_copy(m->wg_device, sizeof m->wg_device, "mesh0");
    str_copy(m->wg_backend, sizeof m->wg_backend, "simulated");
    m->wg_port = 51820;
    m->fleet_prefix = demo_fleet_prefix();
    for (unsigned i = 0; i < 32; i++)
        m->public_key[i] = (uint8_t)demo_hash(d, 90, i);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        m->health[i] = (struct table_health){.checked_ms = d->start_ms, .whole = true, .tries = 1};
}

static int options_check(struct demo *d, const struct engine_options *o, struct err *e)
{
    d->n_nodes = o->demo.nodes ? o->demo.nodes : DEMO_NODES;
    d->n_vms = o->demo.nodes || o->demo.vms ? o->demo.vms : DEMO_VMS;
    d->churn = o->demo.churn;
    d->seed = o->demo.seed;
    d->rnd = d->seed;
    if (d->n_nodes > DEMO_NODES)
        return err_set(e, ERR_AREA_INPUT, -ERANGE, "%u nodes: the address plan has %d", d->n_nodes,
                       DEMO_NODES);
    if (d->n_vms > d->n_nodes * DEMO_NODE_VMS)
        return err_set(e, ERR_AREA_INPUT, -ERANGE, "%u VMs: %u node%s hold at most %u", d->n_vms,
                       d->n_nodes, d->n_nodes == 1 ? "" : "s", d->n_nodes * DEMO_NODE_VMS);
    return 0;
}

static int demo_init(struct demo *d, const struct engine_options *o, struct err *e)
{
    bool whole = true;
    int r = options_check(d, o, e);

    if (r < 0)
        return r;
    str_copy(d->who, sizeof d->who, o->who ? o->who : "operator");
    d->start_ms = d->now_ms = o->demo.start_ms ? o->demo.start_ms : now_ms();
    d->began_mono_ms = mono_ms();
    meta_init(d, o);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        d->tables[i] = table_new(row_type_of((enum table_id)i));
        whole = whole && d->tables[i];
    }
    d->mail = mailbox_new(wake, d);
    d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!whole || !d->mail || d->wake_fd < 0)
        return err_set(e, ERR_AREA_HOST, -ENOMEM, "starting the demo: out of memory");
    return 0;
}

static int demo_start(struct demo *d, struct err *e)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the front end's business */
    int r = -pthread_create(&d->thread, NULL, demo_thread, d);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r < 0)
        return err_sys(e, ERR_AREA_HOST, r, "starting the demo's thread");
    while (sem_wait(&d->stands) < 0 && errno == EINTR)
        ;
    if (d->start_error.code == 0)
        return 0;
    pthread_join(d->thread, NULL);
    if (e)
        *e = d->start_error;
    return d->start_error.code;
}

int engine_demo_open(const struct engine_options *o, struct engine **ret, struct err *e)
{
    struct demo *d = calloc(1, sizeof *d);

    if (!d)
        return err_set(e, ERR_AREA_HOST, -ENOMEM, "starting the demo: out of memory");
    sem_init(&d->stands, 0, 0);
    d->base.ops = &demo_ops;
    d->wake_fd = -1;
    for (unsigned i = 0; i < DEMO_SHELLS; i++)
        d->shells[i].fd = -1;
    int r = demo_init(d, o, e);
    if (r == 0)
        r = demo_start(d, e);
    if (r < 0) {
        demo_free(d);
        return r;
    }
    *ret = &d->base;
    return 0;
}
