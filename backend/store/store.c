/*
 * The store thread and its two queues. Jobs go in under a lock and a condition; ends come back in a
 * list and one uv_async. The database is touched by the thread only. It must never drop a job that
 * it took: each gets its done, even when the database cannot be opened.
 */
#include "backend/store/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "backend/model/text.h"

enum job_kind { JOB_READ, JOB_WRITE, JOB_OPEN };

struct job {
    struct job *next;
    enum job_kind kind;
    bool put_aside;
    store_job_fn *fn;
    store_done_fn *done;
    void *arg;
    int code;
    enum db_mode mode; /* of JOB_OPEN */
    struct err e;
};

struct list {
    struct job *first, **last;
};

struct store {
    uv_async_t async;
    pthread_t thread;
    pthread_mutex_t lock; /* over the next five */
    pthread_cond_t wake;
    struct list todo, ended;
    bool closing, finished;
    /* the loop's */
    size_t waiting;
    bool open, shut;
    enum db_mode mode;
    void (*closed)(void *arg);
    void *closed_arg;
    /* the thread's */
    char dir[1024];
    bool read_only, suspect, was_open;
    struct db *db;
    int open_code;
    struct err open_err;
};

static void list_init(struct list *l)
{
    l->first = NULL;
    l->last = &l->first;
}

static void list_push(struct list *l, struct job *j)
{
    j->next = NULL;
    *l->last = j;
    l->last = &j->next;
}

static struct job *list_pop(struct list *l)
{
    struct job *j = l->first;

    if (j && !(l->first = j->next))
        l->last = &l->first;
    return j;
}

static void open_db(struct store *s)
{
    db_close(s->db);
    s->db = NULL;
    s->suspect = false;
    err_clear(&s->open_err);
    /* one that was there and is gone must not be made anew behind the operator's back */
    enum db_how how = s->read_only ? DB_HOW_READ : s->was_open ? DB_HOW_WRITE : DB_HOW_CREATE;
    s->open_code = db_open(s->dir, how, &s->db, &s->open_err);
    s->was_open = s->was_open || s->db;
}

static void run_open(struct store *s, struct job *j)
{
    char name[64];

    db_close(s->db);
    s->db = NULL;
    if (j->put_aside && (j->code = db_put_aside(s->dir, name, &j->e)) < 0) {
        s->open_code = j->code;
        s->open_err = j->e;
        return;
    }
    if (j->put_aside)
        s->was_open = false;
    open_db(s);
    j->code = s->open_code;
    j->e = s->open_err;
    if (s->db)
        j->mode = db_mode(s->db);
}

/* Trouble that may pass by itself: the next job tries to open again. */
static bool may_pass(int code)
{
    return code != DB_CORRUPT && code != DB_NOT_OURS && code != -ENOTSUP && code != -ENOENT &&
           code != -ENOTDIR;
}

static void run_job(struct store *s, struct job *j)
{
    if (s->suspect || (!s->db && may_pass(s->open_code)))
        open_db(s);
    if (!s->db) {
        j->code = s->open_code;
        j->e = s->open_err;
        return;
    }
    if (j->kind == JOB_WRITE) {
        j->code = db_begin(s->db, &j->e);
        if (j->code == 0)
            j->code = db_end(s->db, j->fn(s->db, j->arg, &j->e), &j->e);
    } else {
        j->code = j->fn(s->db, j->arg, &j->e);
    }
    if (j->code < 0 && j->e.code == 0)
        (void)err_sys(&j->e, ERR_AREA_STORE, j->code, "the store's job failed");
    if (j->code >= 0)
        err_clear(&j->e);
    s->suspect = j->code == -EIO; /* after an I/O error the connection is made anew */
}

static void *store_main(void *arg)
{
    struct store *s = arg;
    struct job *j;

    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!(j = list_pop(&s->todo)) && !s->closing)
            (void)pthread_cond_wait(&s->wake, &s->lock);
        if (!j)
            break;
        (void)pthread_mutex_unlock(&s->lock);
        if (j->kind == JOB_OPEN)
            run_open(s, j);
        else
            run_job(s, j);
        (void)pthread_mutex_lock(&s->lock);
        list_push(&s->ended, j);
        (void)uv_async_send(&s->async);
    }
    (void)pthread_mutex_unlock(&s->lock);
    db_close(s->db);
    s->db = NULL;
    (void)pthread_mutex_lock(&s->lock);
    s->finished = true;
    (void)uv_async_send(&s->async);
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void store_gone(uv_handle_t *h)
{
    struct store *s = h->data;

    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    if (s->closed)
        s->closed(s->closed_arg);
    free(s);
}

static void on_async(uv_async_t *h)
{
    struct store *s = h->data;
    struct list ended;
    struct job *j;

    (void)pthread_mutex_lock(&s->lock);
    ended = s->ended;
    if (!ended.first)
        ended.last = &ended.first;
    list_init(&s->ended);
    bool finished = s->finished;
    (void)pthread_mutex_unlock(&s->lock);
    while ((j = list_pop(&ended))) {
        s->waiting--;
        if (j->kind == JOB_OPEN) {
            s->open = j->code == 0;
            s->mode = j->mode;
        }
        if (j->done)
            j->done(j->code, j->code < 0 ? &j->e : NULL, j->arg);
        free(j);
    }
    if (finished && !uv_is_closing((uv_handle_t *)&s->async)) {
        (void)pthread_join(s->thread, NULL); /* it has nothing left to do */
        uv_close((uv_handle_t *)&s->async, store_gone);
    }
}

static int push(struct store *s, const struct job *proto, struct err *e)
{
    if (s->shut)
        return err_set(e, ERR_AREA_STORE, -ESHUTDOWN, "the store is closing");
    if (s->waiting >= STORE_QUEUE_MAX)
        return err_set(e, ERR_AREA_STORE, -EAGAIN, "the disk is slow: %d changes wait; try again",
                       STORE_QUEUE_MAX);
    struct job *j = malloc(sizeof *j);
    if (!j)
        return err_set(e, ERR_AREA_STORE, -ENOMEM, "no memory for a job of the store");
    *j = *proto;
    s->waiting++;
    (void)pthread_mutex_lock(&s->lock);
    list_push(&s->todo, j);
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    return 0;
}

static int start_thread(struct store *s, struct err *e)
{
    sigset_t all, old;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the loop */
    int r = -pthread_create(&s->thread, NULL, store_main, s);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r < 0 ? err_sys(e, ERR_AREA_STORE, r, "starting the store's thread") : 0;
}

static void free_now(uv_handle_t *h)
{
    free(h->data);
}

int store_new(struct uv_loop_s *loop, const char *dir, bool read_only, store_done_fn *opened,
              void *arg, struct store **ret, struct err *e)
{
    const struct job open_job = {.kind = JOB_OPEN, .done = opened, .arg = arg};
    struct store *s = calloc(1, sizeof *s);

    if (!s)
        return err_set(e, ERR_AREA_STORE, -ENOMEM, "no memory for the store");
    if (!str_copy(s->dir, sizeof s->dir, dir)) {
        free(s);
        return err_set(e, ERR_AREA_STORE, -ENAMETOOLONG, "state folder %.60s...: too long", dir);
    }
    s->read_only = read_only;
    list_init(&s->todo);
    list_init(&s->ended);
    int r = uv_async_init(loop, &s->async, on_async);
    if (r < 0) {
        free(s);
        return err_sys(e, ERR_AREA_STORE, r, "the store");
    }
    s->async.data = s;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->wake, NULL);
    s->open_code = -EIO;
    r = push(s, &open_job, e);
    if (r == 0)
        r = start_thread(s, e);
    if (r < 0) {
        free(list_pop(&s->todo));
        uv_close((uv_handle_t *)&s->async, free_now);
        return r;
    }
    *ret = s;
    return 0;
}

int store_reopen(struct store *s, bool put_aside, store_done_fn *opened, void *arg, struct err *e)
{
    const struct job j = {.kind = JOB_OPEN, .put_aside = put_aside, .done = opened, .arg = arg};

    return push(s, &j, e);
}

int store_post(struct store *s, enum store_kind kind, store_job_fn *job, store_done_fn *done,
               void *arg, struct err *e)
{
    const struct job j = {
        .kind = kind == STORE_WRITE ? JOB_WRITE : JOB_READ, .fn = job, .done = done, .arg = arg};

    return push(s, &j, e);
}

size_t store_waiting(const struct store *s)
{
    return s->waiting;
}

enum db_mode store_mode(const struct store *s)
{
    return s->mode;
}

bool store_is_open(const struct store *s)
{
    return s->open;
}

void store_close(struct store *s, void (*closed)(void *arg), void *arg)
{
    if (s->shut)
        return;
    s->shut = true;
    s->closed = closed;
    s->closed_arg = arg;
    (void)pthread_mutex_lock(&s->lock);
    s->closing = true;
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
}
