/*
 * The log of a serial line. The loop fills one buffer while a pool thread writes the other. Nothing
 * of the guest reaches the file that could act on a terminal: control bytes stand as \ooo.
 */
#include "backend/guest/serial_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "backend/guest/newfile.h"
#include "backend/guest/serial.h"
#include "backend/model/text.h"

enum { BUFFER = 65536, ESCAPED = 4 };

struct serial_log {
    uv_work_t work;
    uv_loop_t *loop;
    char *folder;
    bool writing, closing;
    uint64_t dropped;
    size_t len, out_len;
    char buffer[BUFFER], out[BUFFER];
};

struct serial_log *serial_log_new(struct uv_loop_s *loop, const char *folder)
{
    struct serial_log *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->loop = loop;
    l->folder = strdup(folder);
    if (!l->folder) {
        free(l);
        return NULL;
    }
    l->work.data = l;
    return l;
}

static void write_out(const char *folder, const char *bytes, size_t len)
{
    const int at = newfile_open_dir(folder, NULL);
    struct stat st;
    int fd;

    if (at < 0)
        return; /* the folder has gone with its VM */
    fd = openat(at, SERIAL_LOG_FILE,
                O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size + (off_t)len > SERIAL_LOG_MAX) {
        (void)close(fd);
        fd = -1;
        if (renameat(at, SERIAL_LOG_FILE, at, SERIAL_LOG_OLD) == 0)
            fd = openat(at, SERIAL_LOG_FILE,
                        O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    }
    if (fd >= 0) {
        (void)!write(fd, bytes, len); /* a full disk costs lines of a log, nothing else */
        (void)close(fd);
    }
    (void)close(at); /* only a path */
}

static void on_work(uv_work_t *work)
{
    const struct serial_log *l = work->data;
    write_out(l->folder, l->out, l->out_len);
}

static void start_write(struct serial_log *l);

static void on_written(uv_work_t *work, int status)
{
    struct serial_log *l = work->data;

    (void)status;
    l->writing = false;
    if (l->len > 0) {
        start_write(l);
    } else if (l->closing) {
        free(l->folder);
        free(l);
    }
}

static void start_write(struct serial_log *l)
{
    memcpy(l->out, l->buffer, l->len);
    l->out_len = l->len;
    l->len = 0;
    if (uv_queue_work(l->loop, &l->work, on_work, on_written) == 0)
        l->writing = true;
}

static size_t escape(char *dst, const uint8_t *src, size_t len, size_t *used)
{
    uint32_t cp;
    const size_t n = text_utf8_decode((const char *)src, len, &cp);

    *used = 1;
    if (*src == '\r')
        return 0;
    if (*src == '\n' || *src == '\t' || (n == 1 && text_codepoint_is_safe(cp))) {
        *dst = (char)*src;
        return 1;
    }
    if (n > 1 && text_codepoint_is_safe(cp)) {
        memcpy(dst, src, n); /* at most 4 bytes, as ESCAPED */
        *used = n;
        return n;
    }
    dst[0] = '\\';
    dst[1] = (char)('0' + (*src >> 6));
    dst[2] = (char)('0' + ((*src >> 3) & 7));
    dst[3] = (char)('0' + (*src & 7));
    return ESCAPED;
}

void serial_log_add(struct serial_log *l, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    if (l->dropped > 0 && l->len + 64 < BUFFER) {
        l->len += (size_t)snprintf(l->buffer + l->len, 64, "\n[%llu bytes left out]\n",
                                   (unsigned long long)l->dropped);
        l->dropped = 0;
    }
    while (len > 0) {
        size_t used;

        if (l->len + ESCAPED > BUFFER) {
            l->dropped += len;
            break;
        }
        l->len += escape(l->buffer + l->len, at, len, &used);
        at += used;
        len -= used;
    }
    if (!l->writing && l->len > 0)
        start_write(l);
}

void serial_log_free(struct serial_log *l)
{
    if (!l)
        return;
    l->closing = true;
    if (l->writing)
        return;
    free(l->folder);
    free(l);
}

size_t serial_log_tail(const char *folder, char *buf, size_t cap)
{
    const int at = newfile_open_dir(folder, NULL);
    struct stat st;
    ssize_t n = 0;
    int fd = -1;

    if (at >= 0)
        fd = openat(at, SERIAL_LOG_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        n = pread(fd, buf, cap - 1,
                  st.st_size > (off_t)(cap - 1) ? st.st_size - (off_t)(cap - 1) : 0);
    if (fd >= 0)
        (void)close(fd); /* read only */
    if (at >= 0)
        (void)close(at);
    buf[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}
