/* Namespaces and commands for tests. Uses no shell: every command is an argument list. */
#include "tests/support/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <net/if.h>
#include <unistd.h>
#include <uv.h>

static int lo_up(void)
{
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int rc = ioctl(fd, SIOCSIFFLAGS, &r);
    close(fd);
    return rc;
}

static const char *mount_all(void)
{
    struct stat st;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 ||
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
        return "cannot mount in a namespace of its own";
    if (lstat("/var/run", &st) == 0 && S_ISDIR(st.st_mode) &&
        mount("tmpfs", "/var/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
        return "cannot mount in a namespace of its own";
    /* sysfs shows the namespace it was mounted in */
    (void)mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    return lo_up() == 0 ? NULL : "cannot set lo up";
}

/* Waits for pid, and for whatever else is ours by adoption; ends as it ended. */
static _Noreturn void end_as(pid_t pid)
{
    int status = 0;
    pid_t ended;

    while ((ended = waitpid(-1, &status, 0)) != pid)
        if (ended < 0 && errno != EINTR)
            _exit(125);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* The test goes on in a grandchild. The child between is the first process of a process namespace,
 * so that with it everything ends that the test has started, however the test ends. */
const char *netns_enter(void)
{
    const char *why;

    if (geteuid() != 0)
        return "needs root";
    if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID) != 0)
        return "this machine makes no network namespaces";
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return "cannot fork";
    if (pid > 0)
        end_as(pid);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    why = mount_all();
    pid = fork();
    if (pid > 0)
        end_as(pid);
    return pid < 0 ? "cannot fork" : why;
}

int netns_skip_all(const char *name, const char *why)
{
    printf("1..1\nok 1 - %s # SKIP %s\n", name, why);
    return 0;
}

static int netns_self(void)
{
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

int netns_make(void)
{
    int before = netns_self(), made = -1;
    if (before < 0)
        return -1;
    if (unshare(CLONE_NEWNET) == 0) {
        if (lo_up() == 0)
            made = netns_self();
        if (setns(before, CLONE_NEWNET) != 0) {
            perror("netns_make: the way back");
            abort();
        }
    }
    close(before);
    return made;
}

int netns_switch(int fd)
{
    int before = netns_self();
    if (before >= 0 && setns(fd, CLONE_NEWNET) == 0)
        return before;
    if (before >= 0)
        close(before);
    return -1;
}

void netns_back(int before)
{
    if (setns(before, CLONE_NEWNET) != 0) {
        perror("netns_back");
        abort();
    }
    close(before);
}

static void child_exec(const char *const argv[], int in, int out)
{
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
        _exit(126);
    execvp(argv[0], (char *const *)argv); /* exec does not write to them */
    perror(argv[0]);
    _exit(127);
}

/* Feeds input and reads output at once, so that neither side can wait for the other for ever. */
static void pump(int in, const char *input, int out, char *buf, size_t cap)
{
    size_t sent = 0, total = input ? strlen(input) : 0, got = 0;

    while (out >= 0 || in >= 0) {
        struct pollfd p[2] = {{in, POLLOUT, 0}, {out, POLLIN, 0}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        if (in >= 0 && p[0].revents) {
            ssize_t n = sent < total ? write(in, input + sent, total - sent) : -1;
            sent += n > 0 ? (size_t)n : 0;
            if (n < 0 || sent == total) {
                close(in);
                in = -1;
            }
        }
        if (out >= 0 && p[1].revents) {
            char rest[4096];
            bool room = got + 1 < cap;
            ssize_t n = room ? read(out, buf + got, cap - 1 - got) : read(out, rest, sizeof rest);
            if (n <= 0) {
                close(out);
                out = -1;
            } else if (room) {
                got += (size_t)n;
            }
        }
    }
    if (buf)
        buf[got] = '\0';
}

int run_io(const char *const argv[], const char *input, char *out, size_t cap)
{
    int in_pipe[2] = {-1, -1}, out_pipe[2] = {-1, -1}, status = -1;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (input)
        signal(SIGPIPE, SIG_IGN); /* a command need not read all of its input */
    if (null < 0 || (input && pipe2(in_pipe, O_CLOEXEC) != 0) ||
        (out && pipe2(out_pipe, O_CLOEXEC) != 0))
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        child_exec(argv, input ? in_pipe[0] : null, out ? out_pipe[1] : 2);
    close(null);
    if (input)
        close(in_pipe[0]);
    if (out)
        close(out_pipe[1]);
    pump(in_pipe[1], input, out_pipe[0], out, cap);
    if (pid < 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_argv(const char *const argv[])
{
    return run_io(argv, NULL, NULL, 0);
}

void run_ok_argv(const char *const argv[])
{
    int status = run_argv(argv);
    if (status == 0)
        return;
    fprintf(stderr, "status %d from:", status);
    for (size_t i = 0; argv[i]; i++)
        fprintf(stderr, " %s", argv[i]);
    fprintf(stderr, "\n");
    exit(1);
}

static void tick(uv_timer_t *t)
{
    (void)t;
}

bool loop_until(struct uv_loop_s *loop, bool (*fn)(void *), void *arg, int seconds)
{
    uv_timer_t timer;
    uint64_t end = uv_hrtime() + (uint64_t)seconds * 1000000000u;
    bool done;

    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, tick, 10, 10);
    while (!(done = fn(arg)) && uv_hrtime() < end)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    return done;
}

void loop_close(struct uv_loop_s *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    if (uv_loop_close(loop) != 0) {
        uv_print_all_handles(loop, stderr);
        abort();
    }
}
