/* An end of engine.h that shows the fixture and answers at once, on the caller's thread. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/engine/end.h"
#include "backend/model/stream.h"
#include "backend/model/text.h"
#include "tests/support/fixture.h"

enum { REPLIES = 64, SENT = 256 };

struct fake_engine {
    struct engine en;
    struct snapshot *snap;
    int fd, stream;
    int64_t beat_ms;
    uint64_t next;
    struct reply reply[REPLIES];
    size_t n;
    char sent[SENT][24];
    size_t n_sent;
    json_t *args;
    char fail[200];
};

static struct fake_engine *fake(const struct engine *en)
{
    return (struct fake_engine *)(uintptr_t)en;
}

static void notify(struct fake_engine *f)
{
    uint64_t one = 1;
    ssize_t n = write(f->fd, &one, sizeof one);

    (void)n;
}

static void fake_close(struct engine *en, bool now)
{
    struct fake_engine *f = fake(en);

    (void)now;
    for (size_t i = 0; i < f->n; i++)
        reply_done(&f->reply[i]);
    snapshot_unref(f->snap);
    json_decref(f->args);
    if (f->stream >= 0)
        close(f->stream);
    close(f->fd);
    free(f);
}

static int fake_fd(const struct engine *en)
{
    return fake(en)->fd;
}

static void fake_drain(struct engine *en)
{
    uint64_t n;
    ssize_t r = read(fake(en)->fd, &n, sizeof n);

    (void)r;
}

static struct snapshot *fake_snapshot(struct engine *en)
{
    return snapshot_ref(fake(en)->snap);
}

static int64_t fake_heartbeat(const struct engine *en)
{
    return fake(en)->beat_ms;
}

static int fake_send(struct engine *en, const char *verb, json_t *args, uint64_t *ret_request,
                     struct err *e)
{
    struct fake_engine *f = fake(en);
    struct reply r = {.request = ++f->next, .fd = -1};
    int pair[2];

    if (f->n == REPLIES || f->n_sent == SENT) {
        json_decref(args);
        return err_set(e, ERR_AREA_INPUT, -EAGAIN, "busy");
    }
    str_copy(f->sent[f->n_sent++], sizeof f->sent[0], verb);
    json_decref(f->args);
    f->args = args;
    if (f->fail[0]) {
        r.code = -EINVAL;
        str_copy(r.text, sizeof r.text, f->fail);
        f->fail[0] = '\0';
    } else if (strcmp(verb, "vm.shell") == 0 || strcmp(verb, "vm.serial") == 0) {
        if (stream_pair(pair, e) < 0)
            abort();
        if (f->stream >= 0)
            close(f->stream);
        f->stream = pair[1];
        r.fd = pair[0];
    } else {
        r.body = fixture_answer(verb, args);
    }
    f->reply[f->n++] = r;
    if (ret_request)
        *ret_request = r.request;
    notify(f);
    return 0;
}

static bool fake_take_reply(struct engine *en, struct reply *ret)
{
    struct fake_engine *f = fake(en);

    if (f->n == 0)
        return false;
    *ret = f->reply[0];
    f->n--;
    memmove(&f->reply[0], &f->reply[1], f->n * sizeof f->reply[0]);
    return true;
}

static const struct engine_ops ops = {
    .end = ENGINE_OWNED,
    .close = fake_close,
    .fd = fake_fd,
    .drain = fake_drain,
    .snapshot = fake_snapshot,
    .heartbeat = fake_heartbeat,
    .send = fake_send,
    .take_reply = fake_take_reply,
};

struct engine *fake_engine_new(void)
{
    struct fake_engine *f = calloc(1, sizeof *f);

    if (!f)
        abort();
    f->en.ops = &ops;
    f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    f->stream = -1;
    f->snap = fixture_snapshot();
    f->beat_ms = INT64_MAX / 2;
    return &f->en;
}

void fake_engine_publish(struct engine *en)
{
    snapshot_unref(fake(en)->snap);
    fake(en)->snap = fixture_snapshot();
    notify(fake(en));
}

void fake_engine_set_heartbeat(struct engine *en, int64_t ms)
{
    fake(en)->beat_ms = ms;
}

const char *fake_engine_last_verb(struct engine *en)
{
    return fake(en)->n_sent ? fake(en)->sent[fake(en)->n_sent - 1] : "";
}

json_t *fake_engine_last_args(struct engine *en)
{
    return fake(en)->args;
}

unsigned fake_engine_count(struct engine *en, const char *verb)
{
    unsigned n = 0;

    for (size_t i = 0; i < fake(en)->n_sent; i++)
        n += strcmp(fake(en)->sent[i], verb) == 0;
    return n;
}

int fake_engine_take_stream(struct engine *en)
{
    int fd = fake(en)->stream;

    fake(en)->stream = -1;
    return fd;
}

void fake_engine_fail_next(struct engine *en, const char *text)
{
    str_copy(fake(en)->fail, sizeof fake(en)->fail, text);
}
