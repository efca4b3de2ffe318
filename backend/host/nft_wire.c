/*
 * Messages between the engine and its nft worker. No state, any thread.
 */
#include "backend/host/nft_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    char room[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int nft_wire_send(int sock, const void *message, size_t size, int fd)
{
    struct iovec iov = { .iov_base = (void *)(uintptr_t)message, .iov_len = size };
    union control control = { 0 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (fd >= 0) {
        m.msg_control = control.room;
        m.msg_controllen = sizeof(control.room);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    for (;;) {
        if (sendmsg(sock, &m, MSG_NOSIGNAL) >= 0) {
            return 0;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

int nft_wire_receive(int sock, void *message, size_t size, int *ret_fd)
{
    struct iovec iov = { .iov_base = message, .iov_len = size };
    union control control = { 0 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
                        .msg_controllen = sizeof(control.room) };
    ssize_t n;

    *ret_fd = -1;
    do {
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
            c->cmsg_len == CMSG_LEN(sizeof(int))) {
            memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
        }
    }
    if (n == 0) {
        return -EPIPE;
    }
    return (size_t)n == size && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? 0 : -EPROTO;
}

int nft_wire_file(const void *data, size_t len)
{
    int fd = memfd_create("meshdeck-nft", MFD_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    for (size_t at = 0; at < len;) {
        ssize_t n = pwrite(fd, (const char *)data + at, len - at, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            int code = n < 0 ? -errno : -EIO;
            (void)close(fd);
            return code;
        }
        at += (size_t)n;
    }
    return fd;
}

int nft_wire_load(int fd, uint64_t len, char **ret)
{
    if (len > NFT_WIRE_TEXT_MAX) {
        return -E2BIG;
    }
    char *text = malloc((size_t)len + 1);
    if (!text) {
        return -ENOMEM;
    }
    for (size_t at = 0; at < len;) {
        ssize_t n = pread(fd, text + at, (size_t)len - at, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            int code = n < 0 ? -errno : -EPROTO;
            free(text);
            return code;
        }
        at += (size_t)n;
    }
    text[len] = '\0';
    *ret = text;
    return 0;
}
