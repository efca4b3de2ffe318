#ifndef MESHDECK_MODEL_VERDICT_H
#define MESHDECK_MODEL_VERDICT_H
/*
 * What a peer's evidence says about its tunnel. Pure; any thread. Instants are milliseconds since
 * the epoch, 0 for never. A clock that jumped gives a verdict that is never healthy.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/rows.h" /* enum peer_verdict */

enum { VERDICT_REKEY_S = 120, VERDICT_REJECT_S = 180, VERDICT_DOWN_S = 275, VERDICT_SETTLE_S = 30 };

/* What two counters tell over time: one a peer, fed with each poll. All zero at first. */
struct verdict_track {
    bool fed;
    int64_t fed_ms, handshake_ms;
    uint64_t rx, tx;
    int64_t last_in_ms;   /* any byte came in */
    int64_t last_data_ms; /* more than a handshake's bytes came in */
    uint64_t tx_since_in, tx_since_data;
    int64_t out_ms; /* first bytes out since last_data_ms; 0: none */
};
void verdict_feed(struct verdict_track *t, int64_t now_ms, int64_t handshake_ms, uint64_t rx,
                  uint64_t tx);

struct verdict_in {
    int64_t now_ms, handshake_ms;
    int64_t added_ms; /* since when it is in the device */
    struct verdict_track track;
    uint64_t rx_bytes;
    bool present; /* it is in the device */
    bool endpoint_known;
    bool expected_always;
    uint16_t keepalive_s;
    const char *claimed_by;     /* another peer holds a prefix of it; NULL: no */
    const char *claimed_prefix; /* which */
};

struct verdict {
    enum peer_verdict verdict;
    bool age_known;     /* false: the handshake lies in the future, show "?" */
    bool settling;      /* it was added a moment ago: no reason for an alert yet */
    int64_t since_ms;   /* of this verdict; 0: not known */
    char evidence[128]; /* a sentence without ages: "packets leave, none return" */
};

void verdict_judge(const struct verdict_in *in, struct verdict *ret);

/* What it means for the alert list: true with the level (vms: how many are behind it). */
bool verdict_alarms(enum peer_verdict v, bool expected_always, uint32_t vms, enum alert_level *ret);

/* Lines of the inspector: "25 s, so silence is not idleness" and "since then 14.1 kB out, 0 B in".
 */
const char *verdict_keepalive_text(uint16_t keepalive_s, char *buf, size_t cap);
const char *verdict_counters_text(const struct verdict_track *t, char *buf, size_t cap);

#endif
