/*
 * The ballast file. Any thread that may wait for a disk. It is really allocated, never sparse, and
 * never replaces or follows anything else of that name.
 */
#include "backend/host/ballast.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name[] = "ballast";

static int open_state(const char *state_dir, struct err *e)
{
    int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_sys(e, ERR_AREA_HOST, -errno, "%s", state_dir) : fd;
}

int ballast_make(const char *state_dir, struct err *e)
{
    struct stat st;

    int dir_fd = open_state(state_dir, e);
    if (dir_fd < 0)
        return dir_fd;
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    int r = fd < 0 || fstat(fd, &st) != 0 ? -errno : 0;
    if (r == 0 && (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1))
        r = -EPERM;
    else if (r == 0 && st.st_blocks * 512 < BALLAST_BYTES) {
        r = -posix_fallocate(fd, 0, BALLAST_BYTES);
        if (r != 0)
            (void)unlinkat(dir_fd, name, 0); /* half a ballast would only take the last room */
    }
    if (fd >= 0)
        (void)close(fd);
    (void)close(dir_fd);
    return r == 0 ? 0 : err_sys(e, ERR_AREA_HOST, r, "making %s/%s", state_dir, name);
}

int ballast_drop(const char *state_dir, size_t *ret_bytes, struct err *e)
{
    struct stat st;
    int r = 0;

    if (ret_bytes)
        *ret_bytes = 0;
    int dir_fd = open_state(state_dir, e);
    if (dir_fd < 0)
        return dir_fd;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || unlinkat(dir_fd, name, 0) != 0)
        r = errno == ENOENT ? 0 : -errno;
    else if (ret_bytes && st.st_blocks > 0)
        *ret_bytes = (size_t)st.st_blocks * 512;
    (void)close(dir_fd);
    return r == 0 ? 0 : err_sys(e, ERR_AREA_HOST, r, "removing %s/%s", state_dir, name);
}
