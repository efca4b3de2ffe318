#ifndef MESHDECK_VMM_VMM_INTERNAL_H
#define MESHDECK_VMM_VMM_INTERNAL_H
/*
 * What stands behind vmm.h: a driver's functions, and the head that every driver's VM begins with.
 * For backend/vmm only. A driver tells news through the vmm_tell_ functions, from the loop.
 */
#include "backend/vmm/vmm.h"

struct vmm_driver {
    const char *name;
    int (*start)(struct vmm_vm *head, const struct vmm_spec *spec, struct err *e);
    int (*adopt)(struct vmm_vm *head, struct err *e);
    struct vmm_vm *(*alloc)(void);     /* zeroed, with the driver's own part; NULL: no memory */
    void (*let_go)(struct vmm_vm *vm); /* closes handles; frees the memory when they have closed */
    pid_t (*pid)(const struct vmm_vm *vm);
    int (*stop)(struct vmm_vm *vm, unsigned limit_ms, struct err *e);
    int (*kill)(struct vmm_vm *vm, struct err *e);
    int (*pause)(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e);
    int (*resume)(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e);
    int (*reset)(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e);
    int (*disk_stats)(struct vmm_vm *vm, vmm_disk_stats_fn *fn, void *arg, struct err *e);
    int (*command_text)(const struct vmm_spec *spec, char *buf, size_t cap, struct err *e);
    void (*last_end)(const char *folder, struct vmm_end *ret);
};

/* First member of each driver's struct. */
struct vmm_vm {
    const struct vmm_driver *driver;
    struct uv_loop_s *loop;
    struct vmm_events events;
    void *arg;
    char *folder;
    enum vmm_state state;
    bool adopted;
    bool freed; /* vmm_free was called: tell nothing any more */
    char reason[160];
};

/* Tells only what is new. */
void vmm_tell_state(struct vmm_vm *vm, enum vmm_state state, const char *reason);
void vmm_tell_ended(struct vmm_vm *vm, const struct vmm_end *end);

#endif
