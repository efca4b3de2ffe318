/*
 * Reading and making secret files. Any thread that may wait for a disk. It never writes to a file
 * that already has its name, and never leaves a half-written one under it.
 */
#include "backend/host/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_dir(const char *dir, struct err *e)
{
    struct stat st;

    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, ERR_AREA_HOST, -errno, "%s", dir);
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return fd;
    (void)close(fd);
    return err_set(e, ERR_AREA_HOST, -EPERM,
                   "%s: must be a folder of this user with mode 0700; secrets are kept in it", dir);
}

static int read_all(int fd, struct secret *ret)
{
    secret_done(ret);
    while (ret->len < sizeof ret->bytes) {
        ssize_t n = read(fd, ret->bytes + ret->len, sizeof ret->bytes - ret->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        ret->len += (size_t)n;
    }
    return 0;
}

int secret_file_read(const char *dir, const char *name, struct secret *ret, struct err *e)
{
    struct stat st;

    int dir_fd = open_dir(dir, e);
    if (dir_fd < 0)
        return dir_fd;
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r = fd < 0 ? -errno : 0;
    (void)close(dir_fd);
    if (r == -ENOENT)
        return r;
    if (r == 0 && fstat(fd, &st) != 0)
        r = -errno;
    if (r != 0) {
        r = err_sys(e, ERR_AREA_HOST, r, "%s/%s", dir, name);
    } else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0 ||
               st.st_nlink != 1) {
        r = err_set(e, ERR_AREA_HOST, -EPERM, "%s/%s: must be a file of this user with mode 0600",
                    dir, name);
    } else if (st.st_size < 1 || st.st_size > SECRET_MAX) {
        r = err_set(e, ERR_AREA_HOST, -EINVAL, "%s/%s: %lld bytes long, which is no key of ours",
                    dir, name, (long long)st.st_size);
    } else if ((r = read_all(fd, ret)) != 0) {
        secret_done(ret);
        r = err_sys(e, ERR_AREA_HOST, r, "reading %s/%s", dir, name);
    }
    if (fd >= 0)
        (void)close(fd);
    return r;
}

static int write_all(int fd, const struct secret *s)
{
    for (size_t at = 0; at < s->len;) {
        ssize_t n = write(fd, s->bytes + at, s->len - at);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) != 0 ? -errno : 0;
}

int secret_file_create(const char *dir, const char *name, const struct secret *s, struct err *e)
{
    unsigned long long tag;
    char temp[32];

    int dir_fd = open_dir(dir, e);
    if (dir_fd < 0)
        return dir_fd;
    int r = getrandom(&tag, sizeof tag, 0) == (ssize_t)sizeof tag ? 0 : -EIO;
    (void)snprintf(temp, sizeof temp, ".new-%016llx", tag);
    int fd = r != 0 ? -1
                    : openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                             0600);
    if (fd >= 0) {
        r = write_all(fd, s);
        if (close(fd) != 0 && r == 0)
            r = -errno;
        if (r == 0 && linkat(dir_fd, temp, dir_fd, name, 0) != 0)
            r = -errno;
        (void)unlinkat(dir_fd, temp, 0); /* the name that counts is the other one */
        if (r == 0 && fsync(dir_fd) != 0)
            r = -errno;
    } else if (r == 0) {
        r = -errno;
    }
    (void)close(dir_fd);
    if (r == 0 || r == -EEXIST)
        return r;
    return err_sys(e, ERR_AREA_HOST, r, "making %s/%s", dir, name);
}
