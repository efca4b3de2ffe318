#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/host/uplink.h"
#include "backend/model/text.h"

static char *program;

static struct addr a(const char *text)
{
    struct addr ret;
    struct err e;

    if (addr_parse(text, true, &ret, &e) < 0) {
        fail_msg("%s", e.text);
    }
    return ret;
}

static struct uplink_route route(const char *dst, const char *device, uint32_t metric)
{
    struct uplink_route r = { .dst = a(dst), .metric = metric };

    assert_true(str_copy(r.device, sizeof(r.device), device));
    return r;
}

static void finds_uplinks_best_first(void **state)
{
    const struct uplink_route routes[] = {
        route("0.0.0.0/0", "wlan0", 600), route("0.0.0.0/0", "eth0", 100),
        route("10.0.0.0/8", "eth7", 0),   route("::/0", "eth0", 1024),
        route("::/0", "wlan0", 50),       route("0.0.0.0/0", "mesh0", 1),
    };
    char ret[UPLINK_MAX][IFNAMSIZ];

    (void)state;
    assert_int_equal(uplink_find(routes, ARRAY_LEN(routes), "mesh0", ret), 2);
    assert_string_equal(ret[0], "wlan0"); /* its best metric, 50, counts */
    assert_string_equal(ret[1], "eth0");
    assert_int_equal(uplink_find(routes, ARRAY_LEN(routes), NULL, ret), 3);
    assert_string_equal(ret[0], "mesh0");
    assert_int_equal(uplink_find(routes, 0, NULL, ret), 0);
}

static void never_more_uplinks_than_fit(void **state)
{
    struct uplink_route routes[20];
    char ret[UPLINK_MAX][IFNAMSIZ], name[IFNAMSIZ];

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "eth%u", i);
        routes[i] = route("0.0.0.0/0", name, i);
    }
    assert_int_equal(uplink_find(routes, 20, NULL, ret), UPLINK_MAX);
    assert_string_equal(ret[0], "eth0");
    assert_string_equal(ret[UPLINK_MAX - 1], "eth7");
}

static void looks_up_like_the_kernel(void **state)
{
    const struct uplink_route routes[] = {
        route("0.0.0.0/0", "eth0", 100), route("10.0.0.0/8", "eth1", 0),
        route("10.1.0.0/16", "eth2", 9), route("10.1.0.0/16", "eth3", 5),
        route("::/0", "eth4", 0),
    };
    static const struct {
        const char *dst, *device;
    } cases[] = { { "8.8.8.8", "eth0" }, { "10.9.9.9", "eth1" }, { "10.1.2.3", "eth3" },
                  { "2001:db8::1", "eth4" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct addr dst = a(cases[i].dst);
        assert_string_equal(uplink_lookup(routes, ARRAY_LEN(routes), &dst)->device,
                            cases[i].device);
    }
    struct addr dst = a("8.8.8.8");
    assert_null(uplink_lookup(routes + 1, 3, &dst));
}

static void understands_sessions(void **state)
{
    static const struct {
        const char *ssh, *tty;
        int code;
        bool remote;
        const char *client, *server;
        unsigned client_port, server_port;
    } cases[] = {
        { NULL, NULL, 0, false, NULL, NULL, 0, 0 },
        { "", "", 0, false, NULL, NULL, 0, 0 },
        { "203.0.113.7 50000 198.51.100.1 22", NULL, 0, true, "203.0.113.7", "198.51.100.1", 50000,
          22 },
        { "203.0.113.7 50000 2222", NULL, 0, true, "203.0.113.7", NULL, 50000, 2222 },
        { "2001:db8::7 50000 2001:db8::1 22", NULL, 0, true, "2001:db8::7", "2001:db8::1", 50000,
          22 },
        { "fe80::1%eth0 50000 fe80::2%eth0 22", NULL, 0, true, "fe80::1", "fe80::2", 50000, 22 },
        { "::ffff:203.0.113.7 50000 ::ffff:198.51.100.1 22", NULL, 0, true, "203.0.113.7",
          "198.51.100.1", 50000, 22 },
        { NULL, "203.0.113.7", 0, true, "203.0.113.7", NULL, 0, 0 },
        { NULL, ":0", 0, false, NULL, NULL, 0, 0 },
        { NULL, "laptop.example", -EINVAL, false, NULL, NULL, 0, 0 },
        { "nonsense", NULL, -EINVAL, false, NULL, NULL, 0, 0 },
        { "203.0.113.7 0 198.51.100.1 22", NULL, -EINVAL, false, NULL, NULL, 0, 0 },
        { "203.0.113.7 50000 198.51.100.1 70000", NULL, -EINVAL, false, NULL, NULL, 0, 0 },
        { "203.0.113.7/8 50000 198.51.100.1 22", NULL, -EINVAL, false, NULL, NULL, 0, 0 },
        { "203.0.113.7 50000 198.51.100.1 22 x", NULL, -EINVAL, false, NULL, NULL, 0, 0 },
        { "203.0.113.7 -5 198.51.100.1 22", NULL, -EINVAL, false, NULL, NULL, 0, 0 },
        { "2001:0db8:0000:0000:0000:0000:0000:0007aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1 2", NULL,
          -EINVAL, false, NULL, NULL, 0, 0 },
    };
    const struct uplink_route routes[] = { route("0.0.0.0/0", "eth0", 0),
                                           route("203.0.113.0/24", "eth1", 0) };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct way_in way = { 0 };
        struct err e = { 0 };
        char text[ADDR_TEXT];
        assert_int_equal(way_in_find(cases[i].ssh, cases[i].tty, routes, 2, &way, &e),
                         cases[i].code);
        if (cases[i].code < 0) {
            assert_true(e.text[0] != '\0');
            continue;
        }
        assert_int_equal(way.remote, cases[i].remote);
        assert_string_equal(addr_format(&way.client, false, text),
                            cases[i].client ? cases[i].client : "");
        assert_string_equal(addr_format(&way.server, false, text),
                            cases[i].server ? cases[i].server : "");
        assert_int_equal(way.client_port, cases[i].client_port);
        assert_int_equal(way.server_port, cases[i].server_port);
        if (way.remote && way.client.family == AF_INET) {
            assert_string_equal(way.device, "eth1");
        }
    }
}

static void says_what_touches_the_session(void **state)
{
    const struct uplink_route routes[] = { route("0.0.0.0/0", "eth0", 0) };
    struct way_in way, local = { 0 };
    struct way_in_touch none = { .device = "eth9", .addr = a("198.51.100.9"),
                                 .route = a("10.210.0.0/16"), .port = 8080 };
    struct {
        struct way_in_touch touch;
        const char *word;
    } cases[] = {
        { { .device = "eth0" }, "eth0" },
        { { .addr = a("198.51.100.1") }, "connected to 198.51.100.1" },
        { { .addr = a("198.51.100.1"), .port = 9 }, "connected to" },
        { { .route = a("0.0.0.0/0") }, "0.0.0.0/0" },
        { { .route = a("203.0.113.0/24") }, "203.0.113.0/24" },
        { { .port = 22 }, "port 22" },
    };
    char reason[200];

    (void)state;
    assert_int_equal(way_in_find("203.0.113.7 50000 198.51.100.1 22", NULL, routes, 1, &way, NULL),
                     0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        reason[0] = '\0';
        assert_true(way_in_is_touched(&way, &cases[i].touch, reason, sizeof(reason)));
        assert_non_null(strstr(reason, "203.0.113.7"));
        assert_non_null(strstr(reason, cases[i].word));
        assert_false(way_in_is_touched(&local, &cases[i].touch, reason, sizeof(reason)));
    }
    assert_false(way_in_is_touched(&way, &none, reason, sizeof(reason)));
    none = (struct way_in_touch){ 0 };
    assert_false(way_in_is_touched(&way, &none, reason, sizeof(reason)));
}

/* As under sudo: the session's own process has the variable, this one has not. */
static void finds_the_session_of_an_ancestor(void **state)
{
    char *const with[] = { "SSH_CONNECTION=203.0.113.7 50000 198.51.100.1 22", NULL };
    char *const self[] = { program, "--parent", NULL };
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        execve("/proc/self/exe", self, with);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int as_child(void)
{
    char ssh[WAY_IN_TEXT], tty[WAY_IN_TEXT];

    way_in_read_session(ssh, tty);
    return strcmp(ssh, "203.0.113.7 50000 198.51.100.1 22") == 0 && tty[0] == '\0' ? 0 : 1;
}

static int as_parent(void)
{
    char *const none[] = { NULL };
    char *const self[] = { program, "--child", NULL };
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execve("/proc/self/exe", self, none);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_uplinks_best_first),
        cmocka_unit_test(never_more_uplinks_than_fit),
        cmocka_unit_test(looks_up_like_the_kernel),
        cmocka_unit_test(understands_sessions),
        cmocka_unit_test(says_what_touches_the_session),
        cmocka_unit_test(finds_the_session_of_an_ancestor),
    };
    program = argv[0];
    if (argc == 2) {
        return strcmp(argv[1], "--parent") == 0 ? as_parent() : as_child();
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
