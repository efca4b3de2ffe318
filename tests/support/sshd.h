#ifndef MESHDECK_TESTS_SSHD_H
#define MESHDECK_TESTS_SSHD_H
/*
 * Real SSH servers (OpenSSH's sshd, dropbear) on a loopback of ours, and a viewer that looks at a
 * session's stream. Call netns_enter first: a passwd with a home of our own is mounted over the
 * machine's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "backend/guest/session.h"

struct ssh_host {
    char *dir;
    struct key_pair client, key, other; /* other: a client key that no server takes */
    char key_line[KEYS_PUBLIC_TEXT];
};
void ssh_host_init(struct ssh_host *h);
void ssh_host_done(struct ssh_host *h);

/* Both return the pid once the port answers. `config`: more lines for sshd, or "". */
pid_t sshd_start(const struct ssh_host *h, uint16_t port, const char *config);
pid_t dropbear_start(const struct ssh_host *h, uint16_t port);
void server_stop(pid_t pid);

/* What a session showed and how it ended. */
struct ssh_view {
    struct ssh_view *next;
    struct session *session;   /* NULL once ended */
    struct session_end end;
    bool ended;
    int fd;                    /* the stream, -1 at its end */
    uv_timer_t timer;
    bool hold;                 /* set it to read nothing for a while */
    char *out, *err;
    size_t out_len, err_len;
    const char *input;         /* what is still to be sent */
    size_t input_len;
    bool input_ends;           /* send the end of input after it */
    bool has_exit;
    struct stream_exit exit;
    char message[STREAM_TEXT_MAX], stages[2048];
};

struct ssh_fixture {
    uv_loop_t loop;
    struct session_pool *pool;
    struct ssh_host host;
    struct ssh_view *views; /* those of the test that runs */
};
void ssh_fixture_init(struct ssh_fixture *f);
void ssh_fixture_done(struct ssh_fixture *f);
/* Mode exec of a command line on the host's key and 127.0.0.1; change what you need. */
struct session_spec ssh_spec(const struct ssh_fixture *f, uint16_t port, const char *command);
/* input NULL: none, and the end of it is sent at once. Freed by view_done, or by views_done when a
 * test ends, well or not. */
struct ssh_view *view_open(struct ssh_fixture *f, const struct session_spec *spec,
                           const char *input, size_t input_len);
/* Turns the loop until both the session and the stream have ended. */
void view_finish(struct ssh_fixture *f, struct ssh_view *v);
/* Turns it until the output holds the text. */
void view_await(struct ssh_fixture *f, struct ssh_view *v, const char *text);
void view_type(struct ssh_view *v, const char *text); /* at once; the test must not flood */
void view_done(struct ssh_fixture *f, struct ssh_view *v);
void views_done(struct ssh_fixture *f);

#endif
