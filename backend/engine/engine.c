/*
 * The front end's side of the interface: finds out which end is to stand behind it, then only hands
 * calls on. Called from the front end's thread; nothing here waits but opening, and engine_wait for
 * the command line.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "backend/engine/end.h"

enum { JOIN_TRIES = 30, JOIN_PAUSE_MS = 100 };

/* Joins the engine that there is, else becomes it. Who loses the race for the lock finds the winner
 * still about to listen, so it asks again for a while. */
static int join_or_own(const struct engine_options *o, struct engine **ret, struct err *e)
{
    const struct timespec pause = {0, JOIN_PAUSE_MS * 1000000L};
    int r = -EBUSY;

    for (unsigned i = 0; i < JOIN_TRIES && r == -EBUSY; i++) {
        if (i > 0)
            (void)nanosleep(&pause, NULL); /* woken early is only asked early */
        int join = engine_attached_open(o, ret, e);
        if (join != -ENOENT && join != -ECONNREFUSED && join != -EACCES && join != -ENOSYS)
            return join;
        err_clear(e);
        r = engine_owned_open(o, ret, e);
    }
    return r;
}

int engine_open(const struct engine_options *o, struct engine **ret, struct err *e)
{
    if (o->demo.on)
        return engine_demo_open(o, ret, e);
    if (o->headless)
        return engine_owned_open(o, ret, e);
    return join_or_own(o, ret, e);
}

void engine_close(struct engine *en, bool now)
{
    if (en)
        en->ops->close(en, now);
}

enum engine_end engine_end(const struct engine *en)
{
    return en->ops->end;
}

int engine_fd(const struct engine *en)
{
    return en->ops->fd(en);
}

void engine_drain(struct engine *en)
{
    en->ops->drain(en);
}

struct snapshot *engine_snapshot(struct engine *en)
{
    return en->ops->snapshot(en);
}

int64_t engine_heartbeat_ms(const struct engine *en)
{
    return en->ops->heartbeat(en);
}

int engine_send(struct engine *en, const char *verb, json_t *args, uint64_t *ret_request,
                struct err *e)
{
    return en->ops->send(en, verb, args, ret_request, e);
}

bool engine_take_reply(struct engine *en, struct reply *ret)
{
    return en->ops->take_reply(en, ret);
}

void reply_done(struct reply *r)
{
    json_decref(r->body);
    if (r->fd >= 0)
        close(r->fd);
    r->body = NULL;
    r->fd = -1;
}

static int64_t monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int engine_wait(struct engine *en, uint64_t request, int timeout_ms, struct reply *ret,
                struct err *e)
{
    int64_t end = monotonic_ms() + timeout_ms;

    for (;;) {
        engine_drain(en);
        while (engine_take_reply(en, ret)) {
            if (ret->request == request)
                return 0;
            reply_done(ret); /* news, or the answer to what nobody waits for any more */
        }
        int64_t left = timeout_ms < 0 ? -1 : end - monotonic_ms();
        if (timeout_ms >= 0 && left <= 0)
            return err_set(e, ERR_AREA_CONTROL, -ETIMEDOUT,
                           "the engine did not answer within %d s; is it busy or stopped?",
                           timeout_ms / 1000);
        struct pollfd p = {.fd = engine_fd(en), .events = POLLIN};
        if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
            return err_sys(e, ERR_AREA_CONTROL, -errno, "waiting for the engine");
    }
}
