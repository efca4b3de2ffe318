#ifndef MESHDECK_HOST_DNSMASQ_H
#define MESHDECK_HOST_DNSMASQ_H
/*
 * DNS for guests and host: one dnsmasq that answers at the fleet's anycast addresses, which the
 * engine puts on `lo` before dnsmasq_open. Names of VMs are one file each in a folder that dnsmasq
 * watches: a name appears and goes without a restart. The process outlives the engine, is adopted
 * at the next start (by command line, uid and namespace: it closes what it inherits, and a lock with
 * it), and is started again with back-off when it dies.
 * Engine thread; files are written on libuv's pool, callbacks run on the loop.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct uv_loop_s;

enum { DNSMASQ_UPSTREAM_MAX = 8, DNSMASQ_LISTEN_MAX = 4 };

struct dnsmasq_config {
    const char *folder;         /* STATE/dns: made here, ours alone; borrowed for dnsmasq_open */
    const char *exe;            /* NULL: "dnsmasq" from PATH */
    uid_t uid;                  /* its own, never 0 */
    gid_t gid;
    struct addr listen[DNSMASQ_LISTEN_MAX];
    size_t n_listen;
    struct addr local[DNSMASQ_LISTEN_MAX]; /* prefixes whose reverse names are ours alone */
    size_t n_local;
    /* none: taken from resolv_conf (NULL: /etc/resolv.conf) and followed when that changes */
    struct addr upstream[DNSMASQ_UPSTREAM_MAX];
    size_t n_upstream;
    const char *resolv_conf;
};

/* A guest's names: NAME.internal, NAME.NETWORK.internal, and back from each address. */
struct dnsmasq_host {
    char name[32];
    char network[32];
    struct addr ip4; /* family 0: none */
    struct addr ip6;
};

enum dnsmasq_event_kind {
    DNSMASQ_EVENT_UP,       /* started or adopted; pid is set */
    DNSMASQ_EVENT_DIED,     /* text has the reason; it starts again after a pause */
    DNSMASQ_EVENT_FAILED,   /* could not be started, text says why (port 53 taken...); tried again */
    DNSMASQ_EVENT_UPSTREAM, /* the upstream servers, at first and when they change: in text */
};

struct dnsmasq_event {
    enum dnsmasq_event_kind kind;
    pid_t pid;
    char text[200]; /* cleaned */
};

struct dnsmasq;
typedef void dnsmasq_event_fn(const struct dnsmasq_event *ev, void *arg);
typedef void dnsmasq_done_fn(const struct err *e, void *arg); /* e NULL: done */

/* Adopts the one that runs with the same configuration, else starts one. The first start or its
 * failure comes as an event. */
int dnsmasq_open(struct uv_loop_s *loop, const struct dnsmasq_config *config,
                 dnsmasq_event_fn *event, void *arg, struct dnsmasq **ret, struct err *e);
/* Stops watching; dnsmasq goes on. NULL is fine. Callbacks are not called any more. */
void dnsmasq_free(struct dnsmasq *d);
/* Ends the process too, and keeps it ended. */
void dnsmasq_stop(struct dnsmasq *d);

/* Changes are written in the order given, all that wait in one go. done may be NULL. */
int dnsmasq_put_host(struct dnsmasq *d, const struct dnsmasq_host *host, dnsmasq_done_fn *done,
                     void *arg, struct err *e);
int dnsmasq_remove_host(struct dnsmasq *d, const char *name, dnsmasq_done_fn *done, void *arg,
                        struct err *e);
/* These and no others: files of names that are not listed go. For the engine's start. */
int dnsmasq_set_hosts(struct dnsmasq *d, const struct dnsmasq_host *hosts, size_t count,
                      dnsmasq_done_fn *done, void *arg, struct err *e);

pid_t dnsmasq_pid(const struct dnsmasq *d); /* 0 while it does not run */

/* Pure: the text of the configuration file and of a host's file (heap), for previews and tests. */
int dnsmasq_config_text(const struct dnsmasq_config *config, char **ret, struct err *e);
int dnsmasq_host_text(const struct dnsmasq_host *host, char **ret, struct err *e);
/* Pure: the servers that a resolv.conf names, in its order, without those of skip; never fails. */
size_t dnsmasq_parse_resolv(const char *text, size_t len, const struct addr *skip, size_t n_skip,
                            struct addr ret[static DNSMASQ_UPSTREAM_MAX]);

#endif
