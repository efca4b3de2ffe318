/*
 * The owner's lock. Front end's thread at start-up, then whoever ends the engine. flock decides;
 * the record lock beside it only lets others read the holder's pid (closing any other descriptor
 * of the file would drop it, so it decides nothing). It never removes the lock file: two processes
 * could then hold locks on two files of that name.
 */
#include "backend/engine/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "backend/model/text.h"

struct lock {
    int fd, socket_fd;
    bool first_of_boot;
};

/* A folder that others use must not lose its mode because somebody named it by mistake. */
static bool may_change_mode(int fd, mode_t now)
{
    if ((now & 07777) == 0700 || faccessat(fd, "lock", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    bool empty = dir != NULL;
    for (const struct dirent *d; empty && (d = readdir(dir));)
        empty = strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0;
    if (dir)
        (void)closedir(dir);
    else if (copy >= 0)
        (void)close(copy);
    return empty;
}

static int check_folder(int fd, const char *path, mode_t mode, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(e, ERR_AREA_STORE, -errno, "%s", path);
    if (st.st_uid != geteuid())
        return err_set(e, ERR_AREA_STORE, -EPERM, "%s: belongs to user %u, not to us (user %u)",
                       path, st.st_uid, geteuid());
    if ((st.st_mode & 07777) == mode)
        return 0;
    if (!may_change_mode(fd, st.st_mode))
        return err_set(e, ERR_AREA_STORE, -ENOTEMPTY,
                       "%s: holds other things than meshdeck's; name a folder of its own", path);
    return fchmod(fd, mode) != 0 ? err_sys(e, ERR_AREA_STORE, -errno, "%s", path) : 0;
}

static int open_folder(const char *path, mode_t mode, struct err *e)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return err_sys(e, ERR_AREA_STORE, -errno, "making the folder %s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return err_set(e, ERR_AREA_STORE, -ELOOP,
                       "%s: is a symbolic link or no folder; name the real folder", path);
    if (fd < 0)
        return err_sys(e, ERR_AREA_STORE, -errno, "%s", path);
    int r = check_folder(fd, path, mode, e);
    if (r == 0)
        return fd;
    (void)close(fd);
    return r;
}

/* Opens one of our own small files; -errno without a text. */
static int open_file(int dir_fd, const char *name, int flags)
{
    struct stat st;

    int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1)
        return fd;
    (void)close(fd);
    return -EPERM;
}

static pid_t holder_of(int fd)
{
    struct flock record = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[16] = "";

    if (fcntl(fd, F_GETLK, &record) == 0 && record.l_type != F_UNLCK && record.l_pid > 0)
        return record.l_pid;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        (void)flock(fd, LOCK_UN);
        return 0;
    }
    return pread(fd, text, sizeof text - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

pid_t lock_holder(const char *state_dir)
{
    int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return 0;
    int fd = open_file(dir, "lock", O_RDONLY);
    pid_t pid = fd < 0 ? 0 : holder_of(fd);
    if (fd >= 0)
        (void)close(fd);
    (void)close(dir);
    return pid;
}

static int take_file(struct lock *l, int dir_fd, const char *state_dir, struct err *e)
{
    struct flock record = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const struct timespec moment = {.tv_nsec = 5000000};
    char text[16];

    l->fd = open_file(dir_fd, "lock", O_RDWR | O_CREAT);
    if (l->fd < 0)
        return err_sys(e, ERR_AREA_STORE, l->fd, "%s/lock", state_dir);
    /* one that only looks (holder_of) may have it for an instant, and one that has just taken it
     * may not have said who it is yet */
    for (int tries = 0; flock(l->fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK)
            return err_sys(e, ERR_AREA_STORE, -errno, "locking %s/lock", state_dir);
        pid_t pid = holder_of(l->fd);
        if (pid > 0 || tries > 100)
            return err_set(e, ERR_AREA_STORE, -EBUSY, "%s is in use by process %d", state_dir,
                           (int)pid);
        (void)nanosleep(&moment, NULL);
    }
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (fcntl(l->fd, F_SETLK, &record) != 0 || ftruncate(l->fd, 0) != 0 ||
        pwrite(l->fd, text, (size_t)len, 0) != len)
        return err_sys(e, ERR_AREA_STORE, -errno, "writing %s/lock", state_dir);
    return 0;
}

static int socket_busy(const struct sockaddr_un *name, socklen_t len, struct err *e)
{
    struct ucred who = {0};
    socklen_t who_len = sizeof who;

    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)name, len) == 0)
        (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len); /* pid 0 says unknown */
    if (fd >= 0)
        (void)close(fd);
    if (who.pid > 0 && who.uid != geteuid())
        return err_set(e, ERR_AREA_STORE, -EADDRINUSE,
                       "process %d of user %u holds the socket @meshdeck and is no meshdeck of "
                       "ours; end it", (int)who.pid, who.uid);
    return err_set(e, ERR_AREA_STORE, -EADDRINUSE,
                   "process %d already runs meshdeck on this host, in another state folder",
                   (int)who.pid);
}

static int take_socket(struct lock *l, struct err *e)
{
    static const char name[] = "meshdeck"; /* behind a NUL: the abstract namespace */
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof name);

    memcpy(addr.sun_path + 1, name, sizeof name - 1);
    l->socket_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->socket_fd < 0)
        return err_sys(e, ERR_AREA_STORE, -errno, "making the socket @meshdeck");
    if (bind(l->socket_fd, (const struct sockaddr *)&addr, len) != 0)
        return errno == EADDRINUSE
                   ? socket_busy(&addr, len, e)
                   : err_sys(e, ERR_AREA_STORE, -errno, "binding the socket @meshdeck");
    if (listen(l->socket_fd, 8) != 0) /* nothing is accepted: it only answers who we are */
        return err_sys(e, ERR_AREA_STORE, -errno, "the socket @meshdeck");
    return 0;
}

static void read_line(const char *path, char *buf, size_t cap)
{
    char text[128];

    buf[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    (void)text_clean(buf, cap, text, strcspn(text, "\n"));
}

void lock_host_read(struct lock_host *ret)
{
    read_line("/etc/machine-id", ret->machine_id, sizeof ret->machine_id);
    read_line("/sys/class/dmi/id/product_uuid", ret->product_uuid, sizeof ret->product_uuid);
    read_line("/proc/sys/kernel/random/boot_id", ret->boot_id, sizeof ret->boot_id);
}

static bool differ(const char *a, const char *b)
{
    return *a && *b && strcmp(a, b) != 0;
}

/* The lines of STATE/machine; a missing or cut file leaves "". */
static int read_machine(int dir_fd, struct lock_host *ret)
{
    char text[256] = "", *at = text;

    memset(ret, 0, sizeof *ret);
    int fd = open_file(dir_fd, "machine", O_RDONLY);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    ssize_t n = read(fd, text, sizeof text - 1);
    int r = n < 0 ? -errno : 0;
    (void)close(fd);
    char *fields[] = {ret->machine_id, ret->product_uuid, ret->boot_id};
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(fields); i++) {
        size_t len = strcspn(at, "\n");
        (void)text_clean(fields[i], sizeof ret->boot_id, at, len);
        at += len + (at[len] == '\n');
    }
    return r;
}

static int write_machine(int dir_fd, const struct lock_host *host)
{
    char text[256];

    int len = snprintf(text, sizeof text, "%s\n%s\n%s\n", host->machine_id, host->product_uuid,
                       host->boot_id);
    int fd = open_file(dir_fd, ".machine-new", O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        return fd;
    int r = write(fd, text, (size_t)len) != len || fsync(fd) != 0 ? -errno : 0;
    if (close(fd) != 0 && r == 0)
        r = -errno;
    if (r == 0 && renameat(dir_fd, ".machine-new", dir_fd, "machine") != 0)
        r = -errno;
    return r;
}

/* Is the folder this machine's? If so, notes the boot. */
static int check_machine(struct lock *l, int dir_fd, const struct lock_host *host,
                         const char *state_dir, struct err *e)
{
    struct lock_host was;

    int r = read_machine(dir_fd, &was);
    if (r != 0)
        return err_sys(e, ERR_AREA_STORE, r, "%s/machine", state_dir);
    if (differ(was.machine_id, host->machine_id) || differ(was.product_uuid, host->product_uuid))
        return err_set(e, ERR_AREA_STORE, -EXDEV,
                       "%s was made on another machine (%.36s, this is %.36s): two nodes with one "
                       "identity would fight. If the other one is gone for good, remove "
                       "%s/machine",
                       state_dir, was.machine_id, host->machine_id, state_dir);
    l->first_of_boot = strcmp(was.boot_id, host->boot_id) != 0;
    struct lock_host now = *host; /* what cannot be told today is not forgotten */
    if (!*now.machine_id)
        memcpy(now.machine_id, was.machine_id, sizeof now.machine_id);
    if (!*now.product_uuid)
        memcpy(now.product_uuid, was.product_uuid, sizeof now.product_uuid);
    if (memcmp(&was, &now, sizeof was) != 0 && (r = write_machine(dir_fd, &now)) != 0)
        return err_sys(e, ERR_AREA_STORE, r, "writing %s/machine", state_dir);
    return 0;
}

int lock_take_on(const struct lock_host *host, const char *state_dir, struct lock **ret,
                 struct err *e)
{
    struct lock_host clean = {0}; /* compared whole */
    char secrets[4096];

    (void)str_copy(clean.machine_id, sizeof clean.machine_id, host->machine_id);
    (void)str_copy(clean.product_uuid, sizeof clean.product_uuid, host->product_uuid);
    (void)str_copy(clean.boot_id, sizeof clean.boot_id, host->boot_id);
    struct lock *l = malloc(sizeof *l);
    if (!l)
        return err_set(e, ERR_AREA_STORE, -ENOMEM, "taking the lock: out of memory");
    *l = (struct lock){.fd = -1, .socket_fd = -1};

    int dir_fd = open_folder(state_dir, 0711, e), r = dir_fd < 0 ? dir_fd : 0;
    if (r == 0)
        r = take_file(l, dir_fd, state_dir, e);
    if (r == 0)
        r = take_socket(l, e);
    if (r == 0)
        r = check_machine(l, dir_fd, &clean, state_dir, e);
    if (r == 0 && snprintf(secrets, sizeof secrets, "%s/secrets", state_dir) < (int)sizeof secrets) {
        int fd = open_folder(secrets, 0700, e);
        if (fd >= 0)
            (void)close(fd);
        r = fd < 0 ? fd : 0;
    }
    if (dir_fd >= 0)
        (void)close(dir_fd);
    if (r != 0) {
        lock_release(l);
        return r;
    }
    *ret = l;
    return 0;
}

int lock_take(const char *state_dir, struct lock **ret, struct err *e)
{
    struct lock_host host;

    lock_host_read(&host);
    return lock_take_on(&host, state_dir, ret, e);
}

bool lock_is_first_of_boot(const struct lock *l)
{
    return l->first_of_boot;
}

void lock_release(struct lock *l)
{
    if (!l)
        return;
    if (l->socket_fd >= 0)
        (void)close(l->socket_fd);
    if (l->fd >= 0)
        (void)close(l->fd); /* and with it the locks; the file stays */
    free(l);
}
