#ifndef MESHDECK_TUI_CLI_H
#define MESHDECK_TUI_CLI_H
/*
 * The one-shot commands. Each is a function that gets what was given and an open engine, writes its
 * result on standard output and its troubles on standard error, and returns an exit status. Main
 * thread; the process ends after it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/engine.h"
#include "tui/options.h"

struct json_t;

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_OURS = 255 /* of exec: our failure */ };

struct cli {
    struct opt_values given;
    struct engine *engine; /* NULL for a command that needs none */
    const char *who;
    bool json;
};

/* Parses, runs, returns the process's exit status. */
int cli_main(int argc, char **argv);
extern const struct opt_table cli_table;

/* "meshdeck: what: why", or "meshdeck: text"; cleaned. Returns CLI_FAILED. */
int cli_fail(const char *what, const char *why);
int cli_fail_err(const char *what, const struct err *e);

/* cli_ask.c: a command to the engine and its answer. */
/* Sends (args taken) and waits; false when it was refused, which has then been said. The reply is
 * the caller's, to be done with reply_done. */
bool cli_ask(struct cli *c, const char *verb, struct json_t *args, struct reply *ret);
/* A command with a ticket: waits for its end and shows its steps on a terminal. CLI_*. */
int cli_do(struct cli *c, const char *verb, struct json_t *args);
/* As above, and leaves the ticket's row; false when it was refused or failed, which has been said.
 */
bool cli_do_ticket(struct cli *c, const char *verb, struct json_t *args, struct ticket_row *ret);
/* Waits for a ticket's end; timeout_s 0: none. False when the time is over. */
bool cli_ticket_wait(struct cli *c, uint64_t id, uint64_t timeout_s, struct ticket_row *ret);
/* With --dry-run: prints the plan that the engine would follow. */
int cli_print_plan(struct cli *c, const struct json_t *body);
/* CLI_DONE when somebody agreed, else it says what to do. `question` ends with "?". */
int cli_agreed(struct cli *c, const char *question);
/* The newest snapshot once the engine has read everything (it says so when it has not). */
struct snapshot *cli_snapshot(struct cli *c);

/* cli_print.c: tables for people, and JSON. */
struct cli_column {
    const char *title;
    bool right;
    void (*format)(const void *row, char *buf, size_t cap);
};
typedef bool cli_filter_fn(const void *row, const void *arg);
int cli_print_table(struct cli *c, enum table_id table, const struct cli_column *columns,
                    size_t n_columns, cli_filter_fn *keep, const void *arg, const char *none);
int cli_print_row(const struct row_type *type, const void *row); /* one JSON object */
int cli_print_json(const struct json_t *j);
void cli_print_lines(const struct json_t *lines);             /* [{label, text}] */
void cli_format_instant(int64_t ms, char *buf, size_t cap);   /* "2026-11-21 14:05:48" or "-" */
void cli_format_rate(uint64_t bps, char *buf, size_t cap);    /* "2.1M" */
void cli_format_bytes(uint64_t bytes, char *buf, size_t cap); /* "1.2 GiB" */

/* The commands of the table. */
typedef int cli_run_fn(struct cli *c);
cli_run_fn cli_console, cli_engine, cli_help;                                 /* cli.c */
cli_run_fn cli_vm_create, cli_vm_act, cli_vm_delete, cli_vm_set, cli_vm_show; /* cli_vm.c */
cli_run_fn cli_vm_exec, cli_vm_shell, cli_vm_serial;                          /* cli_stream.c */
cli_run_fn cli_vm_list, cli_peer_list, cli_route_list, cli_node_list, cli_image_list,
    cli_network_list, cli_ticket_list, cli_alert_list; /* cli_list.c */
cli_run_fn cli_peer_add, cli_peer_remove, cli_image_build, cli_image_delete, cli_alert_ack,
    cli_fleet_mark, cli_events, cli_plan, cli_ticket_show, cli_ticket_wait_for;

#endif
