/* qcow2 headers, good and hostile, and our own writer against qemu-img. */
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
#include <sys/stat.h>
#include <unistd.h>

#include "backend/guest/disk.h"
#include "backend/model/text.h"
#include "tests/support/netns.h"
#include "tests/support/tmpdir.h"

enum { GIB = 1 << 30 };

static char *dir;

static const char *in_dir(const char *name, char buf[static 300])
{
    (void)snprintf(buf, 300, "%s/%s", dir, name);
    return buf;
}

static void put_file(const char *name, const void *bytes, size_t len, uint64_t file_bytes)
{
    char path[300];
    const int fd = open(in_dir(name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(ftruncate(fd, (off_t)file_bytes), 0);
    assert_int_equal(close(fd), 0);
}

static void get_head(const char *name, uint8_t *head, size_t len)
{
    char path[300];
    const int fd = open(in_dir(name, path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, head, len), len);
    close(fd);
}

static int setup(void **state)
{
    (void)state;
    dir = tmpdir_new();
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    tmpdir_remove(dir);
    return 0;
}

/* What we write is what QEMU reads. */
static void test_against_qemu_img(void **state)
{
    static const uint64_t sizes[] = {512, 10ull * GIB, 600ull * GIB, 5000ull * GIB, 65536ull * GIB};
    char path[300], out[4000], want[100];
    struct disk_info info;
    struct err e;

    (void)state;
    if (access("/usr/bin/qemu-img", X_OK) < 0)
        skip();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (disk_create(dir, "d.qcow2", NULL, sizes[i], 0, 0, &e) < 0)
            fail_msg("%s", e.text);
        in_dir("d.qcow2", path);
        assert_int_equal(run("qemu-img", "check", "-q", path), 0);
        assert_int_equal(
            run_io((const char *const[]){"qemu-img", "info", "--output=json", path, NULL}, NULL,
                   out, sizeof out),
            0);
        (void)snprintf(want, sizeof want, "\"virtual-size\": %llu,", (unsigned long long)sizes[i]);
        assert_non_null(strstr(out, want));
        assert_int_equal(disk_check(dir, "d.qcow2", NULL, &info, &e), 0);
        assert_int_equal(info.virtual_bytes, sizes[i]);
        assert_true(info.used_bytes <= 1 << 20);
        assert_int_equal(disk_create(dir, "d.qcow2", NULL, sizes[i], 0, 0, &e), -EEXIST);
        assert_int_equal(unlink(path), 0);
    }
}

/* An overlay over a disk of QEMU's own making: the guest's bytes come through, and go into it. */
static void test_overlay(void **state)
{
    char base[300], disk[300], out[4000];
    struct disk_info info;
    struct err e;

    (void)state;
    if (access("/usr/bin/qemu-img", X_OK) < 0)
        skip();
    run_ok("qemu-img", "create", "-q", "-f", "qcow2", in_dir("base.qcow2", base), "64M");
    run_ok("qemu-io", "-f", "qcow2", "-c", "write -P 0x5a 1M 64k", base);
    assert_int_equal(disk_create(dir, "disk.qcow2", "base.qcow2", 32 << 20, 0, 0, &e), -EINVAL);
    assert_int_equal(disk_create(dir, "disk.qcow2", "base.qcow2", 10ull * GIB, 0, 0, &e), 0);
    in_dir("disk.qcow2", disk);
    assert_int_equal(
        run_io((const char *const[]){"qemu-io", "-f", "qcow2", "-c", "read -P 0x5a 1M 64k", "-c",
                                     "write -P 0x77 9G 64k", disk, NULL},
               NULL, out, sizeof out),
        0);
    assert_null(strstr(out, "verification failed"));
    assert_int_equal(disk_grow(dir, "disk.qcow2", 20ull * GIB, &e), 0);
    assert_int_equal(disk_grow(dir, "disk.qcow2", 5ull * GIB, &e), -EINVAL);
    assert_int_equal(disk_grow(dir, "disk.qcow2", 9000ull * GIB, &e), -EINVAL);
    run_ok("qemu-io", "-f", "qcow2", "-c", "read -P 0x77 9G 64k", "-c", "write -P 1 19G 64k", disk);
    assert_int_equal(run("qemu-img", "check", "-q", disk), 0);
    assert_int_equal(disk_check(dir, "disk.qcow2", NULL, &info, &e), 0);
    assert_int_equal(info.virtual_bytes, 20ull * GIB);
    assert_string_equal(info.backing, "base.qcow2");
    assert_string_equal(info.backing_format, "qcow2");
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* One change to a good header each, and the word that tells it. */
static void test_hostile_headers(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
        const char *says;
    } cases[] = {
        {4, 4, "version"},
        {20, 5, "cluster"},
        {20, 40, "cluster"},
        {28, 0, "size"},
        {24, 0x7fffffff, "size"},
        {32, 1, "encrypted"},
        {36, 1, "first table"},
        {36, 0xffffffff, "first table"},
        {40, 0x7fffffff, "truncated"},
        {44, 0x1001, "truncated"},
        {44, 0, "truncated"},
        {48, 0x7fffffff, "truncated"},
        {56, 0, "truncated"},
        {56, 0xffffffff, "truncated"},
        {76, 2, "damaged"},
        {76, 4, "another file"},
        {76, 0x80, "not known"},
        {100, 8, "length"},
        {100, 0x7fffffff, "length"},
        {104, 0x44415441, "another file"},
        {108, 0x7fffffff, "extension"},
        {12, 0x7fffffff, "backing"},
        {16, 5000, "backing"},
        {16, 0xffffffff, "backing"},
    };
    uint8_t good[4096], head[4096];
    struct disk_info info;
    struct err e;
    const uint8_t zeros[1024] = {0};

    (void)state;
    put_file("base.raw", zeros, sizeof zeros, 1 << 20);
    assert_int_equal(disk_create(dir, "good.qcow2", "base.raw", 10ull * GIB, 0, 0, &e), 0);
    get_head("good.qcow2", good, sizeof good);
    assert_int_equal(disk_parse(good, sizeof good, 4 << 20, &info, &e), 0);
    assert_string_equal(info.backing, "base.raw");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memcpy(head, good, sizeof head);
        put32(head + cases[i].at, cases[i].value);
        if (cases[i].at == 28) /* the low half of the size: the high one too */
            put32(head + 24, 0);
        if (disk_parse(head, sizeof head, 4 << 20, &info, &e) != -EINVAL ||
            !strstr(e.text, cases[i].says))
            fail_msg("case %zu (%zu = %x): %s", i, cases[i].at, cases[i].value, e.text);
    }
    for (size_t len = 0; len < 200; len++) /* cut anywhere: no read beyond, no success by chance */
        if (disk_parse(good, len, len, &info, &e) == 0)
            fail_msg("a header of %zu bytes passed", len);
    assert_int_equal(disk_parse(good, 0, 0, &info, &e), -EINVAL);
    assert_non_null(strstr(e.text, "0 bytes"));
}

static void backed_by(const char *name, const char *backing, const char *format)
{
    uint8_t head[4096];

    (void)unlink(in_dir(name, (char[300]){0}));
    get_head("good.qcow2", head, sizeof head);
    memset(head + 104, 0, sizeof head - 104);
    put32(head + 104, 0xE2792ACA);
    put32(head + 108, (uint32_t)strlen(format));
    memcpy(head + 112, format, strlen(format));
    put32(head + 8, 0);
    put32(head + 12, 200);
    put32(head + 16, (uint32_t)strlen(backing));
    memcpy(head + 200, backing, strlen(backing));
    put_file(name, head, sizeof head, 4 << 20);
}

/* A chain may not leave the folder and the store, whatever it says. */
static void test_chains(void **state)
{
    static const struct {
        const char *backing, *format;
        int code;
    } cases[] = {
        {"/etc/shadow", "raw", -EPERM},
        {"../../etc/shadow", "raw", -EPERM},
        {"json:{\"driver\":\"file\"}", "raw", -EPERM},
        {"nbd:127.0.0.1:1", "raw", -EPERM},
        {"gone.qcow2", "qcow2", -ENOENT},
        {"link.raw", "raw", -ELOOP},
        {"fifo", "raw", -EINVAL},
        {"base.raw", "", -EINVAL},
        {"base.raw", "vmdk", -EINVAL},
        {"base.raw", "qcow2", -EINVAL},
        {"base.raw", "raw", 0},
        {"self.qcow2", "qcow2", -ELOOP},
        {"empty", "raw", -EINVAL},
    };
    char path[300], store[300], absolute[600];
    struct disk_info info;
    struct err e;
    const uint8_t zeros[1024] = {0};

    (void)state;
    put_file("base.raw", zeros, sizeof zeros, 1 << 20);
    put_file("empty", zeros, 0, 0);
    assert_int_equal(disk_create(dir, "good.qcow2", "base.raw", 10ull * GIB, 0, 0, &e), 0);
    assert_int_equal(symlink("/etc/shadow", in_dir("link.raw", path)), 0);
    assert_int_equal(mkfifo(in_dir("fifo", path), 0600), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        backed_by("self.qcow2", cases[i].backing, cases[i].format);
        const int r = disk_check(dir, "self.qcow2", dir, &info, &e);
        if (r != cases[i].code)
            fail_msg("%s as %s: %d %s", cases[i].backing, cases[i].format, r, r ? e.text : "");
    }
    /* An absolute name below the store is fine; through a link out of it, it is not. */
    in_dir("store", store);
    assert_int_equal(mkdir(store, 0700), 0);
    put_file("store/base.raw", zeros, sizeof zeros, 1 << 20);
    (void)snprintf(absolute, sizeof absolute, "%s/base.raw", store);
    backed_by("self.qcow2", absolute, "raw");
    assert_int_equal(disk_check(dir, "self.qcow2", store, &info, &e), 0);
    assert_int_equal(disk_check(dir, "self.qcow2", NULL, &info, &e), -EPERM);
    assert_int_equal(symlink("/etc", in_dir("store/out", path)), 0);
    (void)snprintf(absolute, sizeof absolute, "%s/out/shadow", store);
    backed_by("self.qcow2", absolute, "raw");
    assert_int_equal(disk_check(dir, "self.qcow2", store, &info, &e), -EPERM);
    assert_int_equal(disk_check(dir, "link.raw", store, &info, &e), -ELOOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_qemu_img, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overlay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chains, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
