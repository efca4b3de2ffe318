/*
 * The state folder and the files of the database: owner, kind and mode are looked at without
 * following links. The database file itself is never opened here while SQLite may hold it: closing
 * such a descriptor would drop SQLite's locks.
 */
#include "backend/store/db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "backend/model/text.h"
#include "backend/store/db.h"

static const char *const parts[] = {DB_NAME, DB_NAME "-wal", DB_NAME "-shm"};

static bool is_network_fs(const char *path)
{
    static const unsigned long kinds[] = {0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x5346414f};
    struct statfs fs;

    if (statfs(path, &fs) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (((unsigned long)fs.f_type & 0xffffffffUL) == kinds[i])
            return true;
    return false;
}

static bool owner_is_fine(const struct stat *st)
{
    return st->st_uid == geteuid() || st->st_uid == 0;
}

int db_file_folder(const char *dir, char ret[static DB_PATH], struct err *e)
{
    struct stat st;

    if (lstat(dir, &st) != 0)
        return err_sys(e, ERR_AREA_STORE, -errno, "state folder %s", dir);
    if (S_ISLNK(st.st_mode) && !owner_is_fine(&st))
        return err_set(e, ERR_AREA_STORE, -EPERM,
                       "state folder %s is a link made by another user (uid %u): remove it", dir,
                       (unsigned)st.st_uid);
    char *real = realpath(dir, NULL);
    if (!real)
        return err_sys(e, ERR_AREA_STORE, -errno, "state folder %s", dir);
    bool fits = str_copy(ret, DB_PATH, real) && strlen(real) < DB_PATH - 64;
    free(real);
    if (!fits)
        return err_set(e, ERR_AREA_STORE, -ENAMETOOLONG, "state folder %.60s...: too long", dir);
    if (stat(ret, &st) != 0)
        return err_sys(e, ERR_AREA_STORE, -errno, "state folder %s", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_AREA_STORE, -ENOTDIR, "state folder %s is not a folder", dir);
    if (!owner_is_fine(&st))
        return err_set(e, ERR_AREA_STORE, -EPERM,
                       "state folder %s belongs to uid %u, not to uid %u: use another with --state",
                       dir, (unsigned)st.st_uid, (unsigned)geteuid());
    if (st.st_mode & 022)
        return err_set(e, ERR_AREA_STORE, -EPERM,
                       "state folder %s can be written by others: chmod go-w %s", dir, dir);
    if (is_network_fs(ret))
        return err_set(e, ERR_AREA_STORE, -ENOTSUP,
                       "state folder %s lies on a network file system, where a database's locks "
                       "cannot be trusted: use a local disk",
                       dir);
    return 0;
}

static int look_at(const char *folder, const char *name, bool *ret_there, off_t *ret_size,
                   struct err *e)
{
    char path[DB_PATH + 64];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name); /* the folder leaves room */
    *ret_there = false;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : err_sys(e, ERR_AREA_STORE, -errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_AREA_STORE, -EPERM, "%s is %s, not an ordinary file: remove it", path,
                       S_ISLNK(st.st_mode) ? "a link" : "no file");
    if (!owner_is_fine(&st))
        return err_set(e, ERR_AREA_STORE, -EPERM, "%s belongs to uid %u, not to uid %u", path,
                       (unsigned)st.st_uid, (unsigned)geteuid());
    if (st.st_mode & 022)
        return err_set(e, ERR_AREA_STORE, -EPERM, "%s can be written by others: chmod 600 %s", path,
                       path);
    if (st.st_nlink != 1)
        return err_set(e, ERR_AREA_STORE, -EPERM, "%s has a second name (hard link): remove that",
                       path);
    *ret_there = true;
    *ret_size = st.st_size;
    return 0;
}

int db_file_state(const char *folder, enum db_file_state *ret, struct err *e)
{
    bool there[ARRAY_LEN(parts)];
    off_t size[ARRAY_LEN(parts)] = {0};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        int r = look_at(folder, parts[i], &there[i], &size[i], e);
        if (r < 0)
            return r;
    }
    if (there[0])
        *ret = size[0] > 0 ? DB_FILE_THERE : DB_FILE_LOST;
    else
        *ret = there[1] && size[1] > 0 ? DB_FILE_LOST : DB_FILE_MISSING;
    return 0;
}

void db_file_drop(const char *folder, const char *name)
{
    static const char *const tails[] = {"", "-journal", "-wal", "-shm"};
    char path[DB_PATH + 64];

    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        (void)snprintf(path, sizeof path, "%s/%s%s", folder, name, tails[i]);
        (void)unlink(path); /* mostly not there */
    }
}

int db_file_begin(const char *folder, const char *name, struct err *e)
{
    char path[DB_PATH + 64];

    db_file_drop(folder, name);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, ERR_AREA_STORE, -errno, "making %s", path);
    close(fd);
    return 0;
}

static int sync_folder(const char *folder, struct err *e)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = 0;

    if (fd < 0 || fsync(fd) != 0)
        r = err_sys(e, ERR_AREA_STORE, -errno, "state folder %s", folder);
    if (fd >= 0)
        close(fd);
    return r;
}

int db_file_finish(const char *folder, const char *name, struct err *e)
{
    char from[DB_PATH + 64], to[DB_PATH + 64];

    (void)snprintf(from, sizeof from, "%s/%s", folder, name);
    (void)snprintf(to, sizeof to, "%s/" DB_NAME, folder);
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0)
        return err_sys(e, ERR_AREA_STORE, -errno, "naming %s", to);
    return sync_folder(folder, e);
}

int db_put_aside(const char *dir, char ret_name[static 64], struct err *e)
{
    char folder[DB_PATH], from[DB_PATH + 64], to[DB_PATH + 128], date[32];
    time_t now = time(NULL);
    struct tm tm;
    int r = db_file_folder(dir, folder, e);

    if (r < 0)
        return r;
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &tm);
    for (unsigned n = 1;; n++) {
        struct stat st;
        (void)snprintf(ret_name, 64, n == 1 ? DB_NAME ".damaged-%s" : DB_NAME ".damaged-%s-%u",
                       date, n);
        (void)snprintf(to, sizeof to, "%s/%s", folder, ret_name);
        if (lstat(to, &st) != 0 && errno == ENOENT)
            break;
        if (n == 1000)
            return err_set(e, ERR_AREA_STORE, -EEXIST, "%s and 999 more are there already", to);
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        (void)snprintf(from, sizeof from, "%s/%s", folder, parts[i]);
        (void)snprintf(to, sizeof to, "%s/%s%s", folder, ret_name, parts[i] + strlen(DB_NAME));
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0 && errno != ENOENT)
            return err_sys(e, ERR_AREA_STORE, -errno, "putting %s aside", from);
    }
    return sync_folder(folder, e);
}
