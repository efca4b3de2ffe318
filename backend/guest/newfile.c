/*
 * Whole files or none. Any thread that may wait for a disk. The temporary name is the file's own
 * with a dot before and ".new" behind, so that what a crash left is overwritten by the next try.
 */
#include "backend/guest/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int newfile_open_dir(const char *dir, struct err *e)
{
    const int fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? fd : err_sys(e, ERR_AREA_HOST, -errno, "opening the folder %s", dir);
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int fill(int fd, const struct newfile *f)
{
    int r;

    if (fchmod(fd, f->mode) < 0)
        return -errno;
    if (f->uid != (uid_t)-1 && fchown(fd, f->uid, f->gid) < 0)
        return -errno;
    r = write_all(fd, f->bytes, f->len);
    if (r < 0)
        return r;
    if (f->file_bytes > f->len && ftruncate(fd, (off_t)f->file_bytes) < 0)
        return -errno;
    return fsync(fd) < 0 ? -errno : 0;
}

int newfile_write(const char *dir, const char *name, const struct newfile *f, struct err *e)
{
    char temp[300];
    int fd = -1, r;
    const int at = newfile_open_dir(dir, e);

    if (at < 0)
        return at;
    if (snprintf(temp, sizeof temp, ".%s.new", name) >= (int)sizeof temp) {
        r = -ENAMETOOLONG;
        goto out;
    }
    if (unlinkat(at, temp, 0) < 0 && errno != ENOENT) {
        r = -errno;
        goto out;
    }
    fd = openat(at, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        r = -errno;
        goto out;
    }
    r = fill(fd, f);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && renameat2(at, temp, at, name, f->replace ? 0 : RENAME_NOREPLACE) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(at, temp, 0); /* the first failure is the one to tell */
out:
    (void)close(at); /* only a path */
    return r < 0 ? err_sys(e, ERR_AREA_HOST, r, "writing %s/%s", dir, name) : 0;
}
