/*
 * Traffic counters of links. The engine thread hands a list to the pool; the job asks the kernel
 * for each and the answer comes back through the loop. One job at a time; the socket belongs to
 * whoever runs: the job while there is one, else the engine thread.
 */
#include "backend/observe/counters.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "backend/host/nl.h"
#include "backend/observe/nlattr.h"

struct counters {
    uv_loop_t *loop_b;
    uv_work_t work;
    struct nl *nl;
    bool busy, freed;
    struct link_counters *rows;
    size_t n, cap;
    counters_fn *done;
    void *arg_b;
    struct err err;
};

int counters_new(struct uv_loop_s *loop, struct counters **ret, struct err *e)
{
    struct counters *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(e, ERR_AREA_NETLINK, -ENOMEM, "out of memory");
    int rc = nl_open(NETLINK_ROUTE, &c->nl, e);
    if (rc != 0) {
        free(c);
        return rc;
    }
    c->loop_b = loop;
    c->work.data = c;
    *ret = c;
    return 0;
}

void counters_free(struct counters *c)
{
    if (!c)
        return;
    c->freed = true;
    if (c->busy)
        return; /* job_done comes back here */
    nl_free(c->nl);
    free(c->rows);
    free(c);
}

static int take_row(const struct nlmsghdr *m, void *arg)
{
    struct link_counters *row = arg;
    struct rtnl_link_stats64 s;
    struct nla_walk w;
    struct nla a;

    if (!nla_walk_message(&w, m, sizeof(struct if_stats_msg)))
        return -EBADMSG;
    while (nla_next(&w, &a)) {
        if (a.type != IFLA_STATS_LINK_64 ||
            !nla_copy(&a, &s, offsetof(struct rtnl_link_stats64, rx_errors)))
            continue;
        row->ok = true;
        row->rx_packets = s.rx_packets;
        row->tx_packets = s.tx_packets;
        row->rx_bytes = s.rx_bytes;
        row->tx_bytes = s.tx_bytes;
    }
    return 0;
}

static void job_run(uv_work_t *work)
{
    struct counters *c = work->data;
    char buffer[64] __attribute__((aligned(8)));

    for (size_t i = 0; i < c->n; i++) {
        struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
        m->nlmsg_type = RTM_GETSTATS;
        struct if_stats_msg *head = mnl_nlmsg_put_extra_header(m, sizeof *head);
        head->ifindex = c->rows[i].ifindex;
        head->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
        int rc = nl_ask(c->nl, m, take_row, &c->rows[i], 0, "reading counters", &c->err);
        if (rc == -ENODEV)
            err_clear(&c->err);
        else if (rc != 0)
            return;
    }
}

static void job_done(uv_work_t *work, int status)
{
    struct counters *c = work->data;

    c->busy = false;
    if (c->freed) {
        counters_free(c);
        return;
    }
    if (status != 0)
        (void)err_set(&c->err, ERR_AREA_NETLINK, status, "reading counters was cancelled");
    c->done(c->rows, c->n, c->err.code ? &c->err : NULL, c->arg_b);
}

int counters_read(struct counters *c, const uint32_t *ifindexes, size_t n, counters_fn *done,
                  void *arg, struct err *e)
{
    if (c->busy)
        return err_set(e, ERR_AREA_NETLINK, -EBUSY, "counters are being read");
    if (n > c->cap) {
        struct link_counters *rows = realloc(c->rows, n * sizeof *rows);
        if (!rows)
            return err_set(e, ERR_AREA_NETLINK, -ENOMEM, "out of memory");
        c->rows = rows;
        c->cap = n;
    }
    for (size_t i = 0; i < n; i++)
        c->rows[i] = (struct link_counters){.ifindex = ifindexes[i]};
    c->n = n;
    c->done = done;
    c->arg_b = arg;
    err_clear(&c->err);
    int rc = uv_queue_work(c->loop_b, &c->work, job_run, job_done);
    if (rc != 0)
        return err_set(e, ERR_AREA_NETLINK, rc, "reading counters: %s", uv_strerror(rc));
    c->busy = true;
    return 0;
}
