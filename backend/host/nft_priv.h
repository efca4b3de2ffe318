#ifndef MESHDECK_HOST_NFT_PRIV_H
#define MESHDECK_HOST_NFT_PRIV_H
/*
 * The inside of struct nft, for nft.c (building and healing), nft_apply.c (guests come and go) and
 * nft_query.c (reading). Engine thread.
 */
#include <uv.h>

#include "backend/host/nft_elements.h"
#include "backend/host/nft_roster.h"
#include "backend/host/nft_watch.h"
#include "backend/host/nft_worker.h"

enum nft_state {
    NFT_STATE_IDLE,     /* nothing was asked for yet, or the tables were taken away */
    NFT_STATE_BUILDING, /* the worker has the text */
    NFT_STATE_WHOLE,
    NFT_STATE_BROKEN,   /* a build is wanted: the timer runs */
};

struct nft_waiter {
    struct nft_waiter *next;
    nft_done_fn *done;
    void *arg;
};

struct nft {
    uv_loop_t *loop;
    uv_timer_t retry;
    struct nft_config config;
    struct nft_worker *worker;
    struct nft_elements *elements;
    struct nft_watch *watch;
    nft_event_fn *event;
    void *arg;
    enum nft_state state;
    bool closing;
    bool again;              /* changed by others while we built: build once more */
    bool provoked;           /* the build is the answer to somebody's change */
    struct nft_roster roster;
    uint64_t change;         /* number of the newest change to the roster */
    uint64_t built_change;   /* newest change that is in the text under way */
    struct nft_guest *gone;  /* in that text, but removed since */
    size_t n_gone, gone_cap;
    struct nft_waiter *waiters;
    nft_done_fn *removed;    /* of nft_remove, while that is under way */
    void *removed_arg;
    uint64_t retry_ms;
    uint64_t window_start;   /* of counting the builds that others provoked */
    unsigned in_window;
    uint64_t fingerprint;    /* of the rules as we built them; 0 when not known */
    struct err failed;       /* a build that failed before it began, to be told from the loop */
};

/* Starts building the tables from the roster; its end is told from the loop. */
void nft_build(struct nft *n);
/* done may be NULL; -ENOMEM. */
int nft_add_waiter(struct nft *n, nft_done_fn *done, void *arg);

#endif
