/*
 * The engine's end of a serial line. Engine thread. All that comes is the guest's: it is kept as
 * bytes, bounded in room and in rate, and cleaned only where it becomes text. A callback may
 * unsubscribe or free the line: what is let go is only marked and goes after the turn.
 */
#include "backend/guest/serial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/guest/serial_log.h"
#include "backend/model/text.h"
#include "backend/vmm/sock.h"

enum {
    CHUNK = 16384,
    TURN_BYTES = 65536,
    RATE_BYTES = 1 << 20, /* a second */
    REFILL_MS = 50,
    TYPED_MAX = 4096,
    LINE_MAX_BYTES = 512,
};

struct serial_sub {
    struct serial *s;
    serial_data_fn *fn;
    void *arg;
    uint64_t at, lost; /* position in the stream of all bytes */
    bool used, blocked;
};

struct conn {
    uv_poll_t poll;
    struct serial *s; /* NULL once let go */
    int fd;
};

struct serial {
    uv_loop_t *loop;
    uv_timer_t refill;
    struct serial_events events;
    void *arg;
    char *folder;
    struct conn *conn;
    struct serial_log *log;
    struct serial_sub subs[SERIAL_SUBS_MAX];
    uint64_t total;   /* bytes read in all; total % SERIAL_RING is where the next one goes */
    size_t allowance; /* bytes that may still be read before the next refill */
    size_t typed_len, line_len;
    bool freed, resting;
    char typed[TYPED_MAX], line[LINE_MAX_BYTES];
    uint8_t ring[SERIAL_RING];
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_conn_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    (void)close(c->fd); /* a socket: nothing to lose */
    free(c);
}

static void on_refill_closed(uv_handle_t *h)
{
    struct serial *s = h->data;
    free(s->folder);
    free(s);
}

static void conn_drop(struct serial *s)
{
    if (!s->conn)
        return;
    s->conn->s = NULL;
    uv_close((uv_handle_t *)&s->conn->poll, on_conn_closed);
    s->conn = NULL;
    s->typed_len = 0;
}

static void listen_again(struct serial *s)
{
    if (s->conn)
        (void)uv_poll_start(&s->conn->poll,
                            (s->resting ? 0 : UV_READABLE) | (s->typed_len ? UV_WRITABLE : 0),
                            on_poll);
}

static void offer(struct serial_sub *sub)
{
    struct serial *s = sub->s;

    while (sub->used && !sub->blocked && !s->freed && sub->at < s->total) {
        size_t from, n, taken;

        if (s->total - sub->at > SERIAL_RING) {
            sub->lost += s->total - SERIAL_RING - sub->at;
            sub->at = s->total - SERIAL_RING;
        }
        from = sub->at % SERIAL_RING;
        n = SERIAL_RING - from;
        if (n > s->total - sub->at)
            n = (size_t)(s->total - sub->at);
        taken = sub->fn(s->ring + from, n, sub->arg);
        sub->at += taken < n ? taken : n;
        if (taken < n)
            sub->blocked = true;
    }
}

static void tell_line(struct serial *s)
{
    char clean[LINE_MAX_BYTES * 3];

    (void)text_clean(clean, sizeof clean, s->line, s->line_len);
    s->line_len = 0;
    if (s->events.line)
        s->events.line(s, clean, s->arg);
}

static void take_lines(struct serial *s, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && !s->freed; i++) {
        if (bytes[i] == '\n')
            tell_line(s);
        else if (bytes[i] != '\r' && s->line_len < sizeof s->line)
            s->line[s->line_len++] = bytes[i];
    }
}

static void take(struct serial *s, const char *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        const size_t at = s->total % SERIAL_RING;
        size_t n = SERIAL_RING - at;

        if (n > len - done)
            n = len - done;
        memcpy(s->ring + at, bytes + done, n);
        s->total += n;
        done += n;
    }
    serial_log_add(s->log, bytes, len);
    take_lines(s, bytes, len);
    for (size_t i = 0; i < SERIAL_SUBS_MAX && !s->freed; i++)
        offer(&s->subs[i]);
}

static void on_refill(uv_timer_t *timer)
{
    struct serial *s = timer->data;

    s->allowance = RATE_BYTES / (1000 / REFILL_MS);
    s->resting = false;
    listen_again(s);
}

static void rest(struct serial *s)
{
    if (s->resting)
        return;
    s->resting = true;
    listen_again(s);
    (void)uv_timer_start(&s->refill, on_refill, REFILL_MS, 0);
}

static void flush_typed(struct serial *s)
{
    while (s->conn && s->typed_len > 0) {
        const ssize_t n = send(s->conn->fd, s->typed, s->typed_len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* full: when writable; broken: reading tells */
        memmove(s->typed, s->typed + n, s->typed_len - (size_t)n);
        s->typed_len -= (size_t)n;
    }
    listen_again(s);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct conn *c = poll->data;
    char chunk[CHUNK];
    size_t turn = 0;

    if (c->s && (events & UV_WRITABLE))
        flush_typed(c->s);
    while (c->s && !c->s->resting && turn < TURN_BYTES) {
        struct serial *s = c->s;
        const size_t want = s->allowance < sizeof chunk ? s->allowance : sizeof chunk;
        const ssize_t n = want ? recv(c->fd, chunk, want, 0) : 0;

        if (want == 0) {
            rest(s);
        } else if (n > 0) {
            turn += (size_t)n;
            s->allowance -= (size_t)n;
            if (!uv_is_active((const uv_handle_t *)&s->refill))
                (void)uv_timer_start(&s->refill, on_refill, REFILL_MS, 0);
            take(s, chunk, (size_t)n);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR) || status < 0) {
            conn_drop(s);
            if (s->events.closed)
                s->events.closed(s, s->arg);
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

int serial_new(struct uv_loop_s *loop, const char *folder, const struct serial_events *events,
               void *arg, struct serial **ret, struct err *e)
{
    struct serial *s = calloc(1, sizeof *s);

    if (s) {
        s->folder = strdup(folder);
        s->log = serial_log_new(loop, folder);
    }
    if (!s || !s->folder || !s->log) {
        if (s) {
            free(s->folder);
            serial_log_free(s->log);
        }
        free(s);
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "serial line");
    }
    s->loop = loop;
    if (events)
        s->events = *events;
    s->arg = arg;
    s->allowance = RATE_BYTES / (1000 / REFILL_MS);
    (void)uv_timer_init(loop, &s->refill);
    s->refill.data = s;
    *ret = s;
    return 0;
}

void serial_free(struct serial *s)
{
    if (!s || s->freed)
        return;
    s->freed = true;
    conn_drop(s);
    serial_log_free(s->log);
    uv_close((uv_handle_t *)&s->refill, on_refill_closed);
}

int serial_connect(struct serial *s, pid_t pid, struct err *e)
{
    struct conn *c;
    int fd;

    conn_drop(s);
    fd = sock_connect(s->folder, "serial.sock", pid, e);
    if (fd < 0)
        return fd;
    c = calloc(1, sizeof *c);
    if (!c || uv_poll_init(s->loop, &c->poll, fd) < 0) {
        free(c);
        (void)close(fd);
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "serial line");
    }
    c->poll.data = c;
    c->s = s;
    c->fd = fd;
    s->conn = c;
    listen_again(s);
    return 0;
}

bool serial_is_connected(const struct serial *s)
{
    return s->conn != NULL;
}

int serial_subscribe(struct serial *s, size_t replay, serial_data_fn *fn, void *arg,
                     struct serial_sub **ret, struct err *e)
{
    const uint64_t kept = s->total < SERIAL_RING ? s->total : SERIAL_RING;

    for (size_t i = 0; i < SERIAL_SUBS_MAX; i++) {
        struct serial_sub *sub = &s->subs[i];
        if (sub->used)
            continue;
        *sub = (struct serial_sub){.s = s, .fn = fn, .arg = arg, .used = true};
        sub->at = s->total - (replay < kept ? replay : kept);
        *ret = sub;
        offer(sub);
        return 0;
    }
    return err_set(e, ERR_AREA_VMM, -EBUSY, "%d others watch this serial line already",
                   SERIAL_SUBS_MAX);
}

void serial_sub_wake(struct serial_sub *sub)
{
    sub->blocked = false;
    offer(sub);
}

uint64_t serial_sub_lost(const struct serial_sub *sub)
{
    return sub->lost;
}

void serial_unsubscribe(struct serial_sub *sub)
{
    if (sub)
        sub->used = false;
}

size_t serial_write(struct serial *s, const void *bytes, size_t len)
{
    if (!s->conn)
        return 0;
    if (len > sizeof s->typed - s->typed_len)
        len = sizeof s->typed - s->typed_len;
    memcpy(s->typed + s->typed_len, bytes, len);
    s->typed_len += len;
    flush_typed(s);
    return len;
}

/* Where the last n lines of a text begin; an unfinished line counts as one. */
static size_t last_lines_at(const char *text, size_t len, size_t n)
{
    size_t at = len;

    while (at > 0 && text[at - 1] == '\n')
        at--;
    for (; at > 0; at--)
        if (text[at - 1] == '\n' && --n == 0)
            break;
    return at;
}

size_t serial_last_lines(struct serial *s, size_t n, char *buf, size_t cap)
{
    const size_t kept = s->total < SERIAL_RING ? (size_t)s->total : SERIAL_RING;
    char *text = malloc(SERIAL_RING + 1);
    size_t len = 0, out = 0;

    buf[0] = '\0';
    if (!text || n == 0) {
        free(text);
        return 0;
    }
    for (size_t i = 0; i < kept; i++) {
        const uint8_t b = s->ring[(s->total - kept + i) % SERIAL_RING];
        if (b != '\r')
            text[len++] = (char)b;
    }
    if (kept == 0)
        len = serial_log_tail(s->folder, text, SERIAL_RING + 1);
    for (size_t at = last_lines_at(text, len, n); at < len && out + 2 < cap;) {
        const char *newline = memchr(text + at, '\n', len - at);
        const size_t line = newline ? (size_t)(newline - text) - at : len - at;

        if (out > 0)
            buf[out++] = '\n';
        out += text_clean(buf + out, cap - out, text + at, line);
        at += line + 1;
    }
    free(text);
    return out;
}

uint64_t serial_bytes(const struct serial *s)
{
    return s->total;
}
