/*
 * Sessions and their streams. Console thread; never waits: what the other side does not take is
 * kept up to a limit. A guest's bytes go nowhere but into its emulator.
 */
#include "tui/shell.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/model/stream.h"
#include "tui/frame.h"
#include "tui/page.h"
#include "tui/requests.h"
#include "tui/shell_private.h"
#include "widgets/pane.h"
#include "widgets/xmem.h"

enum { OUT_MAX = 64 * 1024, FRAMES_A_TURN = 16 };

const char *const shell_state_names[SHELL_STATE_COUNT] = {"opening", "open", "ended"};

struct shells *shells_new(void)
{
    struct shells *all = xmem_new(1, sizeof *all);

    all->next_id = 1;
    return all;
}

static void session_free(struct shell *s)
{
    if (s->fd >= 0)
        close(s->fd);
    pane_free(s->pane);
    free(s->out);
    free(s);
}

void shells_free(struct console *c)
{
    for (size_t i = 0; i < c->shells->n; i++)
        session_free(c->shells->at[i]);
    free(c->shells);
    c->shells = NULL;
}

unsigned shells_count(const struct console *c)
{
    unsigned n = 0;

    for (size_t i = 0; i < c->shells->n; i++)
        n += c->shells->at[i]->state != SHELL_ENDED;
    return n;
}

size_t shells_all(const struct console *c)
{
    return c->shells->n;
}

const struct shell *shells_at(const struct console *c, size_t i)
{
    return i < c->shells->n ? c->shells->at[i] : NULL;
}

/* The size that a guest gets: the whole screen but header, tabs and keys. */
void shells_size(const struct console *c, int *ret_rows, int *ret_cols)
{
    const struct shell *s = shell_shown(c) ? shell_shown(c) : c->shells->n ? c->shells->at[0] : NULL;

    if (frame_is_small(c) && s) {
        *ret_rows = s->rows;
        *ret_cols = s->cols;
        return;
    }
    *ret_rows = c->shells->zoomed ? c->rows : c->rows - 3;
    *ret_cols = c->cols;
}

struct shell *shell_shown(const struct console *c)
{
    return c->shells->shown < c->shells->n ? c->shells->at[c->shells->shown] : NULL;
}

bool shell_is_visible(const struct console *c, const struct shell *s)
{
    return shell_is_open(c) && shell_shown(c) == s && !frame_is_small(c);
}

void shell_format_name(const struct console *c, const struct shell *s, char *buf, size_t cap)
{
    size_t i = 0;

    while (i < c->shells->n && c->shells->at[i] != s)
        i++;
    snprintf(buf, cap, "%zu %s %s", i + 1, s->vm, s->serial ? "serial" : "ssh");
}

void shell_name(const struct console *c, char *buf, size_t cap)
{
    const struct shell *s = shell_shown(c);

    buf[0] = '\0';
    if (s)
        shell_format_name(c, s, buf, cap);
}

static void end(struct shell *s, const char *text)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->state = SHELL_ENDED;
    if (text && !s->text[0])
        xmem_copy_text(s->text, sizeof s->text, text);
    s->c_b->dirty = true;
}

static void flush(struct shell *s)
{
    size_t n;

    while (s->n_out > 0 && s->fd >= 0) {
        n = s->n_out < STREAM_DATA_MAX ? s->n_out : STREAM_DATA_MAX;
        int r = stream_send(s->fd, STREAM_IN, s->out, n);
        if (r == -EAGAIN)
            return;
        if (r < 0) {
            s->n_out = 0;
            return; /* its end is read from the other direction */
        }
        s->n_out -= n;
        memmove(s->out, s->out + n, s->n_out);
    }
}

void shell_send(struct shell *s, const char *bytes, size_t len)
{
    if (s->state == SHELL_ENDED)
        return;
    if (s->n_out + len > OUT_MAX) {
        console_say(s->c_b, "%s does not read: %zu bytes were not sent", s->vm, len);
        return;
    }
    if (!s->out)
        s->out = xmem_new(OUT_MAX, 1);
    memcpy(s->out + s->n_out, bytes, len);
    s->n_out += len;
    flush(s);
}

static void from_pane(void *ctx, const char *bytes, size_t len)
{
    shell_send(ctx, bytes, len);
}

static void opened(struct console *c, void *owner, struct reply *r)
{
    struct shell *s = owner;

    if (r->code < 0 || r->fd < 0) {
        xmem_copy_text(s->text, sizeof s->text, r->text[0] ? r->text : "the engine gave no stream");
        end(s, NULL);
        return;
    }
    s->fd = r->fd;
    r->fd = -1;
    s->state = SHELL_OPEN;
    s->since_ms = c->now_ms;
    stream_send_size(s->fd, (uint16_t)s->cols, (uint16_t)s->rows);
    flush(s);
}

void shell_open(struct console *c, const char *vm, bool serial)
{
    struct shells *all = c->shells;
    struct shell *s;
    json_t *args;

    if (all->n == SHELLS_MAX) {
        console_say(c, "%d sessions are open: close one first", SHELLS_MAX);
        return;
    }
    s = xmem_new(1, sizeof *s);
    s->id = all->next_id++;
    s->fd = -1;
    s->serial = serial;
    s->c_b = c;
    s->since_ms = c->now_ms;
    xmem_copy_text(s->vm, sizeof s->vm, vm);
    all->zoomed = false;
    s->rows = c->rows - 3 < 1 ? 21 : c->rows - 3;
    s->cols = c->cols;
    s->pane = pane_new(s->rows, s->cols, from_pane, s);
    all->at[all->n++] = s;
    all->shown = all->n - 1;
    args = serial ? json_pack("{s:s}", "name", vm)
                  : json_pack("{s:s, s:i, s:i}", "name", vm, "cols", s->cols, "rows", s->rows);
    if (!request_send(c, serial ? "vm.serial" : "vm.shell", args, opened, s))
        end(s, "the engine did not take the request");
    shell_page_open(c);
}

void shell_remove(struct console *c, struct shell *s)
{
    struct shells *all = c->shells;
    size_t i = 0;

    while (i < all->n && all->at[i] != s)
        i++;
    if (i == all->n)
        return;
    request_forget(c, s);
    session_free(s);
    memmove(&all->at[i], &all->at[i + 1], (all->n - i - 1) * sizeof all->at[0]);
    all->n--;
    if (all->shown > i || (all->shown == all->n && all->shown > 0))
        all->shown--;
    if (all->n == 0 && shell_is_open(c))
        console_pop_page(c);
}

void shell_close_named(struct console *c, const char *name)
{
    char have[64];

    for (size_t i = 0; i < c->shells->n; i++) {
        shell_format_name(c, c->shells->at[i], have, sizeof have);
        if (strcmp(have, name) == 0) {
            shell_remove(c, c->shells->at[i]);
            return;
        }
    }
}

void shell_seen(struct shell *s)
{
    s->unseen = 0;
    s->bell = false;
}

static void take_exit(struct shell *s, const struct stream_frame *f)
{
    struct stream_exit x;

    if (!stream_exit_of(f, &x) || s->text[0])
        return;
    if (x.has_status)
        snprintf(s->text, sizeof s->text, "ended with status %u", x.status);
    else if (x.signal[0])
        snprintf(s->text, sizeof s->text, "ended by signal %s", x.signal);
}

static void take_frame(struct shell *s, const struct stream_frame *f)
{
    char text[STREAM_TEXT_MAX];

    switch (f->type) {
    case STREAM_OUT:
    case STREAM_ERR:
        s->text[0] = '\0';
        pane_feed(s->pane, (const char *)f->bytes, f->len);
        return;
    case STREAM_MESSAGE:
    case STREAM_STAGE:
        if (stream_text_of(f, text))
            snprintf(s->text, sizeof s->text, "%.*s", (int)sizeof s->text - 1, text);
        s->c_b->dirty = true;
        return;
    case STREAM_EXIT:
        take_exit(s, f);
        return;
    case STREAM_IN:
    case STREAM_SIZE:
    case STREAM_END:
        return; /* not for us */
    }
}

/* Bounded, so that a guest that floods cannot starve the keys. */
static void receive(struct console *c, struct shell *s)
{
    struct stream_frame f;
    int r = 0;

    for (int i = 0; i < FRAMES_A_TURN && s->fd >= 0; i++) {
        r = stream_recv(s->fd, &f);
        if (r == -EBADMSG)
            continue;
        if (r < 0)
            break;
        take_frame(s, &f);
    }
    if (r < 0 && r != -EAGAIN && r != -EBADMSG)
        end(s, "ended");
    bool visible = shell_is_visible(c, s);
    uint64_t lines = pane_take_lines(s->pane);
    if (pane_take_bells(s->pane) && !visible)
        s->bell = true;
    if (!visible)
        s->unseen += lines;
    c->dirty = c->dirty || pane_is_dirty(s->pane) || (!visible && lines);
}

size_t shells_poll(const struct console *c, struct pollfd *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < c->shells->n && n < cap; i++) {
        const struct shell *s = c->shells->at[i];
        if (s->fd >= 0)
            out[n++] = (struct pollfd){s->fd, (short)(POLLIN | (s->n_out ? POLLOUT : 0)), 0};
    }
    return n;
}

void shells_ready(struct console *c, const struct pollfd *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!fds[i].revents)
            continue;
        for (size_t k = 0; k < c->shells->n; k++) {
            struct shell *s = c->shells->at[k];
            if (s->fd != fds[i].fd)
                continue;
            if (fds[i].revents & POLLOUT)
                flush(s);
            if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
                receive(c, s);
            break;
        }
    }
}

/* Guests are told of a new size a moment after the last change, and never one of a window that is
 * too small: a passing resize harms no vi. */
void shells_turn(struct console *c)
{
    int rows, cols;

    if (frame_is_small(c))
        return;
    shells_size(c, &rows, &cols);
    for (size_t i = 0; i < c->shells->n; i++) {
        struct shell *s = c->shells->at[i];
        if (s->rows == rows && s->cols == cols) {
            s->size_due_ms = 0;
            continue;
        }
        if (s->size_due_ms == 0)
            s->size_due_ms = c->now_ms + SHELL_SIZE_MS;
        if (c->now_ms < s->size_due_ms)
            continue;
        s->size_due_ms = 0;
        s->rows = rows;
        s->cols = cols;
        pane_resize(s->pane, rows, cols);
        if (s->fd >= 0)
            stream_send_size(s->fd, (uint16_t)cols, (uint16_t)rows);
        c->dirty = true;
    }
}

int shells_wait_ms(const struct console *c)
{
    int wait = -1;

    for (size_t i = 0; i < c->shells->n; i++) {
        const struct shell *s = c->shells->at[i];
        if (!s->size_due_ms)
            continue;
        int64_t due = s->size_due_ms - c->now_ms;
        int w = due < 1 ? 1 : (int)due;
        if (wait < 0 || w < wait)
            wait = w;
    }
    return wait;
}
