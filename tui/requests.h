#ifndef MESHDECK_TUI_REQUESTS_H
#define MESHDECK_TUI_REQUESTS_H
/*
 * Commands on their way: each answer finds who asked, or nobody when they have gone. Also the one
 * place where the engine's "busy" and refusals become words. Console thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/engine.h"

struct console;
struct json_t;

/* The reply stays the caller's; a function that keeps body or fd sets them to NULL and -1. */
typedef void request_fn(struct console *c, void *owner, struct reply *r);

struct requests *requests_new(void);
void requests_free(struct requests *q);

/* Takes args. fn may be NULL: then errors alone are shown. 0 when it could not be sent (was said). */
uint64_t request_send(struct console *c, const char *verb, struct json_t *args, request_fn *fn,
                      void *owner);
void request_forget(struct console *c, const void *owner); /* owner goes away */
void request_deliver(struct console *c);                   /* all replies that are there */

/* For a changing command: notes its ticket as our own, shows its error; then fn (may be NULL). */
uint64_t request_change(struct console *c, const char *verb, struct json_t *args, request_fn *fn,
                        void *owner);

#endif
