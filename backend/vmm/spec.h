#ifndef MESHDECK_VMM_SPEC_H
#define MESHDECK_VMM_SPEC_H
/*
 * What is said to and by a virtual machine monitor: what to start, what state it is in, why it
 * ended. Plain values, read through vmm.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
    VMM_WHY_HOST_QUIT, /* we told the monitor to quit */
    VMM_WHY_SIGNAL,    /* killed by a signal */
    VMM_WHY_EXIT,      /* ended by itself, with an exit status */
    VMM_WHY_COUNT
};

struct vmm_end {
    enum vmm_why why;
    bool status_known; /* false for an adopted process: exit_code and signal say nothing */
    int exit_code;     /* -1 when killed by a signal */
    int signal;
    bool asked;          /* vmm_stop or vmm_kill had been called */
    char text[240];      /* a sentence, clean: "killed by signal 9 (KILL)" */
    char log_tail[2048]; /* the last lines of the monitor's log, clean, one '\n' a line */
};

struct vmm_disk {
    const char *path;   /* absolute, or relative to the folder */
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
    const char *cpu_model;       /* NULL or "": the driver's choice for accel */
    const char *kernel, *initrd; /* initrd may be NULL */
    const char *command_line;    /* of the kernel; NULL: vmm_command_line_default */
    struct vmm_disk disks[VMM_DISKS_MAX];
    size_t n_disks;
    struct vmm_nic nics[VMM_NICS_MAX];
    size_t n_nics;
    const char *program; /* NULL: the driver's, looked up in PATH */
    bool paused;         /* do not let the guest run yet: vmm_resume does */
};

#endif
