#ifndef MESHDECK_WIDGETS_KEYMAP_H
#define MESHDECK_WIDGETS_KEYMAP_H
/*
 * Which key does what, where. The program supplies contexts, actions and default bindings as const
 * tables; help, palette, hints and the user's file all work on the live map. A binding is one key
 * or two (a prefix and a second). Pasted text never matches.
 */
#include <stdbool.h>
#include <stddef.h>

#include "widgets/key.h"

struct keymap;

enum keymap_class { KEYMAP_FREE, KEYMAP_FORM, KEYMAP_ASK, KEYMAP_NAME };

struct keymap_action {
    int id;           /* > 0 */
    const char *name; /* "vm-stop": for the palette and the user's file */
    const char *help; /* one sentence */
    enum keymap_class class;
};

struct keymap_context {
    int id;           /* 0.. */
    const char *name; /* "list" */
};

struct keymap_binding {
    int context;
    const char *keys; /* "x", "PgDn", "C-] d" */
    int action;
};

enum keymap_found {
    KEYMAP_NOTHING, /* no meaning here */
    KEYMAP_FIRST,   /* a prefix: the next key decides */
    KEYMAP_ACTION
};

struct keymap_state {
    struct key first; /* code 0: no prefix was pressed */
};

/* The tables are borrowed for the map's life; bad default bindings are a programmer's mistake. */
struct keymap *keymap_new(const struct keymap_context *contexts, size_t n_contexts,
                          const struct keymap_action *actions, size_t n_actions,
                          const struct keymap_binding *defaults, size_t n_defaults);
void keymap_free(struct keymap *m);

/* contexts: the ones in force, nearest first. Clears *state unless the answer is KEYMAP_FIRST. */
enum keymap_found keymap_find(const struct keymap *m, struct keymap_state *state,
                              const int *contexts, size_t n, const struct key *k, int *ret_action);

const struct keymap_action *keymap_action_of(const struct keymap *m, int action);
const struct keymap_action *keymap_action_named(const struct keymap *m, const char *name);

/* The keys of an action in one context ("Enter d"); empty when it has none. Returns how many. */
size_t keymap_format_keys(const struct keymap *m, int context, int action, char *buf, size_t cap);

/* The first key in the first of the contexts that has it: for hints. False when it has none. */
bool keymap_format_first(const struct keymap *m, const int *contexts, size_t n, int action,
                         char *buf, size_t cap);

/* Walks the live bindings in order; NULL past the end. keys_text gets "C-] d". */
bool keymap_binding_at(const struct keymap *m, size_t i, int *ret_context, int *ret_action,
                       struct key ret_keys[2]);

/*
 * One binding by the operator: replaces what the keys did in that context. action 0 unbinds.
 * -EINVAL with a sentence for keys that are no keys, are never bound, or clash with a prefix.
 */
int keymap_bind(struct keymap *m, int context, const char *keys, int action, char *why, size_t cap);

/* Another first key for every two-step binding that starts with from (":set prefix"). */
int keymap_set_prefix(struct keymap *m, const char *from, const char *to, char *why, size_t cap);

/*
 * The user's file: lines "context keys action", '#' begins a comment, action "none" unbinds, keys
 * of two steps are joined by '+': "shell C-]+d detach". Each line that is refused, each clash
 * within the file and each action left without a key is told. Returns how many, or -errno.
 */
typedef void keymap_complaint_fn(void *ctx, const char *line);
int keymap_load(struct keymap *m, const char *path, keymap_complaint_fn *say, void *ctx);
int keymap_parse(struct keymap *m, const char *text, size_t len, const char *where,
                 keymap_complaint_fn *say, void *ctx);

/* A line of the user's file for a binding, as keymap_parse reads it. */
void keymap_format_line(const struct keymap *m, int context, const char *keys, int action,
                        char *buf, size_t cap);

#endif
