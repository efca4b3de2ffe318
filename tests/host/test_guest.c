/* The built-in guest from outside: its addresses, SSH with the key that was made for it, kernel
 * modules on demand; and a host disk that is full. Namespaces of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "backend/guest/serial.h"
#include "backend/host/tap.h"
#include "backend/model/text.h"
#include "backend/vmm/qemu.h"
#include "tests/support/guest.h"
#include "tests/support/netns.h"
#include "tests/support/tmpdir.h"

enum { BOOT_S = 120, SOON_S = 60 };

struct fixture {
    uv_loop_t loop;
    struct guest g;
    struct vmm_vm *vm;
    struct serial *serial;
    int ended, errors, seen;
    bool no_space;
    struct vmm_end end;
    char reason[200], wanted[80];
};

static void on_ended(struct vmm_vm *vm, const struct vmm_end *end, void *arg)
{
    struct fixture *f = arg;
    (void)vm;
    f->ended++;
    f->end = *end;
}
static void on_state(struct vmm_vm *vm, enum vmm_state state, const char *reason, void *arg)
{
    (void)vm;
    print_message("# state %s %s\n", vmm_state_names[state], reason);
    (void)str_copy(((struct fixture *)arg)->reason, 200, reason);
}
static void on_disk_error(struct vmm_vm *vm, const char *text, bool no_space, void *arg)
{
    struct fixture *f = arg;
    (void)vm;
    (void)text;
    f->errors++;
    f->no_space = no_space;
}
static const struct vmm_events events = {
    .state = on_state, .ended = on_ended, .disk_error = on_disk_error};

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
static bool is_running(void *arg)
{
    return vmm_state(((struct fixture *)arg)->vm) == VMM_RUNNING;
}
static bool is_full(void *arg)
{
    struct fixture *f = arg;
    return f->errors > 0 && vmm_state(f->vm) == VMM_PAUSED && f->reason[0];
}

static void expect(struct fixture *f, const char *typed, const char *text)
{
    (void)str_copy(f->wanted, sizeof f->wanted, text);
    f->seen = 0;
    if (typed)
        assert_int_equal(serial_write(f->serial, typed, strlen(typed)), strlen(typed));
    if (!loop_until(&f->loop, has_seen, f, BOOT_S))
        fail_msg("the serial line never showed '%s'", text);
}

static void boot(struct fixture *f)
{
    const struct serial_events lines = {.line = on_line};
    struct err e;

    assert_int_equal(uv_loop_init(&f->loop), 0);
    if (serial_new(&f->loop, f->g.folder, &lines, f, &f->serial, &e) < 0 ||
        vmm_start(&f->loop, &vmm_qemu, &f->g.spec, &events, f, &f->vm, &e) < 0 ||
        serial_connect(f->serial, 0, &e) < 0)
        fail_msg("%s", e.text);
    expect(f, NULL, "dropbear: listening on port 22");
}

static void shut_down(struct fixture *f)
{
    assert_int_equal(vmm_stop(f->vm, 60000, NULL), 0);
    assert_true(loop_until(&f->loop, has_ended, f, BOOT_S));
    assert_int_equal(f->end.why, VMM_WHY_GUEST_POWEROFF);
    vmm_free(f->vm);
    serial_free(f->serial);
    loop_close(&f->loop);
    guest_done(&f->g);
}

static void put_text(const char *dir, const char *name, const char *text, char path[static 300])
{
    (void)snprintf(path, 300, "%s/%s", dir, name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* ssh to the guest; the host key must be the one that was made before the guest ever ran. */
static int ssh(struct guest *g, const struct key_pair *client, const char *address,
               const char *command, char *out, size_t cap)
{
    struct secret pem = {0};
    struct err e;
    char key[300], known[300], known_option[340], line[300], pub[KEYS_PUBLIC_TEXT], target[100];

    assert_int_equal(keys_openssh_format(client, "test", &pem, &e), 0);
    pem.bytes[pem.len] = '\0';
    put_text(g->state, "key", (const char *)pem.bytes, key);
    secret_done(&pem);
    (void)snprintf(line, sizeof line, "%s %s\n", address,
                   keys_public_format(g->host_key.pub, NULL, pub));
    put_text(g->state, "known", line, known);
    (void)snprintf(known_option, sizeof known_option, "UserKnownHostsFile=%s", known);
    (void)snprintf(target, sizeof target, "root@%s", address);
    const char *const argv[] = {"ssh",
                                "-F",
                                "none",
                                "-i",
                                key,
                                "-o",
                                known_option,
                                "-o",
                                "StrictHostKeyChecking=yes",
                                "-o",
                                "BatchMode=yes",
                                "-o",
                                "ConnectTimeout=30",
                                target,
                                command,
                                NULL};
    return run_io(argv, NULL, out, cap);
}

static void test_network(void **state)
{
    struct fixture f = {0};
    struct key_pair client;
    struct tap tap;
    struct err e;
    char out[2000], pub[KEYS_PUBLIC_TEXT];

    (void)state;
    guest_make(&f.g, "web1");
    assert_int_equal(keys_generate(&client, &e), 0);
    f.g.seed.keys[0] = keys_public_format(client.pub, "test", pub);
    f.g.seed.n_keys = 1;
    assert_int_equal(seed_write(&f.g.seed, f.g.folder, f.g.uid, f.g.uid, &e), 0);
    if (tap_create(NULL, NULL, (uid_t)-1, &tap, &e) < 0)
        fail_msg("%s", e.text);
    run_ok("ip", "link", "set", tap.name, "up", "mtu", "1420");
    run_ok("ip", "addr", "add", "fe80::1/64", "dev", tap.name, "nodad");
    run_ok("ip", "addr", "add", "169.254.1.1/32", "dev", tap.name);
    run_ok("ip", "route", "add", "10.210.0.2/32", "dev", tap.name);
    run_ok("ip", "addr", "add", "fd5e:ed::1/128", "dev", "lo");
    run_ok("ip", "-6", "route", "add", "fd5e:ed::10/128", "dev", tap.name, "src", "fd5e:ed::1");
    f.g.spec.nics[0] = (struct vmm_nic){.tap_fd = tap.fd, .mac = {2, 0x5e, 0xed, 0, 0, 0x10}};
    f.g.spec.n_nics = 1;
    boot(&f);
    close(tap.fd); /* QEMU alone holds it now */

    assert_int_equal(ssh(&f.g, &client, "10.210.0.2",
                         "hostname; cat /etc/resolv.conf; ip link show eth0", out, sizeof out),
                     0);
    assert_non_null(strstr(out, "web1\nnameserver 10.210.255.53\n"));
    assert_non_null(strstr(out, "mtu 1420"));
    assert_int_equal(ssh(&f.g, &client, "fd5e:ed::10", "ip -6 route; exit 7", out, sizeof out), 7);
    assert_non_null(strstr(out, "default via fe80::1"));
    assert_int_equal(ssh(&f.g, &client, "10.210.0.2",
                         "modprobe -a wireguard nft_masq nft_chain_nat tun bridge veth dummy && "
                         "/usr/sbin/ip link add wg0 type wireguard && /usr/sbin/ip -d link show "
                         "wg0 && wg show wg0 && "
                         "which ping vi top less >/dev/null && lsmod | grep -c ^wireguard",
                         out, sizeof out),
                     0);
    assert_non_null(strstr(out, "wg0"));
    shut_down(&f);
    for (int i = 0; i < 100 && run("ip", "-br", "link", "show", tap.name) == 0; i++)
        usleep(50000);
    assert_int_not_equal(run("ip", "-br", "link", "show", tap.name), 0); /* it went with its VM */
    keys_done(&client);
}

/* The host runs out of room while the guest writes: it stands still, and goes on when there is. */
static void test_full_disk(void **state)
{
    static const char fill[] =
        "dd if=/dev/urandom of=/big bs=1M count=80 conv=fsync && echo writ''ten\n";
    struct fixture f = {0};
    char *dir = tmpdir_new();

    (void)state;
    assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, "size=110m,mode=711"), 0);
    assert_int_equal(setenv("TMPDIR", dir, 1), 0);
    guest_make(&f.g, "web1");
    boot(&f);
    expect(&f, "echo rea''dy\n", "ready");
    assert_int_equal(serial_write(f.serial, fill, sizeof fill - 1), sizeof fill - 1);
    assert_true(loop_until(&f.loop, is_full, &f, BOOT_S));
    assert_true(f.no_space);
    assert_non_null(strstr(f.reason, "disk is full"));
    assert_int_equal(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=400m"), 0);
    (void)str_copy(f.wanted, sizeof f.wanted, "written");
    f.seen = 0;
    assert_int_equal(vmm_resume(f.vm, NULL, NULL, NULL), 0);
    assert_true(loop_until(&f.loop, is_running, &f, SOON_S));
    expect(&f, NULL, "written");
    shut_down(&f);
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
    tmpdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_full_disk),
    };
    const char *lacks = guest_lacks();

    if (!lacks)
        lacks = netns_enter();
    if (lacks)
        return netns_skip_all("the built-in guest", lacks);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
