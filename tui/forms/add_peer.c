/* The form that adds a WireGuard peer. Console thread. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "backend/model/text.h"
#include "tui/act.h"
#include "tui/forms/plan_form.h"
#include "tui/state.h"
#include "widgets/xmem.h"

enum { NAME, KEY, ENDPOINT, PREFIXES, KEEPALIVE, EXPECTED, FIELDS };

static bool refused(void *ctx, int field, const char *value, char *msg, size_t cap)
{
    const struct plan_form *p = plan_form_current(ctx);

    if (!p || !plan_form_refused(p, field, value)[0])
        return false;
    snprintf(msg, cap, "%s", plan_form_refused(p, field, value));
    return true;
}

static const struct peer_row *peer_named(const struct console *c, const char *name)
{
    struct peer_row key = {0};

    xmem_copy_text(key.name, sizeof key.name, name);
    return view_find(c->snap->tables[TABLE_PEERS], &key);
}

static bool check_name(void *ctx, const struct form *f, int field, const char *value, char *msg,
                       size_t cap)
{
    (void)f;
    if (!text_name_is_valid(value)) {
        snprintf(msg, cap, "Small letters, digits and - only, a letter first.");
        return false;
    }
    if (peer_named(ctx, value)) {
        snprintf(msg, cap, "A peer %s exists already.", value);
        return false;
    }
    return !refused(ctx, field, value, msg, cap);
}

static bool is_key(const char *value)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return strlen(value) == 44 && strspn(value, digits) == 43 && value[43] == '=' &&
           strchr("AEIMQUYcgkosw048", value[42]);
}

static bool check_key(void *ctx, const struct form *f, int field, const char *value, char *msg,
                      size_t cap)
{
    const struct console *c = ctx;
    const struct table_view *tv = c->snap->tables[TABLE_PEERS];
    char key[FMT_KEY];

    (void)f;
    if (!is_key(value)) {
        snprintf(msg, cap, value[0] ? "%zu of 44 characters that end in =" : "its public key, 44 characters",
                 strlen(value));
        return false;
    }
    if (strcmp(fmt_key(key, c->snap->meta.public_key), value) == 0) {
        snprintf(msg, cap, "That is this node's own key.");
        return false;
    }
    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct peer_row *p = view_at(tv, i);
        if (strcmp(fmt_key(key, p->public_key), value) == 0) {
            snprintf(msg, cap, "That is %s's key.", p->name);
            return false;
        }
    }
    return !refused(ctx, field, value, msg, cap);
}

static bool check_endpoint(void *ctx, const struct form *f, int field, const char *value, char *msg,
                           size_t cap)
{
    struct endpoint e;
    struct err why = {0};

    (void)f;
    if (value[0] == '\0') {
        snprintf(msg, cap, "none: it must call first");
        return true;
    }
    if (addr_endpoint_parse(value, &e, &why) < 0) {
        snprintf(msg, cap, "%s", why.text);
        return false;
    }
    return !refused(ctx, field, value, msg, cap);
}

/* Whose prefix overlaps it, "" for nobody's. */
static const char *holder_of(const struct console *c, const struct addr *a)
{
    const struct table_view *tv = c->snap->tables[TABLE_PEERS];
    char word[ADDR_TEXT];
    struct addr other;

    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct peer_row *p = view_at(tv, i);
        for (const char *s = p->allowed_ips; *s; s += strspn(s, " ")) {
            size_t n = strcspn(s, " ");
            snprintf(word, sizeof word, "%.*s", (int)n, s);
            if (addr_parse(word, false, &other, NULL) == 0 && addr_overlaps(&other, a))
                return p->name;
            s += n;
        }
    }
    return "";
}

static bool check_prefixes(void *ctx, const struct form *f, int field, const char *value, char *msg,
                           size_t cap)
{
    char word[ADDR_TEXT];
    struct addr a;
    struct err why = {0};

    (void)f;
    for (const char *s = value + strspn(value, " ,"); *s; s += strspn(s, " ,")) {
        size_t n = strcspn(s, " ,");
        snprintf(word, sizeof word, "%.*s", (int)n, s);
        if (addr_parse(word, true, &a, &why) < 0) {
            snprintf(msg, cap, "%s", why.text);
            return false;
        }
        const char *holder = holder_of(ctx, &a);
        if (holder[0]) {
            snprintf(msg, cap, "%s overlaps a prefix of %s.", word, holder);
            return false;
        }
        s += n;
    }
    if (value[0] == '\0')
        snprintf(msg, cap, "what lies behind it, like 192.0.2.0/24");
    return !refused(ctx, field, value, msg, cap);
}

static bool check_keepalive(void *ctx, const struct form *f, int field, const char *value, char *msg,
                            size_t cap)
{
    int64_t n = form_get_number(f, field);

    if (n < 0 || n > 65535) {
        snprintf(msg, cap, "\"%s\": seconds, 0 to 65535; 0 is off.", value);
        return false;
    }
    snprintf(msg, cap, n ? "silence is then not idleness" : "off: a quiet peer looks idle");
    return !refused(ctx, field, value, msg, cap);
}

static bool choose_expected(void *ctx, const struct form *f, int field, size_t i,
                            struct form_choice *out)
{
    static const char *const word[] = {"always", "sometimes"};
    static const char *const note[] = {"an alert when it is away", "a laptop: being away is no alarm"};

    (void)ctx;
    (void)f;
    (void)field;
    if (i >= 2)
        return false;
    xmem_copy_text(out->text, sizeof out->text, word[i]);
    xmem_copy_text(out->note, sizeof out->note, note[i]);
    out->blocked = false;
    return true;
}

static bool check_expected(void *ctx, const struct form *f, int field, const char *value, char *msg,
                           size_t cap)
{
    (void)f;
    if (strcmp(value, "always") != 0 && strcmp(value, "sometimes") != 0) {
        snprintf(msg, cap, "always or sometimes");
        return false;
    }
    snprintf(msg, cap, value[0] == 'a' ? "an alert when it is away" : "being away is no alarm");
    return !refused(ctx, field, value, msg, cap);
}

static const struct form_field fields[FIELDS] = {
    [NAME] = {"Name", FORM_TEXT, 31, NULL, "", "Name: as it is called here", NULL, check_name, NULL},
    [KEY] = {"Key", FORM_TEXT, 44, NULL, "", "Key: the peer's public key, as `wg pubkey` prints it",
             NULL, check_key, NULL},
    [ENDPOINT] = {"Endpoint", FORM_TEXT, 44, NULL, "",
                  "Endpoint: address:port, or [v6]:port; empty when it calls us", NULL, check_endpoint,
                  NULL},
    [PREFIXES] = {"Prefixes", FORM_TEXT, 44, NULL, "", "Prefixes: several with blanks", NULL,
                  check_prefixes, NULL},
    [KEEPALIVE] = {"Keepalive", FORM_NUMBER, 6, "s", "25", "Keepalive: seconds, 0 is off", NULL,
                   check_keepalive, NULL},
    [EXPECTED] = {"Expected", FORM_CHOICE, 12, NULL, "always", "Expected: should it always be there?",
                  NULL, check_expected, choose_expected},
};

static const char *const args_of[FIELDS] = {
    [NAME] = "name", [KEY] = "public_key", [ENDPOINT] = "endpoint", [PREFIXES] = "allowed_ips",
    [KEEPALIVE] = "keepalive", [EXPECTED] = "expected",
};

static json_t *build(struct plan_form *p)
{
    const struct form *f = p->form;
    json_t *o = json_object(), *prefixes = json_array();

    for (const char *s = form_get(f, PREFIXES) + strspn(form_get(f, PREFIXES), " ,"); *s;
         s += strspn(s, " ,")) {
        size_t n = strcspn(s, " ,");
        json_array_append_new(prefixes, json_stringn(s, n));
        s += n;
    }
    json_object_set_new(o, "name", json_string(form_get(f, NAME)));
    json_object_set_new(o, "public_key", json_string(form_get(f, KEY)));
    if (form_get(f, ENDPOINT)[0])
        json_object_set_new(o, "endpoint", json_string(form_get(f, ENDPOINT)));
    json_object_set_new(o, "allowed_ips", prefixes);
    json_object_set_new(o, "keepalive", json_integer(form_get_number(f, KEEPALIVE)));
    json_object_set_new(o, "expected", json_string(form_get(f, EXPECTED)));
    return o;
}

static void ready(const struct plan_form *p, char *buf, size_t cap)
{
    snprintf(buf, cap, "ready: Enter adds %s", form_get(p->form, NAME));
}

static void accepted(struct plan_form *p, struct reply *r)
{
    (void)r;
    command_note_undo(p->page.c_b, "peer.remove", json_pack("{s:s}", "name", form_get(p->form, NAME)),
                      form_get(p->form, NAME));
}

static const struct plan_form_kind kind = {
    .title = "Add peer",
    .verb = "peer.add",
    .fields = fields,
    .args = args_of,
    .n = FIELDS,
    .build = build,
    .ready = ready,
    .accepted = accepted,
};

void page_open_peer(struct console *c)
{
    struct form *f = c->peer_draft ? c->peer_draft : form_new(fields, FIELDS, c);

    if (!c->peer_draft || !form_is_edited(f))
        form_reset(f);
    plan_form_reread(plan_form_open(c, &kind, f, &c->peer_draft));
}
