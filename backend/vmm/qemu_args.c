/*
 * QEMU's command line from a spec, for the exec and for the preview. Pure. Values are put so that
 * none can become another option: a comma inside one is doubled, and names are checked by those who
 * made them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/addr.h"
#include "backend/model/text.h"
#include "backend/vmm/qemu_internal.h"

static const char *put(struct qemu_args *a, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static const char *put(struct qemu_args *a, const char *fmt, va_list ap)
{
    char *at = a->text + a->len;
    const int n = vsnprintf(at, sizeof a->text - a->len, fmt, ap);

    if (n < 0 || (size_t)n >= sizeof a->text - a->len || a->n >= QEMU_ARGS_MAX - 1) {
        a->full = true;
        return "";
    }
    a->len += (size_t)n + 1;
    return at;
}

static void arg(struct qemu_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void arg(struct qemu_args *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    const char *text = put(a, fmt, ap);
    va_end(ap);
    if (!a->full)
        a->argv[a->n++] = text;
}

/* An option, and here a new line of the preview begins. */
static void line(struct qemu_args *a, const char *option)
{
    if (a->n_groups < QEMU_ARGS_MAX)
        a->groups[a->n_groups++] = a->n;
    arg(a, "%s", option);
}

/* A value inside a list of key=value: commas doubled. */
static const char *escaped(const char *value, char *buf, size_t cap)
{
    size_t len = 0;

    for (; *value && len + 3 < cap; value++) {
        if (*value == ',')
            buf[len++] = ',';
        buf[len++] = *value;
    }
    buf[len] = '\0';
    return buf;
}

static void put_machine(struct qemu_args *a, const struct vmm_spec *s)
{
    const bool kvm = s->accel == VMM_ACCEL_KVM;
    const char *cpu = s->cpu_model && s->cpu_model[0] ? s->cpu_model : kvm ? "host" : "max";

    line(a, "-name");
    arg(a, "%s", s->name);
    arg(a, "-no-user-config");
    arg(a, "-nodefaults");
    arg(a, "-display");
    arg(a, "none");
    line(a, "-M");
    arg(a, "microvm,acpi=on,rtc=on,isa-serial=on,x-option-roms=off");
    arg(a, "-accel");
    arg(a, kvm ? "kvm" : "tcg,thread=multi");
    arg(a, "-cpu");
    arg(a, "%s", cpu);
    line(a, "-smp");
    arg(a, "%u", s->vcpus);
    arg(a, "-m");
    arg(a, "%uM", s->memory_mib);
    line(a, "-sandbox");
    arg(a, "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    line(a, "-action");
    arg(a, "reboot=reset,shutdown=poweroff,panic=shutdown");
    arg(a, "-S");
    arg(a, "-msg");
    arg(a, "timestamp=on");
    arg(a, "-trace"); /* the log then tells why it ended, even when nobody was listening */
    arg(a, "qemu_system_shutdown_request");
}

static void put_boot(struct qemu_args *a, const struct vmm_spec *s)
{
    char buf[512];

    line(a, "-kernel");
    arg(a, "%s", s->kernel);
    if (s->initrd && s->initrd[0]) {
        arg(a, "-initrd");
        arg(a, "%s", s->initrd);
    }
    line(a, "-append");
    arg(a, "%s",
        s->command_line && s->command_line[0]
            ? s->command_line
            : vmm_command_line_default(s->accel, buf, sizeof buf));
}

static void put_socket(struct qemu_args *a, const char *id, int fd, const char *folder,
                       const char *name)
{
    char buf[4096];

    line(a, "-chardev");
    if (fd >= 0)
        arg(a, "socket,id=%s,fd=%d,server=on,wait=off", id, fd);
    else
        arg(a, "socket,id=%s,path=%s/%s,server=on,wait=off", id, escaped(folder, buf, sizeof buf),
            name);
}

static void put_channels(struct qemu_args *a, const struct vmm_spec *s, const struct qemu_fds *f)
{
    put_socket(a, "qmp", f->qmp, s->folder, QEMU_QMP_SOCKET);
    arg(a, "-mon");
    arg(a, "chardev=qmp,mode=control");
    put_socket(a, "rescue", f->rescue, s->folder, QEMU_RESCUE_SOCKET);
    arg(a, "-mon");
    arg(a, "chardev=rescue,mode=control");
    put_socket(a, "serial", f->serial, s->folder, QEMU_SERIAL_SOCKET);
    arg(a, "-serial");
    arg(a, "chardev:serial");
}

static void put_devices(struct qemu_args *a, const struct vmm_spec *s, const struct qemu_fds *f)
{
    char buf[4096], mac[ADDR_MAC_TEXT];

    for (size_t i = 0; i < s->n_disks; i++) {
        const struct vmm_disk *d = &s->disks[i];
        line(a, "-drive");
        arg(a, "if=none,id=disk%zu,file=%s,format=%s,readonly=%s,werror=stop,rerror=stop%s", i,
            escaped(d->path, buf, sizeof buf), d->format, d->read_only ? "on" : "off",
            d->read_only ? "" : ",discard=unmap");
        arg(a, "-device");
        arg(a, "virtio-blk-device,drive=disk%zu,serial=%s", i, d->serial);
    }
    for (size_t i = 0; i < s->n_nics; i++) {
        line(a, "-netdev");
        if (f->taps[i] >= 0)
            arg(a, "tap,id=net%zu,fd=%d", i, f->taps[i]);
        else
            arg(a, "tap,id=net%zu,ifname=%s,script=no,downscript=no", i,
                s->nics[i].tap ? s->nics[i].tap : "tap");
        arg(a, "-device");
        arg(a, "virtio-net-device,netdev=net%zu,mac=%s", i, addr_mac_format(s->nics[i].mac, mac));
    }
    line(a, "-device");
    arg(a, "virtio-rng-device");
    arg(a, "-device");
    arg(a, "pvpanic");
}

int qemu_args_build(const struct vmm_spec *spec, const struct qemu_fds *fds, struct qemu_args *ret,
                    struct err *e)
{
    ret->n = ret->n_groups = ret->len = 0;
    ret->full = false;
    arg(ret, "%s", spec->program ? spec->program : QEMU_PROGRAM);
    put_machine(ret, spec);
    put_boot(ret, spec);
    put_channels(ret, spec, fds);
    put_devices(ret, spec, fds);
    ret->argv[ret->n] = NULL;
    return ret->full ? err_set(e, ERR_AREA_VMM, -E2BIG, "QEMU's command line is too long") : 0;
}

/* As a shell would have to be told it. */
static void put_quoted(char *buf, size_t cap, size_t *len, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-=,./:@%+";
    if (text[0] && strspn(text, plain) == strlen(text)) {
        (void)str_add(buf, cap, len, "%s", text);
        return;
    }
    (void)str_add(buf, cap, len, "'");
    for (; *text; text++)
        (void)str_add(buf, cap, len, *text == '\'' ? "'\\%c'" : "%c", *text);
    (void)str_add(buf, cap, len, "'");
}

int qemu_command_text(const struct vmm_spec *spec, char *buf, size_t cap, struct err *e)
{
    struct qemu_args *a = malloc(sizeof *a);
    struct qemu_fds none = {-1, -1, -1, {0}};
    size_t len = 0, group = 0;
    bool fits = true;
    int r;

    if (!a)
        return err_sys(e, ERR_AREA_VMM, -ENOMEM, "QEMU's command line");
    for (size_t i = 0; i < VMM_NICS_MAX; i++)
        none.taps[i] = -1;
    r = qemu_args_build(spec, &none, a, e);
    buf[0] = '\0';
    for (size_t i = 0; r == 0 && i < a->n; i++) {
        const bool breaks = group < a->n_groups && a->groups[group] == i;
        if (breaks)
            group++;
        fits = str_add(buf, cap, &len, "%s", i == 0 ? "" : breaks ? " \\\n    " : " ");
        put_quoted(buf, cap, &len, a->argv[i]);
    }
    if (r == 0 && (!fits || len + 1 >= cap))
        r = err_set(e, ERR_AREA_VMM, -ENAMETOOLONG, "QEMU's command line is too long to show");
    free(a);
    return r;
}
