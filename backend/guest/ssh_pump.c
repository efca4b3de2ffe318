/*
 * The worker's loop once the channel is open. libssh may hold data that it has already read from
 * the socket, so each turn reads until there is none before it waits. It never asks the library for
 * more while the viewer has not taken what there is, and never writes more than the guest's window.
 */
#include "backend/guest/ssh_pump.h"

#include <errno.h>
#include <libssh/server.h> /* for ssh_send_keepalive, which is the client's too */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "backend/model/text.h"

enum {
    RESIZE_EVERY_MS = 100,
    FRAMES_A_TURN = 32, /* then input has its turn, so that a flood cannot hold Ctrl-C back */
};

static long long now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_exit_status(ssh_session s, ssh_channel c, int status, void *arg)
{
    struct pump *p = arg;
    (void)s, (void)c;
    p->exit_known = true;
    p->exit = (struct stream_exit){.has_status = true, .status = (uint32_t)status};
}

static void on_exit_signal(ssh_session s, ssh_channel c, const char *signal, int core,
                           const char *text, const char *lang, void *arg)
{
    struct pump *p = arg;
    (void)s, (void)c, (void)core, (void)text, (void)lang;
    p->exit_known = true;
    p->exit = (struct stream_exit){0};
    (void)text_clean(p->exit.signal, sizeof p->exit.signal, signal, strlen(signal));
}

static void on_close(ssh_session s, ssh_channel c, void *arg)
{
    struct pump *p = arg;
    (void)s, (void)c;
    p->remote_closed = true;
}

void pump_init(struct pump *p, ssh_session session, ssh_channel channel, int stream, int control,
               unsigned keepalive_ms)
{
    memset(p, 0, sizeof *p);
    p->session = session;
    p->channel = channel;
    p->stream = stream;
    p->control = control;
    p->keepalive_ms = keepalive_ms;
    p->callbacks.userdata = p;
    p->callbacks.channel_exit_status_function = on_exit_status;
    p->callbacks.channel_exit_signal_function = on_exit_signal;
    p->callbacks.channel_close_function = on_close;
    ssh_callbacks_init(&p->callbacks);
    (void)ssh_set_channel_callbacks(channel, &p->callbacks); /* fails on NULL only */
}

/* Gives the waiting frame to the viewer; false while it does not take it. */
static bool out_send(struct pump *p)
{
    if (p->out.len == 0)
        return true;
    int r = stream_send(p->stream, p->out.type, p->out.bytes, p->out.len);
    if (r == -EAGAIN)
        return false;
    p->left = p->left || r != 0;
    p->out.len = 0;
    return true;
}

/* One frame's worth of one of the two flows; false when there is none now. */
static bool out_read(struct pump *p, enum stream_type type)
{
    int n = ssh_channel_read_nonblocking(p->channel, p->out.bytes, sizeof p->out.bytes,
                                         type == STREAM_ERR);
    if (n <= 0)
        return false;
    p->out.type = type;
    p->out.len = (size_t)n;
    return true;
}

/* True when frames were moved and more may be there. Reading takes packets off the socket only until
 * the guest's end of file: what comes after it (status, close) needs the second call. */
static bool output(struct pump *p)
{
    bool looked = false;

    for (int i = 0; i < FRAMES_A_TURN; i++) {
        if (!out_send(p) || p->left)
            return false;
        if (out_read(p, i % 2 ? STREAM_ERR : STREAM_OUT) ||
            out_read(p, i % 2 ? STREAM_OUT : STREAM_ERR))
            continue;
        if (looked)
            return false;
        looked = true;
        (void)ssh_event_dopoll(p->event, 0); /* an error shows as a session no longer connected */
    }
    return true;
}

/* Takes what the viewer sent, up to one frame of input. */
static void input_take(struct pump *p)
{
    while (p->in_at == p->in.len && !p->in_ended) {
        p->in.len = p->in_at = 0;
        int r = stream_recv(p->stream, &p->in);
        if (r == -EAGAIN)
            return;
        if (r != 0 && r != -EBADMSG) {
            p->left = true;
            return;
        }
        if (r == 0 && p->in.type == STREAM_IN)
            continue; /* in_at is behind in.len: the loop ends */
        if (r == 0 && p->in.type == STREAM_END)
            p->in_ended = true;
        if (r == 0 && stream_size_of(&p->in, &p->cols, &p->rows))
            p->size_wanted = true;
        p->in.len = 0; /* the rest is not for us */
    }
}

static bool can_write(const struct pump *p)
{
    return (ssh_get_poll_flags(p->session) & SSH_WRITE_PENDING) == 0;
}

/* True when something was written. */
static bool input(struct pump *p)
{
    bool wrote = false;

    input_take(p);
    if (p->in_at < p->in.len && can_write(p)) {
        size_t n = p->in.len - p->in_at, window = ssh_channel_window_size(p->channel);
        if (n > window)
            n = window;
        int done = n == 0 ? 0
                          : ssh_channel_write(p->channel, p->in.bytes + p->in_at, (uint32_t)n);
        if (done > 0) {
            p->in_at += (size_t)done;
            p->alive_ms = now_ms();
            wrote = true;
        }
    }
    if (p->in_ended && p->in_at == p->in.len && !p->in_end_sent) {
        p->in_end_sent = true;
        (void)ssh_channel_send_eof(p->channel); /* a lost connection shows elsewhere */
    }
    return wrote;
}

/* Sends what is due by the clock; returns how long the next may wait, -1 for ever. */
static int timers(struct pump *p)
{
    long long now = now_ms(), wait = -1;

    if (p->size_wanted) {
        wait = p->size_sent_ms + RESIZE_EVERY_MS - now;
        if (wait <= 0) {
            (void)ssh_channel_change_pty_size(p->channel, p->cols, p->rows);
            p->size_wanted = false;
            p->size_sent_ms = now;
            wait = -1;
        }
    }
    if (p->keepalive_ms) {
        if (p->alive_ms == 0)
            p->alive_ms = now;
        if (now - p->alive_ms >= p->keepalive_ms) {
            if (can_write(p))
                (void)ssh_send_keepalive(p->session);
            p->alive_ms = now;
        }
        long long left = p->alive_ms + p->keepalive_ms - now;
        if (wait < 0 || left < wait)
            wait = left;
    }
    return (int)wait;
}

static void wait_for_more(struct pump *p, int timeout_ms)
{
    short want_ssh = can_write(p) ? 0 : POLLOUT;
    struct pollfd fds[3] = {
        {.fd = p->stream},
        {.fd = p->control},
        {.fd = ssh_get_fd(p->session)},
    };

    if (p->out.len)
        fds[0].events = POLLOUT;
    else
        want_ssh |= POLLIN;
    if (p->in_at == p->in.len && !p->in_ended)
        fds[0].events |= POLLIN;
    fds[2].events = want_ssh;
    if (want_ssh == 0)
        fds[2].fd = -1; /* a closed connection would wake us again and again */
    (void)poll(fds, 3, timeout_ms);
    if ((fds[0].revents & (POLLHUP | POLLERR)) && !(fds[0].revents & POLLIN))
        p->left = true;
    if (fds[1].revents)
        p->left = true;
}

static bool is_over(const struct pump *p)
{
    return p->remote_closed || !ssh_is_connected(p->session);
}

enum pump_end pump_run(struct pump *p)
{
    p->event = ssh_event_new();
    if (!p->event || ssh_event_add_session(p->event, p->session) != SSH_OK)
        return PUMP_LOST;
    ssh_set_blocking(p->session, 0);
    while (!p->left) {
        /* looked at before the reading: writing takes packets off the socket too, the last ones and
         * the close among them, which are then read in another turn */
        bool ended = is_over(p), more = output(p);
        more = input(p) || more;
        int wait_ms = timers(p);
        if (ended && !more && p->out.len == 0)
            return p->remote_closed || p->exit_known ? PUMP_CLOSED : PUMP_LOST;
        wait_for_more(p, more || (is_over(p) && p->out.len == 0) ? 0 : wait_ms);
    }
    return PUMP_LEFT;
}
