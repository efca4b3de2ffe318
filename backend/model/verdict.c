/*
 * Verdicts on peers. Pure. One flag is never believed: a fresh handshake without bytes is no
 * health, and silence without a reason to speak is no trouble. A sentence holds no age and no
 * number that changes by itself, since it goes into the snapshot.
 */
#include "backend/model/verdict.h"

#include <stdio.h>
#include <string.h>

enum {
    HANDSHAKE_BYTES = 148 + 92 + 32, /* initiation, response, the keepalive that confirms */
    INITIATION_BYTES = 148,
    KEEPALIVE_BYTES = 32,
    RESHAKE_S = 15, /* data without an answer leads to a handshake after that */
    ONE_WAY_S = 30,
    ONE_WAY_BYTES = 256,
    CLOCK_SLACK_MS = 1000,
};

static void start_over(struct verdict_track *t, int64_t now_ms, int64_t handshake_ms, uint64_t rx,
                       uint64_t tx)
{
    int64_t in = handshake_ms > 0 && handshake_ms <= now_ms ? handshake_ms : 0;

    *t = (struct verdict_track){.fed = true,
                                .fed_ms = now_ms,
                                .handshake_ms = handshake_ms,
                                .rx = rx,
                                .tx = tx,
                                .last_in_ms = in,
                                .last_data_ms = in};
}

void verdict_feed(struct verdict_track *t, int64_t now_ms, int64_t handshake_ms, uint64_t rx,
                  uint64_t tx)
{
    if (!t->fed || rx < t->rx || tx < t->tx || now_ms < t->fed_ms) {
        start_over(t, now_ms, handshake_ms, rx, tx); /* new, added again, or the clock went back */
        return;
    }
    uint64_t in = rx - t->rx, out = tx - t->tx;
    bool shook = handshake_ms != t->handshake_ms;
    bool data = in > 0 && !(shook && in <= HANDSHAKE_BYTES) && in % INITIATION_BYTES != 0;
    if (in > 0)
        t->last_in_ms = now_ms;
    t->tx_since_in = in > 0 ? 0 : t->tx_since_in + out;
    if (data) {
        t->last_data_ms = now_ms;
        t->tx_since_data = 0;
        t->out_ms = 0;
    } else {
        t->tx_since_data += out;
        if (out > 0 && t->out_ms == 0)
            t->out_ms = now_ms;
    }
    t->fed_ms = now_ms;
    t->handshake_ms = handshake_ms;
    t->rx = rx;
    t->tx = tx;
}

static void judged(struct verdict *ret, enum peer_verdict v, int64_t since_ms, const char *evidence)
{
    ret->verdict = v;
    ret->since_ms = since_ms;
    (void)snprintf(ret->evidence, sizeof ret->evidence, "%s", evidence);
}

/* More has left than handshakes and keepalives account for, and nothing has come back. */
static bool is_one_way(const struct verdict_in *in)
{
    const struct verdict_track *t = &in->track;
    int64_t silent_s = t->out_ms ? (in->now_ms - t->out_ms) / 1000 : 0;

    if (silent_s < ONE_WAY_S)
        return false;
    uint64_t silent = (uint64_t)silent_s;
    uint64_t idle = (silent / RESHAKE_S + 1) * HANDSHAKE_BYTES;
    if (in->keepalive_s)
        idle += (silent / in->keepalive_s + 1) * KEEPALIVE_BYTES;
    return t->tx_since_data > idle + ONE_WAY_BYTES;
}

static void judge_never(const struct verdict_in *in, struct verdict *ret)
{
    ret->settling = in->now_ms - in->added_ms < VERDICT_SETTLE_S * 1000;
    if (in->rx_bytes > 0)
        judged(ret, PEER_MISMATCH, in->added_ms,
               "it calls, but no handshake completes: the pre-shared "
               "key differs, or our answers do not arrive");
    else if (in->endpoint_known)
        judged(ret, PEER_NEVER, in->added_ms, "no handshake yet: packets leave, none return");
    else
        judged(ret, PEER_NEVER, in->added_ms,
               "it has not called yet, and no endpoint is known to call");
}

static void judge_old(const struct verdict_in *in, int64_t age_s, struct verdict *ret)
{
    bool sends = in->track.tx_since_in > 0;
    int64_t reject_ms = in->handshake_ms + VERDICT_REJECT_S * 1000;
    int64_t down_ms = in->handshake_ms + VERDICT_DOWN_S * 1000;

    if (!sends && in->keepalive_s == 0)
        judged(ret, PEER_IDLE, reject_ms, "nothing to say in either direction, and no keepalive");
    else if (!in->expected_always)
        judged(ret, PEER_IDLE, reject_ms, "away; it is expected only sometimes");
    else if (age_s <= VERDICT_DOWN_S)
        judged(ret, PEER_STALE, reject_ms,
               sends ? "the handshake is overdue: packets leave, none return"
                     : "the handshake is overdue, and nothing comes in");
    else if (!in->endpoint_known)
        judged(ret, PEER_DOWN, down_ms, "nothing comes in, and no endpoint is known to call");
    else
        judged(ret, PEER_DOWN, down_ms, sends ? "packets leave, none return" : "nothing comes in");
}

void verdict_judge(const struct verdict_in *in, struct verdict *ret)
{
    int64_t age_ms = in->now_ms - in->handshake_ms;

    *ret = (struct verdict){.age_known = in->handshake_ms > 0};
    if (in->claimed_by) {
        judged(ret, PEER_CLAIMED, 0, "");
        (void)snprintf(ret->evidence, sizeof ret->evidence, "%.60s belongs to %.40s now",
                       in->claimed_prefix ? in->claimed_prefix : "a prefix of it", in->claimed_by);
    } else if (!in->present) {
        ret->settling = in->now_ms - in->added_ms < VERDICT_SETTLE_S * 1000;
        judged(ret, PEER_DOWN, 0, "it is not in the device");
    } else if (in->handshake_ms <= 0) {
        judge_never(in, ret);
    } else if (age_ms < -CLOCK_SLACK_MS) {
        ret->age_known = false;
        judged(ret, PEER_MISMATCH, 0,
               "its last handshake lies in the future: this host's clock was set");
    } else if (age_ms > VERDICT_REJECT_S * 1000) {
        judge_old(in, age_ms / 1000, ret);
    } else if (is_one_way(in)) {
        judged(ret, PEER_ONE_WAY, in->track.out_ms, "handshakes succeed, but no data comes back");
    } else {
        judged(ret, PEER_HEALTHY, 0, "handshakes in time, bytes both ways");
    }
}

bool verdict_alarms(enum peer_verdict v, bool expected_always, uint32_t vms, enum alert_level *ret)
{
    *ret = vms > 0 ? ALERT_CRIT : ALERT_WARN;
    switch (v) {
    case PEER_HEALTHY:
    case PEER_IDLE:
    case PEER_VERDICT_COUNT:
        return false;
    case PEER_CLAIMED: /* whoever it is, an address has two owners */
        *ret = ALERT_CRIT;
        return true;
    case PEER_NEVER:
    case PEER_STALE:
    case PEER_ONE_WAY:
    case PEER_MISMATCH:
    case PEER_DOWN:
        break;
    }
    return expected_always;
}

const char *verdict_keepalive_text(uint16_t keepalive_s, char *buf, size_t cap)
{
    if (keepalive_s)
        (void)snprintf(buf, cap, "%u s, so silence is not idleness", keepalive_s);
    else
        (void)snprintf(buf, cap, "none, so silence may be idleness");
    return buf;
}

/* "14.1 kB", three digits at most */
static const char *bytes_text(uint64_t n, char buf[static 24])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)n;
    size_t unit = 0;

    if (n < 1000) {
        (void)snprintf(buf, 24, "%u B", (unsigned)n);
        return buf;
    }
    for (v /= 1000; v >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        v /= 1000;
    (void)snprintf(buf, 24, v < 99.95 ? "%.1f %s" : "%.0f %s", v, units[unit]);
    return buf;
}

const char *verdict_counters_text(const struct verdict_track *t, char *buf, size_t cap)
{
    char out[24];

    (void)snprintf(buf, cap, "since then %s out, 0 B in", bytes_text(t->tx_since_in, out));
    return buf;
}
