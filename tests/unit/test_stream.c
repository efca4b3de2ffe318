#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/model/stream.h"
#include "backend/model/text.h"

static struct stream_frame frame;

static void frames_arrive_as_sent(void **state)
{
    (void)state;
    static uint8_t big[STREAM_DATA_MAX + 1];
    struct err e = {0};
    struct stream_exit x;
    char text[STREAM_TEXT_MAX];
    uint16_t cols, rows;
    int fds[2];

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 7);
    assert_int_equal(stream_pair(fds, &e), 0);
    assert_int_equal(stream_recv(fds[1], &frame), -EAGAIN);
    assert_int_equal(stream_send(fds[0], STREAM_OUT, big, STREAM_DATA_MAX), 0);
    assert_int_equal(stream_send(fds[0], STREAM_OUT, big, STREAM_DATA_MAX + 1), -EMSGSIZE);
    assert_int_equal(stream_recv(fds[1], &frame), 0);
    assert_int_equal(frame.type, STREAM_OUT);
    assert_int_equal(frame.len, STREAM_DATA_MAX);
    assert_memory_equal(frame.bytes, big, frame.len);

    assert_int_equal(stream_send_size(fds[0], 300, 100), 0);
    assert_int_equal(stream_recv(fds[1], &frame), 0);
    assert_true(stream_size_of(&frame, &cols, &rows));
    assert_int_equal(cols, 300);
    assert_int_equal(rows, 100);
    assert_int_equal(stream_send_size(fds[0], 0, 100), 0);
    assert_int_equal(stream_recv(fds[1], &frame), 0);
    assert_false(stream_size_of(&frame, &cols, &rows));

    assert_int_equal(stream_send_exit(fds[0], &(struct stream_exit){.signal = "TERM"}), 0);
    assert_int_equal(stream_recv(fds[1], &frame), 0);
    assert_true(stream_exit_of(&frame, &x));
    assert_false(x.has_status);
    assert_string_equal(x.signal, "TERM");
    assert_int_equal(
        stream_send_exit(fds[0], &(struct stream_exit){.has_status = true, .status = 0x01020304}),
        0);
    assert_int_equal(stream_recv(fds[1], &frame), 0);
    assert_true(stream_exit_of(&frame, &x));
    assert_int_equal(x.status, 0x01020304);

    assert_int_equal(stream_send_text(fds[0], STREAM_MESSAGE, "why\x1b[2J"), 0);
    assert_int_equal(stream_recv(fds[1], &frame), 0);
    assert_true(stream_text_of(&frame, text));
    assert_string_equal(text, "why?[2J");
    assert_int_equal(stream_send(fds[0], STREAM_END, NULL, 0), 0);
    assert_int_equal(stream_recv(fds[1], &frame), 0);
    assert_int_equal(frame.type, STREAM_END);

    (void)close(fds[1]);
    assert_int_equal(stream_send(fds[0], STREAM_IN, "x", 1), -EPIPE);
    assert_int_equal(stream_recv(fds[0], &frame), -EPIPE);
    (void)close(fds[0]);
}

static void a_slow_reader_stops_the_writer(void **state)
{
    (void)state;
    static const uint8_t data[STREAM_DATA_MAX] = {1};
    struct err e = {0};
    int fds[2], sent = 0, r;

    assert_int_equal(stream_pair(fds, &e), 0);
    while ((r = stream_send(fds[0], STREAM_OUT, data, sizeof data)) == 0)
        assert_true(++sent < 1000);
    assert_int_equal(r, -EAGAIN);
    assert_true(sent > 0);
    assert_int_equal(stream_recv(fds[1], &frame), 0);
    assert_int_equal(stream_send(fds[0], STREAM_OUT, data, sizeof data), 0);
    (void)close(fds[0]);
    while ((r = stream_recv(fds[1], &frame)) == 0) /* what was sent is not lost by the end */
        sent--;
    assert_int_equal(r, -EPIPE);
    assert_int_equal(sent, 0);
    (void)close(fds[1]);
}

static void the_last_frames_arrive_though_ours_were_not_read(void **state)
{
    (void)state;
    struct err e = {0};
    int fds[2];

    assert_int_equal(stream_pair(fds, &e), 0);
    assert_int_equal(stream_send(fds[0], STREAM_IN, "never read", 10), 0);
    assert_int_equal(stream_send_text(fds[1], STREAM_MESSAGE, "why"), 0);
    (void)close(fds[1]);
    assert_int_equal(stream_recv(fds[0], &frame), 0);
    assert_int_equal(frame.type, STREAM_MESSAGE);
    assert_int_equal(stream_recv(fds[0], &frame), -EPIPE);
    (void)close(fds[0]);
}

static void refuses_what_is_no_frame(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"", 0},      {"d", 1},           {"i", 1},  {"z", 1},
        {"w\0\0\0", 4}, {"w\0\1\0\1\0", 6}, {"fx", 2}, {"x\0\0\0\0", 5},
        {"x\2\0\0\0\0", 6}, {"x\0\0\0\0\0aaaaaaaaaaaaaaaa", 22}, {"\0", 1}, {"\xff", 1},
    };
    static uint8_t long_text[STREAM_TEXT_MAX + 1] = "m";
    int fds[2];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(stream_parse((const uint8_t *)bad[i].bytes, bad[i].len, &frame), -EBADMSG);
    assert_int_equal(stream_parse(long_text, sizeof long_text, &frame), -EBADMSG);
    assert_int_equal(stream_parse(long_text, sizeof long_text - 1, &frame), 0);

    static uint8_t huge[STREAM_PACKET_MAX + 1] = "d";
    struct err e = {0};
    assert_int_equal(stream_pair(fds, &e), 0);
    assert_int_equal(send(fds[0], huge, sizeof huge, 0), sizeof huge);
    assert_int_equal(stream_recv(fds[1], &frame), -EBADMSG);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void drops_descriptors_that_come_along(void **state)
{
    (void)state;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {"dx", 2};
    struct msghdr msg = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct err e = {0};
    int fds[2], pipe_fds[2];
    char byte;

    assert_int_equal(stream_pair(fds, &e), 0);
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &pipe_fds[1], sizeof(int));
    assert_int_equal(sendmsg(fds[0], &msg, 0), 2);
    (void)close(pipe_fds[1]);
    assert_int_equal(stream_recv(fds[1], &frame), 0);
    assert_int_equal(read(pipe_fds[0], &byte, 1), 0); /* nobody holds the write end any more */
    (void)close(pipe_fds[0]);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_as_sent),
        cmocka_unit_test(a_slow_reader_stops_the_writer),
        cmocka_unit_test(the_last_frames_arrive_though_ours_were_not_read),
        cmocka_unit_test(refuses_what_is_no_frame),
        cmocka_unit_test(drops_descriptors_that_come_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
