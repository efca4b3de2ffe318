/* The database's file: born whole, refused when it is not ours, never believed when it is damaged.
 */
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
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/model/text.h"
#include "backend/store/db.h"
#include "backend/store/load.h"
#include "tests/support/tmpdir.h"

static int setup(void **state)
{
    *state = tmpdir_new();
    return 0;
}

static int teardown(void **state)
{
    tmpdir_remove(*state);
    return 0;
}

static const char *in(const char *dir, const char *name)
{
    static char path[2][512];
    static int turn;

    turn = !turn;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static struct db *opened(const char *dir)
{
    struct db *db = NULL;
    struct err e = {0};

    if (db_open(dir, DB_HOW_CREATE, &db, &e) < 0)
        fail_msg("%s", e.text);
    return db;
}

static void fill(struct db *db, unsigned from, unsigned n)
{
    struct settings s = {.node_name = "ams1"};
    struct err e = {0};
    int r = db_begin(db, &e);

    if (r == 0 && from == 0)
        r = settings_init(db, &s, &e);
    for (unsigned i = from; i < from + n && r == 0; i++) {
        struct vm_rec vm = {.network_id = NETREC_MESH_ID, .vcpus = 1, .memory_mib = 256};
        struct journal_rec j = {.object = "vm x", .what = "created"};
        (void)snprintf(vm.name, sizeof vm.name, "vm%u", i + 1);
        r = vmrec_create(db, &vm, 1, NULL, &e);
        if (r == 0)
            r = journal_add(db, &j, 1, &e);
    }
    if (db_end(db, r, &e) < 0)
        fail_msg("%s", e.text);
}

static void write_file(const char *path, const void *data, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, n), n);
    close(fd);
}

static void *read_file(const char *path, size_t *ret_n)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *data = malloc((size_t)st.st_size + 1);
    assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
    close(fd);
    *ret_n = (size_t)st.st_size;
    return data;
}

static void expect_open(const char *dir, int code, const char *words)
{
    struct db *db = NULL;
    struct err e = {0};
    int r = db_open(dir, DB_HOW_CREATE, &db, &e);

    db_close(db);
    if (r != code || !strstr(e.text, words))
        fail_msg("%d (%s), wanted %d (%s)", r, e.text, code, words);
}

static void born_whole(void **state)
{
    struct db *db;
    struct stat st;

    write_file(in(*state, "meshdeck.db.new"), "what a crash left", 17);
    db = opened(*state);
    assert_int_equal(db_mode(db), DB_READ_WRITE);
    assert_int_equal(db_version(db), db_latest_version());
    assert_int_equal(stat(in(*state, "meshdeck.db"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(st.st_size > 4096);
    assert_int_equal(stat(in(*state, "meshdeck.db.new"), &st), -1);
    fill(db, 0, 3);
    assert_int_equal(stat(in(*state, "meshdeck.db-wal"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    db_close(db);
    db_close(NULL);
    db = opened(*state);
    struct load l;
    assert_int_equal(load_all(db, 1, 1, &l, NULL), 0);
    assert_int_equal(l.n_vms, 3);
    load_done(&l);
    db_close(db);
    struct err e = {0};
    assert_int_equal(db_open(*state, DB_HOW_READ, &db, &e), 0);
    assert_int_equal(db_begin(db, &e), -EROFS);
    db_close(db);
    assert_int_equal(db_open("/nonexistent", DB_HOW_CREATE, &db, &e), -ENOENT);
}

static void damaged_files_are_told(void **state)
{
    size_t n;
    char *data;

    write_file(in(*state, "meshdeck.db"), "", 0);
    expect_open(*state, DB_CORRUPT, "is empty or gone");
    write_file(in(*state, "meshdeck.db"), "this is not a database, but long enough to be looked at",
               55);
    expect_open(*state, DB_CORRUPT, "not a database");
    unlink(in(*state, "meshdeck.db"));
    write_file(in(*state, "meshdeck.db-wal"), "left alone", 10);
    expect_open(*state, DB_CORRUPT, "is empty or gone");
    unlink(in(*state, "meshdeck.db-wal"));
    struct db *db = opened(*state);
    fill(db, 0, 50);
    db_close(db);
    data = read_file(in(*state, "meshdeck.db"), &n);
    write_file(in(*state, "meshdeck.db"), data, n / 2);
    expect_open(*state, DB_CORRUPT, "damaged");
    write_file(in(*state, "meshdeck.db"), data, 100);
    expect_open(*state, DB_CORRUPT, "");
    write_file(in(*state, "meshdeck.db"), data,
               n); /* as it was: fine again, nothing had touched it */
    db = opened(*state);
    db_close(db);
    free(data);
    sqlite3 *other = NULL; /* another program's */
    unlink(in(*state, "meshdeck.db"));
    assert_int_equal(sqlite3_open(in(*state, "meshdeck.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    chmod(in(*state, "meshdeck.db"), 0600);
    expect_open(*state, DB_CORRUPT, "is not a database of meshdeck");
}

static void what_is_not_ours_is_refused(void **state)
{
    const char *dir = *state;

    db_close(opened(dir));
    assert_int_equal(chmod(in(dir, "meshdeck.db"), 0660), 0);
    expect_open(dir, DB_NOT_OURS, "can be written by others");
    assert_int_equal(chmod(in(dir, "meshdeck.db"), 0600), 0);
    assert_int_equal(link(in(dir, "meshdeck.db"), in(dir, "second")), 0);
    expect_open(dir, DB_NOT_OURS, "second name");
    assert_int_equal(unlink(in(dir, "meshdeck.db")), 0);
    assert_int_equal(symlink("second", in(dir, "meshdeck.db")), 0);
    expect_open(dir, DB_NOT_OURS, "a link");
    assert_int_equal(unlink(in(dir, "meshdeck.db")), 0);
    assert_int_equal(mkfifo(in(dir, "meshdeck.db"), 0600), 0);
    expect_open(dir, DB_NOT_OURS, "not an ordinary file");
    assert_int_equal(unlink(in(dir, "meshdeck.db")), 0);
    assert_int_equal(rename(in(dir, "second"), in(dir, "meshdeck.db")), 0);
    assert_int_equal(symlink("/etc/passwd", in(dir, "meshdeck.db-wal")), 0);
    expect_open(dir, DB_NOT_OURS, "a link");
    assert_int_equal(unlink(in(dir, "meshdeck.db-wal")), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    expect_open(dir, DB_NOT_OURS, "can be written by others");
    assert_int_equal(chmod(dir, 0700), 0);
    db_close(opened(dir));
    expect_open(in(dir, "meshdeck.db"), -ENOTDIR, "is not a folder");
}

static void other_owners_are_refused(void **state)
{
    const char *dir = *state;

    if (geteuid() != 0) {
        print_message("# only root can give files away\n");
        skip();
    }
    db_close(opened(dir));
    assert_int_equal(chown(in(dir, "meshdeck.db"), 12345, 12345), 0);
    expect_open(dir, DB_NOT_OURS, "belongs to uid 12345");
    assert_int_equal(chown(in(dir, "meshdeck.db"), 0, 0), 0);
    assert_int_equal(chown(dir, 12345, 12345), 0);
    expect_open(dir, DB_NOT_OURS, "belongs to uid 12345");
    assert_int_equal(chown(dir, 0, 0), 0);
    char *link_to = tmpdir_new();
    assert_int_equal(symlink(dir, in(link_to, "state")), 0);
    db_close(opened(in(link_to, "state"))); /* an operator's own link is fine */
    assert_int_equal(lchown(in(link_to, "state"), 12345, 12345), 0);
    expect_open(in(link_to, "state"), DB_NOT_OURS, "a link made by another user");
    tmpdir_remove(link_to);
}

static void a_newer_version_is_only_read(void **state)
{
    struct db *db = opened(*state);
    struct err e = {0};
    struct load l;

    fill(db, 0, 2);
    assert_int_equal(db_exec(db, "PRAGMA user_version=99", &e), 0);
    db_close(db);
    db = opened(*state);
    assert_int_equal(db_mode(db), DB_NEWER);
    assert_int_equal(db_version(db), 99);
    assert_int_equal(db_begin(db, &e), -EROFS);
    assert_non_null(strstr(e.text, "made by a newer meshdeck (version 99, this one knows"));
    assert_int_equal(load_all(db, 1, 1, &l, &e), 0);
    assert_int_equal(l.n_vms, 2);
    load_done(&l);
    assert_true(db_exec(db, "DELETE FROM vms", &e) < 0);
    db_close(db);
}

/* A file as each older version left it comes to the newest. */
static void migrations_from_each_version(void **state)
{
    for (int v = 1; v <= db_migration_count; v++) {
        sqlite3 *old = NULL;
        char set[128];
        const char *path = in(*state, "meshdeck.db");
        assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
        for (int i = 0; i < v; i++)
            assert_int_equal(sqlite3_exec(old, db_migrations[i], NULL, NULL, NULL), SQLITE_OK);
        (void)snprintf(set, sizeof set, "PRAGMA user_version=%d; PRAGMA application_id=%d", v,
                       0x6d736864);
        assert_int_equal(sqlite3_exec(old, set, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(old);
        chmod(path, 0600);
        struct db *db = opened(*state);
        assert_int_equal(db_version(db), db_latest_version());
        fill(db, 0, 2);
        db_close(db);
        unlink(in(*state, "meshdeck.db"));
    }
}

static void put_aside_keeps_it(void **state)
{
    static const char junk[] = "was once a database";
    char name[64], again[64];
    struct err e = {0};
    size_t n;

    write_file(in(*state, "meshdeck.db"), junk, sizeof junk);
    write_file(in(*state, "meshdeck.db-wal"), "log", 3);
    expect_open(*state, DB_CORRUPT, "");
    assert_int_equal(db_put_aside(*state, name, &e), 0);
    assert_memory_equal(name, "meshdeck.db.damaged-2", 21);
    char *kept = read_file(in(*state, name), &n);
    assert_int_equal(n, sizeof junk);
    assert_memory_equal(kept, junk, n);
    free(kept);
    (void)snprintf(again, sizeof again, "%.58s-wal", name);
    free(read_file(in(*state, again), &n));
    assert_int_equal(n, 3);
    db_close(opened(*state)); /* a new one */
    assert_int_equal(db_put_aside(*state, again, &e), 0);
    assert_string_not_equal(name, again); /* also within one second */
}

static void replaced_while_open(void **state)
{
    struct db *db = opened(*state);
    struct err e = {0};

    fill(db, 0, 1);
    assert_int_equal(rename(in(*state, "meshdeck.db"), in(*state, "moved")), 0);
    assert_int_equal(db_begin(db, &e), -ESTALE);
    assert_non_null(strstr(e.text, "removed or replaced"));
    assert_int_equal(rename(in(*state, "moved"), in(*state, "meshdeck.db")), 0);
    fill(db, 1, 1);
    db_close(db);
}

static void changes_of_others_are_seen(void **state)
{
    struct db *db = opened(*state);
    sqlite3 *other = NULL;

    fill(db, 0, 1);
    int64_t before = db_data_version(db);
    fill(db, 1, 1); /* our own do not count */
    assert_int_equal(db_data_version(db), before);
    assert_int_equal(sqlite3_open(in(*state, "meshdeck.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "UPDATE vms SET vcpus = 3", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_not_equal(db_data_version(db), before);
    db_close(db);
}

/* One byte flipped, all over a small database: never a crash; detected, or without effect. */
static void flipped_bytes(void **state)
{
    struct load want;
    size_t n, told = 0, harmless = 0;
    struct err e = {0};

    struct db *db = opened(*state);
    fill(db, 0, 3);
    db_close(db);
    db = opened(*state);
    assert_int_equal(load_all(db, 10, 10, &want, &e), 0);
    db_close(db);
    const char *path = in(*state, "meshdeck.db");
    unsigned char *data = read_file(path, &n);
    int fd = open(path, O_RDWR);
    for (size_t i = 0; i < n; i++) {
        struct load l;
        if (data[i] == 0 && i % 64 != 0) /* the empty parts of pages: a sample */
            continue;
        unsigned char bad = (unsigned char)(data[i] ^ (1u << (i % 8)));
        assert_int_equal(pwrite(fd, &bad, 1, (off_t)i), 1);
        db = NULL;
        int r = db_open(*state, DB_HOW_CREATE, &db, &e);
        bool whole = r == 0 && db_mode(db) == DB_READ_WRITE;
        if (whole && (r = load_all(db, 10, 10, &l, &e)) == 0) {
            if (l.damaged == 0 && l.initialised) {
                if (l.n_vms != want.n_vms || l.n_nets != want.n_nets ||
                    l.n_blocks != want.n_blocks ||
                    memcmp(l.vms, want.vms, l.n_vms * sizeof *l.vms) != 0 ||
                    memcmp(&l.settings, &want.settings, sizeof l.settings) != 0)
                    fail_msg("byte %zu changed something unseen: %zu %zu %zu", i, l.n_vms, l.n_nets,
                             l.n_blocks);
                harmless++;
            } else {
                told++;
            }
            load_done(&l);
        } else {
            told++;
        }
        db_close(db);
        (void)unlink(in(*state, "meshdeck.db-wal"));
        (void)unlink(in(*state, "meshdeck.db-shm"));
        assert_int_equal(pwrite(fd, data, n, 0), n);
        assert_int_equal(ftruncate(fd, (off_t)n), 0);
    }
    print_message("# %zu flips told, %zu without effect\n", told, harmless);
    assert_true(told > harmless / 4);
    close(fd);
    free(data);
    load_done(&want);
}

/* A child commits VM after VM until it is killed: what it reported is there, whole. */
static void killed_between_commits(void **state)
{
    for (unsigned round = 0; round < 8; round++) {
        int fds[2];
        unsigned char tick;
        unsigned reported = 0;
        assert_int_equal(pipe(fds), 0);
        pid_t child = fork();
        if (child == 0) {
            struct db *db = NULL;
            if (db_open(*state, DB_HOW_CREATE, &db, NULL) < 0)
                _exit(1);
            struct load l;
            if (load_all(db, 1, 1, &l, NULL) < 0)
                _exit(2);
            for (unsigned i = (unsigned)l.n_vms;; i++) {
                fill(db, i, 1);
                if (write(fds[1], "x", 1) != 1)
                    _exit(3);
            }
        }
        close(fds[1]);
        while (reported < 5 + round * 3 && read(fds[0], &tick, 1) == 1)
            reported++;
        assert_int_equal(kill(child, SIGKILL), 0);
        while (read(fds[0], &tick, 1) == 1)
            reported++;
        close(fds[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);
        struct db *db = opened(*state); /* checks the whole file */
        struct load l;
        static size_t before;
        assert_int_equal(load_all(db, 1, 1, &l, NULL), 0);
        assert_int_equal(l.damaged, 0);
        if (round == 0)
            before = 0;
        assert_true(l.n_vms >= before + reported && l.n_vms <= before + reported + 1);
        before = l.n_vms;
        uint64_t addresses = 0;
        assert_int_equal(
            db_get_u64(db, "SELECT count(*) FROM addresses WHERE ?1 = 0", 0, &addresses, NULL), 0);
        assert_int_equal(addresses, 2 * l.n_vms);
        load_done(&l);
        db_close(db);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(born_whole),
        T(damaged_files_are_told),
        T(what_is_not_ours_is_refused),
        T(other_owners_are_refused),
        T(a_newer_version_is_only_read),
        T(migrations_from_each_version),
        T(put_aside_keeps_it),
        T(replaced_while_open),
        T(changes_of_others_are_seen),
        T(flipped_bytes),
        T(killed_between_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
