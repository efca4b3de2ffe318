/*
 * What a guest is told at its first start, in two languages: NoCloud's YAML and the flat file of
 * the built-in guest. Pool threads. Buffers hold the guest's private host key and are wiped; a text
 * with a control character is refused, since both languages are made of lines.
 */
#include "backend/guest/seed.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "backend/guest/iso.h"
#include "backend/guest/newfile.h"
#include "backend/model/text.h"

#define SEED_FILE "seed.img"
#define SEED_LABEL "cidata"
#define FLAT_FIRST_LINE "meshdeck=1\n"

enum { YAML_MAX = 65536, SEED_MIN_BYTES = 65536, RANDOM_BYTES = 32 };

/* A growing text; `full` once something did not fit. */
struct out {
    char *text;
    size_t len, cap;
    bool full;
};

static void add(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct out *o, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(o->text + o->len, o->cap - o->len, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= o->cap - o->len)
        o->full = true;
    else
        o->len += (size_t)n;
}

/* In double quotes, as YAML wants it. */
static void add_quoted(struct out *o, const char *text)
{
    add(o, "\"");
    for (; *text; text++)
        add(o, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    add(o, "\"");
}

static bool is_one_line(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static int check(const struct seed *s, struct err *e)
{
    if (!s->hostname || !s->hostname[0] || !s->instance_id)
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "a seed disk needs a host name and an id");
    if (!is_one_line(s->hostname) || !is_one_line(s->instance_id) ||
        (s->search && !is_one_line(s->search)))
        return err_set(e, ERR_AREA_INPUT, -EINVAL,
                       "a name for the seed disk holds control characters");
    if (s->n_keys > SEED_KEYS_MAX || s->n_dns > SEED_DNS_MAX)
        return err_set(e, ERR_AREA_INPUT, -E2BIG,
                       "at most %d keys and %d resolvers fit a seed disk", (int)SEED_KEYS_MAX,
                       (int)SEED_DNS_MAX);
    for (size_t i = 0; i < s->n_keys; i++)
        if (!is_one_line(s->keys[i]) || strlen(s->keys[i]) > 2048)
            return err_set(e, ERR_AREA_INPUT, -EINVAL, "SSH key %zu is no line of authorized_keys",
                           i + 1);
    if (s->user_data && strlen(s->user_data) > SEED_USER_DATA_MAX)
        return err_set(e, ERR_AREA_INPUT, -E2BIG, "user data is limited to %d KiB",
                       (int)SEED_USER_DATA_MAX / 1024);
    return 0;
}

static const char *plain(const struct addr *a, char buf[static ADDR_TEXT])
{
    struct addr host = *a;
    host.prefix_len = a->family == AF_INET ? 32 : 128;
    return addr_format(&host, false, buf);
}

/*-- the flat file: read by backend/guest/builtin/network */
static int put_flat(struct out *o, const struct seed *s, struct err *e)
{
    char buf[ADDR_TEXT];
    uint8_t noise[RANDOM_BYTES];

    add(o, FLAT_FIRST_LINE "instance=%s\nhostname=%s\n", s->instance_id, s->hostname);
    if (s->ip6.family)
        add(o, "ipv6=%s\n", addr_format(&s->ip6, true, buf));
    if (s->gateway6.family)
        add(o, "ipv6_gateway=%s\n", plain(&s->gateway6, buf));
    if (s->dhcp4)
        add(o, "ipv4=dhcp\n");
    else if (s->ip4.family)
        add(o, "ipv4=%s\n", addr_format(&s->ip4, true, buf));
    if (s->gateway4.family && !s->dhcp4)
        add(o, "ipv4_gateway=%s\n", plain(&s->gateway4, buf));
    if (s->n_dns > 0) {
        add(o, "dns=");
        for (size_t i = 0; i < s->n_dns; i++)
            add(o, "%s%s", i ? " " : "", plain(&s->dns[i], buf));
        add(o, "\n");
    }
    if (s->search)
        add(o, "search=%s\n", s->search);
    if (s->mtu)
        add(o, "mtu=%u\n", s->mtu);
    for (size_t i = 0; i < s->n_keys; i++)
        add(o, "ssh_key=%s\n", s->keys[i]);
    if (s->host_key) {
        struct secret key = {0};
        unsigned char base64[2 * SECRET_MAX];
        const int r = keys_dropbear_format(s->host_key, &key);

        if (r < 0)
            return err_sys(e, ERR_AREA_SSH, r, "writing the guest's host key");
        (void)EVP_EncodeBlock(base64, key.bytes, (int)key.len);
        add(o, "ssh_host_key=%s\n", (const char *)base64);
        OPENSSL_cleanse(base64, sizeof base64);
        secret_done(&key);
    }
    if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise)
        return err_sys(e, ERR_AREA_HOST, -EIO, "getting random bytes");
    add(o, "random=");
    for (size_t i = 0; i < sizeof noise; i++)
        add(o, "%02x", noise[i]);
    OPENSSL_cleanse(noise, sizeof noise);
    add(o, "\nend\n");
    return 0;
}

/*-- NoCloud */
static int put_host_key(struct out *o, const struct seed *s, struct err *e)
{
    struct secret pem = {0};
    char pub[KEYS_PUBLIC_TEXT];
    int r = keys_openssh_format(s->host_key, s->hostname, &pem, e);

    if (r < 0)
        return r;
    add(o, "ssh_deletekeys: true\nssh_keys:\n  ed25519_private: |\n");
    for (size_t i = 0; i < pem.len; i++) {
        if (i == 0 || pem.bytes[i - 1] == '\n')
            add(o, "    ");
        add(o, "%c", pem.bytes[i]);
    }
    secret_done(&pem);
    add(o, "  ed25519_public: ");
    add_quoted(o, keys_public_format(s->host_key->pub, s->hostname, pub));
    add(o, "\n");
    return 0;
}

static int put_user_data(struct out *o, const struct seed *s, struct err *e)
{
    add(o, "#cloud-config\nhostname: ");
    add_quoted(o, s->hostname);
    add(o, "\npreserve_hostname: false\nmanage_etc_hosts: true\nssh_pwauth: false\n"
           "disable_root: false\n");
    if (s->n_keys > 0)
        add(o, "ssh_authorized_keys:\n");
    for (size_t i = 0; i < s->n_keys; i++) {
        add(o, "  - ");
        add_quoted(o, s->keys[i]);
        add(o, "\n");
    }
    return s->host_key ? put_host_key(o, s, e) : 0;
}

static void put_route(struct out *o, const struct addr *gateway, const char *to)
{
    char buf[ADDR_TEXT];
    add(o, "      - to: \"%s\"\n        via: \"%s\"\n        on-link: true\n", to,
        plain(gateway, buf));
}

static void put_network(struct out *o, const struct seed *s)
{
    char mac[ADDR_MAC_TEXT], buf[ADDR_TEXT];
    const bool has4 = s->ip4.family && !s->dhcp4, gw4 = s->gateway4.family && !s->dhcp4;

    add(o,
        "version: 2\nethernets:\n  eth0:\n    match:\n      macaddress: \"%s\"\n"
        "    set-name: eth0\n    dhcp4: %s\n    dhcp6: false\n    accept-ra: false\n",
        addr_mac_format(s->mac, mac), s->dhcp4 ? "true" : "false");
    if (s->mtu)
        add(o, "    mtu: %u\n", s->mtu);
    if (s->ip6.family || has4)
        add(o, "    addresses:\n");
    if (s->ip6.family)
        add(o, "      - \"%s\"\n", addr_format(&s->ip6, true, buf));
    if (has4)
        add(o, "      - \"%s\"\n", addr_format(&s->ip4, true, buf));
    if (s->gateway6.family || gw4)
        add(o, "    routes:\n");
    if (s->gateway6.family)
        put_route(o, &s->gateway6, "::/0");
    if (gw4)
        put_route(o, &s->gateway4, "0.0.0.0/0");
    if (s->n_dns == 0)
        return;
    add(o, "    nameservers:\n      addresses:\n");
    for (size_t i = 0; i < s->n_dns; i++)
        add(o, "        - \"%s\"\n", plain(&s->dns[i], buf));
    if (s->search) {
        add(o, "      search:\n        - ");
        add_quoted(o, s->search);
        add(o, "\n");
    }
}

enum part { FLAT, META, NETWORK, USER, PARTS };

static int build_parts(struct out parts[PARTS], const struct seed *s, struct err *e)
{
    int r = put_flat(&parts[FLAT], s, e);

    if (r < 0)
        return r;
    add(&parts[META], "instance-id: ");
    add_quoted(&parts[META], s->instance_id);
    add(&parts[META], "\nlocal-hostname: ");
    add_quoted(&parts[META], s->hostname);
    add(&parts[META], "\n");
    put_network(&parts[NETWORK], s);
    r = put_user_data(&parts[USER], s, e);
    if (r < 0)
        return r;
    for (int i = 0; i < PARTS; i++)
        if (parts[i].full || (i == FLAT && parts[i].len > SEED_FLAT_MAX))
            return err_set(e, ERR_AREA_INPUT, -E2BIG, "the keys do not fit the seed disk");
    return 0;
}

int seed_build(const struct seed *s, uint8_t **ret, size_t *ret_len, struct err *e)
{
    struct out parts[PARTS] = {{0}};
    char *texts = NULL;
    int r = check(s, e);

    if (r < 0)
        return r;
    texts = calloc(PARTS, YAML_MAX);
    if (!texts)
        return err_sys(e, ERR_AREA_IMAGE, -ENOMEM, "making a seed disk");
    for (int i = 0; i < PARTS; i++)
        parts[i] = (struct out){.text = texts + (size_t)i * YAML_MAX, .cap = YAML_MAX};
    r = build_parts(parts, s, e);
    if (r == 0) {
        /* The operator's text is the user data; ours then comes as the vendor's, which it may
         * override. */
        const bool own = s->user_data != NULL;
        const struct iso_file files[] = {
            {"meshdeck", "MESHDECK.;1", parts[FLAT].text, parts[FLAT].len},
            {"meta-data", "META.;1", parts[META].text, parts[META].len},
            {"network-config", "NETWORK.;1", parts[NETWORK].text, parts[NETWORK].len},
            {"user-data", "USER.;1", own ? s->user_data : parts[USER].text,
             own ? strlen(s->user_data) : parts[USER].len},
            {"vendor-data", "VENDOR.;1", own ? parts[USER].text : "", own ? parts[USER].len : 0},
        };
        r = iso_build(SEED_LABEL, files, ARRAY_LEN(files), parts[FLAT].text, parts[FLAT].len,
                      SEED_MIN_BYTES, ret, ret_len, e);
    }
    OPENSSL_cleanse(texts, (size_t)PARTS * YAML_MAX);
    free(texts);
    return r;
}

void seed_free(uint8_t *image, size_t len)
{
    if (image)
        OPENSSL_cleanse(image, len);
    free(image);
}

int seed_write(const struct seed *s, const char *folder, uid_t uid, gid_t gid, struct err *e)
{
    struct newfile f = {.mode = 0600, .uid = uid, .gid = gid, .replace = true};
    uint8_t *image = NULL;
    int r = seed_build(s, &image, &f.len, e);

    if (r < 0)
        return r;
    f.bytes = image;
    r = newfile_write(folder, SEED_FILE, &f, e);
    seed_free(image, f.len);
    return r;
}

bool seed_is_whole(const char *folder)
{
    char head[sizeof FLAT_FIRST_LINE - 1], label[sizeof SEED_LABEL - 1];
    const int at = newfile_open_dir(folder, NULL);
    const int fd =
        at < 0 ? -1 : openat(at, SEED_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    bool whole = false;

    if (fd >= 0)
        whole = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= SEED_MIN_BYTES &&
                pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
                memcmp(head, FLAT_FIRST_LINE, sizeof head) == 0 &&
                pread(fd, label, sizeof label, ISO_SYSTEM_BYTES + 40) == (ssize_t)sizeof label &&
                memcmp(label, SEED_LABEL, sizeof label) == 0;
    if (fd >= 0)
        (void)close(fd); /* read only */
    if (at >= 0)
        (void)close(at);
    return whole;
}
