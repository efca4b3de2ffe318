/*
 * Reads the device once a second, judges each peer from its evidence, and shows it. A difference
 * between device and records is drift: the planner is asked. Engine thread.
 */
#include "backend/engine/peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/base.h"
#include "backend/engine/reconcile.h"
#include "backend/host/wgkey.h"
#include "backend/model/text.h"
#include "backend/store/store.h"

/* A peer that vanishes is missed at once; one that was not there yet, after some readings. */
enum { READ_MS = 1000, RATE_MS = 5000, MISSED_TURNS = 2 };

static void format_prefixes(const struct addr *a, size_t n, char *buf, size_t cap)
{
    size_t len = 0;
    char one[ADDR_TEXT];

    buf[0] = '\0';
    for (size_t i = 0; i < n; i++)
        if (!str_add(buf, cap, &len, "%s%s", i ? " " : "", addr_format(&a[i], true, one)))
            return;
}

static const char *claimed_by(const struct core *c, const struct peer *p, const struct wg_device *d,
                              char prefix[static ADDR_TEXT])
{
    const struct wg_peer *mine = wg_device_peer(d, p->rec.public_key);

    for (uint32_t i = 0; mine && !p->foreign && i < p->rec.n_prefixes; i++) {
        bool held = false;
        for (size_t k = 0; k < mine->n_ips && !held; k++)
            held = addr_compare(&d->ips[mine->first_ip + k], &p->rec.prefixes[i]) == 0;
        for (const struct peer *o = c->peers->first; o && !held; o = o->next) {
            const struct wg_peer *other = o == p ? NULL : wg_device_peer(d, o->rec.public_key);
            for (size_t k = 0; other && k < other->n_ips; k++)
                if (addr_compare(&d->ips[other->first_ip + k], &p->rec.prefixes[i]) == 0) {
                    addr_format(&p->rec.prefixes[i], true, prefix);
                    return o->row.name;
                }
        }
    }
    return NULL;
}

static void alarm_of(struct core *c, const struct peer *p, bool settling)
{
    enum alert_level level;
    char key[ALERT_KEY], sentence[200];

    (void)snprintf(key, sizeof key, "peer:%s", p->row.name);
    if (p->foreign || settling || !verdict_alarms((enum peer_verdict)p->row.verdict, p->rec.expected_always,
                                      p->row.vms, &level)) {
        journal_clear(c, key);
        return;
    }
    (void)snprintf(sentence, sizeof sentence, "%s is %s: %s.", p->row.name,
                   peer_verdict_names[p->row.verdict], p->row.evidence);
    journal_raise(c, key, level, p->row.name, "mesh", peer_verdict_names[p->row.verdict], sentence,
                  p->row.vms, p->row.id);
}

static void rates(struct peer *p, int64_t now, uint64_t rx, uint64_t tx)
{
    int64_t ms = now - p->rate.at_ms;

    if (p->rate.at_ms == 0 || rx < p->rate.rx || tx < p->rate.tx) {
        p->row.rx_bps = p->row.tx_bps = 0;
    } else if (ms < RATE_MS) {
        return;
    } else {
        p->row.rx_bps = (rx - p->rate.rx) * 8000 / (uint64_t)ms;
        p->row.tx_bps = (tx - p->rate.tx) * 8000 / (uint64_t)ms;
    }
    p->rate.at_ms = now;
    p->rate.rx = rx;
    p->rate.tx = tx;
}

static void judge(struct core *c, struct peer *p, const struct wg_device *d, int64_t now)
{
    const struct wg_peer *w = wg_device_peer(d, p->rec.public_key);
    char prefixes[PEERREC_PREFIXES_MAX * ADDR_TEXT], prefix[ADDR_TEXT] = "";
    struct verdict v;

    p->present = w != NULL;
    int64_t handshake = w ? w->handshake_sec * 1000 + w->handshake_nsec / 1000000 : 0;
    if (w) {
        verdict_feed(&p->track, now, handshake, w->rx_bytes, w->tx_bytes);
        rates(p, now, w->rx_bytes, w->tx_bytes);
        p->row.rx_bytes = w->rx_bytes;
        p->row.tx_bytes = w->tx_bytes;
        p->row.endpoint = w->endpoint;
        p->row.keepalive_s = w->keepalive_s;
        format_prefixes(d->ips + w->first_ip, w->n_ips, prefixes, sizeof prefixes);
        p->row.allowed_ips = text_intern(prefixes);
    }
    struct verdict_in in = {.now_ms = now, .handshake_ms = handshake, .added_ms = p->added_ms,
                            .track = p->track, .rx_bytes = w ? w->rx_bytes : 0, .present = w != NULL,
                            .endpoint_known = w && w->endpoint.port != 0,
                            .expected_always = p->rec.expected_always,
                            .keepalive_s = w ? w->keepalive_s : 0,
                            .claimed_by = claimed_by(c, p, d, prefix), .claimed_prefix = prefix};
    verdict_judge(&in, &v);
    char object[48];
    (void)snprintf(object, sizeof object, "peer %s", p->row.name);
    if (v.verdict != p->row.verdict && p->row.since_ms != 0)
        journal_event(c, EVENT_INFO, object, "wireguard", NULL, "%s -> %s",
                      peer_verdict_names[p->row.verdict], peer_verdict_names[v.verdict]);
    if (v.verdict != p->row.verdict || p->row.since_ms == 0)
        p->row.since_ms = v.since_ms ? v.since_ms : now;
    p->row.verdict = (uint8_t)v.verdict;
    p->row.evidence = text_intern(v.evidence);
    p->row.handshake_ms = handshake;
    p->row.last_in_ms = p->track.last_in_ms;
    publish_put(c, TABLE_PEERS, &p->row);
    alarm_of(c, p, v.settling);
}

static struct peer *peer_new(struct core *c, const struct peer_rec *rec, bool foreign)
{
    struct peer *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->rec = *rec;
    p->foreign = foreign;
    p->wanted = !foreign && !rec->removing;
    p->added_ms = now_ms();
    p->row.id = rec->id;
    memcpy(p->row.name, rec->name, sizeof p->row.name);
    memcpy(p->row.public_key, rec->public_key, sizeof p->row.public_key);
    p->row.endpoint = rec->endpoint;
    p->row.keepalive_s = (uint16_t)rec->keepalive_s;
    p->row.expected = text_intern(rec->expected_always ? "always" : "sometimes");
    p->row.evidence = text_intern("");
    p->row.foreign = foreign;
    p->row.verdict = PEER_NEVER;
    char prefixes[PEERREC_PREFIXES_MAX * ADDR_TEXT];
    format_prefixes(rec->prefixes, rec->n_prefixes, prefixes, sizeof prefixes);
    p->row.allowed_ips = text_intern(prefixes);
    p->next = c->peers->first;
    c->peers->first = p;
    return p;
}

struct peer *peers_add(struct core *c, const struct peer_rec *rec)
{
    struct peer *p = peer_new(c, rec, false);

    if (p)
        publish_put(c, TABLE_PEERS, &p->row);
    return p;
}

void peers_drop(struct core *c, struct peer *p)
{
    struct peer **at = &c->peers->first;
    char key[ALERT_KEY];

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    (void)snprintf(key, sizeof key, "peer:%s", p->row.name);
    journal_clear(c, key);
    publish_remove(c, TABLE_PEERS, &p->row);
    free(p);
}

/* Peers in the device that are not ours are shown, by the head of their key. */
static void adopt_foreign(struct core *c, const struct wg_device *d)
{
    for (size_t i = 0; i < d->n_peers; i++) {
        struct peer *p = c->peers->first;
        while (p && memcmp(p->rec.public_key, d->peers[i].public_key, 32) != 0)
            p = p->next;
        if (p)
            continue;
        struct peer_rec rec = {0};
        char key[WGKEY_BASE64];
        uint64_t id;
        memcpy(&id, d->peers[i].public_key, sizeof id);
        rec.id = id | (1ull << 63);
        memcpy(rec.public_key, d->peers[i].public_key, sizeof rec.public_key);
        wgkey_to_base64(rec.public_key, key);
        (void)snprintf(rec.name, sizeof rec.name, "key-%.8s", key);
        (void)peer_new(c, &rec, true);
    }
    for (struct peer *p = c->peers->first, *next; p; p = next) {
        next = p->next;
        if (p->foreign && !wg_device_peer(d, p->rec.public_key))
            peers_drop(c, p);
    }
}

static void keep_now(struct peers *ps, const struct wg_device *d)
{
    struct plan_peer *now = calloc(d->n_peers + 1, sizeof *now);

    if (!now)
        return;
    for (size_t i = 0; i < d->n_peers; i++) {
        const struct wg_peer *w = &d->peers[i];
        memcpy(now[i].public_key, w->public_key, sizeof now[i].public_key);
        now[i].endpoint = w->endpoint;
        now[i].keepalive_s = w->keepalive_s;
        for (size_t k = 0; k < w->n_ips && k < PLAN_PREFIXES_MAX; k++)
            now[i].prefixes[now[i].n_prefixes++] = d->ips[w->first_ip + k];
    }
    free(ps->now);
    ps->now = now;
    ps->n_now = d->n_peers;
    memset(ps->device_key, 0, sizeof ps->device_key);
    if (d->has_key)
        memcpy(ps->device_key, d->public_key, sizeof ps->device_key);
    ps->device_port = d->listen_port;
}

static void device_read(const struct wg_device *d, const struct err *failed, void *arg)
{
    struct core *c = arg;
    struct table_health *health = &c->meta.health[TABLE_PEERS];
    bool drift = false;

    if (failed) {
        if (strcmp(health->error, failed->text) != 0) {
            str_copy(health->error, sizeof health->error, failed->text);
            publish_dirty(c);
        }
        c->peers->read = false;
        health->whole = false;
        return;
    }
    int64_t now = now_ms();
    health->checked_ms = now;
    health->whole = true;
    health->error[0] = '\0';
    keep_now(c->peers, d);
    adopt_foreign(c, d);
    for (struct peer *p = c->peers->first; p; p = p->next) {
        bool was = p->present;
        judge(c, p, d, now);
        p->missed = p->wanted && !p->present ? p->missed + 1 : 0;
        drift = drift || (p->missed > 0 && (was || p->missed % MISSED_TURNS == 0));
    }
    drift = drift || (c->peers->read && d->has_key && c->meta.engine_ready &&
                      memcmp(d->public_key, c->base->settings.wg_public_key, 32) != 0);
    c->peers->read = true;
    if (drift)
        reconcile_soon(c);
}

static void read_tick(uv_timer_t *timer)
{
    struct core *c = timer->data;

    if (c->peers->reader)
        (void)wg_read(c->peers->reader, device_read, c, NULL); /* busy: the next tick asks again */
}

void peers_read_soon(struct core *c)
{
    if (c->peers->timer_on)
        uv_timer_start(&c->peers->timer, read_tick, 0, READ_MS);
}

void peers_device_up(struct core *c)
{
    const struct wg_host_info *info = wg_host_info(c->base->wg);
    struct err e = {0};

    wg_reader_free(c->peers->reader);
    c->peers->reader = NULL;
    if (wg_reader_new(&c->loop, info->name, info->backend, &c->peers->reader, &e) < 0) {
        str_copy(c->meta.health[TABLE_PEERS].error, sizeof c->meta.health[TABLE_PEERS].error, e.text);
        return;
    }
    c->peers->timer_on = true;
    uv_timer_start(&c->peers->timer, read_tick, 0, READ_MS);
}

void peers_device_down(struct core *c)
{
    wg_reader_free(c->peers->reader);
    c->peers->reader = NULL;
    c->peers->read = false;
    free(c->peers->now);
    c->peers->now = NULL;
    c->peers->n_now = 0;
    memset(c->peers->device_key, 0, sizeof c->peers->device_key);
}

bool peers_device_is_read(const struct core *c)
{
    return c->peers && c->peers->read;
}

struct peer *peers_find(const struct core *c, const char *name)
{
    struct peer *p = c->peers->first;
    while (p && strcmp(p->row.name, name) != 0)
        p = p->next;
    return p;
}

struct peer *peers_find_id(const struct core *c, uint64_t id)
{
    struct peer *p = c->peers->first;
    while (p && p->rec.id != id)
        p = p->next;
    return p;
}

int peers_init(struct core *c)
{
    c->peers = calloc(1, sizeof *c->peers);
    if (!c->peers)
        return -ENOMEM;
    uv_timer_init(&c->loop, &c->peers->timer);
    c->peers->timer.data = c;
    return 0;
}

void peers_done(struct core *c)
{
    if (!c->peers)
        return;
    while (c->peers->first) {
        struct peer *p = c->peers->first;
        c->peers->first = p->next;
        free(p);
    }
    free(c->peers->now);
    free(c->peers);
    c->peers = NULL;
}

int peers_load(struct core *c, const struct peer_rec *recs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!peers_add(c, &recs[i]))
            return -ENOMEM;
    return 0;
}

struct forget_job {
    struct core *core;
    uint64_t *ids;
    size_t n;
    peers_done_fn *done;
    void *arg;
};

static int forget_write(struct db *db, void *arg, struct err *e)
{
    struct forget_job *j = arg;
    int r = 0;

    for (size_t i = 0; i < j->n && r >= 0; i++) {
        r = peerrec_remove(db, j->ids[i], e);
        if (r == -ENOENT)
            r = 0;
    }
    return r;
}

static void forget_written(int code, const struct err *e, void *arg)
{
    struct forget_job *j = arg;

    for (size_t i = 0; code >= 0 && i < j->n; i++) {
        struct peer *p = peers_find_id(j->core, j->ids[i]);
        if (p)
            peers_drop(j->core, p);
    }
    j->done(code < 0 ? e : NULL, j->arg);
    free(j->ids);
    free(j);
}

void peers_forget(struct core *c, const struct plan_op *ops, size_t n, peers_done_fn *done, void *arg)
{
    struct forget_job *j = calloc(1, sizeof *j);
    uint64_t *ids = calloc(n, sizeof *ids);
    struct err e = {0};

    if (j && ids) {
        for (size_t i = 0; i < n; i++)
            ids[i] = ops[i].peer->id;
        *j = (struct forget_job){c, ids, n, done, arg};
        if (store_post(c->store, STORE_WRITE, forget_write, forget_written, j, &e) == 0)
            return;
    } else {
        err_set(&e, ERR_AREA_STORE, -ENOMEM, "removing peers: out of memory");
    }
    free(ids);
    free(j);
    done(&e, arg);
}

size_t peers_gather(const struct core *c, struct plan_peer **ret)
{
    size_t n = 0, i = 0;

    for (const struct peer *p = c->peers->first; p; p = p->next)
        n += !p->foreign;
    *ret = calloc(n + 1, sizeof **ret);
    for (struct peer *p = c->peers->first; p && *ret; p = p->next) {
        if (p->foreign)
            continue;
        struct plan_peer *out = &(*ret)[i++];
        out->id = p->rec.id;
        memcpy(out->name, p->rec.name, sizeof out->name);
        out->goal = p->wanted ? PLAN_RUN : PLAN_GONE;
        out->force_endpoint = p->force_endpoint;
        memcpy(out->public_key, p->rec.public_key, sizeof out->public_key);
        out->endpoint = p->rec.endpoint;
        out->keepalive_s = (uint16_t)p->rec.keepalive_s;
        out->n_prefixes = p->rec.n_prefixes;
        memcpy(out->prefixes, p->rec.prefixes, sizeof out->prefixes);
    }
    return *ret ? n : 0;
}

size_t peers_gather_now(const struct core *c, struct plan_peer **ret, uint8_t ret_key[static 32],
                        uint16_t *ret_port)
{
    size_t n = c->peers->n_now;

    *ret = calloc(n + 1, sizeof **ret);
    if (!*ret)
        return 0;
    if (n)
        memcpy(*ret, c->peers->now, n * sizeof **ret);
    memcpy(ret_key, c->peers->device_key, 32);
    *ret_port = c->peers->device_port;
    return n;
}
