/*
 * Whether KVM works here: asked of the processor, then of the device, then of a guest of ten bytes
 * that must write one byte to its debug port within a deadline. Engine thread. The answer is kept
 * for this boot of the host: a file of one line that names the boot and the answer.
 */
#include "backend/vmm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "backend/guest/newfile.h"
#include "backend/host/proc.h"
#include "backend/model/text.h"
#include "backend/vmm/qemu.h"

#define PROBE_FILE "kvm-probe"

enum { DEADLINE_MS = 5000, BIOS_BYTES = 65536, OK_STATUS = 33, ROOM = 512 };

struct probe {
    uv_timer_t timer; /* first to answer from the loop, then the deadline */
    uv_loop_t *loop;
    struct proc *proc;
    probe_fn *fn;
    void *arg;
    char *state_dir;
    char boot[64], program[PATH_MAX], bios[PATH_MAX];
    struct probe_result result;
    bool timed_out, freed;
};

static void read_line(const char *path, char *buf, size_t cap)
{
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const ssize_t n = fd >= 0 ? read(fd, buf, cap - 1) : -1;

    if (fd >= 0)
        (void)close(fd); /* read only */
    buf[n > 0 ? n : 0] = '\0';
    buf[strcspn(buf, "\n")] = '\0';
}

static bool cpu_has_flag(void)
{
    char line[8192];
    bool has = false;
    FILE *f = fopen("/proc/cpuinfo", "re");

    while (f && !has && fgets(line, sizeof line, f))
        if (strncmp(line, "flags", 5) == 0)
            has = strstr(line, " vmx") || strstr(line, " svm");
    if (f)
        (void)fclose(f); /* read only */
    return has;
}

static void decide(struct probe *p, enum vmm_accel accel, const char *reason)
{
    p->result.accel = accel;
    (void)str_copy(p->result.reason, sizeof p->result.reason, reason);
}

/* True when the answer needs no guest. */
static bool is_known(struct probe *p)
{
    char path[PATH_MAX], line[ROOM];
    const size_t boot = strlen(p->boot);
    int fd;

    if (!cpu_has_flag()) {
        decide(p, VMM_ACCEL_TCG, "the processor shows neither vmx nor svm");
        return true;
    }
    fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        struct err e;
        (void)err_sys(&e, ERR_AREA_VMM, -errno, "/dev/kvm cannot be opened");
        decide(p, VMM_ACCEL_TCG, e.text);
        return true;
    }
    (void)close(fd); /* nothing was done with it */
    if (snprintf(path, sizeof path, "%s/" PROBE_FILE, p->state_dir) >= (int)sizeof path)
        return false;
    read_line(path, line, sizeof line);
    if (boot == 0 || strncmp(line, p->boot, boot) != 0 || line[boot] != ' ')
        return false;
    if (strcmp(line + boot + 1, "kvm") == 0) {
        decide(p, VMM_ACCEL_KVM, "");
        return true;
    }
    if (strncmp(line + boot + 1, "tcg ", 4) == 0) {
        char clean[sizeof p->result.reason];
        (void)text_clean(clean, sizeof clean, line + boot + 5, strlen(line + boot + 5));
        decide(p, VMM_ACCEL_TCG, clean);
        return true;
    }
    return false;
}

static void keep(const struct probe *p)
{
    char line[ROOM];
    const int n = snprintf(line, sizeof line, "%s %s%s\n", p->boot,
                           p->result.accel == VMM_ACCEL_KVM ? "kvm" : "tcg ", p->result.reason);
    const struct newfile f = {.bytes = line,
                              .len = (size_t)n,
                              .mode = 0644,
                              .uid = (uid_t)-1,
                              .gid = (gid_t)-1,
                              .replace = true};

    if (p->boot[0] && n > 0 && n < (int)sizeof line)
        (void)newfile_write(p->state_dir, PROBE_FILE, &f, NULL); /* else asked again next time */
}

static void on_timer_closed(uv_handle_t *h)
{
    struct probe *p = h->data;
    free(p->state_dir);
    free(p);
}

static void answer(struct probe *p)
{
    probe_fn *fn = p->fn;

    p->fn = NULL;
    if (fn)
        fn(&p->result, p->arg);
}

static void on_ended(struct proc *proc, const struct proc_end *end, void *arg)
{
    struct probe *p = arg;
    char why[sizeof p->result.reason], how[100];

    proc_free(proc);
    p->proc = NULL;
    (void)uv_timer_stop(&p->timer);
    (void)unlink(p->bios);
    if (end->status_known && end->exit_code == OK_STATUS) {
        decide(p, VMM_ACCEL_KVM, "");
    } else if (p->timed_out) {
        decide(p, VMM_ACCEL_TCG, "a probe guest hung in /dev/kvm");
    } else {
        size_t len = 0;
        (void)str_add(why, sizeof why, &len, "a probe guest failed in /dev/kvm (%s)",
                      end->start.code ? end->start.text : proc_end_format(end, how, sizeof how));
        decide(p, VMM_ACCEL_TCG, why);
    }
    if (end->start.code == 0) /* a missing QEMU says nothing about KVM */
        keep(p);
    answer(p);
}

static void on_deadline(uv_timer_t *t)
{
    struct probe *p = t->data;
    p->timed_out = true;
    (void)proc_signal(p->proc, SIGKILL); /* its end answers */
}

/* 16-bit code at the reset vector: `mov al, 16; out 0xf4, al`: isa-debug-exit ends QEMU with status
 * 2 * 16 + 1. It runs nowhere but in the guest. */
static int write_bios(struct probe *p, struct err *e)
{
    static const uint8_t code[] = {0xb0, 0x10, 0xe6, 0xf4, 0xeb, 0xfc};
    uint8_t *bios = calloc(1, BIOS_BYTES);
    struct newfile f = {.bytes = bios,
                        .len = BIOS_BYTES,
                        .mode = 0600,
                        .uid = (uid_t)-1,
                        .gid = (gid_t)-1,
                        .replace = true};
    int r;

    if (!bios)
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "KVM probe");
    memcpy(bios + BIOS_BYTES - 16, code, sizeof code);
    r = newfile_write(p->state_dir, PROBE_FILE ".bin", &f, e);
    free(bios);
    return r;
}

static void run_guest(struct probe *p)
{
    struct err e = {0};
    const char *const argv[] = {p->program,
                                "-M",
                                "microvm,x-option-roms=off",
                                "-accel",
                                "kvm",
                                "-cpu",
                                "host",
                                "-m",
                                "16M",
                                "-nodefaults",
                                "-no-user-config",
                                "-display",
                                "none",
                                "-bios",
                                p->bios,
                                "-device",
                                "isa-debug-exit,iobase=0xf4,iosize=0x04",
                                "-no-reboot",
                                NULL};
    const struct proc_spec spec = {.argv = argv};

    if (snprintf(p->bios, sizeof p->bios, "%s/" PROBE_FILE ".bin", p->state_dir) >=
            (int)sizeof p->bios ||
        write_bios(p, &e) < 0 || proc_start(p->loop, &spec, on_ended, p, &p->proc, &e) < 0) {
        decide(p, VMM_ACCEL_TCG, e.text);
        answer(p);
        return;
    }
    (void)uv_timer_start(&p->timer, on_deadline, DEADLINE_MS, 0);
}

static void on_start(uv_timer_t *t)
{
    struct probe *p = t->data;

    if (is_known(p))
        answer(p);
    else
        run_guest(p);
}

int probe_start(struct uv_loop_s *loop, const char *state_dir, const char *program, probe_fn *fn,
                void *arg, struct probe **ret, struct err *e)
{
    struct probe *p = calloc(1, sizeof *p);

    if (!p || !(p->state_dir = strdup(state_dir))) {
        free(p);
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "KVM probe");
    }
    p->loop = loop;
    p->fn = fn;
    p->arg = arg;
    (void)str_copy(p->program, sizeof p->program, program ? program : QEMU_PROGRAM);
    read_line("/proc/sys/kernel/random/boot_id", p->boot, sizeof p->boot);
    (void)uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    (void)uv_timer_start(&p->timer, on_start, 0, 0);
    *ret = p;
    return 0;
}

void probe_free(struct probe *p)
{
    if (!p || p->freed)
        return;
    p->freed = true;
    p->fn = NULL;
    if (p->proc) {
        (void)proc_signal(p->proc, SIGKILL);
        proc_free(p->proc);
        (void)unlink(p->bios);
    }
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}
