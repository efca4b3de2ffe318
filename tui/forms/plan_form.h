#ifndef MESHDECK_TUI_PLAN_FORM_H
#define MESHDECK_TUI_PLAN_FORM_H
/*
 * A form whose plan stands below it: the same command is sent as a dry run a moment after the last
 * key, and for real on Enter. The engine's errors come back at the field that they name, and stay
 * there as long as its value is the one they were about. Console thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "tui/page.h"
#include "widgets/form.h"

enum { PLAN_FIELDS = 12, PLAN_LINES = 400, PLAN_LINE = 200 };

struct plan_form;
struct reply;

struct plan_form_kind {
    const char *title, *verb;
    const struct form_field *fields;
    const char *const *args; /* the command's argument for each field, "" for none */
    size_t n;
    struct json_t *(*build)(struct plan_form *p); /* the command's arguments, owned */
    void (*ready)(const struct plan_form *p, char *buf, size_t cap); /* the title's right side */
    bool (*before)(struct plan_form *p); /* Enter: true when it does something else instead */
    void (*accepted)(struct plan_form *p, struct reply *r); /* the form closes after it */
};

struct plan_form {
    struct page page;
    const struct plan_form_kind *kind;
    struct form *form;    /* the page's, or a draft of the console's */
    struct form **draft;  /* where it goes on closing; NULL: nowhere */
    char name[64];        /* the object, where the form is about one */
    uint64_t dry, real;   /* requests under way */
    bool dirty;           /* values changed since the dry run was sent */
    bool touches_way_in;
    double seconds;
    char why[240];        /* why there is no plan */
    struct {
        char value[64], text[FORM_VERDICT_MAX];
    } refused[PLAN_FIELDS];
    char (*line)[PLAN_LINE];
    size_t n_lines, n_steps, top;
    struct json_t *body;  /* of the last dry run */
};

/* Takes the form (a draft, or new). Pushes the page. */
struct plan_form *plan_form_open(struct console *c, const struct plan_form_kind *kind,
                                 struct form *form, struct form **draft);
struct plan_form *plan_form_current(const struct console *c); /* NULL: no form is open */
void plan_form_reread(struct plan_form *p); /* checks all fields and asks for the plan */
/* For validators: what the engine said of this very value, "" for nothing. */
const char *plan_form_refused(const struct plan_form *p, int field, const char *value);
const char *plan_form_answer(const struct plan_form *p, const char *name); /* of the dry run */
void plan_form_send(struct plan_form *p);

#endif
