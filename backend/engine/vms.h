#ifndef MESHDECK_ENGINE_VMS_H
#define MESHDECK_ENGINE_VMS_H
/*
 * The machines of this node while the engine runs: each VM's record (what is wanted), its process
 * (what is), its serial line, its counters and the ticket at work on it. Engine thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/engine/core.h"
#include "backend/guest/keys.h"
#include "backend/guest/serial.h"
#include "backend/guest/session.h"
#include "backend/plan/parts.h"
#include "backend/store/vmrec.h"
#include "backend/vmm/probe.h"
#include "backend/vmm/vmm.h"

/* One 10-second cell each of the last five minutes, newest last. */
struct vm_history {
    uint32_t cpu[LOAD_CELLS], memory[LOAD_CELLS]; /* permille of a core; MiB */
    uint64_t disk[LOAD_CELLS], rx[LOAD_CELLS], tx[LOAD_CELLS];
    unsigned filled;
};

struct vm_waiter; /* exec_vm.c: who waits for a start or an end */

struct vm {
    struct vm *next;
    struct core *core;
    struct vm_rec rec;
    struct vm_row row;
    struct vmm_vm *vmm;    /* NULL while no process is known */
    struct serial *serial; /* opened when the VM enters, kept for its log */
    uint64_t ticket;       /* at work on it; 0: none */
    struct vm_waiter *waiter;
    int tap_fd;            /* ours only between its making and QEMU's start; else -1 */
    uint32_t tap_ifindex;
    bool plumbed, named;   /* in the firewall; in DNS */
    bool has_folder, has_disk, has_seed, ready;
    char panic[120];       /* the guest's own words, from its serial line */
    char exit_text[200], exit_log[600];
    struct {
        int64_t at_ms;
        uint64_t cpu_ms, rx_bytes, tx_bytes;
    } last; /* counters of the last reading; at_ms 0: none */
    struct vm_history history;
};

struct vms {
    struct vm *first;
    size_t n;
    struct counters *counters;
    struct session_pool *sessions;
    struct key_pair client_key;
    struct probe *probe;
    bool kvm;
    uv_timer_t timer;
    unsigned turns; /* of the timer, for what is done each fifth */
};

int vms_init(struct core *c);
void vms_done(struct core *c);
void vms_release(struct core *c); /* at close: lets go of processes, lines and sessions */

/* Start-up: the store's records become VMs; then processes of earlier engines are found again. */
int vms_load(struct core *c, const struct vm_rec *recs, size_t n);
void vms_adopt_all(struct core *c, void (*done)(struct core *c));
void vms_accel_start(struct core *c, void (*done)(struct core *c));

struct vm *vms_find(const struct core *c, const char *name);
struct vm *vms_find_id(const struct core *c, uint64_t id);
/* The VM whose tap this is, or NULL. */
const char *vms_name_of_tap(const struct core *c, const char *tap);

struct vm *vms_add(struct core *c, const struct vm_rec *rec); /* NULL: no memory */
void vms_remove(struct vm *v); /* row, serial line and handles are forgotten */
void vm_set_state(struct vm *v, enum vm_state state, const char *reason);
void vm_publish(struct vm *v);
const char *vm_folder(const struct vm *v, char buf[static PATH_MAX]);
const char *vm_object(const struct vm *v); /* "vm web1", interned */
enum plan_proc vm_proc(const struct vm *v);
void vm_tell_waiter(struct vm *v, const struct err *failed); /* exec_vm.c */

/* vm_watch.c: what the process says of itself, and its counters. */
extern const struct vmm_events vm_events;
extern const struct serial_events vm_serial_events;
void vms_count_start(struct core *c);

/* Last lines of the serial log into body["serial"], when there is such a VM. */
void vms_add_serial_tail(struct core *c, const char *name, struct json_t *body);

#endif
