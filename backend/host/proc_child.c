/*
 * The child between fork and exec. The engine has several threads, so any lock of libc may be held
 * for ever here: only system calls and plain memory are used, and the raw calls for ids (libc's
 * would look for the threads that are gone). What fails is written to the report pipe. It never
 * returns and never touches what it shares with the parent beyond its own copies.
 */
#include "backend/host/proc_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's own layout, for the signals that libc does not let through. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static _Noreturn void child_fail(const struct child_plan *plan, enum child_step step)
{
    struct child_report r = {.step = (int)step, .error = errno};
    ssize_t n = write(plan->report_fd, &r, sizeof r);
    (void)n; /* the parent is gone or sees the exit status; nothing else can be done here */
    _exit(127);
}

static void child_signals(const struct child_plan *plan)
{
    struct sigaction act = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        (void)sigaction(s, &act, NULL); /* KILL and STOP refuse, as they should */
    /* libc keeps its own two to itself; make, for one, leaves them ignored. */
    const struct kernel_sigaction plain = {.handler = SIG_DFL};
    for (int s = 32; s < SIGRTMIN; s++)
        (void)syscall(SYS_rt_sigaction, s, &plain, NULL, sizeof plain.mask);
    if (plan->spec->detached) {
        act.sa_handler = SIG_IGN;
        if (sigaction(SIGHUP, &act, NULL) != 0)
            child_fail(plan, CHILD_STEP_SIGNALS);
    }
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        child_fail(plan, CHILD_STEP_SIGNALS);
}

/* Opens a regular file of ours without following a link or waiting on a FIFO. */
static int child_open(const char *path, int flags)
{
    struct stat st;
    int fd = open(path, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0)
        return -1;
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1) {
        errno = EPERM;
        return -1;
    }
    return fd;
}

/* Moves every wanted descriptor out of the way of the wanted numbers, then into its place. All the
 * others go at exec. */
static int child_fds(struct child_plan *plan)
{
    const struct proc_spec *spec = plan->spec;
    int above = 3, high[PROC_FDS_MAX];

    for (size_t i = 0; i < spec->n_fds; i++)
        if (spec->fds[i].to >= above)
            above = spec->fds[i].to + 1;
    int report = fcntl(plan->report_fd, F_DUPFD_CLOEXEC, above);
    if (report < 0)
        child_fail(plan, CHILD_STEP_FDS);
    plan->report_fd = report;
    for (size_t i = 0; i < spec->n_fds; i++)
        if ((high[i] = fcntl(spec->fds[i].from, F_DUPFD_CLOEXEC, above)) < 0)
            child_fail(plan, CHILD_STEP_FDS);
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
        child_fail(plan, CHILD_STEP_FDS);
    for (size_t i = 0; i < spec->n_fds; i++)
        if (dup2(high[i], spec->fds[i].to) < 0)
            child_fail(plan, CHILD_STEP_FDS);
    return above;
}

/* Locks the pid file and writes the pid. The lock belongs to this process and stays while the
 * descriptor does, so nothing may close another descriptor of the same file after it is taken. */
static void child_pid_file(const struct child_plan *plan, int above)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[16];
    size_t at = sizeof text;

    int fd = child_open(plan->spec->pid_file, O_RDWR);
    int kept = fd < 0 ? -1 : fcntl(fd, F_DUPFD, above);
    if (kept < 0 || close(fd) != 0)
        child_fail(plan, CHILD_STEP_PID_FILE);
    if (fcntl(kept, F_SETLK, &lock) != 0)
        child_fail(plan, CHILD_STEP_LOCK);
    text[--at] = '\n';
    for (pid_t pid = getpid(); pid > 0; pid /= 10)
        text[--at] = (char)('0' + pid % 10);
    if (ftruncate(kept, 0) != 0 ||
        pwrite(kept, text + at, sizeof text - at, 0) != (ssize_t)(sizeof text - at))
        child_fail(plan, CHILD_STEP_PID_FILE);
}

static void child_stdio(const struct child_plan *plan)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), log = null;

    if (null < 0)
        child_fail(plan, CHILD_STEP_FDS);
    if (plan->spec->log_file)
        log = child_open(plan->spec->log_file, O_WRONLY | O_APPEND);
    if (log < 0)
        child_fail(plan, CHILD_STEP_LOG);
    /* when 0 to 2 were closed, null or log may be one of them; dup2 on itself keeps CLOEXEC */
    null = fcntl(null, F_DUPFD_CLOEXEC, 3);
    log = fcntl(log, F_DUPFD_CLOEXEC, 3);
    if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        child_fail(plan, CHILD_STEP_FDS);
}

static void child_oom(const struct child_plan *plan)
{
    int value = plan->spec->oom_score_adj;
    unsigned left = value < 0 ? 0u - (unsigned)value : (unsigned)value;
    char text[12];
    size_t at = sizeof text;

    if (value == 0)
        return;
    for (; left; left /= 10)
        text[--at] = (char)('0' + left % 10);
    if (value < 0)
        text[--at] = '-';
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    /* EACCES: without privilege it can only be raised; not worth refusing the start */
    if (fd < 0 || (write(fd, text + at, sizeof text - at) < 0 && errno != EACCES))
        child_fail(plan, CHILD_STEP_OOM);
    (void)close(fd);
}

static void child_keep_caps(const struct child_plan *plan)
{
    static const unsigned keep[] = {CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW};
    const size_t n = plan->spec->keep_net_admin ? sizeof keep / sizeof keep[0] : 1;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2] = {0};

    for (size_t i = 0; i < n; i++)
        caps[0].permitted |= 1u << keep[i];
    caps[0].effective = caps[0].inheritable = caps[0].permitted;
    if (syscall(SYS_capset, &head, caps) != 0)
        child_fail(plan, CHILD_STEP_CAPS);
    for (size_t i = 0; i < n; i++)
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)keep[i], 0ul, 0ul) != 0)
            child_fail(plan, CHILD_STEP_CAPS);
}

static void child_identity(const struct child_plan *plan)
{
    const struct proc_spec *spec = plan->spec;

    if (spec->uid == 0)
        return;
    if ((spec->keep_net_admin || spec->keep_net_bind) && prctl(PR_SET_KEEPCAPS, 1ul, 0ul, 0ul, 0ul) != 0)
        child_fail(plan, CHILD_STEP_CAPS);
    if ((geteuid() == 0 && syscall(SYS_setgroups, 0, NULL) != 0) ||
        syscall(SYS_setresgid, spec->gid, spec->gid, spec->gid) != 0 ||
        syscall(SYS_setresuid, spec->uid, spec->uid, spec->uid) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul) != 0)
        child_fail(plan, CHILD_STEP_UID);
    if (spec->keep_net_admin || spec->keep_net_bind)
        child_keep_caps(plan);
}

_Noreturn void proc_child_run(const struct child_plan *given)
{
    struct child_plan plan = *given;
    const struct proc_spec *spec = plan.spec;

    child_signals(&plan);
    (void)setsid(); /* cannot fail: a fresh child leads no group */
    (void)umask(077);
    int above = child_fds(&plan);
    if (spec->pid_file)
        child_pid_file(&plan, above);
    child_stdio(&plan);
    child_oom(&plan);
    if (chdir(spec->work_dir ? spec->work_dir : "/") != 0)
        child_fail(&plan, CHILD_STEP_DIR);
    child_identity(&plan);
    if (!spec->detached) {
        /* after the change of uid, which clears it; the parent may have died before */
        (void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0ul, 0ul, 0ul);
        if (getppid() != plan.parent)
            _exit(127);
    }
    (void)execve(plan.path, plan.argv, plan.env);
    child_fail(&plan, CHILD_STEP_EXEC);
}
