#ifndef MESHDECK_TUI_ACTIONS_H
#define MESHDECK_TUI_ACTIONS_H
/*
 * Everything an operator can do, as one table: palette, help, hints, menus, the user's key file and
 * read-only all read it. There is no other switch on keys. A record without a function belongs to
 * the open page or view.
 */
#include <stdbool.h>
#include <stddef.h>

#include "widgets/keymap.h"

struct console;

enum key_context {
    CTX_ANY,
    CTX_MOVE,
    CTX_LIST,
    CTX_DECK,
    CTX_VMS,
    CTX_MESH,
    CTX_ROUTES,
    CTX_NETS,
    CTX_NODES,
    CTX_IMAGES,
    CTX_EVENTS,
    CTX_SHELLS,
    CTX_TICKETS,
    CTX_LOG,
    CTX_FORM,
    CTX_SHELL,
    CTX_BACK,
    CTX_COUNT
};

enum action_id {
    ACT_NONE,
    /* views, in the order of enum view_id */
    ACT_VIEW_DECK, ACT_VIEW_VMS, ACT_VIEW_MESH, ACT_VIEW_ROUTES, ACT_VIEW_NETS, ACT_VIEW_NODES,
    ACT_VIEW_IMAGES, ACT_VIEW_EVENTS, ACT_VIEW_SHELLS, ACT_VIEW_TICKETS,
    /* anywhere */
    ACT_PALETTE, ACT_HELP, ACT_BACK, ACT_QUIT, ACT_WORST, ACT_WHY, ACT_ACK, ACT_PART_NEXT,
    ACT_PART_PREV, ACT_INSPECT, ACT_VARIANT, ACT_REREAD, ACT_FREEZE, ACT_MOUSE, ACT_PLAIN,
    ACT_REPAINT, ACT_SUSPEND,
    /* move */
    ACT_UP, ACT_DOWN, ACT_LEFT, ACT_RIGHT, ACT_PAGE_UP, ACT_PAGE_DOWN, ACT_FIRST, ACT_LAST, ACT_OPEN,
    /* list, detail, log */
    ACT_FILTER, ACT_NEXT, ACT_PREV, ACT_SORT, ACT_REVERSE, ACT_MARK, ACT_MARK_RANGE, ACT_MARK_SHOWN,
    ACT_UNMARK, ACT_MENU, ACT_COPY, ACT_FOLLOW, ACT_WRAP,
    /* VMs */
    ACT_VM_CREATE, ACT_VM_LIMITS, ACT_VM_SHELL, ACT_VM_SERIAL, ACT_VM_LOG, ACT_VM_BOOT,
    ACT_VM_RESUME, ACT_VM_STOP, ACT_VM_RESTART, ACT_VM_PAUSE, ACT_VM_DELETE,
    /* the other views */
    ACT_PEER_ADD, ACT_PEER_REMOVE, ACT_PEER_TRY, ACT_IMAGE_BUILD, ACT_IMAGE_DELETE,
    ACT_TICKET_CANCEL, ACT_TICKET_RETRY, ACT_SHELL_CLOSE,
    /* after the shell's prefix */
    ACT_SH_DETACH, ACT_SH_NEXT, ACT_SH_PREV, ACT_SH_TAB_1, ACT_SH_TAB_9 = ACT_SH_TAB_1 + 8,
    ACT_SH_NEW, ACT_SH_SERIAL, ACT_SH_ZOOM, ACT_SH_BACK, ACT_SH_COPY, ACT_SH_SEND, ACT_SH_NOTHING,
    /* by name only */
    ACT_SET, ACT_KEYS, ACT_BIND, ACT_THEME, ACT_FLEET_MARK, ACT_UNDO, ACT_UNIT_ENABLE, ACT_INCIDENT,
    ACT_SORT_BY, ACT_OPTIONS,
    ACT_COUNT
};

struct action {
    const char *name;  /* "vm-stop" */
    const char *label; /* beside its key in row 24: "stop" */
    const char *help;  /* one sentence */
    enum keymap_class class;
    bool writes;       /* refused to a read-only console */
    bool demo;         /* of the demo only */
    /* Whether it can act on what is chosen now; if not, why, and what can. NULL: always. */
    bool (*can)(const struct console *c, int action, char *why, size_t cap);
    void (*run)(struct console *c, int action);
    void (*line)(struct console *c, const char *args); /* from the palette, with arguments */
};

extern const struct action actions[ACT_COUNT];
extern const struct keymap_context action_contexts[CTX_COUNT];

/* The default keys; the user's file goes over them. */
extern const struct keymap_binding action_keys[];
extern const size_t action_n_keys;

struct keymap *actions_keymap_new(void);

/* Whether it could be done now: rights, engine, what is chosen. why may be NULL. */
bool action_is_possible(const struct console *c, int action, char *why, size_t cap);
/* Its class here: in production, ask becomes typing the name and boot or continue ask. */
enum keymap_class action_class(const struct console *c, int action);

#endif
