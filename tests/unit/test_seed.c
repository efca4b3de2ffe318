/* The seed disk, read back by a parser of this test (and, in tests/host, by a guest's kernel). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/guest/iso.h"
#include "backend/guest/seed.h"
#include "backend/model/text.h"
#include "tests/support/tmpdir.h"

static uint32_t get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void both_are(const uint8_t *p, uint32_t v)
{
    assert_int_equal(get32(p), v);
    for (int i = 0; i < 4; i++)
        assert_int_equal(p[i], p[7 - i]);
}

/* The Rock Ridge name of a record. */
static const char *name_of(const uint8_t *record, char buf[static 256])
{
    size_t at = 33u + record[32];
    at += at % 2;
    if (record[32] == 1 && record[33] == 0)
        return strcpy(buf, ".");
    while (at + 4 <= record[0] && record[at + 2] >= 4) {
        if (memcmp(record + at, "NM", 2) == 0) {
            const size_t n = record[at + 2] - 5u;
            memcpy(buf, record + at + 5, n);
            buf[n] = '\0';
            return buf;
        }
        at += record[at + 2];
    }
    return strcpy(buf, "..");
}

/* A file's text, NUL-ended; NULL when it is not there. */
static char *file_of(const uint8_t *image, size_t len, const char *name)
{
    const uint8_t *volume = image + 16 * ISO_BLOCK, *root;
    char buf[256];

    assert_memory_equal(volume, "\1CD001\1", 7);
    assert_memory_equal(volume + 40, "cidata  ", 8);
    both_are(volume + 80, (uint32_t)(len / ISO_BLOCK));
    root = image + (size_t)get32(volume + 156 + 2) * ISO_BLOCK;
    for (size_t at = 0; root[at] != 0; at += root[at]) {
        const uint32_t block = get32(root + at + 2), bytes = get32(root + at + 10);
        both_are(root + at + 2, block);
        both_are(root + at + 10, bytes);
        assert_true((size_t)block * ISO_BLOCK + bytes <= len);
        if (strcmp(name_of(root + at, buf), name) == 0) {
            char *text = calloc(1, bytes + 1);
            memcpy(text, image + (size_t)block * ISO_BLOCK, bytes);
            return text;
        }
    }
    return NULL;
}

static void has(const uint8_t *image, size_t len, const char *file, const char *text)
{
    char *all = file_of(image, len, file);
    if (!all || !strstr(all, text))
        fail_msg("%s lacks '%s':\n%s", file, text, all ? all : "(no file)");
    free(all);
}

static struct seed plain_seed(void)
{
    struct seed s = {
        .instance_id = "i-0011", .hostname = "web1", .mtu = 1420, .search = "mesh.internal"};
    struct err e;

    memcpy(s.mac, (const uint8_t[]){2, 0x5e, 0xed, 0, 0, 0x11}, 6);
    assert_int_equal(addr_parse("fd5e::11", false, &s.ip6, &e), 0);
    assert_int_equal(addr_parse("10.210.0.2", false, &s.ip4, &e), 0);
    s.gateway6 = addr_gateway_ip6();
    s.gateway4 = addr_gateway_ip4();
    s.dns[0] = addr_dns_ip4();
    s.n_dns = 1;
    s.keys[0] = "ssh-ed25519 AAAAC3Nza ops \"one\" \\ two";
    s.n_keys = 1;
    return s;
}

static void test_files(void **state)
{
    struct seed s = plain_seed();
    struct key_pair key;
    struct err e;
    uint8_t *image;
    size_t len;
    char *flat;

    (void)state;
    assert_int_equal(keys_generate(&key, &e), 0);
    s.host_key = &key;
    assert_int_equal(seed_build(&s, &image, &len, &e), 0);
    assert_true(len >= 65536 && len % ISO_BLOCK == 0);
    has(image, len, "meta-data", "instance-id: \"i-0011\"\nlocal-hostname: \"web1\"\n");
    has(image, len, "user-data", "#cloud-config\n");
    has(image, len, "user-data", "  - \"ssh-ed25519 AAAAC3Nza ops \\\"one\\\" \\\\ two\"\n");
    has(image, len, "user-data",
        "  ed25519_private: |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    ");
    has(image, len, "user-data",
        "\n    -----END OPENSSH PRIVATE KEY-----\n  ed25519_public: \"ssh-ed25519 ");
    has(image, len, "network-config", "macaddress: \"02:5e:ed:00:00:11\"\n");
    has(image, len, "network-config", "      - \"fd5e::11/128\"\n      - \"10.210.0.2/32\"\n");
    has(image, len, "network-config",
        "      - to: \"0.0.0.0/0\"\n        via: \"169.254.1.1\"\n        on-link: true\n");
    has(image, len, "network-config", "    mtu: 1420\n");
    has(image, len, "vendor-data", "");
    flat = file_of(image, len, "meshdeck");
    assert_non_null(flat); /* the same at the very beginning, for guests without the filesystem */
    assert_memory_equal(flat, image, strlen(flat));
    assert_memory_equal(flat, "meshdeck=1\n", 11);
    assert_non_null(
        strstr(flat, "\nipv6=fd5e::11/128\nipv6_gateway=fe80::1\nipv4=10.210.0.2/32\n"));
    assert_non_null(strstr(flat, "\nssh_host_key=AAAAC3NzaC1lZDI1NTE5AAAAQ"));
    assert_string_equal(flat + strlen(flat) - 4, "end\n");
    free(flat);
    seed_free(image, len);

    s.dhcp4 = true;
    s.user_data = "#!/bin/sh\necho hello\n";
    assert_int_equal(seed_build(&s, &image, &len, &e), 0);
    has(image, len, "user-data", "#!/bin/sh\necho hello\n");
    has(image, len, "vendor-data", "#cloud-config\n");
    has(image, len, "meshdeck", "\nipv4=dhcp\n");
    has(image, len, "network-config", "dhcp4: true\n");
    seed_free(image, len);
    keys_done(&key);
}

static void test_refusals(void **state)
{
    static const char *const bad_keys[] = {"a\nend", "a\rb", "a\tb\x1b", "\x7f"};
    struct seed s;
    struct err e;
    uint8_t *image;
    size_t len;
    char *big = calloc(1, SEED_USER_DATA_MAX + 2);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_keys); i++) {
        s = plain_seed();
        s.keys[0] = bad_keys[i];
        assert_int_equal(seed_build(&s, &image, &len, &e), -EINVAL);
    }
    s = plain_seed();
    s.hostname = "web1\nssh_key=mine";
    assert_int_equal(seed_build(&s, &image, &len, &e), -EINVAL);
    s.hostname = "";
    assert_int_equal(seed_build(&s, &image, &len, &e), -EINVAL);
    s = plain_seed();
    s.search = "x\ny";
    assert_int_equal(seed_build(&s, &image, &len, &e), -EINVAL);
    s = plain_seed();
    s.n_keys = SEED_KEYS_MAX + 1;
    assert_int_equal(seed_build(&s, &image, &len, &e), -E2BIG);
    s = plain_seed();
    memset(big, 'x', SEED_USER_DATA_MAX + 1);
    s.user_data = big;
    assert_int_equal(seed_build(&s, &image, &len, &e), -E2BIG);
    big[SEED_USER_DATA_MAX] = '\0';
    assert_int_equal(seed_build(&s, &image, &len, &e), 0);
    has(image, len, "user-data", big);
    seed_free(image, len);
    memset(big, 'k', 2000); /* many long keys: refused, not cut */
    big[2000] = '\0';
    s = plain_seed();
    for (s.n_keys = 0; s.n_keys < SEED_KEYS_MAX; s.n_keys++)
        s.keys[s.n_keys] = big;
    assert_int_equal(seed_build(&s, &image, &len, &e), -E2BIG);
    free(big);
}

static void test_file_on_disk(void **state)
{
    struct seed s = plain_seed();
    struct err e;
    struct stat st;
    char *dir = tmpdir_new();
    char path[200];

    (void)state;
    assert_false(seed_is_whole(dir));
    assert_int_equal(seed_write(&s, dir, (uid_t)-1, (gid_t)-1, &e), 0);
    assert_int_equal(seed_write(&s, dir, (uid_t)-1, (gid_t)-1, &e), 0); /* again: replaced */
    assert_true(seed_is_whole(dir));
    (void)snprintf(path, sizeof path, "%s/seed.img", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(truncate(path, 4096), 0);
    assert_false(seed_is_whole(dir));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_false(seed_is_whole(dir));
    tmpdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_file_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
