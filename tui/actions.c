/* The table of actions. Console thread; the functions named here live beside what they act on. */
#include "tui/actions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/act.h"
#include "tui/state.h"
#include "widgets/xmem.h"

#define VIEW(name, word, what) {name, word, "Go to " what, .run = act_view}
#define LOCAL(n, l, h) {.name = (n), .label = (l), .help = (h)}

const struct action actions[ACT_COUNT] = {
    [ACT_NONE] = LOCAL("none", "", "Nothing"),
    [ACT_VIEW_DECK] = VIEW("deck", "deck", "the Deck: is anything wrong, what moves"),
    [ACT_VIEW_VMS] = VIEW("vms", "VMs", "the VMs: what runs where, what it uses"),
    [ACT_VIEW_MESH] = VIEW("mesh", "mesh", "the Mesh: which tunnel lies"),
    [ACT_VIEW_ROUTES] = VIEW("routes", "routes", "the Routes: where a packet goes"),
    [ACT_VIEW_NETS] = VIEW("nets", "nets", "the Nets: who may talk to whom"),
    [ACT_VIEW_NODES] = VIEW("nodes", "nodes", "the Nodes: which host is well"),
    [ACT_VIEW_IMAGES] = VIEW("images", "images", "the Images: what can be started"),
    [ACT_VIEW_EVENTS] = VIEW("events", "events", "the Events: what happened, who, why"),
    [ACT_VIEW_SHELLS] = VIEW("shells", "shells", "the Shells: where you are logged in"),
    [ACT_VIEW_TICKETS] = VIEW("tickets", "tickets", "the Tickets: what is being done"),
    [ACT_PALETTE] = {"palette", "command", "Type any action, view or option by name", .run = act_palette},
    [ACT_HELP] = {"help", "help", "Help for where you are", .run = act_help},
    [ACT_BACK] = {"back", "back", "Back, or cancel; never destroys", .run = act_back},
    [ACT_QUIT] = {"quit", "leave", "Close a page, else leave meshdeck", .run = act_quit},
    [ACT_WORST] = {"worst", "worst", "Go to the worst thing", .can = can_worst, .run = act_worst},
    [ACT_WHY] = {"why", "why", "The evidence for what is shown", .run = act_why},
    [ACT_ACK] = {"acknowledge", "acknowledge", "Take the worst alert, or the one chosen",
                 .writes = true, .can = can_ack, .run = act_ack},
    [ACT_PART_NEXT] = LOCAL("next-part", "next part", "Next part of the screen"),
    [ACT_PART_PREV] = LOCAL("previous-part", "previous part", "Previous part of the screen"),
    [ACT_INSPECT] = LOCAL("inspector", "inspector", "Inspector on or off"),
    [ACT_VARIANT] = LOCAL("variant", "view", "Next variant of the view"),
    [ACT_REREAD] = {"reread", "read again", "Read this table again from its source", .run = act_reread},
    [ACT_FREEZE] = {"freeze", "freeze", "Freeze or thaw the picture; the engine goes on", .run = act_freeze},
    [ACT_MOUSE] = {"mouse", "mouse", "Mouse on or off", .run = act_mouse},
    [ACT_PLAIN] = {"plain", "plain text", "Plain page for the terminal's own selection", .run = act_plain},
    [ACT_REPAINT] = {"repaint", "repaint", "Draw every cell again", .run = act_repaint},
    [ACT_SUSPEND] = {"suspend", "suspend", "Back to the shell for a while", .run = act_suspend},
    [ACT_UP] = LOCAL("up", "up", "Up by a row"),
    [ACT_DOWN] = LOCAL("down", "down", "Down by a row"),
    [ACT_LEFT] = LOCAL("left", "left", "Columns to the left"),
    [ACT_RIGHT] = LOCAL("right", "right", "Columns to the right"),
    [ACT_PAGE_UP] = LOCAL("page-up", "page up", "Up by a page"),
    [ACT_PAGE_DOWN] = LOCAL("page-down", "page down", "Down by a page"),
    [ACT_FIRST] = LOCAL("first", "first", "To the first row"),
    [ACT_LAST] = LOCAL("last", "last", "To the last row"),
    [ACT_OPEN] = LOCAL("open", "open", "Open what is chosen"),
    [ACT_FILTER] = LOCAL("filter", "filter", "Filter: web !stop cpu>50; in a page, search"),
    [ACT_NEXT] = LOCAL("next", "next", "Next match; in a detail, the list's next object"),
    [ACT_PREV] = LOCAL("previous", "previous", "Previous match or object"),
    [ACT_SORT] = LOCAL("sort", "sort", "Sort by: then the column's letter"),
    [ACT_REVERSE] = LOCAL("reverse", "reverse", "Reverse the order"),
    [ACT_MARK] = LOCAL("mark", "mark", "Mark or unmark the row"),
    [ACT_MARK_RANGE] = LOCAL("mark-range", "mark range", "Mark from the last mark to here"),
    [ACT_MARK_SHOWN] = LOCAL("mark-shown", "mark all", "Mark all that are shown"),
    [ACT_UNMARK] = LOCAL("unmark", "unmark", "Unmark all"),
    [ACT_MENU] = {"actions", "actions", "What can be done with this row or the marks", .run = act_menu},
    [ACT_COPY] = LOCAL("copy", "copy", "Copy a field: then its letter"),
    [ACT_FOLLOW] = LOCAL("follow", "follow", "Follow the end of the log"),
    [ACT_WRAP] = LOCAL("wrap", "wrap", "Wrap long lines or not"),
    [ACT_VM_CREATE] = {"vm-create", "create VM", "Create a VM", KEYMAP_FORM, true, .run = act_vm_create},
    [ACT_VM_LIMITS] = {"vm-limits", "limits", "Change a VM's limits", KEYMAP_FORM, true,
                       .can = can_vm, .run = act_vm_limits},
    [ACT_VM_SHELL] = {"vm-shell", "shell", "A shell in the guest over SSH", .can = can_vm, .run = act_vm_shell},
    [ACT_VM_SERIAL] = {"vm-serial", "serial", "Type on the guest's serial line", .can = can_vm, .run = act_vm_shell},
    [ACT_VM_LOG] = {"vm-log", "log", "The guest's serial log", .can = can_vm, .run = act_vm_log},
    [ACT_VM_BOOT] = {"vm-boot", "boot", "Boot it", KEYMAP_FREE, true, .can = can_vm, .run = act_vm_do},
    [ACT_VM_RESUME] = {"vm-continue", "continue", "Let a paused VM go on", KEYMAP_FREE, true,
                       .can = can_vm, .run = act_vm_do},
    [ACT_VM_STOP] = {"vm-stop", "stop", "Stop it; pressed again while it stops: kill", KEYMAP_ASK, true,
                     .can = can_vm, .run = act_vm_do},
    [ACT_VM_RESTART] = {"vm-restart", "restart", "Stop it and boot it again", KEYMAP_ASK, true,
                        .can = can_vm, .run = act_vm_do},
    [ACT_VM_PAUSE] = {"vm-pause", "pause", "Pause it", KEYMAP_ASK, true, .can = can_vm, .run = act_vm_do},
    [ACT_VM_DELETE] = {"vm-delete", "delete", "Delete it with its disk", KEYMAP_NAME, true,
                       .can = can_vm, .run = act_vm_do},
    [ACT_PEER_ADD] = {"peer-add", "add peer", "Add a WireGuard peer", KEYMAP_FORM, true, .run = act_peer_add},
    [ACT_PEER_REMOVE] = {"peer-remove", "remove", "Remove the peer", KEYMAP_NAME, true,
                         .can = can_object, .run = act_object_do},
    [ACT_PEER_TRY] = {"peer-try", "other endpoint", "Try the peer's other endpoint now", KEYMAP_ASK,
                      true, .can = can_object, .run = act_object_do},
    [ACT_IMAGE_BUILD] = {"image-build", "build", "Build the built-in image", KEYMAP_FREE, true,
                         .run = act_image_build},
    [ACT_IMAGE_DELETE] = {"image-delete", "delete", "Delete the image; refused while in use",
                          KEYMAP_NAME, true, .can = can_object, .run = act_object_do},
    [ACT_TICKET_CANCEL] = {"ticket-cancel", "cancel and undo", "Cancel the ticket and undo it",
                           KEYMAP_ASK, true, .can = can_object, .run = act_object_do},
    [ACT_TICKET_RETRY] = {"ticket-retry", "try again", "Try a failed ticket again", KEYMAP_FREE, true,
                          .can = can_object, .run = act_object_do},
    [ACT_SHELL_CLOSE] = {"shell-close", "close", "Close the session", KEYMAP_ASK, false,
                         .can = can_object, .run = act_object_do},
    [ACT_SH_DETACH] = LOCAL("shell-leave", "leave it running", "Leave the shell running"),
    [ACT_SH_NEXT] = LOCAL("shell-next", "next", "Next tab"),
    [ACT_SH_PREV] = LOCAL("shell-previous", "previous", "Previous tab"),
    [ACT_SH_TAB_1] = LOCAL("shell-1", "tab", "First tab"),
    [ACT_SH_TAB_1 + 1] = LOCAL("shell-2", "tab 2", "Second tab"),
    [ACT_SH_TAB_1 + 2] = LOCAL("shell-3", "tab 3", "Third tab"),
    [ACT_SH_TAB_1 + 3] = LOCAL("shell-4", "tab 4", "Fourth tab"),
    [ACT_SH_TAB_1 + 4] = LOCAL("shell-5", "tab 5", "Fifth tab"),
    [ACT_SH_TAB_1 + 5] = LOCAL("shell-6", "tab 6", "Sixth tab"),
    [ACT_SH_TAB_1 + 6] = LOCAL("shell-7", "tab 7", "Seventh tab"),
    [ACT_SH_TAB_1 + 7] = LOCAL("shell-8", "tab 8", "Eighth tab"),
    [ACT_SH_TAB_9] = LOCAL("shell-9", "tab 9", "Ninth tab"),
    [ACT_SH_NEW] = LOCAL("shell-new", "new", "One more shell here"),
    [ACT_SH_SERIAL] = LOCAL("shell-serial", "serial", "This VM's serial line"),
    [ACT_SH_ZOOM] = LOCAL("shell-zoom", "zoom", "The whole screen for the guest, or not"),
    [ACT_SH_BACK] = LOCAL("shell-scroll", "scroll", "Scroll back"),
    [ACT_SH_COPY] = LOCAL("shell-copy", "copy", "Copy the screen"),
    [ACT_SH_SEND] = LOCAL("shell-send", "send", "Send the prefix itself"),
    [ACT_SH_NOTHING] = LOCAL("shell-nothing", "nothing", "Back to the guest"),
    [ACT_SET] = {"set", "", "set NAME VALUE: an option, kept for the next time", .line = act_line_set},
    [ACT_OPTIONS] = {"options", "", "The options and their values", .run = act_options},
    [ACT_KEYS] = {"keys", "", "Every key and what it does", .run = act_keys},
    [ACT_BIND] = {"bind", "", "bind CONTEXT KEY ACTION: another key, kept for the next time",
                  .line = act_line_bind},
    [ACT_THEME] = {"theme", "", "Choose a theme; each is shown as the cursor reaches it",
                   .run = act_theme, .line = act_line_theme},
    [ACT_FLEET_MARK] = {"fleet", "", "fleet mark production|normal", KEYMAP_ASK, true,
                        .line = act_line_fleet},
    [ACT_UNDO] = {"undo", "", "Put back this session's last change of peers or limits", KEYMAP_ASK,
                  true, .can = can_undo, .run = act_undo},
    [ACT_UNIT_ENABLE] = {"enable-engine", "", "Keep the engine running after you leave and at boot",
                         KEYMAP_ASK, true, .can = can_unit, .run = act_unit_enable},
    [ACT_INCIDENT] = {"incident", "", "incident tunnel|disk|flush|node: something to practise on",
                      .writes = true, .demo = true, .line = act_line_incident},
    [ACT_SORT_BY] = {"sort-by", "", "sort-by COLUMN", .line = act_line_sort},
};

struct keymap *actions_keymap_new(void)
{
    /* The key map borrows its table for its life, which is that of the process's console. */
    static struct keymap_action table[ACT_COUNT - 1];

    for (int i = 1; i < ACT_COUNT; i++)
        table[i - 1] = (struct keymap_action){i, actions[i].name, actions[i].help, actions[i].class};
    return keymap_new(action_contexts, CTX_COUNT, table, ACT_COUNT - 1, action_keys, action_n_keys);
}

bool action_is_possible(const struct console *c, int action, char *why, size_t cap)
{
    const struct action *a = &actions[action];
    char unheard[200];

    if (!why) {
        why = unheard;
        cap = sizeof unheard;
    }
    if (a->demo && !c->snap->meta.demo) {
        snprintf(why, cap, "%s is for the demo: meshdeck --demo", a->name);
        return false;
    }
    if (a->writes && !console_may_change(c, why, cap))
        return false;
    return !a->can || a->can(c, action, why, cap);
}

enum keymap_class action_class(const struct console *c, int action)
{
    enum keymap_class class = actions[action].class;

    if (!console_is_production(c))
        return class;
    if (class == KEYMAP_ASK && action != ACT_SHELL_CLOSE)
        return KEYMAP_NAME;
    if (action == ACT_VM_BOOT || action == ACT_VM_RESUME)
        return KEYMAP_ASK;
    return class;
}
