/* What a peer's evidence says, by table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "backend/model/text.h"
#include "backend/model/verdict.h"

enum { S = 1000 };
static const int64_t now = 1800000000000;

struct evidence {
    int64_t age_s; /* of the handshake; NEVER_SHOOK for none */
    uint64_t rx;
    uint64_t tx_since_in, tx_since_data;
    int64_t out_s; /* how long data has been leaving unanswered */
    uint16_t keepalive;
    bool endpoint, sometimes, absent;
    const char *claimed;
};
enum { NEVER_SHOOK = 1 << 30 };

static struct verdict_in input(const struct evidence *ev)
{
    struct verdict_in in = {.now_ms = now,
                            .added_ms = now - 3600 * S,
                            .present = !ev->absent,
                            .endpoint_known = ev->endpoint,
                            .expected_always = !ev->sometimes,
                            .keepalive_s = ev->keepalive,
                            .rx_bytes = ev->rx,
                            .claimed_by = ev->claimed,
                            .claimed_prefix = "10.210.1.0/24"};

    in.handshake_ms = ev->age_s == NEVER_SHOOK ? 0 : now - ev->age_s * S;
    in.track = (struct verdict_track){.fed = true,
                                      .tx_since_in = ev->tx_since_in,
                                      .tx_since_data = ev->tx_since_data,
                                      .out_ms = ev->out_s ? now - ev->out_s * S : 0};
    return in;
}

static void by_table(void **state)
{
    static const struct {
        struct evidence ev;
        enum peer_verdict want;
        int64_t since_s; /* ago; -1: not known */
        const char *evidence;
    } cases[] = {
        {{.age_s = 42, .rx = 9000, .endpoint = true, .keepalive = 25},
         PEER_HEALTHY,
         -1,
         "handshakes in time, bytes both ways"},
        {{.age_s = 0, .rx = 9000, .endpoint = true},
         PEER_HEALTHY,
         -1,
         "handshakes in time, bytes both ways"},
        {{.age_s = 120, .rx = 1, .endpoint = true, .keepalive = 25},
         PEER_HEALTHY,
         -1,
         "handshakes in time, bytes both ways"},
        {{.age_s = 180, .rx = 1, .endpoint = true, .keepalive = 25},
         PEER_HEALTHY,
         -1,
         "handshakes in time, bytes both ways"},
        {{.age_s = 181, .rx = 1, .endpoint = true, .keepalive = 25, .tx_since_in = 900},
         PEER_STALE,
         1,
         "the handshake is overdue: packets leave, none return"},
        {{.age_s = 275, .rx = 1, .endpoint = true, .keepalive = 25},
         PEER_STALE,
         95,
         "the handshake is overdue, and nothing comes in"},
        {{.age_s = 505, .rx = 1, .endpoint = true, .keepalive = 25, .tx_since_in = 14100},
         PEER_DOWN,
         230,
         "packets leave, none return"},
        {{.age_s = 505, .rx = 1, .endpoint = true, .tx_since_in = 14100},
         PEER_DOWN,
         230,
         "packets leave, none return"},
        {{.age_s = 505, .rx = 1, .keepalive = 25},
         PEER_DOWN,
         230,
         "nothing comes in, and no endpoint is known to call"},
        {{.age_s = 505, .rx = 1, .endpoint = true},
         PEER_IDLE,
         325,
         "nothing to say in either direction, and no keepalive"},
        {{.age_s = 11520,
          .rx = 1,
          .endpoint = true,
          .keepalive = 25,
          .sometimes = true,
          .tx_since_in = 9},
         PEER_IDLE,
         11340,
         "away; it is expected only sometimes"},
        {{.age_s = NEVER_SHOOK, .endpoint = true},
         PEER_NEVER,
         3600,
         "no handshake yet: packets leave, none return"},
        {{.age_s = NEVER_SHOOK},
         PEER_NEVER,
         3600,
         "it has not called yet, and no endpoint is known to call"},
        {{.age_s = NEVER_SHOOK, .rx = 148, .endpoint = true},
         PEER_MISMATCH,
         3600,
         "it calls, but no handshake completes: the pre-shared key differs, or our answers do not "
         "arrive"},
        {{.age_s = 20, .rx = 1, .endpoint = true, .tx_since_data = 9000, .out_s = 40},
         PEER_ONE_WAY,
         40,
         "handshakes succeed, but no data comes back"},
        {{.age_s = 20, .rx = 1, .endpoint = true, .tx_since_data = 9000, .out_s = 10},
         PEER_HEALTHY,
         -1,
         "handshakes in time, bytes both ways"},
        /* keepalives and the handshakes that they lead to are not unanswered data */
        {{.age_s = 100,
          .rx = 1,
          .endpoint = true,
          .keepalive = 25,
          .tx_since_data = 160,
          .out_s = 100},
         PEER_HEALTHY,
         -1,
         "handshakes in time, bytes both ways"},
        {{.age_s = 20, .rx = 1, .claimed = "par4", .endpoint = true},
         PEER_CLAIMED,
         -1,
         "10.210.1.0/24 belongs to par4 now"},
        {{.age_s = 20, .rx = 1, .absent = true}, PEER_DOWN, -1, "it is not in the device"},
        /* clocks: a handshake in the future is never health */
        {{.age_s = -3600, .rx = 1, .endpoint = true},
         PEER_MISMATCH,
         -1,
         "its last handshake lies in the future: this host's clock was set"},
        {{.age_s = -2, .rx = 1, .endpoint = true},
         PEER_MISMATCH,
         -1,
         "its last handshake lies in the future: this host's clock was set"},
        {{.age_s = -1, .rx = 1, .endpoint = true},
         PEER_HEALTHY,
         -1,
         "handshakes in time, bytes both ways"},
        {{.age_s = 10LL * 365 * 86400, .rx = 1, .endpoint = true, .keepalive = 25},
         PEER_DOWN,
         10LL * 365 * 86400 - 275,
         "nothing comes in"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verdict_in in = input(&cases[i].ev);
        struct verdict v;
        verdict_judge(&in, &v);
        if (v.verdict != cases[i].want || strcmp(v.evidence, cases[i].evidence) != 0)
            fail_msg("case %zu: %d %s", i, (int)v.verdict, v.evidence);
        assert_int_equal(v.since_ms, cases[i].since_s < 0 ? 0 : now - cases[i].since_s * S);
        assert_int_equal(v.age_known, cases[i].ev.age_s != NEVER_SHOOK && cases[i].ev.age_s >= -1);
    }
}

static void counters_over_time(void **state)
{
    struct verdict_track t = {0};
    int64_t at = now;
    uint64_t rx = 5000, tx = 5000;
    int64_t shook = at - 10 * S;

    (void)state;
    verdict_feed(&t, at, shook, rx, tx);
    assert_int_equal(t.last_in_ms, shook);
    verdict_feed(&t, at += S, shook, rx, tx += 1400); /* out only */
    assert_int_equal(t.tx_since_in, 1400);
    assert_int_equal(t.out_ms, at);
    verdict_feed(&t, at += S, shook, rx += 32, tx); /* a keepalive came: it works */
    assert_int_equal(t.last_data_ms, at);
    assert_int_equal(t.tx_since_in, 0);
    assert_int_equal(t.out_ms, 0);
    int64_t data = at;
    for (int i = 0; i < 40; i++) { /* data goes out, only handshakes come back */
        if (i % 15 == 14) {
            shook = at + S;
            rx += 92;
        }
        verdict_feed(&t, at += S, shook, rx, tx += 1400);
    }
    assert_int_equal(t.last_data_ms, data);
    assert_true(t.last_in_ms > data);
    struct verdict_in in = {.now_ms = at,
                            .handshake_ms = shook,
                            .present = true,
                            .endpoint_known = true,
                            .expected_always = true,
                            .track = t,
                            .rx_bytes = rx};
    struct verdict v;
    verdict_judge(&in, &v);
    assert_int_equal(v.verdict, PEER_ONE_WAY);
    verdict_feed(&t, at += S, shook, 0, 0); /* removed and added again */
    assert_int_equal(t.tx_since_data, 0);
    verdict_feed(&t, at - 3600 * S, shook, 10, 10); /* the clock went back: nothing is concluded */
    assert_int_equal(t.tx_since_in, 0);
    assert_int_equal(t.last_in_ms, 0);
}

static void what_alarms(void **state)
{
    static const struct {
        enum peer_verdict v;
        bool always;
        uint32_t vms;
        int want; /* -1: none */
    } cases[] = {
        {PEER_HEALTHY, true, 5, -1},
        {PEER_IDLE, true, 5, -1},
        {PEER_DOWN, true, 2, ALERT_CRIT},
        {PEER_DOWN, true, 0, ALERT_WARN},
        {PEER_DOWN, false, 2, -1},
        {PEER_STALE, true, 0, ALERT_WARN},
        {PEER_STALE, true, 1, ALERT_CRIT},
        {PEER_ONE_WAY, true, 0, ALERT_WARN},
        {PEER_CLAIMED, false, 0, ALERT_CRIT},
        {PEER_NEVER, true, 0, ALERT_WARN},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum alert_level level;
        bool got = verdict_alarms(cases[i].v, cases[i].always, cases[i].vms, &level);
        assert_int_equal(got, cases[i].want >= 0);
        if (got)
            assert_int_equal(level, cases[i].want);
    }
}

static void words(void **state)
{
    char buf[96];
    struct verdict_track t = {.tx_since_in = 14100};

    (void)state;
    assert_string_equal(verdict_keepalive_text(25, buf, sizeof buf),
                        "25 s, so silence is not idleness");
    assert_string_equal(verdict_counters_text(&t, buf, sizeof buf),
                        "since then 14.1 kB out, 0 B in");
    t.tx_since_in = 999;
    assert_string_equal(verdict_counters_text(&t, buf, sizeof buf), "since then 999 B out, 0 B in");
    t.tx_since_in = 999999;
    assert_string_equal(verdict_counters_text(&t, buf, sizeof buf),
                        "since then 1.0 MB out, 0 B in");
    t.tx_since_in = UINT64_MAX;
    assert_string_equal(verdict_counters_text(&t, buf, sizeof buf),
                        "since then 18.4 EB out, 0 B in");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_table),
        cmocka_unit_test(counters_over_time),
        cmocka_unit_test(what_alarms),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
