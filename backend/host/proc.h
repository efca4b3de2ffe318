#ifndef MESHDECK_HOST_PROC_H
#define MESHDECK_HOST_PROC_H
/*
 * Processes that outlive the engine (QEMU, wireguard-go, dnsmasq) and workers that do not (SSH,
 * nft). A long-lived process runs in its own session with SIGHUP ignored; it inherits a locked pid
 * file (a POSIX record lock cannot be inherited, so the lock is taken in the child between fork and
 * exec and kept by a descriptor that exec leaves open) and is found again by that lock: the pid in
 * the file is believed only while F_GETLK names the same process as the holder.
 * Every process gets its own session, umask 077, no signal blocked or ignored, standard input from
 * /dev/null and no descriptor but those named here; one that is not detached is killed when we end.
 * Engine thread; nothing here waits, not even for the exec: what fails between fork and exec reaches
 * `ended` with `start` filled in. Traps: a program that puts itself in the background drops the
 * lock (start it in the foreground), and our own descriptors must be O_CLOEXEC all the same, since
 * other libraries fork too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "backend/model/err.h"

struct uv_loop_s;

enum { PROC_FDS_MAX = 16 };

struct proc_spec {
    const char *const *argv;       /* argv[0] a path or a name looked up in PATH; NULL at the end */
    const char *const *env;        /* beside PATH, "NAME=value"; NULL at the end; NULL: none */
    const char *pid_file;          /* created 0600 without following links; NULL: none */
    const char *log_file;          /* stdout, stderr; appended; its owner bounds it; NULL: none */
    const char *work_dir;          /* NULL: "/" */
    uid_t uid;                     /* 0: stays as it is; else both are set, no groups kept, and */
    gid_t gid;                     /* no new privileges can be gained */
    bool detached;                 /* SIGHUP ignored: outlives us */
    bool keep_net_admin;           /* with uid: CAP_NET_ADMIN, NET_RAW, NET_BIND_SERVICE stay */
    bool keep_net_bind;            /* with uid: of those, CAP_NET_BIND_SERVICE alone stays */
    int oom_score_adj;
    struct {
        int from, to;              /* descriptor here, number in the child (>= 3) */
    } fds[PROC_FDS_MAX];
    size_t n_fds;
};

/* Why a process ended, as far as can be known. */
struct proc_end {
    bool status_known; /* false for an adopted process: it was not our child */
    int exit_code;     /* -1 when killed by a signal */
    int signal;        /* 0 when it exited */
    struct err start;  /* code not 0: it never ran; the text says what failed before or at exec */
};

struct proc; /* one process that is watched; engine thread */
typedef void proc_ended_fn(struct proc *p, const struct proc_end *end, void *arg);

/* Starts it and watches its pidfd on the loop; `ended` is called once, from the loop, and may free
 * p. A program that is not there and a pid file that is locked (-EBUSY) are refused here. */
int proc_start(struct uv_loop_s *loop, const struct proc_spec *spec, proc_ended_fn *ended,
               void *arg, struct proc **ret, struct err *e);

/* The live holder of pid_file's lock, or 0 when there is none (or it is not the one written). */
pid_t proc_find(const char *pid_file);

/* Watches a process that an earlier engine started; -ESRCH when it is gone, -EBUSY when the file is
 * locked by another than it names: then it is unknown, not gone. */
int proc_adopt(struct uv_loop_s *loop, const char *pid_file, proc_ended_fn *ended, void *arg,
               struct proc **ret, struct err *e);

/* For a program that closes every descriptor it inherits (dnsmasq), and the lock with it: the caller
 * knows the pid, and is_it (0, or a negative errno) recognises the process by other marks. */
typedef int proc_is_it_fn(pid_t pid, const void *arg);
int proc_adopt_known(struct uv_loop_s *loop, pid_t pid, proc_is_it_fn *is_it, const void *is_arg,
                     proc_ended_fn *ended, void *arg, struct proc **ret, struct err *e);

pid_t proc_pid(const struct proc *p);
/* By pidfd, so it can never reach a stranger. -ESRCH when it is gone. */
int proc_signal(struct proc *p, int signal);
/* Stops watching; the process goes on. NULL is fine. `ended` will not be called any more. The loop
 * must turn once more before it is closed. */
void proc_free(struct proc *p);

/* "exit status 3", "killed by signal 9 (KILL)", "ended, cause unknown", or why it never ran. */
const char *proc_end_format(const struct proc_end *end, char *buf, size_t cap);

/* CPU time used and resident memory of a pid; -ESRCH when gone. */
int proc_usage(pid_t pid, unsigned long long *ret_cpu_ms, unsigned long long *ret_rss_bytes);

#endif
