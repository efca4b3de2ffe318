/* The planner: what is desired and what is there, and the operations that follow, by table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>

#include "backend/model/text.h"
#include "backend/plan/plan.h"
#include "backend/plan/plan_text.h"

enum { MAX = 24 };

/* A node with its base up, and room to put things wrong. */
struct world {
    struct plan_desired d;
    struct plan_actual a;
    struct plan_vm vms[MAX];
    struct plan_peer peers[MAX], peers_now[MAX];
    struct plan_link links[MAX];
    struct plan_addr addrs[MAX * 2];
    struct plan_route routes[MAX * 3];
    struct plan_guard guards[MAX];
    struct plan_vm_state states[MAX];
    struct plan_sysctl sysctls[4];
};

static struct addr addr_of(const char *text)
{
    struct addr a;

    if (addr_parse(text, true, &a, NULL) < 0)
        fail_msg("%s", text);
    return a;
}

static void add_link(struct world *w, const char *name, const char *alias)
{
    struct plan_link *l = &w->links[w->a.n_links++];

    *l = (struct plan_link){.ifindex = (uint32_t)w->a.n_links + 1, .mtu = 1420, .up = true};
    (void)str_copy(l->name, sizeof l->name, name);
    (void)str_copy(l->alias, sizeof l->alias, alias);
}

static void add_addr(struct world *w, const char *dev, const char *text)
{
    struct plan_addr *a = &w->addrs[w->a.n_addrs++];

    a->addr = addr_of(text);
    (void)str_copy(a->dev, sizeof a->dev, dev);
    for (size_t i = 0; i < w->a.n_links; i++)
        if (strcmp(w->links[i].name, dev) == 0)
            a->ifindex = w->links[i].ifindex;
}

static struct plan_route *add_route(struct world *w, const char *dst, const char *dev,
                                    const char *src)
{
    struct plan_route *r = &w->routes[w->a.n_routes++];

    *r = (struct plan_route){.dst = addr_of(dst), .table = 254, .protocol = PLAN_PROTOCOL};
    if (src)
        r->prefsrc = addr_of(src);
    (void)str_copy(r->dev, sizeof r->dev, dev);
    r->blackhole = !dev[0];
    return r;
}

static void world_base(struct world *w)
{
    memset(w, 0, sizeof *w);
    struct plan_node *n = &w->d.node;
    (void)str_copy(n->name, sizeof n->name, "ams1");
    n->number = 1;
    n->fleet = addr_of("fd5e:ed68:d54d::/48");
    n->n_blocks = 1;
    (void)str_copy(n->wg_device, sizeof n->wg_device, "mesh0");
    memset(n->wg_public_key, 7, 32);
    n->wg_port = 51820;
    n->wg_mtu = 1420;
    w->d.vms_b = w->vms;
    w->d.peers_b = w->peers;
    w->a = (struct plan_actual){.known = PLAN_KNOWS_ALL,
                                .links_b = w->links,
                                .addrs_b = w->addrs,
                                .routes_b = w->routes,
                                .peers_b = w->peers_now,
                                .guards_b = w->guards,
                                .vms_b = w->states,
                                .sysctls_b = w->sysctls,
                                .nft_whole = true,
                                .dns_up = true,
                                .wg_port = 51820};
    memset(w->a.wg_public_key, 7, 32);
    add_link(w, "mesh0", "meshdeck:wireguard:mesh0");
    add_addr(w, "mesh0", "fd5e:ed68:d54d:1::1");
    add_addr(w, "mesh0", "10.210.0.1");
    add_addr(w, "lo", "fd5e:ed68:d54d::53");
    add_addr(w, "lo", "10.210.255.53");
    (void)add_route(w, "fd5e:ed68:d54d:1::/64", "", NULL);
    (void)add_route(w, "10.210.0.0/24", "", NULL);
    for (size_t i = 0; i < plan_sysctl_count; i++) {
        (void)str_copy(w->sysctls[i].key, sizeof w->sysctls[i].key, plan_sysctl_keys[i]);
        (void)str_copy(w->sysctls[i].value, sizeof w->sysctls[i].value, "1");
    }
    w->a.n_sysctls = plan_sysctl_count;
}

/* Desired VM number i (0...): vm1 is ::10 on tap0. */
static struct plan_vm *add_vm(struct world *w, enum plan_goal goal)
{
    size_t i = w->d.n_vms++;
    struct plan_vm *vm = &w->vms[i];

    *vm = (struct plan_vm){.id = 0x10 + i,
                           .goal = goal,
                           .mtu = 1420,
                           .limit_s = 30,
                           .vcpus = 1,
                           .memory_mib = 256,
                           .disk_gib = 10,
                           .uid = 1000,
                           .wait_ssh = true};
    (void)snprintf(vm->name, sizeof vm->name, "vm%zu", i + 1);
    (void)snprintf(vm->tap, sizeof vm->tap, "tap%zu", i);
    (void)str_copy(vm->image, sizeof vm->image, "builtin");
    (void)str_copy(vm->accel, sizeof vm->accel, "KVM");
    (void)str_copy(vm->machine, sizeof vm->machine, "microvm");
    vm->ip6 = addr_guest_ip6(&w->d.node.fleet, 1, 2, (uint32_t)vm->id);
    vm->ip4 = addr_ip4((10u << 24) + (210u << 16) + 2 + (uint32_t)i, 32);
    (void)addr_mac_for_id(vm->id, vm->mac);
    return vm;
}

/* What is there of a VM, step by step of its create. */
enum there { NOTHING, DISK, SEED, TAP, ROUTES, GUARD, QEMU, READY };

static struct plan_vm_state *is_there(struct world *w, const struct plan_vm *vm, enum there upto)
{
    struct plan_vm_state *st = &w->states[w->a.n_vms++];
    char alias[64], text[ADDR_TEXT];

    *st = (struct plan_vm_state){.id = vm->id,
                                 .folder = upto >= DISK,
                                 .disk = upto >= DISK,
                                 .seed = upto >= SEED,
                                 .name = upto >= DISK,
                                 .proc = upto >= QEMU ? PLAN_PROC_ALIVE : PLAN_PROC_NONE,
                                 .ready = upto >= READY};
    if (upto >= TAP) {
        plan_alias_vm(vm->id, alias);
        add_link(w, vm->tap, alias);
        add_addr(w, vm->tap, "169.254.1.1");
        w->addrs[w->a.n_addrs++] = (struct plan_addr){.addr = addr_gateway_ip6()};
        w->addrs[w->a.n_addrs - 1].addr.prefix_len = 64;
        (void)str_copy(w->addrs[w->a.n_addrs - 1].dev, 16, vm->tap);
    }
    if (upto >= ROUTES) {
        (void)add_route(w, addr_format(&vm->ip6, false, text), vm->tap, "fd5e:ed68:d54d:1::1");
        (void)add_route(w, addr_format(&vm->ip4, false, text), vm->tap, "10.210.0.1");
    }
    if (upto >= GUARD) {
        struct plan_guard *g = &w->guards[w->a.n_guards++];
        memcpy(g->mac, vm->mac, 6);
        g->ip4 = vm->ip4;
        g->ip6 = vm->ip6;
        (void)str_copy(g->tap, sizeof g->tap, vm->tap);
    }
    return st;
}

static const char *const note_words[] = {
    [PLAN_NOTE_VM_UNKNOWN] = "unknown",
    [PLAN_NOTE_VM_LOST_TAP] = "lost-tap",
    [PLAN_NOTE_VM_NO_DISK] = "no-disk",
    [PLAN_NOTE_TAP_TAKEN] = "tap-taken",
    [PLAN_NOTE_ORPHAN] = "orphan",
    [PLAN_NOTE_FOREIGN_LINK] = "foreign-link",
    [PLAN_NOTE_FOREIGN_ROUTE] = "foreign-route",
    [PLAN_NOTE_FOREIGN_PEER] = "foreign-peer",
    [PLAN_NOTE_DEFAULT_PREFIX] = "default-prefix",
    [PLAN_NOTE_UNREAD] = "unread",
};

/* The plan as words: operations, then notes in brackets. */
static void expect_scoped(const struct world *w, const struct plan_scope *scope, const char *want)
{
    char got[4096] = "", one[160];
    struct plan *p = NULL;
    struct err e = {0};
    size_t len = 0, ops = 0;

    if (plan_make(&w->d, &w->a, scope, &p, &e) < 0)
        fail_msg("%s", e.text);
    for (size_t i = 0; i < p->n_ops; i++)
        (void)str_add(got, sizeof got, &len, "%s%s", len ? "\n" : "",
                      plan_op_text(&p->ops[i], one, sizeof one));
    for (size_t i = 0; i < p->n_notes; i++)
        (void)str_add(got, sizeof got, &len, "%s[%s]", len ? "\n" : "",
                      note_words[p->notes[i].kind]);
    for (size_t i = 0; i < p->n_steps; i++) {
        ops += p->steps[i].n_ops;
        assert_true(p->steps[i].name && p->steps[i].name[0] && p->steps[i].detail[0]);
        assert_true(i == 0 || p->steps[i].stage > p->steps[i - 1].stage);
    }
    assert_int_equal(ops, p->n_ops);
    plan_free(p);
    if (strcmp(got, want) != 0)
        fail_msg("got:\n%s\nwanted:\n%s", got, want);
}

static void expect(const struct world *w, const char *want)
{
    expect_scoped(w, NULL, want);
}

#define TAP_OF_VM1 "tap-add tap0\naddr-add fe80::1/64 tap0\naddr-add 169.254.1.1/32 tap0\n"
#define ROUTES_OF_VM1 "route-add fd5e:ed68:d54d:1:0:2:0:10/128 tap0\nroute-add 10.210.0.2/32 tap0\n"
#define GUARD_OF_VM1 "guard-add tap0 fd5e:ed68:d54d:1:0:2:0:10\n"
#define START_OF_VM1 TAP_OF_VM1 ROUTES_OF_VM1 GUARD_OF_VM1 "vm-start vm1\nssh-wait vm1"
#define ROUTES_AWAY "route-del fd5e:ed68:d54d:1:0:2:0:10/128 tap0\nroute-del 10.210.0.2/32 tap0\n"
#define GUARD_AWAY "guard-del tap0 fd5e:ed68:d54d:1:0:2:0:10\n"

static void nothing_to_do_is_an_empty_plan(void **state)
{
    struct world w;

    (void)state;
    world_base(&w);
    expect(&w, "");
    (void)is_there(&w, add_vm(&w, PLAN_RUN), READY);
    (void)is_there(&w, add_vm(&w, PLAN_STOP), SEED);
    expect(&w, "");
}

static void a_fresh_node(void **state)
{
    struct world w;

    (void)state;
    world_base(&w);
    w.a.n_links = w.a.n_addrs = w.a.n_routes = 0;
    w.a.nft_whole = w.a.dns_up = false;
    (void)str_copy(w.sysctls[0].value, 32, "0");
    (void)str_copy(w.sysctls[1].value, 32, "0");
    (void)str_copy(w.sysctls[2].key, 96, "net/ipv6/conf/eth0/accept_ra");
    (void)str_copy(w.sysctls[2].value, 32, "1");
    w.a.n_sysctls = 3;
    static const char ra[][16] = {"eth0"};
    w.a.uplinks_by_ra_b = ra;
    w.a.n_uplinks_by_ra = 1;
    expect(&w, "wg-up mesh0\nwg-set key port\nlink-set mesh0\n"
               "addr-add fd5e:ed68:d54d:1::1/128 mesh0\naddr-add 10.210.0.1/32 mesh0\n"
               "addr-add fd5e:ed68:d54d::53/128 lo\naddr-add 10.210.255.53/32 lo\n"
               "sysctl net/ipv6/conf/eth0/accept_ra=2\nsysctl net/ipv4/ip_forward=1\n"
               "sysctl net/ipv6/conf/all/forwarding=1\nnft-tables with 0 guests\ndnsmasq\n"
               "route-add 10.210.0.0/24 blackhole\nroute-add fd5e:ed68:d54d:1::/64 blackhole");
}

static void create_start_stop_delete(void **state)
{
    struct world w;
    struct plan_vm *vm;

    (void)state;
    world_base(&w);
    vm = add_vm(&w, PLAN_RUN);
    vm->is_new = true;
    expect(&w,
           "reserve vm1\nname-add vm1\ndisk-add vm1\nseed-add vm1\n" START_OF_VM1 "\ncommit vm1");
    vm->goal = PLAN_STOP; /* --no-start */
    expect(&w, "reserve vm1\nname-add vm1\ndisk-add vm1\nseed-add vm1\ncommit vm1");

    world_base(&w);
    vm = add_vm(&w, PLAN_RUN);
    (void)is_there(&w, vm, SEED);
    expect(&w, START_OF_VM1);
    vm->wait_ssh = false;
    expect(&w, TAP_OF_VM1 ROUTES_OF_VM1 GUARD_OF_VM1 "vm-start vm1");

    world_base(&w);
    vm = add_vm(&w, PLAN_STOP);
    (void)is_there(&w, vm, READY);
    expect(&w, "vm-stop vm1\n" ROUTES_AWAY GUARD_AWAY "tap-del tap0");
    vm->force = true;
    expect(&w, "vm-kill vm1\n" ROUTES_AWAY GUARD_AWAY "tap-del tap0");
    vm->force = false;
    vm->goal = PLAN_RUN;
    vm->restart = true;
    expect(&w, "vm-stop vm1\ntap-del tap0\n" TAP_OF_VM1 ROUTES_OF_VM1 "vm-start vm1\nssh-wait vm1");
    vm->restart = false;
    vm->goal = PLAN_GONE;
    expect(&w, "vm-kill vm1\n" ROUTES_AWAY GUARD_AWAY
               "name-del vm1\ntap-del tap0\nfolder-del vm1\nrelease vm1");
}

/* kill -9 after each step of a create: the next start finishes it. */
static void a_create_killed_at_each_step(void **state)
{
    static const struct {
        enum there upto;
        const char *finish;
    } cases[] = {
        {NOTHING, "name-add vm1\ndisk-add vm1\nseed-add vm1\n" START_OF_VM1 "\ncommit vm1"},
        {DISK, "seed-add vm1\n" START_OF_VM1 "\ncommit vm1"},
        {SEED, START_OF_VM1 "\ncommit vm1"},
        {TAP, "tap-del tap0\n" START_OF_VM1 "\ncommit vm1"}, /* a tap somebody else holds open */
        {GUARD, "tap-del tap0\n" TAP_OF_VM1 ROUTES_OF_VM1 "vm-start vm1\nssh-wait vm1\ncommit vm1"},
        {QEMU, "ssh-wait vm1\ncommit vm1"},
        {READY, "commit vm1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        world_base(&w);
        struct plan_vm *vm = add_vm(&w, PLAN_RUN);
        vm->provisional = true;
        (void)is_there(&w, vm, cases[i].upto);
        expect(&w, cases[i].finish);
    }
    /* the engine died after QEMU's start; the tap ended with QEMU: elements are left */
    struct world w;
    world_base(&w);
    struct plan_vm *vm = add_vm(&w, PLAN_GONE);
    vm->provisional = true;
    (void)is_there(&w, vm, GUARD);
    w.a.n_links--;
    w.a.n_routes -= 2;
    expect(&w, GUARD_AWAY "name-del vm1\nfolder-del vm1\nrelease vm1");
}

static void a_delete_killed_at_each_step(void **state)
{
    static const struct {
        enum there upto;
        const char *finish;
    } cases[] = {
        {READY, "vm-kill vm1\n" ROUTES_AWAY GUARD_AWAY
                "name-del vm1\ntap-del tap0\nfolder-del vm1\nrelease vm1"},
        {GUARD, ROUTES_AWAY GUARD_AWAY "name-del vm1\ntap-del tap0\nfolder-del vm1\nrelease vm1"},
        {ROUTES, ROUTES_AWAY "name-del vm1\ntap-del tap0\nfolder-del vm1\nrelease vm1"},
        {TAP, "name-del vm1\ntap-del tap0\nfolder-del vm1\nrelease vm1"},
        {SEED, "name-del vm1\nfolder-del vm1\nrelease vm1"},
        {NOTHING, "release vm1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        world_base(&w);
        struct plan_vm *vm = add_vm(&w, PLAN_GONE);
        vm->deleting = true;
        (void)is_there(&w, vm, cases[i].upto);
        expect(&w, cases[i].finish);
    }
}

static void what_is_not_understood_is_left_alone(void **state)
{
    struct world w;

    (void)state;
    for (enum plan_goal goal = PLAN_RUN; goal <= PLAN_GONE; goal++) {
        world_base(&w);
        is_there(&w, add_vm(&w, goal), READY)->proc = PLAN_PROC_UNKNOWN;
        expect(&w, "[unknown]");
    }
    world_base(&w); /* which VMs run is not known yet: nothing is started, killed or cleaned */
    (void)is_there(&w, add_vm(&w, PLAN_RUN), SEED);
    add_link(&w, "tap9", "meshdeck:vm:99");
    w.a.known &= ~(unsigned)PLAN_KNOWS_VMS;
    expect(&w, "[unread]");
    world_base(&w); /* routes read in part: none is removed or added */
    (void)is_there(&w, add_vm(&w, PLAN_RUN), READY);
    w.a.n_routes = 0;
    w.a.known &= ~(unsigned)PLAN_KNOWS_ROUTES;
    expect(&w, "[unread]");
    world_base(&w); /* a VM whose disk is gone is not given an empty one */
    is_there(&w, add_vm(&w, PLAN_RUN), SEED)->disk = false;
    expect(&w, "[no-disk]");
    world_base(&w); /* QEMU of a VM without a row, its tap, its routes, its elements, its files */
    struct plan_vm *vm = add_vm(&w, PLAN_RUN);
    (void)is_there(&w, vm, READY);
    w.d.n_vms = 0;
    expect(&w, "[orphan]");
    world_base(&w); /* the database is new, the disks are not: nothing is deleted */
    (void)is_there(&w, add_vm(&w, PLAN_RUN), SEED);
    w.d.n_vms = 0;
    expect(&w, "[orphan]");
}

static void leaks_are_cleaned(void **state)
{
    struct world w;

    (void)state;
    world_base(&w);
    struct plan_vm *vm = add_vm(&w, PLAN_RUN);
    (void)is_there(&w, vm, GUARD);
    w.d.n_vms = 0;
    w.a.n_vms = 0;
    add_link(&w, "tap7", "something of mine"); /* foreign: stays */
    add_route(&w, "10.99.0.0/16", "eth0", NULL)->protocol = 3;
    expect(&w, ROUTES_AWAY GUARD_AWAY "tap-del tap0");
    world_base(&w);
    vm = add_vm(&w, PLAN_STOP); /* stopped, but something was left */
    (void)is_there(&w, vm, GUARD);
    expect(&w, ROUTES_AWAY GUARD_AWAY "tap-del tap0");
    world_base(&w);
    (void)add_route(&w, "10.210.7.0/24", "mesh0", "10.210.0.1"); /* of a peer that is no more */
    expect(&w, "route-del 10.210.7.0/24 mesh0");
    const struct plan_scope only = {.only = true, .node = true};
    expect_scoped(&w, &only, "");
}

/* faults D23, D25 and a route or address changed behind our back */
static void drift_is_repaired(void **state)
{
    struct world w;
    struct plan_vm *vm;

    (void)state;
    world_base(&w); /* mesh0 deleted: its addresses and routes went with it */
    w.peers[0] = (struct plan_peer){.id = 1, .name = "fra2", .n_prefixes = 1};
    w.peers[0].prefixes[0] = addr_of("10.210.1.0/24");
    memset(w.peers[0].public_key, 9, 32);
    w.d.n_peers = 1;
    w.a.n_links = 0;
    w.a.n_addrs = 0;
    add_addr(&w, "lo", "fd5e:ed68:d54d::53");
    add_addr(&w, "lo", "10.210.255.53");
    expect(&w,
           "wg-up mesh0\nwg-set key port\nlink-set mesh0\naddr-add fd5e:ed68:d54d:1::1/128 mesh0\n"
           "addr-add 10.210.0.1/32 mesh0\npeer-add fra2\nroute-add 10.210.1.0/24 mesh0");

    world_base(&w); /* renamed */
    (void)str_copy(w.links[0].name, 16, "wg9");
    (void)str_copy(w.addrs[0].dev, 16, "wg9");
    (void)str_copy(w.addrs[1].dev, 16, "wg9");
    expect(&w, "link-rename wg9 mesh0\nlink-set mesh0\naddr-add fd5e:ed68:d54d:1::1/128 mesh0\n"
               "addr-add 10.210.0.1/32 mesh0");
    world_base(&w); /* down, other MTU */
    w.links[0].up = false;
    expect(&w,
           "link-set mesh0\naddr-add fd5e:ed68:d54d:1::1/128 mesh0\naddr-add 10.210.0.1/32 mesh0");
    world_base(&w);
    w.links[0].mtu = 1500;
    expect(&w, "link-set mesh0");
    world_base(&w); /* key and port changed; the alias still says it is ours */
    memset(w.a.wg_public_key, 8, 32);
    w.a.wg_port = 1;
    expect(&w, "wg-set key port");
    world_base(&w); /* somebody else's mesh0 */
    memset(w.a.wg_public_key, 8, 32);
    w.links[0].alias[0] = '\0';
    expect(&w, "[foreign-link]");
    world_base(&w); /* ours by its key, the alias lost */
    w.links[0].alias[0] = '\0';
    expect(&w, "link-set mesh0");
    world_base(&w); /* the nft tables flushed: one rebuild with those that run */
    (void)is_there(&w, add_vm(&w, PLAN_RUN), READY);
    (void)is_there(&w, add_vm(&w, PLAN_STOP), SEED);
    w.a.nft_whole = false;
    expect(&w, "nft-tables with 1 guests");
    world_base(&w); /* an address and a route lost, one route bent, one element changed */
    vm = add_vm(&w, PLAN_RUN);
    (void)is_there(&w, vm, READY);
    w.a.n_addrs--;
    (void)str_copy(w.routes[2].dev, 16, "eth0");
    w.a.n_routes--;
    w.guards[0].mac[5] ^= 1;
    expect(&w,
           "route-del fd5e:ed68:d54d:1:0:2:0:10/128 eth0\naddr-add fe80::1/64 tap0\n" ROUTES_OF_VM1
           "guard-add tap0 fd5e:ed68:d54d:1:0:2:0:10");
    world_base(&w); /* its tap set down, renamed, deleted */
    vm = add_vm(&w, PLAN_RUN);
    (void)is_there(&w, vm, READY);
    w.links[1].up = false;
    w.a.n_routes -= 2;
    expect(&w, "link-set tap0\naddr-add fe80::1/64 tap0\naddr-add 169.254.1.1/32 tap0\n"
               "route-add fd5e:ed68:d54d:1:0:2:0:10/128 tap0\nroute-add 10.210.0.2/32 tap0");
    w.links[1].up = true;
    (void)str_copy(w.links[1].name, 16, "mytap");
    expect(&w, "link-rename mytap tap0\nlink-set tap0\naddr-add fe80::1/64 tap0\n"
               "addr-add 169.254.1.1/32 tap0\nroute-add fd5e:ed68:d54d:1:0:2:0:10/128 tap0\n"
               "route-add 10.210.0.2/32 tap0");
    w.a.n_links--;
    expect(&w, "[lost-tap]");
    world_base(&w); /* an old block's address on our device, a foreign one beside it */
    add_addr(&w, "mesh0", "10.210.9.1");
    add_addr(&w, "mesh0", "192.0.2.1");
    expect(&w, "addr-del 10.210.9.1/32 mesh0");
    world_base(&w); /* somebody's route where ours should be */
    w.routes[1].protocol = 4;
    expect(&w, "route-add 10.210.0.0/24 blackhole\n[foreign-route]");
    world_base(&w); /* a LAN, a VPN in the middle of the fleet's addresses; others do not matter */
    add_route(&w, "10.0.0.0/8", "eth0", NULL)->protocol = 4;
    add_route(&w, "10.210.77.0/25", "tun0", NULL)->protocol = 4;
    add_route(&w, "10.211.0.0/16", "eth0", NULL)->protocol = 4;
    add_route(&w, "0.0.0.0/0", "eth0", NULL)->protocol = 4;
    add_route(&w, "10.210.0.1/32", "mesh0", NULL)->protocol = 2;
    expect(&w, "[foreign-route]\n[foreign-route]");
}

static void peers_one_by_one(void **state)
{
    struct world w;

    (void)state;
    world_base(&w);
    for (unsigned i = 0; i < 4; i++) {
        w.peers[i] = (struct plan_peer){.id = i + 1, .keepalive_s = 25, .n_prefixes = 1};
        (void)snprintf(w.peers[i].name, 32, "p%u", i);
        memset(w.peers[i].public_key, (int)(20 + i), 32);
        w.peers[i].prefixes[0] = addr_node_block4((uint8_t)(i + 1));
        w.peers[i].endpoint = (struct endpoint){addr_of("192.0.2.1"), 51820};
        w.peers_now[i] = w.peers[i];
    }
    w.d.n_peers = 4;
    w.a.n_peers = 3;
    w.peers_now[0].endpoint.port = 999;        /* p0 roamed: fine */
    w.peers_now[1].keepalive_s = 0;            /* p1 changed */
    w.peers[2].goal = PLAN_GONE;               /* p2 is removed, p3 is missing */
    memset(w.peers_now[3].public_key, 99, 32); /* a stranger */
    w.a.n_peers = 4;
    for (unsigned i = 0; i < 3; i++) {
        char text[ADDR_TEXT];
        (void)add_route(&w, addr_format(&w.peers[i].prefixes[0], true, text), "mesh0",
                        "10.210.0.1");
    }
    expect(&w,
           "route-del 10.210.3.0/24 mesh0\npeer-del p2\npeer-forget p2\npeer-add p3\npeer-set p1\n"
           "route-add 10.210.4.0/24 mesh0\n[foreign-peer]");
    w.peers[0].force_endpoint = true;
    w.peers[3].prefixes[0] = addr_of("0.0.0.0/0");
    w.d.n_peers = 4;
    expect(&w,
           "route-del 10.210.3.0/24 mesh0\npeer-del p2\npeer-forget p2\npeer-add p3\npeer-set p0\n"
           "peer-set p1\n[default-prefix]\n[foreign-peer]");
    const struct plan_scope peers_only = {.only = true, .peers = true};
    w.a.n_peers = 0;
    w.a.known &= ~(unsigned)PLAN_KNOWS_WG;
    w.peers[0].force_endpoint = false;
    expect_scoped(&w, &peers_only,
                  "route-del 10.210.3.0/24 mesh0\npeer-del p2\npeer-forget p2\n[default-prefix]");
}

static void taps_that_are_taken(void **state)
{
    struct world w;
    struct plan_vm *vm;

    (void)state;
    world_base(&w);
    vm = add_vm(&w, PLAN_RUN);
    (void)is_there(&w, vm, SEED);
    add_link(&w, "tap0", "");
    expect(&w, "[tap-taken]");
    world_base(&w); /* another VM's leftover of that name goes first */
    vm = add_vm(&w, PLAN_RUN);
    (void)is_there(&w, vm, SEED);
    add_link(&w, "tap0", "meshdeck:vm:99");
    expect(&w, "tap-del tap0\n" START_OF_VM1);
}

static void contradictions_are_refused(void **state)
{
    struct world w;
    struct plan *p = NULL;
    struct err e = {0};

    (void)state;
    world_base(&w);
    add_vm(&w, PLAN_RUN)->is_new = true;
    add_vm(&w, PLAN_RUN)->is_new = true;
    w.vms[1].ip4 = w.vms[0].ip4;
    assert_int_equal(plan_make(&w.d, &w.a, NULL, &p, &e), -EINVAL);
    assert_string_equal(e.text, "vm1 and vm2 have the same address");
    world_base(&w);
    add_vm(&w, PLAN_RUN)->is_new = true;
    add_vm(&w, PLAN_RUN)->is_new = true;
    (void)str_copy(w.vms[1].tap, 16, "tap0");
    assert_int_equal(plan_make(&w.d, &w.a, NULL, &p, &e), -EINVAL);
    assert_string_equal(e.text, "vm1 and vm2 have the same tap tap0");
}

static void bulk_is_grouped_by_kind(void **state)
{
    enum { N = 1000 };
    struct plan_vm *vms = calloc(N, sizeof *vms);
    struct world w;
    struct plan *p = NULL;
    struct err e = {0};

    (void)state;
    world_base(&w);
    for (uint32_t i = 0; i < N; i++) {
        struct plan_vm *vm = &vms[i];
        w.d.n_vms = 0;
        *vm = *add_vm(&w, PLAN_RUN);
        vm->is_new = true;
        vm->id = 0x10 + i;
        vm->ip6 = addr_guest_ip6(&w.d.node.fleet, 1, 2, 0x10 + i);
        vm->ip4 = addr_ip4((10u << 24) + (210u << 16) + 2 + i, 32);
        (void)snprintf(vm->tap, sizeof vm->tap, "tap%u", i);
        (void)snprintf(vm->name, sizeof vm->name, "vm%u", i);
    }
    w.d.vms_b = vms;
    w.d.n_vms = N;
    assert_int_equal(plan_make(&w.d, &w.a, NULL, &p, &e), 0);
    assert_int_equal(p->n_steps, 8);
    assert_string_equal(p->steps[3].name, "tap");
    assert_int_equal(p->steps[3].n_ops, 3 * N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(p->ops[p->steps[3].first_op + i].kind, PLAN_OP_TAP_ADD);
        assert_int_equal(p->ops[p->steps[3].first_op + i].vm_id, 0x10 + i);
    }
    assert_string_equal(p->steps[3].detail, "1,000 VMs");
    assert_string_equal(p->steps[4].detail, "2,000 added, protocol 77");
    plan_free(p);
    free(vms);
}

static void undo_takes_back_what_was_made(void **state)
{
    struct world w;
    struct plan *p = NULL;
    char got[2048] = "", one[160];
    size_t len = 0;

    (void)state;
    world_base(&w);
    add_vm(&w, PLAN_RUN)->is_new = true;
    assert_int_equal(plan_make(&w.d, &w.a, NULL, &p, NULL), 0);
    for (size_t i = p->n_ops; i-- > 0;) {
        struct plan_op undo;
        if (plan_op_undo(&p->ops[i], &undo))
            (void)str_add(got, sizeof got, &len, "%s;", plan_op_text(&undo, one, sizeof one));
    }
    assert_string_equal(got,
                        "vm-kill vm1;guard-del tap0 fd5e:ed68:d54d:1:0:2:0:10;"
                        "route-del 10.210.0.2/32 tap0;route-del fd5e:ed68:d54d:1:0:2:0:10/128 tap0;"
                        "addr-del 169.254.1.1/32 tap0;addr-del fe80::1/64 tap0;tap-del tap0;"
                        "folder-del vm1;folder-del vm1;name-del vm1;release vm1;");
    plan_free(p);
    world_base(&w); /* a start that fails leaves disk, row and name as they were */
    (void)is_there(&w, add_vm(&w, PLAN_RUN), DISK);
    assert_int_equal(plan_make(&w.d, &w.a, NULL, &p, NULL), 0);
    for (size_t i = 0; i < p->n_ops; i++) {
        struct plan_op undo;
        if (plan_op_undo(&p->ops[i], &undo)) {
            assert_int_not_equal(undo.kind, PLAN_OP_FOLDER_DEL);
            assert_int_not_equal(undo.kind, PLAN_OP_RELEASE);
        }
    }
    plan_free(p);
}

static void collect(const char *line, void *arg)
{
    char *all = arg;
    size_t len = strlen(all);

    (void)str_add(all, 4096, &len, "%s\n", line);
}

static void the_plan_as_commands(void **state)
{
    struct world w;
    struct plan *p = NULL;
    char all[4096] = "";
    const struct plan_text_env env = {.vm_user = "meshdeck-vm"};

    (void)state;
    world_base(&w);
    add_vm(&w, PLAN_RUN)->is_new = true;
    w.peers[0] = (struct plan_peer){.id = 1,
                                    .name = "fra2",
                                    .n_prefixes = 2,
                                    .keepalive_s = 25,
                                    .endpoint = {addr_of("198.51.100.7"), 51820}};
    w.peers[0].prefixes[0] = addr_of("10.210.1.0/24");
    w.peers[0].prefixes[1] = addr_of("fd5e:ed68:d54d:2::/64");
    for (unsigned i = 0; i < 32; i++)
        w.peers[0].public_key[i] = (uint8_t)i;
    w.d.n_peers = 1;
    assert_int_equal(plan_make(&w.d, &w.a, NULL, &p, NULL), 0);
    for (size_t i = 0; i < p->n_steps; i++)
        plan_step_commands(p, i, &env, 10, collect, all);
    assert_string_equal(
        all,
        "wg set mesh0 peer AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= endpoint 198.51.100.7:51820"
        " persistent-keepalive 25 allowed-ips \"10.210.1.0/24,fd5e:ed68:d54d:2::/64\"\n"
        "ip route add 10.210.1.0/24 dev mesh0 proto 77 src 10.210.0.1\n"
        "ip -6 route add fd5e:ed68:d54d:2::/64 dev mesh0 proto 77 src fd5e:ed68:d54d:1::1\n"
        "reserve vm1 fd5e:ed68:d54d:1:0:2:0:10 10.210.0.2\n"
        "dns add vm1.internal fd5e:ed68:d54d:1:0:2:0:10 10.210.0.2\n"
        "qemu-img create -f qcow2 -b images/builtin.qcow2 -F qcow2 vms/vm1/disk 10G\n"
        "seed vms/vm1/seed: hostname, host key, keys, addresses, resolver\n"
        "ip tuntap add tap0 mode tap user meshdeck-vm\n"
        "ip link set tap0 alias meshdeck:vm:10 mtu 1420 up\n"
        "ip -6 addr add fe80::1/64 dev tap0 nodad\n"
        "ip addr add 169.254.1.1/32 dev tap0\n"
        "ip -6 route add fd5e:ed68:d54d:1:0:2:0:10/128 dev tap0 proto 77 src fd5e:ed68:d54d:1::1\n"
        "ip route add 10.210.0.2/32 dev tap0 proto 77 src 10.210.0.1\n"
        "nft add element inet meshdeck guests4 '{ \"tap0\" . 02:5e:ed:00:00:10 . 10.210.0.2 }'\n"
        "nft add element inet meshdeck guests6 '{ \"tap0\" . 02:5e:ed:00:00:10 . "
        "fd5e:ed68:d54d:1:0:2:0:10 }'\n"
        "qemu-system-x86_64 -M microvm -accel kvm -smp 1 -m 256 -name vm1 ... vms/vm1\n"
        "wait until ssh root@fd5e:ed68:d54d:1:0:2:0:10 answers\n"
        "commit vm1\n");
    assert_string_equal(p->steps[2].detail, "vm1  10.210.0.2  ...:1:0:2:0:10");
    assert_string_equal(p->steps[5].detail, "tap0 meshdeck:vm:10");
    plan_free(p);
}

static void the_way_in_is_seen(void **state)
{
    static const struct {
        const char *peer, *local, *dev, *prefix;
        bool touched;
    } cases[] = {
        {"203.0.113.9", "198.51.100.1", "eth0", "10.210.1.0/24", false},
        {"203.0.113.9", "198.51.100.1", "eth0", "203.0.113.0/24",
         true}, /* a peer that takes our way back */
        {"203.0.113.9", "198.51.100.1", "eth0", "0.0.0.0/0", true},
        {"10.210.0.7", "198.51.100.1", "eth0", "10.210.1.0/24", false},
    };
    char why[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        struct plan *p = NULL;
        const struct plan_way_in in = {.peer = addr_of(cases[i].peer),
                                       .local = addr_of(cases[i].local),
                                       .ifindex = 99,
                                       .dev = "eth0"};
        world_base(&w);
        w.peers[0] = (struct plan_peer){.id = 1, .name = "fra2", .n_prefixes = 1};
        w.peers[0].prefixes[0] = addr_of(cases[i].prefix);
        w.d.n_peers = 1;
        assert_int_equal(plan_make(&w.d, &w.a, NULL, &p, NULL), 0);
        assert_int_equal(plan_touches_way_in(p, &in, why, sizeof why), cases[i].touched);
        assert_int_equal(why[0] != '\0', cases[i].touched);
        const struct plan_way_in local = {0};
        assert_false(plan_touches_way_in(p, &local, why, sizeof why));
        plan_free(p);
    }
    struct world w; /* the tunnel that carries the session is removed; the tap of the guest is */
    struct plan *p = NULL;
    const struct plan_way_in in = {
        .peer = addr_of("10.210.1.9"), .local = addr_of("10.210.0.1"), .dev = "mesh0"};
    world_base(&w);
    w.peers[0] = (struct plan_peer){.id = 1, .name = "fra2", .n_prefixes = 1, .goal = PLAN_GONE};
    w.peers[0].prefixes[0] = addr_of("10.210.1.0/24");
    w.peers_now[0] = w.peers[0];
    w.d.n_peers = w.a.n_peers = 1;
    assert_int_equal(plan_make(&w.d, &w.a, NULL, &p, NULL), 0);
    assert_true(plan_touches_way_in(p, &in, why, sizeof why));
    assert_string_equal(why, "peer-del fra2: changes the tunnel that you came in by");
    plan_free(p);
}

static void aliases(void **state)
{
    static const char *const bad[] = {"",
                                      "meshdeck:vm:",
                                      "meshdeck:vm:x",
                                      "meshdeck:vm:10 ",
                                      "meshdeck:vm:010",
                                      "meshdeck:vm:10000000000000000",
                                      "meshdeck:VM:10",
                                      "xmeshdeck:vm:10"};
    char text[64];
    uint64_t id = 0;

    (void)state;
    plan_alias_vm(0x17, text);
    assert_string_equal(text, "meshdeck:vm:17");
    assert_true(plan_alias_vm_parse(text, &id));
    assert_int_equal(id, 0x17);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(plan_alias_vm_parse(bad[i], &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_do_is_an_empty_plan),
        cmocka_unit_test(a_fresh_node),
        cmocka_unit_test(create_start_stop_delete),
        cmocka_unit_test(a_create_killed_at_each_step),
        cmocka_unit_test(a_delete_killed_at_each_step),
        cmocka_unit_test(what_is_not_understood_is_left_alone),
        cmocka_unit_test(leaks_are_cleaned),
        cmocka_unit_test(drift_is_repaired),
        cmocka_unit_test(peers_one_by_one),
        cmocka_unit_test(taps_that_are_taken),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(bulk_is_grouped_by_kind),
        cmocka_unit_test(undo_takes_back_what_was_made),
        cmocka_unit_test(the_plan_as_commands),
        cmocka_unit_test(the_way_in_is_seen),
        cmocka_unit_test(aliases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
