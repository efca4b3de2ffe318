#ifndef MESHDECK_ENGINE_PREVIEW_H
#define MESHDECK_ENGINE_PREVIEW_H
/* A plan as JSON for --dry-run and the forms: steps with their commands, and whether it touches the
 * way in of the one who asks. Engine thread. */
#include "backend/engine/core.h"
#include "backend/plan/plan.h"

struct json_t;
struct vm_rec;

/* {"plan":[{"step","detail","commands":[]}],"errors":[],"touches_way_in":text or null,"seconds":n};
 * owned by the caller. `fresh`: the record of a VM that is not there yet, or NULL. */
struct json_t *preview_json(struct request *r, const struct plan *p, const struct vm_rec *fresh);
/* {"plan":[],"errors":[{"field","text"}]} */
struct json_t *preview_error(const char *field, const char *text);

#endif
