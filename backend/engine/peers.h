#ifndef MESHDECK_ENGINE_PEERS_H
#define MESHDECK_ENGINE_PEERS_H
/*
 * WireGuard peers: the records of those that should be there, the device as it was last read (once
 * a second; it has no events), and the verdict from both. Engine thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/engine/core.h"
#include "backend/model/verdict.h"
#include "backend/observe/wireguard.h"
#include "backend/plan/plan.h"
#include "backend/store/peerrec.h"

struct peer {
    struct peer *next;
    struct peer_rec rec;
    struct peer_row row;
    struct verdict_track track;
    bool foreign, present, wanted, force_endpoint;
    unsigned missed; /* readings in a row that did not show it though it is wanted */
    int64_t added_ms;
    struct {
        int64_t at_ms;
        uint64_t rx, tx;
    } rate; /* counters where the running rate began */
};

struct peers {
    struct peer *first;
    struct wg_reader *reader;
    uv_timer_t timer;
    bool timer_on;
    bool read; /* the device has been read at least once, and the last reading worked */
    struct plan_peer *now; /* what the device holds */
    size_t n_now;
    uint8_t device_key[32];
    uint16_t device_port;
};

int peers_init(struct core *c);
void peers_done(struct core *c);
int peers_load(struct core *c, const struct peer_rec *recs, size_t n);
void peers_device_up(struct core *c); /* the device stands: read it from now on */
void peers_device_down(struct core *c);
bool peers_device_is_read(const struct core *c);
void peers_read_soon(struct core *c);

struct peer *peers_find(const struct core *c, const char *name);
struct peer *peers_find_id(const struct core *c, uint64_t id);
void peers_drop(struct core *c, struct peer *p); /* forgets it */
struct peer *peers_add(struct core *c, const struct peer_rec *rec);
/* Deletes the rows of PLAN_OP_PEER_FORGET operations and forgets the peers. */
typedef void peers_done_fn(const struct err *failed, void *arg);
void peers_forget(struct core *c, const struct plan_op *ops, size_t n, peers_done_fn *done,
                  void *arg);

/* The planner's view: wanted peers with room for one more, and what is in the device. *ret is the
 * caller's to free; NULL means no memory. */
size_t peers_gather(const struct core *c, struct plan_peer **ret);
size_t peers_gather_now(const struct core *c, struct plan_peer **ret, uint8_t ret_key[static 32],
                        uint16_t *ret_port);

#endif
