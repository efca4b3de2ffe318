/*
 * The form that makes a VM. Every field starts valid, so that Enter alone makes one; what each field
 * says beside it comes from the snapshot at once and from the engine's dry run a moment later.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"
#include "tui/command.h"
#include "tui/forms/create_vm.h"
#include "tui/forms/plan_form.h"
#include "tui/requests.h"
#include "tui/state.h"
#include "tui/tickets.h"
#include "tui/views/vm_parts.h"
#include "widgets/xmem.h"

enum { NAME, IMAGE, NETWORK, NODE, CPUS, MEMORY, DISK, ADDRESS, PORTS, START, FIELDS };

#define THIS_ONE " (this one)"

/* The lowest free name that begins so: "web1" of "web". */
static void free_name(const struct console *c, const char *like, char *buf, size_t cap)
{
    size_t stem = strlen(like);

    while (stem > 0 && like[stem - 1] >= '0' && like[stem - 1] <= '9')
        stem--;
    if (stem > 26)
        stem = 26;
    for (unsigned n = 1; n < 100000; n++) {
        snprintf(buf, cap, "%.*s%u", (int)stem, like, n);
        if (!vm_by_name(c, buf))
            return;
    }
}

static bool check_name(void *ctx, const struct form *f, int field, const char *value, char *msg,
                       size_t cap)
{
    const struct console *c = ctx;
    const struct vm_row *vm = vm_by_name(c, value);
    char other[40];

    (void)f;
    (void)field;
    if (!text_name_is_valid(value)) {
        snprintf(msg, cap, "Small letters, digits and - only, a letter first.");
        return false;
    }
    if (vm) {
        free_name(c, value, other, sizeof other);
        snprintf(msg, cap, "%s exists on %s; %s is free.", value, vm->node, other);
        return false;
    }
    snprintf(msg, cap, "free; becomes %s.internal", value);
    return true;
}

static const struct image_row *image_named(const struct console *c, const char *name)
{
    struct image_row key = {0};

    xmem_copy_text(key.name, sizeof key.name, name);
    return view_find(c->snap->tables[TABLE_IMAGES], &key);
}

static bool check_image(void *ctx, const struct form *f, int field, const char *value, char *msg,
                        size_t cap)
{
    const struct image_row *i = image_named(ctx, value);
    char size[FMT_MAX];

    (void)f;
    (void)field;
    if (!i && strcmp(value, "builtin") == 0) {
        snprintf(msg, cap, "not built yet: Enter builds it first");
        return true;
    }
    if (!i)
        snprintf(msg, cap, "There is no image %s: Space lists them.", value);
    else if (i->problem[0])
        snprintf(msg, cap, "%s", i->problem);
    else
        snprintf(msg, cap, "%s%s%s", i->origin, i->origin[0] ? ", " : "", fmt_bytes(size, i->size_bytes));
    return i && !i->problem[0];
}

static bool choose_image(void *ctx, const struct form *f, int field, size_t i,
                         struct form_choice *out)
{
    const struct console *c = ctx;
    const struct image_row *row = view_at(c->snap->tables[TABLE_IMAGES], i);

    (void)f;
    (void)field;
    if (!row)
        return false;
    xmem_copy_text(out->text, sizeof out->text, row->name);
    xmem_copy_text(out->note, sizeof out->note, row->problem[0] ? row->problem : row->origin);
    out->blocked = row->problem[0];
    return true;
}

static const char *shape_word(const char *shape)
{
    return strcmp(shape, "mesh") == 0 ? "routed" : strcmp(shape, "bridge") == 0 ? "bridged"
           : strcmp(shape, "p2p") == 0 ? "point to point" : shape;
}

static void format_network(const struct network_row *n, char *buf, size_t cap)
{
    if (n->total && n->free == 0)
        snprintf(buf, cap, "%s is full, %u of %u: choose another.", n->name, n->total, n->total);
    else
        snprintf(buf, cap, "%s, %s, %u member%s", shape_word(n->shape), n->nat ? "NAT out" : "no NAT",
                 n->vms, n->vms == 1 ? "" : "s");
}

static bool check_network(void *ctx, const struct form *f, int field, const char *value, char *msg,
                          size_t cap)
{
    const struct console *c = ctx;
    struct network_row key = {0};
    const struct network_row *n;

    (void)f;
    (void)field;
    xmem_copy_text(key.name, sizeof key.name, value);
    n = view_find(c->snap->tables[TABLE_NETWORKS], &key);
    if (!n) {
        snprintf(msg, cap, "There is no network %s: Space lists them.", value);
        return false;
    }
    format_network(n, msg, cap);
    return !(n->total && n->free == 0);
}

static bool choose_network(void *ctx, const struct form *f, int field, size_t i,
                           struct form_choice *out)
{
    const struct console *c = ctx;
    const struct network_row *n = view_at(c->snap->tables[TABLE_NETWORKS], i);

    (void)f;
    (void)field;
    if (!n)
        return false;
    xmem_copy_text(out->text, sizeof out->text, n->name);
    format_network(n, out->note, sizeof out->note);
    out->blocked = n->total && n->free == 0;
    return true;
}

static void node_value(const struct node_row *n, char *buf, size_t cap)
{
    snprintf(buf, cap, "%s%s", n->name, n->self ? THIS_ONE : "");
}

static const struct node_row *node_of_value(const struct console *c, const char *value)
{
    struct node_row key = {0};

    snprintf(key.name, sizeof key.name, "%.*s", (int)strcspn(value, " "), value);
    return view_find(c->snap->tables[TABLE_NODES], &key);
}

static bool format_node(const struct console *c, const struct node_row *n, char *buf, size_t cap)
{
    char since[FMT_MAX];

    if (n->state == NODE_LOST) {
        snprintf(buf, cap, "%s is down since %s: choose another, or auto.", n->name,
                 fmt_hm(since, &c->clock, n->seen_ms));
        return false;
    }
    snprintf(buf, cap, "%s%s", n->accel, n->state == NODE_UP ? "" : ", not up");
    return true;
}

static bool check_node(void *ctx, const struct form *f, int field, const char *value, char *msg,
                       size_t cap)
{
    const struct node_row *n = node_of_value(ctx, value);

    (void)f;
    (void)field;
    if (strcmp(value, "auto") == 0) {
        snprintf(msg, cap, "the node with the most room");
        return true;
    }
    if (!n) {
        snprintf(msg, cap, "There is no node %s: Space lists them.", value);
        return false;
    }
    return format_node(ctx, n, msg, cap);
}

static bool choose_node(void *ctx, const struct form *f, int field, size_t i,
                        struct form_choice *out)
{
    const struct console *c = ctx;
    const struct table_view *tv = c->snap->tables[TABLE_NODES];

    (void)f;
    (void)field;
    if (i == tv->n_rows && i > 1) {
        xmem_copy_text(out->text, sizeof out->text, "auto");
        xmem_copy_text(out->note, sizeof out->note, "the node with the most room");
        out->blocked = false;
        return true;
    }
    const struct node_row *n = view_at(tv, i);
    if (!n)
        return false;
    node_value(n, out->text, sizeof out->text);
    out->blocked = !format_node(c, n, out->note, sizeof out->note);
    return true;
}

static bool is_here(const struct console *c, const struct form *f)
{
    const struct node_row *n = node_of_value(c, form_get(f, NODE));

    return n && n->self;
}

static bool check_cpus(void *ctx, const struct form *f, int field, const char *value, char *msg,
                       size_t cap)
{
    const struct console *c = ctx;
    const struct snapshot_meta *m = &c->snap->meta;
    const struct table_view *tv = c->snap->tables[TABLE_VMS];
    int64_t n = form_get_number(f, field);
    uint32_t given = 0;

    if (n < 1) {
        snprintf(msg, cap, "\"%s\": a number from 1 up.", value);
        return false;
    }
    if (!is_here(c, f) || m->cores == 0)
        return true;
    if (n > m->cores) {
        snprintf(msg, cap, "%" PRId64 " of %u cores.", n, m->cores);
        return false;
    }
    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct vm_row *vm = view_at(tv, i);
        if (!vm->remote && vm->state != VM_STATE_STOPPED && vm->state != VM_STATE_FAILED)
            given += vm->vcpus;
    }
    snprintf(msg, cap, "of %u; %u are given out", m->cores, given);
    return true;
}

static double free_gib(uint64_t total, const struct load_series *s)
{
    return (double)total * (1000 - (double)(s->now > 1000 ? 1000 : s->now)) / 1000 / (1 << 30);
}

static bool check_memory(void *ctx, const struct form *f, int field, const char *value, char *msg,
                         size_t cap)
{
    const struct console *c = ctx;
    const struct snapshot_meta *m = &c->snap->meta;
    int64_t n = form_get_number(f, field);
    double left = free_gib(m->memory_bytes, &m->memory);
    char count[FMT_MAX], want[FMT_MAX];

    if (n < 32) {
        snprintf(msg, cap, "\"%s\": at least 32 MiB; 512, 512m and 2g are understood.", value);
        return false;
    }
    if (!is_here(c, f) || m->memory_bytes == 0)
        return true;
    if ((double)n > left * 1024) {
        snprintf(msg, cap, "%s wanted, %.1f free on %s.", fmt_mib(want, (uint64_t)n), left, m->node);
        return false;
    }
    snprintf(msg, cap, "%s MiB are free", fmt_count(count, (uint64_t)(left * 1024)));
    return true;
}

static bool check_disk(void *ctx, const struct form *f, int field, const char *value, char *msg,
                       size_t cap)
{
    const struct console *c = ctx;
    const struct snapshot_meta *m = &c->snap->meta;
    const struct plan_form *p = plan_form_current(c);
    const char *refused = p ? plan_form_refused(p, field, value) : "";

    if (form_get_number(f, field) < 1) {
        snprintf(msg, cap, "\"%s\": whole GiB from 1 up.", value);
        return false;
    }
    if (refused[0])
        snprintf(msg, cap, "%s", refused);
    else if (m->disk_bytes)
        snprintf(msg, cap, "grows as used; %.0f GiB free", free_gib(m->disk_bytes, &m->disk));
    return !refused[0];
}

static bool check_address(void *ctx, const struct form *f, int field, const char *value, char *msg,
                          size_t cap)
{
    const struct console *c = ctx;
    const struct plan_form *p = plan_form_current(c);
    struct addr a;
    struct err e = {0};
    char text[ADDR_TEXT];

    (void)f;
    if (p && plan_form_refused(p, field, value)[0]) {
        snprintf(msg, cap, "%s", plan_form_refused(p, field, value));
        return false;
    }
    if (strcmp(value, "auto") == 0 || value[0] == '\0') {
        if (p && plan_form_answer(p, "ip4")[0])
            snprintf(msg, cap, "%s is next", plan_form_answer(p, "ip4"));
        return true;
    }
    if (addr_parse(value, true, &a, &e) < 0) {
        snprintf(msg, cap, "%s", e.text);
        return false;
    }
    const struct table_view *tv = c->snap->tables[TABLE_VMS];
    for (size_t i = 0; i < tv->n_rows; i++) {
        const struct vm_row *vm = view_at(tv, i);
        if (addr_compare(&vm->ip4, &a) == 0 || addr_compare(&vm->ip6, &a) == 0) {
            snprintf(msg, cap, "%s is %s's.", addr_format(&a, false, text), vm->name);
            return false;
        }
    }
    return true;
}

static bool check_ports(void *ctx, const struct form *f, int field, const char *value, char *msg,
                        size_t cap)
{
    const struct plan_form *p = plan_form_current(ctx);

    (void)f;
    if (value[strspn(value, " ")] == '\0') {
        snprintf(msg, cap, "none; like 8080:80 53:53/udp");
        return true;
    }
    if (!create_check_ports(ctx, value, msg, cap))
        return false;
    if (p && plan_form_refused(p, field, value)[0]) {
        snprintf(msg, cap, "%s", plan_form_refused(p, field, value));
        return false;
    }
    return true;
}

/* Coming back after a reboot needs an engine that the boot starts. */
static bool check_start(void *ctx, const struct form *f, int field, const char *value, char *msg,
                        size_t cap)
{
    const struct console *c = ctx;

    (void)f;
    (void)field;
    if (value[0] && !c->snap->meta.headless_enabled && !c->snap->meta.demo)
        snprintf(msg, cap, "reboot: first :enable-engine");
    return true;
}

/* A validator of the form's, then what the engine said of the same value. */
#define WITH_REFUSAL(check)                                                                        \
    static bool check##_too(void *ctx, const struct form *f, int field, const char *value,         \
                            char *msg, size_t cap)                                                 \
    {                                                                                              \
        const struct plan_form *p = plan_form_current(ctx);                                        \
        if (!check(ctx, f, field, value, msg, cap))                                                \
            return false;                                                                          \
        if (!p || !plan_form_refused(p, field, value)[0])                                          \
            return true;                                                                           \
        snprintf(msg, cap, "%s", plan_form_refused(p, field, value));                              \
        return false;                                                                              \
    }
WITH_REFUSAL(check_name)
WITH_REFUSAL(check_image)
WITH_REFUSAL(check_network)
WITH_REFUSAL(check_node)
WITH_REFUSAL(check_cpus)
WITH_REFUSAL(check_memory)

static const struct form_field fields[FIELDS] = {
    [NAME] = {"Name", FORM_TEXT, 31, NULL, "vm1",
              "Name: a-z first, then a-z 0-9 and -, at most 31, not - last", NULL, check_name_too,
              NULL},
    [IMAGE] = {"Image", FORM_CHOICE, 31, NULL, "builtin", "Image: Space lists them, typing narrows",
               NULL, check_image_too, choose_image},
    [NETWORK] = {"Network", FORM_CHOICE, 31, NULL, "mesh", "Network: who the VM may talk to", NULL,
                 check_network_too, choose_network},
    [NODE] = {"Node", FORM_CHOICE, 31, NULL, "", "Node: the host that runs it", NULL, check_node_too,
              choose_node},
    [CPUS] = {"CPUs", FORM_NUMBER, 6, NULL, "1", "CPUs: virtual processors", NULL, check_cpus_too,
              NULL},
    [MEMORY] = {"Memory", FORM_NUMBER, 6, "MiB", "256", "Memory: 512, 512m or 2g", NULL,
                check_memory_too, NULL},
    [DISK] = {"Disk", FORM_NUMBER, 6, "GiB", "10", "Disk: its largest size; it grows as it is used",
              NULL, check_disk, NULL},
    [ADDRESS] = {"Address", FORM_TEXT, 31, NULL, "auto",
                 "Address: auto takes the next; else an IPv4 of the network", NULL, check_address,
                 NULL},
    [PORTS] = {"Ports", FORM_TEXT, 31, NULL, "", "Ports: HOST:GUEST, /udp for UDP, several with blanks",
               NULL, check_ports, NULL},
    [START] = {"Start", FORM_TICK, 0, NULL, "yes", "Start: Space changes it",
               "now, and after a reboot of the host", check_start, NULL},
};

static const char *const args_of[FIELDS] = {
    [NAME] = "name", [IMAGE] = "image", [NETWORK] = "network", [NODE] = "node",
    [CPUS] = "cpus", [MEMORY] = "memory_mib", [DISK] = "disk_gib", [ADDRESS] = "ip",
    [PORTS] = "ports", [START] = "start",
};

static json_t *words(const char *text)
{
    json_t *a = json_array();

    for (text += strspn(text, " ,"); *text; text += strspn(text, " ,")) {
        size_t n = strcspn(text, " ,");
        json_array_append_new(a, json_stringn(text, n));
        text += n;
    }
    return a;
}

static json_t *build(struct plan_form *p)
{
    const struct form *f = p->form;
    const char *node = form_get(f, NODE), *ip = form_get(f, ADDRESS);
    bool start = form_get_tick(f, START);
    json_t *o = json_object(), *ports = words(form_get(f, PORTS));

    json_object_set_new(o, "name", json_string(form_get(f, NAME)));
    json_object_set_new(o, "image", json_string(form_get(f, IMAGE)));
    json_object_set_new(o, "network", json_string(form_get(f, NETWORK)));
    if (node[0])
        json_object_set_new(o, "node", json_stringn(node, strcspn(node, " ")));
    json_object_set_new(o, "cpus", json_integer(form_get_number(f, CPUS)));
    json_object_set_new(o, "memory_mib", json_integer(form_get_number(f, MEMORY)));
    json_object_set_new(o, "disk_gib", json_integer(form_get_number(f, DISK)));
    if (ip[0] && strcmp(ip, "auto") != 0)
        json_object_set_new(o, "ip", json_string(ip));
    if (json_array_size(ports) > 0)
        json_object_set_new(o, "ports", ports);
    else
        json_decref(ports);
    json_object_set_new(o, "start", json_boolean(start));
    json_object_set_new(o, "autostart", json_boolean(start));
    return o;
}

static bool wants_build(const struct plan_form *p)
{
    const char *image = form_get(p->form, IMAGE);

    return strcmp(image, "builtin") == 0 && !image_named(p->page.c_b, image);
}

static void ready(const struct plan_form *p, char *buf, size_t cap)
{
    if (wants_build(p))
        snprintf(buf, cap, "Enter builds the built-in image, then creates %s", form_get(p->form, NAME));
    else
        snprintf(buf, cap, "ready: Enter creates %s", form_get(p->form, NAME));
}

static void build_answer(struct console *c, void *owner, struct reply *r)
{
    json_t *ticket = json_object_get(r->body, "ticket");

    (void)owner;
    if (r->code == 0 && json_is_integer(ticket))
        c->after_build.ticket = (uint64_t)json_integer_value(ticket);
}

/* No image yet: Enter builds it, and the VM is made when that is done. */
static bool before(struct plan_form *p)
{
    struct console *c = p->page.c_b;

    if (!wants_build(p))
        return false;
    json_decref(c->after_build.args);
    c->after_build.ticket = 0;
    c->after_build.args = build(p);
    console_say(c, "building the built-in image; %s is made after it", form_get(p->form, NAME));
    request_change(c, "image.build", NULL, build_answer, NULL);
    console_pop_page(c);
    return true;
}

void create_turn(struct console *c)
{
    const struct ticket_row *t = c->after_build.args && c->after_build.ticket
                                     ? tickets_find(c, c->after_build.ticket) : NULL;

    if (!t || !tickets_is_over(t))
        return;
    if (t->state == TICKET_DONE)
        request_change(c, "vm.create", c->after_build.args, NULL, NULL);
    else
        json_decref(c->after_build.args);
    c->after_build.args = NULL;
}

static void accepted(struct plan_form *p, struct reply *r)
{
    struct console *c = p->page.c_b;

    (void)r;
    command_keep(c, SET_IMAGE, form_get(p->form, IMAGE));
    command_keep(c, SET_NETWORK, form_get(p->form, NETWORK));
    xmem_copy_text(c->go_to_vm, sizeof c->go_to_vm, form_get(p->form, NAME));
}

static const struct plan_form_kind kind = {
    .title = "Create VM",
    .verb = "vm.create",
    .fields = fields,
    .args = args_of,
    .n = FIELDS,
    .build = build,
    .ready = ready,
    .before = before,
    .accepted = accepted,
};

/* The table, but for the words that name this node. */
static const struct form_field *fields_for(struct console *c)
{
    if (!c->create_fields) {
        c->create_fields = xmem_new(FIELDS, sizeof *c->create_fields);
        memcpy(c->create_fields, fields, sizeof fields);
        snprintf(c->create_start, sizeof c->create_start, "now, and after a reboot of %s",
                 c->snap->meta.node);
        c->create_fields[START].tick_text = c->create_start;
    }
    return c->create_fields;
}

static void set_defaults(struct console *c, struct form *f)
{
    const struct table_view *nodes = c->snap->tables[TABLE_NODES];
    char text[64];

    form_reset(f);
    free_name(c, "vm", text, sizeof text);
    form_set(f, NAME, text);
    if (image_named(c, c->set.value[SET_IMAGE]))
        form_set(f, IMAGE, c->set.value[SET_IMAGE]);
    form_set(f, NETWORK, c->set.value[SET_NETWORK]);
    snprintf(text, sizeof text, "%s%s", c->snap->meta.node, THIS_ONE);
    for (size_t i = 0; i < nodes->n_rows; i++) {
        const struct node_row *n = view_at(nodes, i);
        if (n->self)
            node_value(n, text, sizeof text);
    }
    form_set(f, NODE, text);
    form_select(f);
}

void page_open_create(struct console *c)
{
    struct form *f = c->create_draft ? c->create_draft : form_new(fields_for(c), FIELDS, c);

    if (!c->create_draft || !form_is_edited(f))
        set_defaults(c, f);
    plan_form_reread(plan_form_open(c, &kind, f, &c->create_draft));
}
