/*
 * WireGuard's keys. Any thread. Every copy of a private key on the stack is wiped; none is ever
 * part of an error text.
 */
#include "backend/host/wgkey.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#include "backend/host/secret_file.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void wgkey_wipe(struct wgkey_secret *k)
{
    explicit_bzero(k, sizeof *k);
}

void wgkey_clamp(struct wgkey_secret *k)
{
    k->bytes[0] &= 248;
    k->bytes[31] = (uint8_t)((k->bytes[31] & 127) | 64);
}

int wgkey_generate(struct wgkey_secret *ret, struct err *e)
{
    size_t have = 0;

    while (have < WGKEY_LEN) {
        ssize_t n = getrandom(ret->bytes + have, WGKEY_LEN - have, 0);
        if (n < 0 && errno != EINTR)
            return err_sys(e, ERR_AREA_WIREGUARD, -errno, "no randomness for a key");
        have += n > 0 ? (size_t)n : 0;
    }
    wgkey_clamp(ret);
    return 0;
}

int wgkey_public(const struct wgkey_secret *k, uint8_t ret[static WGKEY_LEN], struct err *e)
{
    size_t len = WGKEY_LEN;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, k->bytes, WGKEY_LEN);
    int ok = key && EVP_PKEY_get_raw_public_key(key, ret, &len) == 1 && len == WGKEY_LEN;

    EVP_PKEY_free(key);
    return ok ? 0
              : err_set(e, ERR_AREA_WIREGUARD, -EIO, "libcrypto could not derive the public key");
}

const char *wgkey_to_base64(const uint8_t key[static WGKEY_LEN], char buf[static WGKEY_BASE64])
{
    size_t out = 0;

    for (size_t i = 0; i < WGKEY_LEN; i += 3) {
        uint32_t v = (uint32_t)key[i] << 16;
        v |= i + 1 < WGKEY_LEN ? (uint32_t)key[i + 1] << 8 : 0;
        v |= i + 2 < WGKEY_LEN ? key[i + 2] : 0;
        for (int shift = 18; shift >= 0; shift -= 6)
            buf[out++] = alphabet[(v >> shift) & 63];
    }
    buf[WGKEY_BASE64 - 2] = '='; /* 32 bytes leave one over */
    buf[WGKEY_BASE64 - 1] = '\0';
    return buf;
}

int wgkey_from_base64(const char *text, uint8_t ret[static WGKEY_LEN], struct err *e)
{
    uint8_t key[WGKEY_LEN + 1] = {0};
    uint32_t v = 0;
    size_t out = 0;
    int rc = 0;

    if (strnlen(text, WGKEY_BASE64) != WGKEY_BASE64 - 1 || text[WGKEY_BASE64 - 2] != '=')
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "a key has 44 characters, the last of them =");
    for (size_t i = 0; i < WGKEY_BASE64 - 2 && rc == 0; i++) {
        const char *at = strchr(alphabet, text[i]);
        if (!at || !*at)
            rc = err_set(e, ERR_AREA_INPUT, -EINVAL, "a key has only letters, digits, + and /");
        else
            v = (v << 6) | (uint32_t)(at - alphabet);
        if (i % 4 == 3)
            for (int shift = 16; shift >= 0; shift -= 8)
                key[out++] = (uint8_t)(v >> shift);
    }
    key[out] = (uint8_t)(v >> 10); /* the last three characters hold two bytes and two zero bits */
    key[out + 1] = (uint8_t)(v >> 2);
    if (rc == 0 && (v & 3) != 0)
        rc = err_set(e, ERR_AREA_INPUT, -EINVAL, "a key of 44 characters ends in other letters");
    if (rc == 0)
        memcpy(ret, key, WGKEY_LEN);
    explicit_bzero(key, sizeof key);
    explicit_bzero(&v, sizeof v);
    return rc;
}

/* "STATE/secrets/name" as folder and name, for secret_file.h. */
static int split_path(const char *path, char *dir, size_t cap, const char **ret_name, struct err *e)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;

    if (!slash || len == 0 || len >= cap || !slash[1])
        return err_set(e, ERR_AREA_WIREGUARD, -EINVAL, "%s: no path for a key", path);
    memcpy(dir, path, len);
    dir[len] = '\0';
    *ret_name = slash + 1;
    return 0;
}

int wgkey_read_file(const char *path, struct wgkey_secret *ret, struct err *e)
{
    struct secret s = {0};
    char dir[PATH_MAX];
    const char *name;
    int rc = split_path(path, dir, sizeof dir, &name, e);

    if (rc == 0)
        rc = secret_file_read(dir, name, &s, e);
    if (rc == -ENOENT)
        return err_sys(e, ERR_AREA_WIREGUARD, rc, "key file %s", path);
    if (rc == 0 && s.len != WGKEY_LEN)
        rc =
            err_set(e, ERR_AREA_WIREGUARD, -EINVAL, "key file %s is not %d bytes", path, WGKEY_LEN);
    if (rc == 0)
        memcpy(ret->bytes, s.bytes, WGKEY_LEN);
    secret_done(&s);
    return rc;
}

int wgkey_write_file(const char *path, const struct wgkey_secret *k, struct err *e)
{
    struct secret s = {0};
    char dir[PATH_MAX];
    const char *name;
    int rc = split_path(path, dir, sizeof dir, &name, e);

    if (rc == 0)
        rc = secret_set(&s, k->bytes, WGKEY_LEN);
    if (rc == 0)
        rc = secret_file_create(dir, name, &s, e);
    secret_done(&s);
    return rc == -EEXIST ? err_sys(e, ERR_AREA_WIREGUARD, rc, "key file %s", path) : rc;
}
