/*
 * The parent's side of processes: preparing what the child needs, forking, watching the pidfd on
 * the loop, finding a live one again by the lock on its pid file. Engine thread. It never waits for
 * a child, and never signals by a bare pid except a child of its own that nobody has reaped.
 */
#include "backend/host/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/proc_child.h"
#include "backend/model/text.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { ENV_MAX = 16 };

struct proc {
    uv_poll_t watch;
    proc_ended_fn *ended;
    void *arg;
    char name[64];
    pid_t pid;
    int pidfd, report_fd; /* -1 once closed */
    bool child, over;     /* ours to reap; seen ended */
};

/* A child that proc_free let go of: it must be reaped all the same. Its pid cannot be given to
 * another process before that. */
struct orphan {
    struct orphan *next;
    pid_t pid;
};
static struct orphan *orphans; /* engine thread */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void orphans_reap(pid_t reaped)
{
    for (struct orphan **at = &orphans; *at;) {
        struct orphan *o = *at;
        if (o->pid == reaped || waitpid(o->pid, NULL, WNOHANG) != 0) {
            *at = o->next;
            free(o);
        } else {
            at = &o->next;
        }
    }
}

/* A limit that was hit, with its value: that is what the operator can change. */
static int limit_error(struct err *e, int code, const char *name)
{
    struct rlimit r = {0};

    if (code == -EAGAIN && getrlimit(RLIMIT_NPROC, &r) == 0)
        return err_set(e, ERR_AREA_PROC, code,
                       "starting %s: no more processes may be started (RLIMIT_NPROC is %llu)", name,
                       (unsigned long long)r.rlim_cur);
    if (code == -EMFILE && getrlimit(RLIMIT_NOFILE, &r) == 0)
        return err_set(e, ERR_AREA_PROC, code,
                       "starting %s: no more files may be open (RLIMIT_NOFILE is %llu)", name,
                       (unsigned long long)r.rlim_cur);
    return err_sys(e, ERR_AREA_PROC, code, "starting %s", name);
}

static void start_error(struct err *e, const char *name, const struct child_report *r)
{
    static const char *const steps[] = {
        [CHILD_STEP_SIGNALS] = "resetting signals",
        [CHILD_STEP_FDS] = "arranging descriptors",
        [CHILD_STEP_PID_FILE] = "writing the pid file",
        [CHILD_STEP_LOCK] = "locking the pid file",
        [CHILD_STEP_LOG] = "opening the log file",
        [CHILD_STEP_OOM] = "setting oom_score_adj",
        [CHILD_STEP_DIR] = "entering its folder",
        [CHILD_STEP_UID] = "changing to its user",
        [CHILD_STEP_CAPS] = "keeping its capabilities",
        [CHILD_STEP_EXEC] = "executing it",
    };
    _Static_assert(ARRAY_LEN(steps) == CHILD_STEP_COUNT, "one text per step");

    if (r->error == EAGAIN && r->step >= CHILD_STEP_UID)
        (void)limit_error(e, -EAGAIN, name);
    else if (r->step == CHILD_STEP_LOCK && (r->error == EAGAIN || r->error == EACCES))
        (void)err_set(e, ERR_AREA_PROC, -EBUSY, "starting %s: another one holds its pid file",
                      name);
    else
        (void)err_sys(e, ERR_AREA_PROC, -r->error, "starting %s: %s", name,
                      r->step >= 0 && r->step < CHILD_STEP_COUNT ? steps[r->step] : "preparing");
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* nothing was written through it that could be lost */
    *fd = -1;
}

static void on_watch_closed(uv_handle_t *h)
{
    struct proc *p = h->data;
    close_fd(&p->pidfd);
    free(p);
}

static void on_pidfd(uv_poll_t *watch, int status, int events)
{
    struct proc *p = watch->data;
    struct proc_end end = {.exit_code = -1};
    struct child_report report;
    siginfo_t info = {0};

    (void)status, (void)events; /* a pidfd has one thing to say; waitid tells whether it did */
    struct pollfd now = {.fd = p->pidfd, .events = POLLIN};
    if (p->over || poll(&now, 1, 0) != 1)
        return;
    p->over = true;
    (void)uv_poll_stop(&p->watch);
    if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == p->pid) {
        end.status_known = true;
        if (info.si_code == CLD_EXITED)
            end.exit_code = info.si_status;
        else
            end.signal = info.si_status;
        orphans_reap(p->pid);
    }
    if (p->report_fd >= 0 && read(p->report_fd, &report, sizeof report) == sizeof report)
        start_error(&end.start, p->name, &report);
    close_fd(&p->report_fd);
    if (p->ended)
        p->ended(p, &end, p->arg);
}

/* On failure p is gone, and with it a child that was just started. */
static int watch_start(struct uv_loop_s *loop, struct proc *p)
{
    bool made = false;

    p->watch.data = p;
    int r = uv_poll_init(loop, &p->watch, p->pidfd);
    if (r == 0) {
        made = true;
        r = uv_poll_start(&p->watch, UV_READABLE, on_pidfd);
    }
    if (r == 0)
        return 0;
    if (p->child) {
        (void)syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
        (void)waitpid(p->pid, NULL, 0);
    }
    close_fd(&p->report_fd);
    if (made)
        uv_close((uv_handle_t *)&p->watch, on_watch_closed);
    else
        on_watch_closed((uv_handle_t *)&p->watch);
    return r;
}

static int find_program(const char *name, char *buf, size_t cap, struct err *e)
{
    const char *path = getenv("PATH");

    if (strchr(name, '/')) {
        if (access(name, X_OK) != 0)
            return err_sys(e, ERR_AREA_PROC, -errno, "%s", name);
        return str_copy(buf, cap, name) ? 0 : -ENAMETOOLONG;
    }
    for (path = path && *path ? path : DEFAULT_PATH; *path;) {
        size_t n = strcspn(path, ":");
        if (path[0] == '/' && snprintf(buf, cap, "%.*s/%s", (int)n, path, name) < (int)cap &&
            access(buf, X_OK) == 0)
            return 0;
        path += n + (path[n] == ':');
    }
    return err_set(e, ERR_AREA_PROC, -ENOENT, "%s is not installed (not found in PATH)", name);
}

static int spec_check(const struct proc_spec *spec, struct err *e)
{
    if (!spec->argv || !spec->argv[0] || spec->n_fds > PROC_FDS_MAX)
        return err_set(e, ERR_AREA_PROC, -EINVAL, "a process without a program or with %zu files",
                       spec->n_fds);
    for (size_t i = 0; i < spec->n_fds; i++)
        if (spec->fds[i].to < 3 || spec->fds[i].to > 64)
            return err_set(e, ERR_AREA_PROC, -EINVAL, "descriptor %d cannot be given to %s",
                           spec->fds[i].to, spec->argv[0]);
    return 0;
}

static const char **env_new(const struct proc_spec *spec, char *path_var, size_t cap)
{
    const char *path = getenv("PATH");
    const char **env = calloc(ENV_MAX + 2, sizeof *env);

    if (!env || snprintf(path_var, cap, "PATH=%s", path && *path ? path : DEFAULT_PATH) >= (int)cap)
        return env;
    env[0] = path_var;
    for (size_t i = 0; spec->env && spec->env[i] && i < ENV_MAX; i++)
        env[i + 1] = spec->env[i];
    return env;
}

/* Forks with every signal blocked, so that no handler of ours runs in the child. */
static pid_t fork_quiet(const struct child_plan *plan)
{
    sigset_t all, before;

    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        proc_child_run(plan);
    int saved = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return pid;
}

/* Forks and takes the pidfd; on failure nothing of the child is left. */
static int launch(struct proc *p, struct child_plan *plan)
{
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return -errno;
    p->report_fd = pipe_fds[0];
    plan->report_fd = pipe_fds[1];
    plan->parent = getpid();
    p->pid = fork_quiet(plan);
    int r = p->pid < 0 ? -errno : 0;
    (void)close(pipe_fds[1]);
    if (r == 0) {
        p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
        if (p->pidfd < 0) {
            r = -errno;
            (void)kill(p->pid, SIGKILL); /* our child, not reaped: the pid is its own */
            (void)waitpid(p->pid, NULL, 0);
        }
    }
    return r;
}

int proc_start(struct uv_loop_s *loop, const struct proc_spec *spec, proc_ended_fn *ended,
               void *arg, struct proc **ret, struct err *e)
{
    char path[1024], path_var[2048];
    struct child_plan plan = {.spec = spec, .path = path};

    orphans_reap(0);
    int r = spec_check(spec, e);
    if (r != 0 || (r = find_program(spec->argv[0], path, sizeof path, e)) != 0)
        return r;
    pid_t holder = spec->pid_file ? proc_find(spec->pid_file) : 0;
    if (holder > 0)
        return err_set(e, ERR_AREA_PROC, -EBUSY, "starting %s: process %d already does this",
                       base_name(path), (int)holder);

    const char **env = env_new(spec, path_var, sizeof path_var);
    struct proc *p = calloc(1, sizeof *p);
    if (!p || !env) {
        free(p);
        free(env);
        return err_set(e, ERR_AREA_PROC, -ENOMEM, "starting %s: out of memory", base_name(path));
    }
    plan.argv = (char *const *)(uintptr_t)spec->argv; /* execve's type; it changes nothing */
    plan.env = (char *const *)(uintptr_t)env;
    p->pidfd = p->report_fd = -1;
    p->child = true;
    p->ended = ended;
    p->arg = arg;
    (void)str_copy(p->name, sizeof p->name, base_name(path));
    r = launch(p, &plan);
    free(env);
    if (r != 0) {
        close_fd(&p->report_fd);
        free(p);
        return limit_error(e, r, base_name(path));
    }
    if ((r = watch_start(loop, p)) != 0)
        return limit_error(e, r, base_name(path));
    *ret = p;
    return 0;
}

/* *ret_pid 0: nobody holds it. -EBUSY: held, but not by the process that the file names. */
static int lock_holder(const char *pid_file, pid_t *ret_pid)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st;
    char text[16] = "";

    *ret_pid = 0;
    int fd = open(pid_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int r = fstat(fd, &st) != 0 || fcntl(fd, F_GETLK, &lock) != 0 ? -errno : 0;
    if (r == 0 && (!S_ISREG(st.st_mode) || st.st_uid != geteuid()))
        r = -EPERM;
    if (r == 0 && lock.l_type != F_UNLCK) {
        ssize_t n = pread(fd, text, sizeof text - 1, 0);
        long written = n > 0 ? strtol(text, NULL, 10) : 0;
        if (lock.l_pid > 0 && written == lock.l_pid)
            *ret_pid = lock.l_pid;
        else
            r = -EBUSY;
    }
    (void)close(fd);
    return r;
}

pid_t proc_find(const char *pid_file)
{
    pid_t pid;
    return lock_holder(pid_file, &pid) == 0 ? pid : 0;
}

/* is_it is asked once the pidfd is open: before, the pid might have become a stranger's. */
int proc_adopt_known(struct uv_loop_s *loop, pid_t pid, proc_is_it_fn *is_it, const void *is_arg,
                     proc_ended_fn *ended, void *arg, struct proc **ret, struct err *e)
{
    struct proc *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(e, ERR_AREA_PROC, -ENOMEM, "adopting process %d: out of memory", (int)pid);
    p->report_fd = -1;
    p->pid = pid;
    p->ended = ended;
    p->arg = arg;
    p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int r = p->pidfd < 0 ? -errno : is_it(pid, is_arg);
    if (r != 0) {
        close_fd(&p->pidfd);
        free(p);
    } else if ((r = watch_start(loop, p)) == 0) {
        *ret = p;
        return 0;
    }
    return err_sys(e, ERR_AREA_PROC, r, "adopting process %d", (int)pid);
}

static int holds_lock(pid_t pid, const void *pid_file)
{
    pid_t holder;
    int r = lock_holder(pid_file, &holder);
    return r != 0 ? r : holder == pid ? 0 : -ESRCH;
}

int proc_adopt(struct uv_loop_s *loop, const char *pid_file, proc_ended_fn *ended, void *arg,
               struct proc **ret, struct err *e)
{
    pid_t pid;

    int r = lock_holder(pid_file, &pid);
    if (r != 0)
        return err_sys(e, ERR_AREA_PROC, r, "%s: cannot tell which process holds it", pid_file);
    if (pid == 0)
        return err_set(e, ERR_AREA_PROC, -ESRCH, "%s: no process holds it", pid_file);
    return proc_adopt_known(loop, pid, holds_lock, pid_file, ended, arg, ret, e);
}

pid_t proc_pid(const struct proc *p)
{
    return p->pid;
}

int proc_signal(struct proc *p, int signal)
{
    if (p->over)
        return -ESRCH;
    return syscall(SYS_pidfd_send_signal, p->pidfd, signal, NULL, 0) != 0 ? -errno : 0;
}

void proc_free(struct proc *p)
{
    if (!p)
        return;
    if (p->child && !p->over) {
        struct orphan *o = calloc(1, sizeof *o);
        if (o) { /* out of memory: a zombie until we end, no worse */
            *o = (struct orphan){.next = orphans, .pid = p->pid};
            orphans = o;
        }
    }
    p->ended = NULL;
    p->over = true;
    close_fd(&p->report_fd);
    uv_close((uv_handle_t *)&p->watch, on_watch_closed);
    orphans_reap(0);
}

const char *proc_end_format(const struct proc_end *end, char *buf, size_t cap)
{
    size_t len = 0;

    buf[0] = '\0';
    if (end->start.code != 0)
        (void)str_copy(buf, cap, end->start.text);
    else if (!end->status_known)
        (void)str_copy(buf, cap, "ended, cause unknown");
    else if (end->signal)
        (void)str_add(buf, cap, &len, "killed by signal %d (%s)", end->signal,
                      sigabbrev_np(end->signal) ? sigabbrev_np(end->signal) : "?");
    else
        (void)str_add(buf, cap, &len, "exit status %d", end->exit_code);
    return buf;
}

static ssize_t read_proc_file(pid_t pid, const char *name, char *buf, size_t cap)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -ESRCH;
    ssize_t n = read(fd, buf, cap - 1);
    (void)close(fd);
    if (n <= 0)
        return -ESRCH;
    buf[n] = '\0';
    return n;
}

int proc_usage(pid_t pid, unsigned long long *ret_cpu_ms, unsigned long long *ret_rss_bytes)
{
    char text[1024];
    unsigned long long user, system, pages;

    if (read_proc_file(pid, "stat", text, sizeof text) < 0)
        return -ESRCH;
    const char *rest = strrchr(text, ')'); /* the name before it may hold anything */
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                        &system) != 2)
        return -ESRCH;
    if (read_proc_file(pid, "statm", text, sizeof text) < 0 ||
        sscanf(text, "%*u %llu", &pages) != 1)
        return -ESRCH;
    *ret_cpu_ms = (user + system) * 1000ull / (unsigned long long)sysconf(_SC_CLK_TCK);
    *ret_rss_bytes = pages * (unsigned long long)sysconf(_SC_PAGESIZE);
    return 0;
}
