/* Whatever a route netlink socket could deliver: every parser of a row, on every message. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/host/nl_internal.h"
#include "backend/observe/nlmsg.h"
#include "backend/observe/rtnl_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_all(const struct nlmsghdr *m)
{
    struct rtnl_link link;
    struct rtnl_addr addr;
    struct rtnl_route route;
    struct rtnl_neigh neigh;
    char text[160];

    if (rtnl_parse_link(m, &link) == 0 && (!link.name[0] || strlen(link.name) >= sizeof link.name))
        abort();
    (void)rtnl_parse_addr(m, &addr);
    if (rtnl_parse_route(m, &route) == 0 && route.dst.family == 0)
        abort();
    (void)rtnl_parse_neigh(m, &neigh);
    nl_kernel_text(m, text, sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1); /* aligned, and of its exact size */
    const struct nlmsghdr *m;

    memcpy(copy, data, size);
    struct nlm_walk w = {copy, size};
    while ((m = nlm_next(&w)))
        parse_all(m);
    free(copy);
    return 0;
}

#include "tests/fuzz/driver.h"
