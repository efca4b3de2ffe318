/* The key forms as the real ssh-keygen and dropbearkey read them, and the key file of the state
 * folder. */
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
#include <sys/wait.h>
#include <unistd.h>

#include "backend/guest/keys.h"
#include "backend/host/secret_file.h"
#include "backend/model/text.h"

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[4][128];
    static unsigned next;
    char *at = path[next++ % 4];
    (void)snprintf(at, sizeof path[0], "%s/%s", dir, name);
    return at;
}

/* What a command prints; "" when it fails or is not there. */
static const char *output(const char *const argv[])
{
    static char text[2048];
    int out[2], status = 0;
    size_t len = 0;

    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(out[1], 1);
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    (void)close(out[1]);
    for (ssize_t n; (n = read(out[0], text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)n;
    (void)close(out[0]);
    (void)waitpid(pid, &status, 0);
    text[status == 0 ? len : 0] = '\0';
    return text;
}

static void write_secret(const char *path, const struct secret *s)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, s->bytes, s->len), s->len);
    (void)close(fd);
}

static void real_tools_read_them(void **state)
{
    (void)state;
    struct key_pair k = {0};
    struct secret file = {0};
    struct err e = {0};
    char public[KEYS_PUBLIC_TEXT], print[KEYS_FINGERPRINT_TEXT];

    assert_int_equal(keys_generate(&k, &e), 0);
    (void)keys_public_format(k.pub, "vm web-1", public);
    (void)keys_fingerprint(k.pub, print);

    const char *path = in_dir("openssh");
    assert_int_equal(keys_openssh_format(&k, "vm web-1", &file, &e), 0);
    write_secret(path, &file);
    const char *got = output((const char *const[]){"ssh-keygen", "-y", "-f", path, NULL});
    assert_int_equal(strncmp(got, public, strlen(public)), 0);
    got = output((const char *const[]){"ssh-keygen", "-l", "-f", path, NULL});
    assert_non_null(strstr(got, print));

    path = in_dir("dropbear");
    assert_int_equal(keys_dropbear_format(&k, &file), 0);
    write_secret(path, &file);
    got = output((const char *const[]){"dropbearkey", "-y", "-f", path, NULL});
    (void)keys_public_format(k.pub, NULL, public);
    assert_non_null(strstr(got, public));
    assert_non_null(strstr(got, print));
    keys_done(&k);
    secret_done(&file);
}

static void reads_what_ssh_keygen_makes(void **state)
{
    (void)state;
    struct key_pair k = {0};
    struct err e = {0};
    char public[KEYS_PUBLIC_TEXT];
    const char *path = in_dir("ssh_key");

    (void)output((const char *const[]){"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path,
                                       NULL});
    assert_int_equal(keys_client_load(dir, &k, &e), 0);
    const char *got = output((const char *const[]){"ssh-keygen", "-y", "-f", path, NULL});
    (void)keys_public_format(k.pub, NULL, public);
    assert_int_equal(strncmp(got, public, strlen(public)), 0);
    keys_done(&k);
    assert_int_equal(unlink(path), 0);
}

static void client_key_is_made_once(void **state)
{
    (void)state;
    struct key_pair first = {0}, second = {0};
    struct err e = {0};
    struct stat st;

    assert_int_equal(keys_client_load(dir, &first, &e), 0);
    assert_int_equal(keys_client_load(dir, &second, &e), 0);
    assert_memory_equal(first.pub, second.pub, sizeof first.pub);
    assert_true(secret_is_equal(&first.seed, &second.seed));
    assert_int_equal(stat(in_dir("ssh_key"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_nlink, 1);

    assert_int_equal(chmod(in_dir("ssh_key"), 0640), 0);
    assert_int_equal(keys_client_load(dir, &second, &e), -EPERM);
    assert_non_null(strstr(e.text, "mode 0600"));
    assert_int_equal(chmod(in_dir("ssh_key"), 0600), 0);
    assert_int_equal(truncate(in_dir("ssh_key"), 100), 0);
    assert_int_equal(keys_client_load(dir, &second, &e), -EINVAL);
    assert_int_equal(truncate(in_dir("ssh_key"), 0), 0);
    assert_int_equal(keys_client_load(dir, &second, &e), -EINVAL);
    assert_int_equal(unlink(in_dir("ssh_key")), 0);
    assert_int_equal(symlink(in_dir("openssh"), in_dir("ssh_key")), 0);
    assert_int_equal(keys_client_load(dir, &second, &e), -ELOOP);
    assert_int_equal(unlink(in_dir("ssh_key")), 0);
    assert_int_equal(mkfifo(in_dir("ssh_key"), 0600), 0);
    assert_int_equal(keys_client_load(dir, &second, &e), -EPERM);
    assert_int_equal(unlink(in_dir("ssh_key")), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(keys_client_load(dir, &second, &e), -EPERM);
    assert_int_equal(chmod(dir, 0700), 0);
    keys_done(&first);
}

static void many_makers_one_key(void **state)
{
    (void)state;
    enum { MAKERS = 16 };
    struct key_pair k = {0};
    struct err e = {0};
    uint8_t pub[KEYS_PUBLIC_BYTES];
    int out[2];

    assert_int_equal(pipe(out), 0);
    for (int i = 0; i < MAKERS; i++)
        if (fork() == 0) {
            int r = keys_client_load(dir, &k, &e);
            _exit(r != 0 || write(out[1], k.pub, sizeof k.pub) != sizeof k.pub);
        }
    int status, bad = 0;
    while (wait(&status) > 0)
        bad += status != 0;
    assert_int_equal(bad, 0);
    assert_int_equal(keys_client_load(dir, &k, &e), 0);
    for (int i = 0; i < MAKERS; i++) {
        assert_int_equal(read(out[0], pub, sizeof pub), sizeof pub);
        assert_memory_equal(pub, k.pub, sizeof pub);
    }
    keys_done(&k);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_tools_read_them),
        cmocka_unit_test(reads_what_ssh_keygen_makes),
        cmocka_unit_test(client_key_is_made_once),
        cmocka_unit_test(many_makers_one_key),
    };
    (void)snprintf(dir, sizeof dir, "/tmp/meshdeck-keys.XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)output((const char *const[]){"rm", "-rf", dir, NULL});
    return failed;
}
