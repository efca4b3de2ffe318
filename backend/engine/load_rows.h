#ifndef MESHDECK_ENGINE_LOAD_ROWS_H
#define MESHDECK_ENGINE_LOAD_ROWS_H
/* What the store kept, as it enters the running engine at start. Engine thread. */
#include "backend/engine/core.h"
#include "backend/store/load.h"

void load_event_row(const struct journal_rec *rec, struct event_row *ret);
void journal_load(struct core *c, const struct journal_rec *recs, size_t n,
                  const struct ack_rec *acks, size_t n_acks);
/* Tickets: finished ones as rows; those an earlier engine left running become failed, with the word
 * that what they began is planned again. */
void load_tickets(struct core *c, const struct ticket_rec *recs, size_t n);

#endif
