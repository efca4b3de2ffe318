/* The image store with small made-up images: put in, looked at, linked, damaged, replaced, deleted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/guest/disk.h"
#include "backend/guest/image.h"
#include "tests/support/tmpdir.h"

enum { KERNEL_BYTES = 8192 };

static char *state_dir, *from;

static const char *at(const char *dir, const char *name)
{
    static char path[4][300];
    static unsigned next;
    char *p = path[next++ % 4];
    (void)snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static void put(const char *dir, const char *name, const void *bytes, size_t len)
{
    const int fd = open(at(dir, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void make_kernel(uint8_t *k, uint16_t machine, uint64_t filesz)
{
    Elf64_Ehdr h = {.e_type = ET_EXEC,
                    .e_machine = machine,
                    .e_phoff = sizeof h,
                    .e_phnum = 1,
                    .e_phentsize = sizeof(Elf64_Phdr)};
    Elf64_Phdr p = {.p_type = PT_LOAD, .p_offset = 4096, .p_filesz = filesz};

    memcpy(h.e_ident, ELFMAG, SELFMAG);
    h.e_ident[EI_CLASS] = ELFCLASS64;
    h.e_ident[EI_DATA] = ELFDATA2LSB;
    memset(k, 0, KERNEL_BYTES);
    memcpy(k, &h, sizeof h);
    memcpy(k + sizeof h, &p, sizeof p);
}

static int setup(void **state)
{
    uint8_t k[KERNEL_BYTES];
    struct err e;

    (void)state;
    state_dir = tmpdir_new();
    from = tmpdir_new();
    make_kernel(k, EM_X86_64, 4096);
    put(from, "kernel", k, sizeof k);
    put(from, "initrd", "cpio", 4);
    return disk_create(from, "base.qcow2", NULL, 64 << 20, 0, 0, &e);
}

static int teardown(void **state)
{
    (void)state;
    tmpdir_remove(state_dir);
    tmpdir_remove(from);
    return 0;
}

static void test_life(void **state)
{
    struct image im, *all;
    struct err e;
    struct stat a, b;
    size_t n;
    char *folder = tmpdir_new();

    (void)state;
    assert_int_equal(image_open(state_dir, "builtin", &im, &e), -ENOENT);
    assert_int_equal(image_list(state_dir, &all, &n, &e), 0);
    assert_int_equal(n, 0);
    put(from, "version", "linux 6.1\nbusybox 1\n", 20);
    if (image_install(state_dir, "builtin", from, "built-in", &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(image_open(state_dir, "builtin", &im, &e), 0);
    assert_string_equal(im.version, "linux 6.1");
    assert_string_equal(im.origin, "built-in");
    assert_string_equal(im.format, "qcow2");
    assert_int_equal(strlen(im.sha256), 64);
    assert_true(im.has_initrd && im.size_bytes > KERNEL_BYTES && im.added_ms > 1600000000000);
    assert_int_equal(image_verify(state_dir, "builtin", &e), 0);

    assert_int_equal(image_link(state_dir, "builtin", folder, &e), 0);
    assert_int_equal(image_link(state_dir, "builtin", folder, &e), 0); /* again is fine */
    assert_int_equal(stat(at(folder, "base.qcow2"), &a), 0);
    put(from, "initrd", "cpio2", 5); /* another version takes its place; the VM keeps the old */
    assert_int_equal(image_install(state_dir, "builtin", from, "built-in", &e), 0);
    assert_int_equal(stat(at(folder, "base.qcow2"), &b), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    assert_int_equal(stat(at(state_dir, "images/builtin/base.qcow2"), &b), 0);
    assert_int_not_equal(a.st_ino, b.st_ino);
    assert_int_equal(access(at(state_dir, "images/.builtin.new"), F_OK), -1);

    assert_int_equal(image_list(state_dir, &all, &n, &e), 0);
    assert_int_equal(n, 1);
    assert_string_equal(all[0].name, "builtin");
    free(all);
    assert_int_equal(image_delete(state_dir, "builtin", &e), 0);
    assert_int_equal(image_delete(state_dir, "builtin", &e), -ENOENT);
    assert_int_equal(access(at(folder, "kernel"), R_OK), 0);
    assert_int_equal(image_delete(state_dir, "../images", &e), -EINVAL);
    assert_int_equal(image_install(state_dir, ".hidden", from, "x", &e), -EINVAL);
    tmpdir_remove(folder);
}

/* The checksum of the maker is compared; what is whole is not copied twice. */
static void test_checksum(void **state)
{
    char version[200];
    struct image im;
    struct err e;
    struct stat a, b;

    (void)state;
    assert_int_equal(image_install(state_dir, "one", from, "imported", &e), 0);
    assert_int_equal(image_open(state_dir, "one", &im, &e), 0);
    (void)snprintf(version, sizeof version, "v1\nsha256 %s\n", im.sha256);
    put(from, "version", version, strlen(version));
    assert_int_equal(stat(at(state_dir, "images/one/kernel"), &a), 0);
    assert_int_equal(image_install(state_dir, "one", from, "imported", &e), 0);
    assert_int_equal(stat(at(state_dir, "images/one/kernel"), &b), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    put(from, "initrd", "damaged", 7);
    assert_int_equal(image_install(state_dir, "two", from, "imported", &e), -EBADMSG);
    assert_int_equal(image_open(state_dir, "two", &im, &e), -ENOENT);
    put(state_dir, "images/one/initrd", "bitrot", 6);
    assert_int_equal(image_verify(state_dir, "one", &e), -EBADMSG);
}

static void is_refused(const char *file, const void *bytes, size_t len, const char *says)
{
    struct image im;
    struct err e;

    if (bytes)
        put(state_dir, file, bytes, len);
    else
        assert_int_equal(unlink(at(state_dir, file)), 0);
    assert_int_equal(image_open(state_dir, "bad", &im, &e), -EINVAL);
    if (!strstr(im.problem, says) || !strstr(e.text, says))
        fail_msg("'%s' instead of '%s'", im.problem, says);
}

static void test_problems(void **state)
{
    uint8_t k[KERNEL_BYTES], arm[64] = {0};
    struct image im;
    struct err e;

    (void)state;
    assert_int_equal(image_install(state_dir, "bad", from, "imported", &e), 0);
    make_kernel(k, EM_AARCH64, 4096);
    is_refused("images/bad/kernel", k, sizeof k, "aarch64");
    make_kernel(k, EM_386, 4096);
    is_refused("images/bad/kernel", k, sizeof k, "not for x86-64");
    make_kernel(k, EM_X86_64, 4096);
    is_refused("images/bad/kernel", k, 6000, "truncated");
    is_refused("images/bad/kernel", k, 30, "truncated");
    is_refused("images/bad/kernel", "", 0, "0 bytes");
    is_refused("images/bad/kernel", "#!/bin/sh\n", 10, "neither");
    memcpy(arm + 56, "ARM\x64", 4);
    is_refused("images/bad/kernel", arm, sizeof arm, "aarch64");
    is_refused("images/bad/kernel", NULL, 0, "missing");
    put(state_dir, "images/bad/kernel", k, sizeof k);
    assert_int_equal(image_open(state_dir, "bad", &im, &e), 0);
    is_refused("images/bad/initrd", "", 0, "initrd");
    put(state_dir, "images/bad/initrd", "x", 1);
    is_refused("images/bad/base.qcow2", "", 0, "0 bytes");
    is_refused("images/bad/base.qcow2", "QFI\xfb\0\0\0\3", 8, "truncated");
    is_refused("images/bad/base.qcow2", NULL, 0, "base.qcow2");
}

/* bzImage headers by hand. */
static void test_bzimage(void **state)
{
    uint8_t head[0x400] = {0};
    struct err e;

    (void)state;
    memcpy(head + 0x202, "HdrS", 4);
    head[0x1fe] = 0x55;
    head[0x1ff] = 0xaa;
    head[0x1f1] = 1;   /* setup sectors */
    head[0x1f4] = 100; /* 1600 bytes */
    head[0x206] = 0x0f;
    head[0x207] = 2;
    head[0x236] = 1;
    assert_int_equal(image_check_kernel(head, sizeof head, 1024 + 1600, &e), 0);
    assert_int_equal(image_check_kernel(head, sizeof head, 1024 + 1599, &e), -EINVAL);
    head[0x236] = 0;
    assert_int_equal(image_check_kernel(head, sizeof head, 1024 + 1600, &e), -EINVAL);
    for (size_t n = 0; n < 0x238; n++)
        assert_int_equal(image_check_kernel(head, n, n, &e), -EINVAL);
}

static void test_find_builtin(void **state)
{
    char path[PATH_MAX];
    struct err e;

    (void)state;
    assert_int_equal(setenv("MESHDECK_GUEST", from, 1), 0);
    assert_int_equal(image_find_builtin(path, &e), 0);
    assert_string_equal(path, from);
    assert_int_equal(setenv("MESHDECK_GUEST", state_dir, 1), 0);
    assert_int_equal(image_find_builtin(path, &e), -ENOENT);
    assert_int_equal(unsetenv("MESHDECK_GUEST"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_checksum, setup, teardown),
        cmocka_unit_test_setup_teardown(test_problems, setup, teardown),
        cmocka_unit_test(test_bzimage),
        cmocka_unit_test_setup_teardown(test_find_builtin, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
