/*
 * The owned end. The front end's thread lives here: it takes the lock, starts the engine thread,
 * and speaks to it through the mailbox alone. The few flags below are under one lock.
 */
#include "backend/engine/owned.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/engine/end.h"
#include "backend/engine/lock.h"
#include "backend/engine/verbs.h"
#include "backend/model/text.h"

struct owned {
    struct engine base;
    struct mailbox *mail;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, ended;
    enum owned_wish wish;
    uv_async_t *wake;
    struct err start_error;
};

enum owned_wish owned_wish(const struct owned *o)
{
    struct owned *mine = (struct owned *)(uintptr_t)o;

    pthread_mutex_lock(&mine->lock);
    enum owned_wish wish = mine->wish;
    pthread_mutex_unlock(&mine->lock);
    return wish;
}

void owned_started(struct owned *o, uv_async_t *wake, const struct err *e)
{
    pthread_mutex_lock(&o->lock);
    o->wake = wake;
    o->start_error = *e;
    o->started = true;
    o->ended = wake == NULL;
    pthread_cond_signal(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

void owned_closing(struct owned *o)
{
    pthread_mutex_lock(&o->lock);
    o->wake = NULL;
    pthread_mutex_unlock(&o->lock);
}

void owned_ended(struct owned *o)
{
    pthread_mutex_lock(&o->lock);
    o->ended = true;
    o->wake = NULL;
    pthread_cond_signal(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

static void owned_wake(void *arg)
{
    struct owned *o = arg;

    pthread_mutex_lock(&o->lock);
    if (o->wake)
        uv_async_send(o->wake);
    pthread_mutex_unlock(&o->lock);
}

static void owned_free(struct owned *o)
{
    mailbox_free(o->mail);
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

static void owned_close(struct engine *en, bool now)
{
    struct owned *o = (struct owned *)en;

    pthread_mutex_lock(&o->lock);
    o->wish = now ? OWNED_LEAVE_NOW : OWNED_LEAVE;
    if (o->wake)
        uv_async_send(o->wake);
    while (!o->ended)
        pthread_cond_wait(&o->changed, &o->lock);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    owned_free(o);
}

static int owned_fd(const struct engine *en)
{
    return mailbox_fd(((const struct owned *)en)->mail);
}

static void owned_drain(struct engine *en)
{
    mailbox_drain(((struct owned *)en)->mail);
}

static struct snapshot *owned_snapshot(struct engine *en)
{
    return mailbox_snapshot(((struct owned *)en)->mail);
}

static int64_t owned_heartbeat(const struct engine *en)
{
    return mailbox_heartbeat_ms(((const struct owned *)en)->mail);
}

static int owned_send(struct engine *en, const char *verb, json_t *args, uint64_t *ret_request,
                      struct err *e)
{
    enum verb_id id = verb_find(verb);

    if (id == VERB_COUNT) {
        json_decref(args);
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%.40s: no such command", verb);
    }
    return mailbox_send_take(((struct owned *)en)->mail, (int)id, args, ret_request, e);
}

static bool owned_take_reply(struct engine *en, struct reply *ret)
{
    return mailbox_take_reply(((struct owned *)en)->mail, ret);
}

static const struct engine_ops owned_ops = {
    .end = ENGINE_OWNED,
    .close = owned_close,
    .fd = owned_fd,
    .drain = owned_drain,
    .snapshot = owned_snapshot,
    .heartbeat = owned_heartbeat,
    .send = owned_send,
    .take_reply = owned_take_reply,
};

/* Network changes need root's capabilities; asked of the kernel, not guessed from the uid. */
static bool has_net_admin(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};

    return syscall(SYS_capget, &head, data) == 0 && (data[0].effective & (1u << CAP_NET_ADMIN));
}

static int owned_start(struct owned *o, struct core_start *start, struct err *e)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the front end's business */
    int r = pthread_create(&o->thread, NULL, core_thread, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r != 0)
        return err_sys(e, ERR_AREA_HOST, -r, "starting the engine's thread");
    pthread_mutex_lock(&o->lock);
    while (!o->started)
        pthread_cond_wait(&o->changed, &o->lock);
    r = o->start_error.code;
    if (r < 0 && e)
        *e = o->start_error;
    pthread_mutex_unlock(&o->lock);
    if (r < 0)
        pthread_join(o->thread, NULL);
    return r;
}

int engine_owned_open(const struct engine_options *options, struct engine **ret, struct err *e)
{
    struct core_start start = {.options = options};
    struct owned *o = calloc(1, sizeof *o);

    if (!o)
        return err_set(e, ERR_AREA_HOST, -ENOMEM, "starting the engine: out of memory");
    o->base.ops = &owned_ops;
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->changed, NULL);
    start.settings.may_change = has_net_admin();
    start.settings.headless = options->headless;
    str_copy(start.settings.state_dir, sizeof start.settings.state_dir,
             options->state_dir ? options->state_dir : "/var/lib/meshdeck");
    int r = start.settings.may_change
                ? lock_take(start.settings.state_dir, &start.lock, e)
                : 0; /* an observer owns nothing, so it needs no lock */
    if (r == 0) {
        o->mail = mailbox_new(owned_wake, o);
        if (!o->mail)
            r = err_set(e, ERR_AREA_HOST, -ENOMEM, "starting the engine: out of memory");
    }
    start.owned = o;
    start.mail = o->mail;
    if (r == 0)
        r = owned_start(o, &start, e);
    if (r < 0) {
        lock_release(start.lock);
        owned_free(o);
        return r;
    }
    *ret = &o->base;
    return 0;
}
