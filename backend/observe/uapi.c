/*
 * One exchange over a userspace WireGuard's socket. Engine thread. Every step is driven by the loop
 * and ends by its deadline; what the other side sends is bounded and cut into lines here, so that
 * parsers see whole lines only.
 */
#include "backend/observe/uapi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "backend/model/text.h"
#include "backend/observe/wireguard.h"

enum { READ_BUFFER = 64 * 1024, READS_A_TURN = 8 };

struct uapi {
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned closing;
    int fd;
    char name[IFNAMSIZ];
    char *request;
    size_t len, sent, received;
    char *buffer;
    struct uapi_split split;
    uapi_line_fn *line;
    uapi_done_fn *done;
    void *arg_b;
};

bool uapi_path(const char *name, char *buf, size_t cap)
{
    size_t len = 0;
    if (!*name || strlen(name) >= IFNAMSIZ || strchr(name, '/') || name[0] == '.')
        return false;
    return str_add(buf, cap, &len, "%s/%s.sock", WG_SOCKET_DIR, name);
}

static bool same_namespace(pid_t pid)
{
    char path[64];
    struct stat ours, theirs;

    (void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    return stat("/proc/thread-self/ns/net", &ours) == 0 && stat(path, &theirs) == 0 &&
           ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static int check_peer(int fd, const char *path, pid_t *ret_pid, struct err *e)
{
    struct ucred who;
    socklen_t size = sizeof who;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return err_sys(e, ERR_AREA_WIREGUARD, -errno, "asking who is behind %s", path);
    *ret_pid = who.pid;
    if (same_namespace(who.pid))
        return 0;
    return err_set(e, ERR_AREA_WIREGUARD, -EXDEV,
                   "%s belongs to process %d of another network namespace: give each namespace "
                   "its own %s, or the device another name",
                   path, (int)who.pid, WG_SOCKET_DIR);
}

int uapi_connect(const char *name, pid_t *ret_pid, struct err *e)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    *ret_pid = 0;
    if (!uapi_path(name, to.sun_path, sizeof to.sun_path))
        return err_set(e, ERR_AREA_WIREGUARD, -EINVAL, "%.20s: no name for a device", name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(e, ERR_AREA_WIREGUARD, -errno, "a socket for %s", to.sun_path);
    int rc = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0
                 ? check_peer(fd, to.sun_path, ret_pid, e)
                 : err_sys(e, ERR_AREA_WIREGUARD, -errno, "connecting to %s", to.sun_path);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return fd;
}

static int split_line(struct uapi_split *s, const char *text, size_t len, uapi_line_fn *line,
                      void *arg)
{
    char number[16];
    char *end;

    if (len == 0) /* the last */
        return s->has_code ? 1 : -EBADMSG;
    if (len < 6 || memcmp(text, "errno=", 6) != 0)
        return line ? line(text, len, arg) : 0;
    if (len - 6 >= sizeof number)
        return -EBADMSG;
    memcpy(number, text + 6, len - 6);
    number[len - 6] = '\0';
    long code = strtol(number, &end, 10);
    if (*end || end == number || code < -4095 || code > 4095)
        return -EBADMSG;
    s->code = (int)(code > 0 ? -code : code);
    s->has_code = true;
    return 0;
}

int uapi_split_feed(struct uapi_split *s, const char *bytes, size_t n, uapi_line_fn *line,
                    void *arg)
{
    int rc = 0;

    while (n > 0 && rc == 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t part = end ? (size_t)(end - bytes) : n;
        if (s->len + part > UAPI_LINE)
            return -EBADMSG;
        if (s->len || !end) {
            memcpy(s->line + s->len, bytes, part);
            s->len += part;
        }
        if (end) {
            rc = s->len ? split_line(s, s->line, s->len, line, arg)
                        : split_line(s, bytes, part, line, arg);
            explicit_bzero(s->line, s->len);
            s->len = 0;
            part++;
        }
        bytes += part;
        n -= part;
    }
    return rc;
}

static void on_closed(uv_handle_t *handle)
{
    struct uapi *u = handle->data;
    if (--u->closing > 0)
        return;
    if (u->request)
        explicit_bzero(u->request, u->len);
    free(u->request);
    if (u->buffer)
        explicit_bzero(u->buffer, READ_BUFFER);
    free(u->buffer);
    explicit_bzero(u, sizeof *u);
    free(u);
}

void uapi_cancel(struct uapi *u)
{
    if (!u)
        return;
    u->closing = 2;
    uv_close((uv_handle_t *)&u->poll, on_closed); /* stops watching, so the socket can go */
    uv_close((uv_handle_t *)&u->timer, on_closed);
    close(u->fd);
}

static void finish(struct uapi *u, const struct err *failed)
{
    uapi_done_fn *done = u->done;
    void *arg = u->arg_b;
    uapi_cancel(u);
    done(failed, arg);
}

static void fail(struct uapi *u, int code, const char *what)
{
    struct err e = {0};
    (void)err_sys(&e, ERR_AREA_WIREGUARD, code, "WireGuard device %s: %s", u->name, what);
    finish(u, &e);
}

static void on_late(uv_timer_t *timer)
{
    fail(timer->data, -ETIMEDOUT, "its process does not answer");
}

static bool send_some(struct uapi *u)
{
    while (u->sent < u->len) {
        ssize_t n = send(u->fd, u->request + u->sent, u->len - u->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            fail(u, -errno, "sending to its process");
            return false;
        }
        u->sent += (size_t)n;
    }
    return true;
}

/* False when the exchange has ended. */
static bool receive_some(struct uapi *u)
{
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t n = recv(u->fd, u->buffer, READ_BUFFER, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0) {
            fail(u, n < 0 ? -errno : -EPIPE, "its process hung up without an answer");
            return false;
        }
        u->received += (size_t)n;
        int rc = u->received > WG_ANSWER_MAX
                     ? -E2BIG
                     : uapi_split_feed(&u->split, u->buffer, (size_t)n, u->line, u->arg_b);
        explicit_bzero(u->buffer, (size_t)n);
        if (rc == 1 && u->split.code == 0) {
            finish(u, NULL);
            return false;
        }
        if (rc != 0) {
            fail(u, rc == 1 ? u->split.code : rc,
                 rc == 1 ? "its process refused" : "its process sent what makes no sense");
            return false;
        }
    }
    return true;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct uapi *u = poll->data;
    size_t sent = u->sent;
    (void)events; /* reading and writing tell by themselves */

    if (status < 0) {
        fail(u, -EPIPE, "its process hung up");
        return;
    }
    if (!send_some(u) || !receive_some(u))
        return;
    if (sent < u->len && u->sent == u->len)
        (void)uv_poll_start(&u->poll, UV_READABLE, on_ready); /* fails only when closing */
}

int uapi_start(struct uv_loop_s *loop, const struct uapi_request *r, struct uapi **ret,
               struct err *e)
{
    struct uapi *u = calloc(1, sizeof *u);
    pid_t pid;
    int rc;

    if (!u || !(u->buffer = malloc(READ_BUFFER))) {
        rc = err_set(e, ERR_AREA_WIREGUARD, -ENOMEM, "out of memory");
        goto failed;
    }
    u->fd = uapi_connect(r->name, &pid, e);
    rc = u->fd < 0 ? u->fd : 0;
    if (rc != 0)
        goto failed;
    rc = uv_poll_init(loop, &u->poll, u->fd);
    if (rc != 0) {
        close(u->fd);
        rc = err_set(e, ERR_AREA_WIREGUARD, rc, "watching a socket: %s", uv_strerror(rc));
        goto failed;
    }
    uv_timer_init(loop, &u->timer);
    u->poll.data = u->timer.data = u;
    (void)str_copy(u->name, sizeof u->name, r->name); /* uapi_path has checked its length */
    u->request = r->text_take;
    u->len = r->len;
    u->line = r->line;
    u->done = r->done;
    u->arg_b = r->arg;
    (void)uv_poll_start(&u->poll, UV_READABLE | UV_WRITABLE, on_ready);
    uv_timer_start(&u->timer, on_late, r->deadline_ms, 0);
    *ret = u;
    return 0;
failed:
    explicit_bzero(r->text_take, r->len);
    free(r->text_take);
    if (u)
        free(u->buffer);
    free(u);
    return rc;
}
