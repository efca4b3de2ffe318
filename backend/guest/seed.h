#ifndef MESHDECK_GUEST_SEED_H
#define MESHDECK_GUEST_SEED_H
/*
 * The seed disk, by which a guest gets its name, addresses, keys and resolver. One ISO 9660 volume
 * labelled `cidata` serves both kinds of guest: NoCloud's meta-data, user-data and network-config
 * for stock cloud images, and `meshdeck`, one flat key=value file, which also stands at the very
 * beginning of the disk so that the built-in guest needs no filesystem to read it.
 * It holds the guest's private host key: 0600, the VM's. Waits for the disk: libuv's pool.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/guest/keys.h"
#include "backend/model/addr.h"
#include "backend/model/err.h"

enum {
    SEED_KEYS_MAX = 32,
    SEED_DNS_MAX = 4,
    SEED_USER_DATA_MAX = 512 * 1024,
    SEED_FLAT_MAX = 16384
};

/* All borrowed for the call. Texts go into line-based files: control characters are refused. */
struct seed {
    const char *instance_id; /* new for a clone or restore, the same for a restart */
    const char *hostname;
    uint8_t mac[6];
    struct addr ip6, ip4;           /* ip6 /128; ip4 with its prefix length, family 0: none */
    struct addr gateway6, gateway4; /* family 0: none */
    struct addr dns[SEED_DNS_MAX];
    size_t n_dns;
    const char *search;              /* NULL: none */
    bool dhcp4;                      /* instead of ip4 */
    uint32_t mtu;                    /* 0: not said */
    const char *keys[SEED_KEYS_MAX]; /* authorized_keys lines */
    size_t n_keys;
    const struct key_pair *host_key; /* NULL: the guest makes its own */
    const char *user_data; /* the operator's, instead of ours; NULL: none. Its length is counted. */
};

/* The image's bytes, malloc'd; wipe with seed_free. */
int seed_build(const struct seed *s, uint8_t **ret, size_t *ret_len, struct err *e);
void seed_free(uint8_t *image, size_t len);

/* Makes folder/seed.img whole or not at all, owned by uid and gid ((uid_t)-1: as it is). */
int seed_write(const struct seed *s, const char *folder, uid_t uid, gid_t gid, struct err *e);

/* Whether folder/seed.img is there and is one of ours. */
bool seed_is_whole(const char *folder);

#endif
