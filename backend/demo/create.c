/*
 * Creating a VM on the simulated fleet: every field checked as the engine checks it, and the plan
 * that the form previews. Nothing is changed here. Demo thread.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

enum { HOST_CORES = 64, HOST_MIB = 180000, IMAGE_MIN_GIB = 2 };

static void wrong(json_t *errors, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void wrong(json_t *errors, const char *field, const char *fmt, ...)
{
    char text[240];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_array_append_new(errors, json_pack("{s:s, s:s}", "field", field, "text", text));
}

static const char *text_of(const json_t *args, const char *field, const char *otherwise)
{
    const char *s = json_string_value(json_object_get(args, field));
    return s && s[0] ? s : otherwise;
}

static uint32_t number_of(const json_t *args, const char *field, uint32_t otherwise)
{
    const json_t *v = json_object_get(args, field);
    return v ? (uint32_t)json_integer_value(v) : otherwise;
}

static void check_name(struct demo *d, const char *name, json_t *errors)
{
    const struct vm_row *taken = demo_vm(d, name);
    char free_name[32], stem[32];
    size_t n = strlen(name);

    if (!taken)
        return;
    while (n > 1 && name[n - 1] >= '0' && name[n - 1] <= '9')
        n--;
    str_copy(stem, n + 1 < sizeof stem ? n + 1 : sizeof stem, name);
    for (unsigned i = 2; i < 100; i++) {
        (void)snprintf(free_name, sizeof free_name, "%.20s%u", stem, i);
        if (!demo_vm(d, free_name))
            break;
    }
    wrong(errors, "name", "%s exists on %s; %s is free.", name, taken->node, free_name);
}

static void check_image(struct demo *d, const char *name, json_t *errors)
{
    struct image_row key = {.id = 0};

    const struct image_row *i = str_copy(key.name, sizeof key.name, name)
                                    ? table_find(d->tables[TABLE_IMAGES], &key)
                                    : NULL;
    if (!i)
        wrong(errors, "image", "%.40s: there is no such image.", name);
    else if (i->problem[0])
        wrong(errors, "image", "%s: %s.", name, i->problem);
}

static void check_network(struct demo *d, const char *name, json_t *errors)
{
    struct network_row key = {.id = 0};

    const struct network_row *n = str_copy(key.name, sizeof key.name, name)
                                      ? table_find(d->tables[TABLE_NETWORKS], &key)
                                      : NULL;
    if (!n)
        wrong(errors, "network", "%.40s: there is no such network.", name);
    else if (strcmp(n->shape, "mesh") != 0)
        wrong(errors, "network", "%s has the shape %s; the demo makes VMs in mesh and dmz only.",
              name, n->shape);
}

/* The node asked for, or one with room. */
static const struct node_row *pick_node(struct demo *d, const char *name, json_t *errors)
{
    bool any = strcmp(name, "auto") == 0;
    const struct node_row *n = demo_node(d, any ? demo_node_name(1) : name);

    for (uint32_t i = 2; any && n && n->vms >= DEMO_NODE_VMS && i <= d->n_nodes; i++)
        n = demo_node(d, demo_node_name(i));
    if (!n)
        wrong(errors, "node", "%.31s: there is no such node.", name);
    else if (n->state != NODE_UP)
        wrong(errors, "node", "%s is %s: choose another, or auto.", n->name,
              node_state_names[n->state]);
    else if (n->vms >= DEMO_NODE_VMS)
        wrong(errors, "node", "%s is full, %u of %d: choose another, or auto.", n->name, n->vms,
              DEMO_NODE_VMS);
    return n;
}

/* Lowest free host of the node's /24, or the one asked for when it is free. */
static struct addr pick_address(struct demo *d, const struct node_row *n, const char *text,
                                json_t *errors)
{
    const uint32_t base = (10u << 24) | (210u << 16) | ((uint32_t)(n->id - 1) << 8);
    const char *owner[256] = {NULL};
    struct err e = {0};
    struct addr a;
    uint32_t host = 2;

    for (size_t i = 0; i < table_count(d->tables[TABLE_VMS]); i++) {
        const struct vm_row *r = table_at(d->tables[TABLE_VMS], i);
        if ((addr_ip4_host(&r->ip4) & 0xffffff00u) == base)
            owner[addr_ip4_host(&r->ip4) & 255] = r->name;
    }
    while (host < 255 && owner[host])
        host++;
    struct addr next = addr_ip4(base | host, 32);
    if (strcmp(text, "auto") == 0)
        return next;
    if (addr_parse(text, true, &a, &e) < 0) {
        wrong(errors, "ip", "%s", e.text);
        return next;
    }
    host = addr_ip4_host(&a);
    if (a.family != AF_INET || (host & 0xffffff00u) != base || (host & 255) < 2 ||
        (host & 255) > 254) {
        char range[ADDR_TEXT];
        struct addr block = addr_ip4(base, 24);
        wrong(errors, "ip", "Not in %s, the range of %s.", addr_format(&block, true, range),
              n->name);
    } else if (owner[host & 255]) {
        wrong(errors, "ip", "%s is %s's.", text, owner[host & 255]);
    } else {
        return a;
    }
    return next;
}

/* Who has this port of the node: any VM there. */
static const char *port_owner(struct demo *d, const char *node, unsigned long port, bool udp)
{
    char want[24];

    (void)snprintf(want, sizeof want, "%lu:", port);
    for (size_t i = 0; i < table_count(d->tables[TABLE_VMS]); i++) {
        const struct vm_row *r = table_at(d->tables[TABLE_VMS], i);
        const char *at = r->ports[0] && strcmp(r->node, node) == 0 ? strstr(r->ports, want) : NULL;
        if (at && (at == r->ports || at[-1] == ' ') && (strstr(at, "/udp") != NULL) == udp)
            return r->name;
    }
    return NULL;
}

/* "8080:80" or "53:53/udp" */
static bool parse_port(const char *text, unsigned long *ret_host, unsigned long *ret_guest,
                       bool *ret_udp)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9')
        return false;
    *ret_host = strtoul(text, &end, 10);
    if (*end != ':' || end[1] < '0' || end[1] > '9')
        return false;
    *ret_guest = strtoul(end + 1, &end, 10);
    *ret_udp = strcmp(end, "/udp") == 0;
    return *end == '\0' || *ret_udp || strcmp(end, "/tcp") == 0;
}

static const char *check_ports(struct demo *d, const char *node, const json_t *ports,
                               json_t *errors)
{
    char all[512] = "";
    size_t i, len = 0;
    json_t *word;

    json_array_foreach(ports, i, word)
    {
        const char *text = json_string_value(word);
        unsigned long host, guest;
        bool udp;
        if (!parse_port(text, &host, &guest, &udp)) {
            wrong(errors, "ports", "%s: a port is HOST:GUEST, like 8080:80 or 53:53/udp.", text);
            continue;
        }
        if (host < 1 || host > 65535 || guest < 1 || guest > 65535)
            wrong(errors, "ports", "%lu: a port is 1 to 65535.",
                  host > 65535 || !host ? host : guest);
        const char *owner = port_owner(d, node, host, udp);
        if (owner)
            wrong(errors, "ports", "%lu already goes to %s.", host, owner);
        str_add(all, sizeof all, &len, "%s%lu:%lu/%s", i ? " " : "", host, guest,
                udp ? "udp" : "tcp");
    }
    return demo_sym("%s", all);
}

static const char *join_words(const json_t *list)
{
    char all[512] = "";
    size_t i, len = 0;
    json_t *word;

    json_array_foreach(list, i, word)
        str_add(all, sizeof all, &len, "%s%s", i ? " " : "", json_string_value(word));
    return demo_sym("%s", all);
}

struct vm_row demo_create_row(struct demo *d, const json_t *args, json_t *errors)
{
    const struct addr fleet = demo_fleet_prefix();
    struct vm_row r;

    memset(&r, 0, sizeof r);
    str_copy(r.name, sizeof r.name, text_of(args, "name", ""));
    r.id = d->next_vm;
    r.image = demo_sym("%s", text_of(args, "image", "builtin"));
    r.network = demo_sym("%s", text_of(args, "network", "mesh"));
    r.vcpus = number_of(args, "cpus", 1);
    r.memory_mib = number_of(args, "memory_mib", 256);
    r.disk_gib = number_of(args, "disk_gib", 10);
    r.accel = demo_sym("simulated");
    r.reason = text_intern(NULL);
    r.wanted = !json_is_false(json_object_get(args, "autostart"));
    r.labels = join_words(json_object_get(args, "labels"));
    check_name(d, r.name, errors);
    check_image(d, r.image, errors);
    check_network(d, r.network, errors);
    if (r.vcpus > HOST_CORES)
        wrong(errors, "cpus", "%u of %d cores.", r.vcpus, HOST_CORES);
    if (r.memory_mib > HOST_MIB)
        wrong(errors, "memory_mib", "%u MiB wanted, %d free.", r.memory_mib, HOST_MIB);
    if (r.disk_gib < IMAGE_MIN_GIB)
        wrong(errors, "disk_gib", "The image needs %d GiB.", IMAGE_MIN_GIB);
    const struct node_row *n = pick_node(d, text_of(args, "node", "auto"), errors);
    r.node = n ? demo_sym("%s", n->name) : text_intern(NULL);
    r.remote = !n || !n->self;
    if (n) {
        r.ip4 = pick_address(d, n, text_of(args, "ip", "auto"), errors);
        r.ip6 = addr_guest_ip6(&fleet, (uint16_t)n->id, demo_vm_network(&r), (uint32_t)r.id);
    }
    r.ports = check_ports(d, r.node, json_object_get(args, "ports"), errors);
    (void)addr_mac_for_id(r.id, r.mac); /* numbers are below 2^24 */
    return r;
}

static void step(json_t *plan, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* fmt makes the commands, one a line. */
static void step(json_t *plan, const char *name, const char *fmt, ...)
{
    char text[768], *rest = NULL;
    json_t *commands = json_array();
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        json_array_append_new(commands, json_string(line));
    json_array_append_new(plan, json_pack("{s:s, s:o}", "step", name, "commands", commands));
}

json_t *demo_create_plan(struct demo *d, const struct vm_row *r)
{
    json_t *plan = json_array();
    char ip4[ADDR_TEXT], ip6[ADDR_TEXT], mac[ADDR_MAC_TEXT];
    struct link_row tap = {.ifindex = 10};

    while (table_find(d->tables[TABLE_LINKS], &tap))
        tap.ifindex++;
    unsigned t = tap.ifindex - 10;
    addr_format(&r->ip4, false, ip4);
    addr_format(&r->ip6, false, ip6);
    addr_mac_format(r->mac, mac);
    step(plan, "name and addresses", "reserve %s %s %s", r->name, ip6, ip4);
    step(plan, "disk", "qemu-img create -f qcow2 -b images/%s.qcow2 -F qcow2 vms/%s/disk %uG",
         r->image, r->name, r->disk_gib);
    step(plan, "seed and keys", "seed vms/%s/seed: hostname, host key, 2 keys, addresses, resolver",
         r->name);
    step(plan, "tap",
         "ip tuntap add tap%u mode tap user meshdeck-vm\n"
         "ip link set tap%u alias meshdeck:vm:%llx mtu 1420 up",
         t, t, (unsigned long long)r->id);
    step(plan, "routes",
         "ip -6 route add %s/128 dev tap%u proto 77\n"
         "ip route add %s/32 dev tap%u proto 77",
         ip6, t, ip4, t);
    step(plan, "firewall",
         "nft add element inet meshdeck guests { tap%u . %s . %s }\n"
         "nft add element inet meshdeck guests6 { tap%u . %s . %s }",
         t, mac, ip4, t, mac, ip6);
    step(plan, "QEMU", "qemu-system-x86_64 -M microvm -name %s -smp %u -m %u -sandbox on", r->name,
         r->vcpus, r->memory_mib);
    step(plan, "SSH in the guest", "wait for port 22 of %s, at most 30 s", ip6);
    return plan;
}
