/*
 * Sockets in a folder that is not ours to trust. The path goes through /proc/self/fd, which keeps
 * it below 108 bytes wherever the state folder lies and resolves the folder once.
 */
#include "backend/vmm/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int open_folder(const char *folder, const char *name, struct sockaddr_un *ret)
{
    const int at = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (at < 0)
        return -errno;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%s", at, name) >=
        (int)sizeof ret->sun_path) {
        (void)close(at); /* only a path */
        return -ENAMETOOLONG;
    }
    return at;
}

int sock_listen(const char *folder, const char *name, struct err *e)
{
    struct sockaddr_un address;
    int fd = -1, r = 0;
    const int at = open_folder(folder, name, &address);

    if (at < 0)
        return err_sys(e, ERR_AREA_VMM, at, "opening the folder %s", folder);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || (unlinkat(at, name, 0) < 0 && errno != ENOENT) ||
        fchmod(fd, 0600) < 0 || /* before bind: that gives the file its mode */
        bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0)
        r = -errno;
    (void)close(at); /* only a path */
    if (r < 0) {
        if (fd >= 0)
            (void)close(fd);
        return err_sys(e, ERR_AREA_VMM, r, "making the socket %s/%s", folder, name);
    }
    return fd;
}

int sock_connect(const char *folder, const char *name, pid_t pid, struct err *e)
{
    struct sockaddr_un address;
    struct stat st;
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    int fd = -1, r = 0;
    const int at = open_folder(folder, name, &address);

    if (at < 0)
        return err_sys(e, ERR_AREA_VMM, at, "opening the folder %s", folder);
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        r = -errno;
    else if (!S_ISSOCK(st.st_mode))
        r = -ENOTSOCK;
    if (r == 0) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
            r = -errno;
    }
    /* Even if the name was changed to a link in between, this tells whom we reached. */
    if (r == 0 && pid > 0 &&
        (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid != pid))
        r = -EPERM;
    (void)close(at); /* only a path */
    if (r < 0) {
        if (fd >= 0)
            (void)close(fd);
        if (r == -EPERM)
            return err_set(e, ERR_AREA_VMM, r, "another process (%d) listens on %s/%s",
                           (int)peer.pid, folder, name);
        return err_sys(e, ERR_AREA_VMM, r, "connecting to %s/%s", folder, name);
    }
    return fd;
}
