/* What has happened on the simulated fleet before it is first seen. Demo thread. */
#include <stdio.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

enum { HASH_PAST = 40, FIRST_TICKET = 90076, PAST_TICKETS = 40, PAST_EVENTS = 60 };

static const struct vm_row *vm_of_id(struct demo *d, uint64_t id)
{
    static const char *const kinds[] = {"web", "auth", "cache", "api"};
    char name[32];

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        (void)snprintf(name, sizeof name, "%s-%05u", kinds[i], (unsigned)id);
        const struct vm_row *r = demo_vm(d, name);
        if (r)
            return r;
    }
    return NULL;
}

/* A failed VM is an alert when its restarts are used up. */
static void failed_vms(struct demo *d)
{
    for (size_t i = 0; i < table_count(d->tables[TABLE_VMS]); i++) {
        const struct vm_row *r = table_at(d->tables[TABLE_VMS], i);
        if (r->state != VM_STATE_FAILED)
            continue;
        struct alert_row a = {.level = ALERT_CRIT,
                              .object = demo_sym("%s", r->name),
                              .view = demo_sym("vms"),
                              .verdict = demo_sym("failed"),
                              .vms = 1,
                              .sentence = demo_sym("%s", r->reason),
                              .object_id = r->id,
                              .since_ms = r->since_ms};
        (void)demo_alert(d, &a);
    }
}

static void bad_peers(struct demo *d)
{
    for (size_t i = 0; i < table_count(d->tables[TABLE_PEERS]); i++) {
        const struct peer_row *p = table_at(d->tables[TABLE_PEERS], i);
        if (p->verdict == PEER_HEALTHY || p->verdict == PEER_IDLE)
            continue;
        struct alert_row a = {.level = ALERT_WARN,
                              .object = demo_sym("%s", p->name),
                              .view = demo_sym("mesh"),
                              .vms = p->vms,
                              .object_id = p->id,
                              .verdict = demo_sym("%s", peer_verdict_names[p->verdict]),
                              .sentence = p->evidence,
                              .since_ms = p->since_ms};
        (void)demo_alert(d, &a);
    }
}

static void other_warnings(struct demo *d)
{
    static const struct {
        uint32_t vm;
        int minutes;
        const char *verdict, *sentence;
    } of[] = {
        {29, 26, "at its limit", "its processor is at its limit, 1 of 1 core"},
        {44, 61, "restarted", "restarted twice within an hour; 1 restart left"},
        {71, 12, "disk 92 %", "92 % of its 10 GiB are written"},
        {104, 95, "restarted", "restarted once within an hour; 2 restarts left"},
    };
    const struct node_row *partial = demo_node(d, "n112");

    for (size_t i = 0; i < ARRAY_LEN(of); i++) {
        const struct vm_row *r = vm_of_id(d, of[i].vm);
        if (!r || d->n_vms < 1000)
            continue;
        struct alert_row a = {.level = ALERT_WARN,
                              .object = demo_sym("%s", r->name),
                              .vms = 1,
                              .view = demo_sym("vms"),
                              .verdict = demo_sym("%s", of[i].verdict),
                              .sentence = demo_sym("%s", of[i].sentence),
                              .object_id = r->id,
                              .since_ms = d->start_ms - of[i].minutes * INT64_C(60000)};
        (void)demo_alert(d, &a);
    }
    if (partial) {
        struct alert_row a = {.level = ALERT_WARN,
                              .object = demo_sym("n112"),
                              .vms = 1,
                              .view = demo_sym("nodes"),
                              .verdict = demo_sym("partial"),
                              .sentence = partial->lacks,
                              .object_id = partial->id,
                              .since_ms = d->start_ms - INT64_C(700000)};
        (void)demo_alert(d, &a);
    }
    if (d->n_vms >= 1000) {
        struct alert_row a = {.level = ALERT_WARN,
                              .object = demo_sym("win-lab"),
                              .view = demo_sym("images"),
                              .verdict = demo_sym("damaged"),
                              .sentence = demo_sym("its checksum differs: import it again"),
                              .object_id = 4,
                              .since_ms = d->start_ms - INT64_C(90000000)};
        (void)demo_alert(d, &a);
    }
}

static void past_event(struct demo *d, int64_t age_s, enum event_level level, const char *object,
                       const char *what, const char *cause, const char *who)
{
    d->now_ms = d->start_ms - age_s * 1000;
    demo_event(d, level, object, what, cause, who);
}

static void events(struct demo *d)
{
    static const char *const whats[] = {"started, SSH after 1.6 s",
                                        "stopped",
                                        "memory 256 to 512 MiB",
                                        "moved here",
                                        "created",
                                        "paused",
                                        "continued"};
    const size_t n = table_count(d->tables[TABLE_VMS]);
    char object[48], cause[32];

    for (uint32_t i = 0; i < PAST_EVENTS && n > 0; i++) {
        uint64_t h = demo_hash(d, HASH_PAST, i);
        const struct vm_row *r = table_at(d->tables[TABLE_VMS], h % n);
        (void)snprintf(object, sizeof object, "vm %s", r->name);
        (void)snprintf(cause, sizeof cause, "ticket %u", FIRST_TICKET + i % PAST_TICKETS);
        past_event(d, 7400 - 110 * (int64_t)i, EVENT_INFO, object,
                   whats[(h >> 20) % ARRAY_LEN(whats)], cause, (h >> 30) % 2 ? "ops1" : "ops2");
    }
    if (vm_of_id(d, 56)) {
        past_event(d, 451, EVENT_WARN, "vm web-00056", "failed", "guest panic", "");
        past_event(d, 449, EVENT_INFO, "vm web-00056", "restarted", "policy failure, ticket 90114",
                   "engine");
        past_event(d, 194, EVENT_CRIT, "vm web-00056", "failed", "guest panic, no restart left",
                   "");
    }
    if (demo_peer(d, "n044"))
        past_event(d, 90, EVENT_WARN, "peer n044", "healthy -> one-way", "no byte comes back", "");
}

static void tickets(struct demo *d)
{
    static const struct {
        const char *word, *verb, *step;
        uint32_t steps;
    } of[] = {{"start", "vm.start", "SSH in the guest", 5},
              {"stop", "vm.stop", "tap away", 4},
              {"restart", "vm.restart", "SSH in the guest", 6},
              {"create", "vm.create", "SSH in the guest", 8},
              {"set", "vm.set", "limits", 1}};
    const size_t n = table_count(d->tables[TABLE_VMS]);

    for (uint32_t i = 0; i < PAST_TICKETS && n > 0; i++) {
        uint64_t h = demo_hash(d, HASH_PAST, 1000 + i);
        size_t k = (h >> 20) % ARRAY_LEN(of);
        const struct vm_row *vm = table_at(d->tables[TABLE_VMS], h % n);
        bool failed = i % 17 == 11, panicked = i == PAST_TICKETS - 2 && vm_of_id(d, 56);
        if (panicked) {
            vm = vm_of_id(d, 56);
            k = 2;
        }
        struct ticket_row t = {.id = FIRST_TICKET + i,
                               .verb = demo_sym("%s", of[k].verb),
                               .object = demo_sym("%s", vm->name),
                               .steps = of[k].steps,
                               .state = failed ? TICKET_FAILED : TICKET_DONE,
                               .step = failed ? 1 : of[k].steps,
                               .step_name = demo_sym("%s", of[k].step),
                               .error = failed
                                            ? demo_sym("tap%u: Device or resource busy (openvpn, "
                                                       "pid 4711). Stop it, then R tries again",
                                                       i)
                                            : text_intern(NULL),
                               .undone = failed ? demo_sym("1 step was undone") : text_intern(NULL),
                               .by = demo_sym("%s", panicked        ? "engine"
                                                    : (h >> 30) % 2 ? "ops1"
                                                                    : "ops2")};
        (void)snprintf(t.command, sizeof t.command, "%s %s", of[k].word, vm->name);
        t.started_ms = d->start_ms - (panicked ? 449000 : (PAST_TICKETS - i) * INT64_C(170000));
        t.ended_ms = t.started_ms + 200 + (int64_t)((h >> 8) % 2600);
        demo_put(d, TABLE_TICKETS, &t);
    }
}

void demo_past_build(struct demo *d)
{
    d->next_alert = d->next_event = 1;
    d->next_ticket = FIRST_TICKET + PAST_TICKETS;
    events(d);
    tickets(d);
    d->now_ms = d->start_ms;
    failed_vms(d);
    bad_peers(d);
    other_warnings(d);
}
