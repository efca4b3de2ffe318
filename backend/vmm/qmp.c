/*
 * One QMP connection on the loop: greeting, capabilities, commands by id, one deadline each. Engine
 * thread. The other end may be compromised: a reply counts only with an id that is waiting; what is
 * overdue is answered -ETIMEDOUT once. A callback may free the connection, so nothing is touched
 * after one unless `closing` was looked at; memory goes when the last handle has closed.
 */
#include "backend/vmm/qmp.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/model/text.h"
#include "backend/vmm/sock.h"

enum { READ_CHUNK = 16384, READ_BUDGET = 8, OUT_MAX = 65536 };

struct pending {
    uint64_t id; /* 0: free */
    uint64_t deadline_ms;
    qmp_reply_fn *fn;
    void *arg;
};

/* Outlives a reconnection by a turn of the loop, as libuv wants it. */
struct conn {
    uv_poll_t poll;
    struct qmp *q; /* NULL once let go */
    int fd;
};

struct qmp {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct qmp_events events;
    void *arg;
    struct qmp_lines *lines;
    struct conn *conn; /* NULL: not connected */
    struct pending pending[QMP_PENDING_MAX];
    uint64_t next_id, hello_deadline_ms;
    char *out;
    size_t out_len;
    bool greeted, ready, silent, closing;
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_conn_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    (void)close(c->fd); /* a socket: nothing to lose */
    free(c);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct qmp *q = h->data;
    qmp_lines_free(q->lines);
    free(q->out);
    free(q);
}

static void conn_drop(struct qmp *q)
{
    if (q->conn) {
        q->conn->q = NULL;
        uv_close((uv_handle_t *)&q->conn->poll, on_conn_closed);
    }
    q->conn = NULL;
    q->greeted = q->ready = false;
    q->out_len = 0;
    q->hello_deadline_ms = 0;
    qmp_lines_reset(q->lines);
}

static void set_silent(struct qmp *q, bool silent)
{
    if (q->silent == silent || q->closing)
        return;
    q->silent = silent;
    if (q->events.silence)
        q->events.silence(q, silent, q->arg);
}

static void answer(struct qmp *q, struct pending *p, const json_t *result, const struct err *e)
{
    const struct pending was = *p;
    p->id = 0;
    if (was.fn)
        was.fn(q, result, e, was.arg);
}

static void fail_all(struct qmp *q, int code, const char *text)
{
    struct err e = {0};
    (void)err_set(&e, ERR_AREA_VMM, code, "%s", text);
    for (size_t i = 0; i < QMP_PENDING_MAX; i++)
        if (q->pending[i].id)
            answer(q, &q->pending[i], NULL, &e);
}

static void lost(struct qmp *q)
{
    conn_drop(q);
    fail_all(q, -ECONNRESET, "QMP: the monitor closed the connection");
    if (!q->closing && q->events.closed)
        q->events.closed(q, q->arg);
}

static void arm_timer(struct qmp *q);

static void on_timer(uv_timer_t *timer)
{
    struct qmp *q = timer->data;
    const uint64_t now = uv_now(q->loop);
    struct err e = {0};
    bool late = false;

    if (q->hello_deadline_ms && q->hello_deadline_ms <= now) {
        q->hello_deadline_ms = 0;
        late = true;
    }
    (void)err_set(&e, ERR_AREA_VMM, -ETIMEDOUT, "QMP: no answer within %d ms", QMP_DEADLINE_MS);
    for (size_t i = 0; i < QMP_PENDING_MAX && !q->closing; i++)
        if (q->pending[i].id && q->pending[i].deadline_ms <= now) {
            late = true;
            answer(q, &q->pending[i], NULL, &e);
        }
    if (late)
        set_silent(q, true);
    if (!q->closing)
        arm_timer(q);
}

static void arm_timer(struct qmp *q)
{
    const uint64_t now = uv_now(q->loop);
    uint64_t first = q->hello_deadline_ms;

    for (size_t i = 0; i < QMP_PENDING_MAX; i++)
        if (q->pending[i].id && (!first || q->pending[i].deadline_ms < first))
            first = q->pending[i].deadline_ms;
    if (first)
        (void)uv_timer_start(&q->timer, on_timer, first > now ? first - now : 0, 0);
    else
        (void)uv_timer_stop(&q->timer);
}

static void flush(struct qmp *q)
{
    while (q->conn && q->out_len > 0) {
        const ssize_t n = send(q->conn->fd, q->out, q->out_len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* full: when writable; broken: reading tells */
        memmove(q->out, q->out + n, q->out_len - (size_t)n);
        q->out_len -= (size_t)n;
    }
    if (q->conn)
        (void)uv_poll_start(&q->conn->poll, UV_READABLE | (q->out_len ? UV_WRITABLE : 0), on_poll);
}

static int queue(struct qmp *q, const char *command, json_t *args, uint64_t id)
{
    json_t *message = json_pack("{s:s, s:I}", "execute", command, "id", (json_int_t)id);
    char *text = NULL;
    size_t len;
    int r = -ENOMEM;

    if (message && (!args || json_object_set(message, "arguments", args) == 0))
        text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (!text)
        return r;
    len = strlen(text);
    if (len + 1 > OUT_MAX - q->out_len) {
        r = -EAGAIN;
    } else {
        memcpy(q->out + q->out_len, text, len);
        q->out[q->out_len + len] = '\n';
        q->out_len += len + 1;
        r = 0;
    }
    free(text);
    return r;
}

static int send_command(struct qmp *q, const char *command, json_t *args, qmp_reply_fn *fn,
                        void *arg, struct err *e);

static void on_capabilities(struct qmp *q, const json_t *result, const struct err *e, void *arg)
{
    (void)result;
    (void)arg;
    if (e->code == -ETIMEDOUT) { /* it may have been held up: ask again until it speaks */
        (void)send_command(q, "qmp_capabilities", NULL, on_capabilities, NULL, NULL);
        return;
    }
    if (e->code && e->code != -ENOSYS) /* -ENOSYS: the late first one had been heard */
        return;                        /* lost is told by `closed`; refused: it stays unusable */
    q->ready = true;
    if (q->events.ready)
        q->events.ready(q, q->arg);
}

static int send_command(struct qmp *q, const char *command, json_t *args, qmp_reply_fn *fn,
                        void *arg, struct err *e)
{
    struct pending *p = NULL;
    int r;

    for (size_t i = 0; i < QMP_PENDING_MAX && !p; i++)
        if (!q->pending[i].id)
            p = &q->pending[i];
    if (!p)
        return err_set(e, ERR_AREA_VMM, -EAGAIN, "QMP: too many commands wait for an answer");
    r = queue(q, command, args, q->next_id);
    if (r < 0)
        return err_sys(e, ERR_AREA_VMM, r, "QMP: sending %s", command);
    uv_update_time(q->loop);
    *p = (struct pending){q->next_id++, uv_now(q->loop) + QMP_DEADLINE_MS, fn, arg};
    arm_timer(q);
    flush(q);
    return 0;
}

static void take_reply(struct qmp *q, const json_t *m)
{
    const json_t *id = json_object_get(m, "id"), *error = json_object_get(m, "error");
    struct pending *p = NULL;
    struct err e = {0};
    char text[200];

    for (size_t i = 0; json_is_integer(id) && i < QMP_PENDING_MAX; i++)
        if (q->pending[i].id && (json_int_t)q->pending[i].id == json_integer_value(id))
            p = &q->pending[i];
    if (!p)
        return; /* overdue, doubled or invented; errors about bytes have no id */
    set_silent(q, false);
    if (q->closing)
        return;
    if (error) {
        const char *class = json_string_value(json_object_get(error, "class"));
        const char *desc = json_string_value(json_object_get(error, "desc"));
        (void)text_clean(text, sizeof text, desc ? desc : "", desc ? strlen(desc) : 0);
        (void)err_set(&e, ERR_AREA_VMM,
                      class && strcmp(class, "CommandNotFound") == 0 ? -ENOSYS : -EIO, "QMP: %s",
                      text[0] ? text : "refused without a reason");
    }
    answer(q, p, error ? NULL : json_object_get(m, "return"), &e);
}

static void on_message(const json_t *m, void *arg)
{
    struct qmp *q = arg;
    const char *event = json_string_value(json_object_get(m, "event"));

    if (q->closing || !q->conn)
        return;
    if (!q->greeted) {
        if (!json_is_object(json_object_get(m, "QMP")))
            return;
        q->greeted = true;
        q->hello_deadline_ms = 0;
        set_silent(q, false);
        if (!q->closing)
            (void)send_command(q, "qmp_capabilities", NULL, on_capabilities, NULL, NULL);
    } else if (event) {
        const json_t *data = json_object_get(m, "data");
        if (q->events.event)
            q->events.event(q, event, json_is_object(data) ? data : NULL, q->arg);
    } else if (json_object_get(m, "return") || json_object_get(m, "error")) {
        take_reply(q, m);
    }
    if (!q->closing)
        arm_timer(q);
}

static void take_in(struct conn *c, bool broken)
{
    char chunk[READ_CHUNK];

    for (int i = 0; c->q && i < READ_BUDGET; i++) {
        const ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
        if (n > 0) {
            qmp_lines_feed(c->q->lines, chunk, (size_t)n, on_message, c->q);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR) || broken) {
            lost(c->q);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct conn *c = poll->data;

    if (c->q && (events & UV_WRITABLE))
        flush(c->q);
    if (c->q)
        take_in(c, status < 0);
}

void qmp_drain(struct qmp *q)
{
    if (q->conn && !q->closing)
        take_in(q->conn, true);
}

int qmp_new(struct uv_loop_s *loop, const struct qmp_events *events, void *arg, struct qmp **ret,
            struct err *e)
{
    struct qmp *q = calloc(1, sizeof *q);

    if (q) {
        q->lines = qmp_lines_new();
        q->out = malloc(OUT_MAX);
    }
    if (!q || !q->lines || !q->out) {
        if (q) {
            qmp_lines_free(q->lines);
            free(q->out);
        }
        free(q);
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "QMP");
    }
    q->loop = loop;
    q->events = *events;
    q->arg = arg;
    q->next_id = 1;
    (void)uv_timer_init(loop, &q->timer);
    q->timer.data = q;
    *ret = q;
    return 0;
}

void qmp_free(struct qmp *q)
{
    if (!q || q->closing)
        return;
    q->closing = true;
    conn_drop(q);
    fail_all(q, -ECANCELED, "QMP: let go");
    uv_close((uv_handle_t *)&q->timer, on_timer_closed);
}

int qmp_connect(struct qmp *q, const char *folder, const char *name, pid_t pid,
                unsigned greeting_ms, struct err *e)
{
    struct conn *c;
    int fd;

    conn_drop(q);
    fail_all(q, -ECONNRESET, "QMP: connecting anew");
    fd = sock_connect(folder, name, pid, e);
    if (fd < 0)
        return fd;
    c = calloc(1, sizeof *c);
    if (!c || uv_poll_init(q->loop, &c->poll, fd) < 0) {
        free(c);
        (void)close(fd);
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "QMP");
    }
    c->poll.data = c;
    c->q = q;
    c->fd = fd;
    q->conn = c;
    uv_update_time(q->loop);
    q->hello_deadline_ms = uv_now(q->loop) + greeting_ms;
    arm_timer(q);
    flush(q);
    return 0;
}

bool qmp_is_ready(const struct qmp *q)
{
    return q->ready;
}

bool qmp_is_silent(const struct qmp *q)
{
    return q->silent;
}

int qmp_send(struct qmp *q, const char *command, struct json_t *args, qmp_reply_fn *fn, void *arg,
             struct err *e)
{
    int r;

    if (q->ready)
        r = send_command(q, command, args, fn, arg, e);
    else
        r = err_set(e, ERR_AREA_VMM, -ENOTCONN, "QMP: the monitor has not answered yet");
    json_decref(args);
    return r;
}
