/* The demo's evidence for what is shown of an object. Demo thread. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

static void why_vm(struct demo *d, const struct vm_row *r, json_t *lines)
{
    const struct node_row *n = demo_node(d, r->node);

    demo_line(lines, "state", "%s%s%s", vm_state_names[r->state], r->reason[0] ? ": " : "",
              r->reason);
    if (r->id == 56 && r->state == VM_STATE_FAILED) {
        demo_line(lines, "why",
                  "The guest ran out of memory and panicked, twice in 4 min: 512 of 512 "
                  "MiB were in use. E raises the limit, then B boots it.");
        demo_line(lines, "policy", "restart on failure, 2 of 2 used up");
    } else if (r->state == VM_STATE_FAILED) {
        demo_line(lines, "why",
                  "Its process ended and its restarts are used up. B boots it again.");
    }
    demo_line(lines, "process",
              r->pid ? "pid %u on %s, seen by its QMP socket" : "pid %u: none on %s", r->pid,
              r->node);
    demo_line(lines, "wanted",
              r->wanted ? "should run, and comes back after a reboot" : "should rest");
    if (n)
        demo_line(lines, "node", "%s is %s", n->name, node_state_names[n->state]);
    demo_line(lines, "source", "simulated: this is a demonstration");
}

static void why_peer(const struct peer_row *p, json_t *lines)
{
    demo_line(lines, "verdict", "%s: %s", peer_verdict_names[p->verdict], p->evidence);
    demo_line(lines, "expected", "%s", p->expected);
    demo_line(lines, "rule", "rekey after 120 s, reject after 180 s, down after 275 s");
    demo_line(lines, "try",
              p->verdict == PEER_HEALTHY ? "nothing to do" : "R moves it to its other endpoint");
    demo_line(lines, "source", "simulated: this is a demonstration");
}

static void why_alerts(struct demo *d, const char *object, json_t *lines)
{
    for (size_t i = 0; i < table_count(d->tables[TABLE_ALERTS]); i++) {
        const struct alert_row *a = table_at(d->tables[TABLE_ALERTS], i);
        if (strcmp(a->object, object) == 0)
            demo_line(lines, a->level == ALERT_CRIT ? "CRIT" : "WARN", "%s%s", a->sentence,
                      a->ended_ms ? " (over)" : "");
    }
}

static const struct route_row *route_of_text(struct demo *d, const char *text)
{
    char buf[ADDR_TEXT];

    for (size_t i = 0; i < table_count(d->tables[TABLE_ROUTES]); i++) {
        const struct route_row *r = table_at(d->tables[TABLE_ROUTES], i);
        if (strcmp(addr_format(&r->dst, true, buf), text) == 0 || r->id == strtoull(text, NULL, 10))
            return r;
    }
    return NULL;
}

static void why_route(const struct route_row *r, json_t *lines)
{
    char proto[8];

    demo_line(lines, "owner", "%s", r->owner);
    demo_line(lines, "made by", "protocol %s%s", route_protocol_name(r->protocol, proto),
              r->protocol == 77 ? ", so by meshdeck"
                                : ", so not by meshdeck: shown, never changed");
    demo_line(lines, "state", "%s", route_state_names[r->state]);
    demo_line(lines, "source", "simulated: this is a demonstration");
}

json_t *demo_why(struct demo *d, const char *view, const char *object, struct err *e)
{
    const struct vm_row *vm = demo_vm(d, object);
    const struct peer_row *peer = demo_peer(d, object);
    const struct node_row *node = demo_node(d, object);
    const struct route_row *route = strcmp(view, "routes") == 0 ? route_of_text(d, object) : NULL;
    json_t *lines = json_array();

    if (vm)
        why_vm(d, vm, lines);
    else if (peer && strcmp(view, "nodes") != 0)
        why_peer(peer, lines);
    else if (node)
        demo_line(lines, "state", "%s%s%s", node_state_names[node->state],
                  node->lacks[0] ? ": " : "", node->lacks);
    else if (route)
        why_route(route, lines);
    why_alerts(d, object, lines);
    if (json_array_size(lines) == 0) {
        json_decref(lines);
        err_set(e, ERR_AREA_INPUT, -ENOENT, "%s: there is no evidence about it", object);
        return NULL;
    }
    return json_pack("{s:o}", "lines", lines);
}
