/*
 * Streams of the demo: a shell, a serial line or one command of a guest that does not exist, which
 * every one of them says first. Reads what is typed as hostile as any. Demo thread; never waits.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/stream.h"
#include "backend/model/text.h"

enum { SAY_MAX = 16384 };

void demo_say(struct demo_text *t, const char *fmt, ...)
{
    va_list ap;

    if (t->len >= t->cap)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(t->s + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    t->len = n < 0 ? t->len : (size_t)n >= t->cap - t->len ? t->cap - 1 : t->len + (size_t)n;
}

/* With "\r\n" where there is "\n", as a terminal wants it. */
static void send_text(int fd, enum stream_type type, const char *s, size_t len, bool terminal)
{
    char *out = malloc(len * 2 + 1);
    size_t n = 0;

    if (!out)
        return;
    for (size_t i = 0; i < len; i++) {
        if (terminal && s[i] == '\n')
            out[n++] = '\r';
        out[n++] = s[i];
    }
    for (size_t at = 0; at < n; at += STREAM_DATA_MAX) {
        size_t part = n - at < STREAM_DATA_MAX ? n - at : STREAM_DATA_MAX;
        if (stream_send(fd, type, out + at, part) < 0)
            break; /* a viewer that does not read loses output of a demo */
    }
    free(out);
}

static void prompt(struct demo_text *t, const struct demo_shell *s)
{
    demo_say(t, "%s:~# ", s->vm);
}

static int open_pair(int fds[2], struct err *e)
{
    int r = stream_pair(fds, e);
    return r < 0 ? r : 0;
}

int demo_shell_open(struct demo *d, const struct vm_row *vm, bool serial, struct err *e)
{
    struct demo_shell *s = NULL;
    char buf[1024];
    struct demo_text t = {buf, 0, sizeof buf};
    int fds[2];

    for (unsigned i = 0; i < DEMO_SHELLS && !s; i++)
        s = d->shells[i].fd < 0 ? &d->shells[i] : NULL;
    if (!s)
        return err_set(e, ERR_AREA_SSH, -EUSERS, "%d simulated shells are open: close one",
                       DEMO_SHELLS);
    int r = open_pair(fds, e);
    if (r < 0)
        return r;
    memset(s, 0, sizeof *s);
    s->fd = fds[0];
    s->serial = serial;
    str_copy(s->vm, sizeof s->vm, vm->name);
    demo_say(&t, "This %s is simulated: no guest runs behind it. `help` lists what it knows.\n",
             serial ? "serial line" : "shell");
    if (serial) {
        json_t *lines = demo_vm_serial(d, vm, 8), *line;
        size_t i;
        json_array_foreach(lines, i, line) demo_say(&t, "%s\n", json_string_value(line));
        json_decref(lines);
    }
    prompt(&t, s);
    send_text(s->fd, STREAM_OUT, buf, t.len, true);
    return fds[1];
}

void demo_shell_close(struct demo_shell *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static void run_line(struct demo *d, struct demo_shell *s, struct demo_text *t)
{
    const struct vm_row *vm = demo_vm(d, s->vm);
    struct stream_exit x = {.has_status = true};

    s->line[s->len] = '\0';
    s->len = 0;
    demo_say(t, "\n");
    bool leaves = !vm || strcmp(s->line, "exit") == 0 || strcmp(s->line, "logout") == 0;
    if (!vm)
        demo_say(t, "%s is gone\n", s->vm);
    if (!leaves || s->serial) {
        if (!leaves)
            (void)demo_command(d, vm, s->line, t); /* a shell shows no status */
        prompt(t, s);
        return;
    }
    send_text(s->fd, STREAM_OUT, t->s, t->len, true);
    (void)stream_send_exit(s->fd, &x); /* closing says as much */
    t->len = 0;
    demo_shell_close(s);
}

static void one_byte(struct demo *d, struct demo_shell *s, unsigned char c, struct demo_text *t)
{
    if (s->escape == 1) {
        s->escape = c == '[' || c == 'O' ? 2 : 0;
    } else if (s->escape == 2) {
        s->escape = c >= 0x40 && c <= 0x7e ? 0 : 2;
    } else if (c == 0x1b) {
        s->escape = 1;
    } else if (c == '\r' || c == '\n') {
        run_line(d, s, t);
    } else if (c == 0x7f || c == 8) {
        if (s->len > 0) {
            s->len--;
            demo_say(t, "\b \b");
        }
    } else if (c == 3) {
        s->len = 0;
        demo_say(t, "^C\n");
        prompt(t, s);
    } else if (c == 4 && s->len == 0) {
        str_copy(s->line, sizeof s->line, "exit");
        s->len = 4;
        run_line(d, s, t);
    } else if (c >= 0x20 && s->len < sizeof s->line - 1) {
        s->line[s->len++] = (char)c;
        demo_say(t, "%c", c);
    }
}

void demo_shell_read(struct demo *d, struct demo_shell *s)
{
    struct stream_frame *f = malloc(sizeof *f);
    char *buf = malloc(SAY_MAX);
    struct demo_text t = {buf, 0, SAY_MAX};
    int r = f && buf ? 0 : -ENOMEM;

    while (r == 0 && s->fd >= 0) {
        r = stream_recv(s->fd, f);
        if (r == -EBADMSG) {
            r = 0;
            continue;
        }
        for (size_t i = 0; r == 0 && f->type == STREAM_IN && i < f->len && s->fd >= 0; i++)
            one_byte(d, s, f->bytes[i], &t);
    }
    if (s->fd >= 0 && t.len > 0)
        send_text(s->fd, STREAM_OUT, buf, t.len, true);
    if (r == -EPIPE || r == -ENOMEM)
        demo_shell_close(s);
    free(f);
    free(buf);
}

int demo_exec_open(struct demo *d, const struct vm_row *vm, const json_t *argv, struct err *e)
{
    char line[512] = "", *buf = malloc(SAY_MAX);
    struct demo_text t = {buf, 0, SAY_MAX};
    struct stream_exit x = {.has_status = true};
    size_t i, len = 0;
    json_t *word;
    int fds[2];

    if (!buf)
        return err_set(e, ERR_AREA_SSH, -ENOMEM, "out of memory");
    int r = open_pair(fds, e);
    if (r < 0) {
        free(buf);
        return r;
    }
    json_array_foreach(argv, i, word)
        str_add(line, sizeof line, &len, "%s%s", i ? " " : "", json_string_value(word));
    int status = demo_command(d, vm, line, &t);
    x.has_status = true;
    x.status = (uint32_t)status;
    bool failed = status != 0;
    if (t.len > 0)
        send_text(fds[0], failed ? STREAM_ERR : STREAM_OUT, buf, t.len, false);
    (void)stream_send_exit(fds[0], &x); /* the closed stream says as much */
    close(fds[0]);
    free(buf);
    return fds[1];
}
