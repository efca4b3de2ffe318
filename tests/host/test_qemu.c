/* Real QEMU guests, under emulation so that they run anywhere: never more than one at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "backend/guest/disk.h"
#include "backend/guest/serial.h"
#include "backend/host/proc.h"
#include "backend/model/text.h"
#include "backend/vmm/qemu.h"
#include "tests/support/guest.h"
#include "tests/support/netns.h"

enum { BOOT_S = 120, SOON_S = 30 };

struct fixture {
    uv_loop_t loop;
    struct guest g;
    struct vmm_vm *vm;
    struct serial *serial;
    int ended, resets, panics, done, stats;
    struct vmm_end end;
    struct err answer;
    struct vmm_disk_stats disk;
    char reason[200];
    char wanted[80]; /* a line that the serial line is to show */
    int seen;
};

static void on_ended(struct vmm_vm *vm, const struct vmm_end *end, void *arg)
{
    struct fixture *f = arg;
    assert_ptr_equal(vm, f->vm);
    f->ended++;
    f->end = *end;
}
static void on_state(struct vmm_vm *vm, enum vmm_state state, const char *reason, void *arg)
{
    struct fixture *f = arg;
    (void)vm;
    print_message("# state %s %s\n", vmm_state_names[state], reason);
    (void)str_copy(f->reason, sizeof f->reason, reason);
}
static void on_reset(struct vmm_vm *vm, bool by_guest, void *arg)
{
    (void)vm;
    ((struct fixture *)arg)->resets += by_guest ? 1 : 100;
}
static void on_panicked(struct vmm_vm *vm, void *arg)
{
    (void)vm;
    ((struct fixture *)arg)->panics++;
}
static const struct vmm_events events = {
    .state = on_state, .ended = on_ended, .reset = on_reset, .panicked = on_panicked};

static void on_line(struct serial *s, const char *text, void *arg)
{
    struct fixture *f = arg;
    (void)s;
    print_message("# serial %s\n", text);
    if (f->wanted[0] && strstr(text, f->wanted))
        f->seen++;
}

static bool has_seen(void *arg)
{
    return ((struct fixture *)arg)->seen > 0;
}
static bool has_ended(void *arg)
{
    return ((struct fixture *)arg)->ended > 0;
}
static bool has_answer(void *arg)
{
    return ((struct fixture *)arg)->done > 0;
}
static bool has_stats(void *arg)
{
    return ((struct fixture *)arg)->stats > 0;
}
static bool is_running(void *arg)
{
    return vmm_state(((struct fixture *)arg)->vm) == VMM_RUNNING;
}
static bool is_paused(void *arg)
{
    return vmm_state(((struct fixture *)arg)->vm) == VMM_PAUSED;
}
static bool is_unknown(void *arg)
{
    return vmm_state(((struct fixture *)arg)->vm) == VMM_UNKNOWN;
}

static void want(struct fixture *f, const char *text)
{
    (void)str_copy(f->wanted, sizeof f->wanted, text);
    f->seen = 0;
}

static void expect(struct fixture *f, const char *text)
{
    if (text)
        want(f, text);
    if (!loop_until(&f->loop, has_seen, f, BOOT_S)) {
        char tail[2000];
        (void)serial_last_lines(f->serial, 20, tail, sizeof tail);
        fail_msg("the serial line never showed '%s' but: %s", f->wanted, tail);
    }
}

static void typed(struct fixture *f, const char *text)
{
    assert_int_equal(serial_write(f->serial, text, strlen(text)), strlen(text));
}

static void begin(struct fixture *f)
{
    struct err e;
    const struct serial_events lines = {.line = on_line};

    assert_int_equal(uv_loop_init(&f->loop), 0);
    guest_make(&f->g, "web1");
    if (serial_new(&f->loop, f->g.folder, &lines, f, &f->serial, &e) < 0)
        fail_msg("%s", e.text);
}

static void start(struct fixture *f)
{
    struct err e;

    want(f, "dropbear: listening on port 22");
    if (vmm_start(&f->loop, &vmm_qemu, &f->g.spec, &events, f, &f->vm, &e) < 0)
        fail_msg("%s", e.text);
    if (serial_connect(f->serial, 0, &e) < 0)
        fail_msg("%s", e.text);
}

static void finish(struct fixture *f)
{
    if (f->vm && vmm_state(f->vm) != VMM_ENDED) {
        (void)vmm_kill(f->vm, NULL);
        (void)loop_until(&f->loop, has_ended, f, SOON_S);
    }
    vmm_free(f->vm);
    serial_free(f->serial);
    loop_close(&f->loop);
    guest_done(&f->g);
}

static void await_end(struct fixture *f)
{
    assert_true(loop_until(&f->loop, has_ended, f, BOOT_S));
    print_message("# end: %s | %s\n", vmm_why_names[f->end.why], f->end.text);
    assert_int_equal(f->ended, 1);
    assert_int_equal(vmm_state(f->vm), VMM_ENDED);
}

static void on_done(struct vmm_vm *vm, const struct err *e, void *arg)
{
    struct fixture *f = arg;
    (void)vm;
    f->done++;
    f->answer = *e;
}

static void on_stats(struct vmm_vm *vm, const struct err *e, const struct vmm_disk_stats *s,
                     void *arg)
{
    struct fixture *f = arg;
    (void)vm;
    f->stats++;
    f->answer = *e;
    f->disk = *s;
}

/* Boots, tells its seed on the serial line, counts, pauses, reboots in place, shuts down. */
static void test_life(void **state)
{
    struct fixture f = {0};
    struct err e;
    struct stat st;
    char tail[4000], path[300];
    unsigned long long cpu_ms, rss;

    (void)state;
    begin(&f);
    start(&f);
    expect(&f, NULL);
    assert_int_equal(vmm_state(f.vm), VMM_RUNNING);
    (void)serial_last_lines(f.serial, 30, tail, sizeof tail);
    assert_non_null(
        strstr(tail, "seed: hostname web1, 0 keys, ipv6 fd5e:ed::10/128, ipv4 10.210.0.2/32"));
    assert_int_equal(proc_usage(vmm_pid(f.vm), &cpu_ms, &rss), 0);
    assert_true(cpu_ms > 0 && rss > (32u << 20));
    if (f.g.uid) {
        (void)snprintf(path, sizeof path, "/proc/%d", (int)vmm_pid(f.vm));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_uid, f.g.uid);
    }

    assert_int_equal(vmm_read_disk_stats(f.vm, on_stats, &f, &e), 0);
    assert_true(loop_until(&f.loop, has_stats, &f, SOON_S));
    assert_int_equal(f.answer.code, 0);
    assert_true(f.disk.read_bytes > 1 << 20 && f.disk.reads > 10);

    assert_int_equal(vmm_pause(f.vm, on_done, &f, &e), 0);
    assert_true(loop_until(&f.loop, has_answer, &f, SOON_S));
    assert_int_equal(f.answer.code, 0);
    assert_true(loop_until(&f.loop, is_paused, &f, SOON_S));
    assert_int_equal(vmm_resume(f.vm, on_done, &f, &e), 0);
    assert_true(loop_until(&f.loop, is_running, &f, SOON_S));

    typed(&f, "echo kept > /root/mark; reboot\n");
    expect(&f, "dropbear: listening on port 22");
    assert_int_equal(f.resets, 1);
    /* The root filesystem grows behind the login, so it is waited for. */
    typed(&f, "big() { df -m / | awk 'END{print ($2>1500)}'; }; i=0; "
              "while [ $(big) = 0 ] && [ $i -lt 100 ]; do usleep 200000; i=$((i+1)); done; "
              "echo mark $(cat /root/mark) $(big) $(cat /etc/hostname)\n");
    expect(&f, "mark kept 1 web1");
    typed(&f,
          "mount -t iso9660 /dev/vdb /mnt && cat /mnt/meta-data && ls /mnt | tr '\\n' ' '; echo\n");
    expect(&f, "meshdeck meta-data network-config user-data vendor-data");

    assert_int_equal(vmm_stop(f.vm, 60000, &e), 0);
    await_end(&f);
    assert_int_equal(f.end.why, VMM_WHY_GUEST_POWEROFF);
    assert_true(f.end.asked);
    finish(&f);
}

/* A kernel panic is seen as one; a panicked guest does not linger. */
static void test_panic(void **state)
{
    struct fixture f = {0};

    (void)state;
    begin(&f);
    start(&f);
    expect(&f, NULL);
    typed(&f, "echo c > /proc/sysrq-trigger\n");
    await_end(&f);
    assert_int_equal(f.panics, 1);
    assert_int_equal(f.end.why, VMM_WHY_GUEST_PANIC);
    assert_false(f.end.asked);
    finish(&f);
}

/* Stopped by a signal it is unknown, not stopped, and comes back; a second start is refused. */
static void test_silence(void **state)
{
    struct fixture f = {0};
    struct err e;
    struct vmm_vm *second = NULL;
    pid_t pid;

    (void)state;
    begin(&f);
    start(&f);
    assert_true(loop_until(&f.loop, is_running, &f, SOON_S));
    pid = vmm_pid(f.vm);
    assert_int_equal(vmm_start(&f.loop, &vmm_qemu, &f.g.spec, &events, &f, &second, &e), -EBUSY);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_true(loop_until(&f.loop, is_unknown, &f, SOON_S));
    assert_int_equal(f.ended, 0);
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_true(loop_until(&f.loop, is_running, &f, SOON_S));
    finish(&f);
}

/* The first engine: another process, which ends without a word once its guest runs. */
static pid_t first_engine(struct guest *g)
{
    struct fixture f = {.g = *g};
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    if (uv_loop_init(&f.loop) < 0 ||
        vmm_start(&f.loop, &vmm_qemu, &f.g.spec, &events, &f, &f.vm, NULL) < 0)
        _exit(1);
    _exit(loop_until(&f.loop, is_running, &f, SOON_S) ? 0 : 2);
}

/* A VM outlives its engine; the next one takes it over, and sees it die. */
static void test_adoption(void **state)
{
    struct fixture f = {0};
    struct err e;
    struct vmm_end last;
    char pid_file[300];
    pid_t pid;
    int status;

    (void)state;
    begin(&f);
    pid = first_engine(&f.g);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    (void)snprintf(pid_file, sizeof pid_file, "%s/" QEMU_PID_FILE, f.g.folder);
    pid = proc_find(pid_file);
    assert_true(pid > 0);
    assert_int_equal(kill(pid, SIGSTOP), 0);

    assert_int_equal(vmm_adopt(&f.loop, &vmm_qemu, f.g.folder, &events, &f, &f.vm, &e), 0);
    assert_int_equal(vmm_state(f.vm), VMM_UNKNOWN);
    assert_true(vmm_was_adopted(f.vm));
    assert_int_equal(vmm_pid(f.vm), pid);
    want(&f, "never");
    assert_false(loop_until(&f.loop, is_running, &f, 8)); /* silent: left alone, asked again */
    assert_int_equal(f.ended, 0);
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_true(loop_until(&f.loop, is_running, &f, SOON_S));
    want(&f, "dropbear: listening on port 22");
    assert_int_equal(serial_connect(f.serial, pid, &e), 0);
    expect(&f, NULL);
    typed(&f, "echo still $((40+2))\n");
    expect(&f, "still 42");

    assert_int_equal(kill(pid, SIGKILL), 0);
    await_end(&f);
    assert_int_equal(f.end.why, VMM_WHY_UNKNOWN); /* not our child: its status cannot be had */
    assert_false(f.end.asked);
    vmm_free(f.vm);
    f.vm = NULL;
    assert_int_equal(vmm_adopt(&f.loop, &vmm_qemu, f.g.folder, &events, &f, &f.vm, &e), -ESRCH);
    vmm_last_end(&vmm_qemu, f.g.folder, &last);
    assert_int_equal(last.why, VMM_WHY_UNKNOWN);
    finish(&f);
}

/* A child that is killed is told with its signal; a guest that will not stop is made to. */
static void test_kill(void **state)
{
    struct fixture f = {0};
    struct err e;

    (void)state;
    begin(&f);
    start(&f);
    assert_true(loop_until(&f.loop, is_running, &f, SOON_S));
    assert_int_equal(kill(vmm_pid(f.vm), SIGKILL), 0);
    await_end(&f);
    assert_int_equal(f.end.why, VMM_WHY_SIGNAL);
    assert_int_equal(f.end.signal, SIGKILL);
    assert_non_null(strstr(f.end.text, "signal 9"));
    assert_false(f.end.asked);
    vmm_free(f.vm);
    f.vm = NULL;
    f.ended = 0;

    start(&f); /* again, in the same folder; it is still booting when its limit is over */
    assert_true(loop_until(&f.loop, is_running, &f, SOON_S));
    assert_int_equal(vmm_stop(f.vm, 100, &e), 0);
    await_end(&f);
    assert_int_equal(f.end.why, VMM_WHY_HOST_QUIT);
    assert_true(f.end.asked);
    finish(&f);
}

/* A guest that shuts down while nobody watches leaves a note. */
static void test_unwatched_end(void **state)
{
    struct fixture f = {0};
    struct vmm_end last;
    char pid_file[300];
    pid_t pid;

    (void)state;
    begin(&f);
    start(&f);
    expect(&f, NULL);
    pid = vmm_pid(f.vm);
    typed(&f, "(sleep 1; poweroff) >/dev/null 2>&1 &\n");
    (void)uv_run(&f.loop, UV_RUN_NOWAIT);
    vmm_free(f.vm);
    f.vm = NULL;
    (void)snprintf(pid_file, sizeof pid_file, "%s/" QEMU_PID_FILE, f.g.folder);
    for (int i = 0; i < BOOT_S * 10 && proc_find(pid_file) == pid; i++)
        usleep(100000);
    vmm_last_end(&vmm_qemu, f.g.folder, &last);
    assert_int_equal(last.why, VMM_WHY_GUEST_POWEROFF);
    finish(&f);
}

/* What cannot run says why. */
static void test_refusals(void **state)
{
    struct fixture f = {0};
    struct err e;
    const char *const shell_ok = "/bin/false";
    char path[300];

    (void)state;
    begin(&f);
    f.g.spec.program = "qemu-system-none";
    assert_true(vmm_start(&f.loop, &vmm_qemu, &f.g.spec, &events, &f, &f.vm, &e) < 0);
    print_message("# %s\n", e.text);
    assert_non_null(strstr(e.text, "qemu-system-none"));

    f.g.spec.program = shell_ok;
    assert_int_equal(vmm_start(&f.loop, &vmm_qemu, &f.g.spec, &events, &f, &f.vm, &e), 0);
    await_end(&f);
    assert_int_equal(f.end.why, VMM_WHY_NEVER_RAN);
    assert_non_null(strstr(f.end.text, "exit status 1"));
    vmm_free(f.vm);
    f.vm = NULL;
    f.ended = 0;

    f.g.spec.program = NULL;
    f.g.spec.cpu_model = "nonsense";
    assert_int_equal(vmm_start(&f.loop, &vmm_qemu, &f.g.spec, &events, &f, &f.vm, &e), 0);
    await_end(&f);
    assert_int_equal(f.end.why, VMM_WHY_NEVER_RAN);
    assert_non_null(strstr(f.end.text, "nonsense"));
    vmm_free(f.vm);
    f.vm = NULL;
    f.ended = 0;

    f.g.spec.cpu_model = NULL;
    (void)snprintf(path, sizeof path, "%s/kernel", f.g.folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(vmm_start(&f.loop, &vmm_qemu, &f.g.spec, &events, &f, &f.vm, &e), -ENOENT);
    assert_non_null(strstr(e.text, "kernel"));
    finish(&f);
}

/* A monitor that never says hello (a stand-in for QEMU that sleeps) stays unknown until it is
 * killed by our word. */
static void test_silent_program(void **state)
{
    struct fixture f = {0};
    struct err e;
    char script[300];
    FILE *out;

    (void)state;
    begin(&f);
    (void)snprintf(script, sizeof script, "%s/silent", f.g.state);
    out = fopen(script, "w");
    assert_non_null(out);
    fputs("#!/bin/sh\nexec sleep 600\n", out);
    assert_int_equal(fchmod(fileno(out), 0755), 0);
    assert_int_equal(fclose(out), 0);
    f.g.spec.program = script;
    assert_int_equal(vmm_start(&f.loop, &vmm_qemu, &f.g.spec, &events, &f, &f.vm, &e), 0);
    assert_int_equal(vmm_state(f.vm), VMM_STARTING);
    assert_true(loop_until(&f.loop, is_unknown, &f, 60));
    assert_int_equal(f.ended, 0);
    assert_int_equal(vmm_stop(f.vm, 1000, &e), 0);
    await_end(&f);
    assert_int_equal(f.end.why, VMM_WHY_NEVER_RAN);
    assert_int_equal(f.end.signal, SIGKILL);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),     cmocka_unit_test(test_panic),
        cmocka_unit_test(test_silence),  cmocka_unit_test(test_adoption),
        cmocka_unit_test(test_kill),     cmocka_unit_test(test_unwatched_end),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_silent_program),
    };
    const char *lacks = guest_lacks();

    if (lacks)
        return netns_skip_all("QEMU guests", lacks);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
