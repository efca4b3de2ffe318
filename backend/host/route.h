#ifndef MESHDECK_HOST_ROUTE_H
#define MESHDECK_HOST_ROUTE_H
/*
 * Adding, replacing and removing routes of ours: protocol 77 on each, and only such are removed.
 * Requests join the batch of nl.h (thousands are fine) and nl_run applies them. Adding a route that
 * is there and equal is success; another in its place (same prefix, table and metric) is an error
 * that names it; removing one that is not there is success.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/host/nl.h"
#include "backend/model/addr.h"

enum { ROUTE_PROTOCOL = 77 };

struct route_spec {
    struct addr dst;
    struct addr gateway; /* family 0: on the link itself */
    struct addr prefsrc; /* family 0: the kernel chooses */
    uint32_t oif;        /* 0 only with `blackhole` */
    uint32_t metric;     /* 0: the kernel's default (IPv4 0, IPv6 1024) */
    uint32_t table;      /* 0: main */
    bool blackhole;
};

void route_queue_add(struct nl *n, const struct route_spec *r);
/* Makes it so, over an older route of ours with the same prefix, table and metric. What is there
 * and not of protocol 77 is overwritten too: ask observation first. */
void route_queue_replace(struct nl *n, const struct route_spec *r);
void route_queue_remove(struct nl *n, const struct route_spec *r);

int route_add(struct nl *n, const struct route_spec *r, struct err *e);
int route_replace(struct nl *n, const struct route_spec *r, struct err *e);
int route_remove(struct nl *n, const struct route_spec *r, struct err *e);

#endif
