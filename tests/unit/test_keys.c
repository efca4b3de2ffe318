#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "backend/guest/keys.h"
#include "backend/model/text.h"

/* RFC 8032, section 7.1, test 1 */
static const uint8_t seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
static const uint8_t pub[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
                                0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
                                0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
static const char line[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea rfc";

static void known(struct key_pair *k)
{
    memcpy(k->pub, pub, sizeof pub);
    assert_int_equal(secret_set(&k->seed, seed, sizeof seed), 0);
}

static void public_line_and_fingerprint(void **state)
{
    (void)state;
    char text[KEYS_PUBLIC_TEXT], print[KEYS_FINGERPRINT_TEXT], again[KEYS_PUBLIC_TEXT];
    uint8_t got[KEYS_PUBLIC_BYTES];
    struct err e = {0};

    assert_string_equal(keys_public_format(pub, "rfc", text), line);
    assert_string_equal(keys_fingerprint(pub, print),
                        "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8");
    assert_int_equal(keys_public_parse(line, got, &e), 0);
    assert_memory_equal(got, pub, sizeof pub);
    assert_null(strchr(keys_public_format(pub, "two\nlines", again), '\n'));
}

static void refuses_other_public_lines(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2E=",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1E",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1EaAAAA",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1E=",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI=damAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5!AAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
    };
    uint8_t got[KEYS_PUBLIC_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(keys_public_parse(bad[i], got, NULL), -EINVAL);
}

static void openssh_form_comes_back(void **state)
{
    (void)state;
    struct key_pair k = {0}, back = {0};
    struct secret text = {0};
    struct err e = {0};

    known(&k);
    assert_int_equal(keys_openssh_format(&k, "a comment", &text, &e), 0);
    assert_int_equal(keys_openssh_parse(&text, &back, &e), 0);
    assert_int_equal(e.code, 0);
    assert_memory_equal(back.pub, pub, sizeof pub);
    assert_true(secret_is_equal(&back.seed, &k.seed));

    for (size_t i = 0; i < text.len; i++) { /* cut anywhere, flipped anywhere: never a wrong key */
        struct secret bad = text;
        bad.len = i;
        keys_done(&back);
        if (keys_openssh_parse(&bad, &back, NULL) == 0)
            assert_memory_equal(back.pub, pub, sizeof pub);
        bad = text;
        bad.bytes[i] ^= 1;
        if (keys_openssh_parse(&bad, &back, NULL) == 0)
            assert_memory_equal(back.pub, pub, sizeof pub);
    }
    keys_done(&k);
    keys_done(&back);
    secret_done(&text);
}

static void dropbear_form(void **state)
{
    (void)state;
    struct key_pair k = {0};
    struct secret file = {0};

    known(&k);
    assert_int_equal(keys_dropbear_format(&k, &file), 0);
    assert_int_equal(file.len, 4 + 11 + 4 + 64);
    assert_memory_equal(file.bytes, "\0\0\0\x0bssh-ed25519\0\0\0\x40", 19);
    assert_memory_equal(file.bytes + 19, seed, 32);
    assert_memory_equal(file.bytes + 51, pub, 32);
    keys_done(&k);
    secret_done(&file);
}

static void secrets_are_wiped(void **state)
{
    (void)state;
    static const struct secret zero;
    struct key_pair k = {0}, other = {0};
    struct err e = {0};

    assert_int_equal(keys_generate(&k, &e), 0);
    assert_int_equal(keys_generate(&other, &e), 0);
    assert_false(secret_is_equal(&k.seed, &other.seed));
    keys_done(&k);
    assert_memory_equal(&k.seed, &zero, sizeof zero);
    keys_done(&other);
    keys_done(NULL);
    secret_done(NULL);
    assert_int_equal(secret_random(&k.seed, SECRET_MAX + 1), -E2BIG);
    assert_int_equal(secret_set(&k.seed, seed, SECRET_MAX + 1), -E2BIG);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_line_and_fingerprint),
        cmocka_unit_test(refuses_other_public_lines),
        cmocka_unit_test(openssh_form_comes_back),
        cmocka_unit_test(dropbear_form),
        cmocka_unit_test(secrets_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
