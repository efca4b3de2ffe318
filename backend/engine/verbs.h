#ifndef MESHDECK_ENGINE_VERBS_H
#define MESHDECK_ENGINE_VERBS_H
/*
 * The commands that an engine takes, as one table: the console, the command line, the demo and the
 * control socket all speak these, and the protocol page of the README is made from it. Arguments are
 * checked here before any end acts on them: unknown, missing or ill-typed ones are refused by name.
 */
#include <stdbool.h>
#include <stddef.h>

#include "backend/model/err.h"

struct json_t;

enum arg_kind { ARG_NAME, ARG_TEXT, ARG_UINT, ARG_BOOL, ARG_NAMES, ARG_TEXTS };

struct verb_arg {
    const char *name;
    enum arg_kind kind;
    bool required;
    unsigned long long min, max; /* of ARG_UINT; of texts, max is the longest in bytes */
};

enum { VERB_ARGS_MAX = 14 };

struct verb {
    const char *name;
    bool writes; /* refused to a read-only end */
    bool ticket; /* the reply's body has "ticket": work goes on under it */
    const char *help, *answer; /* what it does; what the reply's body has beside that */
    struct verb_arg args[VERB_ARGS_MAX]; /* ends at a NULL name */
};

enum verb_id {
    VERB_VM_CREATE,
    VERB_VM_SET,
    VERB_VM_START,
    VERB_VM_STOP,
    VERB_VM_RESTART,
    VERB_VM_PAUSE,
    VERB_VM_RESUME,
    VERB_VM_DELETE,
    VERB_VM_DETAIL,
    VERB_VM_SHELL,
    VERB_VM_EXEC,
    VERB_VM_SERIAL,
    VERB_VM_LOG,
    VERB_PEER_ADD,
    VERB_PEER_REMOVE,
    VERB_PEER_DETAIL,
    VERB_PEER_TRY,
    VERB_ROUTE_DETAIL,
    VERB_NETWORK_DETAIL,
    VERB_NODE_DETAIL,
    VERB_IMAGE_BUILD,
    VERB_IMAGE_DETAIL,
    VERB_IMAGE_DELETE,
    VERB_EVENT_DETAIL,
    VERB_TICKET_DETAIL,
    VERB_TICKET_CANCEL,
    VERB_TICKET_RETRY,
    VERB_ALERT_ACK,
    VERB_WHY,
    VERB_FLEET_MARK,
    VERB_TABLE_REREAD,
    VERB_UNIT_ENABLE,
    VERB_PLAN,
    VERB_INCIDENT,
    VERB_COUNT
};

extern const struct verb verbs[VERB_COUNT];

/* The verb of that name, or VERB_COUNT. */
enum verb_id verb_find(const char *name);

/* Checks args (may be NULL for none) against the verb's table; 0, or -EINVAL with a text that names
 * the argument. */
int verb_check(enum verb_id id, const struct json_t *args, struct err *e);

#endif
