/* A program on a pty, seen through the terminal emulator of widgets/pane. */
#include "tests/support/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "widgets/pane.h"
#include "widgets/xmem.h"

enum { TEXT_ROOM = 512 * 1024, RAW_MAX = 8 << 20, STEP_MS = 20 };

struct screen {
    int fd, slave;
    pid_t pid;
    bool ended;
    int status;
    int rows, cols;
    struct pane *pane;
    struct canvas_grid *grid;
    char text[TEXT_ROOM], row[4096];
    char *raw;
    size_t n_raw, cap_raw, from;
    uint64_t bytes;
    struct termios before;
};

static int64_t clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void answer(void *ctx, const char *bytes, size_t len)
{
    struct screen *s = ctx;
    ssize_t n = write(s->fd, bytes, len);

    (void)n;
}

static void child(int slave, char *const argv[], const char *const env[])
{
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    dup2(slave, 0);
    dup2(slave, 1);
    dup2(slave, 2);
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TZ", "UTC", 1);
    unsetenv("NO_COLOR");
    unsetenv("SSH_CONNECTION");
    unsetenv("SSH_TTY");
    unsetenv("CMOCKA_MESSAGE_OUTPUT");
    for (; env && *env; env++) {
        const char *eq = strchr(*env, '=');
        if (!eq) {
            unsetenv(*env);
            continue;
        }
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(eq - *env), *env);
        setenv(name, eq + 1, 1);
    }
    execv(argv[0], argv);
    _exit(127);
}

struct screen *screen_start(int rows, int cols, char *const argv[], const char *const env[])
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    struct screen *s = xmem_new(1, sizeof *s);

    if (openpty(&s->fd, &s->slave, NULL, NULL, &size) < 0)
        abort();
    fcntl(s->fd, F_SETFD, FD_CLOEXEC);
    fcntl(s->slave, F_SETFD, FD_CLOEXEC);
    fcntl(s->fd, F_SETFL, O_NONBLOCK);
    tcgetattr(s->slave, &s->before);
    s->rows = rows;
    s->cols = cols;
    s->pane = pane_new(rows, cols, answer, s);
    s->grid = canvas_grid_new(rows, cols);
    s->pid = fork();
    if (s->pid < 0)
        abort();
    if (s->pid == 0)
        child(s->slave, argv, env);
    return s;
}

static void keep(struct screen *s, const char *buf, size_t n)
{
    s->bytes += n;
    if (s->n_raw + n > RAW_MAX)
        s->n_raw = s->from = 0;
    s->raw = xmem_grow(s->raw, &s->cap_raw, s->n_raw + n + 1, 1);
    memcpy(s->raw + s->n_raw, buf, n);
    s->n_raw += n;
    while (n > 0) {
        size_t took = pane_feed(s->pane, buf, n);
        buf += took;
        n -= took;
    }
}

static void pump(struct screen *s, int ms)
{
    struct pollfd p = {s->fd, POLLIN, 0};
    char buf[16384];
    ssize_t n;

    if (poll(&p, 1, ms) > 0)
        while ((n = read(s->fd, buf, sizeof buf)) > 0)
            keep(s, buf, (size_t)n);
    if (!s->ended && waitpid(s->pid, &s->status, WNOHANG) == s->pid)
        s->ended = true;
}

void screen_free(struct screen *s)
{
    if (!s)
        return;
    if (!s->ended) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, &s->status, 0);
    }
    pane_free(s->pane);
    canvas_grid_free(s->grid);
    close(s->fd);
    close(s->slave);
    free(s->raw);
    free(s);
}

void screen_type(struct screen *s, const char *bytes)
{
    size_t len = strlen(bytes);

    while (len > 0) {
        ssize_t n = write(s->fd, bytes, len);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
        pump(s, len ? STEP_MS : 0);
    }
}

void screen_resize(struct screen *s, int rows, int cols)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

    s->rows = rows;
    s->cols = cols;
    pane_resize(s->pane, rows, cols);
    canvas_grid_resize(s->grid, rows, cols);
    ioctl(s->fd, TIOCSWINSZ, &size);
}

void screen_signal(struct screen *s, int sig)
{
    kill(s->pid, sig);
}

pid_t screen_pid(const struct screen *s)
{
    return s->pid;
}

void screen_settle(struct screen *s, int ms)
{
    int64_t end = clock_ms() + ms, left;

    while ((left = end - clock_ms()) > 0)
        pump(s, (int)left);
}

static const char *dump(struct screen *s)
{
    canvas_erase(canvas_of(s->grid));
    pane_draw(s->pane, canvas_of(s->grid), true);
    canvas_grid_dump(s->grid, s->text, sizeof s->text);
    return s->text;
}

bool screen_has(struct screen *s, const char *text)
{
    return strstr(dump(s), text);
}

const char *screen_row(struct screen *s, int row)
{
    const char *p = dump(s);

    for (; row > 0 && *p; row--)
        p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n');
    snprintf(s->row, sizeof s->row, "%.*s", (int)strcspn(p, "\n"), p);
    return s->row;
}

int screen_find(struct screen *s, const char *text)
{
    for (int i = 0; i < s->rows; i++)
        if (strstr(screen_row(s, i), text))
            return i;
    return -1;
}

const struct canvas_cell *screen_cell(struct screen *s, int row, int col)
{
    dump(s);
    return canvas_grid_cell(s->grid, row, col);
}

void screen_print(struct screen *s)
{
    fprintf(stderr, "%s\n", dump(s));
}

static bool await(struct screen *s, int row, const char *text, bool there)
{
    int64_t end = clock_ms() + SCREEN_WAIT_MS;

    for (;;) {
        bool has = row < 0 ? screen_has(s, text) : strstr(screen_row(s, row), text) != NULL;
        if (has == there)
            return true;
        if (s->ended || clock_ms() > end)
            break;
        pump(s, STEP_MS);
    }
    fprintf(stderr, "waited for \"%s\"%s; the screen was:\n", text, there ? "" : " to go");
    screen_print(s);
    return false;
}

bool screen_await(struct screen *s, const char *text)
{
    return await(s, -1, text, true);
}

bool screen_await_gone(struct screen *s, const char *text)
{
    return await(s, -1, text, false);
}

bool screen_await_row(struct screen *s, int row, const char *text)
{
    return await(s, row, text, true);
}

int screen_await_end(struct screen *s)
{
    int64_t end = clock_ms() + SCREEN_WAIT_MS;

    while (!s->ended && clock_ms() < end)
        pump(s, STEP_MS);
    pump(s, 0);
    return s->ended ? s->status : -1;
}

uint64_t screen_bytes(const struct screen *s)
{
    return s->bytes;
}

bool screen_wrote(const struct screen *s, const char *bytes)
{
    return s->n_raw > s->from &&
           memmem(s->raw + s->from, s->n_raw - s->from, bytes, strlen(bytes)) != NULL;
}

static const char *last_of(const struct screen *s, const char *bytes)
{
    const char *found = NULL, *p = s->raw ? s->raw + s->from : NULL;

    while (p && (p = memmem(p, (size_t)(s->raw + s->n_raw - p), bytes, strlen(bytes))) != NULL)
        found = p++;
    return found;
}

bool screen_wrote_last(const struct screen *s, const char *bytes, const char *before)
{
    const char *a = last_of(s, bytes), *b = last_of(s, before);

    return a && (!b || a > b);
}

void screen_forget(struct screen *s)
{
    s->from = s->n_raw;
}

bool screen_is_sane(const struct screen *s)
{
    struct termios now;

    return tcgetattr(s->slave, &now) == 0 && now.c_lflag == s->before.c_lflag &&
           now.c_iflag == s->before.c_iflag && now.c_oflag == s->before.c_oflag;
}
