#ifndef MESHDECK_WIDGETS_KEYMAP_PRIV_H
#define MESHDECK_WIDGETS_KEYMAP_PRIV_H
/* What keymap.c and keymap_file.c share. */
#include "widgets/keymap.h"

struct keymap_live {
    int context;
    struct key key[2]; /* key[1].code 0: one step */
    int action;
};

struct keymap {
    const struct keymap_context *contexts_b;
    const struct keymap_action *actions_b;
    size_t n_contexts, n_actions;
    struct keymap_live *live;
    size_t n, cap;
};

/* "C-] d" or, in files, "C-]+d". */
int keymap_parse_keys(const char *text, char between, struct key out[2], char *why, size_t cap);
int keymap_bind_keys(struct keymap *m, int context, const struct key k[2], int action, char *why,
                     size_t cap);

#endif
