/*
 * Packets between engine and SSH worker, and quoting for the remote shell. Each function says which
 * side calls it. Nothing here keeps a copy of the key.
 */
#include "backend/guest/ssh_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backend/model/text.h"

static bool word_is_plain(const char *w)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+:,./-";
    return *w && w[strspn(w, plain)] == '\0';
}

/* Appends; false when it does not fit with a NUL after it. */
static bool add(char *buf, size_t cap, size_t *len, const char *s, size_t n)
{
    if (cap - *len <= n)
        return false;
    memcpy(buf + *len, s, n);
    *len += n;
    buf[*len] = '\0';
    return true;
}

static bool add_word(char *buf, size_t cap, size_t *len, const char *w)
{
    if (word_is_plain(w))
        return add(buf, cap, len, w, strlen(w));
    bool ok = add(buf, cap, len, "'", 1);
    while (ok && *w) {
        size_t n = strcspn(w, "'");
        ok = add(buf, cap, len, w, n);
        w += n;
        if (ok && *w) {
            ok = add(buf, cap, len, "'\\''", 4);
            w++;
        }
    }
    return ok && add(buf, cap, len, "'", 1);
}

int ssh_wire_quote(const char *const *argv, char *buf, size_t cap)
{
    size_t len = 0;

    if (!argv || !argv[0] || cap == 0)
        return -EINVAL;
    buf[0] = '\0';
    for (size_t i = 0; argv[i]; i++)
        if ((i > 0 && !add(buf, cap, &len, " ", 1)) || !add_word(buf, cap, &len, argv[i]))
            return -E2BIG;
    return 0;
}

int ssh_wire_pair(int ret_fds[static 2], struct err *e)
{
    const int room = 2 * SESSION_COMMAND_MAX;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) != 0)
        return err_sys(e, ERR_AREA_SSH, -errno, "making a control socket");
    for (int i = 0; i < 2; i++)
        (void)setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room); /* sends say */
    return 0;
}

int ssh_wire_send_request(int fd, const struct ssh_request *q, const char *command, int tcp,
                          int stream)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    const int fds[2] = {tcp, stream};
    const size_t n_fds = stream < 0 ? 1 : 2;
    struct iovec parts[2] = {{(void *)(uintptr_t)q, sizeof *q},
                             {(void *)(uintptr_t)command, q->command_len}};
    struct msghdr msg = {.msg_iov = parts,
                         .msg_iovlen = q->command_len ? 2 : 1,
                         .msg_control = &control,
                         .msg_controllen = CMSG_SPACE(n_fds * sizeof(int))};

    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
    memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
    return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int ssh_wire_recv_request(int fd, struct ssh_request *ret, char *command, int *ret_tcp,
                          int *ret_stream)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct iovec parts[2] = {{ret, sizeof *ret}, {command, SESSION_COMMAND_MAX}};
    struct msghdr msg = {.msg_iov = parts,
                         .msg_iovlen = 2,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};
    int fds[2] = {-1, -1};
    ssize_t n;

    do
        n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    if (n < (ssize_t)sizeof *ret || ret->command_len != (size_t)n - sizeof *ret || !c ||
        c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
        c->cmsg_len > CMSG_LEN(sizeof fds))
        return n == 0 ? -EPIPE : -EBADMSG;
    memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    command[ret->command_len] = '\0';
    *ret_tcp = fds[0];
    *ret_stream = fds[1];
    return 0;
}

int ssh_wire_send_report(int fd, const struct ssh_report *r)
{
    return send(fd, r, sizeof *r, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int ssh_wire_recv_report(int fd, struct ssh_report *ret)
{
    uint8_t raw[sizeof(struct ssh_report) + 1];
    struct ssh_report r;
    uint8_t flag;

    ssize_t n;
    do /* a reset is told once, before what is still queued */
        n = recv(fd, raw, sizeof raw, MSG_DONTWAIT);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n <= 0)
        return n == 0 ? -EPIPE : -errno;
    if (n != (ssize_t)sizeof r)
        return -EBADMSG;
    memcpy(&r, raw, sizeof r);
    memset(ret, 0, sizeof *ret);
    /* a bool and an enum that came as bytes may hold anything: read them as bytes first */
    memcpy(&flag, raw + offsetof(struct ssh_report, is_end), 1);
    ret->is_end = flag != 0;
    memcpy(&flag, raw + offsetof(struct ssh_report, exit.has_status), 1);
    ret->exit.has_status = flag != 0;
    ret->exit.status = r.exit.status;
    unsigned result;
    memcpy(&result, raw + offsetof(struct ssh_report, result), sizeof result);
    if (result >= SESSION_RESULT_COUNT)
        return -EBADMSG;
    ret->result = (enum session_result)result;
    (void)text_clean(ret->exit.signal, sizeof ret->exit.signal, r.exit.signal,
                     strnlen(r.exit.signal, sizeof r.exit.signal));
    (void)text_clean(ret->text, sizeof ret->text, r.text, strnlen(r.text, sizeof r.text));
    return 0;
}
