/* Keys of a form: moving, editing, ticks, the list of a choice. See form.c. */
#include <string.h>
#include <strings.h>

#include "widgets/form_priv.h"
#include "widgets/xmem.h"

bool form_find_choice(const struct form *f, size_t field, const char *value,
                      struct form_choice *out)
{
    const struct form_field *d = &f->fields_b[field];
    size_t len = strlen(value);

    if (!d->choice || len == 0)
        return false;
    for (size_t i = 0; i < FORM_CHOICES_MAX; i++) {
        memset(out, 0, sizeof *out);
        if (!d->choice(f->ctx, f, (int)field, i, out))
            return false;
        if (strncasecmp(out->text, value, len) == 0)
            return true;
    }
    return false;
}

const struct form_choice *form_list_entry(const struct form *f, size_t i)
{
    for (size_t k = 0; k < f->n_choices; k++)
        if (cells_contains(f->choices[k].text, f->narrow) && i-- == 0)
            return &f->choices[k];
    return NULL;
}

static size_t list_count(const struct form *f)
{
    size_t n = 0;

    while (form_list_entry(f, n))
        n++;
    return n;
}

static void open_list(struct form *f)
{
    const struct form_field *d = &f->fields_b[f->focus];
    const char *value = form_get(f, (int)f->focus);

    if (!d->choice)
        return;
    f->n_choices = 0;
    f->list_at = 0;
    f->narrow[0] = f->why[0] = '\0';
    for (size_t i = 0; i < FORM_CHOICES_MAX; i++) {
        struct form_choice c = {0};
        if (!d->choice(f->ctx, f, (int)f->focus, i, &c))
            break;
        f->choices = xmem_grow(f->choices, &f->choices_cap, f->n_choices + 1, sizeof *f->choices);
        if (strcmp(c.text, value) == 0)
            f->list_at = f->n_choices;
        f->choices[f->n_choices++] = c;
    }
    f->list_open = f->n_choices > 0;
}

static enum form_result list_take(struct form *f, int64_t now_ms)
{
    const struct form_choice *c = form_list_entry(f, f->list_at);

    if (!c)
        return FORM_MOVED;
    if (c->blocked) {
        xmem_copy_text(f->why, sizeof f->why, c->note);
        return FORM_MOVED;
    }
    bool same = strcmp(form_get(f, (int)f->focus), c->text) == 0;
    form_set(f, (int)f->focus, c->text);
    f->list_open = false;
    if (same)
        return FORM_MOVED;
    form_note_change(f, now_ms);
    return FORM_CHANGED;
}

static void list_type(struct form *f, const struct key *k)
{
    char b[5] = "";
    size_t len = strlen(f->narrow), n = cells_encode(b, k->code);

    if (len + n < sizeof f->narrow) {
        memcpy(f->narrow + len, b, n);
        f->narrow[len + n] = '\0';
        f->list_at = 0;
    }
}

static enum form_result list_key(struct form *f, const struct key *k, int64_t now_ms)
{
    size_t n = list_count(f), len = strlen(f->narrow);

    f->why[0] = '\0';
    if (k->mods & KEYMOD_PASTED)
        return FORM_MOVED;
    if (key_is(k, 'j', KEYMOD_CTRL))
        return list_take(f, now_ms);
    switch (k->code) {
    case KEYSYM_ENTER:
    case KEYSYM_TAB:
        return list_take(f, now_ms);
    case KEYSYM_ESC:
        f->list_open = false;
        break;
    case KEYSYM_UP:
        f->list_at = n ? (f->list_at + n - 1) % n : 0;
        break;
    case KEYSYM_DOWN:
        f->list_at = n ? (f->list_at + 1) % n : 0;
        break;
    case KEYSYM_HOME:
        f->list_at = 0;
        break;
    case KEYSYM_END:
        f->list_at = n ? n - 1 : 0;
        break;
    case KEYSYM_BACKSPACE:
        f->narrow[len - cells_prev_len(f->narrow, len)] = '\0';
        f->list_at = 0;
        break;
    default:
        if (key_is(k, 'c', KEYMOD_CTRL))
            f->list_open = false;
        else if (key_is_text(k) && k->code != ' ')
            list_type(f, k);
        break;
    }
    return FORM_MOVED;
}

/* Takes the ghost: the whole entry that was begun. True when the value changed. */
static bool take_ghost(struct form *f)
{
    const char *value = form_get(f, (int)f->focus);
    struct form_choice c;

    if (f->fields_b[f->focus].kind != FORM_CHOICE || !form_find_choice(f, f->focus, value, &c) ||
        c.blocked || strcmp(c.text, value) == 0)
        return false;
    form_set(f, (int)f->focus, c.text);
    return true;
}

static enum form_result move(struct form *f, int by, int64_t now_ms)
{
    bool changed = by > 0 && take_ghost(f);

    if (by > 0)
        f->focus = (f->focus + 1) % f->n;
    else
        f->focus = (f->focus + f->n - 1) % f->n;
    if (!changed)
        return FORM_MOVED;
    form_note_change(f, now_ms);
    return FORM_CHANGED;
}

static enum form_result submit(struct form *f, int64_t now_ms)
{
    take_ghost(f);
    form_check(f, now_ms, true);
    int wrong = form_first_wrong(f);
    if (wrong < 0)
        return FORM_SUBMIT;
    f->focus = (size_t)wrong;
    return FORM_WRONG;
}

static enum form_result edit_key(struct form *f, const struct key *k, int64_t now_ms)
{
    const struct form_field *d = &f->fields_b[f->focus];

    if (d->kind == FORM_TICK) {
        if (k->mods & KEYMOD_PASTED) {
            f->dropped++;
            return FORM_MOVED;
        }
        if (!key_is(k, ' ', 0))
            return FORM_UNUSED;
        form_set(f, (int)f->focus, form_get_tick(f, (int)f->focus) ? "" : "yes");
        form_note_change(f, now_ms);
        return FORM_CHANGED;
    }
    if (d->kind == FORM_CHOICE && key_is(k, ' ', 0)) {
        open_list(f);
        return FORM_MOVED;
    }
    switch (lineedit_key(f->value[f->focus].edit, k)) {
    case LINEEDIT_CHANGED:
        form_note_change(f, now_ms);
        return FORM_CHANGED;
    case LINEEDIT_MOVED:
        return FORM_MOVED;
    case LINEEDIT_NONE:
    case LINEEDIT_ACCEPT:
    case LINEEDIT_DROP:
        break;
    }
    return FORM_UNUSED;
}

enum form_result form_key(struct form *f, const struct key *k, int64_t now_ms)
{
    if (f->list_open)
        return list_key(f, k, now_ms);
    if (k->mods & KEYMOD_PASTED)
        return edit_key(f, k, now_ms);
    if (key_is(k, KEYSYM_ENTER, 0) || key_is(k, 'j', KEYMOD_CTRL))
        return submit(f, now_ms);
    if (key_is(k, KEYSYM_ESC, 0) || key_is(k, 'c', KEYMOD_CTRL))
        return FORM_CLOSE;
    if (key_is(k, KEYSYM_TAB, 0) || key_is(k, KEYSYM_DOWN, 0))
        return move(f, 1, now_ms);
    if (key_is(k, KEYSYM_TAB, KEYMOD_SHIFT) || key_is(k, KEYSYM_UP, 0))
        return move(f, -1, now_ms);
    if (key_is(k, KEYSYM_PGUP, 0))
        return FORM_PLAN_UP;
    if (key_is(k, KEYSYM_PGDN, 0))
        return FORM_PLAN_DOWN;
    return edit_key(f, k, now_ms);
}
