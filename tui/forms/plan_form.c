/* Forms with a plan. Console thread; the engine alone knows whether a value will do. */
#include "tui/forms/plan_form.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/ask.h"
#include "tui/frame.h"
#include "tui/lines.h"
#include "tui/requests.h"
#include "tui/state.h"
#include "widgets/cells.h"
#include "widgets/xmem.h"

static void add_line(struct plan_form *p, const char *lead, const char *text)
{
    if (p->n_lines < PLAN_LINES)
        snprintf(p->line[p->n_lines++], PLAN_LINE, "%s%s", lead, text ? text : "");
}

static void take_plan(struct plan_form *p, json_t *plan)
{
    size_t i, k;
    json_t *step, *command;
    char lead[24];

    p->n_lines = 0;
    p->n_steps = json_array_size(plan);
    json_array_foreach(plan, i, step) {
        json_t *commands = json_object_get(step, "commands");
        snprintf(lead, sizeof lead, "%zu ", i + 1);
        if (json_array_size(commands) == 0)
            add_line(p, lead, json_string_value(json_object_get(step, "step")));
        json_array_foreach(commands, k, command)
            add_line(p, k == 0 ? lead : i < 9 ? "  " : "   ", json_string_value(command));
    }
}

static void take_errors(struct plan_form *p, json_t *errors)
{
    size_t i;
    json_t *e;

    for (size_t k = 0; k < p->kind->n; k++)
        p->refused[k].text[0] = '\0';
    json_array_foreach(errors, i, e) {
        const char *field = json_string_value(json_object_get(e, "field"));
        const char *text = json_string_value(json_object_get(e, "text"));
        bool known = false;
        for (size_t k = 0; field && text && k < p->kind->n; k++) {
            if (strcmp(p->kind->args[k], field) != 0 || p->refused[k].text[0])
                continue;
            known = true;
            xmem_copy_text(p->refused[k].value, sizeof p->refused[k].value, form_get(p->form, (int)k));
            xmem_copy_text(p->refused[k].text, sizeof p->refused[k].text, text);
        }
        if (!known && text && !p->why[0])
            xmem_copy_text(p->why, sizeof p->why, text);
    }
}

static void dry_answer(struct console *c, void *owner, struct reply *r)
{
    struct plan_form *p = owner;

    p->dry = 0;
    p->why[0] = '\0';
    if (r->code < 0)
        xmem_copy_text(p->why, sizeof p->why, r->text);
    json_decref(p->body);
    p->body = r->body;
    r->body = NULL;
    take_plan(p, json_object_get(p->body, "plan"));
    take_errors(p, json_object_get(p->body, "errors"));
    p->touches_way_in = json_is_true(json_object_get(p->body, "touches_way_in"));
    p->seconds = json_number_value(json_object_get(p->body, "seconds"));
    form_check(p->form, c->now_ms, true);
}

static void ask_plan(struct plan_form *p)
{
    json_t *args;

    if (p->dry || !p->dirty)
        return;
    p->dirty = false;
    args = p->kind->build(p);
    json_object_set_new(args, "dry_run", json_true());
    p->dry = request_send(p->page.c_b, p->kind->verb, args, dry_answer, p);
}

void plan_form_reread(struct plan_form *p)
{
    form_check(p->form, p->page.c_b->now_ms, true);
    p->dirty = true;
    ask_plan(p);
}

const char *plan_form_refused(const struct plan_form *p, int field, const char *value)
{
    return strcmp(p->refused[field].value, value) == 0 ? p->refused[field].text : "";
}

const char *plan_form_answer(const struct plan_form *p, const char *name)
{
    const char *s = json_string_value(json_object_get(p->body, name));

    return s ? s : "";
}

static void real_answer(struct console *c, void *owner, struct reply *r)
{
    struct plan_form *p = owner;

    p->real = 0;
    if (r->code < 0) { /* the world moved: back to the field concerned */
        take_errors(p, json_object_get(r->body, "errors"));
        form_check(p->form, c->now_ms, true);
        if (form_first_wrong(p->form) >= 0)
            form_focus(p->form, form_first_wrong(p->form));
        return;
    }
    if (p->kind->accepted)
        p->kind->accepted(p, r);
    form_reset(p->form);
    while (c->page && c->page != &p->page)
        console_pop_page(c);
    console_pop_page(c);
}

void plan_form_send(struct plan_form *p)
{
    p->real = request_change(p->page.c_b, p->kind->verb, p->kind->build(p), real_answer, p);
}

static void yes(struct console *c, void *payload)
{
    struct plan_form *p = plan_form_current(c);

    (void)payload;
    if (p)
        plan_form_send(p);
}

static void submit(struct plan_form *p)
{
    struct console *c = p->page.c_b;
    char why[240], question[160];

    if (!console_may_change(c, why, sizeof why)) {
        console_say_error(c, "%s", why);
        return;
    }
    if (p->real) {
        console_say(c, "it has been sent: the engine's answer is awaited");
        return;
    }
    if (p->kind->before && p->kind->before(p))
        return;
    if (!console_is_production(c) && !p->touches_way_in) {
        plan_form_send(p);
        return;
    }
    snprintf(question, sizeof question, "%s: do it?", p->kind->title);
    struct ask *a = ask_open(c, question, "Do it", NULL, yes, NULL);
    if (p->touches_way_in) {
        ask_add(a, "Careful", "the plan touches your own connection to this host");
        ask_add(a, "", "if it fails you may be cut off: have another way in");
    }
    if (console_is_production(c))
        ask_add(a, "Fleet", "marked as production");
}

static bool plan_key(struct page *page, const struct key *k)
{
    struct plan_form *p = (struct plan_form *)page;
    struct console *c = page->c_b;
    int wrong;

    switch (form_key(p->form, k, c->now_ms)) {
    case FORM_UNUSED:
        return false;
    case FORM_MOVED:
        break;
    case FORM_CHANGED:
        p->dirty = true;
        break;
    case FORM_SUBMIT:
        submit(p);
        break;
    case FORM_WRONG:
        wrong = form_first_wrong(p->form);
        if (wrong >= 0)
            console_say(c, "%s", form_get_hint(p->form));
        break;
    case FORM_CLOSE:
        console_pop_page(c);
        return true;
    case FORM_PLAN_UP:
        p->top = p->top > 5 ? p->top - 5 : 0;
        break;
    case FORM_PLAN_DOWN:
        p->top = p->top + 5 < p->n_lines ? p->top + 5 : p->top;
        break;
    }
    size_t dropped = form_take_dropped(p->form);
    if (dropped)
        console_say(c, "%zu control bytes of the paste were dropped", dropped);
    return true;
}

static void draw_plan(struct plan_form *p, struct canvas c)
{
    char left[120], right[48] = "", secs[FMT_MAX];
    size_t rows = c.rows > 1 ? (size_t)c.rows - 1 : 0;

    if (p->top + rows > p->n_lines)
        p->top = p->n_lines > rows ? p->n_lines - rows : 0;
    size_t last = p->top + rows < p->n_lines ? p->top + rows : p->n_lines;
    canvas_put(c, 0, 1, ROLE_COLHEAD, "PLAN");
    if (p->why[0]) {
        lines_put_wrapped(canvas_part(c, 1, 1, c.rows - 1, c.cols - 2), 0, ROLE_WARN, p->why);
        return;
    }
    if (p->n_lines == 0) {
        canvas_put(c, 0, 7, ROLE_DIM, form_first_wrong(p->form) >= 0 ? "none until every field is right"
                                                                     : "asking the engine");
        return;
    }
    snprintf(secs, sizeof secs, "%.0f s", p->seconds < 1 ? 1.0 : p->seconds);
    snprintf(left, sizeof left, "%zu step%s%s%s; %s", p->n_steps, p->n_steps == 1 ? "" : "s",
             p->seconds > 0 ? ", about " : "", p->seconds > 0 ? secs : "",
             p->touches_way_in ? "touches your own connection" : "nothing is touched before Enter");
    if (p->n_lines > rows)
        snprintf(right, sizeof right, "%zu-%zu of %zu, PgDn more", p->top + 1, last, p->n_lines);
    canvas_put(c, 0, 7, p->touches_way_in ? ROLE_WARN : ROLE_BASE, left);
    canvas_put(c, 0, c.cols - 1 - cells_width(right), ROLE_DIM, right);
    for (size_t i = p->top; i < last; i++)
        canvas_put(canvas_part(c, 0, 0, c.rows, c.cols - 1), (int)(i - p->top) + 1, 1, ROLE_BASE,
                   p->line[i]);
}

static void plan_draw(struct page *page, struct canvas body)
{
    struct plan_form *p = (struct plan_form *)page;
    struct console *c = page->c_b;
    char right[160] = "";
    int rows = (int)p->kind->n;

    if (form_check(p->form, c->now_ms, false))
        p->dirty = true;
    if (p->dirty && form_wait_ms(p->form, c->now_ms) < 0)
        ask_plan(p);
    int wrong = form_first_wrong(p->form);
    char why[240];
    if (!console_may_change(c, why, sizeof why))
        snprintf(right, sizeof right, "%.150s", why);
    else if (wrong >= 0)
        snprintf(right, sizeof right, "%s is not right yet", p->kind->fields[wrong].label);
    else
        p->kind->ready(p, right, sizeof right);
    frame_title(canvas_part(body, 0, 0, 1, body.cols), p->kind->title, right);
    draw_plan(p, canvas_part(body, rows + 2, 0, body.rows - rows - 2, body.cols));
    form_draw(p->form, canvas_part(body, 1, 0, body.rows - 1, body.cols));
}

static bool plan_status(struct page *page, char *buf, size_t cap, enum role *role)
{
    struct plan_form *p = (struct plan_form *)page;
    int at = form_get_focus(p->form);

    (void)role;
    snprintf(buf, cap, "%s", form_get_hint(p->form));
    return at >= 0 && buf[0];
}

static bool plan_keys_line(struct page *page, char *buf, size_t cap)
{
    struct plan_form *p = (struct plan_form *)page;

    if (form_list_is_open(p->form))
        snprintf(buf, cap, "type to narrow  Enter take  Esc close the list");
    else
        snprintf(buf, cap, "Enter %s  Tab next  Space choose  PgDn plan  Esc close%s",
                 strcmp(p->kind->verb, "vm.set") == 0 ? "change"
                 : strcmp(p->kind->verb, "peer.add") == 0 ? "add" : "create",
                 p->draft ? ", draft is kept" : "");
    return true;
}

static int plan_wait(const struct page *page)
{
    const struct plan_form *p = (const struct plan_form *)page;

    return form_wait_ms(p->form, page->c_b->now_ms);
}

static void plan_turn(struct page *page)
{
    /* What fields say of the fleet (free memory, taken names) is checked against the new picture. */
    form_check(((struct plan_form *)page)->form, page->c_b->now_ms, true);
}

static void plan_free(struct page *page)
{
    struct plan_form *p = (struct plan_form *)page;

    request_forget(page->c_b, p);
    if (p->draft)
        *p->draft = p->form;
    else
        form_free(p->form);
    json_decref(p->body);
    free(p->line);
    free(p);
}

static const struct page_ops ops = {
    .name = "Form",
    .contexts = {CTX_FORM, -1},
    .draw = plan_draw,
    .key = plan_key,
    .status = plan_status,
    .keys_line = plan_keys_line,
    .wait_ms = plan_wait,
    .turn = plan_turn,
    .free = plan_free,
};

struct plan_form *plan_form_current(const struct console *c)
{
    for (struct page *page = c->page; page; page = page->under)
        if (page->ops == &ops)
            return (struct plan_form *)page;
    return NULL;
}

struct plan_form *plan_form_open(struct console *c, const struct plan_form_kind *kind,
                                 struct form *form, struct form **draft)
{
    struct plan_form *p = xmem_new(1, sizeof *p);

    page_init(&p->page, &ops, c);
    p->kind = kind;
    p->form = form;
    p->draft = draft;
    p->line = xmem_new(PLAN_LINES, PLAN_LINE);
    if (draft)
        *draft = NULL; /* it is the page's until it closes */
    console_push_page(c, &p->page);
    return p;
}
