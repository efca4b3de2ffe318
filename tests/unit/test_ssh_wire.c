#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/guest/ssh_wire.h"
#include "backend/model/text.h"

static void quotes_for_the_remote_shell(void **state)
{
    (void)state;
    static const struct {
        const char *argv[4], *want;
    } cases[] = {
        {{"ls", "-l", "/etc/a.b,c"}, "ls -l /etc/a.b,c"},
        {{"echo", "a b"}, "echo 'a b'"},
        {{"echo", ""}, "echo ''"},
        {{"it's"}, "'it'\\''s'"},
        {{"'"}, "''\\'''"},
        {{"$(reboot)", "~", "*"}, "'$(reboot)' '~' '*'"},
        {{"a\nb"}, "'a\nb'"},
        {{"A=1", "cmd"}, "'A=1' cmd"}, /* a word, not an assignment */
    };
    char buf[64];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(ssh_wire_quote(cases[i].argv, buf, sizeof buf), 0);
        assert_string_equal(buf, cases[i].want);
        for (size_t cap = 1; cap <= strlen(cases[i].want); cap++)
            assert_int_equal(ssh_wire_quote(cases[i].argv, buf, cap), -E2BIG);
        assert_int_equal(ssh_wire_quote(cases[i].argv, buf, strlen(cases[i].want) + 1), 0);
    }
    assert_int_equal(ssh_wire_quote(cases[0].argv, buf, 0), -EINVAL);
    assert_int_equal(ssh_wire_quote((const char *const[]){NULL}, buf, sizeof buf), -EINVAL);
}

static void requests_arrive_with_their_descriptors(void **state)
{
    (void)state;
    static struct ssh_request sent, got;
    static char command[SESSION_COMMAND_MAX + 1], room[SESSION_COMMAND_MAX + 1];
    struct err e = {0};
    int fds[2], tcp, stream, pipe_fds[2];

    memset(command, 'c', SESSION_COMMAND_MAX);
    assert_int_equal(ssh_wire_pair(fds, &e), 0);
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    sent.mode = SESSION_EXEC;
    sent.command_len = SESSION_COMMAND_MAX; /* the longest fits */
    assert_int_equal(secret_set(&sent.key, "key", 3), 0);
    assert_int_equal(ssh_wire_send_request(fds[0], &sent, command, pipe_fds[0], pipe_fds[1]), 0);
    assert_int_equal(ssh_wire_recv_request(fds[1], &got, room, &tcp, &stream), 0);
    assert_string_equal(room, command);
    assert_true(secret_is_equal(&sent.key, &got.key));
    assert_int_equal(write(stream, "x", 1), 1);
    assert_int_equal(read(tcp, room, 1), 1);
    (void)close(tcp);
    (void)close(stream);

    sent.command_len = 0;
    sent.mode = SESSION_PROBE;
    assert_int_equal(ssh_wire_send_request(fds[0], &sent, NULL, pipe_fds[0], -1), 0);
    assert_int_equal(ssh_wire_recv_request(fds[1], &got, room, &tcp, &stream), 0);
    assert_int_equal(stream, -1);
    (void)close(tcp);
    (void)close(fds[0]);
    assert_int_equal(ssh_wire_recv_request(fds[1], &got, room, &tcp, &stream), -EPIPE);
    (void)close(fds[1]);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

static void believes_no_odd_report(void **state)
{
    (void)state;
    struct ssh_report sent = {.is_end = true, .result = SESSION_AUTH}, got;
    uint8_t bytes[sizeof sent + 1];
    struct err e = {0};
    int fds[2];

    assert_int_equal(ssh_wire_pair(fds, &e), 0);
    memset(sent.text, '\x1b', sizeof sent.text); /* no end, not clean */
    memset(sent.exit.signal, '\n', sizeof sent.exit.signal);
    assert_int_equal(ssh_wire_send_report(fds[0], &sent), 0);
    assert_int_equal(ssh_wire_recv_report(fds[1], &got), 0);
    assert_true(got.is_end);
    assert_int_equal(got.result, SESSION_AUTH);
    assert_int_equal(strlen(got.text), sizeof got.text - 1);
    assert_null(strchr(got.text, '\x1b'));
    assert_null(strchr(got.exit.signal, '\n'));

    memset(bytes, 0xff, sizeof bytes);
    for (size_t n = 1; n <= sizeof bytes; n++) {
        assert_int_equal(send(fds[0], bytes, n, 0), n);
        assert_int_equal(ssh_wire_recv_report(fds[1], &got), -EBADMSG);
    }
    assert_int_equal(ssh_wire_recv_report(fds[1], &got), -EAGAIN);
    (void)close(fds[0]);
    assert_int_equal(ssh_wire_recv_report(fds[1], &got), -EPIPE);
    (void)close(fds[1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_for_the_remote_shell),
        cmocka_unit_test(requests_arrive_with_their_descriptors),
        cmocka_unit_test(believes_no_odd_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
