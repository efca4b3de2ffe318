/* What can be done with peers, images, tickets and sessions. Console thread. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/actions.h"
#include "tui/ask.h"
#include "tui/page.h"
#include "tui/requests.h"
#include "tui/shell.h"
#include "tui/state.h"
#include "tui/tickets.h"
#include "widgets/xmem.h"

static enum view_id view_of(int action)
{
    switch (action) {
    case ACT_PEER_REMOVE:
    case ACT_PEER_TRY:
        return VIEW_MESH;
    case ACT_IMAGE_DELETE:
        return VIEW_IMAGES;
    case ACT_SHELL_CLOSE:
        return VIEW_SHELLS;
    default:
        return VIEW_TICKETS;
    }
}

static const struct peer_row *peer_named(const struct console *c, const char *name)
{
    struct peer_row key = {0};

    xmem_copy_text(key.name, sizeof key.name, name);
    return view_find(c->snap->tables[TABLE_PEERS], &key);
}

static const struct image_row *image_named(const struct console *c, const char *name)
{
    struct image_row key = {0};

    xmem_copy_text(key.name, sizeof key.name, name);
    return view_find(c->snap->tables[TABLE_IMAGES], &key);
}

static bool can_ticket(const struct console *c, int action, const char *name, char *why, size_t cap)
{
    const struct ticket_row *t = tickets_find(c, strtoull(name, NULL, 10));

    if (!t) {
        snprintf(why, cap, "ticket %s is gone", name);
        return false;
    }
    bool over = tickets_is_over(t), failed = t->state == TICKET_FAILED;
    if (action == ACT_TICKET_CANCEL ? !over : failed)
        return true;
    snprintf(why, cap, "ticket %s is %s: %s", name, ticket_state_names[t->state],
             action == ACT_TICKET_CANCEL ? "there is nothing to cancel" : "only a failed one is tried again");
    return false;
}

bool can_object(const struct console *c, int action, char *why, size_t cap)
{
    enum view_id view;
    char name[VIEW_NAME];
    const struct peer_row *p;
    const struct image_row *i;

    if (action == ACT_SHELL_CLOSE && shell_is_open(c))
        return true;
    if (!act_subject(c, &view, name, sizeof name) || view != view_of(action)) {
        snprintf(why, cap, "nothing is chosen");
        return false;
    }
    if (view == VIEW_MESH) {
        p = peer_named(c, name);
        if (p && p->foreign)
            snprintf(why, cap, "%s is not meshdeck's: it is shown, never changed", name);
        return p && !p->foreign;
    }
    if (view == VIEW_IMAGES) {
        i = image_named(c, name);
        if (i && action == ACT_IMAGE_DELETE && i->used_by)
            snprintf(why, cap, "%s is in use by %u VMs: Enter lists them", name, i->used_by);
        return i && !i->used_by;
    }
    return view != VIEW_TICKETS || can_ticket(c, action, name, why, cap);
}

struct object_doing {
    int action;
    char name[VIEW_NAME];
};

static json_t *undo_of_remove(const struct console *c, const char *name)
{
    const struct peer_row *p = peer_named(c, name);
    char endpoint[ADDR_ENDPOINT_TEXT], key[FMT_KEY];
    const char *prefix;
    json_t *args, *prefixes;

    if (!p)
        return NULL;
    fmt_key(key, p->public_key);
    prefixes = json_array();
    for (prefix = p->allowed_ips; *prefix; prefix += strspn(prefix, " ")) {
        json_array_append_new(prefixes, json_stringn(prefix, strcspn(prefix, " ")));
        prefix += strcspn(prefix, " ");
    }
    args = json_pack("{s:s, s:s, s:o, s:i, s:s}", "name", p->name, "public_key", key, "allowed_ips",
                     prefixes, "keepalive", p->keepalive_s, "expected", p->expected);
    if (addr_is_set(&p->endpoint.addr))
        json_object_set_new(args, "endpoint", json_string(addr_endpoint_format(&p->endpoint, endpoint)));
    return args;
}

static void carry_out(struct console *c, void *payload)
{
    const struct object_doing *d = payload;
    json_int_t id = (json_int_t)strtoull(d->name, NULL, 10);

    switch (d->action) {
    case ACT_PEER_REMOVE:
        command_note_undo(c, "peer.add", undo_of_remove(c, d->name), d->name);
        request_change(c, "peer.remove", json_pack("{s:s}", "name", d->name), NULL, NULL);
        break;
    case ACT_PEER_TRY:
        request_change(c, "peer.try", json_pack("{s:s}", "name", d->name), NULL, NULL);
        break;
    case ACT_IMAGE_DELETE:
        request_change(c, "image.delete", json_pack("{s:s}", "name", d->name), NULL, NULL);
        break;
    case ACT_TICKET_CANCEL:
        request_change(c, "ticket.cancel", json_pack("{s:I}", "id", id), NULL, NULL);
        break;
    case ACT_TICKET_RETRY:
        request_change(c, "ticket.retry", json_pack("{s:I}", "id", id), NULL, NULL);
        break;
    case ACT_SHELL_CLOSE:
        shell_close_named(c, d->name);
        break;
    default:
        break;
    }
}

static void describe(const struct console *c, struct ask *a, const struct object_doing *d)
{
    const struct peer_row *p = peer_named(c, d->name);
    char text[160];

    switch (d->action) {
    case ACT_PEER_REMOVE:
        if (!p)
            return;
        ask_add(a, "Lost", "the tunnel, its key and its endpoint here");
        ask_add(a, "Set free", p->allowed_ips);
        snprintf(text, sizeof text, "%u VMs behind it are cut off", p->vms);
        if (p->vms)
            ask_add(a, "", text);
        ask_add(a, "Kept", "the other side: it goes on knocking until it is told");
        return;
    case ACT_PEER_TRY:
        ask_add(a, "Lost", "the session with its endpoint of now, for a handshake's time");
        return;
    case ACT_IMAGE_DELETE:
        ask_add(a, "Lost for ever", "the image's file; no VM uses it");
        return;
    case ACT_TICKET_CANCEL:
        ask_add(a, "Lost", "what it has done so far: each step is undone in reverse");
        return;
    case ACT_SHELL_CLOSE:
        ask_add(a, "Lost", "what runs in this session in the foreground");
        ask_add(a, "Kept", "the VM");
        return;
    default:
        return;
    }
}

void act_object_do(struct console *c, int action)
{
    static const char *const button[] = {"Remove", "Try", "Delete", "Cancel it", "Try again", "Close"};
    static const char *const question[] = {
        "Remove the peer %s?", "Try the other endpoint of %s now?", "Delete the image %s?",
        "Cancel and undo ticket %s?", "Try ticket %s again?", "Close the session %s?"};
    static const int of[] = {ACT_PEER_REMOVE, ACT_PEER_TRY, ACT_IMAGE_DELETE, ACT_TICKET_CANCEL,
                             ACT_TICKET_RETRY, ACT_SHELL_CLOSE};
    struct object_doing *d = xmem_new(1, sizeof *d);
    enum keymap_class class = action_class(c, action);
    enum view_id view;
    char text[160];
    size_t i = 0;

    d->action = action;
    if (action == ACT_SHELL_CLOSE && shell_is_open(c))
        shell_name(c, d->name, sizeof d->name);
    else
        act_subject(c, &view, d->name, sizeof d->name);
    if (class == KEYMAP_FREE) {
        carry_out(c, d);
        free(d);
        return;
    }
    while (of[i] != action)
        i++;
    const char *mark = strstr(question[i], "%s");
    snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - question[i]), question[i], d->name, mark + 2);
    char name[VIEW_NAME];
    xmem_copy_text(name, sizeof name, d->name);
    struct ask *a = ask_open(c, text, button[i], class == KEYMAP_NAME ? name : NULL, carry_out, d);
    describe(c, a, d);
}

void act_peer_add(struct console *c, int action)
{
    (void)action;
    page_open_peer(c);
}

void act_image_build(struct console *c, int action)
{
    (void)action;
    request_change(c, "image.build", NULL, NULL, NULL);
}
