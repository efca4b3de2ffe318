#ifndef MESHDECK_VMM_VMM_H
#define MESHDECK_VMM_VMM_H
/*
 * One interface to virtual machine monitors; a driver stands behind it (`vmm_qemu`; others later).
 * A VM is one process with a folder of its own (sockets, pid file, log). It outlives us: vmm_free
 * lets go of it, vmm_adopt finds it again. What cannot be understood is VMM_UNKNOWN: never killed
 * and never started twice unless the operator says so.
 * Engine thread; nothing here waits. Callbacks come from the loop, never from inside a call.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/err.h"

struct uv_loop_s;
struct vmm_vm;
struct vmm_driver;

enum { VMM_DISKS_MAX = 8, VMM_NICS_MAX = 4 };

enum vmm_accel { VMM_ACCEL_TCG, VMM_ACCEL_KVM };

/* What the monitor says now. */
enum vmm_state {
    VMM_STARTING,
    VMM_RUNNING,
    VMM_PAUSED,  /* by us, or by a disk error (the reason says which) */
    VMM_UNKNOWN, /* the process lives but its monitor is silent */
    VMM_ENDED,
    VMM_STATE_COUNT
};

enum vmm_why {
    VMM_WHY_UNKNOWN,
    VMM_WHY_NEVER_RAN,      /* it could not be started, or died before it said hello */
    VMM_WHY_GUEST_POWEROFF, /* the guest shut itself down (also after our vmm_stop) */
    VMM_WHY_GUEST_PANIC,
    VMM_WHY_HOST_QUIT,      /* we told the monitor to quit */
    VMM_WHY_SIGNAL,         /* killed by a signal */
    VMM_WHY_EXIT,           /* ended by itself, with an exit status */
    VMM_WHY_COUNT
};

struct vmm_end {
    enum vmm_why why;
    bool status_known;   /* false for an adopted process: exit_code and signal say nothing */
    int exit_code;       /* -1 when killed by a signal */
    int signal;
    bool asked;          /* vmm_stop or vmm_kill had been called */
    char text[240];      /* a sentence, clean: "killed by signal 9 (KILL)" */
    char log_tail[2048]; /* the last lines of the monitor's log, clean, one '\n' a line */
};

struct vmm_disk {
    const char *path; /* absolute, or relative to the folder */
    const char *format; /* "qcow2" or "raw" */
    const char *serial; /* as the guest sees it: "root", "seed" */
    bool read_only;
};

struct vmm_nic {
    int tap_fd; /* borrowed for the call; the monitor gets a copy. -1: a preview, no descriptor */
    uint8_t mac[6];
    const char *tap; /* name, for previews only */
};

/* All borrowed for the call. */
struct vmm_spec {
    const char *name;
    const char *folder; /* exists, belongs to uid */
    uid_t uid;          /* 0: runs as we do */
    gid_t gid;
    uint32_t vcpus, memory_mib;
    enum vmm_accel accel;
    const char *cpu_model;   /* NULL or "": the driver's choice for accel */
    const char *kernel, *initrd; /* initrd may be NULL */
    const char *command_line;    /* of the kernel; NULL: vmm_command_line_default */
    struct vmm_disk disks[VMM_DISKS_MAX];
    size_t n_disks;
    struct vmm_nic nics[VMM_NICS_MAX];
    size_t n_nics;
    const char *program; /* NULL: the driver's, looked up in PATH */
    bool paused;         /* do not let the guest run yet: vmm_resume does */
};

/* Each may be NULL. */
struct vmm_events {
    /* reason: "" or a sentence, clean ("host disk full: the guest is paused"). Not for VMM_ENDED. */
    void (*state)(struct vmm_vm *vm, enum vmm_state state, const char *reason, void *arg);
    /* Once, last. The handle must still be freed. */
    void (*ended)(struct vmm_vm *vm, const struct vmm_end *end, void *arg);
    /* The guest was reset and boots again in the same process: it asked (reboot), or we did. */
    void (*reset)(struct vmm_vm *vm, bool by_guest, void *arg);
    void (*panicked)(struct vmm_vm *vm, void *arg); /* the end follows */
    void (*disk_error)(struct vmm_vm *vm, const char *text, bool no_space, void *arg);
};

/* Starts it: -errno when it is refused at once, else state or ended will tell. -EBUSY: the folder
 * already has a live process. */
int vmm_start(struct uv_loop_s *loop, const struct vmm_driver *driver, const struct vmm_spec *spec,
              const struct vmm_events *events, void *arg, struct vmm_vm **ret, struct err *e);

/* Finds what an earlier engine started in folder (copied). -ESRCH: no live process. Its state is
 * VMM_UNKNOWN until the monitor has spoken. */
int vmm_adopt(struct uv_loop_s *loop, const struct vmm_driver *driver, const char *folder,
              const struct vmm_events *events, void *arg, struct vmm_vm **ret, struct err *e);

/* Of a process that ended while nobody watched: what its log tells. */
void vmm_last_end(const struct vmm_driver *driver, const char *folder, struct vmm_end *ret);

/* Lets go; the process goes on, no callback comes any more. NULL is fine. The loop must turn once
 * more before it is closed. */
void vmm_free(struct vmm_vm *vm);

enum vmm_state vmm_state(const struct vmm_vm *vm);
pid_t vmm_pid(const struct vmm_vm *vm); /* 0 when ended */
bool vmm_was_adopted(const struct vmm_vm *vm);

/* Asks the guest to shut down (power button); after limit_ms the monitor is told to quit, and 2 s
 * later it is killed. 0 does so at once. Calling it again only shortens the limit. */
int vmm_stop(struct vmm_vm *vm, unsigned limit_ms, struct err *e);
int vmm_kill(struct vmm_vm *vm, struct err *e);

/* Answers to one call each: e->code 0 or what failed; called once unless the handle is freed. */
typedef void vmm_done_fn(struct vmm_vm *vm, const struct err *e, void *arg);
int vmm_pause(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e);
int vmm_resume(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e);
int vmm_reset(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e);

struct vmm_disk_stats { /* of all writable disks together */
    uint64_t read_bytes, written_bytes, reads, writes;
};
typedef void vmm_disk_stats_fn(struct vmm_vm *vm, const struct err *e,
                               const struct vmm_disk_stats *stats, void *arg);
int vmm_read_disk_stats(struct vmm_vm *vm, vmm_disk_stats_fn *fn, void *arg, struct err *e);

/* The command line that vmm_start would run, one line per group of arguments, lines that go on end
 * in " \". -ENAMETOOLONG when it does not fit. */
int vmm_command_text(const struct vmm_driver *driver, const struct vmm_spec *spec, char *buf,
                     size_t cap, struct err *e);

/* The kernel command line for guests with a serial console, for this accel. */
const char *vmm_command_line_default(enum vmm_accel accel, char *buf, size_t cap);

extern const char *const vmm_state_names[VMM_STATE_COUNT];
extern const char *const vmm_why_names[VMM_WHY_COUNT]; /* "guest shut down", ... */
const char *vmm_accel_name(enum vmm_accel accel);      /* "KVM" or "emulated" */

#endif
