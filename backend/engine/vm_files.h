#ifndef MESHDECK_ENGINE_VM_FILES_H
#define MESHDECK_ENGINE_VM_FILES_H
/*
 * A VM's folder: disk, seed, keys, made and erased in libuv's pool; and the specs by which its
 * process is started and its guest is reached. Engine thread, but for the pool's part.
 */
#include <stddef.h>

#include "backend/guest/session.h"
#include "backend/plan/plan.h"
#include "backend/vmm/vmm.h"

struct core;
struct vm;

enum vm_files_what { VM_FILES_DISK, VM_FILES_SEED, VM_FILES_ERASE };
typedef void vm_files_fn(const struct err *failed, void *arg);
/* For the VM of each operation; stops at the first that fails. */
void vm_files_run(struct core *c, enum vm_files_what what, const struct plan_op *ops, size_t n,
                  vm_files_fn *done, void *arg);

/* Borrow from v and folder; good until either changes. */
void vm_spec_fill(const struct vm *v, const char *folder, struct vmm_spec *ret);
void vm_session_fill(const struct vm *v, enum session_mode mode, struct session_spec *ret);

#endif
