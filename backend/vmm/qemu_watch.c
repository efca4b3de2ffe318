/*
 * What a QEMU tells of itself: its status, its events, its silence. Engine thread. Its words are
 * not trusted further than a state and a sentence; a monitor that is silent makes the VM unknown,
 * and nothing here ever ends a process.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/vmm/qemu_internal.h"

static const char *text_of(const json_t *data, const char *key)
{
    const char *text = json_string_value(json_object_get(data, key));
    return text ? text : "";
}

static void tell(struct qemu_vm *v, const char *status)
{
    if (strcmp(status, "running") == 0) {
        v->disk_stopped = false;
        v->pause_reason[0] = '\0';
        vmm_tell_state(&v->head, VMM_RUNNING, "");
    } else if (strcmp(status, "io-error") == 0) {
        vmm_tell_state(&v->head, VMM_PAUSED,
                       v->pause_reason[0] ? v->pause_reason : "a disk error stopped the guest");
    } else if (strcmp(status, "guest-panicked") == 0) {
        vmm_tell_state(&v->head, VMM_PAUSED, "the guest's kernel has panicked");
    } else if (strcmp(status, "prelaunch") == 0) {
        if (v->head.adopted || v->keep_paused)
            vmm_tell_state(&v->head, VMM_PAUSED, "it has not been let run yet");
    } else {
        vmm_tell_state(&v->head, VMM_PAUSED, v->pause_reason);
    }
}

static void on_status(struct qmp *q, const json_t *result, const struct err *e, void *arg)
{
    (void)q;
    if (e->code == 0)
        tell(arg, text_of(result, "status"));
}

void qemu_query_status(struct qemu_vm *v)
{
    (void)qmp_send(v->qmp, "query-status", NULL, on_status, v, NULL); /* asked again at each poll */
}

static void on_first_cont(struct qmp *q, const json_t *result, const struct err *e, void *arg)
{
    struct qemu_vm *v = arg;

    (void)q;
    (void)result;
    if (e->code == 0)
        qemu_query_status(v);
    else if (e->code == -EIO) /* refused; silence and closing are told elsewhere */
        vmm_tell_state(&v->head, VMM_UNKNOWN, e->text);
}

static void on_ready(struct qmp *q, void *arg)
{
    struct qemu_vm *v = arg;
    const bool first = !v->greeted;

    v->greeted = true;
    if (first && !v->head.adopted && !v->keep_paused)
        (void)qmp_send(q, "cont", NULL, on_first_cont, v, NULL);
    else
        qemu_query_status(v);
}

static void on_io_error(struct qemu_vm *v, const json_t *data)
{
    const bool no_space = json_is_true(json_object_get(data, "nospace"));
    char why[100];
    const char *reason = text_of(data, "reason");

    (void)text_clean(why, sizeof why, reason, strlen(reason));
    if (no_space)
        (void)str_copy(v->pause_reason, sizeof v->pause_reason,
                       "the host's disk is full: make room, then resume");
    else
        (void)snprintf(v->pause_reason, sizeof v->pause_reason,
                       "a disk error (%s) stopped the guest", why[0] ? why : "unknown");
    v->disk_stopped = strcmp(text_of(data, "action"), "stop") == 0;
    if (v->head.events.disk_error && !v->head.freed)
        v->head.events.disk_error(&v->head, v->pause_reason, no_space, v->head.arg);
}

static void on_event(struct qmp *q, const char *name, const json_t *data, void *arg)
{
    struct qemu_vm *v = arg;

    (void)q;
    if (strcmp(name, "SHUTDOWN") == 0) {
        v->why = qemu_why(text_of(data, "reason"));
    } else if (strcmp(name, "RESET") == 0) {
        const char *reason = text_of(data, "reason");
        if (v->head.events.reset && v->head.state == VMM_RUNNING)
            v->head.events.reset(&v->head, strcmp(reason, "guest-reset") == 0, v->head.arg);
    } else if (strcmp(name, "GUEST_PANICKED") == 0) {
        v->why = VMM_WHY_GUEST_PANIC;
        if (v->head.events.panicked)
            v->head.events.panicked(&v->head, v->head.arg);
    } else if (strcmp(name, "BLOCK_IO_ERROR") == 0) {
        on_io_error(v, data);
    } else if (strcmp(name, "STOP") == 0) {
        qemu_query_status(v); /* which kind of standing still */
    } else if (strcmp(name, "RESUME") == 0) {
        tell(v, "running");
    }
}

static void on_silence(struct qmp *q, bool silent, void *arg)
{
    struct qemu_vm *v = arg;

    if (silent)
        vmm_tell_state(&v->head, VMM_UNKNOWN, "its monitor does not answer");
    else if (qmp_is_ready(q))
        qemu_query_status(v);
}

static void on_poll(uv_timer_t *timer)
{
    struct qemu_vm *v = timer->data;

    qemu_log_bound(v->head.folder);
    if (qmp_is_ready(v->qmp)) {
        qemu_query_status(v);
    } else if (v->greeted || v->head.adopted) {
        vmm_tell_state(&v->head, VMM_UNKNOWN, "its monitor does not answer");
        (void)qmp_connect(v->qmp, v->head.folder, QEMU_QMP_SOCKET, proc_pid(v->proc), QEMU_ADOPT_MS,
                          NULL); /* tried again at the next poll */
    }
}

static void on_closed(struct qmp *q, void *arg)
{
    struct qemu_vm *v = arg;

    (void)q;
    /* Most often it is about to end, which comes at once; else the poll says so. */
    if (!v->ended)
        (void)uv_timer_start(&v->poll, on_poll, QEMU_ENDING_MS, QEMU_POLL_MS);
}

void qemu_poll_start(struct qemu_vm *v)
{
    (void)uv_timer_start(&v->poll, on_poll, QEMU_POLL_MS, QEMU_POLL_MS);
}

const struct qmp_events qemu_qmp_events = {
    .ready = on_ready, .event = on_event, .silence = on_silence, .closed = on_closed};
