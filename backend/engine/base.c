/*
 * Settings, keys, and the objects that speak for the node: WireGuard, firewall, DNS. Plans decide
 * what is done with them; this file makes them, listens to what they tell, and shows the networks
 * and this node as rows. Engine thread, but for base_keys_make.
 */
#include "backend/engine/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/engine/keep.h"
#include "backend/engine/peers.h"
#include "backend/engine/reconcile.h"
#include "backend/engine/vms.h"
#include "backend/guest/keys.h"
#include "backend/host/ballast.h"
#include "backend/host/wgkey.h"
#include "backend/model/table.h"
#include "backend/model/text.h"

const char *base_path(const struct core *c, const char *below, char buf[static PATH_MAX])
{
    (void)snprintf(buf, PATH_MAX, "%.3900s/%.100s", c->set.state_dir, below);
    return buf;
}

/* Host keys of guests and the client's own lie in secrets/; both halves of each are made here. */
void base_keys_make(struct base_keys *k)
{
    char path[PATH_MAX], line[KEYS_PUBLIC_TEXT];
    struct wgkey_secret key = {{0}};
    struct err *e = &k->err;

    (void)ballast_make(k->state_dir, NULL); /* a disk that is full now is told by what fails next */
    (void)snprintf(path, sizeof path, "%.3900s/secrets/wireguard_key", k->state_dir);
    int r = wgkey_read_file(path, &key, e);
    if (r == -ENOENT) {
        err_clear(e);
        if (wgkey_generate(&key, e) == 0)
            r = wgkey_write_file(path, &key, e);
    }
    if (r == 0)
        r = wgkey_public(&key, k->wg_public, e);
    wgkey_wipe(&key);
    if (r < 0)
        return;
    (void)snprintf(path, sizeof path, "%.3900s/secrets", k->state_dir);
    if (keys_client_load(path, &k->client, e) == 0)
        str_copy(k->ssh_public, sizeof k->ssh_public,
                 keys_public_format(k->client.pub, "meshdeck", line));
}

static void wg_ended(const char *reason, void *arg)
{
    struct core *c = arg;

    journal_event(c, EVENT_WARN, "mesh0", "wireguard", NULL, "the device ended: %s", reason);
    reconcile_soon(c);
}

static void nft_event(const struct nft_event *ev, void *arg)
{
    struct core *c = arg;

    switch (ev->kind) {
    case NFT_EVENT_CHANGED:
        journal_event(c, EVENT_WARN, "firewall", "kernel", ev->who[0] ? ev->who : NULL,
                      "%s by %s (pid %d)", ev->what, ev->who[0] ? ev->who : "somebody",
                      (int)ev->pid);
        journal_raise(c, "nft", ALERT_CRIT, "firewall", "nets", "table missing",
                      "meshdeck's firewall table was changed from outside and is being rebuilt", 0, 0);
        break;
    case NFT_EVENT_REBUILT:
        journal_event(c, EVENT_INFO, "firewall", "meshdeck", NULL, "tables rebuilt from state");
        journal_clear(c, "nft");
        break;
    case NFT_EVENT_FAILED:
        journal_raise(c, "nft", ALERT_CRIT, "firewall", "nets", "cannot be built",
                      ev->error_b ? ev->error_b->text : "the firewall tables cannot be built", 0, 0);
        break;
    case NFT_EVENT_WORKER_DIED:
        journal_event(c, EVENT_WARN, "firewall", "meshdeck", NULL,
                      "the libnftables worker died; its job is lost, a new one starts");
        break;
    }
}

static void dns_event(const struct dnsmasq_event *ev, void *arg)
{
    struct core *c = arg;

    switch (ev->kind) {
    case DNSMASQ_EVENT_UP:
        c->base->dns_up = true;
        journal_clear(c, "dns");
        journal_event(c, EVENT_INFO, "dns", "dnsmasq", NULL, "answers, pid %d", (int)ev->pid);
        break;
    case DNSMASQ_EVENT_DIED:
        c->base->dns_up = false;
        journal_raise(c, "dns", ALERT_WARN, "dns", "nets", "ended", ev->text, 0, 0);
        break;
    case DNSMASQ_EVENT_FAILED:
        c->base->dns_up = false;
        journal_raise(c, "dns", ALERT_WARN, "dns", "nets", "cannot start", ev->text, 0, 0);
        break;
    case DNSMASQ_EVENT_UPSTREAM:
        journal_event(c, EVENT_INFO, "dns", "resolv.conf", NULL, "upstream: %s", ev->text);
        break;
    }
}

struct ballast_work {
    uv_work_t work;
    char state_dir[PATH_MAX];
};

static void ballast_work(uv_work_t *w)
{
    struct ballast_work *b = w->data;
    (void)ballast_drop(b->state_dir, NULL, NULL); /* what cannot be given up is not there */
}

static void ballast_given(uv_work_t *w, int status)
{
    (void)status;
    free(w->data);
}

void base_give_ballast(struct core *c)
{
    struct ballast_work *b = c->base && !c->base->ballast_given ? calloc(1, sizeof *b) : NULL;

    if (!b)
        return;
    c->base->ballast_given = true;
    str_copy(b->state_dir, sizeof b->state_dir, c->set.state_dir);
    b->work.data = b;
    if (uv_queue_work(&c->loop, &b->work, ballast_work, ballast_given) != 0)
        free(b);
}

void base_device_up(struct core *c)
{
    const struct wg_host_info *info = wg_host_info(c->base->wg);

    str_copy(c->meta.wg_backend, sizeof c->meta.wg_backend,
             info->backend == WG_BACKEND_KERNEL ? "kernel" : "wireguard-go");
    str_copy(c->meta.wg_device, sizeof c->meta.wg_device, info->name);
    publish_dirty(c);
    peers_device_up(c);
}

void base_dns_start(struct core *c, struct err *e)
{
    struct base *b = c->base;
    char folder[PATH_MAX];
    struct dnsmasq_config config = {.folder = base_path(c, "dns", folder), .n_listen = 2, .n_local = 2};

    if (b->dns)
        return;
    config.uid = config.gid = BASE_DNS_UID;
    config.listen[0] = addr_dns_ip6(&b->settings.fleet_prefix);
    config.listen[1] = addr_dns_ip4();
    config.local[0] = b->settings.fleet_prefix;
    config.local[1] = addr_mesh_ip4();
    if (dnsmasq_open(&c->loop, &config, dns_event, c, &b->dns, e) < 0)
        return;
    /* Names of an earlier engine's guests go; those that run now are put back one by one. */
    (void)dnsmasq_set_hosts(b->dns, NULL, 0, NULL, NULL, NULL);
}

static int base_objects(struct core *c, struct err *e)
{
    struct base *b = c->base;
    char pid[PATH_MAX], log[PATH_MAX];
    struct wg_host_spec spec = {.name = b->settings.wg_device, .alias = "meshdeck:wireguard:mesh0",
                                .pid_file = base_path(c, "wireguard.pid", pid),
                                .log_file = base_path(c, "wireguard.log", log)};

    b->nft_config.fleet = b->settings.fleet_prefix;
    b->nft_config.mesh4 = addr_mesh_ip4();
    b->nft_config.only_guests = b->forwarding_was_off;
    str_copy(b->nft_config.wg_device, sizeof b->nft_config.wg_device, b->settings.wg_device);
    if (wg_host_new(&c->loop, &spec, wg_ended, c, &b->wg, e) < 0)
        return e->code;
    return nft_open(&c->loop, &b->nft_config, NULL, 0, nft_event, c, &b->nft, e);
}

int base_init(struct core *c, struct err *e)
{
    struct base *b = c->base;

    str_copy(c->meta.fleet, sizeof c->meta.fleet, b->settings.fleet);
    str_copy(c->meta.node, sizeof c->meta.node, b->settings.node_name);
    c->meta.production = b->settings.production;
    c->meta.fleet_prefix = b->settings.fleet_prefix;
    c->meta.wg_port = (uint16_t)b->settings.wg_port;
    memcpy(c->meta.public_key, b->settings.wg_public_key, sizeof c->meta.public_key);
    str_copy(c->meta.wg_device, sizeof c->meta.wg_device, b->settings.wg_device);
    return c->set.may_change ? base_objects(c, e) : 0;
}

void base_done(struct core *c)
{
    struct base *b = c->base;

    if (!b)
        return;
    wg_host_free(b->wg);
    nft_free(b->nft);
    dnsmasq_free(b->dns);
    free(b->nets);
    free(b);
    c->base = NULL;
}

void base_plan_node(const struct core *c, struct plan_node *ret)
{
    const struct base *b = c->base;

    memset(ret, 0, sizeof *ret);
    str_copy(ret->name, sizeof ret->name, b->settings.node_name);
    ret->number = b->settings.node;
    ret->fleet = b->settings.fleet_prefix;
    memcpy(ret->blocks, b->blocks, b->n_blocks);
    ret->n_blocks = b->n_blocks;
    str_copy(ret->wg_device, sizeof ret->wg_device, b->settings.wg_device);
    memcpy(ret->wg_public_key, b->settings.wg_public_key, sizeof ret->wg_public_key);
    ret->wg_port = (uint16_t)b->settings.wg_port;
    ret->wg_mtu = b->settings.wg_mtu;
}

const struct net_rec *base_net(const struct core *c, uint64_t id)
{
    for (size_t i = 0; c->base && i < c->base->n_nets; i++)
        if (c->base->nets[i].id == id)
            return &c->base->nets[i];
    return NULL;
}

const struct net_rec *base_net_named(const struct core *c, const char *name)
{
    for (size_t i = 0; c->base && i < c->base->n_nets; i++)
        if (strcmp(c->base->nets[i].name, name) == 0)
            return &c->base->nets[i];
    return NULL;
}

static void publish_net(struct core *c, const struct net_rec *n)
{
    struct network_row row = {.id = n->id, .mtu = n->mtu ? n->mtu : c->base->settings.wg_mtu,
                              .nat = n->nat};
    char prefix[ADDR_TEXT];
    struct addr block = addr_node_block4(c->base->n_blocks ? c->base->blocks[0] : 0);

    str_copy(row.name, sizeof row.name, n->name);
    row.shape = text_intern(n->shape);
    row.egress = text_intern(n->egress);
    row.reach = text_intern(n->reach);
    row.domain = text_intern(n->domain);
    row.prefix = text_intern(addr_format(&block, true, prefix));
    for (const struct vm *v = c->vms ? c->vms->first : NULL; v; v = v->next)
        row.vms += v->rec.network_id == n->id;
    row.total = (uint32_t)(253 * c->base->n_blocks);
    row.free = row.total > row.vms ? row.total - row.vms : 0;
    publish_put(c, TABLE_NETWORKS, &row);
}

static void publish_node(struct core *c)
{
    const struct base *b = c->base;
    struct node_row row = {.id = b->settings.node, .self = 1};
    struct table *peers = c->tables[TABLE_PEERS];

    str_copy(row.name, sizeof row.name, b->settings.node_name);
    row.state = c->set.may_change ? NODE_UP : NODE_READONLY;
    row.address = addr_node_ip6(&b->settings.fleet_prefix, (uint16_t)b->settings.node);
    row.accel = text_intern(c->meta.accel);
    row.version = text_intern(c->meta.version);
    row.endpoints = row.lacks = text_intern("");
    row.vms = c->vms ? (uint32_t)c->vms->n : 0;
    row.cpu_permille = (uint32_t)c->meta.cpu.now;
    row.mem_permille = (uint32_t)c->meta.memory.now;
    row.disk_permille = (uint32_t)c->meta.disk.now;
    for (size_t i = 0; i < table_count(peers); i++) {
        const struct peer_row *p = table_at(peers, i);
        row.tunnels++;
        row.tunnels_up += p->verdict == PEER_HEALTHY;
    }
    publish_put(c, TABLE_NODES, &row);
}

void base_publish(struct core *c)
{
    if (!c->base || !addr_is_set(&c->base->settings.fleet_prefix))
        return;
    for (size_t i = 0; i < c->base->n_nets; i++)
        publish_net(c, &c->base->nets[i]);
    publish_node(c);
    publish_dirty(c);
}
