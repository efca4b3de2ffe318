/*
 * The walls around a worker. Called in the worker's only thread, once, at its start. The list of
 * system calls is what libssh, libcrypto and libc need on descriptors that are open already;
 * everything else answers EPERM, so that a call that was forgotten fails and does not kill.
 */
#include "backend/host/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/model/text.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "name this machine's AUDIT_ARCH"
#endif

static const uint32_t allowed[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg,
    SYS_ppoll, SYS_close, SYS_fcntl, SYS_fstat, SYS_lseek, SYS_shutdown, SYS_getsockopt,
    SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap,
    SYS_mprotect, SYS_madvise, SYS_futex, SYS_getrandom, SYS_clock_gettime, SYS_clock_getres,
    SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_restart_syscall, SYS_setitimer, SYS_getpid, SYS_getppid, SYS_gettid,
    SYS_getuid, SYS_geteuid, SYS_sched_yield, SYS_exit, SYS_exit_group,
#ifdef SYS_poll
    SYS_poll, SYS_time,
#endif
};

static int limit(int what, unsigned long value)
{
    const struct rlimit r = {value, value};
    return setrlimit((__rlimit_resource_t)what, &r) != 0 ? -errno : 0;
}

static int limits(unsigned long memory_bytes)
{
    const struct {
        int what;
        unsigned long value;
    } all[] = {
        {RLIMIT_CORE, 0}, {RLIMIT_FSIZE, 0}, {RLIMIT_NPROC, 0}, {RLIMIT_MEMLOCK, 0},
        {RLIMIT_NOFILE, 16},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        int r = limit(all[i].what, all[i].value);
        if (r != 0)
            return r;
    }
    return UNDER_SANITIZER ? 0 : limit(RLIMIT_AS, memory_bytes);
}

static int drop_user(unsigned uid, unsigned gid)
{
    if (geteuid() != 0)
        return 0;
    for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0ul, 0ul, 0ul) == 0; cap++)
        continue;
    if (syscall(SYS_setgroups, 0, NULL) != 0 || syscall(SYS_setresgid, gid, gid, gid) != 0 ||
        syscall(SYS_setresuid, uid, uid, uid) != 0)
        return -errno;
    return 0;
}

static int drop_caps(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0ul, 0ul, 0ul) != 0 ||
        syscall(SYS_capset, &head, none) != 0)
        return -errno;
    return 0;
}

/* ioctl only asks how much there is to read, or sets non-blocking: its second argument is checked. */
static int filter(void)
{
    enum { HEAD = 11, TAIL = 2 };
    struct sock_filter code[HEAD + ARRAY_LEN(allowed) + TAIL];
    size_t n = 0;
    const uint32_t nr = offsetof(struct seccomp_data, nr),
                   arch = offsetof(struct seccomp_data, arch),
                   arg1 = offsetof(struct seccomp_data, args[1]);

    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, arch);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, nr);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 5);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, arg1);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FIONREAD, 2, 0);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FIONBIO, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
                                                 (uint8_t)(ARRAY_LEN(allowed) - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

    const struct sock_fprog prog = {.len = (unsigned short)n, .filter = code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0ul, 0ul) != 0)
        return -errno;
    return 0;
}

int sandbox_enter(unsigned uid, unsigned gid, unsigned long memory_bytes, struct err *e)
{
    const pid_t parent = getppid();

    if (chdir("/") != 0)
        return err_sys(e, ERR_AREA_PROC, -errno, "entering the root folder");
    (void)umask(077);
    int r = drop_user(uid ? uid : SANDBOX_NOBODY, gid ? gid : SANDBOX_NOBODY);
    if (r == 0)
        r = drop_caps();
    if (r == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul) != 0 ||
                   prctl(PR_SET_DUMPABLE, 0ul, 0ul, 0ul, 0ul) != 0 ||
                   prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0ul, 0ul, 0ul) != 0))
        r = -errno; /* the last was set once, and cleared by the change of user */
    if (r == 0 && getppid() != parent)
        r = -ESRCH;
    if (r == 0)
        r = limits(memory_bytes);
    if (r == 0 && !UNDER_SANITIZER)
        r = filter();
    return r == 0 ? 0 : err_sys(e, ERR_AREA_PROC, r, "giving up privileges");
}
