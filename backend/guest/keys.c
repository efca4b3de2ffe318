/*
 * ed25519 keys and the forms in which OpenSSH and dropbear want them. Any thread; only
 * keys_client_load touches a disk. Buffers that hold private bytes are struct secret and wiped on
 * every way out; no private byte may get into an error text.
 */
#include "backend/guest/keys.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "backend/host/secret_file.h"
#include "backend/model/text.h"

static const char key_type[] = "ssh-ed25519";
static const char pem_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
static const char pem_end[] = "-----END OPENSSH PRIVATE KEY-----\n";
static const char magic[] = "openssh-key-v1"; /* its NUL is part of it */

enum {
    TYPE_LEN = sizeof key_type - 1,
    BLOB_LEN = 4 + TYPE_LEN + 4 + KEYS_PUBLIC_BYTES,
    SEED_LEN = 32,
    PEM_LINE = 70,
};

static void put_bytes(struct secret *s, const void *bytes, size_t len)
{
    memcpy(s->bytes + s->len, bytes, len); /* all that is put here is of bounded length */
    s->len += len;
}

static void put_u32(struct secret *s, size_t v)
{
    const uint8_t be[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    put_bytes(s, be, sizeof be);
}

static void put_string(struct secret *s, const void *bytes, size_t len)
{
    put_u32(s, len);
    put_bytes(s, bytes, len);
}

static void put_public(struct secret *s, const uint8_t *pub)
{
    put_string(s, key_type, TYPE_LEN);
    put_string(s, pub, KEYS_PUBLIC_BYTES);
}

/* base64 with a newline after each `line` characters (0: none); returns characters written. */
static size_t base64_put(char *dst, const uint8_t *src, size_t len, size_t line)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0, col = 0;

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)src[i] << 16;
        if (i + 1 < len)
            v |= (uint32_t)src[i + 1] << 8;
        if (i + 2 < len)
            v |= src[i + 2];
        for (unsigned d = 0; d < 4; d++) {
            bool pad = i + d > len;
            dst[at++] = pad ? '=' : digits[(v >> (18 - 6 * d)) & 63];
            if (line && ++col % line == 0)
                dst[at++] = '\n';
        }
    }
    if (line && col % line != 0)
        dst[at++] = '\n';
    return at;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Newlines are skipped; false for anything else that is no base64, or more than cap bytes. */
static bool base64_get(const char *src, size_t len, uint8_t *dst, size_t cap, size_t *ret_len)
{
    uint32_t v = 0;
    unsigned n = 0, pad = 0;
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        if (src[i] == '\n' || src[i] == '\r')
            continue;
        int d = src[i] == '=' ? 0 : base64_digit(src[i]);
        if (d < 0 || (pad && src[i] != '='))
            return false;
        pad += src[i] == '=';
        v = v << 6 | (uint32_t)d;
        if (++n % 4 != 0)
            continue;
        if (pad > 2 || at + 3 - pad > cap)
            return false;
        for (unsigned b = 0; b < 3 - pad; b++)
            dst[at++] = (uint8_t)(v >> (16 - 8 * b));
    }
    *ret_len = at;
    return n % 4 == 0;
}

static int public_of_seed(const struct secret *seed, uint8_t *ret_pub, struct err *e)
{
    size_t len = KEYS_PUBLIC_BYTES;

    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed->bytes, seed->len);
    bool ok = key && EVP_PKEY_get_raw_public_key(key, ret_pub, &len) == 1;
    EVP_PKEY_free(key); /* libcrypto wipes it */
    return ok ? 0 : err_set(e, ERR_AREA_SSH, -EIO, "libcrypto could not make an ed25519 key");
}

int keys_generate(struct key_pair *ret, struct err *e)
{
    int r = secret_random(&ret->seed, SEED_LEN);

    if (r != 0)
        return err_sys(e, ERR_AREA_SSH, r, "drawing a key");
    r = public_of_seed(&ret->seed, ret->pub, e);
    if (r != 0)
        keys_done(ret);
    return r;
}

void keys_done(struct key_pair *k)
{
    if (!k)
        return;
    secret_done(&k->seed);
    memset(k->pub, 0, sizeof k->pub);
}

static size_t comment_len(const char *comment)
{
    size_t len = comment ? strlen(comment) : 0;

    for (size_t i = 0; i < len; i++)
        if (comment[i] < ' ' || comment[i] > '~')
            return 0;
    return len > KEYS_COMMENT_MAX ? KEYS_COMMENT_MAX : len;
}

const char *keys_public_format(const uint8_t pub[static KEYS_PUBLIC_BYTES], const char *comment,
                               char buf[static KEYS_PUBLIC_TEXT])
{
    struct secret blob = {0}; /* nothing secret: only the put functions are shared */
    size_t len = TYPE_LEN, note = comment_len(comment);

    put_public(&blob, pub);
    memcpy(buf, key_type, TYPE_LEN);
    buf[len++] = ' ';
    len += base64_put(buf + len, blob.bytes, blob.len, 0);
    if (note) {
        buf[len++] = ' ';
        memcpy(buf + len, comment, note);
        len += note;
    }
    buf[len] = '\0';
    return buf;
}

int keys_public_parse(const char *line, uint8_t ret_pub[static KEYS_PUBLIC_BYTES], struct err *e)
{
    uint8_t blob[BLOB_LEN + 3];
    struct secret want = {0};
    size_t len = 0;

    put_string(&want, key_type, TYPE_LEN);
    put_u32(&want, KEYS_PUBLIC_BYTES);
    if (strncmp(line, key_type, TYPE_LEN) != 0 || line[TYPE_LEN] != ' ')
        return err_set(e, ERR_AREA_SSH, -EINVAL, "not an ssh-ed25519 public key line");
    line += TYPE_LEN + 1;
    if (!base64_get(line, strcspn(line, " \t\r\n"), blob, sizeof blob, &len) || len != BLOB_LEN ||
        memcmp(blob, want.bytes, want.len) != 0)
        return err_set(e, ERR_AREA_SSH, -EINVAL, "the ssh-ed25519 public key is damaged");
    memcpy(ret_pub, blob + want.len, KEYS_PUBLIC_BYTES);
    return 0;
}

const char *keys_fingerprint(const uint8_t pub[static KEYS_PUBLIC_BYTES],
                             char buf[static KEYS_FINGERPRINT_TEXT])
{
    struct secret blob = {0};
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    put_public(&blob, pub);
    memcpy(buf, "SHA256:", 8);
    if (EVP_Digest(blob.bytes, blob.len, hash, &len, EVP_sha256(), NULL) != 1 || len != 32)
        return buf;
    size_t n = base64_put(buf + 7, hash, len, 0);
    buf[7 + n - 1] = '\0'; /* 32 bytes end in one '=', which nobody writes */
    return buf;
}

int keys_openssh_format(const struct key_pair *k, const char *comment, struct secret *ret,
                        struct err *e)
{
    struct secret file = {0}, part = {0}, check = {0};
    size_t note = comment_len(comment);

    int r = secret_random(&check, 4);
    if (r != 0)
        return err_sys(e, ERR_AREA_SSH, r, "drawing random bytes");
    put_bytes(&part, check.bytes, 4);
    put_bytes(&part, check.bytes, 4);
    put_public(&part, k->pub);
    put_u32(&part, SEED_LEN + KEYS_PUBLIC_BYTES);
    put_bytes(&part, k->seed.bytes, SEED_LEN);
    put_bytes(&part, k->pub, KEYS_PUBLIC_BYTES);
    put_string(&part, note ? comment : "", note);
    for (uint8_t pad = 1; part.len % 8 != 0; pad++)
        put_bytes(&part, &pad, 1);

    put_bytes(&file, magic, sizeof magic);
    put_string(&file, "none", 4);
    put_string(&file, "none", 4);
    put_string(&file, "", 0);
    put_u32(&file, 1);
    put_u32(&file, BLOB_LEN);
    put_public(&file, k->pub);
    put_string(&file, part.bytes, part.len);

    secret_done(ret);
    put_bytes(ret, pem_begin, sizeof pem_begin - 1);
    ret->len += base64_put((char *)ret->bytes + ret->len, file.bytes, file.len, PEM_LINE);
    put_bytes(ret, pem_end, sizeof pem_end - 1);
    secret_done(&part);
    secret_done(&file);
    return 0;
}

/* Takes a string of the wire format off the front; false when it is not all there. */
static bool take_string(const uint8_t **at, size_t *left, const uint8_t **ret, size_t *ret_len)
{
    if (*left < 4)
        return false;
    const uint8_t *p = *at;
    size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (len > *left - 4)
        return false;
    *ret = p + 4;
    *ret_len = len;
    *at += 4 + len;
    *left -= 4 + len;
    return true;
}

/* The seed out of the decoded file, or NULL. Only what keys_openssh_format makes is understood. */
static const uint8_t *find_seed(const struct secret *file)
{
    const uint8_t *at = file->bytes + sizeof magic, *s;
    size_t left = file->len - sizeof magic, len;

    if (file->len < sizeof magic || memcmp(file->bytes, magic, sizeof magic) != 0)
        return NULL;
    for (int i = 0; i < 2; i++)
        if (!take_string(&at, &left, &s, &len) || len != 4 || memcmp(s, "none", 4) != 0)
            return NULL;
    if (!take_string(&at, &left, &s, &len) || left < 4)
        return NULL;
    at += 4;
    left -= 4;
    if (!take_string(&at, &left, &s, &len) || !take_string(&at, &left, &s, &len) || len < 8 ||
        memcmp(s, s + 4, 4) != 0)
        return NULL;
    at = s + 8;
    left = len - 8;
    if (!take_string(&at, &left, &s, &len) || len != TYPE_LEN || memcmp(s, key_type, len) != 0 ||
        !take_string(&at, &left, &s, &len) || !take_string(&at, &left, &s, &len) ||
        len != SEED_LEN + KEYS_PUBLIC_BYTES)
        return NULL;
    return s;
}

int keys_openssh_parse(const struct secret *text, struct key_pair *ret, struct err *e)
{
    const size_t begin = sizeof pem_begin - 1;
    struct secret file = {0};
    int r = err_set(e, ERR_AREA_SSH, -EINVAL, "not an unencrypted ed25519 key of OpenSSH's form");

    const char *body = (const char *)text->bytes + begin;
    if (text->len < begin || memcmp(text->bytes, pem_begin, begin) != 0)
        return r;
    const char *end = memchr(body, '-', text->len - begin);
    if (end && base64_get(body, (size_t)(end - body), file.bytes, sizeof file.bytes, &file.len)) {
        const uint8_t *seed = find_seed(&file);
        if (seed) {
            (void)secret_set(&ret->seed, seed, SEED_LEN); /* 32 bytes fit */
            r = public_of_seed(&ret->seed, ret->pub, e);
            if (r == 0 && memcmp(ret->pub, seed + SEED_LEN, KEYS_PUBLIC_BYTES) != 0)
                r = err_set(e, ERR_AREA_SSH, -EINVAL, "the two halves of the key differ");
            if (r != 0)
                keys_done(ret);
            else
                err_clear(e);
        }
    }
    secret_done(&file);
    return r;
}

int keys_dropbear_format(const struct key_pair *k, struct secret *ret)
{
    secret_done(ret);
    put_string(ret, key_type, TYPE_LEN);
    put_u32(ret, SEED_LEN + KEYS_PUBLIC_BYTES);
    put_bytes(ret, k->seed.bytes, SEED_LEN);
    put_bytes(ret, k->pub, KEYS_PUBLIC_BYTES);
    return 0;
}

int keys_client_load(const char *dir, struct key_pair *ret, struct err *e)
{
    static const char name[] = "ssh_key";
    struct secret text = {0};

    int r = secret_file_read(dir, name, &text, e);
    if (r == -ENOENT) {
        r = keys_generate(ret, e);
        if (r == 0)
            r = keys_openssh_format(ret, "meshdeck", &text, e);
        if (r == 0)
            r = secret_file_create(dir, name, &text, e);
        if (r == -EEXIST) /* another process was faster: its key is the one */
            r = secret_file_read(dir, name, &text, e);
    }
    if (r == 0 && (r = keys_openssh_parse(&text, ret, e)) != 0)
        (void)err_wrap(e, "%s/%s", dir, name);
    if (r != 0)
        keys_done(ret);
    secret_done(&text);
    return r;
}
