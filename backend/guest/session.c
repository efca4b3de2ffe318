/*
 * SSH sessions, the engine's side: connects, starts the worker, hands it socket, key and stream, and
 * learns how it ended. Engine thread. It never reads or writes the bytes of a session, and believes
 * nothing a worker says beyond showing it: the end of a session is the end of its process.
 */
#include "backend/guest/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/guest/session_internal.h"
#include "backend/guest/ssh_wire.h"
#include "backend/host/proc.h"
#include "backend/model/text.h"

enum {
    CONNECT_MS = 3000,
    STAGE_MS = 20000,
    KEEPALIVE_MS = 15000,
    UNANSWERED_MS = 45000, /* three keepalives without an acknowledgement */
    REPORTS_A_TURN = 16,
};

struct session {
    struct session *next;
    struct session_pool *pool;
    struct session_events events;
    void *arg;

    struct addr addrs[4];
    size_t n_addrs, at;
    uint16_t port;
    unsigned connect_ms;
    struct ssh_request request;
    char *command;

    int tcp, control, stream;         /* stream: the worker's end, kept to say why it died */
    uv_poll_t *tcp_poll, *control_poll;
    uv_timer_t *timer;
    struct proc *proc;
    bool probe_worker, ended, told;
    struct session_end end;
};

static void on_poll_closed(uv_handle_t *h)
{
    free(h);
}

static void poll_free(uv_poll_t **h)
{
    if (*h)
        uv_close((uv_handle_t *)*h, on_poll_closed);
    *h = NULL;
}

static int poll_new(struct session *s, int fd, int events, uv_poll_cb cb, uv_poll_t **ret)
{
    uv_poll_t *h = calloc(1, sizeof *h);
    int r = h ? uv_poll_init(s->pool->loop, h, fd) : -ENOMEM;

    if (r != 0) {
        free(h);
        return r;
    }
    h->data = s;
    *ret = h;
    r = uv_poll_start(h, events, cb);
    if (r != 0)
        poll_free(ret);
    return r;
}

uv_timer_t *session_timer_new(struct session_pool *p, void *data)
{
    uv_timer_t *t = calloc(1, sizeof *t);

    if (t) {
        (void)uv_timer_init(p->loop, t); /* cannot fail */
        t->data = data;
    }
    return t;
}

void session_timer_free(uv_timer_t *t)
{
    if (t)
        uv_close((uv_handle_t *)t, on_poll_closed);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* nothing was buffered in it */
    *fd = -1;
}

/* Frees the session and all it holds; a worker that still runs is killed. */
static void session_free(struct session *s)
{
    struct session_pool *p = s->pool;

    for (struct session **at = &p->sessions; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            if (s->request.mode != SESSION_PROBE)
                p->n_sessions--;
            break;
        }
    if (s->probe_worker)
        p->n_probe_workers--;
    poll_free(&s->tcp_poll);
    poll_free(&s->control_poll);
    session_timer_free(s->timer);
    close_fd(&s->tcp);
    close_fd(&s->control);
    close_fd(&s->stream);
    if (s->proc && !s->ended)
        (void)proc_signal(s->proc, SIGKILL); /* gone already is fine */
    proc_free(s->proc);
    secret_done(&s->request.key);
    free(s->command);
    free(s);
}

/* Tells the owner, once, and goes away. */
static void session_tell(struct session *s)
{
    s->told = true;
    if (s->events.ended)
        s->events.ended(s, &s->end, s->arg);
    session_free(s);
}

/* An end that the worker could not tell the viewer: we do. */
static void session_fail(struct session *s, enum session_result result, int code, const char *text)
{
    static const struct stream_exit unknown;

    s->end = (struct session_end){.result = result};
    (void)err_set(&s->end.err, ERR_AREA_SSH, code, "%s", text);
    if (s->stream >= 0) {
        (void)stream_send_text(s->stream, STREAM_MESSAGE, s->end.err.text);
        (void)stream_send_exit(s->stream, &unknown);
    }
    session_tell(s);
}

static void take_report(struct session *s, const struct ssh_report *r)
{
    static const int codes[] = {
        [SESSION_OK] = 0,
        [SESSION_UNREACHABLE] = -EHOSTUNREACH,
        [SESSION_STALLED] = -ETIMEDOUT,
        [SESSION_PROTOCOL] = -EPROTO,
        [SESSION_HOST_KEY] = -EKEYREJECTED,
        [SESSION_AUTH] = -EACCES,
        [SESSION_REFUSED] = -ECONNREFUSED,
        [SESSION_LOST] = -ECONNRESET,
        [SESSION_LEFT] = 0,
        [SESSION_WORKER] = -EIO,
    };
    _Static_assert(ARRAY_LEN(codes) == SESSION_RESULT_COUNT, "one code per result");

    if (!r->is_end) {
        if (s->events.stage)
            s->events.stage(s, r->text, s->arg);
        return;
    }
    s->ended = true;
    s->end = (struct session_end){.result = r->result, .exit = r->exit};
    if (codes[r->result] != 0)
        (void)err_set(&s->end.err, ERR_AREA_SSH, codes[r->result], "%s", r->text);
    (void)proc_signal(s->proc, SIGKILL); /* it said its last; it goes now, willing or not */
}

/* False once nothing more can come. */
static bool take_reports(struct session *s)
{
    struct ssh_report report;

    for (int i = 0; i < REPORTS_A_TURN && !s->ended; i++) {
        int r = ssh_wire_recv_report(s->control, &report);
        if (r == -EAGAIN)
            return true;
        if (r == 0)
            take_report(s, &report);
        else if (r != -EBADMSG)
            return false;
    }
    return !s->ended;
}

static void on_control(uv_poll_t *h, int status, int events)
{
    struct session *s = h->data;

    (void)status, (void)events; /* the read tells */
    if (!take_reports(s))
        poll_free(&s->control_poll);
}

static void on_worker_ended(struct proc *p, const struct proc_end *end, void *arg)
{
    struct session *s = arg;
    char why[240], text[400];
    size_t len = 0;

    (void)p;
    if (!s->ended)
        (void)take_reports(s);
    if (s->ended) {
        session_tell(s);
        return;
    }
    s->ended = true;
    (void)str_add(text, sizeof text, &len, "the SSH worker of this session died: %s",
                  proc_end_format(end, why, sizeof why));
    session_fail(s, SESSION_WORKER, -EIO, text);
}

static int hand_over(struct session *s, int worker_end, struct err *e)
{
    const char *const argv[] = {s->pool->worker, "--worker", "ssh", NULL};
    const char *const env[] = {"OPENSSL_CONF=/dev/null", NULL};
    const struct proc_spec spec = {
        .argv = argv, .env = env, .fds = {{worker_end, 3}}, .n_fds = 1, .oom_score_adj = 500};

    int r = proc_start(s->pool->loop, &spec, on_worker_ended, s, &s->proc, e);
    if (r != 0)
        return r;
    r = ssh_wire_send_request(s->control, &s->request, s->command, s->tcp, s->stream);
    if (r == 0)
        r = poll_new(s, s->control, UV_READABLE | UV_DISCONNECT, on_control, &s->control_poll);
    return r == 0 ? 0 : err_sys(e, ERR_AREA_SSH, r, "handing the session to its worker");
}

static void start_worker(struct session *s)
{
    struct err e = {0};
    int pair[2];

    if (s->request.mode == SESSION_PROBE) {
        if (s->pool->n_probe_workers >= PROBE_WORKERS_MAX) {
            session_fail(s, SESSION_UNREACHABLE, -EAGAIN, "many guests are being tried at once");
            return;
        }
        s->pool->n_probe_workers++;
        s->probe_worker = true;
    }
    int r = ssh_wire_pair(pair, &e);
    if (r == 0) {
        s->control = pair[0];
        r = hand_over(s, pair[1], &e);
        (void)close(pair[1]);
    }
    secret_done(&s->request.key);
    close_fd(&s->tcp);
    if (r != 0)
        session_fail(s, SESSION_WORKER, r, e.text);
}

static void connect_next(struct session *s);

static void note_failure(struct session *s, int code)
{
    char addr[ADDR_TEXT];

    poll_free(&s->tcp_poll);
    close_fd(&s->tcp);
    (void)err_sys(&s->end.err, ERR_AREA_SSH, code, "%s port %u",
                  addr_format(&s->addrs[s->at], false, addr), s->port);
    s->at++;
}

static void on_tcp(uv_poll_t *h, int status, int events)
{
    struct session *s = h->data;
    int code = 0;
    socklen_t len = sizeof code;

    (void)events; /* SO_ERROR tells */
    (void)uv_timer_stop(s->timer);
    if (getsockopt(s->tcp, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
        code = errno;
    if (code == 0 && status < 0) /* libuv says EBADF for any error of the socket */
        code = -status;
    if (code != 0) {
        note_failure(s, -code);
        connect_next(s);
        return;
    }
    poll_free(&s->tcp_poll);
    start_worker(s);
}

static void on_connect_timeout(uv_timer_t *t)
{
    struct session *s = t->data;
    note_failure(s, -ETIMEDOUT);
    connect_next(s);
}

static int connect_to(struct session *s, const struct addr *a)
{
    const int on = 1;
    const unsigned unanswered_ms = UNANSWERED_MS;
    union {
        struct sockaddr any;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
    } to = {0};
    socklen_t len = a->family == AF_INET ? sizeof to.ip4 : sizeof to.ip6;

    if (a->family == AF_INET) {
        to.ip4.sin_family = AF_INET;
        to.ip4.sin_port = htons(s->port);
        memcpy(&to.ip4.sin_addr, a->bytes, 4);
    } else {
        to.ip6.sin6_family = AF_INET6;
        to.ip6.sin6_port = htons(s->port);
        memcpy(&to.ip6.sin6_addr, a->bytes, 16);
    }
    s->tcp = socket(a->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->tcp < 0)
        return -errno;
    (void)setsockopt(s->tcp, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* slower without */
    if (setsockopt(s->tcp, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms) !=
            0 ||
        setsockopt(s->tcp, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0)
        return -errno;
    if (connect(s->tcp, &to.any, len) != 0 && errno != EINPROGRESS)
        return -errno;
    int r = poll_new(s, s->tcp, UV_WRITABLE, on_tcp, &s->tcp_poll);
    return r != 0 ? r : uv_timer_start(s->timer, on_connect_timeout, s->connect_ms, 0);
}

static void connect_next(struct session *s)
{
    char addr[ADDR_TEXT], text[STREAM_TEXT_MAX];

    for (; s->at < s->n_addrs;) {
        (void)addr_format(&s->addrs[s->at], false, addr);
        size_t len = 0;
        (void)str_add(text, sizeof text, &len, "connecting to %s port %u", addr, s->port);
        if (s->stream >= 0)
            (void)stream_send_text(s->stream, STREAM_STAGE, text); /* news only */
        if (s->events.stage)
            s->events.stage(s, text, s->arg);
        int r = connect_to(s, &s->addrs[s->at]);
        if (r == 0)
            return;
        note_failure(s, r);
    }
    (void)str_copy(text, sizeof text, s->end.err.text);
    session_fail(s, SESSION_UNREACHABLE, s->end.err.code, text);
}

/* The first step comes from the loop, so that no callback runs before session_open has returned. */
static void on_begin(uv_timer_t *t)
{
    connect_next(t->data);
}

static int fill_command(struct session *s, const struct session_spec *spec, struct err *e)
{
    if (spec->mode != SESSION_EXEC)
        return 0;
    s->command = malloc(SESSION_COMMAND_MAX + 1);
    if (!s->command)
        return err_set(e, ERR_AREA_SSH, -ENOMEM, "opening a session: out of memory");
    int r = spec->argv ? ssh_wire_quote(spec->argv, s->command, SESSION_COMMAND_MAX + 1)
            : !spec->command || !*spec->command                               ? -EINVAL
            : str_copy(s->command, SESSION_COMMAND_MAX + 1, spec->command)    ? 0
                                                                              : -E2BIG;
    if (r != 0)
        return err_set(e, ERR_AREA_INPUT, r,
                       r == -E2BIG ? "the command is longer than 64 KiB" : "no command is given");
    s->request.command_len = strlen(s->command);
    return 0;
}

static int fill(struct session *s, const struct session_spec *spec, struct err *e)
{
    struct ssh_request *q = &s->request;

    if (spec->n_addrs < 1 || spec->n_addrs > ARRAY_LEN(s->addrs))
        return err_set(e, ERR_AREA_SSH, -EINVAL, "the guest has no address yet");
    memcpy(s->addrs, spec->addrs, spec->n_addrs * sizeof spec->addrs[0]);
    s->n_addrs = spec->n_addrs;
    s->port = spec->port ? spec->port : 22;
    s->connect_ms = spec->connect_ms ? spec->connect_ms : CONNECT_MS;
    q->uid = s->pool->uid;
    q->gid = s->pool->gid;
    q->stage_ms = spec->stage_ms ? spec->stage_ms : STAGE_MS;
    q->keepalive_ms = spec->keepalive_ms ? spec->keepalive_ms : KEEPALIVE_MS;
    q->cols = spec->cols ? spec->cols : 80;
    q->rows = spec->rows ? spec->rows : 24;
    if (!str_copy(q->user, sizeof q->user, spec->user ? spec->user : "root") || !spec->host_key ||
        !str_copy(q->host_key, sizeof q->host_key, spec->host_key))
        return err_set(e, ERR_AREA_SSH, -EINVAL, "no user or no pinned host key for the session");
    int r = keys_openssh_format(spec->key, NULL, &q->key, e);
    return r != 0 ? r : fill_command(s, spec, e);
}

int session_open(struct session_pool *p, const struct session_spec *spec,
                 const struct session_events *events, void *arg, struct session **ret,
                 int *ret_stream, struct err *e)
{
    int pair[2] = {-1, -1};

    if (spec->mode != SESSION_PROBE && p->n_sessions >= SESSIONS_MAX)
        return err_set(e, ERR_AREA_SSH, -EUSERS,
                       "%d sessions are open already; close one first", SESSIONS_MAX);
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, ERR_AREA_SSH, -ENOMEM, "opening a session: out of memory");
    s->pool = p;
    s->tcp = s->control = s->stream = -1;
    s->events = *events;
    s->arg = arg;
    s->request.mode = spec->mode;
    s->next = p->sessions;
    p->sessions = s;
    if (spec->mode != SESSION_PROBE)
        p->n_sessions++;

    int r = fill(s, spec, e);
    if (r == 0 && !(s->timer = session_timer_new(p, s)))
        r = err_set(e, ERR_AREA_SSH, -ENOMEM, "opening a session: out of memory");
    if (r == 0 && spec->mode != SESSION_PROBE)
        r = stream_pair(pair, e);
    s->stream = pair[1];
    if (r == 0 && (r = uv_timer_start(s->timer, on_begin, 0, 0)) != 0)
        r = err_sys(e, ERR_AREA_SSH, r, "opening a session");
    if (r != 0) {
        close_fd(&pair[0]);
        session_free(s);
        return r;
    }
    if (ret_stream)
        *ret_stream = pair[0];
    *ret = s;
    return 0;
}

void session_close(struct session *s)
{
    if (s && !s->told) /* called from `ended`, it is on its way already */
        session_free(s);
}

int session_worker_pid(const struct session *s)
{
    return s->proc ? (int)proc_pid(s->proc) : 0;
}

struct session_pool *session_pool_new(struct uv_loop_s *loop, const char *worker, unsigned uid,
                                      unsigned gid)
{
    struct session_pool *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->loop = loop;
    p->uid = uid;
    p->gid = gid;
    if (!str_copy(p->worker, sizeof p->worker, worker ? worker : "/proc/self/exe")) {
        free(p);
        return NULL;
    }
    return p;
}

size_t session_pool_count(const struct session_pool *p)
{
    return p->n_sessions;
}

void session_pool_free(struct session_pool *p)
{
    if (!p)
        return;
    session_probes_free(p);
    while (p->sessions)
        session_free(p->sessions);
    free(p);
}
