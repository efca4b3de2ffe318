/*
 * What a VM's process says of itself, what its guest says on the serial line, and its counters.
 * Every end is told with its reason; what we did not ask for is an event and, when it is a failure,
 * an alert. Engine thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/reconcile.h"
#include "backend/engine/vms.h"
#include "backend/host/proc.h"
#include "backend/model/text.h"
#include "backend/observe/counters.h"
#include "backend/engine/watch.h"
#include "backend/store/store.h"

enum { COUNT_MS = 2000, CELL_TURNS = 5 };

static void on_state(struct vmm_vm *m, enum vmm_state state, const char *reason, void *arg)
{
    struct vm *v = arg;

    (void)m;
    switch (state) {
    case VMM_STARTING:
        break;
    case VMM_RUNNING:
        if (v->waiter || v->ticket) {
            vm_tell_waiter(v, NULL); /* the ticket says when it counts as running */
            if (v->row.state == VM_STATE_PAUSED || v->row.state == VM_STATE_UNKNOWN)
                vm_set_state(v, VM_STATE_RUNNING, "");
        } else {
            v->ready = true;
            vm_set_state(v, VM_STATE_RUNNING, "");
        }
        break;
    case VMM_PAUSED:
        vm_set_state(v, VM_STATE_PAUSED, reason);
        if (reason[0])
            journal_event(v->core, EVENT_WARN, vm_object(v), "qemu", NULL, "paused: %s", reason);
        break;
    case VMM_UNKNOWN:
        if (v->row.state != VM_STATE_STOPPING && v->row.state != VM_STATE_STARTING)
            vm_set_state(v, VM_STATE_UNKNOWN,
                         reason[0] ? reason : "QEMU lives, but its monitor does not answer");
        break;
    case VMM_ENDED:
    case VMM_STATE_COUNT:
        break;
    }
}

struct end_job {
    struct core *core;
    struct vm_rec rec;
};

static int end_write(struct db *db, void *arg, struct err *e)
{
    struct end_job *j = arg;
    struct vm_rec now;

    int r = vmrec_get(db, j->rec.id, &now, e);
    if (r < 0)
        return r;
    now.wanted = j->rec.wanted;
    now.ended_ms = j->rec.ended_ms;
    str_copy(now.ended_why, sizeof now.ended_why, j->rec.ended_why);
    return vmrec_update(db, &now, e);
}

static void end_written(int code, const struct err *e, void *arg)
{
    struct end_job *j = arg;

    if (code < 0 && code != -ENOENT)
        journal_raise(j->core, "store", ALERT_CRIT, "database", "deck", "cannot be written", e->text,
                      0, 0);
    free(j);
}

static void keep_end(struct vm *v)
{
    struct end_job *j = calloc(1, sizeof *j);
    struct err e = {0};

    if (!j)
        return;
    j->core = v->core;
    j->rec = v->rec;
    if (store_post(v->core->store, STORE_WRITE, end_write, end_written, j, &e) < 0)
        free(j);
}

static void on_ended(struct vmm_vm *m, const struct vmm_end *end, void *arg)
{
    struct vm *v = arg;
    struct err e = {0};
    bool panic = end->why == VMM_WHY_GUEST_PANIC || v->panic[0];
    bool calm = end->asked || (end->why == VMM_WHY_GUEST_POWEROFF && !panic);

    vmm_free(m);
    v->vmm = NULL;
    v->ready = false;
    v->last.at_ms = 0;
    str_copy(v->exit_text, sizeof v->exit_text, end->text);
    str_copy(v->exit_log, sizeof v->exit_log, end->log_tail);
    v->rec.ended_ms = now_ms();
    str_copy(v->rec.ended_why, sizeof v->rec.ended_why, end->text);
    if (v->waiter) { /* a ticket starts or stops it: it tells what becomes of this */
        err_set(&e, ERR_AREA_VMM, -ECHILD, "%s", end->text);
        if (!calm)
            vm_set_state(v, VM_STATE_FAILED, end->text);
        else
            vm_set_state(v, VM_STATE_STOPPED, "");
        vm_tell_waiter(v, &e);
        return;
    }
    v->rec.wanted = 0;
    keep_end(v);
    if (calm) {
        vm_set_state(v, VM_STATE_STOPPED, end->text);
        journal_event(v->core, EVENT_INFO, vm_object(v), "guest", NULL, "stopped: %s", end->text);
    } else {
        const char *why = panic && v->panic[0] ? v->panic : end->text;
        vm_set_state(v, VM_STATE_FAILED, why);
        journal_event(v->core, EVENT_CRIT, vm_object(v), "qemu", NULL, "failed: %s", why);
    }
    reconcile_soon(v->core);
}

static void on_reset(struct vmm_vm *m, bool by_guest, void *arg)
{
    struct vm *v = arg;

    (void)m;
    v->panic[0] = '\0';
    journal_event(v->core, EVENT_INFO, vm_object(v), by_guest ? "guest" : "meshdeck", NULL,
                  "rebooted in place");
}

static void on_panic(struct vmm_vm *m, void *arg)
{
    struct vm *v = arg;

    (void)m;
    if (!v->panic[0])
        str_copy(v->panic, sizeof v->panic, "guest panic");
}

static void on_disk_error(struct vmm_vm *m, const char *text, bool no_space, void *arg)
{
    struct vm *v = arg;

    (void)m;
    journal_raise(v->core, "disk", ALERT_CRIT, v->core->meta.node, "nodes",
                  no_space ? "disk full" : "disk error", text, 1, v->rec.id);
}

const struct vmm_events vm_events = {
    .state = on_state,
    .ended = on_ended,
    .reset = on_reset,
    .panicked = on_panic,
    .disk_error = on_disk_error,
};

static void on_serial_line(struct serial *s, const char *text, void *arg)
{
    struct vm *v = arg;
    const char *panic = strstr(text, "Kernel panic - not syncing");

    (void)s;
    if (!panic)
        return;
    (void)snprintf(v->panic, sizeof v->panic, "guest panic:%.100s", panic + strlen("Kernel panic -"));
    journal_event(v->core, EVENT_CRIT, vm_object(v), "guest", NULL, "%s", v->panic);
}

const struct serial_events vm_serial_events = {.line = on_serial_line};

/* ---- counters ---- */

static void add_cell(struct vm *v)
{
    struct vm_history *h = &v->history;

    for (unsigned i = 1; i < LOAD_CELLS; i++) {
        h->cpu[i - 1] = h->cpu[i];
        h->memory[i - 1] = h->memory[i];
        h->disk[i - 1] = h->disk[i];
        h->rx[i - 1] = h->rx[i];
        h->tx[i - 1] = h->tx[i];
    }
    h->cpu[LOAD_CELLS - 1] = v->row.cpu_permille;
    h->memory[LOAD_CELLS - 1] = v->row.rss_mib;
    h->disk[LOAD_CELLS - 1] = v->row.disk_bytes;
    h->rx[LOAD_CELLS - 1] = v->row.rx_bps;
    h->tx[LOAD_CELLS - 1] = v->row.tx_bps;
    if (h->filled < LOAD_CELLS)
        h->filled++;
}

/* A figure that changed by less than a fiftieth keeps its old text: idle guests publish nothing. */
static uint64_t calm_figure(uint64_t old, uint64_t fresh, uint64_t least)
{
    uint64_t d = old > fresh ? old - fresh : fresh - old;
    return d <= least || d * 50 < old ? old : fresh;
}

static void count_one(struct vm *v, const struct link_counters *l, int64_t now)
{
    unsigned long long cpu = 0, rss = 0;

    if (!v->vmm || proc_usage(vmm_pid(v->vmm), &cpu, &rss) < 0)
        return;
    int64_t ms = now - v->last.at_ms;
    if (v->last.at_ms && ms > 0 && cpu >= v->last.cpu_ms) {
        uint64_t permille = (cpu - v->last.cpu_ms) * 1000 / (uint64_t)ms;
        v->row.cpu_permille = (uint32_t)calm_figure(v->row.cpu_permille, permille, 9);
        /* What the host receives from the tap is what the guest sends. */
        if (l->ok && l->rx_bytes >= v->last.tx_bytes && l->tx_bytes >= v->last.rx_bytes) {
            v->row.tx_bps = calm_figure(v->row.tx_bps, (l->rx_bytes - v->last.tx_bytes) * 8000 / (uint64_t)ms, 999);
            v->row.rx_bps = calm_figure(v->row.rx_bps, (l->tx_bytes - v->last.rx_bytes) * 8000 / (uint64_t)ms, 999);
        }
    }
    v->row.rss_mib = (uint32_t)calm_figure(v->row.rss_mib, rss >> 20, 1);
    v->last.at_ms = now;
    v->last.cpu_ms = cpu;
    v->last.rx_bytes = l->tx_bytes;
    v->last.tx_bytes = l->rx_bytes;
    vm_publish(v);
}

static void counted(const struct link_counters *rows, size_t n, const struct err *failed, void *arg)
{
    struct core *c = arg;
    int64_t now = now_ms();

    if (failed)
        return;
    size_t i = 0;
    for (struct vm *v = c->vms->first; v && i < n; v = v->next)
        if (v->tap_ifindex && v->tap_ifindex == rows[i].ifindex)
            count_one(v, &rows[i++], now);
    if (++c->vms->turns % CELL_TURNS != 0)
        return;
    for (struct vm *v = c->vms->first; v; v = v->next)
        if (v->vmm)
            add_cell(v);
}

static void disk_counted(struct vmm_vm *m, const struct err *e, const struct vmm_disk_stats *stats,
                         void *arg)
{
    struct vm *v = arg;

    (void)m;
    if (!e->code)
        v->row.disk_bytes = stats->written_bytes;
}

static void count_tick(uv_timer_t *timer)
{
    struct core *c = timer->data;
    uint32_t *indexes = calloc(c->vms->n + 1, sizeof *indexes);
    size_t n = 0;

    for (struct vm *v = c->vms->first; v && indexes; v = v->next) {
        v->tap_ifindex = 0;
        if (!v->vmm)
            continue;
        const struct link_row *l = watch_link_named(c, v->rec.tap);
        v->tap_ifindex = l ? l->ifindex : 0;
        if (v->tap_ifindex)
            indexes[n++] = v->tap_ifindex;
        /* The monitor is asked too: one that no longer answers is noticed by this. */
        (void)vmm_read_disk_stats(v->vmm, disk_counted, v, NULL);
    }
    if (n > 0)
        (void)counters_read(c->vms->counters, indexes, n, counted, c, NULL);
    free(indexes);
}

void vms_count_start(struct core *c)
{
    if (counters_new(&c->loop, &c->vms->counters, NULL) == 0)
        uv_timer_start(&c->vms->timer, count_tick, COUNT_MS, COUNT_MS);
}
