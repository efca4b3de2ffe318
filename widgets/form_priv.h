#ifndef MESHDECK_WIDGETS_FORM_PRIV_H
#define MESHDECK_WIDGETS_FORM_PRIV_H
/* What form.c, form_keys.c and form_draw.c share. */
#include "widgets/form.h"
#include "widgets/lineedit.h"

enum { FORM_FIELDS_MAX = 32, FORM_VALUE_MAX = 256, FORM_CHOICES_MAX = 512, FORM_NARROW_MAX = 64 };

struct form_value {
    struct lineedit *edit;
    bool ok;
    char msg[FORM_VERDICT_MAX];
};

struct form {
    const struct form_field *fields_b;
    void *ctx;
    size_t n, focus;
    struct form_value value[FORM_FIELDS_MAX];
    bool edited, due;
    int64_t due_ms;
    size_t dropped;

    bool list_open; /* of the focused choice; read when opened */
    struct form_choice *choices;
    size_t n_choices, choices_cap;
    size_t list_at;
    char narrow[FORM_NARROW_MAX];
    char why[FORM_VERDICT_MAX]; /* why the entry cannot be taken */
};

void form_note_change(struct form *f, int64_t now_ms);

/* The entry that the value of a choice begins ("de" of "deb12"); false when none does. */
bool form_find_choice(const struct form *f, size_t field, const char *value,
                      struct form_choice *out);

/* Number i of the open list's entries that match what was typed; NULL past the last. */
const struct form_choice *form_list_entry(const struct form *f, size_t i);

#endif
