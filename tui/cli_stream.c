/*
 * vm exec, shell and serial: bytes between this terminal and a guest's stream. What comes from a
 * guest goes to the terminal as it is, as ssh does it, since it is a terminal that was asked for.
 * In raw mode the terminal is put back on every way out, a crash included. Main thread.
 */
#include "tui/cli_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "backend/model/text.h"

enum { LEAVE_BYTE = 0x1d, IN_MAX = 4096, PROBE_MS = 20000 }; /* C-] */

struct pump {
    int fd, signal_fd;
    bool terminal; /* raw, and C-] leaves */
    bool in_open, ended, left;
    int died_by; /* a signal that ended us */
    struct stream_exit exit;
    char message[STREAM_TEXT_MAX];
    char in[IN_MAX];
    size_t in_len;
    struct stream_frame frame;
};

static struct termios saved_terminal;
static volatile sig_atomic_t terminal_is_raw;

static void terminal_restore(void)
{
    if (terminal_is_raw)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &saved_terminal); /* gone: nothing to put back */
    terminal_is_raw = 0;
}

static void on_crash(int number)
{
    terminal_restore();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void terminal_raw(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &saved_terminal) < 0)
        return;
    raw = saved_terminal;
    cfmakeraw(&raw);
    for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
        (void)signal(crashes[i], on_crash);
    terminal_is_raw = 1;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static bool write_all(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd w = {fd, POLLOUT, 0};
            (void)poll(&w, 1, -1);
            continue;
        }
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static void take_frame(struct pump *p)
{
    struct stream_frame *f = &p->frame;

    switch (f->type) {
    case STREAM_OUT:
        p->ended = !write_all(STDOUT_FILENO, f->bytes, f->len) || p->ended;
        break;
    case STREAM_ERR:
        (void)write_all(STDERR_FILENO, f->bytes, f->len); /* the command goes on without it */
        break;
    case STREAM_EXIT:
        p->ended = stream_exit_of(f, &p->exit) || p->ended;
        break;
    case STREAM_MESSAGE:
        (void)stream_text_of(f, p->message);
        break;
    case STREAM_STAGE:
    case STREAM_IN:
    case STREAM_SIZE:
    case STREAM_END:
        break; /* stages are of interest to the console only; the others are ours to send */
    }
}

static void read_stream(struct pump *p)
{
    int r;

    while (!p->ended && (r = stream_recv(p->fd, &p->frame)) != -EAGAIN) {
        if (r == 0)
            take_frame(p);
        else if (r != -EBADMSG)
            p->ended = true;
    }
}

static void send_size(struct pump *p)
{
    struct winsize w;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row)
        (void)stream_send_size(p->fd, w.ws_col,
                               w.ws_row); /* a lost size is sent at the next change */
}

static void read_signal(struct pump *p)
{
    struct signalfd_siginfo si;

    if (read(p->signal_fd, &si, sizeof si) != (ssize_t)sizeof si)
        return;
    if (si.ssi_signo == SIGWINCH) {
        send_size(p);
        return;
    }
    p->died_by = (int)si.ssi_signo;
    p->ended = true;
}

static void read_input(struct pump *p)
{
    ssize_t n = read(STDIN_FILENO, p->in, sizeof p->in);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        p->in_open = false;
        (void)stream_send(p->fd, STREAM_END, NULL, 0); /* a full stream ends when it is closed */
        return;
    }
    const char *leave = p->terminal ? memchr(p->in, LEAVE_BYTE, (size_t)n) : NULL;
    p->in_len = leave ? (size_t)(leave - p->in) : (size_t)n;
    p->left = leave != NULL;
}

static void send_input(struct pump *p)
{
    if (p->in_len > 0) {
        int r = stream_send(p->fd, STREAM_IN, p->in, p->in_len);
        if (r == -EAGAIN)
            return;
        p->in_len = 0;
        p->ended = r < 0 || p->ended;
    }
    p->ended = p->left || p->ended;
}

static void pump(struct pump *p)
{
    while (!p->ended) {
        short want = p->in_len > 0 ? POLLIN | POLLOUT : POLLIN;
        struct pollfd f[3] = {
            {p->fd, want, 0},
            {p->in_open && p->in_len == 0 ? STDIN_FILENO : -1, POLLIN, 0},
            {p->signal_fd, POLLIN, 0},
        };
        if (poll(f, 3, -1) < 0 && errno != EINTR)
            break;
        if (f[0].revents & (POLLIN | POLLHUP | POLLERR))
            read_stream(p);
        if (f[2].revents)
            read_signal(p);
        if (f[1].revents && !p->ended)
            read_input(p);
        if (!p->ended)
            send_input(p);
    }
}

static int signals_open(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int signal_of_name(const char *name)
{
    for (int i = 1; i < NSIG; i++) {
        const char *abbrev = sigabbrev_np(i);
        if (abbrev && strcmp(abbrev, name) == 0)
            return i;
    }
    return 0;
}

/* Exec's status: the command's own, 128 and the signal as shells have it, or ours. */
static int status_of(const struct pump *p, const char *name)
{
    int number = signal_of_name(p->exit.signal);

    if (p->died_by)
        return 128 + p->died_by;
    if (p->message[0])
        (void)cli_fail(name, p->message);
    if (p->exit.has_status)
        return (int)(p->exit.status & 255);
    if (number > 0)
        return 128 + number;
    if (!p->message[0])
        (void)cli_fail(name, "the session ended without telling how");
    return CLI_OURS;
}

static int run(struct cli *c, const char *verb, json_t *args, bool terminal)
{
    struct pump *p = calloc(1, sizeof *p);
    const char *name = c->given.operands[0];
    struct reply r;

    if (!p) {
        json_decref(args);
        (void)cli_fail(name, "out of memory");
        return CLI_OURS;
    }
    if (!cli_ask(c, verb, args, &r)) {
        free(p);
        return CLI_OURS;
    }
    p->fd = r.fd;
    p->in_open = true;
    p->terminal = terminal && isatty(STDIN_FILENO);
    p->signal_fd = signals_open();
    if (p->fd < 0)
        (void)cli_fail(name, "the engine gave no stream for it");
    else if (p->terminal)
        (void)fprintf(stderr, "C-] leaves %s\n", name);
    if (p->fd >= 0 && p->terminal) {
        terminal_raw();
        send_size(p);
    }
    if (p->fd >= 0)
        pump(p);
    terminal_restore();
    int status = p->fd < 0 ? CLI_OURS : p->left ? CLI_DONE : status_of(p, name);
    if (p->signal_fd >= 0)
        close(p->signal_fd);
    reply_done(&r);
    free(p);
    return status;
}

int cli_vm_exec(struct cli *c)
{
    json_t *argv = json_array();

    for (size_t i = 1; i < c->given.n_operands; i++)
        json_array_append_new(argv, json_string(c->given.operands[i]));
    return run(c, "vm.exec", json_pack("{s:s, s:o}", "name", c->given.operands[0], "argv", argv),
               false);
}

int cli_vm_shell(struct cli *c)
{
    struct winsize w = {.ws_col = 80, .ws_row = 24};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row)
        w = (struct winsize){.ws_col = 80, .ws_row = 24};
    return run(c, "vm.shell",
               json_pack("{s:s, s:i, s:i}", "name", c->given.operands[0], "cols",
                         w.ws_col > 500 ? 500 : w.ws_col, "rows", w.ws_row > 500 ? 500 : w.ws_row),
               true);
}

int cli_vm_serial(struct cli *c)
{
    int status = run(c, "vm.serial", json_pack("{s:s}", "name", c->given.operands[0]), true);
    return status == CLI_OURS ? CLI_FAILED : status;
}

bool cli_stream_probe(struct cli *c, const char *name, char why[static STREAM_TEXT_MAX])
{
    json_t *args = json_pack("{s:s, s:[s]}", "name", name, "argv", "true");
    struct stream_frame *f = malloc(sizeof *f);
    struct stream_exit x = {.has_status = false};
    struct reply r = {.fd = -1};
    struct err e = {0};
    uint64_t id = 0;
    int code = f ? 0 : -ENOMEM;

    why[0] = '\0';
    if (engine_send(c->engine, "vm.exec", args, &id, &e) == 0 &&
        engine_wait(c->engine, id, PROBE_MS, &r, &e) == 0 && r.code < 0)
        (void)str_copy(why, STREAM_TEXT_MAX, r.text);
    while (code == 0 && r.fd >= 0 && !x.has_status) {
        struct pollfd p = {r.fd, POLLIN, 0};
        if (poll(&p, 1, PROBE_MS) <= 0)
            break;
        code = stream_recv(r.fd, f);
        if (code == 0 && f->type == STREAM_MESSAGE)
            (void)stream_text_of(f, why);
        if (code == 0 && f->type == STREAM_EXIT)
            (void)stream_exit_of(f, &x);
        code = code == -EAGAIN || code == -EBADMSG ? 0 : code;
    }
    if (!why[0] && e.text[0])
        (void)str_copy(why, STREAM_TEXT_MAX, e.text);
    free(f);
    reply_done(&r);
    return x.has_status && x.status == 0;
}
