/*
 * Grows a wg_device out of peers and allowed IPs in the order in which they come. Pure. It holds no
 * private key at any time.
 */
#include "backend/observe/wg_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"

/* Room for one more of `size` bytes in an array; NULL leaves it as it was. */
static void *grow(void *array, size_t n, size_t *cap, size_t size, size_t max)
{
    if (n < *cap)
        return array;
    if (n >= max)
        return NULL;
    size_t more = *cap ? *cap * 2 : 64;
    void *grown = realloc(array, more * size);
    if (grown)
        *cap = more;
    return grown;
}

void wg_build_reset(struct wg_build *b, const char *name, enum wg_backend backend)
{
    struct wg_device *d = &b->device;

    *d = (struct wg_device){.backend = backend, .peers = d->peers, .ips = d->ips};
    (void)str_copy(d->name, sizeof d->name, name); /* checked by wg_reader_new */
}

struct wg_peer *wg_build_peer(struct wg_build *b, const uint8_t key[static WG_KEY])
{
    struct wg_device *d = &b->device;
    struct wg_peer *peers = grow(d->peers, d->n_peers, &b->cap_peers, sizeof *peers, WG_PEERS_MAX);

    if (!peers)
        return NULL;
    d->peers = peers;
    struct wg_peer *p = &peers[d->n_peers++];
    *p = (struct wg_peer){.first_ip = d->n_ips};
    memcpy(p->public_key, key, WG_KEY);
    return p;
}

int wg_build_ip(struct wg_build *b, const struct addr *ip)
{
    struct wg_device *d = &b->device;

    if (d->n_peers == 0)
        return -EBADMSG;
    struct addr *ips = grow(d->ips, d->n_ips, &b->cap_ips, sizeof *ips, WG_IPS_MAX);
    if (!ips)
        return d->n_ips >= WG_IPS_MAX ? -E2BIG : -ENOMEM;
    d->ips = ips;
    ips[d->n_ips++] = *ip;
    d->peers[d->n_peers - 1].n_ips++;
    return 0;
}

static int compare_peers(const void *a, const void *b)
{
    return memcmp(((const struct wg_peer *)a)->public_key, ((const struct wg_peer *)b)->public_key,
                  WG_KEY);
}

static int compare_ips(const void *a, const void *b)
{
    return addr_compare(a, b);
}

int wg_build_finish(struct wg_build *b, struct err *e)
{
    struct wg_device *d = &b->device;

    if (d->n_peers > 1)
        qsort(d->peers, d->n_peers, sizeof *d->peers, compare_peers);
    for (size_t i = 0; i < d->n_peers; i++) {
        if (i > 0 && compare_peers(&d->peers[i - 1], &d->peers[i]) == 0)
            return err_set(e, ERR_AREA_WIREGUARD, -EBADMSG, "%s named a peer twice", d->name);
        if (d->peers[i].n_ips > 1)
            qsort(d->ips + d->peers[i].first_ip, d->peers[i].n_ips, sizeof *d->ips, compare_ips);
    }
    return 0;
}

void wg_build_done(struct wg_build *b)
{
    wg_device_done(&b->device);
    b->cap_peers = b->cap_ips = 0;
}

void wg_device_done(struct wg_device *d)
{
    if (!d)
        return;
    free(d->peers);
    free(d->ips);
    *d = (struct wg_device){0};
}

const struct wg_peer *wg_device_peer(const struct wg_device *d, const uint8_t key[static WG_KEY])
{
    struct wg_peer want;

    if (d->n_peers == 0)
        return NULL;
    memcpy(want.public_key, key, WG_KEY);
    return bsearch(&want, d->peers, d->n_peers, sizeof want, compare_peers);
}
