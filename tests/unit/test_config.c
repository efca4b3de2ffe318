/* The operator's folder and the options in it: whose files are read and written, and with whose
 * rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tui/config.h"
#include "tui/prefs.h"

enum { CALLER = 61234 };

static char dir[64];

static int make(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/meshdeck-config-XXXXXX");
    unsetenv("SUDO_UID");
    unsetenv("SUDO_GID");
    return mkdtemp(dir) ? 0 : -1;
}

static int drop(void **state)
{
    static const char *const names[] = {"a/b/config", "a/b", "a", "config", "link", "other", "mine/config", "mine"};
    char path[128];

    (void)state;
    unsetenv("SUDO_UID");
    unsetenv("SUDO_GID");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        if (unlink(path) < 0)
            rmdir(path);
    }
    return rmdir(dir);
}

static const char *in_dir(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void find(void **state)
{
    char found[128];

    (void)state;
    config_find(found, sizeof found, "/somewhere");
    assert_string_equal(found, "/somewhere");
    setenv("XDG_CONFIG_HOME", "/xdg", 1);
    config_find(found, sizeof found, NULL);
    assert_string_equal(found, "/xdg/meshdeck");
    setenv("XDG_CONFIG_HOME", "relative", 1);
    setenv("HOME", "/home/x", 1);
    config_find(found, sizeof found, NULL);
    assert_string_equal(found, "/home/x/.config/meshdeck");
    unsetenv("HOME");
    config_find(found, sizeof found, NULL);
    assert_string_equal(found, "");
}

static void write_and_read(void **state)
{
    char *text = NULL, why[200];
    struct stat st;

    (void)state;
    assert_int_equal(config_read(dir, "config", &text, why, sizeof why), -ENOENT);
    assert_string_equal(why, "");
    char deep[128];
    snprintf(deep, sizeof deep, "%s", in_dir("a/b"));
    assert_int_equal(config_write(deep, "config", "theme light\n", why, sizeof why), 0);
    assert_int_equal(config_write(deep, "config", "theme mono\n", why, sizeof why), 0);
    assert_int_equal(config_read(deep, "config", &text, why, sizeof why), 0);
    assert_string_equal(text, "theme mono\n");
    free(text);
    assert_int_equal(stat(in_dir("a/b/config"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void not_through_links(void **state)
{
    char *text = NULL, why[200];

    (void)state;
    assert_int_equal(symlink("/etc/hostname", in_dir("link")), 0);
    assert_int_equal(config_read(dir, "link", &text, why, sizeof why), -ELOOP);
    assert_string_not_equal(why, "");
    assert_int_equal(mkfifo(in_dir("other"), 0600), 0); /* and it does not wait for a writer */
    assert_int_equal(config_read(dir, "other", &text, why, sizeof why), -EINVAL);
}

static void under_sudo(void **state)
{
    char *text = NULL, why[200], mine[128], number[16];
    struct stat st;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(config_write(dir, "config", "theme light\n", why, sizeof why), 0);
    snprintf(mine, sizeof mine, "%s", in_dir("mine"));
    assert_int_equal(mkdir(mine, 0700), 0);
    assert_int_equal(chown(mine, CALLER, CALLER), 0);
    assert_int_equal(chmod(dir, 0711), 0);
    snprintf(number, sizeof number, "%d", CALLER);
    setenv("SUDO_UID", number, 1);
    setenv("SUDO_GID", number, 1);
    /* The caller's own folder: written as the caller. */
    assert_int_equal(config_write(mine, "config", "theme mono\n", why, sizeof why), 0);
    assert_int_equal(stat(in_dir("mine/config"), &st), 0);
    assert_int_equal(st.st_uid, CALLER);
    assert_int_equal(config_read(mine, "config", &text, why, sizeof why), 0);
    free(text);
    /* Root's: neither written nor read for them. */
    assert_int_equal(config_write(dir, "config", "x\n", why, sizeof why), -EACCES);
    assert_int_equal(config_read(dir, "config", &text, why, sizeof why), -EACCES);
    /* Readable, but not the caller's: not read either. */
    assert_int_equal(chmod(in_dir("config"), 0644), 0);
    assert_int_equal(config_read(dir, "config", &text, why, sizeof why), -EPERM);
    assert_non_null(strstr(why, "belongs to uid 0"));
    /* Our own rights are back. */
    int fd = open("/etc/shadow", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 || errno == ENOENT);
    if (fd >= 0)
        close(fd);
}

static char told[512];

static void tell(void *ctx, const char *line)
{
    (void)ctx;
    strncat(told, line, sizeof told - strlen(told) - 2);
    strcat(told, "\n");
}

static void options(void **state)
{
    struct prefs p;
    char text[512], why[160];

    (void)state;
    prefs_init(&p);
    assert_int_equal(prefs_format(&p, text, sizeof text), 0);
    told[0] = '\0';
    prefs_parse(&p, "# mine\n\n theme = light \nglyphs ascii\nesc 200\nnonsense 1\nbell loud\nesc 5000\nprefix zz\n",
                tell, NULL);
    assert_true(prefs_is(&p, SET_THEME, "light"));
    assert_true(prefs_is(&p, SET_GLYPHS, "ascii"));
    assert_int_equal(prefs_number(&p, SET_ESC), 200);
    assert_non_null(strstr(told, "\"nonsense 1\" is no option"));
    assert_non_null(strstr(told, "bell is one of: off crit done"));
    assert_non_null(strstr(told, "esc is one of: 0-1000"));
    assert_non_null(strstr(told, "\"zz\" is no key"));
    prefs_format(&p, text, sizeof text);
    assert_string_equal(text, "theme light\nglyphs ascii\nesc 200\n");
    assert_int_equal(prefs_put(&p, SET_GLYPHS, "asc", why, sizeof why), -EINVAL);
    assert_int_equal(prefs_put(&p, SET_GLYPHS, "", why, sizeof why), -EINVAL);
    assert_int_equal(prefs_put(&p, SET_GLYPHS, "auto ascii", why, sizeof why), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find),
        cmocka_unit_test_setup_teardown(write_and_read, make, drop),
        cmocka_unit_test_setup_teardown(not_through_links, make, drop),
        cmocka_unit_test_setup_teardown(under_sudo, make, drop),
        cmocka_unit_test(options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
