/*
 * The firewall as one object: what should be there (the roster), what puts it there (the worker for
 * whole tables, the element socket for guests) and what notices that it is gone (the watch). Engine
 * thread. It changes no table but ours. Whatever goes wrong, the answer is the same: build the
 * tables again from the roster, in one transaction.
 */
#include "backend/host/nft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/host/nft_priv.h"
#include "backend/host/nft_text.h"
#include "backend/model/text.h"

enum {
    RETRY_FIRST_MS = 1000,
    RETRY_MAX_MS = 30000,
    CALM_MS = 2000,     /* builds that others provoke: this far apart once there were many */
    CALM_AFTER = 5,
    CALM_WINDOW_MS = 10000,
};

static void tell(struct nft *n, enum nft_event_kind kind, const struct nft_change *change,
                 const struct err *e)
{
    struct nft_event ev = { .kind = kind, .error_b = e };

    if (change) {
        ev.pid = change->pid;
        (void)str_copy(ev.who, sizeof(ev.who), change->who);
        (void)str_copy(ev.what, sizeof(ev.what), change->what);
    }
    if (n->event && !n->closing) {
        n->event(&ev, n->arg);
    }
}

int nft_add_waiter(struct nft *n, nft_done_fn *done, void *arg)
{
    struct nft_waiter *w = done ? malloc(sizeof(*w)) : NULL;

    if (!done) {
        return 0;
    }
    if (!w) {
        return -ENOMEM;
    }
    *w = (struct nft_waiter){ n->waiters, done, arg };
    n->waiters = w;
    return 0;
}

static void call_waiters(struct nft *n, const struct err *e)
{
    struct nft_waiter *w = n->waiters, *oldest_first = NULL;

    n->waiters = NULL;
    while (w) {
        struct nft_waiter *next = w->next;
        w->next = oldest_first;
        oldest_first = w;
        w = next;
    }
    while ((w = oldest_first) != NULL) {
        oldest_first = w->next;
        if (!n->closing) {
            w->done(e, w->arg);
        }
        free(w);
    }
}

static void build_failed(struct nft *n, const struct err *e);

static void on_retry(uv_timer_t *timer)
{
    struct nft *n = timer->data;
    struct err e = n->failed;

    err_clear(&n->failed);
    if (n->state == NFT_STATE_BROKEN && e.code != 0) {
        build_failed(n, &e);
    } else if (n->state == NFT_STATE_BROKEN) {
        nft_build(n);
    }
}

static void build_later(struct nft *n, uint64_t ms)
{
    n->state = NFT_STATE_BROKEN;
    (void)uv_timer_start(&n->retry, on_retry, ms, 0);
}

static void build_failed(struct nft *n, const struct err *e)
{
    n->retry_ms = n->retry_ms ? n->retry_ms * 2 : RETRY_FIRST_MS;
    n->retry_ms = n->retry_ms < RETRY_MAX_MS ? n->retry_ms : RETRY_MAX_MS;
    build_later(n, n->retry_ms);
    tell(n, NFT_EVENT_FAILED, NULL, e);
    call_waiters(n, e);
}

static void now_whole(struct nft *n)
{
    bool provoked = n->provoked;

    n->state = NFT_STATE_WHOLE;
    n->provoked = false;
    n->retry_ms = 0;
    (void)uv_timer_stop(&n->retry);
    struct nft_fingerprint seen;
    n->fingerprint = nft_elements_fingerprint(n->elements, &seen, NULL) == 0 ? seen.rules : 0;
    if (provoked) {
        tell(n, NFT_EVENT_REBUILT, NULL, NULL);
    }
    call_waiters(n, NULL);
}

/* What changed in the roster while the worker built goes in on top of it. */
static int catch_up(struct nft *n, struct err *e)
{
    struct nft_guest *add = calloc(n->roster.count + 1, sizeof(*add));
    size_t n_add = 0;

    if (!add) {
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for the firewall's guests");
    }
    for (size_t i = 0; i < n->roster.count; i++) {
        if (n->roster.changes[i] > n->built_change) {
            add[n_add++] = n->roster.guests[i];
        }
    }
    int r = nft_elements_apply(n->elements, add, n_add, n->gone, n->n_gone, e);
    free(add);
    n->n_gone = 0;
    return r;
}

static void on_built(const char *out, size_t len, const struct err *e, void *arg)
{
    struct nft *n = arg;
    struct err late = { 0 };

    (void)out, (void)len;
    if (n->state != NFT_STATE_BUILDING) {
        return; /* taken away meanwhile */
    }
    if (e) {
        build_failed(n, e);
    } else if (n->again) {
        nft_build(n);
    } else if (catch_up(n, &late) < 0) {
        build_failed(n, &late);
    } else {
        now_whole(n);
    }
}

void nft_build(struct nft *n)
{
    struct nft_count counts[NFT_COUNTER_COUNT];
    struct err e = { 0 };
    char *text;
    size_t len;

    n->again = false;
    n->n_gone = 0;
    n->built_change = n->change;
    n->state = NFT_STATE_BUILDING;
    (void)uv_timer_stop(&n->retry);
    /* Tables that are gone have lost their counts: those start again. */
    bool counted = nft_elements_read_counters(n->elements, counts, NULL) == 0;
    int r = nft_text_ruleset(&n->config, n->roster.guests, n->roster.count,
                             counted ? counts : NULL, &text, &len, &e);
    if (r == 0) {
        r = nft_worker_take_job(n->worker, NFT_OP_RUN, text, len, on_built, n, &e);
    }
    if (r < 0) {
        n->failed = e;
        build_later(n, 0);
    }
}

static bool is_own(uint32_t port, pid_t pid, void *arg)
{
    const struct nft *n = arg;

    return port == nft_elements_port(n->elements) || nft_worker_was(n->worker, (pid_t)port) ||
           nft_worker_was(n->worker, pid);
}

/* True when the tables are as we left them, though notifications were lost. */
static bool is_unharmed(struct nft *n)
{
    struct nft_element els[NFT_ELEMENTS_PER_GUEST];
    struct nft_fingerprint now;
    uint64_t elements = 0;

    for (size_t i = 0; i < n->roster.count; i++) {
        elements += nft_guest_elements(&n->roster.guests[i], els);
    }
    return n->fingerprint != 0 && nft_elements_fingerprint(n->elements, &now, NULL) == 0 &&
           now.rules == n->fingerprint && now.elements == elements;
}

static void on_change(const struct nft_change *change, void *arg)
{
    struct nft *n = arg;
    uint64_t now = uv_now(n->loop);

    if (n->state == NFT_STATE_IDLE || n->state == NFT_STATE_BROKEN ||
        (change->lost && n->state == NFT_STATE_WHOLE && is_unharmed(n))) {
        return;
    }
    n->provoked = true;
    if (n->state == NFT_STATE_BUILDING) {
        n->again = true;
    }
    tell(n, NFT_EVENT_CHANGED, change, NULL);
    if (n->state != NFT_STATE_WHOLE) {
        return;
    }
    if (now - n->window_start > CALM_WINDOW_MS) {
        n->window_start = now;
        n->in_window = 0;
    }
    if (++n->in_window > CALM_AFTER) {
        build_later(n, CALM_MS);
    } else {
        nft_build(n);
    }
}

static void on_worker_died(pid_t pid, const struct err *why, void *arg)
{
    struct nft_change change = { .pid = pid };

    tell(arg, NFT_EVENT_WORKER_DIED, &change, why);
}

int nft_rebuild(struct nft *n, const struct nft_config *config, const struct nft_guest *guests,
                size_t count, nft_done_fn *done, void *arg, struct err *e)
{
    struct nft_roster roster = { 0 };
    int r = nft_config_check(config, e);

    for (size_t i = 0; r == 0 && i < count; i++) {
        r = nft_guest_check(&guests[i], e);
    }
    if (r < 0) {
        return r;
    }
    if (nft_roster_reserve(&roster, count) < 0 || nft_add_waiter(n, done, arg) < 0) {
        nft_roster_done(&roster);
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for %zu guests", count);
    }
    n->change++;
    for (size_t i = 0; i < count; i++) {
        nft_roster_put(&roster, &guests[i], n->change);
    }
    nft_roster_done(&n->roster);
    n->roster = roster;
    n->config = *config;
    if (n->state == NFT_STATE_BUILDING) {
        n->again = true; /* what is under way is stale */
    } else {
        nft_build(n);
    }
    return 0;
}

int nft_open(struct uv_loop_s *loop, const struct nft_config *config, const char *worker_exe,
             uid_t worker_uid, nft_event_fn *event, void *arg, struct nft **ret, struct err *e)
{
    int r = nft_config_check(config, e);

    if (r < 0) {
        return r;
    }
    struct nft *n = calloc(1, sizeof(*n));
    if (!n) {
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for the firewall");
    }
    n->loop = loop;
    n->config = *config;
    n->event = event;
    n->arg = arg;
    n->retry.data = n;
    (void)uv_timer_init(loop, &n->retry); /* cannot fail */
    r = nft_elements_open(&n->elements, e);
    if (r == 0) {
        r = nft_worker_new(loop, worker_exe, worker_uid, on_worker_died, n, &n->worker, e);
    }
    if (r == 0) {
        r = nft_watch_open(loop, is_own, on_change, n, &n->watch, e);
    }
    if (r < 0) {
        nft_free(n);
        return r;
    }
    *ret = n;
    return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
    struct nft *n = h->data;

    nft_roster_done(&n->roster);
    nft_elements_free(n->elements);
    free(n->gone);
    free(n);
}

void nft_free(struct nft *n)
{
    if (!n) {
        return;
    }
    n->closing = true;
    n->state = NFT_STATE_IDLE;
    nft_watch_free(n->watch);
    nft_worker_free(n->worker);
    n->watch = NULL;
    n->worker = NULL;
    call_waiters(n, NULL); /* frees them; nobody is called any more */
    uv_close((uv_handle_t *)&n->retry, on_timer_closed);
}

static void on_removed(const char *out, size_t len, const struct err *e, void *arg)
{
    struct nft *n = arg;
    nft_done_fn *done = n->removed;
    struct err cancelled;

    (void)out, (void)len;
    n->removed = NULL;
    (void)err_set(&cancelled, ERR_AREA_NFT, -ECANCELED, "the firewall was taken away");
    call_waiters(n, &cancelled);
    if (done && !n->closing) {
        done(e, n->removed_arg);
    }
}

int nft_remove(struct nft *n, nft_done_fn *done, void *arg, struct err *e)
{
    char *text;
    size_t len;

    if (n->removed) {
        return err_set(e, ERR_AREA_NFT, -EBUSY, "the firewall is being taken away already");
    }
    int r = nft_text_removal(&text, &len, e);
    if (r == 0) {
        r = nft_worker_take_job(n->worker, NFT_OP_RUN, text, len, on_removed, n, e);
    }
    if (r == 0) {
        n->state = NFT_STATE_IDLE;
        n->provoked = false;
        n->removed = done;
        n->removed_arg = arg;
        nft_roster_done(&n->roster);
        (void)uv_timer_stop(&n->retry);
    }
    return r;
}
