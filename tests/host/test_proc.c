#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/proc.h"
#include "backend/model/text.h"

static char dir[64];

struct fixture {
    uv_loop_t loop;
    struct proc *p;
    int ended;
    struct proc_end end;
};

static const char *in_dir(const char *name)
{
    static char path[4][128];
    static unsigned next;
    char *at = path[next++ % 4];
    (void)snprintf(at, sizeof path[0], "%s/%s", dir, name);
    return at;
}

static void on_ended(struct proc *p, const struct proc_end *end, void *arg)
{
    struct fixture *f = arg;
    f->ended++;
    f->end = *end;
    proc_free(p);
    f->p = NULL;
}

static void run(struct fixture *f)
{
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    assert_int_equal(f->ended, 1);
}

static int start(struct fixture *f, const struct proc_spec *spec, struct err *e)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    return proc_start(&f->loop, spec, on_ended, f, &f->p, e);
}

static void start_ok(struct fixture *f, const struct proc_spec *spec)
{
    struct err e = {0};
    if (start(f, spec, &e) != 0)
        fail_msg("%s", e.text);
}

static const char *read_text(const char *path)
{
    static char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        (void)close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void tells_code_and_signal(void **state)
{
    (void)state;
    struct fixture f;
    char why[64];

    start_ok(&f, &(struct proc_spec){.argv = ARGV("sh", "-c", "exit 3")});
    run(&f);
    assert_true(f.end.status_known);
    assert_int_equal(f.end.exit_code, 3);
    assert_string_equal(proc_end_format(&f.end, why, sizeof why), "exit status 3");

    start_ok(&f, &(struct proc_spec){.argv = ARGV("sleep", "1000")});
    assert_int_equal(proc_signal(f.p, SIGTERM), 0);
    run(&f);
    assert_int_equal(f.end.signal, SIGTERM);
    assert_string_equal(proc_end_format(&f.end, why, sizeof why), "killed by signal 15 (TERM)");
}

static void gives_what_was_named_and_no_more(void **state)
{
    (void)state;
    struct fixture f;
    const char *log = in_dir("log"), *out;
    int stray = open("/dev/null", O_RDONLY); /* a library's, without CLOEXEC */
    int here = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    assert_true(stray > 2 && here > 2);

    struct proc_spec spec = {
        .argv = ARGV("sh", "-c",
                     "ls -m /proc/$$/fd; readlink /proc/$$/fd/3; pwd; umask;"
                     "echo $EXTRA; cat /proc/$$/oom_score_adj;"
                     "exec grep -E '^(Sig(Blk|Ign)|Uid|Groups|CapEff|CapAmb|NoNewPrivs)' "
                     "/proc/self/status"),
        .env = ARGV("EXTRA=yes"),
        .log_file = log,
        .work_dir = "/usr",
        .uid = 65534,
        .gid = 65534,
        .keep_net_admin = true,
        .oom_score_adj = 321,
        .fds = {{here, 3}},
        .n_fds = 1,
    };
    struct sigaction ign = {.sa_handler = SIG_IGN};
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    assert_int_equal(sigaction(SIGPIPE, &ign, NULL), 0);
    assert_int_equal(sigprocmask(SIG_BLOCK, &block, NULL), 0);
    start_ok(&f, &spec);
    run(&f);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &block, NULL), 0);
    out = read_text(log);
    print_message("# %s", out);
    assert_non_null(strstr(out, "0, 1, 2, 3\n/etc/hostname\n/usr\n0077\nyes\n321\n"));
    assert_non_null(strstr(out, "Uid:\t65534\t65534\t65534\t65534\n"));
    assert_non_null(strstr(out, "Groups:\t \n"));
    assert_non_null(strstr(out, "SigBlk:\t0000000000000000\n"));
    assert_non_null(strstr(out, "SigIgn:\t0000000000000000\n"));
    assert_non_null(strstr(out, "CapEff:\t0000000000003400\n"));
    assert_non_null(strstr(out, "CapAmb:\t0000000000003400\n"));
    assert_non_null(strstr(out, "NoNewPrivs:\t1\n"));
    (void)close(stray);
    (void)close(here);
}

static void says_why_it_did_not_start(void **state)
{
    (void)state;
    struct fixture f;
    struct err e = {0};

    assert_int_equal(start(&f, &(struct proc_spec){.argv = ARGV("no-such-program")}, &e), -ENOENT);
    assert_non_null(strstr(e.text, "no-such-program is not installed"));
    assert_int_equal(uv_loop_close(&f.loop), 0);
    assert_int_equal(start(&f, &(struct proc_spec){.argv = ARGV("/no/such")}, &e), -ENOENT);
    assert_int_equal(uv_loop_close(&f.loop), 0);

    const char *not_program = in_dir("text");
    write_text(not_program, "\177ELF nonsense");
    assert_int_equal(chmod(not_program, 0700), 0);
    start_ok(&f, &(struct proc_spec){.argv = ARGV(not_program)});
    run(&f);
    assert_int_equal(f.end.start.code, -ENOEXEC);
    assert_non_null(strstr(f.end.start.text, "starting text: executing it: Exec format error"));

    start_ok(&f, &(struct proc_spec){.argv = ARGV("true"), .work_dir = "/no/such"});
    run(&f);
    assert_int_equal(f.end.start.code, -ENOENT);

    const char *link = in_dir("link");
    assert_int_equal(symlink("/etc/shadow", link), 0);
    start_ok(&f, &(struct proc_spec){.argv = ARGV("true"), .log_file = link});
    run(&f);
    assert_int_equal(f.end.start.code, -ELOOP);
    start_ok(&f, &(struct proc_spec){.argv = ARGV("true"), .pid_file = link});
    run(&f);
    assert_int_equal(f.end.start.code, -ELOOP);
}

static void never_starts_twice(void **state)
{
    (void)state;
    struct fixture f, g;
    struct err e = {0};
    const char *pid_file = in_dir("twice");

    struct proc_spec spec = {.argv = ARGV("sleep", "1000"), .pid_file = pid_file};
    start_ok(&f, &spec);
    for (int i = 0; i < 1000 && proc_find(pid_file) == 0; i++)
        (void)usleep(10000);
    assert_int_equal(proc_find(pid_file), proc_pid(f.p));
    assert_int_equal(start(&g, &spec, &e), -EBUSY);
    assert_non_null(strstr(e.text, "already does this"));
    assert_int_equal(uv_loop_close(&g.loop), 0);

    unsigned long long cpu, rss;
    assert_int_equal(proc_usage(proc_pid(f.p), &cpu, &rss), 0);
    assert_true(rss > 0);
    assert_int_equal(proc_signal(f.p, SIGKILL), 0);
    run(&f);
    assert_int_equal(proc_find(pid_file), 0);
}

/* In a process that dies: starts a detached one, whose lock must outlive it. */
static _Noreturn void start_and_die(const char *pid_file)
{
    struct fixture f;
    struct err e = {0};
    if (start(&f,
              &(struct proc_spec){
                  .argv = ARGV("sleep", "1000"), .pid_file = pid_file, .detached = true},
              &e) != 0)
        _exit(1);
    for (int i = 0; i < 1000 && proc_find(pid_file) == 0; i++)
        (void)usleep(10000);
    _exit(proc_find(pid_file) == proc_pid(f.p) ? 0 : 2);
}

static void adopts_after_the_parent_died(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct err e = {0};
    const char *pid_file = in_dir("adopt");
    int status;

    pid_t parent = fork();
    if (parent == 0)
        start_and_die(pid_file);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(status, 0);

    pid_t pid = proc_find(pid_file);
    assert_true(pid > 0);
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(proc_adopt(&f.loop, pid_file, on_ended, &f, &f.p, &e), 0);
    assert_int_equal(proc_pid(f.p), pid);
    assert_int_equal(getsid(pid), pid);
    assert_int_equal(proc_signal(f.p, SIGHUP), 0); /* ignored */
    assert_int_equal(proc_signal(f.p, SIGTERM), 0);
    run(&f);
    assert_false(f.end.status_known);
    char why[64];
    assert_string_equal(proc_end_format(&f.end, why, sizeof why), "ended, cause unknown");
}

static void worker_dies_with_us(void **state)
{
    (void)state;
    const char *pid_file = in_dir("worker");
    int status;

    pid_t parent = fork();
    if (parent == 0) {
        struct fixture f;
        struct err e = {0};
        struct proc_spec spec = {
            .argv = ARGV("sleep", "1000"), .pid_file = pid_file, .uid = 65534, .gid = 65534};
        if (start(&f, &spec, &e) != 0)
            _exit(1);
        for (int i = 0; i < 1000 && proc_find(pid_file) == 0; i++)
            (void)usleep(10000);
        _exit(proc_find(pid_file) > 0 ? 0 : 2);
    }
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(status, 0);
    int tries = 0;
    while (proc_find(pid_file) > 0 && tries++ < 1000)
        (void)usleep(10000);
    assert_int_equal(proc_find(pid_file), 0);
}

static void believes_no_stale_pid(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct err e = {0};
    const char *pid_file = in_dir("stale");
    char text[32];

    assert_int_equal(proc_find(in_dir("none")), 0);
    (void)snprintf(text, sizeof text, "%d\n", (int)getppid()); /* lives, holds no lock */
    write_text(pid_file, text);
    assert_int_equal(proc_find(pid_file), 0);
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(proc_adopt(&f.loop, pid_file, on_ended, &f, &f.p, &e), -ESRCH);

    int pipe_fds[2]; /* a stranger holds the lock of a file that names somebody else */
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t stranger = fork();
    if (stranger == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(pid_file, O_RDWR | O_CLOEXEC);
        if (fcntl(fd, F_SETLK, &lock) != 0 || write(pipe_fds[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(pipe_fds[0], text, 1), 1);
    assert_int_equal(proc_find(pid_file), 0);
    assert_int_equal(proc_adopt(&f.loop, pid_file, on_ended, &f, &f.p, &e), -EBUSY);
    assert_int_equal(kill(stranger, SIGKILL), 0);
    assert_int_equal(waitpid(stranger, NULL, 0), stranger);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    assert_int_equal(uv_loop_close(&f.loop), 0);
}

static void names_the_limit(void **state)
{
    (void)state;
    int status;

    pid_t child = fork();
    if (child == 0) {
        struct fixture f;
        struct err e = {0};
        struct rlimit none = {0, 0}, few = {8, 8};
        struct proc_spec spec = {.argv = ARGV("true")};
        if (uv_loop_init(&f.loop) != 0 || setrlimit(RLIMIT_NOFILE, &few) != 0)
            _exit(10);
        while (dup(0) >= 0)
            continue;
        if (proc_start(&f.loop, &spec, on_ended, &f, &f.p, &e) != -EMFILE ||
            !strstr(e.text, "RLIMIT_NOFILE is 8"))
            _exit(11);
        for (int fd = 3; fd < 8; fd++)
            (void)close(fd);
        if (setgid(65534) != 0 || setuid(65534) != 0 || setrlimit(RLIMIT_NPROC, &none) != 0)
            _exit(12);
        if (proc_start(&f.loop, &spec, on_ended, &f, &f.p, &e) != -EAGAIN ||
            !strstr(e.text, "RLIMIT_NPROC is 0"))
            _exit(13);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void free_leaves_it_running_and_no_zombie(void **state)
{
    (void)state;
    struct fixture f;
    const char *pid_file = in_dir("freed");

    start_ok(&f, &(struct proc_spec){
                     .argv = ARGV("sleep", "1000"), .pid_file = pid_file, .detached = true});
    pid_t pid = proc_pid(f.p);
    for (int i = 0; i < 1000 && proc_find(pid_file) == 0; i++)
        (void)usleep(10000);
    proc_free(f.p);
    assert_int_equal(uv_run(&f.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f.loop), 0);
    assert_int_equal(f.ended, 0);
    assert_int_equal(proc_find(pid_file), pid);
    assert_int_equal(kill(pid, SIGKILL), 0);
    for (int i = 0; i < 1000 && proc_find(pid_file) != 0; i++)
        (void)usleep(10000);
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++) { /* the next start reaps it */
        start_ok(&f, &(struct proc_spec){.argv = ARGV("true")});
        run(&f);
    }
    assert_int_equal(kill(pid, 0), -1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_code_and_signal),
        cmocka_unit_test(gives_what_was_named_and_no_more),
        cmocka_unit_test(says_why_it_did_not_start),
        cmocka_unit_test(never_starts_twice),
        cmocka_unit_test(adopts_after_the_parent_died),
        cmocka_unit_test(worker_dies_with_us),
        cmocka_unit_test(believes_no_stale_pid),
        cmocka_unit_test(names_the_limit),
        cmocka_unit_test(free_leaves_it_running_and_no_zombie),
    };
    if (geteuid() != 0) {
        puts("1..1\nok 1 - processes # SKIP needs root");
        return 0;
    }
    (void)snprintf(dir, sizeof dir, "/tmp/meshdeck-proc.XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char *const rm[] = {"rm", "-rf", dir, NULL};
    if (fork() == 0)
        execv("/bin/rm", rm);
    (void)wait(NULL);
    return failed;
}
