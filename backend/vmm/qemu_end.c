/*
 * Why a QEMU ended: its own note in its log, and the log's last lines, cleaned. Engine thread; it
 * reads a few KiB that were just written, and keeps the log below its bound.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/guest/newfile.h"
#include "backend/model/text.h"
#include "backend/vmm/qemu_internal.h"

enum { TAIL = 4096 };

/* ShutdownCause of QEMU, by name in its event and by number in its trace. */
static const struct {
    const char *name;
    unsigned number;
    enum vmm_why why;
} causes[] = {
    {"host-error", 1, VMM_WHY_EXIT},
    {"host-qmp-quit", 2, VMM_WHY_HOST_QUIT},
    {"host-signal", 4, VMM_WHY_HOST_QUIT},
    {"host-ui", 5, VMM_WHY_HOST_QUIT},
    {"guest-shutdown", 6, VMM_WHY_GUEST_POWEROFF},
    {"guest-panic", 8, VMM_WHY_GUEST_PANIC},
};

enum vmm_why qemu_why(const char *reason)
{
    for (size_t i = 0; i < ARRAY_LEN(causes); i++)
        if (strcmp(causes[i].name, reason) == 0)
            return causes[i].why;
    return VMM_WHY_UNKNOWN;
}

static int open_log(const char *folder, int flags)
{
    const int at = newfile_open_dir(folder, NULL);
    int fd;

    if (at < 0)
        return -1;
    fd = openat(at, QEMU_LOG_FILE, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    (void)close(at); /* only a path */
    return fd;
}

/* The last complete trace line "qemu_system_shutdown_request reason=N". */
static enum vmm_why noted(const char *text)
{
    static const char note[] = "qemu_system_shutdown_request reason=";
    const char *last = NULL;
    unsigned number = 0;

    for (const char *at = text; (at = strstr(at, note)); at += sizeof note - 1)
        last = at;
    if (!last || sscanf(last + sizeof note - 1, "%2u", &number) != 1)
        return VMM_WHY_UNKNOWN;
    for (size_t i = 0; i < ARRAY_LEN(causes); i++)
        if (causes[i].number == number)
            return causes[i].why;
    return VMM_WHY_UNKNOWN;
}

void qemu_log_tail(const char *folder, struct vmm_end *ret, enum vmm_why *ret_why)
{
    char raw[TAIL + 1], *from = raw;
    const int fd = open_log(folder, O_RDONLY);
    struct stat st;
    ssize_t n = -1;
    size_t len = 0;

    ret->log_tail[0] = '\0';
    *ret_why = VMM_WHY_UNKNOWN;
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        n = pread(fd, raw, TAIL, st.st_size > TAIL ? st.st_size - TAIL : 0);
    (void)close(fd); /* read only */
    if (n <= 0)
        return;
    raw[n] = '\0';
    *ret_why = noted(raw);
    if (n > (ssize_t)sizeof ret->log_tail / 2) { /* begin with a whole line */
        from = raw + n - sizeof ret->log_tail / 2;
        from += strcspn(from, "\n");
        from += *from == '\n';
    }
    while (*from && len + 2 < sizeof ret->log_tail) {
        const size_t line = strcspn(from, "\n");
        if (line > 0) {
            len += text_clean(ret->log_tail + len, sizeof ret->log_tail - len - 1, from, line);
            ret->log_tail[len++] = '\n';
            ret->log_tail[len] = '\0';
        }
        from += line + (from[line] == '\n');
    }
}

void qemu_log_bound(const char *folder)
{
    const int fd = open_log(folder, O_WRONLY);
    struct stat st;

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > QEMU_LOG_MAX)
        (void)!ftruncate(fd, 0); /* it appends, so it goes on from there */
    (void)close(fd);             /* nothing was written */
}

void qemu_last_end(const char *folder, struct vmm_end *ret)
{
    qemu_log_tail(folder, ret, &ret->why);
    (void)str_copy(ret->text, sizeof ret->text,
                   ret->why == VMM_WHY_UNKNOWN ? "ended while nobody watched, cause unknown"
                                               : vmm_why_names[ret->why]);
}
