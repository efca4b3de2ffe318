/*
 * Frames of a live stream. Both ends use it. It never waits, never trusts a length, and cleans
 * every text on its way out of a frame, since the sender parses a guest's bytes.
 */
#include "backend/model/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "backend/model/text.h"

enum { EXIT_HEAD = 5, SIGNAL_MAX = 15, SIZE_LEN = 4 };

int stream_pair(int ret_fds[static 2], struct err *e)
{
    const int room = 4 * STREAM_PACKET_MAX;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) != 0)
        return err_sys(e, ERR_AREA_HOST, -errno, "making a stream");
    for (int i = 0; i < 2; i++) /* a smaller buffer only means more turns */
        (void)setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    return 0;
}

int stream_send(int fd, enum stream_type type, const void *bytes, size_t len)
{
    uint8_t head = (uint8_t)type;
    struct iovec parts[2] = {{&head, 1}, {(void *)(uintptr_t)bytes, len}};
    const struct msghdr msg = {.msg_iov = parts, .msg_iovlen = len ? 2 : 1};

    if (len > STREAM_DATA_MAX)
        return -EMSGSIZE;
    while (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        return errno == ENOBUFS || errno == ENOMEM ? -EAGAIN
               : errno == ECONNRESET               ? -EPIPE
                                                   : -errno;
    }
    return 0;
}

int stream_send_size(int fd, uint16_t cols, uint16_t rows)
{
    const uint8_t be[SIZE_LEN] = {(uint8_t)(cols >> 8), (uint8_t)cols, (uint8_t)(rows >> 8),
                                  (uint8_t)rows};
    return stream_send(fd, STREAM_SIZE, be, sizeof be);
}

int stream_send_exit(int fd, const struct stream_exit *x)
{
    uint8_t b[EXIT_HEAD + SIGNAL_MAX];
    size_t len = strnlen(x->signal, SIGNAL_MAX);

    b[0] = x->has_status;
    for (unsigned i = 0; i < 4; i++)
        b[1 + i] = (uint8_t)(x->status >> (24 - 8 * i));
    memcpy(b + EXIT_HEAD, x->signal, len);
    return stream_send(fd, STREAM_EXIT, b, EXIT_HEAD + len);
}

int stream_send_text(int fd, enum stream_type type, const char *text)
{
    char clean[STREAM_TEXT_MAX];
    size_t len = text_clean(clean, sizeof clean, text, strlen(text));
    return stream_send(fd, type, clean, len);
}

int stream_parse(const uint8_t *packet, size_t len, struct stream_frame *ret)
{
    if (len < 1 || len > STREAM_PACKET_MAX)
        return -EBADMSG;
    const size_t n = len - 1;
    bool ok = false;
    switch (packet[0]) {
    case STREAM_OUT:
    case STREAM_ERR:
    case STREAM_IN:
        ok = n > 0;
        break;
    case STREAM_SIZE:
        ok = n == SIZE_LEN;
        break;
    case STREAM_END:
        ok = n == 0;
        break;
    case STREAM_EXIT:
        ok = n >= EXIT_HEAD && n <= EXIT_HEAD + SIGNAL_MAX && packet[1] <= 1;
        break;
    case STREAM_MESSAGE:
    case STREAM_STAGE:
        ok = n < STREAM_TEXT_MAX;
        break;
    default: /* a byte from outside, not a value of the enum */
        break;
    }
    if (!ok)
        return -EBADMSG;
    ret->type = (enum stream_type)packet[0];
    ret->len = n;
    memcpy(ret->bytes, packet + 1, n);
    return 0;
}

int stream_recv(int fd, struct stream_frame *ret)
{
    uint8_t packet[STREAM_PACKET_MAX];
    struct iovec part = {packet, sizeof packet};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n;

    /* No room for ancillary data: descriptors that the other side attaches are dropped. A reset is
     * told once, when the other side went without reading all of ours; its own last frames are
     * behind it. */
    do
        n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n <= 0)
        return n == 0 ? -EPIPE : -errno;
    if (msg.msg_flags & MSG_TRUNC)
        return -EBADMSG;
    return stream_parse(packet, (size_t)n, ret);
}

bool stream_size_of(const struct stream_frame *f, uint16_t *ret_cols, uint16_t *ret_rows)
{
    if (f->type != STREAM_SIZE || f->len != SIZE_LEN)
        return false;
    unsigned cols = (unsigned)f->bytes[0] << 8 | f->bytes[1];
    unsigned rows = (unsigned)f->bytes[2] << 8 | f->bytes[3];
    if (cols < 1 || rows < 1 || cols > STREAM_COLS_MAX || rows > STREAM_COLS_MAX)
        return false;
    *ret_cols = (uint16_t)cols;
    *ret_rows = (uint16_t)rows;
    return true;
}

bool stream_exit_of(const struct stream_frame *f, struct stream_exit *ret)
{
    if (f->type != STREAM_EXIT || f->len < EXIT_HEAD)
        return false;
    *ret = (struct stream_exit){.has_status = f->bytes[0] != 0};
    for (unsigned i = 0; i < 4; i++)
        ret->status = ret->status << 8 | f->bytes[1 + i];
    (void)text_clean(ret->signal, sizeof ret->signal, (const char *)f->bytes + EXIT_HEAD,
                     f->len - EXIT_HEAD);
    return true;
}

bool stream_text_of(const struct stream_frame *f, char buf[static STREAM_TEXT_MAX])
{
    if (f->type != STREAM_MESSAGE && f->type != STREAM_STAGE)
        return false;
    (void)text_clean(buf, STREAM_TEXT_MAX, (const char *)f->bytes, f->len);
    return true;
}
