#ifndef MESHDECK_GUEST_SSH_WIRE_H
#define MESHDECK_GUEST_SSH_WIRE_H
/*
 * What engine and SSH worker say to each other over the worker's control socket (SOCK_SEQPACKET):
 * one request with the connected TCP socket and the worker's end of the stream, then reports. Both
 * ends are the same program. The worker trusts the engine; the engine believes no report: a worker
 * parses a guest's bytes.
 */
#include "backend/guest/session.h"
#include "backend/model/secret.h"

struct ssh_request {
    enum session_mode mode;
    unsigned uid, gid;     /* what the worker becomes */
    unsigned stage_ms, keepalive_ms;
    uint16_t cols, rows;
    char user[64];
    char host_key[KEYS_PUBLIC_TEXT];
    struct secret key;     /* OpenSSH's private key text; wiped by whoever has it */
    size_t command_len;    /* exec; the bytes follow, without NUL */
};

struct ssh_report {
    bool is_end;           /* else text is a stage */
    enum session_result result;
    struct stream_exit exit;
    char text[240];        /* clean */
};

/* For argv[0] onwards, as a POSIX shell reads it; -E2BIG, -EINVAL for no words. */
int ssh_wire_quote(const char *const *argv, char *buf, size_t cap);

int ssh_wire_pair(int ret_fds[static 2], struct err *e);
/* Engine's side: neither waits. tcp and stream stay the caller's; stream -1 for none. */
int ssh_wire_send_request(int fd, const struct ssh_request *q, const char *command, int tcp,
                          int stream);
/* 0, -EAGAIN, -EPIPE at the end, -EBADMSG for what is no report. */
int ssh_wire_recv_report(int fd, struct ssh_report *ret);
/* Worker's side. command has room for SESSION_COMMAND_MAX + 1 and ends with NUL. Waits. */
int ssh_wire_recv_request(int fd, struct ssh_request *ret, char *command, int *ret_tcp,
                          int *ret_stream);
int ssh_wire_send_report(int fd, const struct ssh_report *r);

#endif
