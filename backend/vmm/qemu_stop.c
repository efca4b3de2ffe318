/*
 * Ending a QEMU: the guest's power button, then `quit`, then the kill, each with its limit. Engine
 * thread. Only a caller of vmm_stop or vmm_kill starts this; signals go by pidfd.
 */
#include <errno.h>
#include <signal.h>

#include "backend/vmm/qemu_internal.h"

static void on_timer(uv_timer_t *timer);

static int kill_now(struct qemu_vm *v, struct err *e)
{
    const int r = proc_signal(v->proc, SIGKILL);

    v->stage = STOP_KILLED;
    (void)uv_timer_stop(&v->stop);
    return r < 0 && r != -ESRCH ? err_sys(e, ERR_AREA_VMM, r, "killing QEMU") : 0;
}

static void press(struct qemu_vm *v)
{
    /* A guest that stands still cannot shut down. One stopped by a full disk would stop again. */
    if (v->head.state == VMM_PAUSED && !v->disk_stopped)
        (void)qmp_send(v->qmp, "cont", NULL, NULL, NULL, NULL);
    v->keep_paused = false;
    (void)qmp_send(v->qmp, "system_powerdown", NULL, NULL, NULL, NULL); /* pressed again if lost */
}

static void quit(struct qemu_vm *v)
{
    v->stage = STOP_QUIT;
    if (qmp_send(v->qmp, "quit", NULL, NULL, NULL, NULL) < 0)
        (void)kill_now(v, NULL); /* it does not listen; the end, or its absence, will tell */
    else
        (void)uv_timer_start(&v->stop, on_timer, QEMU_QUIT_MS, 0);
}

static void wait_on(struct qemu_vm *v)
{
    const uint64_t now = uv_now(v->head.loop);
    const uint64_t left = v->stop_at_ms > now ? v->stop_at_ms - now : 0;

    (void)uv_timer_start(&v->stop, on_timer, left < QEMU_NUDGE_MS ? left : QEMU_NUDGE_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct qemu_vm *v = timer->data;

    if (v->ended)
        return;
    if (v->stage == STOP_QUIT) {
        (void)kill_now(v, NULL); /* told by the end */
    } else if (uv_now(v->head.loop) >= v->stop_at_ms) {
        quit(v);
    } else {
        press(v);
        wait_on(v);
    }
}

int qemu_stop(struct vmm_vm *head, unsigned limit_ms, struct err *e)
{
    struct qemu_vm *v = (struct qemu_vm *)head;
    uint64_t at;

    (void)e;
    uv_update_time(head->loop);
    at = uv_now(head->loop) + limit_ms;
    if (v->stage == STOP_NONE) {
        v->stage = STOP_ASKED;
        v->stop_at_ms = at;
        if (limit_ms == 0) {
            quit(v);
            return 0;
        }
        press(v);
    } else if (v->stage == STOP_ASKED && at < v->stop_at_ms) {
        v->stop_at_ms = at;
    }
    if (v->stage == STOP_ASKED)
        wait_on(v);
    return 0;
}

int qemu_kill(struct vmm_vm *head, struct err *e)
{
    return kill_now((struct qemu_vm *)head, e);
}
