#ifndef MESHDECK_WIDGETS_FORM_H
#define MESHDECK_WIDGETS_FORM_H
/*
 * A form from a table of fields. It edits, moves, completes and shows a verdict beside each field;
 * what is right the program says, by validators and by form_set_verdict. Enter submits from any
 * field. The values outlive closing: the form object is the draft.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "widgets/canvas.h"
#include "widgets/key.h"

struct form;

enum form_kind { FORM_TEXT, FORM_NUMBER, FORM_CHOICE, FORM_TICK };

enum { FORM_VERDICT_MAX = 128, FORM_CHECK_MS = 150 };

struct form_choice {
    char text[64];
    char note[96]; /* why it cannot be taken, or a word about it */
    bool blocked;
};

struct form_field {
    const char *label;
    enum form_kind kind;
    int cols;          /* of the input; 0 for a tick */
    const char *unit;  /* "MiB" behind it, or NULL. FORM_NUMBER in MiB takes 2g, 512m */
    const char *start; /* default; a tick: "yes" or "" */
    const char *hint;  /* what is allowed: the status line for this field */
    const char *tick_text; /* beside a tick: "now, and after a reboot" */
    /* Optional: false when value is wrong; msg (may stay empty) says what, why, what to do. */
    bool (*check)(void *ctx, const struct form *f, int field, const char *value, char *msg,
                  size_t cap);
    /* FORM_CHOICE: entry number i; false past the last. */
    bool (*choice)(void *ctx, const struct form *f, int field, size_t i, struct form_choice *out);
};

enum form_result {
    FORM_UNUSED,  /* not a key of the form */
    FORM_MOVED,
    FORM_CHANGED, /* a value changed: a check is due in FORM_CHECK_MS */
    FORM_SUBMIT,  /* Enter, and every field is right */
    FORM_WRONG,   /* Enter, but one is not: it has the focus now */
    FORM_CLOSE,   /* Esc: keep the draft */
    FORM_PLAN_UP, /* PgUp, PgDn: for what stands below the form */
    FORM_PLAN_DOWN
};

struct form *form_new(const struct form_field *fields, size_t n, void *ctx);
void form_free(struct form *f);
void form_reset(struct form *f); /* all defaults, first field, its value selected */

enum form_result form_key(struct form *f, const struct key *k, int64_t now_ms);

/* Runs the validators when due (or at once with force); true when they ran: plan again. */
bool form_check(struct form *f, int64_t now_ms, bool force);
int form_wait_ms(const struct form *f, int64_t now_ms);

const char *form_get(const struct form *f, int field);
int64_t form_get_number(const struct form *f, int field); /* MiB for units; -1: no number */
bool form_get_tick(const struct form *f, int field);
void form_set(struct form *f, int field, const char *value);
void form_set_verdict(struct form *f, int field, bool ok, const char *msg);
bool form_is_edited(const struct form *f);
int form_first_wrong(const struct form *f); /* -1: none */
int form_get_focus(const struct form *f);
void form_focus(struct form *f, int field);
void form_select(struct form *f); /* the focused value: typing replaces it */
size_t form_take_dropped(struct form *f); /* paste bytes dropped since asked last */

/* One row a field; the open list of a choice lies over what is below. */
void form_draw(const struct form *f, struct canvas c);
const char *form_get_hint(const struct form *f); /* of the focused field, or its verdict if wrong */
bool form_list_is_open(const struct form *f);

/* "2g", "512m", "512" (MiB) to MiB; -1 when it is none of these or out of range. */
int64_t form_parse_mib(const char *text);

#endif
