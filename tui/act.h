#ifndef MESHDECK_TUI_ACT_H
#define MESHDECK_TUI_ACT_H
/*
 * The functions that the table of actions names. `act_` does it, `can_` says whether it could act on
 * what is chosen (why: a sentence with what to do instead), `act_line_` takes the words after a
 * command's name. Console thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tui/view.h"

struct console;

/* What an action is about: the page's object, else the row under the cursor. */
bool act_subject(const struct console *c, enum view_id *ret_view, char *name, size_t cap);
/* The first key of an action here ("B"), or its name after ':' when it has none. */
const char *act_key(const struct console *c, int action, char *buf, size_t cap);

/* act_general.c */
void act_view(struct console *c, int action);
void act_palette(struct console *c, int action);
void act_help(struct console *c, int action);
void act_back(struct console *c, int action);
void act_quit(struct console *c, int action);
void act_why(struct console *c, int action);
void act_reread(struct console *c, int action);
void act_freeze(struct console *c, int action);
void act_mouse(struct console *c, int action);
void act_plain(struct console *c, int action);
void act_repaint(struct console *c, int action);
void act_suspend(struct console *c, int action);
void act_menu(struct console *c, int action);

/* alerts.c */
bool can_worst(const struct console *c, int action, char *why, size_t cap);
void act_worst(struct console *c, int action);
bool can_ack(const struct console *c, int action, char *why, size_t cap);
void act_ack(struct console *c, int action);

/* act_vm.c */
bool can_vm(const struct console *c, int action, char *why, size_t cap);
void act_vm_create(struct console *c, int action);
void act_vm_limits(struct console *c, int action);
void act_vm_shell(struct console *c, int action);
void act_vm_log(struct console *c, int action);
void act_vm_do(struct console *c, int action);

/* act_object.c */
bool can_object(const struct console *c, int action, char *why, size_t cap);
void act_object_do(struct console *c, int action);
void act_peer_add(struct console *c, int action);
void act_image_build(struct console *c, int action);

/* command.c: the palette's lines */
void act_options(struct console *c, int action);
void act_keys(struct console *c, int action);
void act_theme(struct console *c, int action);
void act_line_set(struct console *c, const char *args);
void act_line_bind(struct console *c, const char *args);
void act_line_theme(struct console *c, const char *args);
void act_line_fleet(struct console *c, const char *args);
void act_line_incident(struct console *c, const char *args);
void act_line_sort(struct console *c, const char *args);
bool can_undo(const struct console *c, int action, char *why, size_t cap);
void act_undo(struct console *c, int action);
bool can_unit(const struct console *c, int action, char *why, size_t cap);
void act_unit_enable(struct console *c, int action);

void command_forget_undo(struct console *c);
/* Remembers the command that puts back what was just changed. Takes args. */
struct json_t;
void command_note_undo(struct console *c, const char *verb, struct json_t *args, const char *what);

/* Runs what was typed after ':'; says so when it is nothing. */
void command_line(struct console *c, const char *line);

#endif
