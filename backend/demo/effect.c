/* What a ticket does to the simulated fleet: when it begins, when it is done, when it is undone.
 * Objects may have gone meanwhile; then nothing is done. Demo thread. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

enum { OIF_TAP = 10 };

static void set_state(struct demo *d, struct vm_row *r, enum vm_state state, const char *reason)
{
    r->state = (uint8_t)state;
    r->since_ms = d->now_ms;
    r->reason = demo_sym("%s", reason);
    demo_put(d, TABLE_VMS, r);
}

static void take_tap(struct demo *d, struct vm_row *r)
{
    struct link_row key = {.ifindex = OIF_TAP};

    while (!r->remote && table_find(d->tables[TABLE_LINKS], &key))
        key.ifindex++;
    (void)snprintf(r->tap, sizeof r->tap, "tap%u",
                   r->remote ? (unsigned)(r->id % 250) : key.ifindex - OIF_TAP);
}

static void plumb(struct demo *d, const struct vm_row *r, bool add)
{
    if (r->remote || !r->tap[0])
        return;
    (void)demo_guest_routes(d, r, add, add ? ROUTE_NEW : ROUTE_PLAIN); /* no memory: no route */
    d->dirty = true;
}

static void starts(struct demo *d, struct vm_row *r)
{
    demo_alert_end_of(d, "vms", r->id);
    r->wanted = 1;
    take_tap(d, r);
    plumb(d, r, true);
    demo_vm_runs(d, r);
    r->cpu_permille = 1000;
    r->rss_mib = 64;
    r->rx_bps = r->tx_bps = 0;
    set_state(d, r, VM_STATE_STARTING, "");
}

static void rests(struct demo *d, struct vm_row *r, const char *reason)
{
    plumb(d, r, false);
    demo_vm_rests(r);
    set_state(d, r, VM_STATE_STOPPED, reason);
}

/* One VM more or less, where they are counted. */
static void count_vm(struct demo *d, const struct vm_row *r, bool more)
{
    uint32_t by = more ? 1 : (uint32_t)-1;
    struct network_row network = {.id = 0};
    struct image_row image = {.id = 0};

    str_copy(network.name, sizeof network.name, r->network);
    str_copy(image.name, sizeof image.name, r->image);
    const struct network_row *n = table_find(d->tables[TABLE_NETWORKS], &network);
    const struct image_row *i = table_find(d->tables[TABLE_IMAGES], &image);
    const struct node_row *at = demo_node(d, r->node);
    if (n) {
        network = *n;
        network.vms += by;
        network.free -= by;
        demo_put(d, TABLE_NETWORKS, &network);
    }
    if (i) {
        image = *i;
        image.used_by += by;
        demo_put(d, TABLE_IMAGES, &image);
    }
    if (at) {
        struct node_row node = *at;
        node.vms += by;
        demo_put(d, TABLE_NODES, &node);
    }
}

static void creates(struct demo *d, struct demo_ticket *t)
{
    json_t *errors = json_array();
    struct vm_row r = demo_create_row(d, t->args, errors);

    json_decref(errors); /* it was checked when the command came */
    r.id = d->next_vm++;
    r.created_ms = d->now_ms;
    count_vm(d, &r, true);
    if (json_is_false(json_object_get(t->args, "start")))
        set_state(d, &r, VM_STATE_STOPPED, "");
    else
        starts(d, &r);
}

static void deleted(struct demo *d, struct vm_row *r)
{
    plumb(d, r, false);
    demo_alert_end_of(d, "vms", r->id);
    count_vm(d, r, false);
    demo_remove(d, TABLE_VMS, r);
}

static void limits_set(struct demo *d, struct vm_row *r, const json_t *args)
{
    const json_t *cpus = json_object_get(args, "cpus"), *mib = json_object_get(args, "memory_mib");
    const json_t *gib = json_object_get(args, "disk_gib"),
                 *labels = json_object_get(args, "labels");
    const json_t *autostart = json_object_get(args, "autostart");
    char text[256] = "";
    size_t i, len = 0;
    json_t *word;

    if (cpus)
        r->vcpus = (uint32_t)json_integer_value(cpus);
    if (mib)
        r->memory_mib = (uint32_t)json_integer_value(mib);
    if (gib)
        r->disk_gib = (uint32_t)json_integer_value(gib);
    if (autostart)
        r->wanted = json_is_true(autostart);
    json_array_foreach(labels, i, word)
        str_add(text, sizeof text, &len, "%s%s", i ? " " : "", json_string_value(word));
    if (labels)
        r->labels = demo_sym("%s", text);
    demo_put(d, TABLE_VMS, r);
}

void demo_effect_begin(struct demo *d, struct demo_ticket *t, uint32_t name)
{
    const struct vm_row *found = demo_vm(d, t->names[name]);
    struct vm_row r = found ? *found : (struct vm_row){.id = 0};

    if (t->verb == VERB_VM_CREATE) {
        creates(d, t);
        return;
    }
    if (!found)
        return;
    if (t->verb == VERB_VM_START)
        starts(d, &r);
    else if (r.state != VM_STATE_STOPPED && r.state != VM_STATE_FAILED &&
             (t->verb == VERB_VM_STOP || t->verb == VERB_VM_RESTART || t->verb == VERB_VM_DELETE))
        set_state(d, &r, VM_STATE_STOPPING, "");
}

static void vm_end(struct demo *d, struct demo_ticket *t, struct vm_row *r)
{
    bool boots = t->verb == VERB_VM_START || t->verb == VERB_VM_RESTART ||
                 (t->verb == VERB_VM_CREATE && r->state == VM_STATE_STARTING);

    if (boots && !r->tap[0])
        starts(d, r);
    if (boots) {
        demo_vm_runs(d, r);
        set_state(d, r, VM_STATE_RUNNING, "");
    } else if (t->verb == VERB_VM_STOP) {
        r->wanted = 0;
        rests(d, r, "");
    } else if (t->verb == VERB_VM_PAUSE) {
        r->cpu_permille = 0;
        r->rx_bps = r->tx_bps = 0;
        set_state(d, r, VM_STATE_PAUSED, "");
    } else if (t->verb == VERB_VM_RESUME) {
        set_state(d, r, VM_STATE_RUNNING, "");
    } else if (t->verb == VERB_VM_DELETE) {
        deleted(d, r);
        demo_heal_disk(d); /* there is room again */
    } else if (t->verb == VERB_VM_SET) {
        limits_set(d, r, t->args);
    }
}

static void peer_added(struct demo *d, const struct demo_ticket *t)
{
    struct peer_row r = {.id = d->next_peer++, .verdict = PEER_NEVER, .since_ms = d->now_ms};
    const char *endpoint = json_string_value(json_object_get(t->args, "endpoint"));
    const char *expected = json_string_value(json_object_get(t->args, "expected"));
    const json_t *keepalive = json_object_get(t->args, "keepalive");
    json_t *one = json_object();

    str_copy(r.name, sizeof r.name, t->names[0]);
    json_object_set(one, "public_key", json_object_get(t->args, "public_key"));
    json_object_set(one, "allowed_ips", json_object_get(t->args, "allowed_ips"));
    struct peer_row parsed; /* they were checked when the command came */
    if (row_from_json(row_type_of(TABLE_PEERS), one, &parsed, NULL) == 0) {
        memcpy(r.public_key, parsed.public_key, sizeof r.public_key);
        r.allowed_ips = parsed.allowed_ips;
    } else {
        r.allowed_ips = text_intern(NULL);
    }
    json_decref(one);
    if (endpoint && endpoint[0])
        (void)addr_endpoint_parse(endpoint, &r.endpoint, NULL);
    r.keepalive_s = keepalive ? (uint16_t)json_integer_value(keepalive) : 25;
    r.expected = demo_sym("%s", expected && expected[0] ? expected : "always");
    r.evidence = demo_sym("never shook hands: it is simulated, nobody is there");
    demo_put(d, TABLE_PEERS, &r);
}

static void peer_tried(struct demo *d, const char *name)
{
    const struct peer_row *p = demo_peer(d, name);

    if (!p)
        return;
    demo_alert_end_of(d, "mesh", p->id);
    demo_heal_tunnel(d, name);
    struct peer_row r = *demo_peer(d, name);
    if (r.verdict == PEER_STALE || r.verdict == PEER_DOWN || r.verdict == PEER_ONE_WAY) {
        r.verdict = PEER_HEALTHY;
        r.since_ms = d->now_ms;
        r.rx_bps = 88000;
        r.evidence = demo_sym("answers on its other endpoint");
    }
    r.handshake_ms = r.last_in_ms = d->now_ms;
    r.endpoint.addr.bytes[3] ^= 1;
    demo_put(d, TABLE_PEERS, &r);
}

static void image_end(struct demo *d, const struct demo_ticket *t)
{
    struct image_row r = {.id = 0};

    str_copy(r.name, sizeof r.name, t->names[0]);
    const struct image_row *old = table_find(d->tables[TABLE_IMAGES], &r);
    if (!old)
        return;
    r = *old;
    if (t->verb == VERB_IMAGE_DELETE) {
        demo_remove(d, TABLE_IMAGES, &r);
        demo_alert_end_of(d, "images", r.id);
        return;
    }
    r.added_ms = d->now_ms;
    demo_put(d, TABLE_IMAGES, &r);
}

void demo_effect_end(struct demo *d, struct demo_ticket *t, uint32_t name)
{
    const struct vm_row *found = demo_vm(d, t->names[name]);

    if (verbs[t->verb].name[0] == 'v') {
        struct vm_row r = found ? *found : (struct vm_row){.id = 0};
        if (found)
            vm_end(d, t, &r);
    } else if (t->verb == VERB_PEER_ADD) {
        peer_added(d, t);
    } else if (t->verb == VERB_PEER_REMOVE) {
        struct peer_row key = {.id = 0};
        str_copy(key.name, sizeof key.name, t->names[0]);
        const struct peer_row *p = table_find(d->tables[TABLE_PEERS], &key);
        if (p)
            demo_alert_end_of(d, "mesh", p->id);
        demo_remove(d, TABLE_PEERS, &key);
    } else if (t->verb == VERB_PEER_TRY) {
        peer_tried(d, t->names[0]);
    } else if (t->verb == VERB_FLEET_MARK) {
        d->meta.production =
            strcmp(json_string_value(json_object_get(t->args, "mark")), "production") == 0;
        d->dirty = true;
    } else {
        image_end(d, t);
    }
}

void demo_effect_undo(struct demo *d, struct demo_ticket *t, uint32_t name, const char *why)
{
    const struct vm_row *found = demo_vm(d, t->names[name]);
    struct vm_row r = found ? *found : (struct vm_row){.id = 0};

    if (!found || verbs[t->verb].name[0] != 'v')
        return;
    if (t->verb == VERB_VM_CREATE)
        deleted(d, &r);
    else if (t->verb == VERB_VM_START || t->verb == VERB_VM_RESTART)
        rests(d, &r, why);
    else if (r.state == VM_STATE_STOPPING)
        set_state(d, &r, VM_STATE_RUNNING, "");
}
