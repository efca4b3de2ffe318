/*
 * dnsmasq's folder and its process in /proc. Runs on libuv's pool; no state. Files are written
 * beside and renamed (dnsmasq ignores names that begin with a dot) and never through a link. They
 * are readable by all, since dnsmasq runs under a uid of its own; no secret is among them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/host/dnsmasq_priv.h"
#include "backend/model/text.h"

enum { FILE_MAX = 64 * 1024, LOG_MAX = 1024 * 1024, LOG_TAIL = 1024 };

static int open_folder(const char *folder, const char *sub, struct err *e)
{
    char path[DNSMASQ_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s%s", folder, sub);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? err_sys(e, ERR_AREA_HOST, -errno, "opening %s", path) : fd;
}

static int make_folder(const char *folder, const char *sub, struct err *e)
{
    char path[DNSMASQ_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s%s", folder, sub);
    if (mkdir(path, 0755) < 0 && errno != EEXIST) {
        return err_sys(e, ERR_AREA_HOST, -errno, "making %s", path);
    }
    int fd = open_folder(folder, sub, e);
    if (fd < 0) {
        return fd;
    }
    int code = fchmod(fd, 0755) < 0 ? -errno : 0; /* whatever the umask was */
    (void)close(fd);
    return code < 0 ? err_sys(e, ERR_AREA_HOST, code, "opening %s to dnsmasq", path) : 0;
}

/* Up to FILE_MAX bytes of an open file, closed here. */
static int read_fd(int fd, char **ret, size_t *ret_len)
{
    char *text = malloc(FILE_MAX + 1);
    size_t len = 0;
    ssize_t n = 1;
    int code = text ? 0 : -ENOMEM;

    while (code == 0 && n > 0 && len < FILE_MAX) {
        n = read(fd, text + len, FILE_MAX - len);
        if (n > 0) {
            len += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            n = 1;
        } else if (n < 0) {
            code = -errno;
        }
    }
    (void)close(fd);
    if (code < 0) {
        free(text);
        return code;
    }
    text[len] = '\0';
    *ret = text;
    *ret_len = len;
    return 0;
}

int dnsmasq_files_read(const char *path, char **ret, size_t *ret_len, struct err *e)
{
    /* Followed: /etc/resolv.conf is often a link. Not waited for: it might be a FIFO. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int code = fd < 0 ? -errno : read_fd(fd, ret, ret_len);

    return code < 0 ? err_sys(e, ERR_AREA_HOST, code, "reading %s", path) : 0;
}

static bool is_same(int dir, const char *name, const char *text)
{
    char *old;
    size_t len;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0 || read_fd(fd, &old, &len) < 0) {
        return false;
    }
    bool same = len == strlen(text) && memcmp(old, text, len) == 0;
    free(old);
    return same;
}

static int write_all(int fd, const char *text)
{
    size_t len = strlen(text);

    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, text + at, len - at);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Replaces one file as a whole; leaves it alone when it has that content. */
static int put_file(int dir, const char *name, const char *text, bool *ret_changed, struct err *e)
{
    char temp[64];

    *ret_changed = !is_same(dir, name, text);
    if (!*ret_changed) {
        return 0;
    }
    (void)snprintf(temp, sizeof(temp), ".%.40s.new", name);
    int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return err_sys(e, ERR_AREA_HOST, -errno, "writing dnsmasq's file %s", name);
    }
    int code = fchmod(fd, 0644) < 0 ? -errno : write_all(fd, text);
    if (close(fd) < 0 && code == 0) {
        code = -errno;
    }
    if (code == 0 && renameat(dir, temp, dir, name) < 0) {
        code = -errno;
    }
    if (code < 0) {
        (void)unlinkat(dir, temp, 0);
        return err_sys(e, ERR_AREA_HOST, code, "writing dnsmasq's file %s", name);
    }
    return 0;
}

static int put_in(const char *folder, const char *sub, const char *name, const char *text,
                  bool *ret_changed, struct err *e)
{
    int dir = open_folder(folder, sub, e);

    if (dir < 0) {
        return dir;
    }
    int r = put_file(dir, name, text, ret_changed, e);
    (void)close(dir);
    return r;
}

int dnsmasq_files_prepare(const char *folder, const char *config, bool *ret_changed,
                          struct err *e)
{
    int r = make_folder(folder, "", e);

    r = r < 0 ? r : make_folder(folder, "/hosts", e);
    return r < 0 ? r : put_in(folder, "", "dnsmasq.conf", config, ret_changed, e);
}

int dnsmasq_files_servers(const char *folder, const char *text, bool *ret_changed, struct err *e)
{
    return put_in(folder, "", "servers", text, ret_changed, e);
}

int dnsmasq_files_put(const char *folder, const char *name, const char *text, struct err *e)
{
    bool changed;

    return put_in(folder, "/hosts", name, text, &changed, e);
}

int dnsmasq_files_remove(const char *folder, const char *name, struct err *e)
{
    int dir = open_folder(folder, "/hosts", e);

    if (dir < 0) {
        return dir;
    }
    int code = unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
    (void)close(dir);
    return code < 0 ? err_sys(e, ERR_AREA_HOST, code, "removing dnsmasq's file %s", name) : 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

int dnsmasq_files_keep(const char *folder, const char (*names)[32], size_t count, struct err *e)
{
    int dir = open_folder(folder, "/hosts", e), code = 0;

    if (dir < 0) {
        return dir;
    }
    DIR *d = fdopendir(dir);
    if (!d) {
        code = -errno;
        (void)close(dir);
        return err_sys(e, ERR_AREA_HOST, code, "reading dnsmasq's hosts");
    }
    for (struct dirent *at; (at = readdir(d)) != NULL;) {
        char name[32];
        bool dots = strcmp(at->d_name, ".") == 0 || strcmp(at->d_name, "..") == 0;
        bool keep = count > 0 && str_copy(name, sizeof(name), at->d_name) &&
                    bsearch(name, names, count, sizeof(names[0]), compare_names);
        if (!dots && !keep && unlinkat(dirfd(d), at->d_name, 0) < 0 && errno != ENOENT) {
            code = err_sys(e, ERR_AREA_HOST, -errno, "removing an old name from dnsmasq");
        }
    }
    (void)closedir(d);
    return code;
}

void dnsmasq_files_last_words(const char *folder, char *ret, size_t cap)
{
    char path[DNSMASQ_PATH_MAX], tail[LOG_TAIL];
    struct stat st;

    ret[0] = '\0';
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &st) == 0) {
        off_t from = st.st_size > LOG_TAIL ? st.st_size - LOG_TAIL : 0;
        ssize_t n = pread(fd, tail, sizeof(tail), from);
        while (n > 0 && tail[n - 1] == '\n') {
            n--;
        }
        const char *line = n > 0 ? memrchr(tail, '\n', (size_t)n) : NULL;
        line = line ? line + 1 : tail;
        if (n > 0) {
            (void)text_clean(ret, cap, line, (size_t)(tail + n - line));
        }
        if (st.st_size > LOG_MAX && ftruncate(fd, 0) < 0) {
            ret[0] = '\0'; /* it appends, so it would have gone on at the start */
        }
    }
    (void)close(fd);
}

/* Reads a small file of /proc/PID; bytes read, or 0. */
static size_t read_proc(pid_t pid, const char *file, char *buf, size_t cap)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, cap);
    if (fd >= 0) {
        (void)close(fd);
    }
    return n > 0 ? (size_t)n : 0;
}

static bool in_our_namespace(pid_t pid)
{
    char path[64];
    struct stat ours, theirs;

    (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    return stat("/proc/thread-self/ns/net", &ours) == 0 && stat(path, &theirs) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

int dnsmasq_files_is(pid_t pid, const char *folder, uid_t uid)
{
    char path[64], want[DNSMASQ_PATH_MAX + 32], line[DNSMASQ_PATH_MAX * 2];
    struct stat st;

    size_t len = read_proc(pid, "cmdline", line, sizeof(line));
    (void)snprintf(want, sizeof(want), "--conf-file=%s/dnsmasq.conf", folder);
    const char *end = len ? memchr(line, '\0', len) : NULL;
    size_t rest = end ? len - (size_t)(end + 1 - line) : 0;
    if (rest != strlen(want) + 1 || memcmp(end + 1, want, rest) != 0) {
        return -ESRCH;
    }
    /* Its children for TCP queries look the same, but lead no session. */
    (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    return stat(path, &st) == 0 && st.st_uid == uid && getsid(pid) == pid && in_our_namespace(pid)
               ? 0 : -ESRCH;
}

pid_t dnsmasq_files_find(const char *folder, uid_t uid)
{
    DIR *d = opendir("/proc");
    pid_t found = 0;

    for (struct dirent *at; d && !found && (at = readdir(d)) != NULL;) {
        char *end;
        long pid = strtol(at->d_name, &end, 10);
        if (pid > 1 && *end == '\0' && dnsmasq_files_is((pid_t)pid, folder, uid) == 0) {
            found = (pid_t)pid;
        }
    }
    if (d) {
        (void)closedir(d);
    }
    return found;
}
