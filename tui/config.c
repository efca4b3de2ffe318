/*
 * Files of the operator's own folder. As root under sudo every call runs with the file-system rights
 * of the calling user, set for this thread only. Console thread; never follows a link.
 */
#include "tui/config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "widgets/xmem.h"

enum { FILE_MAX = 64 * 1024, PATH_ROOM = 512 };

/* Who the folder belongs to: under sudo the caller, else ourselves. */
static uid_t owner_of(gid_t *ret_gid)
{
    const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
    char *end;

    *ret_gid = getegid();
    if (geteuid() != 0 || !uid || !gid)
        return geteuid();
    unsigned long u = strtoul(uid, &end, 10);
    if (end == uid || *end || u == 0 || u >= UINT32_MAX)
        return 0;
    unsigned long g = strtoul(gid, &end, 10);
    *ret_gid = end == gid || *end ? (gid_t)-1 : (gid_t)g;
    return (uid_t)u;
}

struct rights {
    int uid, gid;
};

static struct rights rights_take(uid_t uid, gid_t gid)
{
    struct rights old;

    old.gid = setfsgid(gid);
    old.uid = setfsuid(uid);
    return old;
}

static void rights_back(struct rights old)
{
    setfsuid((uid_t)old.uid);
    setfsgid((gid_t)old.gid);
}

void config_find(char *dir, size_t cap, const char *wanted)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    gid_t gid;
    uid_t uid = owner_of(&gid);
    int n = -1;

    dir[0] = '\0';
    if (wanted) {
        n = snprintf(dir, cap, "%s", wanted);
    } else if (uid != geteuid()) {
        const struct passwd *pw = getpwuid(uid);
        if (pw && pw->pw_dir && pw->pw_dir[0] == '/')
            n = snprintf(dir, cap, "%s/.config/meshdeck", pw->pw_dir);
    } else if (xdg && xdg[0] == '/') {
        n = snprintf(dir, cap, "%s/meshdeck", xdg);
    } else if (home && home[0] == '/') {
        n = snprintf(dir, cap, "%s/.config/meshdeck", home);
    }
    if (n < 0 || (size_t)n >= cap)
        dir[0] = '\0';
}

static int read_open(int fd, uid_t uid, char **ret, const char *name, char *why, size_t cap)
{
    struct stat st;
    size_t got = 0;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        snprintf(why, cap, "%s: not a file of at most %d KiB; it is not read", name, FILE_MAX / 1024);
        return -EINVAL;
    }
    if (st.st_uid != uid) {
        snprintf(why, cap, "%s belongs to uid %u, not to you; it is not read", name, st.st_uid);
        return -EPERM;
    }
    char *text = xmem_new(FILE_MAX + 1, 1);
    while (got < FILE_MAX) {
        ssize_t n = read(fd, text + got, FILE_MAX - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    text[got] = '\0';
    *ret = text;
    return 0;
}

int config_read(const char *dir, const char *name, char **ret, char *why, size_t cap)
{
    char path[PATH_ROOM];
    gid_t gid;
    uid_t uid = owner_of(&gid);
    int r;

    why[0] = '\0';
    if (!dir[0] || snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return -ENOENT;
    struct rights old = rights_take(uid, gid);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    r = fd < 0 ? -errno : read_open(fd, uid, ret, path, why, cap);
    if (fd >= 0)
        close(fd);
    rights_back(old);
    if (r < 0 && r != -ENOENT && !why[0])
        snprintf(why, cap, "%s: %s", path, strerror(-r));
    return r;
}

/* The folder and those above it that are missing. */
static int make_folders(const char *dir)
{
    char path[PATH_ROOM];

    if (!xmem_copy_text(path, sizeof path, dir))
        return -ENAMETOOLONG;
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = '\0';
            if (mkdir(path, 0755) < 0 && errno != EEXIST)
                return -errno;
            *p = '/';
        }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_whole(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int write_in(const char *dir, const char *name, const char *text)
{
    char fresh[64];
    int r, fd, dfd;

    r = make_folders(dir);
    if (r < 0)
        return r;
    dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dfd < 0)
        return -errno;
    snprintf(fresh, sizeof fresh, ".%.32s.%ld", name, (long)getpid());
    unlinkat(dfd, fresh, 0);
    fd = openat(dfd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    r = fd < 0 ? -errno : write_whole(fd, text);
    if (fd >= 0)
        close(fd);
    if (r == 0 && renameat(dfd, fresh, dfd, name) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(dfd, fresh, 0);
    close(dfd);
    return r;
}

int config_write(const char *dir, const char *name, const char *text, char *why, size_t cap)
{
    gid_t gid;
    uid_t uid = owner_of(&gid);
    int r;

    if (!dir[0]) {
        snprintf(why, cap, "there is no folder for your options: HOME is not set");
        return -ENOENT;
    }
    struct rights old = rights_take(uid, gid);
    r = write_in(dir, name, text);
    rights_back(old);
    if (r < 0)
        snprintf(why, cap, "%s/%s: %s", dir, name, strerror(-r));
    return r;
}
