#ifndef MESHDECK_HOST_ADDRESS_H
#define MESHDECK_HOST_ADDRESS_H
/*
 * Adding and removing addresses of links. Requests join the batch of nl.h; nl_run applies them.
 * Adding one that is there with the same length and marks is success; one there with others is an
 * error that names it; removing one that is not there (or whose link is gone) is success. IPv6
 * addresses are added without duplicate address detection, so they can be used at once.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/host/nl.h"
#include "backend/model/addr.h"

struct address_spec {
    uint32_t ifindex;
    struct addr local;    /* with its prefix length */
    bool no_prefix_route; /* the kernel adds no route to the prefix */
    bool link_scope;      /* IPv4: scope link, so that it is no source for others */
};

void address_queue_add(struct nl *n, const struct address_spec *a);
void address_queue_remove(struct nl *n, const struct address_spec *a);
int address_add(struct nl *n, const struct address_spec *a, struct err *e);
int address_remove(struct nl *n, const struct address_spec *a, struct err *e);

#endif
