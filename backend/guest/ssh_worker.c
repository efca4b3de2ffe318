/*
 * One SSH session, in a process of its own with plain blocking libssh. Every stage before the
 * command runs has a limit kept by SIGALRM, since the library offers none that a server sending one
 * byte a second could not stretch. It never opens a file, never resolves a name, never asks anybody:
 * a host key that is not the pinned one ends the session before our key is used.
 */
#include "backend/guest/ssh_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "backend/guest/ssh_pump.h"
#include "backend/guest/ssh_wire.h"
#include "backend/host/sandbox.h"
#include "backend/model/text.h"

enum { MEMORY_BYTES = 512 * 1024 * 1024, GOODBYE_MS = 2000 };

struct worker {
    struct ssh_request q;
    char command[SESSION_COMMAND_MAX + 1];
    int control, tcp, stream;
    ssh_session session;
    ssh_channel channel;
    struct pump pump;
};

/* What the alarm's handler sends: made before the alarm is set, for only system calls are safe there. */
static struct {
    int control, stream;
    struct ssh_report report;
    char message[STREAM_TEXT_MAX];
} alarm_state;

static void on_alarm(int signal)
{
    static const struct stream_exit unknown;

    (void)signal;
    if (alarm_state.stream >= 0) {
        (void)stream_send(alarm_state.stream, STREAM_MESSAGE, alarm_state.message,
                          strlen(alarm_state.message));
        (void)stream_send_exit(alarm_state.stream, &unknown);
    }
    (void)ssh_wire_send_report(alarm_state.control, &alarm_state.report);
    _exit(0);
}

static void alarm_in(unsigned ms)
{
    const struct itimerval t = {
        .it_value = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000}};
    (void)setitimer(ITIMER_REAL, &t, NULL); /* fails on impossible times only */
}

/* Names what is being done and gives it its limit. */
static void stage(const struct worker *w, const char *text)
{
    struct ssh_report r = {0};

    alarm_in(0);
    alarm_state.report = (struct ssh_report){.is_end = true, .result = SESSION_STALLED};
    size_t len = 0;
    (void)str_add(alarm_state.report.text, sizeof alarm_state.report.text, &len,
                  "the guest's SSH server said nothing more for %u s while %s",
                  (w->q.stage_ms + 500) / 1000, text);
    (void)str_copy(alarm_state.message, sizeof alarm_state.message, alarm_state.report.text);
    (void)str_copy(r.text, sizeof r.text, text);
    (void)ssh_wire_send_report(w->control, &r); /* only news: the end is what counts */
    if (w->stream >= 0)
        (void)stream_send_text(w->stream, STREAM_STAGE, text);
    alarm_in(w->q.stage_ms);
}

/* Waits until the viewer has taken something; false when there is nobody left to take it. */
static bool wait_for_viewer(const struct worker *w)
{
    struct pollfd fds[2] = {{.fd = w->stream, .events = POLLOUT}, {.fd = w->control}};

    (void)poll(fds, 2, -1);
    return !fds[1].revents && !(fds[0].revents & (POLLHUP | POLLERR));
}

static _Noreturn void finish(const struct worker *w, enum session_result result,
                             const struct stream_exit *x, const char *text)
{
    struct ssh_report r = {.is_end = true, .result = result};

    alarm_in(0);
    if (x)
        r.exit = *x;
    (void)text_clean(r.text, sizeof r.text, text, strlen(text));
    if (w->stream >= 0) {
        while (*text && stream_send_text(w->stream, STREAM_MESSAGE, text) == -EAGAIN &&
               wait_for_viewer(w))
            continue;
        while (stream_send_exit(w->stream, &r.exit) == -EAGAIN && wait_for_viewer(w))
            continue;
    }
    (void)ssh_wire_send_report(w->control, &r);
    _exit(0);
}

/* finish with the library's own words after ours. */
static _Noreturn void fail(const struct worker *w, enum session_result result, const char *what)
{
    char text[400];
    const char *why = ssh_get_error(w->session);

    (void)snprintf(text, sizeof text, "%s: %s", what, why && *why ? why : "connection closed");
    finish(w, result, NULL, text);
}

static void option(const struct worker *w, enum ssh_options_e what, const void *value)
{
    if (ssh_options_set(w->session, what, value) != 0)
        fail(w, SESSION_WORKER, "setting the session up");
}

/* The pinned type first: of those that both know, a client's first is taken. The others are named
 * too, so that a server that has only another one can be told with both fingerprints. */
static const char *host_key_types(const char *pinned)
{
    if (strncmp(pinned, "ssh-rsa ", 8) == 0)
        return "rsa-sha2-512,rsa-sha2-256,ssh-ed25519,ecdsa-sha2-nistp256";
    if (strncmp(pinned, "ecdsa-", 6) == 0)
        return "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,ssh-ed25519,"
               "rsa-sha2-512,rsa-sha2-256";
    return "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256";
}

static void set_up(struct worker *w)
{
    static const char ciphers[] =
        "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes256-ctr,aes128-ctr";
    static const char macs[] = "hmac-sha2-256-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";
    const bool no = false;
    const int on = 1;
    const long timeout_s = (long)w->q.stage_ms / 1000 + 5; /* the alarm comes first */

    w->session = ssh_new();
    if (!w->session)
        finish(w, SESSION_WORKER, NULL, "out of memory");
    option(w, SSH_OPTIONS_PROCESS_CONFIG, &no);
    option(w, SSH_OPTIONS_SSH_DIR, "/nonexistent");
    option(w, SSH_OPTIONS_KNOWNHOSTS, "/nonexistent");
    option(w, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/nonexistent");
    option(w, SSH_OPTIONS_HOST, "guest");
    option(w, SSH_OPTIONS_USER, w->q.user);
    option(w, SSH_OPTIONS_FD, &w->tcp);
    option(w, SSH_OPTIONS_TIMEOUT, &timeout_s);
    option(w, SSH_OPTIONS_NODELAY, &on);
    option(w, SSH_OPTIONS_HOSTKEYS, host_key_types(w->q.host_key));
    option(w, SSH_OPTIONS_KEY_EXCHANGE,
           "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256");
    option(w, SSH_OPTIONS_CIPHERS_C_S, ciphers);
    option(w, SSH_OPTIONS_CIPHERS_S_C, ciphers);
    option(w, SSH_OPTIONS_HMAC_C_S, macs);
    option(w, SSH_OPTIONS_HMAC_S_C, macs);
}

static void fingerprint(const ssh_key key, char *buf, size_t cap)
{
    unsigned char *hash = NULL;
    size_t len = 0;
    char *print = NULL;

    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) == 0)
        print = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
    (void)snprintf(buf, cap, "%s %s", ssh_key_type_to_char(ssh_key_type(key)),
                   print ? print : "(unreadable)");
    ssh_string_free_char(print);
    ssh_clean_pubkey_hash(&hash);
}

static void check_host_key(const struct worker *w)
{
    char type[32] = "", base64[KEYS_PUBLIC_TEXT] = "", want[96], got[96], text[400];
    ssh_key pinned = NULL, shown = NULL;

    if (sscanf(w->q.host_key, "%31s %159s", type, base64) != 2 ||
        ssh_pki_import_pubkey_base64(base64, ssh_key_type_from_name(type), &pinned) != SSH_OK)
        finish(w, SESSION_HOST_KEY, NULL, "the pinned host key of this VM cannot be read");
    if (ssh_get_server_publickey(w->session, &shown) != SSH_OK)
        fail(w, SESSION_PROTOCOL, "reading the guest's host key");
    if (ssh_key_cmp(pinned, shown, SSH_KEY_CMP_PUBLIC) != 0) {
        fingerprint(pinned, want, sizeof want);
        fingerprint(shown, got, sizeof got);
        (void)snprintf(text, sizeof text,
                       "HOST KEY CHANGED. Pinned: %s. Shown: %s. Refused before logging in", want,
                       got);
        finish(w, SESSION_HOST_KEY, NULL, text);
    }
    ssh_key_free(pinned);
    ssh_key_free(shown);
}

static void auth_refused(const struct worker *w, const ssh_key key)
{
    static const struct {
        int bit;
        const char *name;
    } methods[] = {
        {SSH_AUTH_METHOD_PUBLICKEY, "publickey"},
        {SSH_AUTH_METHOD_PASSWORD, "password"},
        {SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive"},
        {SSH_AUTH_METHOD_HOSTBASED, "hostbased"},
        {SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi"},
    };
    char text[400], print[96];
    size_t len = 0, named = 0;
    int offered = ssh_userauth_list(w->session, NULL);

    fingerprint(key, print, sizeof print);
    (void)str_add(text, sizeof text, &len, "the guest refused %s. Tried: publickey (%s). It takes:",
                  w->q.user, print);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (offered & methods[i].bit)
            (void)str_add(text, sizeof text, &len, "%s %s", named++ ? "," : "", methods[i].name);
    if (!named)
        (void)str_add(text, sizeof text, &len, " nothing");
    finish(w, SESSION_AUTH, NULL, text);
}

static void log_in(struct worker *w)
{
    ssh_key key = NULL;
    char pem[SECRET_MAX + 1];

    memcpy(pem, w->q.key.bytes, w->q.key.len);
    pem[w->q.key.len] = '\0';
    int r = ssh_pki_import_privkey_base64(pem, NULL, NULL, NULL, &key);
    explicit_bzero(pem, sizeof pem);
    secret_done(&w->q.key);
    if (r != SSH_OK)
        finish(w, SESSION_AUTH, NULL, "our own key cannot be read");
    r = ssh_userauth_publickey(w->session, NULL, key);
    if (r == SSH_AUTH_DENIED || r == SSH_AUTH_PARTIAL)
        auth_refused(w, key);
    if (r != SSH_AUTH_SUCCESS)
        fail(w, SESSION_PROTOCOL, "logging in");
    ssh_key_free(key); /* wiped by the library */
}

static void start_command(struct worker *w)
{
    w->channel = ssh_channel_new(w->session);
    if (!w->channel || ssh_channel_open_session(w->channel) != SSH_OK)
        fail(w, SESSION_REFUSED, "the guest opened no channel");
    pump_init(&w->pump, w->session, w->channel, w->stream, w->control, w->q.keepalive_ms);
    if (w->q.mode == SESSION_EXEC) {
        if (ssh_channel_request_exec(w->channel, w->command) != SSH_OK)
            fail(w, SESSION_REFUSED, "the guest did not start the command");
        return;
    }
    if (ssh_channel_request_pty_size(w->channel, "xterm-256color", w->q.cols, w->q.rows) != SSH_OK)
        fail(w, SESSION_REFUSED, "the guest gave no terminal");
    if (ssh_channel_request_shell(w->channel) != SSH_OK)
        fail(w, SESSION_REFUSED, "the guest started no shell");
}

static _Noreturn void serve(struct worker *w)
{
    stage(w, "exchanging keys");
    set_up(w);
    if (ssh_connect(w->session) != SSH_OK)
        fail(w, SESSION_PROTOCOL, "the SSH handshake failed");
    check_host_key(w);
    stage(w, "logging in");
    log_in(w);
    if (w->q.mode == SESSION_PROBE) {
        alarm_in(GOODBYE_MS);
        ssh_disconnect(w->session);
        finish(w, SESSION_OK, NULL, "");
    }
    stage(w, w->q.mode == SESSION_EXEC ? "starting the command" : "starting the shell");
    start_command(w);
    alarm_in(0);
    if (w->stream >= 0)
        (void)stream_send_text(w->stream, STREAM_STAGE, "ready");
    switch (pump_run(&w->pump)) {
    case PUMP_LEFT:
        finish(w, SESSION_LEFT, NULL, "");
    case PUMP_LOST:
        fail(w, SESSION_LOST, "the connection to the guest ended");
    case PUMP_CLOSED:
        break;
    }
    finish(w, SESSION_OK, &w->pump.exit, "");
}

int ssh_worker_main(int control_fd)
{
    static struct worker w; /* with its frames too large for a stack */
    const struct sigaction act = {.sa_handler = on_alarm};
    struct err e = {0};

    w.control = control_fd;
    if (ssh_wire_recv_request(control_fd, &w.q, w.command, &w.tcp, &w.stream) != 0)
        return 1;
    alarm_state.control = w.control;
    alarm_state.stream = w.stream;
    (void)sigaction(SIGALRM, &act, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    if (sandbox_enter(w.q.uid, w.q.gid, MEMORY_BYTES, &e) != 0)
        finish(&w, SESSION_WORKER, NULL, e.text);
    serve(&w);
}
