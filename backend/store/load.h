#ifndef MESHDECK_STORE_LOAD_H
#define MESHDECK_STORE_LOAD_H
/* Everything that the engine needs at its start, read in one transaction by one STORE_READ job. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/store/ackrec.h"
#include "backend/store/journal.h"
#include "backend/store/netrec.h"
#include "backend/store/peerrec.h"
#include "backend/store/proberec.h"
#include "backend/store/settings.h"
#include "backend/store/ticketrec.h"
#include "backend/store/vmrec.h"

struct load {
    bool initialised; /* false: settings_init has not run; all else is empty */
    struct settings settings;
    uint8_t blocks[SETTINGS_BLOCKS_MAX];
    size_t n_blocks;
    struct net_rec *nets;
    size_t n_nets;
    struct vm_rec *vms; /* by name */
    size_t n_vms;
    struct peer_rec *peers;
    size_t n_peers;
    struct ticket_rec *tickets; /* unfinished ones, and the newest finished */
    size_t n_tickets;
    struct journal_rec *journal; /* the newest, oldest first */
    size_t n_journal;
    struct ack_rec *acks;
    size_t n_acks;
    struct probe_rec kvm; /* kind "" when there is none */
    size_t damaged;       /* records whose checksum is wrong or that contradict each other */
    char damage[160];     /* which, in words */
};

int load_all(struct db *db, size_t finished_tickets, size_t journal_rows, struct load *ret,
             struct err *e);
void load_done(struct load *l); /* frees the arrays; NULL-safe on a zeroed one */

#endif
