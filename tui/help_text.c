/* Tables of the help page. Data only. */
#include "tui/help_text.h"

#include "tui/actions.h"
#include "widgets/xmem.h"

const struct help_entry help_everywhere[] = {
    {{ACT_VIEW_DECK}, "views, tickets", false},
    {{ACT_FILTER}, "filter: web !stop cpu>50", false},
    {{ACT_NEXT, ACT_PREV}, "next, previous match", false},
    {{ACT_SORT, ACT_REVERSE}, "sort by, reverse", false},
    {{ACT_MARK, ACT_MARK_RANGE, ACT_MARK_SHOWN}, "mark, range, all shown", false},
    {{ACT_UNMARK}, "unmark all", false},
    {{ACT_MENU}, "actions on this or marks", false},
    {{ACT_COPY}, "copy a field", false},
    {{ACT_INSPECT, ACT_VARIANT}, "inspector, other variant", false},
    {{ACT_WHY, ACT_WORST}, "why; go to the worst", false},
    {{ACT_REREAD, ACT_FREEZE}, "read again, freeze", false},
    {{ACT_MOUSE, ACT_PLAIN}, "mouse, plain text", false},
    {{ACT_REPAINT, ACT_SUSPEND}, "repaint, suspend", false},
    {{ACT_BACK}, "back or cancel", false},
    {{ACT_QUIT}, "close a page; leave", false},
    {{0}, NULL, false},
};

static const struct help_entry deck[] = {
    {{ACT_OPEN}, "open what is under the cursor", true},
    {{ACT_PART_NEXT, ACT_PART_PREV}, "next, previous part", false},
    {{ACT_VM_CREATE}, "create a VM (form)", false},
    {{ACT_ACK}, "acknowledge the alert", false},
    {{0}, NULL, false},
};
static const struct help_entry vms[] = {
    {{ACT_OPEN}, "open the VM", true},
    {{ACT_VM_CREATE}, "create a VM (form)", false},
    {{ACT_VM_SHELL}, "shell over SSH", false},
    {{ACT_VM_SERIAL, ACT_VM_LOG}, "serial: type on it, log", false},
    {{ACT_VM_BOOT}, "boot it", false},
    {{ACT_VM_STOP}, "stop it", false},
    {{ACT_VM_RESTART}, "restart", false},
    {{ACT_VM_PAUSE, ACT_VM_RESUME}, "pause, continue", false},
    {{ACT_VM_DELETE}, "delete", false},
    {{ACT_VM_LIMITS}, "change limits (form)", false},
    {{0}, NULL, false},
};
static const struct help_entry mesh[] = {
    {{ACT_OPEN}, "open the peer", true},
    {{ACT_PEER_ADD}, "add a peer (form)", false},
    {{ACT_PEER_TRY}, "try other endpoint", false},
    {{ACT_PEER_REMOVE}, "remove", false},
    {{0}, NULL, false},
};
static const struct help_entry plain[] = {
    {{ACT_OPEN}, "open it", true},
    {{0}, NULL, false},
};
static const struct help_entry images[] = {
    {{ACT_OPEN}, "open the image", true},
    {{ACT_IMAGE_BUILD}, "build the built-in one", false},
    {{ACT_IMAGE_DELETE}, "delete", false},
    {{0}, NULL, false},
};
static const struct help_entry events[] = {
    {{ACT_OPEN}, "open it; go to the alert", true},
    {{ACT_ACK}, "acknowledge the alert", false},
    {{0}, NULL, false},
};
static const struct help_entry shells[] = {
    {{ACT_OPEN}, "attach", true},
    {{ACT_SHELL_CLOSE}, "close it", false},
    {{0}, NULL, false},
};
static const struct help_entry tickets[] = {
    {{ACT_OPEN}, "its steps", true},
    {{ACT_TICKET_CANCEL}, "cancel and undo", false},
    {{ACT_TICKET_RETRY}, "try a failed one again", false},
    {{0}, NULL, false},
};
static const struct help_entry in_shell[] = {
    {{ACT_SH_DETACH}, "leave it running", false},
    {{ACT_SH_NEXT, ACT_SH_PREV}, "next, previous tab", false},
    {{ACT_SH_TAB_1}, "tab by number, 1 to 9", false},
    {{ACT_SH_NEW, ACT_SH_SERIAL}, "new shell, serial", false},
    {{ACT_SH_BACK}, "scroll back", false},
    {{ACT_SH_ZOOM}, "whole screen", false},
    {{ACT_SH_COPY}, "copy the screen", false},
    {{ACT_SH_SEND}, "send the prefix", false},
    {{ACT_SHELL_CLOSE}, "close it", false},
    {{0}, NULL, false},
};
static const struct help_entry logs[] = {
    {{ACT_FOLLOW}, "follow the end", false},
    {{ACT_WRAP}, "wrap lines", false},
    {{ACT_FILTER}, "search", false},
    {{ACT_COPY}, "copy what is in sight", false},
    {{0}, NULL, false},
};

static const char *const vm_states[] = {"+ running", "- stopped", "~ changing", "= paused",
                                        "! failed", "? unknown", NULL};
static const char *const peer_states[] = {"+ healthy", "- idle", "^ never, stale or one-way",
                                          "! claimed, mismatch or down", NULL};
static const char *const node_states[] = {"+ up", "~ draining", "^ readonly or partial", "! lost", NULL};
static const char *const route_states[] = {"+ new", "~ changed", "- gone", "! its next hop is down", NULL};
static const char *const ticket_states[] = {"~ running", "+ done", "! failed", NULL};

const struct help_topic help_topics[] = {
    {"Deck", "is anything wrong, what moves", CTX_DECK, deck, vm_states},
    {"VMs", "every VM of the fleet, its state and what it uses", CTX_VMS, vms, vm_states},
    {"Mesh", "which tunnel lies, and since when", CTX_MESH, mesh, peer_states},
    {"Routes", "where a packet goes, and whose route it takes", CTX_ROUTES, plain, route_states},
    {"Nets", "who may talk to whom, and is there room", CTX_NETS, plain, NULL},
    {"Nodes", "which host is well, and which has room", CTX_NODES, plain, node_states},
    {"Images", "what can be started, and who uses it", CTX_IMAGES, images, NULL},
    {"Events", "what happened, who did it, and why", CTX_EVENTS, events, NULL},
    {"Shells", "where you are logged in", CTX_SHELLS, shells, NULL},
    {"Tickets", "what is being done, and what failed", CTX_TICKETS, tickets, ticket_states},
    {"Shell pane", "a terminal in the guest; all keys but the prefix are its own", CTX_SHELL,
     in_shell, NULL},
    {"Log", "what the guest wrote on its serial line", CTX_LOG, logs, NULL},
};
const size_t help_n_topics = XMEM_LEN(help_topics);
