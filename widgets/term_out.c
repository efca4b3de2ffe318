/*
 * The one way out to the terminal: a queue that is written without blocking. Owned by the
 * terminal's thread. Curses itself writes to a file in memory, so a frame is one piece, counted to
 * the byte, and a terminal that does not read never holds the console up.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "widgets/term_priv.h"
#include "widgets/xmem.h"

enum { OUT_MAX = 16 * 1024 * 1024, PIECE = 512 };

static const char sync_on[] = "\033[?2026h", sync_off[] = "\033[?2026l";

static void queue(struct term *t, const char *bytes, size_t n)
{
    if (t->gone || t->out_len - t->out_at + n > OUT_MAX)
        return;
    if (t->out_at > 0) {
        memmove(t->out, t->out + t->out_at, t->out_len - t->out_at);
        t->out_len -= t->out_at;
        t->out_at = 0;
    }
    t->out = xmem_grow(t->out, &t->out_cap, t->out_len + n, 1);
    memcpy(t->out + t->out_len, bytes, n);
    t->out_len += n;
}

void term_out_add(struct term *t, const char *bytes, size_t n)
{
    queue(t, bytes, n);
    term_flush(t);
}

bool term_has_output(const struct term *t)
{
    return t->out_at < t->out_len;
}

static bool is_writable(const struct term *t, int wait_ms)
{
    struct pollfd p = {.fd = t->write_fd, .events = POLLOUT};

    return poll(&p, 1, wait_ms) == 1 && (p.revents & POLLOUT);
}

void term_flush(struct term *t)
{
    while (term_has_output(t) && !t->gone) {
        size_t n = t->out_len - t->out_at;
        if (t->may_block) {
            if (!is_writable(t, 0))
                return;
            n = n < PIECE ? n : PIECE;
        }
        ssize_t put = write(t->write_fd, t->out + t->out_at, n);
        if (put > 0) {
            t->out_at += (size_t)put;
            t->bytes += (size_t)put;
        } else if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        } else if (put == 0 || errno != EINTR) {
            t->gone = true;
        }
    }
    t->out_at = t->out_len = 0;
}

void term_out_finish(struct term *t, int limit_ms)
{
    term_flush(t);
    for (int spent = 0; term_has_output(t) && !t->gone && spent < limit_ms; spent += 50) {
        is_writable(t, 50);
        term_flush(t);
    }
    t->out_at = t->out_len = 0;
}

size_t term_out_take_curses(struct term *t)
{
    int fd = fileno(t->mem);
    char buf[16384];
    off_t at = 0;
    ssize_t n;

    fflush(t->mem);
    while ((n = pread(fd, buf, sizeof buf, at)) > 0) {
        if (at == 0 && t->sync)
            queue(t, sync_on, sizeof sync_on - 1);
        queue(t, buf, (size_t)n);
        at += n;
    }
    if (at > 0 && t->sync)
        queue(t, sync_off, sizeof sync_off - 1);
    if (at > 0 && (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0))
        abort(); /* a file in memory: cannot fail while it is open */
    return (size_t)at;
}

int term_copy(struct term *t, const char *text, size_t len)
{
    static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bool tmux = getenv("TMUX") != NULL, screen = getenv("STY") != NULL && !tmux;
    size_t at = 0;

    if (len > TERM_COPY_MAX)
        return -E2BIG;
    char *osc = xmem_new(len / 3 * 4 + 32, 1);
    memcpy(osc, "\033]52;c;", 7);
    at = 7;
    for (size_t i = 0; i < len; i += 3) {
        unsigned v = (unsigned)(unsigned char)text[i] << 16;
        if (i + 1 < len)
            v |= (unsigned)(unsigned char)text[i + 1] << 8;
        if (i + 2 < len)
            v |= (unsigned char)text[i + 2];
        osc[at++] = b64[v >> 18 & 63];
        osc[at++] = b64[v >> 12 & 63];
        osc[at++] = i + 1 < len ? b64[v >> 6 & 63] : '=';
        osc[at++] = i + 2 < len ? b64[v & 63] : '=';
    }
    osc[at++] = '\a';
    if (tmux) { /* tmux takes one of the two, by its own settings */
        queue(t, "\033Ptmux;\033", 8);
        queue(t, osc, at);
        queue(t, "\033\\", 2);
    }
    for (size_t i = 0; screen && i < at; i += PIECE) {
        queue(t, "\033P", 2);
        queue(t, osc + i, at - i < PIECE ? at - i : PIECE);
        queue(t, "\033\\", 2);
    }
    if (!screen)
        queue(t, osc, at);
    free(osc);
    term_flush(t);
    return 0;
}

void term_bell(struct term *t)
{
    term_out_add(t, "\a", 1);
}

uint64_t term_get_bytes(const struct term *t)
{
    return t->bytes;
}
