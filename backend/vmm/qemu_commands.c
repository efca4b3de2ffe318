/*
 * Single commands to a running QEMU and their answers. Engine thread. Each waits for its answer in
 * a small record of its own; letting go of the VM answers them all, unheard.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "backend/vmm/qemu_internal.h"

struct asked {
    struct qemu_vm *v;
    vmm_done_fn *done;
    vmm_disk_stats_fn *stats;
    void *arg;
};

static void on_done(struct qmp *q, const json_t *result, const struct err *e, void *arg)
{
    const struct asked a = *(struct asked *)arg;

    (void)q;
    (void)result;
    free(arg);
    if (a.v->head.freed)
        return;
    if (e->code == 0)
        qemu_query_status(a.v);
    if (a.done)
        a.done(&a.v->head, e, a.arg);
}

static int ask(struct qemu_vm *v, const char *command, vmm_done_fn *done, vmm_disk_stats_fn *stats,
               qmp_reply_fn *fn, void *arg, struct err *e)
{
    struct asked *a = malloc(sizeof *a);
    int r;

    if (!a)
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "QMP");
    *a = (struct asked){v, done, stats, arg};
    r = qmp_send(v->qmp, command, NULL, fn, a, e);
    if (r < 0)
        free(a);
    return r;
}

int qemu_pause(struct vmm_vm *head, vmm_done_fn *done, void *arg, struct err *e)
{
    return ask((struct qemu_vm *)head, "stop", done, NULL, on_done, arg, e);
}

int qemu_resume(struct vmm_vm *head, vmm_done_fn *done, void *arg, struct err *e)
{
    struct qemu_vm *v = (struct qemu_vm *)head;
    v->keep_paused = false;
    return ask(v, "cont", done, NULL, on_done, arg, e);
}

int qemu_reset(struct vmm_vm *head, vmm_done_fn *done, void *arg, struct err *e)
{
    return ask((struct qemu_vm *)head, "system_reset", done, NULL, on_done, arg, e);
}

/* A count as QEMU says it; a negative or absurd one is none. */
static uint64_t count(const json_t *stats, const char *key)
{
    const json_int_t n = json_integer_value(json_object_get(stats, key));
    return n > 0 ? (uint64_t)n : 0;
}

static void on_stats(struct qmp *q, const json_t *result, const struct err *e, void *arg)
{
    const struct asked a = *(struct asked *)arg;
    struct vmm_disk_stats sum = {0};

    (void)q;
    free(arg);
    for (size_t i = 0; result && i < json_array_size(result) && i < VMM_DISKS_MAX; i++) {
        const json_t *s = json_object_get(json_array_get(result, i), "stats");
        sum.read_bytes += count(s, "rd_bytes");
        sum.written_bytes += count(s, "wr_bytes");
        sum.reads += count(s, "rd_operations");
        sum.writes += count(s, "wr_operations");
    }
    if (!a.v->head.freed)
        a.stats(&a.v->head, e, &sum, a.arg);
}

int qemu_disk_stats(struct vmm_vm *head, vmm_disk_stats_fn *fn, void *arg, struct err *e)
{
    return ask((struct qemu_vm *)head, "query-blockstats", NULL, fn, on_stats, arg, e);
}
