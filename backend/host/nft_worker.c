/*
 * The engine's side of the nft worker: a queue of jobs, one process that takes them one by one, a
 * deadline for the one it has, and its restart. Engine thread; it never waits. A worker that says
 * anything unexpected, or nothing in time, is killed like one that crashed.
 */
#include "backend/host/nft_worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/proc.h"
#include "backend/model/text.h"

enum {
    JOB_MS = 20000,      /* for one job in the worker's hands */
    STARTS_A_MINUTE = 5,
    MINUTE_MS = 60000,
    JOBS_MAX = 256,
    PIDS_KEPT = 16,
};

struct job {
    struct job *next;
    enum nft_op op;
    uint32_t id;
    char *text;
    size_t len;
    nft_job_fn *done;
    void *arg;
};

/* The socket of one worker process; it may outlive that by one turn of the loop. */
struct channel {
    uv_poll_t poll;
    struct nft_worker *worker;
    int fd;
};

struct nft_worker {
    uv_loop_t *loop;
    uv_timer_t timer;     /* the running job's deadline, or the end of a pause */
    uv_idle_t kick;       /* starts queued work from the loop, never from within a call */
    int handles;          /* timer and kick, while they are open */
    char *exe;
    uid_t uid;
    nft_died_fn *died;
    void *arg;
    struct proc *proc;    /* NULL: no process */
    struct channel *channel;
    struct job *first, *last;
    struct job *running;
    size_t n_jobs;
    uint32_t next_id;
    bool closing, pausing;
    struct err why;       /* why we killed it, code 0 when we did not */
    uint64_t starts[STARTS_A_MINUTE];
    size_t n_starts;      /* all of them; the ring holds the newest */
    pid_t pids[PIDS_KEPT];
    size_t n_pids;
};

static void pump(struct nft_worker *w);

static void job_free(struct job *j)
{
    if (j) {
        free(j->text);
        free(j);
    }
}

static void finish_job(struct nft_worker *w, struct job *j, const char *out, size_t len,
                       const struct err *e)
{
    if (j->done && !w->closing) {
        j->done(out, len, e, j->arg);
    }
    job_free(j);
}

static void on_kick(uv_idle_t *idle)
{
    struct nft_worker *w = idle->data;

    (void)uv_idle_stop(idle);
    pump(w);
}

static void kick(struct nft_worker *w)
{
    if (!w->closing) {
        (void)uv_idle_start(&w->kick, on_kick); /* fails only without a callback */
    }
}

static void on_channel_closed(uv_handle_t *h)
{
    struct channel *c = h->data;

    (void)close(c->fd);
    free(c);
}

static void close_channel(struct nft_worker *w)
{
    if (w->channel) {
        w->channel->worker = NULL;
        uv_close((uv_handle_t *)&w->channel->poll, on_channel_closed);
        w->channel = NULL;
    }
}

/* Kills the process; its end arrives as on_ended, which fails the job. */
static void kill_worker(struct nft_worker *w, int code, const char *why)
{
    if (w->why.code == 0) {
        (void)err_set(&w->why, ERR_AREA_NFT, code, "the nft worker %s", why);
    }
    close_channel(w);
    if (w->proc) {
        (void)proc_signal(w->proc, SIGKILL); /* already gone is as good */
    }
}

static void on_deadline(uv_timer_t *timer)
{
    struct nft_worker *w = timer->data;

    if (w->pausing) {
        w->pausing = false;
        pump(w);
    } else if (w->running) {
        kill_worker(w, -ETIMEDOUT, "did not answer in time");
    }
}

static void on_ended(struct proc *p, const struct proc_end *end, void *arg)
{
    struct nft_worker *w = arg;
    struct job *j = w->running;
    struct err why = w->why;
    char how[128];
    pid_t pid = proc_pid(p);

    if (why.code == 0) {
        (void)err_set(&why, ERR_AREA_NFT, -EPIPE, "the nft worker died: %s",
                      proc_end_format(end, how, sizeof(how)));
    }
    memset(&w->why, 0, sizeof(w->why));
    w->proc = NULL;
    w->running = NULL;
    (void)uv_timer_stop(&w->timer);
    close_channel(w);
    proc_free(p);
    if (j) {
        finish_job(w, j, "", 0, &why);
    }
    if (!w->closing && w->died) {
        w->died(pid, &why, w->arg);
    }
    kick(w);
}

static void take_reply(struct nft_worker *w, const struct nft_reply *rp, int fd)
{
    struct job *j = w->running;
    struct err e = { 0 };
    char *out = NULL, text[sizeof(rp->error)];

    if (!j || rp->id != j->id || rp->code > 0 || (rp->len > 0 && fd < 0)) {
        kill_worker(w, -EPROTO, "answered nonsense");
        return;
    }
    if (rp->code < 0) {
        size_t len = strnlen(rp->error, sizeof(rp->error));
        (void)text_clean(text, sizeof(text), rp->error, len);
        if (len > 0) {
            (void)err_set(&e, ERR_AREA_NFT, rp->code, "nft: %s", text);
        } else {
            (void)err_sys(&e, ERR_AREA_NFT, rp->code, "nft");
        }
    } else if (rp->len > 0) {
        int r = nft_wire_load(fd, rp->len, &out);
        if (r < 0) {
            (void)err_sys(&e, ERR_AREA_NFT, r, "reading the nft worker's answer");
        }
    }
    w->running = NULL;
    (void)uv_timer_stop(&w->timer);
    finish_job(w, j, out ? out : "", out ? (size_t)rp->len : 0, e.code ? &e : NULL);
    free(out);
    kick(w);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct channel *c = poll->data;
    struct nft_worker *w = c->worker;
    struct nft_reply rp;
    int fd = -1;

    (void)status, (void)events; /* receiving tells */
    if (!w) {
        return;
    }
    int r = nft_wire_receive(c->fd, &rp, sizeof(rp), &fd);
    if (r == 0) {
        take_reply(w, &rp, fd);
    } else if (r == -EPIPE || r == -ECONNRESET) {
        close_channel(w); /* its end is coming, and tells why */
    } else if (r != -EAGAIN) {
        kill_worker(w, r, "answered nonsense");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* The engine's end of the pair, polled (which makes it non-blocking). On failure fd is closed. */
static int open_channel(struct nft_worker *w, int fd)
{
    struct channel *c = calloc(1, sizeof(*c));
    int r = c ? uv_poll_init(w->loop, &c->poll, fd) : -ENOMEM;

    if (r < 0) {
        free(c);
        (void)close(fd);
        return r;
    }
    c->fd = fd;
    c->worker = w;
    c->poll.data = c;
    w->channel = c;
    return uv_poll_start(&c->poll, UV_READABLE, on_readable);
}

static int start_process(struct nft_worker *w, struct err *e)
{
    const char *const argv[] = { w->exe ? w->exe : "/proc/self/exe", "--worker", "nft", NULL };
    struct proc_spec spec = { .argv = argv, .uid = w->uid, .gid = (gid_t)w->uid,
                              .keep_net_admin = w->uid != 0, .n_fds = 1 };
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return err_sys(e, ERR_AREA_NFT, -errno, "making a socket for the nft worker");
    }
    int r = open_channel(w, pair[0]);
    if (r == 0) {
        spec.fds[0].from = pair[1];
        spec.fds[0].to = 3;
        r = proc_start(w->loop, &spec, on_ended, w, &w->proc, e);
    } else {
        (void)err_sys(e, ERR_AREA_NFT, r, "watching the nft worker");
    }
    (void)close(pair[1]);
    if (r < 0) {
        w->proc = NULL;
        close_channel(w);
        return r;
    }
    w->pids[w->n_pids++ % PIDS_KEPT] = proc_pid(w->proc);
    return 0;
}

/* How long until another start is allowed, in ms. */
static uint64_t pause_needed(const struct nft_worker *w)
{
    uint64_t oldest = w->starts[w->n_starts % STARTS_A_MINUTE], now = uv_now(w->loop);

    if (w->n_starts < STARTS_A_MINUTE || now - oldest >= MINUTE_MS) {
        return 0;
    }
    return MINUTE_MS - (now - oldest);
}

/* True when there is a process to give a job to. */
static bool have_process(struct nft_worker *w)
{
    struct err e = { 0 };
    uint64_t wait = pause_needed(w);

    if (w->proc) {
        return w->channel != NULL; /* without: it is about to end */
    }
    if (wait > 0) {
        w->pausing = true;
        (void)uv_timer_start(&w->timer, on_deadline, wait, 0);
        return false;
    }
    w->starts[w->n_starts++ % STARTS_A_MINUTE] = uv_now(w->loop);
    if (start_process(w, &e) < 0) {
        struct job *j = w->first;
        w->first = j->next;
        w->last = w->first ? w->last : NULL;
        w->n_jobs--;
        finish_job(w, j, "", 0, &e);
        kick(w);
        return false;
    }
    return true;
}

static void pump(struct nft_worker *w)
{
    if (w->closing || w->running || w->pausing || !w->first || !have_process(w)) {
        return;
    }
    struct job *j = w->first;
    struct nft_request rq = { .id = j->id, .op = (uint32_t)j->op, .len = j->len };
    int file = nft_wire_file(j->text, j->len);
    int r = file < 0 ? file : nft_wire_send(w->channel->fd, &rq, sizeof(rq), file);

    if (file >= 0) {
        (void)close(file);
    }
    if (r == -EPIPE || r == -ECONNRESET) {
        kill_worker(w, r, "closed its socket"); /* on_ended starts another for this job */
        return;
    }
    w->first = j->next;
    w->last = w->first ? w->last : NULL;
    w->n_jobs--;
    if (r < 0) {
        struct err e;
        (void)err_sys(&e, ERR_AREA_NFT, r, "handing a job to the nft worker");
        finish_job(w, j, "", 0, &e);
        kick(w);
        return;
    }
    w->running = j;
    (void)uv_timer_start(&w->timer, on_deadline, JOB_MS, 0);
}

int nft_worker_take_job(struct nft_worker *w, enum nft_op op, char *text, size_t len,
                        nft_job_fn *done, void *arg, struct err *e)
{
    struct job *j = w->n_jobs < JOBS_MAX && len <= NFT_WIRE_TEXT_MAX ? calloc(1, sizeof(*j)) : NULL;

    if (!j) {
        free(text);
        return err_set(e, ERR_AREA_NFT, -EBUSY, "too much is waiting for the nft worker");
    }
    *j = (struct job){ .op = op, .id = ++w->next_id, .text = text, .len = len, .done = done,
                       .arg = arg };
    if (w->last) {
        w->last->next = j;
    } else {
        w->first = j;
    }
    w->last = j;
    w->n_jobs++;
    kick(w);
    return 0;
}

pid_t nft_worker_pid(const struct nft_worker *w)
{
    return w->proc ? proc_pid(w->proc) : 0;
}

bool nft_worker_was(const struct nft_worker *w, pid_t pid)
{
    for (size_t i = 0; i < PIDS_KEPT && i < w->n_pids; i++) {
        if (w->pids[i] == pid) {
            return true;
        }
    }
    return false;
}

int nft_worker_new(struct uv_loop_s *loop, const char *exe, uid_t uid, nft_died_fn *died,
                   void *arg, struct nft_worker **ret, struct err *e)
{
    struct nft_worker *w = calloc(1, sizeof(*w));
    char *copy = exe ? strdup(exe) : NULL;

    if (!w || (exe && !copy)) {
        free(w);
        free(copy);
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for the nft worker");
    }
    w->loop = loop;
    w->exe = copy;
    w->uid = uid;
    w->died = died;
    w->arg = arg;
    w->timer.data = w->kick.data = w;
    (void)uv_timer_init(loop, &w->timer); /* neither can fail */
    (void)uv_idle_init(loop, &w->kick);
    w->handles = 2;
    *ret = w;
    return 0;
}

static void on_handle_closed(uv_handle_t *h)
{
    struct nft_worker *w = h->data;

    if (--w->handles == 0) {
        free(w->exe);
        free(w);
    }
}

void nft_worker_free(struct nft_worker *w)
{
    if (!w) {
        return;
    }
    w->closing = true;
    close_channel(w); /* the end of the socket ends the worker */
    if (w->proc) {
        (void)proc_signal(w->proc, SIGKILL); /* already gone is as good */
        proc_free(w->proc);
    }
    job_free(w->running);
    while (w->first) {
        struct job *j = w->first;
        w->first = j->next;
        job_free(j);
    }
    uv_close((uv_handle_t *)&w->timer, on_handle_closed);
    uv_close((uv_handle_t *)&w->kick, on_handle_closed);
}
