/*
 * WireGuard's keys. Any thread. Every copy of a private key on the stack is wiped; none is ever part
 * of an error text.
 */
#include "backend/host/wgkey.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int check_file(int fd, const char *path, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(e, ERR_AREA_WIREGUARD, -errno, "key file %s", path);
    if (!S_ISREG(st.st_mode) || st.st_size != WGKEY_LEN)
        return err_set(e, ERR_AREA_WIREGUARD, -EINVAL, "key file %s is not %d bytes", path,
                       WGKEY_LEN);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return err_set(e, ERR_AREA_WIREGUARD, -EPERM, "key file %s belongs to user %u", path,
                       st.st_uid);
    if (st.st_mode & 077)
        return err_set(e, ERR_AREA_WIREGUARD, -EPERM,
                       "key file %s can be read by others: chmod 600 it, and think of a new key",
                       path);
    return 0;
}

int wgkey_read_file(const char *path, struct wgkey_secret *ret, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_sys(e, ERR_AREA_WIREGUARD, -errno, "key file %s", path);
    int rc = check_file(fd, path, e);
    if (rc == 0 && read(fd, ret->bytes, WGKEY_LEN) != WGKEY_LEN)
        rc = err_set(e, ERR_AREA_WIREGUARD, -EIO, "key file %s could not be read", path);
    close(fd);
    if (rc != 0)
        wgkey_wipe(ret);
    return rc;
}

int wgkey_write_file(const char *path, const struct wgkey_secret *k, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = 0;

    if (fd < 0)
        return err_sys(e, ERR_AREA_WIREGUARD, -errno, "key file %s", path);
    errno = ENOSPC; /* for a short write, which sets none */
    if (write(fd, k->bytes, WGKEY_LEN) != WGKEY_LEN || fsync(fd) != 0)
        rc = err_sys(e, ERR_AREA_WIREGUARD, -errno, "writing key file %s", path);
    if (close(fd) != 0 && rc == 0)
        rc = err_sys(e, ERR_AREA_WIREGUARD, -errno, "writing key file %s", path);
    if (rc != 0)
        (void)unlink(path); /* half a key is worse than none */
    return rc;
}
