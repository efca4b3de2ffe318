/* The lists of the command line: columns for people. --json has all fields. Main thread. */
#include <stdio.h>
#include <string.h>

#include "backend/model/text.h"
#include "tui/cli.h"

#define CELL(name, row_type, ...)                                                                  \
    static void name(const void *row, char *buf, size_t cap)                                       \
    {                                                                                              \
        const struct row_type *r = row;                                                            \
        __VA_ARGS__;                                                                               \
    }

static void addr_or_dash(const struct addr *a, char *buf, size_t cap)
{
    char text[ADDR_TEXT];
    (void)str_copy(buf, cap, addr_is_set(a) ? addr_format(a, false, text) : "-");
}

static void or_dash(const char *text, char *buf, size_t cap)
{
    (void)str_copy(buf, cap, text[0] ? text : "-");
}

static void number(uint64_t n, char *buf, size_t cap)
{
    (void)snprintf(buf, cap, "%llu", (unsigned long long)n);
}

CELL(vm_name, vm_row, (void)str_copy(buf, cap, r->name))
CELL(vm_state, vm_row, (void)str_copy(buf, cap, vm_state_names[r->state]))
CELL(vm_node, vm_row, or_dash(r->node, buf, cap))
CELL(vm_network, vm_row, or_dash(r->network, buf, cap))
CELL(vm_ip4, vm_row, addr_or_dash(&r->ip4, buf, cap))
CELL(vm_ip6, vm_row, addr_or_dash(&r->ip6, buf, cap))
CELL(vm_cpu, vm_row, number(r->cpu_permille / 10, buf, cap))
CELL(vm_mem, vm_row, number(r->rss_mib, buf, cap))
CELL(vm_net, vm_row, cli_format_rate(r->rx_bps + r->tx_bps, buf, cap))

int cli_vm_list(struct cli *c)
{
    static const struct cli_column columns[] = {
        {"NAME", false, vm_name},       {"STATE", false, vm_state}, {"NODE", false, vm_node},
        {"NETWORK", false, vm_network}, {"IPV4", false, vm_ip4},    {"CPU %", true, vm_cpu},
        {"MEM MiB", true, vm_mem},      {"NET b/s", true, vm_net},  {"IPV6", false, vm_ip6},
    };
    return cli_print_table(c, TABLE_VMS, columns, ARRAY_LEN(columns), NULL, NULL,
                           "No VMs yet. `meshdeck vm create NAME` makes one.");
}

CELL(peer_name, peer_row, (void)str_copy(buf, cap, r->name))
CELL(peer_verdict, peer_row, (void)str_copy(buf, cap, peer_verdict_names[r->verdict]))
CELL(peer_shake, peer_row, cli_format_instant(r->handshake_ms, buf, cap))
CELL(peer_rx, peer_row, cli_format_rate(r->rx_bps, buf, cap))
CELL(peer_tx, peer_row, cli_format_rate(r->tx_bps, buf, cap))
CELL(peer_vms, peer_row, number(r->vms, buf, cap))
CELL(peer_prefixes, peer_row, or_dash(r->allowed_ips, buf, cap))

static void peer_endpoint(const void *row, char *buf, size_t cap)
{
    const struct peer_row *r = row;
    char text[ADDR_ENDPOINT_TEXT];

    or_dash(addr_is_set(&r->endpoint.addr) ? addr_endpoint_format(&r->endpoint, text) : "", buf,
            cap);
}

int cli_peer_list(struct cli *c)
{
    static const struct cli_column columns[] = {
        {"PEER", false, peer_name},       {"VERDICT", false, peer_verdict},
        {"HANDSHAKE", false, peer_shake}, {"ENDPOINT", false, peer_endpoint},
        {"RX b/s", true, peer_rx},        {"TX b/s", true, peer_tx},
        {"VMS", true, peer_vms},          {"PREFIXES", false, peer_prefixes},
    };
    return cli_print_table(c, TABLE_PEERS, columns, ARRAY_LEN(columns), NULL, NULL,
                           "No peers. `meshdeck peer add NAME KEY` adds one.");
}

CELL(route_gateway, route_row, addr_or_dash(&r->gateway, buf, cap))
CELL(route_dev, route_row, or_dash(r->dev, buf, cap))
CELL(route_metric, route_row, number(r->metric, buf, cap))
CELL(route_table, route_row, number(r->table, buf, cap))
CELL(route_owner, route_row, or_dash(r->owner, buf, cap))

static void route_dst(const void *row, char *buf, size_t cap)
{
    const struct route_row *r = row;
    char text[ADDR_TEXT];

    (void)str_copy(buf, cap, r->dst.prefix_len == 0 ? "default" : addr_format(&r->dst, true, text));
}

static void route_proto(const void *row, char *buf, size_t cap)
{
    char text[8];
    (void)str_copy(buf, cap, route_protocol_name(((const struct route_row *)row)->protocol, text));
}

static bool is_ours(const void *row, const void *arg)
{
    (void)arg;
    return strcmp(((const struct route_row *)row)->owner, "foreign") != 0;
}

int cli_route_list(struct cli *c)
{
    static const struct cli_column columns[] = {
        {"DESTINATION", false, route_dst}, {"GATEWAY", false, route_gateway},
        {"DEV", false, route_dev},         {"PROTO", false, route_proto},
        {"METRIC", true, route_metric},    {"TABLE", true, route_table},
        {"OWNER", false, route_owner},
    };
    return cli_print_table(c, TABLE_ROUTES, columns, ARRAY_LEN(columns),
                           opt_has(&c->given, "ours") ? is_ours : NULL, NULL, "No routes.");
}

CELL(node_name, node_row, (void)snprintf(buf, cap, "%s%s", r->name, r->self ? " (this one)" : ""))
CELL(node_state, node_row, (void)str_copy(buf, cap, node_state_names[r->state]))
CELL(node_vms, node_row, number(r->vms, buf, cap))
CELL(node_cpu, node_row, number(r->cpu_permille / 10, buf, cap))
CELL(node_mem, node_row, number(r->mem_permille / 10, buf, cap))
CELL(node_disk, node_row, number(r->disk_permille / 10, buf, cap))
CELL(node_tunnels, node_row, (void)snprintf(buf, cap, "%u/%u", r->tunnels_up, r->tunnels))
CELL(node_address, node_row, addr_or_dash(&r->address, buf, cap))
CELL(node_accel, node_row, or_dash(r->accel, buf, cap))

int cli_node_list(struct cli *c)
{
    static const struct cli_column columns[] = {
        {"NAME", false, node_name},      {"STATE", false, node_state},
        {"VMS", true, node_vms},         {"CPU %", true, node_cpu},
        {"MEM %", true, node_mem},       {"DISK %", true, node_disk},
        {"TUNNELS", true, node_tunnels}, {"ADDRESS", false, node_address},
        {"ACCEL", false, node_accel},
    };
    return cli_print_table(c, TABLE_NODES, columns, ARRAY_LEN(columns), NULL, NULL, "No nodes.");
}

CELL(image_name, image_row, (void)str_copy(buf, cap, r->name))
CELL(image_format, image_row, or_dash(r->format, buf, cap))
CELL(image_boot, image_row, or_dash(r->boot, buf, cap))
CELL(image_size, image_row, number(r->size_bytes >> 20, buf, cap))
CELL(image_used, image_row, number(r->used_by, buf, cap))
CELL(image_origin, image_row, or_dash(r->origin, buf, cap))
CELL(image_problem, image_row, (void)str_copy(buf, cap, r->problem[0] ? r->problem : "usable"))

int cli_image_list(struct cli *c)
{
    static const struct cli_column columns[] = {
        {"NAME", false, image_name},     {"FORMAT", false, image_format},
        {"BOOT", false, image_boot},     {"SIZE MiB", true, image_size},
        {"USED BY", true, image_used},   {"ORIGIN", false, image_origin},
        {"STATE", false, image_problem},
    };
    return cli_print_table(c, TABLE_IMAGES, columns, ARRAY_LEN(columns), NULL, NULL,
                           "No images. `meshdeck image build` makes the built-in one.");
}

CELL(network_name, network_row, (void)str_copy(buf, cap, r->name))
CELL(network_shape, network_row, or_dash(r->shape, buf, cap))
CELL(network_prefix, network_row, or_dash(r->prefix, buf, cap))
CELL(network_vms, network_row, number(r->vms, buf, cap))
CELL(network_free, network_row, number(r->free, buf, cap))
CELL(network_nat, network_row, (void)str_copy(buf, cap, r->nat ? "yes" : "no"))
CELL(network_egress, network_row, or_dash(r->egress, buf, cap))

int cli_network_list(struct cli *c)
{
    static const struct cli_column columns[] = {
        {"NAME", false, network_name},     {"SHAPE", false, network_shape},
        {"PREFIX", false, network_prefix}, {"VMS", true, network_vms},
        {"FREE", true, network_free},      {"NAT", false, network_nat},
        {"EGRESS", false, network_egress},
    };
    return cli_print_table(c, TABLE_NETWORKS, columns, ARRAY_LEN(columns), NULL, NULL,
                           "No networks.");
}

CELL(ticket_no, ticket_row, number(r->id, buf, cap))
CELL(ticket_what, ticket_row, (void)str_copy(buf, cap, r->command))
CELL(ticket_state, ticket_row, (void)str_copy(buf, cap, ticket_state_names[r->state]))
CELL(ticket_step, ticket_row, (void)snprintf(buf, cap, "%u/%u", r->step, r->steps))
CELL(ticket_by, ticket_row, or_dash(r->by, buf, cap))
CELL(ticket_started, ticket_row, cli_format_instant(r->started_ms, buf, cap))
CELL(ticket_error, ticket_row, or_dash(r->error, buf, cap))

int cli_ticket_list(struct cli *c)
{
    static const struct cli_column columns[] = {
        {"NO", true, ticket_no},        {"WHAT", false, ticket_what},
        {"STATE", false, ticket_state}, {"STEP", true, ticket_step},
        {"BY", false, ticket_by},       {"STARTED", false, ticket_started},
        {"ERROR", false, ticket_error},
    };
    return cli_print_table(c, TABLE_TICKETS, columns, ARRAY_LEN(columns), NULL, NULL,
                           "No tickets.");
}

CELL(alert_no, alert_row, number(r->id, buf, cap))
CELL(alert_level, alert_row, (void)str_copy(buf, cap, r->level == ALERT_CRIT ? "CRIT" : "WARN"))
CELL(alert_object, alert_row, or_dash(r->object, buf, cap))
CELL(alert_since, alert_row, cli_format_instant(r->since_ms, buf, cap))
CELL(alert_vms, alert_row, number(r->vms, buf, cap))
CELL(alert_verdict, alert_row, or_dash(r->verdict, buf, cap))
CELL(alert_taken, alert_row,
     (void)str_copy(buf, cap,
                    r->ended_ms ? "over"
                    : r->acked  ? r->acked_by
                                : "-"))
CELL(alert_sentence, alert_row, (void)str_copy(buf, cap, r->sentence))

int cli_alert_list(struct cli *c)
{
    static const struct cli_column columns[] = {
        {"NO", true, alert_no},           {"LEVEL", false, alert_level},
        {"OBJECT", false, alert_object},  {"VERDICT", false, alert_verdict},
        {"SINCE", false, alert_since},    {"VMS", true, alert_vms},
        {"TAKEN BY", false, alert_taken}, {"WHAT", false, alert_sentence},
    };
    return cli_print_table(c, TABLE_ALERTS, columns, ARRAY_LEN(columns), NULL, NULL, "All well.");
}
