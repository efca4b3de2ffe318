/* Putting back this session's last change, and the unit. Console thread. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/ask.h"
#include "tui/requests.h"
#include "tui/state.h"
#include "widgets/xmem.h"

void command_forget_undo(struct console *c)
{
    json_decref(c->undo.args);
    c->undo.args = NULL;
}

void command_note_undo(struct console *c, const char *verb, json_t *args, const char *what)
{
    command_forget_undo(c);
    if (!args)
        return;
    xmem_copy_text(c->undo.verb, sizeof c->undo.verb, verb);
    xmem_copy_text(c->undo.what, sizeof c->undo.what, what);
    c->undo.args = args;
}

bool can_undo(const struct console *c, int action, char *why, size_t cap)
{
    (void)action;
    if (!c->undo.args)
        snprintf(why, cap, "nothing to put back: this session has changed no peer and no limit");
    return c->undo.args;
}

static void undo(struct console *c, void *payload)
{
    (void)payload;
    request_change(c, c->undo.verb, c->undo.args, NULL, NULL);
    c->undo.args = NULL;
}

void act_undo(struct console *c, int action)
{
    char question[160];
    struct ask *a;

    snprintf(question, sizeof question, "Put back %s as it was?", c->undo.what);
    a = ask_open(c, question, "Put back",
                 action_class(c, action) == KEYMAP_NAME ? c->undo.what : NULL, undo, NULL);
    char *args = json_dumps(c->undo.args, JSON_COMPACT);
    char line[120];
    snprintf(line, sizeof line, "%s %.90s", c->undo.verb, args ? args : "");
    free(args);
    ask_add(a, "Does", line);
}

bool can_unit(const struct console *c, int action, char *why, size_t cap)
{
    (void)action;
    if (c->snap->meta.headless_enabled)
        snprintf(why, cap, "meshdeck.service is enabled already");
    return !c->snap->meta.headless_enabled;
}

static void enable(struct console *c, void *payload)
{
    (void)payload;
    request_change(c, "unit.enable", NULL, NULL, NULL);
}

void act_unit_enable(struct console *c, int action)
{
    struct ask *a = ask_open(c, "Enable meshdeck.service?", "Enable",
                             action_class(c, action) == KEYMAP_NAME ? "meshdeck" : NULL, enable, NULL);

    ask_add(a, "From then on", "an engine runs after you leave and from boot on,");
    ask_add(a, "", "and brings back the VMs that should run");
}
