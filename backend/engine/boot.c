/*
 * The order of things at start: keys, store, records, kernel, processes, plan. Each part reports
 * back on the loop; when all that the planner needs is there, the first reconciling runs, and after
 * it the engine takes changes. Engine thread, but for the pool's job that makes keys.
 */
#include "backend/engine/boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netlink.h>
#include <unistd.h>

#include "backend/engine/base.h"
#include "backend/engine/control.h"
#include "backend/engine/core.h"
#include "backend/engine/images.h"
#include "backend/engine/job.h"
#include "backend/engine/load_rows.h"
#include "backend/engine/node_load.h"
#include "backend/engine/peers.h"
#include "backend/engine/reconcile.h"
#include "backend/engine/vms.h"
#include "backend/engine/watch.h"
#include "backend/engine/lock.h"
#include "backend/host/nl.h"
#include "backend/host/sysctl.h"
#include "backend/model/text.h"
#include "backend/store/load.h"
#include "backend/store/store.h"

#define MESHDECK_VERSION "0.1"

enum { FINISHED_TICKETS = 200, JOURNAL_ROWS = 500 };

struct boot {
    struct base_keys keys;
    uv_work_t keys_work;
    struct load load;
    bool kernel_read, parts_made, device_asked, device_known, adopted, images_read, accel_known, planned;
};

static void boot_cannot(struct core *c, const char *object, const char *verdict, const struct err *e)
{
    str_copy(c->meta.read_only_why, sizeof c->meta.read_only_why, e->text);
    c->set.may_change = false;
    c->meta.read_only = true;
    journal_raise(c, "boot", ALERT_CRIT, object, "deck", verdict, e->text, 0, 0);
    c->meta.engine_ready = true;
    core_release_held(c);
    publish_dirty(c);
}

static void boot_step(struct core *c);

static void device_found(const struct err *failed, void *arg)
{
    struct core *c = arg;

    c->boot->device_known = true;
    if (failed)
        journal_event(c, EVENT_WARN, c->base->settings.wg_device, "wireguard", NULL, "%s", failed->text);
    else
        base_device_up(c);
    boot_step(c);
}

/* A device that an earlier engine made is taken over before anything is planned; one that is not
 * there is the planner's to ask for. */
static void device_find(struct core *c)
{
    struct err e = {0};

    c->boot->device_asked = true;
    if (!watch_link_named(c, c->base->settings.wg_device))
        c->boot->device_known = true;
    else if (wg_host_up(c->base->wg, device_found, c, &e) < 0)
        device_found(&e, c);
}

static void boot_step(struct core *c)
{
    struct boot *b = c->boot;

    if (b->kernel_read && b->parts_made && !b->device_asked)
        device_find(c);
    if (b->planned || !b->kernel_read || !b->adopted || !b->images_read || !b->accel_known ||
        !b->device_known)
        return;
    b->planned = true;
    reconcile_first(c);
}

static void kernel_ready(struct core *c)
{
    c->boot->kernel_read = true;
    if (c->set.may_change) {
        boot_step(c);
        return;
    }
    c->meta.engine_ready = true;
    core_release_held(c);
    publish_dirty(c);
}

static void ours_changed_link(struct core *c, const struct link_row *l)
{
    if (!l->ours && (!c->base || strcmp(l->name, c->base->settings.wg_device) != 0))
        return;
    if (c->base && strcmp(l->name, c->base->settings.wg_device) == 0 && !watch_link(c, l->ifindex)) {
        journal_event(c, EVENT_WARN, l->name, "kernel", NULL, "the device is gone");
        peers_device_down(c);
    }
    reconcile_soon(c);
}

static void ours_lost_route(struct core *c, const struct route_row *r)
{
    (void)r;
    reconcile_soon(c);
}

static void ours_lost_addr(struct core *c, const struct rtnl_addr *a)
{
    (void)a;
    reconcile_soon(c);
}

static void images_ready(struct core *c)
{
    c->boot->images_read = true;
    boot_step(c);
}

static void vms_adopted(struct core *c)
{
    c->boot->adopted = true;
    boot_step(c);
}

static void accel_ready(struct core *c)
{
    c->boot->accel_known = true;
    base_publish(c);
    boot_step(c);
}

static void start_parts(struct core *c)
{
    struct err e = {0};

    if (base_init(c, &e) < 0) {
        boot_cannot(c, c->meta.node, "cannot start", &e);
        return;
    }
    base_publish(c);
    c->boot->parts_made = true;
    images_start(c, images_ready);
    vms_accel_start(c, accel_ready);
    vms_adopt_all(c, vms_adopted);
}

/* Whether it is us who switch forwarding on: found at the first start of a boot, kept for the others. */
static int forwarding_probe(struct db *db, struct base *base, struct err *e)
{
    struct probe_rec rec = {.kind = "forwarding", .time_ms = now_ms()};
    struct lock_host host;
    char value[8] = "";

    lock_host_read(&host);
    int r = proberec_get(db, rec.kind, &rec, e);
    if (r < 0 && r != -ENOENT)
        return r;
    err_clear(e);
    if (r == -ENOENT || strncmp(rec.boot_id, host.boot_id, sizeof rec.boot_id - 1) != 0) {
        (void)sysctl_read("net/ipv4/ip_forward", value, sizeof value, NULL);
        str_copy(rec.kind, sizeof rec.kind, "forwarding");
        str_copy(rec.boot_id, sizeof rec.boot_id, host.boot_id);
        str_copy(rec.result, sizeof rec.result, value[0] == '1' ? "on" : "off");
        r = proberec_put(db, &rec, e);
    }
    base->forwarding_was_off = strcmp(rec.result, "off") == 0;
    return r;
}

static int load_job(struct db *db, void *arg, struct err *e)
{
    struct core *c = arg;
    struct boot *b = c->boot;
    struct settings s = {.wg_port = BASE_WG_PORT, .wg_mtu = BASE_WG_MTU};

    int r = settings_get(db, &s, e);
    if (r == -ENOENT) {
        err_clear(e);
        str_copy(s.node_name, sizeof s.node_name, c->set.node_name);
        str_copy(s.wg_device, sizeof s.wg_device, "mesh0");
        r = settings_init(db, &s, e);
    }
    if (r < 0)
        return r;
    if (memcmp(s.wg_public_key, b->keys.wg_public, 32) != 0 ||
        strcmp(s.ssh_public_key, b->keys.ssh_public) != 0) {
        memcpy(s.wg_public_key, b->keys.wg_public, 32);
        str_copy(s.ssh_public_key, sizeof s.ssh_public_key, b->keys.ssh_public);
        str_copy(s.ssh_key_path, sizeof s.ssh_key_path, "secrets/ssh_key");
        r = settings_put(db, &s, e);
    }
    if (r >= 0)
        r = forwarding_probe(db, c->base, e);
    return r < 0 ? r : load_all(db, FINISHED_TICKETS, JOURNAL_ROWS, &b->load, e);
}

static void load_ended(int code, const struct err *e, void *arg)
{
    struct core *c = arg;
    struct load *l = &c->boot->load;

    if (code < 0) {
        boot_cannot(c, "database", "cannot be read", e);
        return;
    }
    c->base->settings = l->settings;
    c->vms->client_key = c->boot->keys.client;
    keys_done(&c->boot->keys.client);
    memcpy(c->base->blocks, l->blocks, sizeof l->blocks);
    c->base->n_blocks = l->n_blocks;
    c->base->nets = l->nets;
    c->base->n_nets = l->n_nets;
    l->nets = NULL;
    l->n_nets = 0;
    journal_load(c, l->journal, l->n_journal, l->acks, l->n_acks);
    load_tickets(c, l->tickets, l->n_tickets);
    if (peers_load(c, l->peers, l->n_peers) < 0 || vms_load(c, l->vms, l->n_vms) < 0) {
        struct err none = {0};
        err_set(&none, ERR_AREA_STORE, -ENOMEM, "out of memory");
        boot_cannot(c, "database", "cannot be read", &none);
        return;
    }
    if (l->damaged > 0)
        journal_raise(c, "damage", ALERT_CRIT, "database", "deck", "damaged", l->damage, 0, 0);
    load_done(l);
    start_parts(c);
}

static void store_opened(int code, const struct err *e, void *arg)
{
    struct core *c = arg;
    struct err mine = {0};

    if (code == 0 && store_mode(c->store) == DB_NEWER) {
        err_set(&mine, ERR_AREA_STORE, -EROFS,
                "the database is of a newer meshdeck: install that one; this one only looks");
        boot_cannot(c, "database", "newer", &mine);
        return;
    }
    if (code < 0) {
        mine = *e;
        boot_cannot(c, "database", "damaged", &mine);
        return;
    }
    if (store_post(c->store, STORE_WRITE, load_job, load_ended, c, &mine) < 0)
        boot_cannot(c, "database", "cannot be read", &mine);
}

static void keys_work(uv_work_t *w)
{
    struct core *c = w->data;
    base_keys_make(&c->boot->keys);
}

static void keys_made(uv_work_t *w, int status)
{
    struct core *c = w->data;
    struct err e = c->boot->keys.err;

    if (status < 0 || c->closing)
        return;
    if (e.code) {
        boot_cannot(c, "keys", "cannot be read", &e);
        return;
    }
    if (store_new(&c->loop, c->set.state_dir, false, store_opened, c, &c->store, &e) < 0)
        boot_cannot(c, "database", "cannot be opened", &e);
}

static void boot_observe_only(struct core *c)
{
    c->meta.read_only = true;
    str_copy(c->meta.read_only_why, sizeof c->meta.read_only_why,
             "changing the host needs root: start it with sudo");
}

static void boot_name(struct core *c)
{
    char host[64] = "";
    size_t n = 0;

    (void)gethostname(host, sizeof host - 1); /* a host without a name is named below */
    for (const char *p = host; *p && *p != '.' && n + 1 < sizeof c->set.node_name; p++) {
        char ch = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        if ((ch >= 'a' && ch <= 'z') || (n > 0 && ((ch >= '0' && ch <= '9') || ch == '-')))
            c->set.node_name[n++] = ch;
    }
    while (n > 0 && c->set.node_name[n - 1] == '-')
        n--;
    c->set.node_name[n] = '\0';
    if (!text_name_is_valid(c->set.node_name))
        str_copy(c->set.node_name, sizeof c->set.node_name, "node1");
    str_copy(c->meta.node, sizeof c->meta.node, c->set.node_name);
    str_copy(c->meta.fleet, sizeof c->meta.fleet, "lab");
    str_copy(c->meta.version, sizeof c->meta.version, MESHDECK_VERSION);
    c->meta.owner_pid = (uint32_t)getpid();
}

void boot_start(struct core *c)
{
    static const struct watch_hooks hooks = {kernel_ready, ours_changed_link, NULL, ours_lost_route,
                                             ours_lost_addr};
    struct err e = {0};

    c->boot = calloc(1, sizeof *c->boot);
    c->base = calloc(1, sizeof *c->base);
    if (!c->boot || !c->base || journal_init(c) < 0 || jobs_init(c) < 0 || peers_init(c) < 0 ||
        vms_init(c) < 0 || reconcile_init(c) < 0) {
        err_set(&e, ERR_AREA_HOST, -ENOMEM, "out of memory");
        boot_cannot(c, "engine", "cannot start", &e);
        return;
    }
    boot_name(c);
    node_load_start(c);
    watch_set_hooks(c, &hooks);
    if (watch_start(c, &e) < 0)
        journal_raise(c, "watch", ALERT_CRIT, "kernel", "routes", "cannot be watched", e.text, 0, 0);
    if (!c->set.may_change) {
        boot_observe_only(c);
        return;
    }
    if (nl_open(NETLINK_ROUTE, &c->nl, &e) < 0 || control_open(c, &c->control, &e) < 0) {
        boot_cannot(c, "engine", "cannot start", &e);
        return;
    }
    str_copy(c->boot->keys.state_dir, sizeof c->boot->keys.state_dir, c->set.state_dir);
    c->boot->keys_work.data = c;
    uv_queue_work(&c->loop, &c->boot->keys_work, keys_work, keys_made);
}

void boot_ready(struct core *c)
{
    c->meta.engine_ready = true;
    core_release_held(c);
    char object[48];
    (void)snprintf(object, sizeof object, "node %s", c->meta.node);
    journal_event(c, EVENT_INFO, object, "engine", NULL, "the engine is ready");
    publish_dirty(c);
}

static void store_closed(void *arg)
{
    struct core *c = arg;

    c->store = NULL;
    core_part_closed(c);
}

/* Parts that others speak to go last: first no more commands, then no more changes, then the store,
 * which finishes what was posted. */
void boot_close(struct core *c)
{
    control_close(c->control);
    vms_release(c);
    if (c->base) {
        wg_host_free(c->base->wg);
        c->base->wg = NULL;
        nft_free(c->base->nft);
        c->base->nft = NULL;
        dnsmasq_free(c->base->dns);
        c->base->dns = NULL;
    }
    if (c->peers)
        peers_device_down(c);
    watch_stop(c);
    if (c->store)
        store_close(c->store, store_closed, c);
    else
        core_part_closed(c);
}

void boot_done(struct core *c)
{
    control_free(c->control);
    reconcile_done(c);
    jobs_done(c);
    node_load_done(c);
    images_done(c);
    vms_done(c);
    peers_done(c);
    base_done(c);
    journal_done(c);
    nl_free(c->nl);
    if (c->boot)
        load_done(&c->boot->load);
    free(c->boot);
}
