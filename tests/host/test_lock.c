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
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/engine/lock.h"
#include "backend/host/ballast.h"

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[4][128];
    static unsigned next;
    char *at = path[next++ % 4];
    (void)snprintf(at, sizeof path[0], "%s/%s", dir, name);
    return at;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void makes_the_folder(void **state)
{
    (void)state;
    const char *s = in_dir("state");
    struct lock *l;
    struct err e = {0};

    (void)umask(077);
    if (lock_take(s, &l, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(mode_of(s), 0711);
    assert_int_equal(mode_of(in_dir("state/secrets")), 0700);
    assert_int_equal(mode_of(in_dir("state/lock")), 0600);
    assert_true(lock_is_first_of_boot(l));
    lock_release(l);
    assert_int_equal(lock_holder(s), 0);
    assert_int_equal(lock_take(s, &l, &e), 0);
    assert_false(lock_is_first_of_boot(l));
    lock_release(l);
    lock_release(NULL);
}

static void refuses_folders_that_are_not_ours(void **state)
{
    (void)state;
    struct lock *l;
    struct err e = {0};

    assert_int_equal(symlink(in_dir("state"), in_dir("link")), 0);
    assert_int_equal(lock_take(in_dir("link"), &l, &e), -ELOOP);
    assert_int_equal(mkdir(in_dir("theirs"), 0700), 0);
    assert_int_equal(chown(in_dir("theirs"), 1234, 1234), 0);
    assert_int_equal(lock_take(in_dir("theirs"), &l, &e), -EPERM);
    assert_non_null(strstr(e.text, "belongs to user 1234"));
    assert_int_equal(mkdir(in_dir("used"), 0700), 0);
    assert_int_equal(chmod(in_dir("used"), 01777), 0);
    assert_int_equal(mkdir(in_dir("used/something"), 0700), 0);
    assert_int_equal(lock_take(in_dir("used"), &l, &e), -ENOTEMPTY);
    assert_int_equal(mode_of(in_dir("used")), 01777);
    assert_int_equal(lock_take(in_dir("no/such"), &l, &e), -ENOENT);

    assert_int_equal(mkdir(in_dir("trap"), 0700), 0);
    assert_int_equal(symlink("/etc/passwd", in_dir("trap/lock")), 0);
    assert_int_equal(lock_take(in_dir("trap"), &l, &e), -ELOOP);
}

static void names_who_holds_it(void **state)
{
    (void)state;
    struct lock *l, *other;
    struct err e = {0};
    char pid[32];
    int pipe_fds[2], status;

    assert_int_equal(pipe(pipe_fds), 0);
    pid_t owner = fork();
    if (owner == 0) {
        if (lock_take(in_dir("state"), &l, &e) != 0 || write(pipe_fds[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(pipe_fds[0], pid, 1), 1);
    (void)snprintf(pid, sizeof pid, "process %d", (int)owner);
    assert_int_equal(lock_holder(in_dir("state")), owner);
    assert_int_equal(lock_take(in_dir("state"), &l, &e), -EBUSY);
    assert_non_null(strstr(e.text, pid));
    assert_int_equal(lock_take(in_dir("state2"), &other, &e), -EADDRINUSE);
    assert_non_null(strstr(e.text, pid));
    assert_non_null(strstr(e.text, "another state folder"));

    assert_int_equal(kill(owner, SIGKILL), 0); /* nothing is left behind by a crash */
    assert_int_equal(waitpid(owner, &status, 0), owner);
    assert_int_equal(lock_holder(in_dir("state")), 0);
    assert_int_equal(lock_take(in_dir("state"), &l, &e), 0);

    /* even for this process, and looking does not lose it */
    assert_int_equal(lock_take(in_dir("state"), &other, &e), -EBUSY);
    assert_int_equal(lock_holder(in_dir("state")), getpid());
    pid_t looker = fork();
    if (looker == 0)
        _exit(lock_take(in_dir("state"), &other, &e) == -EBUSY ? 0 : 1);
    assert_int_equal(waitpid(looker, &status, 0), looker);
    assert_int_equal(status, 0);
    lock_release(l);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

static void a_hundred_starts_give_one_owner(void **state)
{
    (void)state;
    enum { STARTS = 100, ROUNDS = 3 };
    struct {
        int result;
        pid_t pid;
        char text[sizeof((struct err *)0)->text];
    } report[STARTS];

    for (int round = 0; round < ROUNDS; round++) {
        int go[2], out[2], end[2], owners = 0;
        char name[32], byte;
        (void)snprintf(name, sizeof name, "race%d", round); /* the folder is made in the race too */
        assert_int_equal(pipe(go) | pipe(out) | pipe(end), 0);
        for (int i = 0; i < STARTS; i++)
            if (fork() == 0) {
                struct lock *l;
                struct err e = {0};
                (void)close(go[1]);
                (void)close(end[1]);
                (void)!read(go[0], &byte, 1); /* all at once, when the other end closes */
                report[0].result = lock_take(in_dir(name), &l, &e);
                report[0].pid = getpid();
                memcpy(report[0].text, e.text, sizeof e.text);
                (void)!write(out[1], &report[0], sizeof report[0]);
                (void)!read(end[0], &byte, 1); /* nobody leaves before all have tried */
                _exit(0);
            }
        (void)close(go[1]);
        char want[32] = "none";
        for (int i = 0; i < STARTS; i++) {
            assert_int_equal(read(out[0], &report[i], sizeof report[i]), sizeof report[i]);
            if (report[i].result == 0) {
                owners++;
                (void)snprintf(want, sizeof want, "process %d", (int)report[i].pid);
            }
        }
        (void)close(end[1]);
        while (wait(NULL) > 0)
            continue;
        assert_int_equal(owners, 1);
        for (int i = 0; i < STARTS; i++)
            if (report[i].result != 0) {
                assert_int_equal(report[i].result, -EBUSY);
                assert_non_null(strstr(report[i].text, want));
            }
        (void)close(go[0]);
        (void)close(out[0]);
        (void)close(out[1]);
        (void)close(end[0]);
    }
}

static void notices_a_copied_folder(void **state)
{
    (void)state;
    const struct lock_host here = {"aaaa", "1111", "boot1"}, later = {"aaaa", "1111", "boot2"},
                           other = {"bbbb", "", "boot3"}, cloned = {"aaaa", "2222", "boot4"},
                           unknown = {"", "", ""};
    struct lock *l;
    struct err e = {0};
    const char *s = in_dir("machine");

    assert_int_equal(lock_take_on(&here, s, &l, &e), 0);
    assert_true(lock_is_first_of_boot(l));
    lock_release(l);
    assert_int_equal(lock_take_on(&later, s, &l, &e), 0);
    assert_true(lock_is_first_of_boot(l));
    lock_release(l);
    assert_int_equal(lock_take_on(&other, s, &l, &e), -EXDEV);
    assert_non_null(strstr(e.text, "made on another machine"));
    assert_int_equal(lock_take_on(&cloned, s, &l, &e), -EXDEV);
    assert_int_equal(lock_take_on(&later, s, &l, &e), 0); /* the refusals changed nothing */
    assert_false(lock_is_first_of_boot(l));
    lock_release(l);
    assert_int_equal(lock_take_on(&unknown, s, &l, &e), 0);
    lock_release(l);
    assert_int_equal(lock_take_on(&other, s, &l, &e), -EXDEV);
}

static void ballast_is_real_room(void **state)
{
    (void)state;
    struct err e = {0};
    size_t bytes;

    assert_int_equal(mkdir(in_dir("disk"), 0700), 0);
    if (mount("none", in_dir("disk"), "tmpfs", 0, "size=20m") != 0) {
        print_message("cannot mount a tmpfs here\n");
        skip();
    }
    assert_int_equal(ballast_make(in_dir("disk"), &e), 0);
    assert_int_equal(ballast_make(in_dir("disk"), &e), 0);
    int fd = open(in_dir("disk/filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(posix_fallocate(fd, 0, 8 << 20), ENOSPC);
    assert_int_equal(ballast_drop(in_dir("disk"), &bytes, &e), 0);
    assert_int_equal(bytes, BALLAST_BYTES);
    assert_int_equal(posix_fallocate(fd, 0, 8 << 20), 0);
    assert_int_equal(ballast_make(in_dir("disk"), &e), -ENOSPC);
    assert_int_equal(access(in_dir("disk/ballast"), F_OK), -1);
    assert_int_equal(ballast_drop(in_dir("disk"), &bytes, &e), 0);
    assert_int_equal(bytes, 0);
    (void)close(fd);
    assert_int_equal(symlink("/etc/passwd", in_dir("disk/ballast")), 0);
    assert_int_equal(ballast_make(in_dir("disk"), &e), -ELOOP);
    assert_int_equal(umount(in_dir("disk")), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_folder),
        cmocka_unit_test(refuses_folders_that_are_not_ours),
        cmocka_unit_test(names_who_holds_it),
        cmocka_unit_test(a_hundred_starts_give_one_owner),
        cmocka_unit_test(notices_a_copied_folder),
        cmocka_unit_test(ballast_is_real_room),
    };
    /* @meshdeck belongs to a network namespace: one of our own, and mounts of our own */
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        puts("1..1\nok 1 - the owner's lock # SKIP needs root and namespaces");
        return 0;
    }
    (void)snprintf(dir, sizeof dir, "/tmp/meshdeck-lock.XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char *const rm[] = {"rm", "-rf", dir, NULL};
    if (fork() == 0)
        execv("/bin/rm", rm);
    (void)wait(NULL);
    return failed;
}
