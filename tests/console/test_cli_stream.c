/* vm shell and vm serial on a real terminal: raw while they run, left as found on every way out. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <cmocka.h>

enum { DEADLINE_MS = 20000 };

struct seat {
    pid_t pid;
    int master;
    struct termios before;
    char seen[16384];
    size_t len;
};

static void sit(struct seat *s, const char *word)
{
    const char *build = getenv("MESHDECK_BUILD");
    struct winsize w = {.ws_row = 24, .ws_col = 80};
    char path[512];
    int slave;

    memset(s, 0, sizeof *s);
    (void)snprintf(path, sizeof path, "%s/meshdeck", build ? build : "build");
    assert_int_equal(openpty(&s->master, &slave, NULL, NULL, &w), 0);
    assert_int_equal(tcgetattr(slave, &s->before), 0);
    /* Else the child holds its own terminal open and outlives a test that fails. */
    assert_int_equal(fcntl(s->master, F_SETFD, FD_CLOEXEC), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        (void)login_tty(slave);
        (void)execl(path, path, "--demo", "--nodes", "4", "--vms", "120", "--churn", "0", "vm",
                    word, "api-00018", (char *)NULL);
        _exit(126);
    }
    close(slave);
}

/* What comes behind the text stays for the next call. */
static void read_until(struct seat *s, const char *text)
{
    const char *at;

    while (!(at = strstr(s->seen, text))) {
        struct pollfd p = {s->master, POLLIN, 0};
        if (poll(&p, 1, DEADLINE_MS) != 1)
            fail_msg("no \"%s\" in: %s", text, s->seen);
        ssize_t n = read(s->master, s->seen + s->len, sizeof s->seen - 1 - s->len);
        if (n <= 0)
            fail_msg("the end, and no \"%s\" in: %s", text, s->seen);
        s->len += (size_t)n;
        s->seen[s->len] = '\0';
    }
    at += strlen(text);
    s->len -= (size_t)(at - s->seen);
    memmove(s->seen, at, s->len + 1);
}

static void type(struct seat *s, const char *bytes)
{
    assert_int_equal(write(s->master, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
}

static bool is_raw(const struct seat *s)
{
    struct termios t;

    assert_int_equal(tcgetattr(s->master, &t), 0); /* Linux: the other side's */
    return !(t.c_lflag & (ICANON | ECHO | ISIG));
}

/* The process's status; the terminal is as it was. */
static int leave(struct seat *s)
{
    struct termios t;
    int status = 0;

    assert_int_equal(tcgetattr(s->master, &t), 0);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_int_equal(tcgetattr(s->master, &t), 0);
    assert_int_equal(t.c_lflag, s->before.c_lflag);
    assert_int_equal(t.c_iflag, s->before.c_iflag);
    assert_int_equal(t.c_oflag, s->before.c_oflag);
    close(s->master);
    return status;
}

static void test_shell(void **state)
{
    static struct seat s;

    (void)state;
    sit(&s, "shell");
    read_until(&s, "C-] leaves api-00018");
    read_until(&s, "api-00018:~# ");
    assert_true(is_raw(&s));
    type(&s, "hostname\r");
    read_until(&s, "\r\napi-00018\r\n");
    struct winsize w = {.ws_row = 40, .ws_col = 120};
    assert_int_equal(ioctl(s.master, TIOCSWINSZ, &w), 0);
    type(&s, "echo still here\r");
    read_until(&s, "\r\nstill here\r\n");
    type(&s, "\003exit\r"); /* C-c is the guest's */
    int status = leave(&s);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_serial_is_left(void **state)
{
    static struct seat s;

    (void)state;
    sit(&s, "serial");
    read_until(&s, "dropbear: listening");
    read_until(&s, "~# ");
    type(&s, "\035");
    int status = leave(&s);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void ended_by(int number)
{
    static struct seat s;

    sit(&s, "shell");
    read_until(&s, "~# ");
    assert_true(is_raw(&s));
    assert_int_equal(kill(s.pid, number), 0);
    int status = leave(&s);
    if (number == SIGTERM || number == SIGHUP) {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 128 + number);
    } else {
        /* A sanitizer turns the crash into an exit; either way it has not gone well. */
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
    }
}

static void test_signals(void **state)
{
    (void)state;
    ended_by(SIGTERM);
    ended_by(SIGHUP);
}

static void test_crash(void **state)
{
    (void)state;
    ended_by(SIGABRT);
    ended_by(SIGSEGV);
}

static void test_question(void **state)
{
    const char *build = getenv("MESHDECK_BUILD");
    static struct seat s;
    char path[512];
    int slave, status;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/meshdeck", build ? build : "build");
    for (unsigned agree = 0; agree < 2; agree++) {
        memset(&s, 0, sizeof s);
        assert_int_equal(openpty(&s.master, &slave, NULL, NULL, NULL), 0);
        assert_int_equal(tcgetattr(slave, &s.before), 0);
        assert_int_equal(fcntl(s.master, F_SETFD, FD_CLOEXEC), 0);
        s.pid = fork();
        if (s.pid == 0) {
            (void)login_tty(slave);
            (void)execl(path, path, "--demo", "--nodes", "4", "--vms", "120", "--churn", "0", "vm",
                        "delete", "api-00018", (char *)NULL);
            _exit(126);
        }
        close(slave);
        read_until(&s, "lost for ever: its disk");
        read_until(&s, "Delete the VM api-00018? [y/N]");
        type(&s, agree ? "y\n" : "n\n");
        if (agree) {
            read_until(&s, "1 of 6: QEMU ends"); /* steps are shown on a terminal */
            read_until(&s, "delete api-00018  done in ");
        } else {
            read_until(&s, "nothing was done");
        }
        char rest[256];
        while (read(s.master, rest, sizeof rest) > 0)
            ;
        status = leave(&s);
        assert_int_equal(WEXITSTATUS(status), agree ? 0 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shell),    cmocka_unit_test(test_serial_is_left),
        cmocka_unit_test(test_signals),  cmocka_unit_test(test_crash),
        cmocka_unit_test(test_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
