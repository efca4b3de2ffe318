#ifndef MESHDECK_DEMO_DEMO_PARTS_H
#define MESHDECK_DEMO_DEMO_PARTS_H
/* What the files of the simulated fleet offer one another. Demo thread. */
#include "backend/demo/demo.h"

struct mail;
struct json_t;

/* random.c: of (seed, what, number), and a running one. */
uint64_t demo_hash(const struct demo *d, uint32_t what, uint64_t n);
uint32_t demo_random(struct demo *d, uint32_t below);
const char *demo_sym(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* interned */

/* fleet.c: the first picture. -ENOMEM */
int demo_fleet_build(struct demo *d, struct err *e);
void demo_vm_runs(struct demo *d, struct vm_row *r); /* fills in what a running VM uses */
void demo_vm_rests(struct vm_row *r);                /* and a resting one */
struct addr demo_fleet_prefix(void);
uint32_t demo_vm_network(const struct vm_row *r); /* its number in the address plan */
const char *demo_node_name(uint32_t number);      /* "n137", interned */
/* fleet_mesh.c: peers, routes, links, networks, images, nodes. */
int demo_mesh_build(struct demo *d);
int demo_guest_routes(struct demo *d, const struct vm_row *r, bool add, enum route_state state);
/* fleet_past.c: alerts, events and tickets of before. */
void demo_past_build(struct demo *d);

/* rows: lookups by name, and a put that marks the picture as changed. */
const struct vm_row *demo_vm(struct demo *d, const char *name);
const struct peer_row *demo_peer(struct demo *d, const char *name);
const struct node_row *demo_node(struct demo *d, const char *name);
void demo_put(struct demo *d, enum table_id table, const void *row);
void demo_remove(struct demo *d, enum table_id table, const void *key);
void demo_event(struct demo *d, enum event_level level, const char *object, const char *what,
                const char *cause, const char *who);
uint64_t demo_alert(struct demo *d, const struct alert_row *like); /* id and since are filled in */
void demo_alert_end(struct demo *d, uint64_t id);
void demo_alert_end_of(struct demo *d, const char *view, uint64_t object_id);

/* churn.c */
void demo_churn(struct demo *d);
int demo_churn_wait_ms(const struct demo *d); /* -1: nothing to wait for */
void demo_load_first(struct demo *d);         /* load.c: node 1's five minutes */
void demo_load_run(struct demo *d);
/* incident.c */
int demo_incident(struct demo *d, const char *kind, struct err *e);
void demo_later_run(struct demo *d);
int demo_later_wait_ms(const struct demo *d);
void demo_heal_tunnel(struct demo *d, const char *peer);
void demo_heal_disk(struct demo *d);

/* ticket.c */
int demo_ticket_open(struct demo *d, enum verb_id verb, const char *word, struct json_t *args,
                     char (*names)[32], uint32_t n_names, uint64_t *ret_id, struct err *e);
void demo_tickets_run(struct demo *d);
int demo_tickets_wait_ms(const struct demo *d);
struct demo_ticket *demo_ticket_find(struct demo *d, uint64_t id);
void demo_ticket_cancel(struct demo *d, struct demo_ticket *t);
void demo_tickets_free(struct demo *d);
struct json_t *demo_ticket_detail(struct demo *d, uint64_t id, struct err *e); /* NULL with e set */
/* effect.c: what a ticket does to the fleet. */
void demo_effect_begin(struct demo *d, struct demo_ticket *t, uint32_t name);
void demo_effect_end(struct demo *d, struct demo_ticket *t, uint32_t name);
void demo_effect_undo(struct demo *d, struct demo_ticket *t, uint32_t name, const char *why);

/* answer.c: carries a command out or answers it; r is filled in, body owned by r. */
void demo_answer(struct demo *d, const struct mail *m, struct reply *r);
/* create.c: checks and plans a create. errors gets {field, text}. */
struct vm_row demo_create_row(struct demo *d, const struct json_t *args, struct json_t *errors);
struct json_t *demo_create_plan(struct demo *d, const struct vm_row *r);
/* detail.c, why.c; NULL with e set */
struct json_t *demo_vm_detail(struct demo *d, const struct vm_row *r);
struct json_t *demo_vm_serial(struct demo *d, const struct vm_row *r, size_t n);
struct json_t *demo_detail(struct demo *d, enum verb_id verb, const struct json_t *args,
                           struct err *e);
struct json_t *demo_why(struct demo *d, const char *view, const char *object, struct err *e);
void demo_line(struct json_t *lines, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* shell.c */
int demo_shell_open(struct demo *d, const struct vm_row *vm, bool serial, struct err *e);
int demo_exec_open(struct demo *d, const struct vm_row *vm, const struct json_t *argv,
                   struct err *e);
void demo_shell_read(struct demo *d, struct demo_shell *s);
void demo_shell_close(struct demo_shell *s);
/* command.c: what the simulated guest answers to a line; appends to out, returns the exit status.
 */
struct demo_text {
    char *s;
    size_t len, cap;
};
void demo_say(struct demo_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int demo_command(struct demo *d, const struct vm_row *vm, const char *line, struct demo_text *out);

#endif
