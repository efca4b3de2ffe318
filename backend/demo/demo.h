#ifndef MESHDECK_DEMO_DEMO_H
#define MESHDECK_DEMO_DEMO_H
/*
 * The simulated fleet, from the inside: what the files of this folder share. Everything here
 * belongs to the demo's own thread; the tables are its whole state, so that 64,000 VMs stay small.
 * One seed gives one picture: what a thing looks like is a function of the seed and of the thing's
 * number, never of the order in which it was made. Nothing here touches the host. What the files
 * offer one another is in demo_parts.h.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/engine/end.h"
#include "backend/engine/mailbox.h"
#include "backend/engine/verbs.h"
#include "backend/model/snapshot.h"

struct json_t;

enum {
    DEMO_NODES = 255,
    DEMO_VMS = 64000,
    DEMO_NODE_VMS = 253, /* guests in a node's /24 */
    DEMO_SHELLS = 16,
    DEMO_STEPS = 10,
    DEMO_EVENTS_MAX = 2000,
    DEMO_TICKETS_MAX = 400,
    DEMO_ACTIVE_MAX = 64,
    DEMO_DMZ_NETWORK = 3,
};

struct demo_ticket {
    struct demo_ticket *next;
    struct ticket_row row;
    enum verb_id verb;
    struct json_t *args; /* as the command had them */
    char (*names)[32];   /* VMs, or the one object */
    uint32_t n_names, n_begun, n_ended, n_failed;
    uint8_t *failed; /* of a bulk ticket: which names */
    bool fails, over;
    int64_t step_began_ms, step_due_ms;
    uint32_t step_ms[DEMO_STEPS];
};

struct demo_shell {
    int fd; /* -1: free */
    bool serial;
    char vm[32];
    char line[256];
    uint32_t len;
    uint8_t escape; /* 0 ground, 1 after ESC, 2 in a sequence */
};

/* Something to do later, such as an incident's end. */
enum demo_later_kind {
    LATER_NONE,
    LATER_FLUSH_HEALS,
    LATER_DISK_HEALS,
    LATER_NODE_HEALS,
    LATER_TUNNEL_HEALS
};
struct demo_later {
    enum demo_later_kind kind;
    int64_t due_ms;
    char name[32];
    uint64_t alert;
};
enum { DEMO_LATER = 16 };

struct demo {
    struct engine base;
    struct mailbox *mail;
    pthread_t thread;
    int wake_fd;
    _Atomic bool leaving;
    sem_t stands; /* the first picture is there, or start_error says why not */
    struct err start_error;
    /* The thread's: */
    struct table *tables[TABLE_COUNT];
    struct snapshot_meta meta;
    uint32_t n_nodes, n_vms, churn, seed;
    int64_t start_ms, began_mono_ms, now_ms; /* now_ms: the demo's clock, read once a turn */
    uint64_t rnd;
    char who[96];
    uint64_t next_vm, next_ticket, next_event, next_alert, next_peer;
    double owed; /* row changes */
    int64_t churned_ms, cell_ms, load_ms, published_ms, tidy_ms;
    uint32_t next_shake;
    uint32_t fresh_routes;
    bool dirty;
    struct demo_ticket *tickets; /* newest first; ended ones stay for their details */
    struct demo_shell shells[DEMO_SHELLS];
    struct demo_later later[DEMO_LATER];
};

#endif
