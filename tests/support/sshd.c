#include "tests/support/sshd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/netns.h"
#include "tests/support/tmpdir.h"

enum { PATIENCE_S = 120, KEPT_MAX = 16 << 20 };

static void put_file(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    (void)close(fd);
}

void ssh_host_init(struct ssh_host *h)
{
    struct err e = {0};
    struct secret file = {0};
    char path[256], line[KEYS_PUBLIC_TEXT], passwd[512];

    memset(h, 0, sizeof *h);
    h->dir = tmpdir_new();
    assert_int_equal(keys_generate(&h->client, &e), 0);
    assert_int_equal(keys_generate(&h->other, &e), 0);
    assert_int_equal(keys_generate(&h->key, &e), 0);
    (void)keys_public_format(h->key.pub, NULL, h->key_line);
    assert_int_equal(keys_openssh_format(&h->key, "host", &file, &e), 0);
    put_file(h->dir, "host_openssh", file.bytes, file.len);
    assert_int_equal(keys_dropbear_format(&h->key, &file), 0);
    put_file(h->dir, "host_dropbear", file.bytes, file.len);
    secret_done(&file);

    (void)snprintf(path, sizeof path, "%s/.ssh", h->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)keys_public_format(h->client.pub, "test", line);
    size_t len = strlen(line);
    line[len] = '\n';
    put_file(h->dir, ".ssh/authorized_keys", line, len + 1);

    int n = snprintf(passwd, sizeof passwd,
                     "root:x:0:0:root:%s:/bin/sh\nsshd:x:110:65534::/run/sshd:/usr/sbin/nologin\n"
                     "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n", h->dir);
    put_file(h->dir, "passwd", passwd, (size_t)n);
    (void)snprintf(path, sizeof path, "%s/passwd", h->dir);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(mount(path, "/etc/passwd", NULL, MS_BIND, NULL), 0);
    (void)mkdir("/run/sshd", 0755);
}

void ssh_host_done(struct ssh_host *h)
{
    (void)umount("/etc/passwd");
    tmpdir_remove(h->dir);
    keys_done(&h->client);
    keys_done(&h->other);
    keys_done(&h->key);
}

static pid_t start_server(const char *const argv[], const char *log, uint16_t port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pid_t pid = fork();

    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        (void)setsid();
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves no server */
        (void)execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    for (int tries = 0; tries < PATIENCE_S * 50; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = connect(fd, (const struct sockaddr *)&to, sizeof to);
        (void)close(fd);
        if (r == 0)
            return pid;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            fail_msg("%s did not start; see %s", argv[0], log);
        (void)usleep(20000);
    }
    fail_msg("%s does not answer", argv[0]);
    return -1;
}

pid_t sshd_start(const struct ssh_host *h, uint16_t port, const char *config)
{
    char text[1024], conf[256], name[64], log[256];

    int n = snprintf(text, sizeof text,
                     "ListenAddress 127.0.0.1:%u\nListenAddress [::1]:%u\nHostKey %s/host_openssh\n"
                     "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin prohibit-password\n"
                     "MaxStartups 200\nLogLevel VERBOSE\n%s\n",
                     port, port, h->dir, config);
    (void)snprintf(name, sizeof name, "sshd-%u.conf", port);
    put_file(h->dir, name, text, (size_t)n);
    (void)snprintf(conf, sizeof conf, "%s/%s", h->dir, name);
    (void)snprintf(log, sizeof log, "%s/server-%u.log", h->dir, port);
    return start_server((const char *const[]){"/usr/sbin/sshd", "-D", "-e", "-f", conf, NULL}, log,
                        port);
}

pid_t dropbear_start(const struct ssh_host *h, uint16_t port)
{
    char key[256], at[32], log[256];

    (void)snprintf(key, sizeof key, "%s/host_dropbear", h->dir);
    (void)snprintf(at, sizeof at, "127.0.0.1:%u", port);
    (void)snprintf(log, sizeof log, "%s/server-%u.log", h->dir, port);
    return start_server((const char *const[]){"/usr/sbin/dropbear", "-F", "-E", "-s", "-r", key,
                                              "-p", at, NULL}, log, port);
}

void server_stop(pid_t pid)
{
    (void)kill(-pid, SIGTERM); /* its session: with the children that still serve */
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
}

void ssh_fixture_init(struct ssh_fixture *f)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->pool = session_pool_new(&f->loop, NULL, 0, 0);
    assert_non_null(f->pool);
    ssh_host_init(&f->host);
}

void ssh_fixture_done(struct ssh_fixture *f)
{
    session_pool_free(f->pool);
    loop_close(&f->loop);
    ssh_host_done(&f->host);
}

struct session_spec ssh_spec(const struct ssh_fixture *f, uint16_t port, const char *command)
{
    return (struct session_spec){
        .mode = SESSION_EXEC,
        .addrs = {addr_ip4(INADDR_LOOPBACK, 32)},
        .n_addrs = 1,
        .port = port,
        .key = &f->host.client,
        .host_key = f->host.key_line,
        .command = command,
    };
}

static void keep(char **buf, size_t *len, const struct stream_frame *frame)
{
    assert_true(*len + frame->len < KEPT_MAX);
    *buf = realloc(*buf, *len + frame->len + 1);
    assert_non_null(*buf);
    memcpy(*buf + *len, frame->bytes, frame->len);
    *len += frame->len;
    (*buf)[*len] = '\0';
}

static void take_frame(struct ssh_view *v, const struct stream_frame *frame)
{
    char text[STREAM_TEXT_MAX];

    assert_false(v->has_exit); /* the exit is the last frame */
    switch (frame->type) {
    case STREAM_OUT:
        keep(&v->out, &v->out_len, frame);
        break;
    case STREAM_ERR:
        keep(&v->err, &v->err_len, frame);
        break;
    case STREAM_EXIT:
        v->has_exit = stream_exit_of(frame, &v->exit);
        break;
    case STREAM_MESSAGE:
        assert_true(stream_text_of(frame, v->message));
        break;
    case STREAM_STAGE:
        assert_true(stream_text_of(frame, text));
        (void)strncat(v->stages, text, sizeof v->stages - strlen(v->stages) - 2);
        (void)strncat(v->stages, "\n", 2);
        break;
    case STREAM_IN:
    case STREAM_SIZE:
    case STREAM_END:
        fail_msg("a frame of type %c from a worker", frame->type);
    }
}

static void view_turn(struct ssh_view *v)
{
    struct stream_frame frame;
    int r = -EAGAIN;

    for (int i = 0; i < 64 && !v->hold && v->fd >= 0 && (r = stream_recv(v->fd, &frame)) == 0; i++)
        take_frame(v, &frame);
    if (r != 0 && r != -EAGAIN) {
        assert_int_equal(r, -EPIPE);
        (void)close(v->fd);
        v->fd = -1;
    }
    while (v->fd >= 0 && v->input_len) {
        size_t n = v->input_len < STREAM_DATA_MAX ? v->input_len : STREAM_DATA_MAX;
        if (stream_send(v->fd, STREAM_IN, v->input, n) != 0)
            break;
        v->input += n;
        v->input_len -= n;
    }
    if (v->fd >= 0 && v->input_ends && v->input_len == 0 &&
        stream_send(v->fd, STREAM_END, NULL, 0) == 0)
        v->input_ends = false;
}

static void on_timer(uv_timer_t *t)
{
    view_turn(t->data);
}

static void on_timer_closed(uv_handle_t *t)
{
    free(t->data);
}

static void on_ended(struct session *s, const struct session_end *end, void *arg)
{
    struct ssh_view *v = arg;

    assert_ptr_equal(s, v->session);
    v->session = NULL;
    v->ended = true;
    v->end = *end;
}

struct ssh_view *view_open(struct ssh_fixture *f, const struct session_spec *spec,
                           const char *input, size_t input_len)
{
    static const struct session_events events = {.ended = on_ended};
    struct ssh_view *v = calloc(1, sizeof *v);
    struct err e = {0};

    assert_non_null(v);
    v->input = input;
    v->input_len = input_len;
    v->input_ends = spec->mode == SESSION_EXEC;
    if (session_open(f->pool, spec, &events, v, &v->session, &v->fd, &e) != 0)
        fail_msg("%s", e.text);
    (void)uv_timer_init(&f->loop, &v->timer);
    v->timer.data = v;
    (void)uv_timer_start(&v->timer, on_timer, 1, 2);
    v->next = f->views;
    f->views = v;
    return v;
}

static bool is_over(void *arg)
{
    const struct ssh_view *v = arg;
    return v->ended && v->fd < 0;
}

void view_finish(struct ssh_fixture *f, struct ssh_view *v)
{
    if (!loop_until(&f->loop, is_over, v, PATIENCE_S))
        fail_msg("the session did not end: %s\nout %zu err %zu message %s", v->stages, v->out_len,
                 v->err_len, v->message);
}

struct wish {
    const struct ssh_view *v;
    const char *text;
};

static bool is_there(void *arg)
{
    const struct wish *w = arg;
    return w->v->out && memmem(w->v->out, w->v->out_len, w->text, strlen(w->text));
}

void view_await(struct ssh_fixture *f, struct ssh_view *v, const char *text)
{
    struct wish w = {v, text};

    if (!loop_until(&f->loop, is_there, &w, PATIENCE_S))
        fail_msg("never saw '%s' in: %s (%s)", text, v->out ? v->out : "", v->message);
}

void view_type(struct ssh_view *v, const char *text)
{
    assert_int_equal(stream_send(v->fd, STREAM_IN, text, strlen(text)), 0);
}

void view_done(struct ssh_fixture *f, struct ssh_view *v)
{
    for (struct ssh_view **at = &f->views; *at; at = &(*at)->next)
        if (*at == v) {
            *at = v->next;
            break;
        }
    session_close(v->session);
    if (v->fd >= 0)
        (void)close(v->fd);
    free(v->out);
    free(v->err);
    uv_close((uv_handle_t *)&v->timer, on_timer_closed);
}

void views_done(struct ssh_fixture *f)
{
    while (f->views)
        view_done(f, f->views);
}
