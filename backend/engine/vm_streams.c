/*
 * Live streams into guests: SSH sessions go from their worker straight to the viewer; the serial
 * line is relayed here, since the engine reads it anyway. Engine thread.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/engine/handlers.h"
#include "backend/engine/vm_files.h"
#include "backend/engine/vms.h"
#include "backend/model/stream.h"

enum { REPLAY_BYTES = 8192, ARGV_MAX = 256 };

static int find_running(struct request *r, struct vm **ret, struct err *e)
{
    const char *name = request_text(r, "name");
    struct vm *v = vms_find(r->core, name);

    if (!v)
        return err_set(e, ERR_AREA_INPUT, -ENOENT, "there is no VM %s", name);
    if (!v->vmm)
        return err_set(e, ERR_AREA_INPUT, -ESRCH, "%s is %s: boot it first", name,
                       vm_state_names[v->row.state]);
    *ret = v;
    return 0;
}

struct open_session {
    struct core *core;
    char object[48];
};

static void session_ended(struct session *s, const struct session_end *end, void *arg)
{
    struct open_session *o = arg;

    (void)s;
    if (end->result == SESSION_HOST_KEY)
        journal_raise(o->core, o->object, ALERT_CRIT, o->object + 3, "vms", "host key changed",
                      end->err.text, 1, 0);
    free(o);
}

static void open_session(struct request *r, const struct vm *v, const struct session_spec *spec)
{
    static const struct session_events events = {.ended = session_ended};
    struct open_session *o = calloc(1, sizeof *o);
    struct session *s = NULL;
    struct err e = {0};
    int fd = -1;

    if (!o) {
        err_set(&e, ERR_AREA_SSH, -ENOMEM, "out of memory");
        request_fail(r, &e);
        return;
    }
    o->core = r->core;
    (void)strncpy(o->object, vm_object(v), sizeof o->object - 1);
    if (session_open(r->core->vms->sessions, spec, &events, o, &s, &fd, &e) < 0) {
        free(o);
        request_fail(r, &e);
        return;
    }
    request_stream_take(r, fd);
}

void vm_shell_request(struct request *r)
{
    struct vm *v = NULL;
    struct err e = {0};
    struct session_spec spec;

    if (find_running(r, &v, &e) < 0) {
        request_fail(r, &e);
        return;
    }
    vm_session_fill(v, SESSION_SHELL, &spec);
    spec.cols = (uint16_t)request_uint(r, "cols", 80);
    spec.rows = (uint16_t)request_uint(r, "rows", 24);
    open_session(r, v, &spec);
}

void vm_exec_request(struct request *r)
{
    const json_t *argv = json_object_get(r->args, "argv");
    const char *words[ARGV_MAX + 1] = {0};
    struct vm *v = NULL;
    struct err e = {0};
    struct session_spec spec;
    size_t i;
    json_t *one;

    if (json_array_size(argv) > ARGV_MAX)
        err_set(&e, ERR_AREA_INPUT, -E2BIG, "argv: at most %d words", ARGV_MAX);
    if (e.code || find_running(r, &v, &e) < 0) {
        request_fail(r, &e);
        return;
    }
    json_array_foreach(argv, i, one)
        words[i] = json_string_value(one);
    vm_session_fill(v, SESSION_EXEC, &spec);
    spec.argv = words;
    open_session(r, v, &spec);
}

/* ---- the serial line ---- */

struct serial_view {
    struct core *core;
    uint64_t vm_id;
    struct serial_sub *sub;
    uv_poll_t poll;
    int fd;
    bool waits; /* for the viewer to read */
};

static void view_event(uv_poll_t *poll, int status, int events);

static void view_closed(uv_handle_t *h)
{
    struct serial_view *w = h->data;

    close(w->fd);
    free(w);
}

static void view_close(struct serial_view *w)
{
    if (vms_find_id(w->core, w->vm_id)) /* else its subscriptions went with its line */
        serial_unsubscribe(w->sub);
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, view_closed);
}

static size_t view_data(const void *bytes, size_t len, void *arg)
{
    struct serial_view *w = arg;
    size_t n = len < STREAM_DATA_MAX ? len : STREAM_DATA_MAX;

    int r = stream_send(w->fd, STREAM_OUT, bytes, n);
    if (r == 0)
        return n;
    if (r == -EAGAIN) {
        w->waits = true;
        uv_poll_start(&w->poll, UV_READABLE | UV_WRITABLE, view_event);
    }
    return 0;
}

static void view_event(uv_poll_t *poll, int status, int events)
{
    struct serial_view *w = poll->data;
    struct vm *v = vms_find_id(w->core, w->vm_id);
    struct stream_frame f;
    int r = 0;

    if (status < 0 || !v || w->core->closing) {
        view_close(w);
        return;
    }
    if ((events & UV_WRITABLE) && w->waits) {
        w->waits = false;
        uv_poll_start(&w->poll, UV_READABLE, view_event);
        serial_sub_wake(w->sub);
    }
    while ((events & UV_READABLE) && ((r = stream_recv(w->fd, &f)) == 0 || r == -EBADMSG))
        if (r == 0 && f.type == STREAM_IN)
            (void)serial_write(v->serial, f.bytes, f.len); /* a line that is full drops typing */
    if (r == -EPIPE)
        view_close(w);
}

void vm_serial_request(struct request *r)
{
    struct serial_view *w = NULL;
    struct vm *v = NULL;
    struct err e = {0};
    int fds[2] = {-1, -1};

    if (find_running(r, &v, &e) == 0 && stream_pair(fds, &e) == 0) {
        w = calloc(1, sizeof *w);
        if (!w)
            err_set(&e, ERR_AREA_VMM, -ENOMEM, "out of memory");
    }
    if (w) {
        w->core = r->core;
        w->vm_id = v->rec.id;
        w->fd = fds[0];
        uv_poll_init(&r->core->loop, &w->poll, w->fd);
        w->poll.data = w;
        uv_poll_start(&w->poll, UV_READABLE, view_event);
        if (serial_subscribe(v->serial, REPLAY_BYTES, view_data, w, &w->sub, &e) == 0) {
            request_stream_take(r, fds[1]);
            return;
        }
        uv_poll_stop(&w->poll);
        uv_close((uv_handle_t *)&w->poll, view_closed);
        fds[0] = -1;
    }
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    request_fail(r, &e);
}
