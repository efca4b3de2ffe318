/* The command line that a VM becomes, and the answer about KVM on this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/probe.h"
#include "backend/vmm/qemu.h"
#include "tests/support/netns.h"
#include "tests/support/tmpdir.h"

static struct vmm_spec plain_spec(void)
{
    return (struct vmm_spec){
        .name = "web1",
        .folder = "/var/lib/meshdeck/vms/11",
        .vcpus = 2,
        .memory_mib = 512,
        .kernel = "kernel",
        .initrd = "initrd",
        .command_line = "console=ttyS0 quiet",
        .disks = {{"disk.qcow2", "qcow2", "root", false}, {"seed.img", "raw", "seed", true}},
        .n_disks = 2,
        .nics = {{-1, {2, 0x5e, 0xed, 0, 0, 0x11}, "tap6"}},
        .n_nics = 1,
    };
}

static void test_command_text(void **state)
{
    struct vmm_spec s = plain_spec();
    struct err e;
    char text[8192], small[100];

    (void)state;
    assert_int_equal(vmm_command_text(&vmm_qemu, &s, text, sizeof text, &e), 0);
    print_message("# %s\n", text);
    assert_memory_equal(text, "qemu-system-x86_64 \\\n    -name web1 -no-user-config", 50);
    assert_non_null(strstr(text, "\n    -smp 2 -m 512M \\\n"));
    assert_non_null(strstr(text, "-accel tcg,thread=multi -cpu max"));
    assert_non_null(strstr(text, "-append 'console=ttyS0 quiet' \\\n"));
    assert_non_null(
        strstr(text, "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"));
    assert_non_null(strstr(text, "path=/var/lib/meshdeck/vms/11/qmp.sock,server=on,wait=off"));
    assert_non_null(strstr(text, "file=seed.img,format=raw,readonly=on"));
    assert_non_null(strstr(text, "-netdev tap,id=net0,ifname=tap6,script=no,downscript=no -device "
                                 "virtio-net-device,netdev=net0,mac=02:5e:ed:00:00:11"));
    s.accel = VMM_ACCEL_KVM;
    s.disks[0].path = "odd,name,readonly=off";
    s.command_line = "a='b c'";
    assert_int_equal(vmm_command_text(&vmm_qemu, &s, text, sizeof text, &e), 0);
    assert_non_null(strstr(text, "-accel kvm -cpu host"));
    assert_non_null(strstr(text, "file=odd,,name,,readonly=off,format"));
    assert_non_null(strstr(text, "-append 'a='\\''b c'\\'''"));
    assert_int_equal(vmm_command_text(&vmm_qemu, &s, small, sizeof small, &e), -ENAMETOOLONG);
    assert_string_equal(vmm_accel_name(VMM_ACCEL_TCG), "emulated");
}

/* A kernel under emulation has to be told the counter's speed; one under KVM finds it. */
static void test_command_line(void **state)
{
    char a[300], b[300];
    const unsigned khz = probe_tsc_khz();

    (void)state;
    assert_int_equal(khz, probe_tsc_khz());
    assert_true(khz > 100000 && khz < 20000000);
    (void)vmm_command_line_default(VMM_ACCEL_TCG, a, sizeof a);
    (void)vmm_command_line_default(VMM_ACCEL_KVM, b, sizeof b);
    assert_non_null(strstr(a, "tsc_early_khz="));
    assert_null(strstr(b, "tsc"));
    assert_non_null(strstr(b, "console=ttyS0"));
}

struct asked {
    int answers;
    struct probe_result r;
};
static void on_answer(const struct probe_result *r, void *arg)
{
    struct asked *a = arg;
    a->answers++;
    a->r = *r;
}
static bool has_answer(void *arg)
{
    return ((struct asked *)arg)->answers > 0;
}

/* Whatever the machine is, there is one answer, and the same again. */
static void test_probe(void **state)
{
    struct asked a = {0}, b = {0};
    struct probe *p;
    struct err e;
    uv_loop_t loop;
    char *dir = tmpdir_new();

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(probe_start(&loop, dir, NULL, on_answer, &a, &p, &e), 0);
    assert_int_equal(a.answers, 0); /* never from inside the call */
    assert_true(loop_until(&loop, has_answer, &a, 30));
    print_message("# %s %s\n", vmm_accel_name(a.r.accel), a.r.reason);
    assert_int_equal(a.r.accel == VMM_ACCEL_KVM, a.r.reason[0] == '\0');
    if (run_io((const char *const[]){"grep", "-qwE", "vmx|svm", "/proc/cpuinfo", NULL}, NULL, NULL,
               0) != 0)
        assert_non_null(strstr(a.r.reason, "neither vmx nor svm"));
    probe_free(p);
    assert_int_equal(probe_start(&loop, dir, "/bin/false", on_answer, &b, &p, &e), 0);
    assert_true(loop_until(&loop, has_answer, &b, 30));
    assert_int_equal(a.r.accel, b.r.accel);
    assert_string_equal(a.r.reason, b.r.reason);
    probe_free(p);
    assert_int_equal(probe_start(&loop, dir, NULL, on_answer, &b, &p, &e), 0);
    probe_free(p); /* at any time */
    loop_close(&loop);
    assert_int_equal(b.answers, 1);
    tmpdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_text),
        cmocka_unit_test(test_command_line),
        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
