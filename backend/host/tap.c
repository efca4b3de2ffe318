/*
 * Making and closing taps. Engine thread, but for the closing, which waits for RCU grace periods
 * and so runs on threads of its own. A name that exists is never attached to, not even a persistent
 * tap that nobody uses: it is somebody's.
 */
#include "backend/host/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/host/address.h"
#include "backend/host/link.h"
#include "backend/model/addr.h"
#include "backend/model/text.h"

enum { NUMBER_MAX = 1000000, FDINFO_BYTES = 1024, CLOSERS_MAX = 64 };

static int open_tun(struct err *e)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        int code = -errno;
        return code == -ENOENT || code == -ENODEV
                   ? err_set(e, ERR_AREA_HOST, code, "this kernel has no tun driver: guests "
                             "cannot have network links (modprobe tun)")
                   : err_sys(e, ERR_AREA_HOST, code, "opening /dev/net/tun");
    }
    return fd;
}

/* One try; -EBUSY when the name exists. */
static int try_name(int fd, const char *name)
{
    struct ifreq ifr = { 0 };
    unsigned flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL;

    memcpy(&ifr.ifr_flags, &flags, sizeof(ifr.ifr_flags));
    (void)str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), name);
    return ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
}

static int name_taken(const char *name, struct err *e)
{
    char holder[120];

    tap_describe_holder(name, holder, sizeof(holder));
    return err_set(e, ERR_AREA_HOST, strncmp(holder, "a tap", 5) == 0 ? -EBUSY : -EEXIST,
                   "the name %s is taken%s%s", name, holder[0] ? ": " : "", holder);
}

static bool name_is_valid(const char *name)
{
    size_t len = strnlen(name, IFNAMSIZ);

    for (size_t i = 0; i < len; i++) {
        if (name[i] <= ' ' || name[i] > '~' || strchr("/:%", name[i])) {
            return false;
        }
    }
    return len > 0 && len < IFNAMSIZ && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int take_next(int fd, unsigned *next, struct tap *t, struct err *e)
{
    int r = -EBUSY;

    for (unsigned n = *next; r == -EBUSY && n < NUMBER_MAX; n++) {
        (void)snprintf(t->name, sizeof(t->name), "tap%u", n);
        r = try_name(fd, t->name);
        if (r == 0) {
            *next = n + 1;
        }
    }
    return r < 0 ? err_sys(e, ERR_AREA_HOST, r, "creating a tap") : 0;
}

int tap_create(const char *name, unsigned *next, uid_t owner, struct tap *ret, struct err *e)
{
    unsigned from = next ? *next : 0;
    struct tap t = { 0 };
    int r = 0;

    if (name && name[0] && !name_is_valid(name)) {
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "a tap needs a name of 1 to 15 characters");
    }
    t.fd = open_tun(e);
    if (t.fd < 0) {
        return t.fd;
    }
    if (name && name[0]) {
        (void)str_copy(t.name, sizeof(t.name), name);
        r = try_name(t.fd, name);
        r = r == -EBUSY ? name_taken(name, e)
                        : r < 0 ? err_sys(e, ERR_AREA_HOST, r, "creating the tap %s", name) : 0;
    } else {
        r = take_next(t.fd, &from, &t, e);
    }
    if (r == 0 && owner != (uid_t)-1 && ioctl(t.fd, TUNSETOWNER, (unsigned long)owner) < 0) {
        r = err_sys(e, ERR_AREA_HOST, -errno, "giving %s to uid %u", t.name, owner);
    }
    if (r == 0) {
        t.ifindex = (int)if_nametoindex(t.name);
        r = t.ifindex ? 0 : err_sys(e, ERR_AREA_HOST, -errno, "looking %s up", t.name);
    }
    if (r < 0) {
        (void)close(t.fd);
        return r;
    }
    if (next) {
        *next = from;
    }
    *ret = t;
    return 0;
}

/* True when the descriptor behind this fdinfo file is a queue of the tap called name. */
static bool fdinfo_names(int dir, const char *file, const char *name)
{
    char buf[FDINFO_BYTES], want[IFNAMSIZ + 8];
    int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

    if (fd >= 0) {
        (void)close(fd);
    }
    if (n <= 0) {
        return false;
    }
    buf[n] = '\0';
    (void)snprintf(want, sizeof(want), "\niff:\t%s\n", name);
    return strstr(buf, want) != NULL;
}

/* True when this process holds the tap. */
static bool process_holds(const char *pid, const char *name)
{
    char path[64];
    bool found = false;

    (void)snprintf(path, sizeof(path), "/proc/%.20s/fdinfo", pid);
    DIR *d = opendir(path);
    if (!d) {
        return false; /* gone, or not ours to see */
    }
    for (struct dirent *at; !found && (at = readdir(d)) != NULL;) {
        found = at->d_name[0] != '.' && fdinfo_names(dirfd(d), at->d_name, name);
    }
    (void)closedir(d);
    return found;
}

static void read_process_name(const char *pid, char *ret, size_t cap)
{
    char path[64], name[32] = "";
    (void)snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof(name));

    if (fd >= 0) {
        (void)close(fd);
    }
    n = n > 0 && name[n - 1] == '\n' ? n - 1 : n;
    (void)text_clean(ret, cap, name, n > 0 ? (size_t)n : 0);
}

static void describe_tap(const char *name, char *ret, size_t cap)
{
    DIR *d = opendir("/proc");
    char pid[24] = "", who[48];

    for (struct dirent *at; d && !pid[0] && (at = readdir(d)) != NULL;) {
        if (at->d_name[0] >= '1' && at->d_name[0] <= '9' && process_holds(at->d_name, name)) {
            (void)str_copy(pid, sizeof(pid), at->d_name);
        }
    }
    if (d) {
        (void)closedir(d);
    }
    if (pid[0]) {
        read_process_name(pid, who, sizeof(who));
        (void)snprintf(ret, cap, "a tap held by %s (pid %s)", who, pid);
    } else {
        (void)snprintf(ret, cap, "a tap that no visible process holds");
    }
}

void tap_describe_holder(const char *name, char *ret, size_t cap)
{
    struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
    struct ifreq ifr = { 0 };
    char driver[sizeof(info.driver)];

    ret[0] = '\0';
    if (if_nametoindex(name) == 0) {
        return;
    }
    (void)str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), name);
    ifr.ifr_data = (char *)&info;
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known = s >= 0 && ioctl(s, SIOCETHTOOL, &ifr) == 0;
    if (s >= 0) {
        (void)close(s);
    }
    if (known && strcmp(info.driver, "tun") == 0) {
        describe_tap(name, ret, cap);
    } else if (known) {
        (void)text_clean(driver, sizeof(driver), info.driver,
                         strnlen(info.driver, sizeof(info.driver)));
        (void)snprintf(ret, cap, "another link (driver %s)", driver);
    } else {
        (void)snprintf(ret, cap, "another link");
    }
}

void tap_queue_prepare(struct nl *n, const struct tap *t, const char *alias, uint32_t mtu)
{
    const uint32_t ifindex = (uint32_t)t->ifindex;
    struct addr gateway6 = addr_gateway_ip6();
    const struct link_change change = { .ifindex = ifindex, .state = LINK_STATE_UP, .mtu = mtu,
                                        .alias_b = alias, .no_link_local = true };
    const struct address_spec four = { .ifindex = ifindex, .local = addr_gateway_ip4(),
                                       .link_scope = true };

    gateway6.prefix_len = 64;
    const struct address_spec six = { .ifindex = ifindex, .local = gateway6 };
    link_queue_change(n, &change);
    address_queue_add(n, &six);
    address_queue_add(n, &four);
}

struct closing {
    uv_work_t work;
    void (*done)(void *arg);
    void *arg;
    pthread_mutex_t lock; /* guards next */
    size_t next, count;
    int fds[];
};

static void *close_some(void *arg)
{
    struct closing *c = arg;

    for (;;) {
        (void)pthread_mutex_lock(&c->lock);
        size_t at = c->next++;
        (void)pthread_mutex_unlock(&c->lock);
        if (at >= c->count) {
            return NULL;
        }
        (void)close(c->fds[at]); /* a tap has nothing to flush */
    }
}

/* Each close waits for a grace period; those that wait together share it. */
static void on_close_work(uv_work_t *work)
{
    struct closing *c = work->data;
    pthread_t threads[CLOSERS_MAX];
    size_t n = 0;

    while (n < CLOSERS_MAX && n + 1 < c->count &&
           pthread_create(&threads[n], NULL, close_some, c) == 0) {
        n++;
    }
    (void)close_some(c);
    while (n > 0) {
        (void)pthread_join(threads[--n], NULL);
    }
}

static void on_close_done(uv_work_t *work, int status)
{
    struct closing *c = work->data;

    (void)status; /* never cancelled */
    if (c->done) {
        c->done(c->arg);
    }
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

int tap_close_many(struct uv_loop_s *loop, const int *fds, size_t count,
                   void (*done)(void *arg), void *arg, struct err *e)
{
    struct closing *c = malloc(sizeof(*c) + count * sizeof(c->fds[0]));

    if (!c) {
        return err_set(e, ERR_AREA_HOST, -ENOMEM, "no memory to close %zu taps", count);
    }
    *c = (struct closing){ .done = done, .arg = arg, .count = count };
    (void)pthread_mutex_init(&c->lock, NULL);
    memcpy(c->fds, fds, count * sizeof(c->fds[0]));
    c->work.data = c;
    int r = uv_queue_work(loop, &c->work, on_close_work, on_close_done);
    if (r < 0) {
        free(c);
        return err_sys(e, ERR_AREA_HOST, r, "closing %zu taps", count);
    }
    return 0;
}
