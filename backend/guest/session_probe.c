/*
 * Waiting for a guest's SSH: short attempts one after another, each a whole login, until one works.
 * Engine thread. Attempts are short at first, since the kernel would repeat a lost SYN only after a
 * second, in which a small guest has booted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/guest/session_internal.h"
#include "backend/model/text.h"

enum {
    CONNECT_FIRST_MS = 250,
    CONNECT_LAST_MS = 3000,
    PAUSE_FIRST_MS = 40,
    PAUSE_LAST_MS = 1000,
};

struct session_probe {
    struct session_probe *next;
    struct session_pool *pool;
    session_probe_fn *done;
    void *arg;
    struct session_spec spec; /* points into what follows */
    struct key_pair key;
    char user[64], host_key[KEYS_PUBLIC_TEXT];
    uv_timer_t *pause, *deadline;
    unsigned pause_ms, deadline_ms;
    struct session *session;
    struct session_end last;
};

static void probe_free(struct session_probe *p)
{
    for (struct session_probe **at = &p->pool->probes; *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            p->pool->n_probes--;
            break;
        }
    session_close(p->session);
    session_timer_free(p->pause);
    session_timer_free(p->deadline);
    keys_done(&p->key);
    free(p);
}

static void probe_finish(struct session_probe *p, const struct session_end *end)
{
    p->done(p, end, p->arg);
    probe_free(p);
}

static void probe_try(uv_timer_t *t);

static void on_ended(struct session *s, const struct session_end *end, void *arg)
{
    struct session_probe *p = arg;

    (void)s; /* goes away by itself */
    p->session = NULL;
    p->last = *end;
    if (end->result == SESSION_OK || end->result == SESSION_HOST_KEY) {
        probe_finish(p, end);
        return;
    }
    (void)uv_timer_start(p->pause, probe_try, p->pause_ms, 0);
    p->pause_ms += p->pause_ms / 4;
    if (p->pause_ms > PAUSE_LAST_MS)
        p->pause_ms = PAUSE_LAST_MS;
    p->spec.connect_ms += p->spec.connect_ms / 4;
    if (p->spec.connect_ms > CONNECT_LAST_MS)
        p->spec.connect_ms = CONNECT_LAST_MS;
}

static void probe_try(uv_timer_t *t)
{
    static const struct session_events events = {.ended = on_ended};
    struct session_probe *p = t->data;
    struct session_end end = {.result = SESSION_WORKER};

    if (session_open(p->pool, &p->spec, &events, p, &p->session, NULL, &end.err) != 0)
        on_ended(NULL, &end, p);
}

static void on_deadline(uv_timer_t *t)
{
    struct session_probe *p = t->data;
    struct session_end end = p->last;

    if (end.err.code == 0) { /* not even one attempt has ended */
        end.result = SESSION_STALLED;
        (void)err_set(&end.err, ERR_AREA_SSH, -ETIMEDOUT, "no answer");
    }
    (void)err_wrap(&end.err, "SSH was not ready within %u s", (p->deadline_ms + 500) / 1000);
    probe_finish(p, &end);
}

int session_probe_start(struct session_pool *pool, const struct session_spec *spec,
                        unsigned deadline_ms, session_probe_fn *done, void *arg,
                        struct session_probe **ret, struct err *e)
{
    if (pool->n_probes >= SESSION_PROBES_MAX)
        return err_set(e, ERR_AREA_SSH, -EUSERS, "too many guests are being waited for");
    struct session_probe *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(e, ERR_AREA_SSH, -ENOMEM, "waiting for a guest: out of memory");
    p->pool = pool;
    p->next = pool->probes;
    pool->probes = p;
    pool->n_probes++;
    p->done = done;
    p->arg = arg;
    p->spec = *spec;
    p->spec.mode = SESSION_PROBE;
    p->spec.argv = NULL;
    p->spec.command = NULL;
    p->spec.connect_ms = CONNECT_FIRST_MS;
    p->key = *spec->key;
    p->spec.key = &p->key;
    p->spec.user = p->user;
    p->spec.host_key = p->host_key;
    p->pause_ms = PAUSE_FIRST_MS;
    p->deadline_ms = deadline_ms;
    p->pause = session_timer_new(pool, p);
    p->deadline = session_timer_new(pool, p);
    bool ok = p->pause && p->deadline &&
              str_copy(p->user, sizeof p->user, spec->user ? spec->user : "root") &&
              str_copy(p->host_key, sizeof p->host_key, spec->host_key ? spec->host_key : "") &&
              uv_timer_start(p->pause, probe_try, 0, 0) == 0 &&
              uv_timer_start(p->deadline, on_deadline, deadline_ms, 0) == 0;
    if (!ok) {
        probe_free(p);
        return err_set(e, ERR_AREA_SSH, -ENOMEM, "waiting for a guest could not begin");
    }
    *ret = p;
    return 0;
}

void session_probe_cancel(struct session_probe *p)
{
    if (p)
        probe_free(p);
}

void session_probes_free(struct session_pool *pool)
{
    while (pool->probes)
        probe_free(pool->probes);
}
