/*
 * Forms: values, checks, focus. Owned by the thread that draws. Nothing is validated here but what
 * a number is: validators and verdicts are the program's. form_keys.c has keys and lists,
 * form_draw.c the drawing.
 */
#include "widgets/form.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "widgets/form_priv.h"
#include "widgets/xmem.h"

struct form *form_new(const struct form_field *fields, size_t n, void *ctx)
{
    struct form *f = xmem_new(1, sizeof *f);

    assert(n > 0 && n <= FORM_FIELDS_MAX);
    f->fields_b = fields;
    f->n = n;
    f->ctx = ctx;
    for (size_t i = 0; i < n; i++)
        f->value[i].edit = lineedit_new(FORM_VALUE_MAX - 1);
    form_reset(f);
    return f;
}

void form_free(struct form *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++)
        lineedit_free(f->value[i].edit);
    free(f->choices);
    free(f);
}

void form_reset(struct form *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct form_value *v = &f->value[i];
        lineedit_set(v->edit, f->fields_b[i].start ? f->fields_b[i].start : "");
        v->ok = true;
        v->msg[0] = '\0';
    }
    f->edited = false;
    f->due = false;
    f->list_open = false;
    form_focus(f, 0);
    lineedit_select_all(f->value[0].edit);
}

static bool is_field(const struct form *f, int field)
{
    return field >= 0 && (size_t)field < f->n;
}

const char *form_get(const struct form *f, int field)
{
    return is_field(f, field) ? lineedit_get(f->value[field].edit) : "";
}

bool form_get_tick(const struct form *f, int field)
{
    return form_get(f, field)[0] != '\0';
}

int64_t form_parse_mib(const char *text)
{
    int64_t n = 0;
    const char *s = text + strspn(text, " ");

    if (*s < '0' || *s > '9')
        return -1;
    for (; *s >= '0' && *s <= '9'; s++) {
        n = n * 10 + (*s - '0');
        if (n > INT64_C(1) << 40)
            return -1;
    }
    s += strspn(s, " ");
    if (*s == 'g' || *s == 'G' || *s == 't' || *s == 'T') {
        n *= *s == 'g' || *s == 'G' ? 1024 : 1024 * 1024;
        s++;
    } else if (*s == 'm' || *s == 'M') {
        s++;
    }
    if (*s == 'i' && (s[1] == 'b' || s[1] == 'B'))
        s += 2;
    else if (*s == 'b' || *s == 'B')
        s++;
    s += strspn(s, " ");
    return *s ? -1 : n;
}

int64_t form_get_number(const struct form *f, int field)
{
    const char *unit = is_field(f, field) ? f->fields_b[field].unit : NULL,
               *text = form_get(f, field);
    size_t digits = strspn(text, "0123456789");

    if (digits > 0 && text[digits] == '\0') {
        errno = 0;
        long long n = strtoll(text, NULL, 10);
        return errno ? -1 : n;
    }
    if (!unit || (strcmp(unit, "MiB") != 0 && strcmp(unit, "GiB") != 0))
        return -1;
    int64_t mib = form_parse_mib(text);
    return mib < 0 || strcmp(unit, "MiB") == 0 ? mib : mib % 1024 ? -1 : mib / 1024;
}

void form_set(struct form *f, int field, const char *value)
{
    if (is_field(f, field))
        lineedit_set(f->value[field].edit, value);
}

void form_set_verdict(struct form *f, int field, bool ok, const char *msg)
{
    if (!is_field(f, field))
        return;
    f->value[field].ok = ok;
    cells_clean(f->value[field].msg, FORM_VERDICT_MAX, msg, strlen(msg));
}

bool form_is_edited(const struct form *f)
{
    return f->edited;
}

int form_first_wrong(const struct form *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (!f->value[i].ok)
            return (int)i;
    return -1;
}

int form_get_focus(const struct form *f)
{
    return (int)f->focus;
}

void form_focus(struct form *f, int field)
{
    if (!is_field(f, field))
        return;
    f->focus = (size_t)field;
    f->list_open = false;
}

void form_select(struct form *f)
{
    lineedit_select_all(f->value[f->focus].edit);
}

size_t form_take_dropped(struct form *f)
{
    size_t n = f->dropped;

    f->dropped = 0;
    for (size_t i = 0; i < f->n; i++)
        n += lineedit_take_dropped(f->value[i].edit);
    return n;
}

void form_note_change(struct form *f, int64_t now_ms)
{
    f->edited = true;
    f->due = true;
    f->due_ms = now_ms + FORM_CHECK_MS;
}

/* A number field without a validator of its own must at least be a number. */
static bool check_plain(const struct form *f, size_t i, char *msg)
{
    if (f->fields_b[i].kind != FORM_NUMBER || form_get_number(f, (int)i) >= 0)
        return true;
    xmem_copy_text(msg, FORM_VERDICT_MAX,
                   f->fields_b[i].unit ? "a number, like 512 or 2g" : "a number");
    return false;
}

bool form_check(struct form *f, int64_t now_ms, bool force)
{
    if (!force && (!f->due || now_ms < f->due_ms))
        return false;
    f->due = false;
    for (size_t i = 0; i < f->n; i++) {
        const struct form_field *d = &f->fields_b[i];
        char msg[FORM_VERDICT_MAX] = "";
        bool ok = check_plain(f, i, msg);
        if (ok && d->check)
            ok = d->check(f->ctx, f, (int)i, form_get(f, (int)i), msg, sizeof msg);
        form_set_verdict(f, (int)i, ok, msg);
    }
    return true;
}

int form_wait_ms(const struct form *f, int64_t now_ms)
{
    if (!f->due)
        return -1;
    return f->due_ms > now_ms ? (int)(f->due_ms - now_ms) : 0;
}

const char *form_get_hint(const struct form *f)
{
    const struct form_value *v = &f->value[f->focus];
    const char *hint = f->fields_b[f->focus].hint;

    if (!v->ok && v->msg[0])
        return v->msg;
    return hint ? hint : "";
}

bool form_list_is_open(const struct form *f)
{
    return f->list_open;
}
