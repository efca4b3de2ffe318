/* The marks on what is ours, and the settings of the kernel that a node needs. Pure. */
#include "backend/plan/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/model/text.h"

const char *const plan_sysctl_keys[] = {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"};
const size_t plan_sysctl_count = ARRAY_LEN(plan_sysctl_keys);

void plan_accept_ra_key(const char *dev, char ret[static 96])
{
    (void)snprintf(ret, 96, "net/ipv6/conf/%s/accept_ra", dev);
}

void plan_alias_vm(uint64_t id, char ret[static 64])
{
    (void)snprintf(ret, 64, PLAN_ALIAS_VM "%" PRIx64, id);
}

bool plan_alias_vm_parse(const char *alias, uint64_t *ret_id)
{
    const size_t skip = sizeof PLAN_ALIAS_VM - 1;
    uint64_t id = 0;

    if (strncmp(alias, PLAN_ALIAS_VM, skip) != 0)
        return false;
    const char *p = alias + skip;
    size_t n = strspn(p, "0123456789abcdef");
    if (n == 0 || n > 15 || p[n] || (p[0] == '0' && n > 1))
        return false;
    for (; *p; p++)
        id = id * 16 + (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
    *ret_id = id;
    return true;
}

void plan_alias_wg(const char *device, char ret[static 64])
{
    (void)snprintf(ret, 64, "meshdeck:wireguard:%s", device);
}

bool plan_cares_for_route(const struct plan_node *n, const struct addr *dst, uint32_t table,
                          uint8_t protocol)
{
    struct addr mesh = addr_mesh_ip4();

    if (protocol == PLAN_PROTOCOL)
        return true;
    return table == PLAN_TABLE_MAIN && dst->prefix_len > 0 &&
           (addr_overlaps(dst, &mesh) || addr_overlaps(dst, &n->fleet));
}
