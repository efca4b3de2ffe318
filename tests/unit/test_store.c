/* The store's thread: order, transactions, a full queue, a full disk, closing. */
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
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "backend/store/load.h"
#include "backend/store/store.h"
#include "tests/support/tmpdir.h"

struct fixture {
    char *dir;
    uv_loop_t loop;
    struct store *store;
    int open_code;
    bool is_closed;
};

static void on_opened(int code, const struct err *e, void *arg)
{
    struct fixture *f = arg;

    (void)e;
    f->open_code = code;
}

static void on_closed(void *arg)
{
    ((struct fixture *)arg)->is_closed = true;
}

static void begin(struct fixture *f, bool read_only)
{
    struct err e = {0};

    f->open_code = 1;
    f->is_closed = false;
    if (store_new(&f->loop, f->dir, read_only, on_opened, f, &f->store, &e) < 0)
        fail_msg("%s", e.text);
}

static void wait_for(struct fixture *f)
{
    while (store_waiting(f->store) > 0)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
}

static void finish(struct fixture *f)
{
    store_close(f->store, on_closed, f);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_true(f->is_closed);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->dir = tmpdir_new();
    (void)uv_loop_init(&f->loop);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    (void)uv_loop_close(&f->loop);
    tmpdir_remove(f->dir);
    free(f);
    return 0;
}

struct work {
    int number, result, code, *turn;
    bool done;
    pthread_t ran_on;
    char text[240];
};

static int init_job(struct db *db, void *arg, struct err *e)
{
    struct settings s = {.node_name = "ams1"};

    (void)arg;
    return settings_init(db, &s, e);
}

static int journal_job(struct db *db, void *arg, struct err *e)
{
    struct work *w = arg;
    struct journal_rec j = {.object = "vm x"};

    w->ran_on = pthread_self();
    (void)snprintf(j.what, sizeof j.what, "%d", w->number);
    int r = journal_add(db, &j, 1, e);
    return r < 0 ? r : w->result;
}

static int count_job(struct db *db, void *arg, struct err *e)
{
    uint64_t n = 0;
    int r = db_get_u64(db, "SELECT count(*) FROM journal WHERE ?1 = 0", 0, &n, e);

    ((struct work *)arg)->result = (int)n;
    return r;
}

static void work_done(int code, const struct err *e, void *arg)
{
    struct work *w = arg;

    assert_false(w->done);
    assert_int_equal(code < 0, e != NULL);
    w->done = true;
    w->code = code;
    if (e)
        (void)snprintf(w->text, sizeof w->text, "%s", e->text);
    if (w->turn)
        assert_int_equal(w->number, (*w->turn)++); /* in the order posted */
}

static int count(struct fixture *f)
{
    struct work w = {0};

    assert_int_equal(store_post(f->store, STORE_READ, count_job, work_done, &w, NULL), 0);
    wait_for(f);
    assert_int_equal(w.code, 0);
    return w.result;
}

static void in_order_each_its_own_transaction(void **state)
{
    struct fixture *f = *state;
    enum { N = 300 };
    struct work *all = calloc(N, sizeof *all);
    int turn = 0;

    begin(f, false);
    for (int i = 0; i < N; i++) {
        all[i].number = i;
        all[i].turn = &turn;
        all[i].result = i % 3 == 0 ? -ECANCELED : 0; /* these are rolled back */
        assert_int_equal(store_post(f->store, STORE_WRITE, journal_job, work_done, &all[i], NULL),
                         0);
    }
    wait_for(f);
    assert_int_equal(f->open_code, 0);
    assert_true(store_is_open(f->store));
    assert_int_equal(turn, N);
    for (int i = 0; i < N; i++) {
        assert_int_equal(all[i].code, all[i].result);
        assert_false(pthread_equal(all[i].ran_on, pthread_self()));
        assert_int_equal(all[i].text[0] != '\0',
                         all[i].code < 0); /* never an error without words */
    }
    assert_int_equal(count(f), 200);
    finish(f);
    free(all);
}

static void closing_finishes_what_was_posted(void **state)
{
    struct fixture *f = *state;
    enum { N = 50 };
    struct work all[N] = {0}, late = {0};
    struct err e = {0};

    begin(f, false);
    for (int i = 0; i < N; i++)
        assert_int_equal(store_post(f->store, STORE_WRITE, journal_job, work_done, &all[i], NULL),
                         0);
    store_close(f->store, on_closed, f);
    assert_int_equal(store_post(f->store, STORE_WRITE, journal_job, work_done, &late, &e),
                     -ESHUTDOWN);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_true(f->is_closed);
    for (int i = 0; i < N; i++)
        assert_true(all[i].done && all[i].code == 0);
    assert_false(late.done);
    begin(f, false);
    assert_int_equal(count(f), N);
    finish(f);
}

static int slow_job(struct db *db, void *arg, struct err *e)
{
    (void)db, (void)e;
    (void)pthread_mutex_lock(arg); /* the test lets it go on */
    (void)pthread_mutex_unlock(arg);
    return 0;
}

static void the_queue_is_bounded(void **state)
{
    struct fixture *f = *state;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct err e = {0};

    (void)pthread_mutex_lock(&gate);
    begin(f, false);
    for (int i = 0; i < STORE_QUEUE_MAX - 1; i++) /* the opening is one more */
        assert_int_equal(store_post(f->store, STORE_READ, slow_job, NULL, &gate, &e), 0);
    assert_int_equal(store_post(f->store, STORE_READ, slow_job, NULL, &gate, &e), -EAGAIN);
    assert_non_null(strstr(e.text, "the disk is slow"));
    (void)pthread_mutex_unlock(&gate);
    wait_for(f);
    assert_int_equal(store_post(f->store, STORE_READ, slow_job, NULL, &gate, &e), 0);
    wait_for(f);
    finish(f);
}

static void damaged_then_put_aside(void **state)
{
    struct fixture *f = *state;
    struct work w = {0};
    char path[512];

    (void)snprintf(path, sizeof path, "%s/meshdeck.db", f->dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "junk that is no database, surely", 32), 32);
    close(fd);
    begin(f, false);
    assert_int_equal(store_post(f->store, STORE_WRITE, journal_job, work_done, &w, NULL), 0);
    wait_for(f);
    assert_int_equal(f->open_code, DB_CORRUPT);
    assert_int_equal(w.code, DB_CORRUPT); /* its done comes all the same */
    assert_false(store_is_open(f->store));
    assert_int_equal(store_reopen(f->store, false, on_opened, f, NULL), 0);
    wait_for(f);
    assert_int_equal(f->open_code, DB_CORRUPT);
    assert_int_equal(store_reopen(f->store, true, on_opened, f, NULL), 0);
    wait_for(f);
    assert_int_equal(f->open_code, 0);
    assert_int_equal(count(f), 0);
    finish(f);
}

static void one_that_is_gone_is_not_made_anew(void **state)
{
    struct fixture *f = *state;
    struct work w = {0};
    char path[512], moved[512];

    begin(f, false);
    wait_for(f);
    (void)snprintf(path, sizeof path, "%s/meshdeck.db", f->dir);
    (void)snprintf(moved, sizeof moved, "%s/elsewhere", f->dir);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(store_post(f->store, STORE_WRITE, journal_job, work_done, &w, NULL), 0);
    wait_for(f);
    assert_int_equal(w.code, -ESTALE);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(rename(moved, path), 0);
    memset(&w, 0, sizeof w);
    assert_int_equal(store_post(f->store, STORE_WRITE, journal_job, work_done, &w, NULL), 0);
    wait_for(f);
    assert_int_equal(w.code, 0);
    finish(f);
}

static void a_reader_does_not_write(void **state)
{
    struct fixture *f = *state;
    struct work w = {0};

    begin(f, true);
    wait_for(f);
    assert_int_equal(f->open_code, -ENOENT);
    finish(f);
    begin(f, false);
    finish(f);
    begin(f, true);
    assert_int_equal(store_post(f->store, STORE_WRITE, journal_job, work_done, &w, NULL), 0);
    wait_for(f);
    assert_int_equal(w.code, -EROFS);
    assert_int_equal(store_mode(f->store), DB_READ_ONLY);
    assert_int_equal(count(f), 0);
    finish(f);
}

static void fill_disk(const char *dir, bool on)
{
    static char block[4096];
    char path[512];

    (void)snprintf(path, sizeof path, "%s/filler", dir);
    if (!on) {
        (void)unlink(path);
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    memset(block, 'x', sizeof block);
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
}

/* In a child of its own, with a small file system of its own. Its exit status says what went wrong.
 */
static int disk_full_child(struct fixture *f)
{
    struct work w[64] = {0};
    int failed = 0;

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", f->dir, "tmpfs", 0, "size=1m,mode=0700") != 0)
        return 77;
    begin(f, false);
    if (store_post(f->store, STORE_WRITE, init_job, work_done, &w[0], NULL) < 0)
        return 1;
    wait_for(f);
    if (w[0].code != 0)
        return 2;
    fill_disk(f->dir, true);
    for (int i = 1; i < 60; i++)
        if (store_post(f->store, STORE_WRITE, journal_job, work_done, &w[i], NULL) < 0)
            return 3;
    wait_for(f);
    for (int i = 1; i < 60; i++) {
        failed += w[i].code != 0;
        if (w[i].code != 0 && (w[i].code != -ENOSPC || !strstr(w[i].text, "disk is full")))
            return 4;
    }
    if (failed == 0)
        return 5;
    fill_disk(f->dir, false);
    if (store_post(f->store, STORE_WRITE, journal_job, work_done, &w[60], NULL) < 0)
        return 6;
    wait_for(f);
    if (w[60].code != 0)
        return 7;
    int kept = count(f);
    finish(f);
    return kept == 60 - failed ? 0 : 8;
}

static void a_full_disk_costs_only_what_it_refused(void **state)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(geteuid() == 0 ? disk_full_child(*state) : 77);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("# no mount namespace of one's own here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(in_order_each_its_own_transaction),
        T(closing_finishes_what_was_posted),
        T(the_queue_is_bounded),
        T(damaged_then_put_aside),
        T(one_that_is_gone_is_not_made_anew),
        T(a_reader_does_not_write),
        T(a_full_disk_costs_only_what_it_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
