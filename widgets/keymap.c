/*
 * The live key map: a list of bindings that the operator may change, and the look-up. Owned by the
 * console's thread. Some keys are never bound, whoever asks: they belong to the terminal, to screen
 * and tmux, or are other keys in disguise.
 */
#include "widgets/keymap.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "widgets/cells.h"
#include "widgets/keymap_priv.h"
#include "widgets/xmem.h"

static bool same_key(const struct key *a, const struct key *b)
{
    return a->code == b->code && a->mods == b->mods;
}

/* Other keys in disguise become what they look like. */
static struct key plain(const struct key *k)
{
    if (key_is(k, 'm', KEYMOD_CTRL) || key_is(k, 'j', KEYMOD_CTRL))
        return (struct key){.code = KEYSYM_ENTER};
    if (key_is(k, 'h', KEYMOD_CTRL))
        return (struct key){.code = KEYSYM_BACKSPACE};
    return (struct key){.code = k->code, .mods = k->mods};
}

static const char *never_bound(const struct key *k)
{
    if (k->mods & KEYMOD_ALT)
        return "Alt is swallowed by many terminals";
    if (k->code == '~' && !k->mods)
        return "ssh takes ~ after Enter";
    if (k->code == KEYSYM_F1 + 10)
        return "F11 is the window's own";
    if (!(k->mods & KEYMOD_CTRL))
        return NULL;
    switch (k->code) {
    case 'a':
    case 'b':
        return "screen and tmux take it";
    case 's':
    case 'q':
        return "it is flow control";
    case 'h':
    case 'i':
    case 'j':
    case 'm':
    case '[':
        return "terminals send another key for it";
    case '\\':
        return "it ends programs";
    case ' ':
        return "many terminals swallow it";
    default:
        return NULL;
    }
}

int keymap_parse_keys(const char *text, char between, struct key out[2], char *why, size_t cap)
{
    const char *cut = *text ? strchr(text + 1, between) : NULL;
    size_t first = cut ? (size_t)(cut - text) : strlen(text);

    out[1] = (struct key){0};
    if (cut && cut[1] == '\0' && between == '+')
        cut = NULL, first = strlen(text); /* "C-+" */
    if (!key_parse(text, first, &out[0]) ||
        (cut && !key_parse(cut + 1, strlen(cut + 1), &out[1]))) {
        snprintf(why, cap, "\"%.40s\" is no key", text);
        return -EINVAL;
    }
    const char *no = never_bound(&out[0]);
    if (!no && out[1].code)
        no = never_bound(&out[1]);
    if (no) {
        snprintf(why, cap, "%.40s is never bound: %s", text, no);
        return -EINVAL;
    }
    return 0;
}

static struct keymap_live *find_live(const struct keymap *m, int context, const struct key k[2])
{
    for (size_t i = 0; i < m->n; i++)
        if (m->live[i].context == context && same_key(&m->live[i].key[0], &k[0]) &&
            same_key(&m->live[i].key[1], &k[1]))
            return &m->live[i];
    return NULL;
}

/* One key cannot both act and wait for a second one. */
static const struct keymap_live *find_clash(const struct keymap *m, int context,
                                            const struct key k[2])
{
    for (size_t i = 0; i < m->n; i++) {
        const struct keymap_live *l = &m->live[i];
        if (l->context == context && same_key(&l->key[0], &k[0]) &&
            (l->key[1].code != 0) != (k[1].code != 0))
            return l;
    }
    return NULL;
}

int keymap_bind_keys(struct keymap *m, int context, const struct key k[2], int action, char *why,
                     size_t cap)
{
    struct keymap_live *l = find_live(m, context, k);
    const struct keymap_live *clash = action ? find_clash(m, context, k) : NULL;

    if (clash) {
        const struct keymap_action *a = keymap_action_of(m, clash->action);
        snprintf(why, cap, "the key is %s of %s", k[1].code ? "the key" : "the first key",
                 a ? a->name : "another");
        return -EINVAL;
    }
    if (action == 0) {
        if (l)
            *l = m->live[--m->n];
        return 0;
    }
    if (!l) {
        m->live = xmem_grow(m->live, &m->cap, m->n + 1, sizeof *m->live);
        l = &m->live[m->n++];
    }
    *l = (struct keymap_live){.context = context, .key = {k[0], k[1]}, .action = action};
    return 0;
}

int keymap_bind(struct keymap *m, int context, const char *keys, int action, char *why, size_t cap)
{
    struct key k[2];
    int rc = keymap_parse_keys(keys, ' ', k, why, cap);

    if (rc == 0 && action != 0 && !keymap_action_of(m, action)) {
        snprintf(why, cap, "no such action");
        rc = -EINVAL;
    }
    return rc ? rc : keymap_bind_keys(m, context, k, action, why, cap);
}

struct keymap *keymap_new(const struct keymap_context *contexts, size_t n_contexts,
                          const struct keymap_action *actions, size_t n_actions,
                          const struct keymap_binding *defaults, size_t n_defaults)
{
    struct keymap *m = xmem_new(1, sizeof *m);
    char why[160] = "";

    m->contexts_b = contexts;
    m->n_contexts = n_contexts;
    m->actions_b = actions;
    m->n_actions = n_actions;
    for (size_t i = 0; i < n_defaults; i++) {
        int rc = keymap_bind(m, defaults[i].context, defaults[i].keys, defaults[i].action, why,
                             sizeof why);
        if (rc != 0) {
            fprintf(stderr, "key map: %s: %s\n", defaults[i].keys, why);
            assert(rc == 0); /* the program's own table is wrong */
        }
    }
    return m;
}

void keymap_free(struct keymap *m)
{
    if (m)
        free(m->live);
    free(m);
}

enum keymap_found keymap_find(const struct keymap *m, struct keymap_state *state,
                              const int *contexts, size_t n, const struct key *k, int *ret_action)
{
    struct key want[2] = {state->first, {0}};
    bool second = state->first.code != 0;

    state->first = (struct key){0};
    if (k->mods & KEYMOD_PASTED)
        return KEYMAP_NOTHING;
    want[second] = plain(k);
    for (size_t c = 0; c < n; c++) {
        for (size_t i = 0; i < m->n; i++) {
            const struct keymap_live *l = &m->live[i];
            if (l->context != contexts[c] || !same_key(&l->key[0], &want[0]))
                continue;
            if (!second && l->key[1].code != 0) {
                state->first = want[0];
                return KEYMAP_FIRST;
            }
            if (same_key(&l->key[1], &want[1])) {
                *ret_action = l->action;
                return KEYMAP_ACTION;
            }
        }
    }
    return KEYMAP_NOTHING;
}

const struct keymap_action *keymap_action_of(const struct keymap *m, int action)
{
    for (size_t i = 0; i < m->n_actions; i++)
        if (m->actions_b[i].id == action && m->actions_b[i].name)
            return &m->actions_b[i];
    return NULL;
}

const struct keymap_action *keymap_action_named(const struct keymap *m, const char *name)
{
    for (size_t i = 0; i < m->n_actions; i++)
        if (m->actions_b[i].name && strcmp(m->actions_b[i].name, name) == 0)
            return &m->actions_b[i];
    return NULL;
}

static void format_keys(const struct key k[2], char between, char *buf, size_t cap)
{
    char first[24], second[24];

    key_format(&k[0], first, sizeof first);
    key_format(&k[1], second, sizeof second);
    if (k[1].code)
        snprintf(buf, cap, "%s%c%s", first, between, second);
    else
        snprintf(buf, cap, "%s", first);
}

size_t keymap_format_keys(const struct keymap *m, int context, int action, char *buf, size_t cap)
{
    size_t found = 0, at = 0;

    if (cap > 0)
        buf[0] = '\0';
    for (size_t i = 0; i < m->n; i++) {
        char one[64];
        if (m->live[i].context != context || m->live[i].action != action)
            continue;
        format_keys(m->live[i].key, ' ', one, sizeof one);
        size_t len = strlen(one);
        if (at + len + 2 < cap) {
            snprintf(buf + at, cap - at, "%s%s", found ? " " : "", one);
            at += len + (found ? 1 : 0);
        }
        found++;
    }
    return found;
}

bool keymap_format_first(const struct keymap *m, const int *contexts, size_t n, int action,
                         char *buf, size_t cap)
{
    for (size_t c = 0; c < n; c++) {
        for (size_t i = 0; i < m->n; i++) {
            if (m->live[i].context != contexts[c] || m->live[i].action != action)
                continue;
            format_keys(m->live[i].key, ' ', buf, cap);
            return true;
        }
    }
    return false;
}

bool keymap_binding_at(const struct keymap *m, size_t i, int *ret_context, int *ret_action,
                       struct key ret_keys[2])
{
    if (i >= m->n)
        return false;
    *ret_context = m->live[i].context;
    *ret_action = m->live[i].action;
    ret_keys[0] = m->live[i].key[0];
    ret_keys[1] = m->live[i].key[1];
    return true;
}

int keymap_set_prefix(struct keymap *m, const char *from, const char *to, char *why, size_t cap)
{
    struct key a[2], b[2];
    int rc = keymap_parse_keys(from, ' ', a, why, cap);

    if (rc == 0)
        rc = keymap_parse_keys(to, ' ', b, why, cap);
    if (rc == 0 && (a[1].code || b[1].code || key_is_text(&b[0]))) {
        snprintf(why, cap, "a prefix is one key that is no text");
        rc = -EINVAL;
    }
    for (size_t i = 0; rc == 0 && i < m->n; i++) {
        const struct keymap_live *l = &m->live[i];
        bool ours = l->key[1].code && same_key(&l->key[0], &a[0]);
        for (size_t j = 0; ours && j < m->n; j++) {
            if (m->live[j].context == l->context && !m->live[j].key[1].code &&
                same_key(&m->live[j].key[0], &b[0])) {
                snprintf(why, cap, "%.40s does something else there", to);
                rc = -EINVAL;
            }
        }
    }
    for (size_t i = 0; rc == 0 && i < m->n; i++) {
        struct key *k = m->live[i].key;
        if (!k[1].code || !same_key(&k[0], &a[0]))
            continue;
        if (same_key(&k[1], &a[0]))
            k[1] = b[0]; /* prefix twice: sends the key itself */
        k[0] = b[0];
    }
    return rc;
}

void keymap_format_line(const struct keymap *m, int context, const char *keys, int action,
                        char *buf, size_t cap)
{
    const struct keymap_action *a = keymap_action_of(m, action);
    const char *where = "?";
    char joined[64];

    for (size_t i = 0; i < m->n_contexts; i++)
        if (m->contexts_b[i].id == context)
            where = m->contexts_b[i].name;
    xmem_copy_text(joined, sizeof joined, keys);
    char *blank = strchr(joined, ' ');
    if (blank)
        *blank = '+';
    snprintf(buf, cap, "%s %s %s", where, joined, a ? a->name : "none");
}
