/*
 * Commands in, replies and snapshots out. One short lock for both queues; neither side ever waits
 * for the other while holding it. Replies that find no memory are dropped, never half delivered.
 */
#include "backend/engine/mailbox.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct letter {
    struct letter *next;
    struct reply reply;
};

struct mailbox {
    void (*wake)(void *arg);
    void *wake_arg_b; /* the engine's, until mailbox_free */
    pthread_mutex_t lock;
    struct mail commands[MAILBOX_COMMANDS];
    size_t first, count;
    uint64_t next_request;
    struct letter *replies, **tail;
    int event_fd;
    struct snapshot_box *box;
    _Atomic int64_t beat_ms;
};

struct mailbox *mailbox_new(void (*wake)(void *arg), void *arg)
{
    struct mailbox *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->wake = wake;
    m->wake_arg_b = arg;
    m->next_request = 1;
    m->tail = &m->replies;
    m->box = snapshot_box_new();
    m->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!m->box || m->event_fd < 0 || pthread_mutex_init(&m->lock, NULL) != 0) {
        snapshot_box_free(m->box);
        if (m->event_fd >= 0)
            close(m->event_fd);
        free(m);
        return NULL;
    }
    return m;
}

void mailbox_free(struct mailbox *m)
{
    struct mail mail;
    struct reply reply;

    if (!m)
        return;
    while (mailbox_take(m, &mail))
        json_decref(mail.args);
    while (mailbox_take_reply(m, &reply))
        reply_done(&reply);
    snapshot_box_free(m->box);
    close(m->event_fd);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

int mailbox_send_take(struct mailbox *m, int verb, json_t *args, uint64_t *ret_request,
                      struct err *e)
{
    pthread_mutex_lock(&m->lock);
    bool full = m->count == MAILBOX_COMMANDS;
    if (!full) {
        struct mail *slot = &m->commands[(m->first + m->count) % MAILBOX_COMMANDS];
        *slot = (struct mail){m->next_request, verb, args};
        m->count++;
        if (ret_request)
            *ret_request = m->next_request;
        m->next_request++;
    }
    pthread_mutex_unlock(&m->lock);
    if (full) {
        json_decref(args);
        return err_set(e, ERR_AREA_CONTROL, -EAGAIN,
                       "busy: %d commands are waiting; try again in a moment", MAILBOX_COMMANDS);
    }
    if (m->wake)
        m->wake(m->wake_arg_b);
    return 0;
}

bool mailbox_take(struct mailbox *m, struct mail *ret)
{
    pthread_mutex_lock(&m->lock);
    bool any = m->count > 0;
    if (any) {
        *ret = m->commands[m->first];
        m->first = (m->first + 1) % MAILBOX_COMMANDS;
        m->count--;
    }
    pthread_mutex_unlock(&m->lock);
    return any;
}

static void tell(struct mailbox *m)
{
    uint64_t one = 1;
    ssize_t n = write(m->event_fd, &one, sizeof one);
    (void)n; /* a full counter is as readable as a new one */
}

void mailbox_reply_take(struct mailbox *m, const struct reply *r)
{
    struct letter *l = malloc(sizeof *l);

    if (!l) {
        struct reply lost = *r;
        reply_done(&lost);
        return;
    }
    l->next = NULL;
    l->reply = *r;
    pthread_mutex_lock(&m->lock);
    *m->tail = l;
    m->tail = &l->next;
    pthread_mutex_unlock(&m->lock);
    tell(m);
}

bool mailbox_take_reply(struct mailbox *m, struct reply *ret)
{
    pthread_mutex_lock(&m->lock);
    struct letter *l = m->replies;
    if (l) {
        m->replies = l->next;
        if (!m->replies)
            m->tail = &m->replies;
    }
    pthread_mutex_unlock(&m->lock);
    if (!l)
        return false;
    *ret = l->reply;
    free(l);
    return true;
}

int mailbox_fd(const struct mailbox *m)
{
    return m->event_fd;
}

void mailbox_drain(struct mailbox *m)
{
    uint64_t n;
    ssize_t r = read(m->event_fd, &n, sizeof n);
    (void)r; /* nothing to read is as good as read */
}

struct snapshot *mailbox_snapshot(struct mailbox *m)
{
    return snapshot_box_get(m->box);
}

void mailbox_publish_take(struct mailbox *m, struct snapshot *s)
{
    snapshot_box_publish_take(m->box, s);
    tell(m);
}

void mailbox_beat(struct mailbox *m)
{
    atomic_store_explicit(&m->beat_ms, now_ms(), memory_order_relaxed);
}

int64_t mailbox_heartbeat_ms(const struct mailbox *m)
{
    return atomic_load_explicit(&m->beat_ms, memory_order_relaxed);
}
