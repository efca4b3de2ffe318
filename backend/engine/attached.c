/*
 * The attached end: another process runs the engine, a thread here speaks to its control socket and
 * builds the same snapshots from its deltas. When the owner is gone, this end takes the lock and
 * becomes the owner itself (not for one-shot commands), or attaches to whoever was faster. The front
 * end's thread only touches the mailbox and, after a takeover, the inner engine.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/engine/end.h"
#include "backend/engine/mailbox.h"
#include "backend/engine/verbs.h"
#include "backend/engine/wire.h"
#include "backend/model/table.h"
#include "backend/model/text.h"

enum { PENDING_MAX = 1024, FDS_MAX = 16, READ_BYTES = 65536, RETRY_MS = 300, HELLO_MS = 3000 };

struct attached {
    struct engine base;
    struct mailbox *mail;
    pthread_t thread;
    int sock, wake_fd, epoll_fd;
    _Atomic bool leaving;
    struct engine *_Atomic inner; /* after a takeover */
    char state_dir[108], who[96], way_in[160];
    bool read_only, one_shot;
    /* The thread's: */
    struct table *tables[TABLE_COUNT];
    struct snapshot_meta meta;
    struct wire_in in;
    uint64_t pending[PENDING_MAX];
    size_t n_pending;
    int fds[FDS_MAX]; /* came with lines that are not read yet, oldest first */
    size_t n_fds;
    char *out;
    size_t out_len;
};

static void attached_wake(void *arg)
{
    struct attached *a = arg;
    uint64_t one = 1;
    ssize_t n = write(a->wake_fd, &one, sizeof one);
    (void)n; /* a full counter wakes as well */
}

static int attached_connect(struct attached *a, struct err *e)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    int n = snprintf(sun.sun_path, sizeof sun.sun_path, "%s/engine.sock", a->state_dir);
    if (n < 0 || (size_t)n >= sizeof sun.sun_path)
        return err_set(e, ERR_AREA_CONTROL, -ENAMETOOLONG, "%s: too long a path for a socket",
                       a->state_dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(e, ERR_AREA_CONTROL, -errno, "control socket");
    if (connect(fd, (struct sockaddr *)&sun, sizeof sun) < 0) {
        int code = -errno;
        close(fd);
        return err_sys(e, ERR_AREA_CONTROL, code, "attaching to the engine at %s", sun.sun_path);
    }
    a->sock = fd;
    return 0;
}

static void attached_hello(struct attached *a)
{
    json_t *j = json_pack("{s:{s:s, s:s, s:b, s:b}}", "hello", "who", a->who, "way_in", a->way_in,
                          "read_only", a->read_only, "watch", true);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

    if (text)
        (void)dprintf(a->sock, "%s\n", text); /* a lost connection is seen by the next read */
    free(text);
    json_decref(j);
}

static void publish(struct attached *a)
{
    struct table_view *views[TABLE_COUNT] = {0};
    struct snapshot *s = NULL;
    bool whole = true;

    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        views[i] = table_snapshot(a->tables[i]);
        whole = whole && views[i];
    }
    a->meta.read_only = a->meta.read_only || a->read_only;
    if (whole)
        s = snapshot_new_take(&a->meta, views);
    for (unsigned i = 0; !s && i < TABLE_COUNT; i++)
        table_view_unref(views[i]);
    if (s)
        mailbox_publish_take(a->mail, s);
}

static bool forget_pending(struct attached *a, uint64_t id)
{
    for (size_t i = 0; i < a->n_pending; i++) {
        if (a->pending[i] != id)
            continue;
        a->pending[i] = a->pending[--a->n_pending];
        return true;
    }
    return false;
}

static void fail_pending(struct attached *a, const char *why)
{
    while (a->n_pending > 0) {
        struct reply r = {.request = a->pending[--a->n_pending], .code = -ECONNRESET, .fd = -1};
        str_copy(r.text, sizeof r.text, why);
        mailbox_reply_take(a->mail, &r);
    }
}

static int line_reply(struct attached *a, const json_t *line, struct err *e)
{
    struct reply r;
    bool has_fd = false;
    int code = wire_reply_parse(line, &r, &has_fd, e);

    if (code < 0)
        return code;
    if (has_fd && a->n_fds > 0) {
        r.fd = a->fds[0];
        memmove(a->fds, a->fds + 1, --a->n_fds * sizeof a->fds[0]);
    }
    if (forget_pending(a, r.request))
        mailbox_reply_take(a->mail, &r);
    else
        reply_done(&r);
    return 0;
}

static int line_take(struct attached *a, const json_t *line, struct err *e)
{
    const json_t *snapshot = json_object_get(line, "snapshot");
    bool more = false;

    mailbox_beat(a->mail);
    if (json_object_get(line, "id"))
        return line_reply(a, line, e);
    if (!snapshot)
        return 0; /* a beat, the hello, or something newer than we are */
    int r = wire_apply(snapshot, a->tables, &a->meta, &more, e);
    if (r == 0 && !more)
        publish(a);
    return r;
}

static int attached_read(struct attached *a, struct err *e)
{
    size_t room = 0;
    char *at = wire_in_room(&a->in, READ_BYTES, &room);
    struct iovec iov = {at, room};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control;
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
                         .msg_controllen = sizeof control.room};
    json_t *line = NULL;

    if (!at)
        return err_set(e, ERR_AREA_CONTROL, -EPROTO, "the engine sent too long a line");
    ssize_t n = recvmsg(a->sock, &msg, MSG_CMSG_CLOEXEC);
    if (n <= 0)
        return err_set(e, ERR_AREA_CONTROL, -ECONNRESET, "the engine has gone");
    for (struct cmsghdr *cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
        size_t count = cm->cmsg_type == SCM_RIGHTS ? (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cm) + i * sizeof fd, sizeof fd);
            if (a->n_fds < FDS_MAX)
                a->fds[a->n_fds++] = fd;
            else
                close(fd);
        }
    }
    wire_in_added(&a->in, (size_t)n);
    int r;
    while ((r = wire_in_next(&a->in, &line, e)) == 1) {
        r = line_take(a, line, e);
        json_decref(line);
        if (r < 0)
            break;
    }
    return r;
}

static void attached_requests(struct attached *a)
{
    struct mail m;
    uint64_t n;
    ssize_t got = read(a->wake_fd, &n, sizeof n);

    (void)got;
    while (mailbox_take(a->mail, &m)) {
        char *line = a->n_pending < PENDING_MAX
                         ? wire_request(m.request, verbs[m.verb].name, m.args)
                         : NULL;
        if (line) {
            a->pending[a->n_pending++] = m.request;
            (void)send(a->sock, line, strlen(line), MSG_NOSIGNAL); /* a loss is seen by the read */
        } else {
            struct reply r = {.request = m.request, .code = -EAGAIN, .text = "busy", .fd = -1};
            mailbox_reply_take(a->mail, &r);
        }
        free(line);
        json_decref(m.args);
    }
}

/* Serves the connection until it ends; the reason is in e. */
static void attached_serve(struct attached *a, struct err *e)
{
    while (!atomic_load(&a->leaving)) {
        struct pollfd p[2] = {{a->sock, POLLIN, 0}, {a->wake_fd, POLLIN, 0}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        if (p[1].revents)
            attached_requests(a);
        if (p[0].revents && attached_read(a, e) < 0)
            break;
    }
}

static void forget_picture(struct attached *a)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        table_clear(a->tables[i]);
    wire_in_done(&a->in);
    wire_in_init(&a->in, WIRE_LINE_MAX);
    while (a->n_fds > 0)
        close(a->fds[--a->n_fds]);
}

static void tell(struct attached *a, const char *text)
{
    struct reply news = {.fd = -1};
    str_copy(news.text, sizeof news.text, text);
    mailbox_reply_take(a->mail, &news);
}

/* The owner has gone: become it, or attach to the one who did. True when there is work to go on. */
static bool attached_take_over(struct attached *a)
{
    struct engine_options o = {.state_dir = a->state_dir, .who = a->who, .way_in = a->way_in,
                               .read_only = a->read_only};

    while (!atomic_load(&a->leaving)) {
        struct engine *inner = NULL;
        struct err e = {0};
        if (engine_owned_open(&o, &inner, &e) == 0) {
            struct epoll_event ev = {.events = EPOLLIN};
            (void)epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, engine_fd(inner), &ev);
            atomic_store(&a->inner, inner);
            tell(a, "the console that ran the engine has ended; this one runs it now. Its open "
                    "shells are lost, VMs were not touched");
            return false;
        }
        if (attached_connect(a, &e) == 0) {
            forget_picture(a);
            attached_hello(a);
            tell(a, "the engine's owner has changed; attached to the new one");
            return true;
        }
        struct pollfd p = {a->wake_fd, POLLIN, 0};
        (void)poll(&p, 1, RETRY_MS);
        attached_requests(a);
        fail_pending(a, "no engine at the moment; taking over");
    }
    return false;
}

static void *attached_thread(void *arg)
{
    struct attached *a = arg;
    struct err e = {0};

    for (;;) {
        attached_serve(a, &e);
        close(a->sock);
        a->sock = -1;
        fail_pending(a, "the engine has gone before it answered; look at its ticket");
        if (atomic_load(&a->leaving) || a->one_shot || !attached_take_over(a))
            return NULL;
    }
}

static void attached_free(struct attached *a)
{
    if (a->sock >= 0)
        close(a->sock);
    if (a->wake_fd >= 0)
        close(a->wake_fd);
    if (a->epoll_fd >= 0)
        close(a->epoll_fd);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        table_free(a->tables[i]);
    wire_in_done(&a->in);
    while (a->n_fds > 0)
        close(a->fds[--a->n_fds]);
    mailbox_free(a->mail);
    free(a);
}

static void attached_close(struct engine *en, bool now)
{
    struct attached *a = (struct attached *)en;

    atomic_store(&a->leaving, true);
    if (a->sock >= 0)
        (void)shutdown(a->sock, SHUT_RDWR);
    attached_wake(a);
    pthread_join(a->thread, NULL);
    struct engine *inner = atomic_load(&a->inner);
    if (inner)
        engine_close(inner, now);
    attached_free(a);
}

static struct engine *inner_of(const struct engine *en)
{
    return atomic_load(&((struct attached *)(uintptr_t)en)->inner);
}

static int attached_fd(const struct engine *en)
{
    return ((const struct attached *)en)->epoll_fd;
}

static void attached_drain(struct engine *en)
{
    struct engine *inner = inner_of(en);

    mailbox_drain(((struct attached *)en)->mail);
    if (inner)
        engine_drain(inner);
}

static struct snapshot *attached_snapshot(struct engine *en)
{
    struct engine *inner = inner_of(en);
    return inner ? engine_snapshot(inner) : mailbox_snapshot(((struct attached *)en)->mail);
}

static int64_t attached_heartbeat(const struct engine *en)
{
    struct engine *inner = inner_of(en);
    return inner ? engine_heartbeat_ms(inner)
                 : mailbox_heartbeat_ms(((const struct attached *)en)->mail);
}

static int attached_send(struct engine *en, const char *verb, json_t *args, uint64_t *ret_request,
                         struct err *e)
{
    struct engine *inner = inner_of(en);
    enum verb_id id = verb_find(verb);

    if (inner)
        return engine_send(inner, verb, args, ret_request, e);
    if (id == VERB_COUNT) {
        json_decref(args);
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "%.40s: no such command", verb);
    }
    return mailbox_send_take(((struct attached *)en)->mail, (int)id, args, ret_request, e);
}

static bool attached_take_reply(struct engine *en, struct reply *ret)
{
    struct engine *inner = inner_of(en);

    if (mailbox_take_reply(((struct attached *)en)->mail, ret))
        return true;
    return inner && engine_take_reply(inner, ret);
}

static const struct engine_ops attached_ops = {
    .end = ENGINE_ATTACHED,
    .close = attached_close,
    .fd = attached_fd,
    .drain = attached_drain,
    .snapshot = attached_snapshot,
    .heartbeat = attached_heartbeat,
    .send = attached_send,
    .take_reply = attached_take_reply,
};

static int attached_init(struct attached *a, const struct engine_options *o, struct err *e)
{
    bool whole = true;

    a->base.ops = &attached_ops;
    a->sock = a->wake_fd = a->epoll_fd = -1;
    a->read_only = o->read_only;
    a->one_shot = o->one_shot;
    wire_in_init(&a->in, WIRE_LINE_MAX);
    str_copy(a->who, sizeof a->who, o->who ? o->who : "operator");
    str_copy(a->way_in, sizeof a->way_in, o->way_in ? o->way_in : "");
    if (!str_copy(a->state_dir, sizeof a->state_dir, o->state_dir ? o->state_dir : "/var/lib/meshdeck"))
        return err_set(e, ERR_AREA_CONTROL, -ENAMETOOLONG, "the state folder's path is too long");
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        a->tables[i] = table_new(row_type_of((enum table_id)i));
        whole = whole && a->tables[i];
    }
    a->mail = mailbox_new(attached_wake, a);
    a->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!whole || !a->mail || a->wake_fd < 0 || a->epoll_fd < 0)
        return err_set(e, ERR_AREA_CONTROL, -ENOMEM, "attaching: out of memory");
    struct epoll_event ev = {.events = EPOLLIN};
    (void)epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, mailbox_fd(a->mail), &ev);
    return attached_connect(a, e);
}

/* Waits for the first picture, so that the front end never starts without one. */
static int attached_first(struct attached *a, struct err *e)
{
    struct snapshot *s = NULL;

    attached_hello(a);
    while (!(s = mailbox_snapshot(a->mail))) {
        struct pollfd p = {a->sock, POLLIN, 0};
        int n = poll(&p, 1, HELLO_MS);
        if (n == 0)
            return err_set(e, ERR_AREA_CONTROL, -ETIMEDOUT,
                           "the engine holds its lock but does not answer");
        int r = attached_read(a, e);
        if (r < 0)
            return r;
    }
    snapshot_unref(s);
    return 0;
}

int engine_attached_open(const struct engine_options *o, struct engine **ret, struct err *e)
{
    struct attached *a = calloc(1, sizeof *a);
    sigset_t all, old;

    if (!a)
        return err_set(e, ERR_AREA_CONTROL, -ENOMEM, "attaching: out of memory");
    int r = attached_init(a, o, e);
    if (r == 0)
        r = attached_first(a, e);
    if (r == 0) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = -pthread_create(&a->thread, NULL, attached_thread, a);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r < 0)
            err_sys(e, ERR_AREA_CONTROL, r, "attaching");
    }
    if (r < 0) {
        attached_free(a);
        return r;
    }
    *ret = &a->base;
    return 0;
}
