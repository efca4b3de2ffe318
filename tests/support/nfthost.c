/* A firewall under test. Any failure of the scaffolding ends the program with its reason. */
#include "tests/support/nfthost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"
#include "tests/support/netns.h"

struct nft_config nfthost_config(void)
{
    struct nft_config c = { .mesh4 = addr_mesh_ip4() };

    if (addr_parse("fd12:3456:789a::/48", true, &c.fleet, NULL) < 0) {
        abort();
    }
    (void)str_copy(c.wg_device, sizeof(c.wg_device), "mesh0");
    return c;
}

struct nft_guest nfthost_guest(unsigned k)
{
    struct nft_config c = nfthost_config();
    struct nft_guest g = { 0 };

    (void)snprintf(g.tap, sizeof(g.tap), "tap%u", k);
    if (addr_mac_for_id(k + 1, g.mac) < 0) {
        abort();
    }
    g.ip4 = addr_ip4(0x0ad20002u + (k / 250) * 256 + k % 250, 32);
    g.ip6 = addr_guest_ip6(&c.fleet, 1, ADDR_MESH_NETWORK, ADDR_FIRST_MACHINE + k);
    return g;
}

static void on_event(const struct nft_event *ev, void *arg)
{
    struct nfthost *h = arg;

    switch (ev->kind) {
    case NFT_EVENT_CHANGED:
        h->changed++;
        h->last_changed = *ev;
        break;
    case NFT_EVENT_REBUILT:
        h->rebuilt++;
        break;
    case NFT_EVENT_FAILED:
        h->failed++;
        break;
    case NFT_EVENT_WORKER_DIED:
        h->died++;
        break;
    }
    if (ev->error_b) {
        (void)str_copy(h->last_error, sizeof(h->last_error), ev->error_b->text);
    }
}

void nfthost_open(struct nfthost *h, uid_t worker_uid)
{
    struct nft_config c = nfthost_config();
    struct err e = { 0 };

    memset(h, 0, sizeof(*h));
    if (uv_loop_init(&h->loop) != 0 ||
        nft_open(&h->loop, &c, NULL, worker_uid, on_event, h, &h->nft, &e) < 0) {
        fprintf(stderr, "nft_open: %s\n", e.text);
        exit(1);
    }
}

void nfthost_close(struct nfthost *h)
{
    nft_free(h->nft);
    free(h->json);
    loop_close(&h->loop);
}

void nfthost_done(const struct err *e, void *arg)
{
    struct nfthost *h = arg;

    h->done++;
    h->done_error = e ? *e : (struct err){ 0 };
}

void nfthost_json(const char *json, size_t len, const struct err *e, void *arg)
{
    struct nfthost *h = arg;

    free(h->json);
    h->json = strndup(json, len);
    nfthost_done(e, arg);
}

struct goal {
    const int *counter;
    int want;
};

static bool reached(void *arg)
{
    const struct goal *g = arg;
    return *g->counter >= g->want;
}

bool nfthost_wait(struct nfthost *h, const int *counter, int want)
{
    struct goal g = { counter, want };
    return loop_until(&h->loop, reached, &g, 10);
}

void nfthost_rebuild(struct nfthost *h, const struct nft_guest *guests, size_t count)
{
    struct nft_config c = nfthost_config();
    struct err e = { 0 };
    int before = h->done;

    if (nft_rebuild(h->nft, &c, guests, count, nfthost_done, h, &e) < 0 ||
        !nfthost_wait(h, &h->done, before + 1) || h->done_error.code != 0) {
        fprintf(stderr, "nft_rebuild: %s%s\n", e.text, h->done_error.text);
        exit(1);
    }
}

struct nft_count nfthost_count(struct nfthost *h, enum nft_counter c)
{
    struct nft_count counts[NFT_COUNTER_COUNT];
    struct err e = { 0 };

    if (nft_read_counters(h->nft, counts, &e) < 0) {
        fprintf(stderr, "nft_read_counters: %s\n", e.text);
        exit(1);
    }
    return counts[c];
}
