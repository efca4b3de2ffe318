/*
 * The plumbing of 1,000 VMs as one batch: records and addresses in the database, taps with their
 * settings and addresses, routes, firewall elements; against `ip -batch` and `nft -f` of the same
 * objects (which have no database and switch nothing in /proc). Then all taps are closed at once, and
 * the loop has to stay free meanwhile.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/nft_elements.h"
#include "backend/host/nft_text.h"
#include "backend/host/route.h"
#include "backend/host/sysctl.h"
#include "backend/host/tap.h"
#include "backend/store/db.h"
#include "backend/store/netrec.h"
#include "backend/store/settings.h"
#include "backend/store/vmrec.h"
#include "tests/support/bench.h"
#include "tests/support/netns.h"
#include "tests/support/nfthost.h"

enum { VMS = 1000, ROUNDS = 3 };

static struct err err;
static struct vm_rec vms[VMS];
static struct tap taps[VMS];
static struct nft_guest guests[VMS];
static char tables[] = "/tmp/meshdeck-bench.XXXXXX", links[] = "/tmp/meshdeck-bench.XXXXXX",
            elements[] = "/tmp/meshdeck-bench.XXXXXX";

static void must(int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static FILE *file_new(char *path)
{
    int fd = mkostemp(path, O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (!f)
        exit(1);
    return f;
}

/* A fresh database with its settings, which a batch does not make. */
static struct db *database(const char *dir)
{
    struct settings s = {.node_name = "ams1"};
    struct db *db;

    must(db_open(dir, DB_HOW_CREATE, &db, &err));
    must(db_begin(db, &err));
    must(db_end(db, settings_init(db, &s, &err), &err));
    return db;
}

static void records(struct db *db)
{
    for (unsigned i = 0; i < VMS; i++) {
        vms[i] = (struct vm_rec){.network_id = NETREC_MESH_ID, .vcpus = 1, .memory_mib = 256};
        (void)snprintf(vms[i].name, sizeof vms[i].name, "vm%u", i + 1);
    }
    must(db_begin(db, &err));
    must(db_end(db, vmrec_create(db, vms, VMS, NULL, &err), &err));
}

static void plumb(struct nl *nl)
{
    char alias[64];

    for (unsigned i = 0; i < VMS; i++) {
        must(tap_create(vms[i].tap, NULL, (uid_t)-1, &taps[i], &err));
        must(sysctl_prepare_tap(taps[i].name, NULL, &err));
        (void)snprintf(alias, sizeof alias, "meshdeck:vm:%u", i);
        tap_queue_prepare(nl, &taps[i], alias, 1420);
        struct route_spec four = {.dst = vms[i].ip4, .oif = (uint32_t)taps[i].ifindex};
        struct route_spec six = {.dst = vms[i].ip6, .oif = (uint32_t)taps[i].ifindex};
        four.dst.prefix_len = 32;
        six.dst.prefix_len = 128;
        route_queue_add(nl, &four);
        route_queue_add(nl, &six);
    }
    must(nl_run(nl, NULL, NULL, &err));
}

static void name_guests(void)
{
    for (unsigned i = 0; i < VMS; i++) {
        guests[i] = (struct nft_guest){.ip4 = vms[i].ip4, .ip6 = vms[i].ip6};
        memcpy(guests[i].tap, vms[i].tap, sizeof guests[i].tap);
        memcpy(guests[i].mac, vms[i].mac, sizeof guests[i].mac);
    }
}

/* The same links, addresses and routes as somebody would write them for ip. */
static void write_links(void)
{
    FILE *f = file_new(links);
    char four[ADDR_TEXT], six[ADDR_TEXT];

    for (unsigned i = 0; i < VMS; i++) {
        const char *t = vms[i].tap;
        fprintf(f, "tuntap add dev %s mode tap vnet_hdr\n", t);
        fprintf(f, "link set dev %s addrgenmode none\n", t);
        fprintf(f, "link set dev %s group 7 up mtu 1420 alias meshdeck:vm:%u\n", t, i);
        fprintf(f, "address add fe80::1/64 dev %s nodad\n", t);
        fprintf(f, "address add 169.254.1.1/32 dev %s scope link\n", t);
        fprintf(f, "route add %s/32 dev %s proto 77\n", addr_format(&vms[i].ip4, false, four), t);
        fprintf(f, "route add %s/128 dev %s proto 77\n", addr_format(&vms[i].ip6, false, six), t);
    }
    if (fclose(f) != 0)
        exit(1);
}

static void write_elements(void)
{
    FILE *f = file_new(elements);
    struct nft_element els[NFT_ELEMENTS_PER_GUEST];
    char text[NFT_ELEMENT_TEXT];

    for (enum nft_set s = 0; s < NFT_SET_COUNT; s++) {
        const struct nft_set_info *info = nft_set_info(s);
        bool any = false;
        for (size_t g = 0; g < VMS; g++) {
            size_t n = nft_guest_elements(&guests[g], els);
            for (size_t i = 0; i < n; i++) {
                if (els[i].set != s)
                    continue;
                if (!any)
                    fprintf(f, "add element %s meshdeck %s { ", nft_family_name(info->family),
                            info->name);
                fprintf(f, "%s%s", any ? ", " : "", nft_element_format(&els[i], text));
                any = true;
            }
        }
        if (any)
            fputs(" }\n", f);
    }
    if (fclose(f) != 0)
        exit(1);
}

static void write_tables(void)
{
    struct nft_config c = nfthost_config();
    FILE *f = file_new(tables);
    char *text;

    must(nft_plan_tables_text(&c, &text, &err));
    fputs(text, f);
    free(text);
    if (fclose(f) != 0)
        exit(1);
}

/* The loop's longest turn while it waits: a timer that should fire every millisecond. */
struct stall {
    double last, longest;
    bool done;
};

static void on_tick(uv_timer_t *timer)
{
    struct stall *s = timer->data;
    double now = bench_now_ms();

    s->longest = now - s->last > s->longest ? now - s->last : s->longest;
    s->last = now;
}

static void on_closed(void *arg)
{
    ((struct stall *)arg)->done = true;
}

static double close_all(double *ret_stall)
{
    struct stall s = {0};
    uv_loop_t loop;
    uv_timer_t timer;
    int fds[VMS];

    for (unsigned i = 0; i < VMS; i++)
        fds[i] = taps[i].fd;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    timer.data = &s;
    uv_timer_start(&timer, on_tick, 1, 1);
    double began = s.last = bench_now_ms();
    must(tap_close_many(&loop, fds, VMS, on_closed, &s, &err));
    while (!s.done)
        uv_run(&loop, UV_RUN_ONCE);
    double took = bench_now_ms() - began;
    uv_close((uv_handle_t *)&timer, NULL);
    loop_close(&loop);
    *ret_stall = s.longest;
    return took;
}

/* One round of ours; its taps are gone again. */
static double ours_once(struct nft_elements *x, struct nl *nl, double *gone, double *stall)
{
    char dir[] = "/tmp/meshdeck-bench.XXXXXX";
    double one_stall;

    if (!mkdtemp(dir))
        exit(1);
    run_ok("nft", "-f", tables);
    struct db *db = database(dir);
    double began = bench_now_ms();
    records(db);
    plumb(nl);
    name_guests();
    must(nft_elements_apply(x, guests, VMS, NULL, 0, &err));
    double took = bench_now_ms() - began;
    *gone = least(*gone, close_all(&one_stall));
    *stall = least(*stall, one_stall);
    db_close(db);
    run_ok("rm", "-rf", dir);
    return took;
}

static double other_once(void)
{
    run_ok("nft", "-f", tables);
    double began = bench_now_ms();
    run_ok("ip", "-batch", links);
    run_ok("nft", "-f", elements);
    double took = bench_now_ms() - began;
    run_ok("ip", "link", "del", "group", "7");
    return took;
}

int main(void)
{
    const char *why = netns_enter();
    const struct rlimit files = {8192, 8192};
    double ours = 1e9, other = 1e9, gone = 1e9, stall = 1e9;
    struct nft_elements *x;
    struct nl *nl;

    if (!why && access("/dev/net/tun", R_OK | W_OK) != 0)
        why = "no /dev/net/tun";
    if (why)
        return bench_skip("plumbing of 1,000 VMs", why);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    must(nft_elements_open(&x, &err));
    must(nl_open(NETLINK_ROUTE, &nl, &err));
    write_tables();
    for (int i = 0; i < ROUNDS; i++) {
        ours = least(ours, ours_once(x, nl, &gone, &stall));
        if (i == 0) {
            write_links();
            write_elements();
        }
        other = least(other, other_once());
    }
    nl_free(nl);
    nft_elements_free(x);
    unlink(tables);
    unlink(links);
    unlink(elements);
    bool ok = bench_ratio("plumbing of 1,000 VMs vs ip and nft", ours, other, 1.5, "ms");
    ok &= bench_limit("1,000 taps gone", gone, 2000, "ms");
    ok &= bench_limit("the loop's longest stall meanwhile", stall, 16, "ms");
    return ok ? 0 : 1;
}
