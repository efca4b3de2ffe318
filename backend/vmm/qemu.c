/*
 * The QEMU driver: starting it in its folder with sockets and taps handed over, finding it again,
 * telling its end. Engine thread; nothing waits. The process is never ended by anything but
 * vmm_stop and vmm_kill; letting go leaves it running.
 */
#include "backend/vmm/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/model/text.h"
#include "backend/vmm/qemu_internal.h"
#include "backend/vmm/sock.h"

enum { CHILD_FD_FIRST = 10, OOM_SCORE = 300 };

static const char *in_folder(const char *folder, const char *name, char *buf, size_t cap)
{
    if (snprintf(buf, cap, "%s/%s", folder, name) >= (int)cap)
        buf[0] = '\0';
    return buf;
}

static void on_timer_closed(uv_handle_t *h)
{
    struct qemu_vm *v = h->data;

    if (--v->handles > 0)
        return;
    free(v->head.folder);
    free(v);
}

static struct vmm_vm *qemu_alloc(void)
{
    struct qemu_vm *v = calloc(1, sizeof *v);
    return v ? &v->head : NULL;
}

static void qemu_let_go(struct vmm_vm *head)
{
    struct qemu_vm *v = (struct qemu_vm *)head;

    proc_free(v->proc);
    v->proc = NULL;
    qmp_free(v->qmp);
    v->qmp = NULL;
    if (v->handles == 0) {
        free(head->folder);
        free(v);
        return;
    }
    uv_close((uv_handle_t *)&v->poll, on_timer_closed);
    uv_close((uv_handle_t *)&v->stop, on_timer_closed);
}

/* Handles and the monitor's connection, before anything runs. */
static int prepare(struct qemu_vm *v, struct err *e)
{
    (void)uv_timer_init(v->head.loop, &v->poll);
    (void)uv_timer_init(v->head.loop, &v->stop);
    v->poll.data = v->stop.data = v;
    v->handles = 2;
    return qmp_new(v->head.loop, &qemu_qmp_events, v, &v->qmp, e);
}

static void describe_end(const struct qemu_vm *v, const struct proc_end *p, struct vmm_end *end)
{
    enum vmm_why noted;
    char how[200];

    end->status_known = p->status_known;
    end->exit_code = p->exit_code;
    end->signal = p->signal;
    end->asked = v->stage != STOP_NONE;
    end->why = v->why;
    qemu_log_tail(v->head.folder, end, &noted);
    if (p->start.code || (!v->greeted && !v->head.adopted)) {
        const char *last = strrchr(end->log_tail, '\n');
        if (last && last > end->log_tail) /* its last line says why, most often */
            while (last > end->log_tail && last[-1] != '\n')
                last--;
        end->why = VMM_WHY_NEVER_RAN;
        if (p->start.code)
            (void)str_copy(end->text, sizeof end->text, p->start.text);
        else
            (void)snprintf(end->text, sizeof end->text, "QEMU ended before it was ready (%s)%s%.*s",
                           proc_end_format(p, how, sizeof how), last ? ": " : "",
                           last ? (int)strcspn(last, "\n") : 0, last ? last : "");
        return;
    }
    if (end->why == VMM_WHY_UNKNOWN && noted != VMM_WHY_UNKNOWN)
        end->why = noted;
    if (p->status_known && p->signal)
        end->why = VMM_WHY_SIGNAL;
    else if (end->why == VMM_WHY_UNKNOWN && v->stage == STOP_KILLED)
        end->why = VMM_WHY_SIGNAL; /* adopted: its status cannot be had, but it was our doing */
    else if (end->why == VMM_WHY_UNKNOWN && p->status_known)
        end->why = VMM_WHY_EXIT;
    if (end->why == VMM_WHY_SIGNAL || end->why == VMM_WHY_EXIT || end->why == VMM_WHY_UNKNOWN)
        (void)snprintf(end->text, sizeof end->text, "QEMU %s", proc_end_format(p, how, sizeof how));
    else
        (void)str_copy(end->text, sizeof end->text, vmm_why_names[end->why]);
}

static void on_proc_ended(struct proc *p, const struct proc_end *pe, void *arg)
{
    struct qemu_vm *v = arg;
    struct vmm_end end = {.exit_code = -1};

    (void)p;
    v->ended = true;
    (void)uv_timer_stop(&v->poll);
    (void)uv_timer_stop(&v->stop);
    qmp_drain(v->qmp); /* its last words may still lie in the socket */
    describe_end(v, pe, &end);
    vmm_tell_ended(&v->head, &end);
}

static int check_spec(const struct vmm_spec *s, struct err *e)
{
    char path[4096];

    if (!s->name || !text_name_is_valid(s->name))
        return err_set(e, ERR_AREA_VMM, -EINVAL, "that is no name of a VM");
    if (s->vcpus == 0 || s->vcpus > 255 || s->memory_mib < 32)
        return err_set(e, ERR_AREA_VMM, -EINVAL, "%u vCPUs and %u MiB cannot be had", s->vcpus,
                       s->memory_mib);
    if (s->n_disks > VMM_DISKS_MAX || s->n_nics > VMM_NICS_MAX || !s->kernel)
        return err_set(e, ERR_AREA_VMM, -EINVAL, "it has no kernel, or too many devices");
    for (size_t i = 0; i < s->n_disks + 2; i++) {
        const char *file = i < s->n_disks    ? s->disks[i].path
                           : i == s->n_disks ? s->kernel
                                             : s->initrd;
        if (!file || !file[0])
            continue;
        if (file[0] != '/')
            file = in_folder(s->folder, file, path, sizeof path);
        if (access(file, R_OK) < 0)
            return err_sys(e, ERR_AREA_VMM, -errno, "%s", file);
    }
    return 0;
}

/* Everything that the child gets under a number of its own. */
struct handed {
    int sockets[3];
    struct qemu_fds child;
};

static int make_sockets(const char *folder, struct handed *h, struct err *e)
{
    static const char *const names[] = {QEMU_QMP_SOCKET, QEMU_RESCUE_SOCKET, QEMU_SERIAL_SOCKET};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        h->sockets[i] = sock_listen(folder, names[i], e);
        if (h->sockets[i] < 0)
            return h->sockets[i];
    }
    return 0;
}

static void hand_over(struct proc_spec *p, const struct vmm_spec *spec, struct handed *h)
{
    int to = CHILD_FD_FIRST;

    h->child.qmp = to;
    h->child.rescue = to + 1;
    h->child.serial = to + 2;
    for (size_t i = 0; i < ARRAY_LEN(h->sockets); i++) {
        p->fds[p->n_fds].from = h->sockets[i];
        p->fds[p->n_fds++].to = to++;
    }
    for (size_t i = 0; i < spec->n_nics; i++) {
        h->child.taps[i] = to;
        p->fds[p->n_fds].from = spec->nics[i].tap_fd;
        p->fds[p->n_fds++].to = to++;
    }
}

static int run(struct qemu_vm *v, const struct vmm_spec *spec, struct handed *h,
               struct qemu_args *args, struct err *e)
{
    char pid_file[4096], log_file[4096];
    struct proc_spec p = {
        .argv = args->argv,
        .pid_file = in_folder(spec->folder, QEMU_PID_FILE, pid_file, sizeof pid_file),
        .log_file = in_folder(spec->folder, QEMU_LOG_FILE, log_file, sizeof log_file),
        .work_dir = spec->folder,
        .uid = spec->uid,
        .gid = spec->gid,
        .detached = true,
        .oom_score_adj = OOM_SCORE,
    };
    int r;

    if (!pid_file[0] || !log_file[0])
        return err_set(e, ERR_AREA_VMM, -ENAMETOOLONG, "the folder's name is too long");
    if (proc_find(pid_file) > 0)
        return err_set(e, ERR_AREA_VMM, -EBUSY, "it runs already");
    (void)unlink(log_file); /* the old one told of an old process */
    r = make_sockets(spec->folder, h, e);
    if (r < 0)
        return r;
    hand_over(&p, spec, h);
    r = qemu_args_build(spec, &h->child, args, e);
    if (r == 0)
        r = proc_start(v->head.loop, &p, on_proc_ended, v, &v->proc, e);
    /* The sockets are ours until QEMU takes them up, so whom we reach is not in question yet. */
    if (r == 0)
        r = qmp_connect(v->qmp, spec->folder, QEMU_QMP_SOCKET, 0, QEMU_HELLO_MS, e);
    if (r == 0)
        qemu_poll_start(v);
    else if (v->proc)
        (void)proc_signal(v->proc, 9); /* SIGKILL: nothing runs in it yet */
    return r;
}

static int qemu_start(struct vmm_vm *head, const struct vmm_spec *spec, struct err *e)
{
    struct qemu_vm *v = (struct qemu_vm *)head;
    struct handed h = {.sockets = {-1, -1, -1}};
    struct qemu_args *args = NULL;
    int r = check_spec(spec, e);

    if (r == 0)
        r = prepare(v, e);
    if (r < 0)
        return r;
    args = malloc(sizeof *args);
    v->keep_paused = spec->paused;
    r = args ? run(v, spec, &h, args, e) : err_sys(e, ERR_AREA_VMM, -ENOMEM, "QEMU");
    free(args);
    for (size_t i = 0; i < ARRAY_LEN(h.sockets); i++)
        if (h.sockets[i] >= 0)
            (void)close(h.sockets[i]); /* the child has its own */
    return r;
}

static int qemu_adopt(struct vmm_vm *head, struct err *e)
{
    struct qemu_vm *v = (struct qemu_vm *)head;
    char pid_file[4096];
    int r = prepare(v, e);

    if (r < 0)
        return r;
    r = proc_adopt(head->loop, in_folder(head->folder, QEMU_PID_FILE, pid_file, sizeof pid_file),
                   on_proc_ended, v, &v->proc, e);
    if (r < 0)
        return r;
    (void)str_copy(head->reason, sizeof head->reason, "its monitor has not answered yet");
    /* A monitor that cannot be reached leaves it unknown; the poll tries again. */
    (void)qmp_connect(v->qmp, head->folder, QEMU_QMP_SOCKET, proc_pid(v->proc), QEMU_ADOPT_MS,
                      NULL);
    qemu_poll_start(v);
    return 0;
}

static pid_t qemu_pid(const struct vmm_vm *head)
{
    const struct qemu_vm *v = (const struct qemu_vm *)head;
    return v->proc ? proc_pid(v->proc) : 0;
}

const struct vmm_driver vmm_qemu = {
    .name = "qemu",
    .start = qemu_start,
    .adopt = qemu_adopt,
    .alloc = qemu_alloc,
    .let_go = qemu_let_go,
    .pid = qemu_pid,
    .stop = qemu_stop,
    .kill = qemu_kill,
    .pause = qemu_pause,
    .resume = qemu_resume,
    .reset = qemu_reset,
    .disk_stats = qemu_disk_stats,
    .command_text = qemu_command_text,
    .last_end = qemu_last_end,
};
