/*
 * Reading and writing /proc/sys/net. Engine thread. Keys are checked, since device names end up in
 * paths; a value is written only when it differs, and its old one is remembered.
 */
#include "backend/host/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/model/text.h"

static int make_path(const char *key, char *path, size_t cap, struct err *e)
{
    size_t len = 0;

    if (strncmp(key, "net/", 4) != 0 || strlen(key) >= SYSCTL_KEY_MAX || strstr(key, "/../") ||
        strstr(key, "/./") || !str_add(path, cap, &len, "/proc/sys/%s", key)) {
        return err_set(e, ERR_AREA_HOST, -EINVAL, "that is no network setting");
    }
    return 0;
}

static int open_key(const char *key, int flags, struct err *e)
{
    char path[SYSCTL_KEY_MAX + 16];
    int r = make_path(key, path, sizeof(path), e);

    if (r < 0) {
        return r;
    }
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? err_sys(e, ERR_AREA_HOST, -errno, "opening %s", path) : fd;
}

int sysctl_read(const char *key, char *ret, size_t cap, struct err *e)
{
    char value[SYSCTL_VALUE_MAX];
    int fd = open_key(key, O_RDONLY, e);

    if (fd < 0) {
        return fd;
    }
    ssize_t n = read(fd, value, sizeof(value) - 1);
    int code = n < 0 ? -errno : 0;
    (void)close(fd);
    if (code < 0) {
        return err_sys(e, ERR_AREA_HOST, code, "reading %s", key);
    }
    value[n] = '\0';
    value[strcspn(value, "\n")] = '\0';
    return str_copy(ret, cap, value) ? 0 : err_set(e, ERR_AREA_HOST, -ENOSPC, "%s is too long", key);
}

static int write_key(const char *key, const char *value, struct err *e)
{
    int fd = open_key(key, O_WRONLY, e);

    if (fd < 0) {
        return fd;
    }
    int code = write(fd, value, strlen(value)) < 0 ? -errno : 0;
    (void)close(fd); /* the write told */
    return code < 0 ? err_sys(e, ERR_AREA_HOST, code, "setting %s to %s", key, value) : 0;
}

int sysctl_write(const char *key, const char *value, struct sysctl_log *log, struct err *e)
{
    char old[SYSCTL_VALUE_MAX];
    int r = sysctl_read(key, old, sizeof(old), e);

    if (r < 0 || strcmp(old, value) == 0) {
        return r;
    }
    if (log && log->count == SYSCTL_UNDO_MAX) {
        return err_set(e, ERR_AREA_HOST, -ENOSPC, "too many settings in one change");
    }
    r = write_key(key, value, e);
    if (r < 0) {
        return r;
    }
    if (log) {
        struct sysctl_change *c = &log->changes[log->count++];
        (void)str_copy(c->key, sizeof(c->key), key); /* both fit: they were opened, and read */
        (void)str_copy(c->old_value, sizeof(c->old_value), old);
        (void)str_copy(c->new_value, sizeof(c->new_value), value);
    }
    return 1;
}

int sysctl_undo(struct sysctl_log *log, struct err *e)
{
    int first = 0;

    while (log->count > 0) {
        const struct sysctl_change *c = &log->changes[--log->count];
        struct err one;
        int r = write_key(c->key, c->old_value, &one);
        if (r < 0 && r != -ENOENT && first == 0) { /* a device that is gone needs nothing */
            first = r;
            if (e) {
                *e = one;
            }
        }
    }
    return first;
}

int sysctl_prepare_tap(const char *device, struct sysctl_log *log, struct err *e)
{
    static const struct {
        const char *family, *name, *value;
    } wanted[] = {
        { "ipv6", "disable_ipv6", "0" },
        { "ipv6", "addr_gen_mode", "1" }, /* no address but fe80::1, which is added by hand */
        { "ipv6", "accept_ra", "0" },
        { "ipv6", "autoconf", "0" },
        { "ipv6", "accept_redirects", "0" },
        { "ipv6", "accept_source_route", "0" },
        { "ipv6", "accept_dad", "0" },
        { "ipv6", "dad_transmits", "0" },
        { "ipv6", "router_solicitations", "0" },
        { "ipv6", "proxy_ndp", "0" },
        { "ipv4", "rp_filter", "1" },
        { "ipv4", "accept_redirects", "0" },
        { "ipv4", "send_redirects", "0" },
        { "ipv4", "accept_source_route", "0" },
        { "ipv4", "route_localnet", "0" },
        { "ipv4", "proxy_arp", "0" },
        { "ipv4", "arp_ignore", "1" },   /* answer only for what this tap has: 169.254.1.1 */
        { "ipv4", "arp_announce", "2" }, /* and ask under no other name */
    };
    char key[SYSCTL_KEY_MAX];

    if (strchr(device, '/') || device[0] == '.' || strnlen(device, IFNAMSIZ) >= IFNAMSIZ) {
        return err_set(e, ERR_AREA_HOST, -EINVAL, "that is no name of a link");
    }
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        (void)snprintf(key, sizeof(key), "net/%s/conf/%s/%s", wanted[i].family, device,
                       wanted[i].name);
        int r = sysctl_write(key, wanted[i].value, log, e);
        if (r < 0 && r != -ENOENT) {
            return r;
        }
    }
    return 0;
}
