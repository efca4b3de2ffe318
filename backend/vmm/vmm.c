/*
 * The part of a VM that no driver needs to know of: handles, states as told, and words. Engine
 * thread.
 */
#include "backend/vmm/vmm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/vmm/probe.h"
#include "backend/vmm/vmm_internal.h"

const char *const vmm_state_names[VMM_STATE_COUNT] = {
    [VMM_STARTING] = "starting", [VMM_RUNNING] = "running", [VMM_PAUSED] = "paused",
    [VMM_UNKNOWN] = "unknown",   [VMM_ENDED] = "ended",
};
const char *const vmm_why_names[VMM_WHY_COUNT] = {
    [VMM_WHY_UNKNOWN] = "cause unknown",
    [VMM_WHY_NEVER_RAN] = "never ran",
    [VMM_WHY_GUEST_POWEROFF] = "guest shut down",
    [VMM_WHY_GUEST_PANIC] = "guest panicked",
    [VMM_WHY_HOST_QUIT] = "stopped from the host",
    [VMM_WHY_SIGNAL] = "killed by a signal",
    [VMM_WHY_EXIT] = "ended by itself",
};

const char *vmm_accel_name(enum vmm_accel accel)
{
    return accel == VMM_ACCEL_KVM ? "KVM" : "emulated";
}

const char *vmm_command_line_default(enum vmm_accel accel, char *buf, size_t cap)
{
    size_t len = 0;
    const unsigned khz = accel == VMM_ACCEL_TCG ? probe_tsc_khz() : 0;

    buf[0] = '\0';
    /* There is no PCI bus; loglevel 3 keeps the kernel from calling that fatal. */
    (void)str_add(buf, cap, &len, "console=ttyS0 quiet loglevel=3 panic=-1 pci=off");
    /* Under emulation a microvm has no timer by which a kernel could measure its counter: it must
     * be told, or it hangs at its first second. Its self-tests cost half a second there. */
    if (accel == VMM_ACCEL_TCG)
        (void)str_add(buf, cap, &len, " no_timer_check cryptomgr.notests");
    if (khz)
        (void)str_add(buf, cap, &len, " tsc_early_khz=%u", khz);
    return buf;
}

static int vm_new(struct uv_loop_s *loop, const struct vmm_driver *driver, const char *folder,
                  const struct vmm_events *events, void *arg, struct vmm_vm **ret, struct err *e)
{
    struct vmm_vm *vm;

    if (!folder || folder[0] != '/')
        return err_set(e, ERR_AREA_VMM, -EINVAL, "a VM's folder must be an absolute path");
    vm = driver->alloc();
    if (!vm)
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "VM");
    vm->driver = driver;
    vm->loop = loop;
    if (events)
        vm->events = *events;
    vm->arg = arg;
    vm->folder = strdup(folder);
    if (!vm->folder) {
        free(vm);
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "VM");
    }
    *ret = vm;
    return 0;
}

int vmm_start(struct uv_loop_s *loop, const struct vmm_driver *driver, const struct vmm_spec *spec,
              const struct vmm_events *events, void *arg, struct vmm_vm **ret, struct err *e)
{
    struct vmm_vm *vm = NULL;
    int r = vm_new(loop, driver, spec->folder, events, arg, &vm, e);

    if (r < 0)
        return r;
    vm->state = VMM_STARTING;
    r = driver->start(vm, spec, e);
    if (r < 0) {
        vmm_free(vm);
        return err_wrap(e, "starting %s", spec->name);
    }
    *ret = vm;
    return 0;
}

int vmm_adopt(struct uv_loop_s *loop, const struct vmm_driver *driver, const char *folder,
              const struct vmm_events *events, void *arg, struct vmm_vm **ret, struct err *e)
{
    struct vmm_vm *vm = NULL;
    int r = vm_new(loop, driver, folder, events, arg, &vm, e);

    if (r < 0)
        return r;
    vm->state = VMM_UNKNOWN;
    vm->adopted = true;
    r = driver->adopt(vm, e);
    if (r < 0) {
        vmm_free(vm);
        return r;
    }
    *ret = vm;
    return 0;
}

void vmm_last_end(const struct vmm_driver *driver, const char *folder, struct vmm_end *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->exit_code = -1;
    driver->last_end(folder, ret);
}

void vmm_free(struct vmm_vm *vm)
{
    if (!vm || vm->freed)
        return;
    vm->freed = true;
    vm->driver->let_go(vm);
}

enum vmm_state vmm_state(const struct vmm_vm *vm)
{
    return vm->state;
}

pid_t vmm_pid(const struct vmm_vm *vm)
{
    return vm->state == VMM_ENDED ? 0 : vm->driver->pid(vm);
}

bool vmm_was_adopted(const struct vmm_vm *vm)
{
    return vm->adopted;
}

static int refuse_ended(const struct vmm_vm *vm, struct err *e)
{
    return vm->state == VMM_ENDED ? err_set(e, ERR_AREA_VMM, -ESRCH, "the VM has ended") : 0;
}

int vmm_stop(struct vmm_vm *vm, unsigned limit_ms, struct err *e)
{
    const int r = refuse_ended(vm, e);
    return r < 0 ? r : vm->driver->stop(vm, limit_ms, e);
}

int vmm_kill(struct vmm_vm *vm, struct err *e)
{
    const int r = refuse_ended(vm, e);
    return r < 0 ? r : vm->driver->kill(vm, e);
}

int vmm_pause(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e)
{
    const int r = refuse_ended(vm, e);
    return r < 0 ? r : vm->driver->pause(vm, done, arg, e);
}

int vmm_resume(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e)
{
    const int r = refuse_ended(vm, e);
    return r < 0 ? r : vm->driver->resume(vm, done, arg, e);
}

int vmm_reset(struct vmm_vm *vm, vmm_done_fn *done, void *arg, struct err *e)
{
    const int r = refuse_ended(vm, e);
    return r < 0 ? r : vm->driver->reset(vm, done, arg, e);
}

int vmm_read_disk_stats(struct vmm_vm *vm, vmm_disk_stats_fn *fn, void *arg, struct err *e)
{
    const int r = refuse_ended(vm, e);
    return r < 0 ? r : vm->driver->disk_stats(vm, fn, arg, e);
}

int vmm_command_text(const struct vmm_driver *driver, const struct vmm_spec *spec, char *buf,
                     size_t cap, struct err *e)
{
    return driver->command_text(spec, buf, cap, e);
}

void vmm_tell_state(struct vmm_vm *vm, enum vmm_state state, const char *reason)
{
    if (vm->freed || vm->state == VMM_ENDED ||
        (vm->state == state && strcmp(vm->reason, reason) == 0))
        return;
    vm->state = state;
    (void)text_clean(vm->reason, sizeof vm->reason, reason, strlen(reason));
    if (vm->events.state)
        vm->events.state(vm, state, vm->reason, vm->arg);
}

void vmm_tell_ended(struct vmm_vm *vm, const struct vmm_end *end)
{
    if (vm->freed || vm->state == VMM_ENDED)
        return;
    vm->state = VMM_ENDED;
    if (vm->events.ended)
        vm->events.ended(vm, end, vm->arg);
}
