#ifndef MESHDECK_ENGINE_KEEP_H
#define MESHDECK_ENGINE_KEEP_H
/*
 * The engine's writes to the store that need no hand-made job: tickets, journal entries, settings,
 * acknowledgements. They return at once; a write that fails raises the alert "store". Engine thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/model/err.h"
#include "backend/model/rows.h"
#include "backend/store/journal.h"
#include "backend/store/ackrec.h"
#include "backend/store/settings.h"

struct core;
struct json_t;

/* Writes a new ticket; `written` then has its number, or the error (nothing was written). */
typedef void keep_ticket_fn(void *arg, uint64_t id, const struct err *e);
void keep_ticket_new(struct core *c, const struct ticket_row *row, const struct json_t *args,
                     keep_ticket_fn *written, void *arg);
void keep_ticket(struct core *c, const struct ticket_row *row);

/* The verb and arguments that a ticket came from; args are borrowed for the call. */
typedef void keep_command_fn(void *arg, const char *verb, struct json_t *args, const struct err *e);
void keep_ticket_command(struct core *c, uint64_t id, keep_command_fn *fn, void *arg);

void keep_settings(struct core *c, const struct settings *s);
void keep_ack(struct core *c, const struct ack_rec *ack);
void keep_ack_drop(struct core *c, const char *key);

/* The newest entries about an object ("vm web1"), oldest first, borrowed for the call. */
typedef void keep_journal_fn(void *arg, const struct journal_rec *recs, size_t n, const struct err *e);
void keep_journal_read(struct core *c, const char *object, size_t most, keep_journal_fn *fn, void *arg);
typedef void keep_event_fn(void *arg, const struct journal_rec *rec, const struct err *e);
void keep_event_read(struct core *c, uint64_t id, keep_event_fn *fn, void *arg);

#endif
