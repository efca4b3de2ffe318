#ifndef MESHDECK_VMM_PROBE_H
#define MESHDECK_VMM_PROBE_H
/*
 * Whether KVM can be used here. Opening /dev/kvm proves nothing: the processor flag must be there
 * and a probe guest must really have run. The answer is kept in STATE/kvm-probe for this boot of
 * the host and this QEMU. Engine thread; the probe itself is a child with a deadline.
 */
#include <stdbool.h>

#include "backend/model/err.h"
#include "backend/vmm/vmm.h"

struct uv_loop_s;
struct probe;

struct probe_result {
    enum vmm_accel accel;
    char reason[160]; /* why not KVM: "the processor shows neither vmx nor svm"; "" for KVM */
};

/* Cached or quickly known answers come in the next turn of the loop too; a real probe takes up to
 * 5 s. The caller frees *ret with probe_free, at any time. program: NULL for QEMU's. */
typedef void probe_fn(const struct probe_result *r, void *arg);
int probe_start(struct uv_loop_s *loop, const char *state_dir, const char *program, probe_fn *fn,
                void *arg, struct probe **ret, struct err *e);
void probe_free(struct probe *p);

/* Speed of the processor's time-stamp counter in kHz, 0 when unknown. The first call measures it
 * for 10 ms; any thread. Guests under emulation are told it, since they cannot find it out. */
unsigned probe_tsc_khz(void);

#endif
