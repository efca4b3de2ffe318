/*
 * The operator's session, as this process can know it: its environment; under sudo, which drops
 * that, the environment of its ancestors; else the login record of its terminal. Reads /proc and
 * utmp; call it once at start. Believes none of it: way_in_find checks.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utmpx.h>

#include "backend/host/uplink.h"
#include "backend/model/text.h"

enum { ANCESTORS_MAX = 32, ENVIRON_MAX = 64 * 1024, STAT_MAX = 512 };

static const char *const names[] = { "SSH_CONNECTION=", "SSH_CLIENT=" };

/* Up to cap-1 bytes of a file of /proc/PID; bytes read, 0 when there are none. */
static size_t read_proc(long pid, const char *file, char *buf, size_t cap)
{
    char path[64];
    size_t len = 0;
    ssize_t n = 1;

    (void)snprintf(path, sizeof(path), "/proc/%ld/%s", pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && n > 0 && len + 1 < cap) {
        n = read(fd, buf + len, cap - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    buf[len] = '\0';
    return len;
}

/* 0 at the top, or when the process is gone. */
static long parent_of(long pid)
{
    char stat[STAT_MAX];
    long parent = 0;

    if (read_proc(pid, "stat", stat, sizeof(stat)) == 0) {
        return 0;
    }
    const char *end = strrchr(stat, ')'); /* the name before it may hold anything */
    return end && sscanf(end + 1, " %*c %ld", &parent) == 1 && parent > 1 ? parent : 0;
}

/* The value of one of the names in a process's environment. */
static bool find_in(long pid, char *environ_text, char *ret, size_t cap)
{
    size_t len = read_proc(pid, "environ", environ_text, ENVIRON_MAX);

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (size_t at = 0; at < len; at += strlen(environ_text + at) + 1) {
            size_t n = strlen(names[i]);
            if (strncmp(environ_text + at, names[i], n) == 0 && environ_text[at + n] != '\0') {
                return str_copy(ret, cap, environ_text + at + n);
            }
        }
    }
    return false;
}

static void find_login(char *ret, size_t cap)
{
    const char *tty = ttyname(STDIN_FILENO);
    struct utmpx line = { 0 };

    if (!tty || strncmp(tty, "/dev/", 5) != 0) {
        return;
    }
    memcpy(line.ut_line, tty + 5, strnlen(tty + 5, sizeof(line.ut_line)));
    setutxent();
    const struct utmpx *found = getutxline(&line);
    if (found && found->ut_type == USER_PROCESS) {
        char host[sizeof(found->ut_host) + 1] = "";
        memcpy(host, found->ut_host, sizeof(found->ut_host)); /* need not end with a NUL */
        (void)str_copy(ret, cap, host);
    }
    endutxent();
}

void way_in_read_session(char ssh[static WAY_IN_TEXT], char tty_host[static WAY_IN_TEXT])
{
    char *text = malloc(ENVIRON_MAX);
    bool found = false;

    ssh[0] = tty_host[0] = '\0';
    for (long pid = getpid(), i = 0; text && pid > 1 && !found && i < ANCESTORS_MAX; i++) {
        found = find_in(pid, text, ssh, WAY_IN_TEXT);
        pid = parent_of(pid);
    }
    free(text);
    if (!found) {
        ssh[0] = '\0';
        find_login(tty_host, WAY_IN_TEXT);
    }
}
