/*
 * The listener and its connections, raw descriptors on uv_poll, since streams go over them as
 * SCM_RIGHTS. Nothing here waits: what a console does not read is queued, its snapshots are skipped
 * until it has read, and past the bound it is closed. Engine thread.
 */
#include "backend/engine/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/engine/core.h"
#include "backend/engine/wire.h"
#include "backend/model/text.h"

enum { CONNECTIONS_MAX = 32, OUT_MAX = 64 << 20, SKIP_ABOVE = 1 << 20, READ_BYTES = 65536 };

struct out {
    struct out *next;
    int fd; /* goes with the first byte, or -1 */
    size_t len, at;
    char bytes[];
};

struct connection {
    struct connection *next;
    struct control *control;
    struct client *client;
    uv_poll_t poll;
    int fd;
    struct wire_in in;
    struct out *out, **out_tail;
    size_t out_bytes;
    bool said_hello, watches, closing;
    struct snapshot *sent; /* what this console has; NULL: nothing */
};

struct control {
    struct core *core;
    int fd;
    uv_poll_t poll;
    uv_timer_t beat;
    struct connection *first;
    unsigned n, n_watching;
    bool closing;
    char path[PATH_MAX];
};

static void connection_close(struct connection *k);

static void connection_poll(struct connection *k);

static void connection_flush(struct connection *k)
{
    while (k->out) {
        struct out *o = k->out;
        struct iovec iov = {o->bytes + o->at, o->len - o->at};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        union {
            struct cmsghdr head;
            char room[CMSG_SPACE(sizeof(int))];
        } control = {.room = {0}};
        if (o->fd >= 0) {
            msg.msg_control = control.room;
            msg.msg_controllen = sizeof control.room;
            struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
            cm->cmsg_level = SOL_SOCKET;
            cm->cmsg_type = SCM_RIGHTS;
            cm->cmsg_len = CMSG_LEN(sizeof(int));
            memcpy(CMSG_DATA(cm), &o->fd, sizeof(int));
        }
        ssize_t n = sendmsg(k->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            connection_close(k);
        if (n < 0)
            return;
        if (o->fd >= 0)
            close(o->fd);
        o->fd = -1;
        o->at += (size_t)n;
        k->out_bytes -= (size_t)n;
        if (o->at < o->len)
            return;
        k->out = o->next;
        if (!k->out)
            k->out_tail = &k->out;
        free(o);
    }
}

/* Takes fd over in every case. */
static int connection_send(struct connection *k, const char *bytes, size_t len, int fd)
{
    struct out *o = k->closing || k->out_bytes + len > OUT_MAX ? NULL : malloc(sizeof *o + len);

    if (!o) {
        if (fd >= 0)
            close(fd);
        if (!k->closing)
            connection_close(k);
        return -ENOBUFS;
    }
    *o = (struct out){.fd = fd, .len = len};
    memcpy(o->bytes, bytes, len);
    *k->out_tail = o;
    k->out_tail = &o->next;
    k->out_bytes += len;
    return 0;
}

static void connection_push(struct connection *k)
{
    if (k->closing)
        return;
    connection_flush(k);
    if (!k->closing)
        connection_poll(k);
}

static int emit_line(const char *line, size_t len, void *arg)
{
    return connection_send(arg, line, len, -1);
}

static void connection_picture(struct connection *k, struct snapshot *to)
{
    if (!k->watches || !to || k->out_bytes > SKIP_ABOVE || k->sent == to)
        return;
    if (wire_snapshot(k->sent, to, emit_line, k) < 0)
        return;
    snapshot_unref(k->sent);
    k->sent = snapshot_ref(to);
    connection_push(k);
}

static void connection_deliver(struct client *client, const struct reply *r)
{
    struct connection *k = client->end_b;
    struct reply mine = *r;
    char *line = wire_reply(&mine);

    if (line)
        (void)connection_send(k, line, strlen(line), mine.fd);
    else if (mine.fd >= 0)
        close(mine.fd);
    mine.fd = -1;
    free(line);
    reply_done(&mine);
    connection_push(k);
}

static void consoles_changed(struct control *ctl)
{
    ctl->core->meta.consoles = ctl->n_watching + 1;
    publish_dirty(ctl->core);
    if (ctl->n_watching == 0 && ctl->core->leave_when_alone)
        core_begin_close(ctl->core, true);
}

static void hello_take(struct connection *k, const json_t *hello)
{
    const char *who = json_string_value(json_object_get(hello, "who"));
    const char *way_in = json_string_value(json_object_get(hello, "way_in"));

    k->said_hello = true;
    if (who)
        text_clean(k->client->who, sizeof k->client->who, who, strlen(who));
    if (way_in)
        text_clean(k->client->way_in, sizeof k->client->way_in, way_in, strlen(way_in));
    k->client->read_only = json_is_true(json_object_get(hello, "read_only"));
    k->watches = json_is_true(json_object_get(hello, "watch"));
    if (!k->watches)
        return;
    k->control->n_watching++;
    consoles_changed(k->control);
    connection_picture(k, k->control->core->last);
}

static void line_take(struct connection *k, json_t *line)
{
    const json_t *hello = json_object_get(line, "hello"), *id = json_object_get(line, "id");
    const char *verb = json_string_value(json_object_get(line, "verb"));
    json_t *args = json_object_get(line, "args");

    if (!k->said_hello && json_is_object(hello)) {
        hello_take(k, hello);
    } else if (k->said_hello && json_is_integer(id) && verb) {
        enum verb_id v = verb_find(verb);
        core_take_command(k->control->core, k->client, (uint64_t)json_integer_value(id), (int)v,
                          json_incref(args));
    } else {
        connection_close(k);
    }
}

static void connection_read(struct connection *k)
{
    size_t room = 0;
    char *at = wire_in_room(&k->in, READ_BYTES, &room);
    ssize_t n = at ? recv(k->fd, at, room, MSG_DONTWAIT) : 0;
    json_t *line = NULL;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        connection_close(k);
        return;
    }
    wire_in_added(&k->in, (size_t)n);
    int r = 0;
    while (!k->closing && (r = wire_in_next(&k->in, &line, NULL)) == 1) {
        line_take(k, line);
        json_decref(line);
    }
    if (r < 0)
        connection_close(k);
}

static void connection_event(uv_poll_t *poll, int status, int events)
{
    struct connection *k = poll->data;

    if (status < 0) {
        connection_close(k);
        return;
    }
    if (events & UV_WRITABLE)
        connection_push(k);
    if (!k->closing && (events & (UV_READABLE | UV_DISCONNECT)))
        connection_read(k);
}

static void connection_poll(struct connection *k)
{
    uv_poll_start(&k->poll, UV_READABLE | (k->out ? UV_WRITABLE : 0), connection_event);
}

static void connection_closed(uv_handle_t *handle)
{
    struct connection *k = handle->data;
    struct control *ctl = k->control;

    close(k->fd);
    while (k->out) {
        struct out *o = k->out;
        k->out = o->next;
        if (o->fd >= 0)
            close(o->fd);
        free(o);
    }
    wire_in_done(&k->in);
    snapshot_unref(k->sent);
    client_unref(k->client);
    free(k);
    (void)ctl;
}

static void connection_close(struct connection *k)
{
    struct control *ctl = k->control;
    struct connection **at = &ctl->first;

    if (k->closing)
        return;
    k->closing = true;
    k->client->gone = true;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    ctl->n--;
    uv_poll_stop(&k->poll);
    uv_close((uv_handle_t *)&k->poll, connection_closed);
    if (k->watches && !ctl->closing) {
        ctl->n_watching--;
        consoles_changed(ctl);
    }
}

static void connection_open(struct control *ctl, int fd)
{
    struct connection *k = calloc(1, sizeof *k);
    char hello[96];

    if (k)
        k->client = calloc(1, sizeof *k->client);
    if (!k || !k->client || ctl->n >= CONNECTIONS_MAX ||
        uv_poll_init(&ctl->core->loop, &k->poll, fd) != 0) {
        if (k)
            free(k->client);
        free(k);
        close(fd);
        return;
    }
    k->control = ctl;
    k->fd = fd;
    k->poll.data = k;
    k->out_tail = &k->out;
    wire_in_init(&k->in, WIRE_REQUEST_MAX);
    k->client->refs = 1;
    k->client->deliver = connection_deliver;
    k->client->end_b = k;
    str_copy(k->client->who, sizeof k->client->who, "operator");
    k->next = ctl->first;
    ctl->first = k;
    ctl->n++;
    int len = snprintf(hello, sizeof hello, "{\"meshdeck\":%d,\"version\":\"%s\",\"pid\":%d}\n",
                       WIRE_VERSION, ctl->core->meta.version, (int)getpid());
    (void)connection_send(k, hello, (size_t)len, -1);
    connection_push(k);
}

/* Only root and our own uid may come in: the socket's mode says so, and the kernel is asked again. */
static void control_accept(uv_poll_t *poll, int status, int events)
{
    struct control *ctl = poll->data;
    struct ucred peer;
    socklen_t len = sizeof peer;

    (void)events;
    if (status < 0)
        return;
    int fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
        (peer.uid != 0 && peer.uid != geteuid())) {
        close(fd);
        return;
    }
    connection_open(ctl, fd);
}

static void control_beat(uv_timer_t *timer)
{
    struct control *ctl = timer->data;
    char beat[48];
    int len = snprintf(beat, sizeof beat, "{\"beat\":%lld}\n", (long long)now_ms());

    for (struct connection *k = ctl->first, *next; k; k = next) {
        next = k->next;
        if (!k->watches)
            continue;
        connection_picture(k, ctl->core->last);
        if (!k->closing && !k->out)
            (void)connection_send(k, beat, (size_t)len, -1);
        connection_push(k);
    }
}

static int control_listen(struct control *ctl, struct err *e)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    if (!str_copy(sun.sun_path, sizeof sun.sun_path, ctl->path))
        return err_set(e, ERR_AREA_CONTROL, -ENAMETOOLONG,
                       "%s: too long for a socket's path (at most %zu bytes)", ctl->path,
                       sizeof sun.sun_path - 1);
    ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ctl->fd < 0)
        return err_sys(e, ERR_AREA_CONTROL, -errno, "control socket");
    (void)unlink(ctl->path); /* ours by the lock that we hold; a live engine cannot be behind it */
    mode_t old = umask(0177);
    int r = bind(ctl->fd, (struct sockaddr *)&sun, sizeof sun) < 0 ? -errno : 0;
    umask(old);
    if (r == 0 && listen(ctl->fd, 16) < 0)
        r = -errno;
    return r < 0 ? err_sys(e, ERR_AREA_CONTROL, r, "control socket %s", ctl->path) : 0;
}

int control_open(struct core *c, struct control **ret, struct err *e)
{
    struct control *ctl = calloc(1, sizeof *ctl);

    if (!ctl)
        return err_set(e, ERR_AREA_CONTROL, -ENOMEM, "control socket: out of memory");
    ctl->core = c;
    ctl->fd = -1;
    (void)snprintf(ctl->path, sizeof ctl->path, "%.4000s/engine.sock", c->set.state_dir);
    int r = control_listen(ctl, e);
    if (r < 0) {
        if (ctl->fd >= 0)
            close(ctl->fd);
        free(ctl);
        return r;
    }
    uv_poll_init(&c->loop, &ctl->poll, ctl->fd);
    ctl->poll.data = ctl;
    uv_poll_start(&ctl->poll, UV_READABLE, control_accept);
    uv_timer_init(&c->loop, &ctl->beat);
    ctl->beat.data = ctl;
    uv_timer_start(&ctl->beat, control_beat, 1000, 1000);
    *ret = ctl;
    return 0;
}

void control_publish(struct control *ctl, struct snapshot *from, struct snapshot *to)
{
    (void)from; /* each console has its own last picture: a slow one skips some */
    for (struct connection *k = ctl ? ctl->first : NULL, *next; k; k = next) {
        next = k->next;
        connection_picture(k, to);
    }
}

unsigned control_consoles(const struct control *ctl)
{
    return ctl ? ctl->n_watching : 0;
}

void control_close(struct control *ctl)
{
    if (!ctl || ctl->closing)
        return;
    ctl->closing = true;
    while (ctl->first)
        connection_close(ctl->first);
    uv_poll_stop(&ctl->poll);
    uv_close((uv_handle_t *)&ctl->poll, NULL);
    uv_close((uv_handle_t *)&ctl->beat, NULL);
    close(ctl->fd);
    (void)unlink(ctl->path);
}

void control_free(struct control *ctl)
{
    free(ctl);
}
