/*
 * Parsers of rtnetlink rows. Pure. They run for every row of a dump, so they do one pass over the
 * attributes, allocate nothing and format nothing. They never read past nlmsg_len.
 */
#include "backend/observe/rtnl_rows.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "backend/observe/nlattr.h"

static unsigned full_len(uint8_t family)
{
    return family == AF_INET ? 32 : family == AF_INET6 ? 128 : 0;
}

/* An address of `family` from an attribute; false when it is too short. */
static bool take_addr(struct addr *ret, uint8_t family, unsigned prefix_len, const struct nla *a)
{
    ret->family = family;
    ret->prefix_len = (uint8_t)prefix_len;
    return nla_copy(a, ret->bytes, family == AF_INET ? 4 : 16);
}

static void take_kind(struct rtnl_link *ret, const struct nla *info)
{
    struct nla_walk w = nla_walk_nested(info);
    struct nla a;
    while (nla_next(&w, &a))
        if (a.type == IFLA_INFO_KIND)
            nla_text(&a, ret->kind, sizeof ret->kind);
}

static void take_stats(struct rtnl_link *ret, const struct nla *a)
{
    struct rtnl_link_stats64 s;
    size_t need = offsetof(struct rtnl_link_stats64, rx_errors);
    if (!nla_copy(a, &s, need))
        return;
    ret->has_stats = true;
    ret->rx_bytes = s.rx_bytes;
    ret->tx_bytes = s.tx_bytes;
}

int rtnl_parse_link(const struct nlmsghdr *m, struct rtnl_link *ret)
{
    struct ifinfomsg head;
    struct nla_walk w;
    struct nla a;

    if (!nla_walk_message(&w, m, sizeof head))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(m), sizeof head);
    if (head.ifi_family != AF_UNSPEC) /* a bridge speaking of its port, IPv6 of its settings */
        return 1;
    if (head.ifi_index <= 0)
        return -EBADMSG;
    memset(ret, 0, sizeof *ret);
    ret->ifindex = (uint32_t)head.ifi_index;
    ret->flags = head.ifi_flags;
    while (nla_next(&w, &a)) {
        if (a.type == IFLA_IFNAME) {
            size_t n = strnlen((const char *)a.data_b, a.len);
            if (n >= sizeof ret->name)
                return -EBADMSG;
            memcpy(ret->name, a.data_b, n);
        } else if (a.type == IFLA_MTU) {
            ret->mtu = nla_u32(&a);
        } else if (a.type == IFLA_MASTER) {
            ret->master = nla_u32(&a);
        } else if (a.type == IFLA_GROUP) {
            ret->group = nla_u32(&a);
        } else if (a.type == IFLA_OPERSTATE) {
            (void)nla_copy(&a, &ret->operstate, 1);
        } else if (a.type == IFLA_ADDRESS && a.len == sizeof ret->mac) {
            (void)nla_copy(&a, ret->mac, sizeof ret->mac);
        } else if (a.type == IFLA_IFALIAS) {
            nla_text(&a, ret->alias, sizeof ret->alias);
        } else if (a.type == IFLA_LINKINFO) {
            take_kind(ret, &a);
        } else if (a.type == IFLA_STATS64) {
            take_stats(ret, &a);
        }
    }
    return nla_walk_is_done(&w) && ret->name[0] ? 0 : -EBADMSG;
}

int rtnl_parse_addr(const struct nlmsghdr *m, struct rtnl_addr *ret)
{
    struct ifaddrmsg head;
    struct nla_walk w;
    struct nla a;
    struct addr local = {0}, address = {0};
    bool fits = true;

    if (!nla_walk_message(&w, m, sizeof head))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(m), sizeof head);
    if (!full_len(head.ifa_family))
        return 1;
    if (head.ifa_prefixlen > full_len(head.ifa_family))
        return -EBADMSG;
    memset(ret, 0, sizeof *ret);
    ret->ifindex = head.ifa_index;
    ret->scope = head.ifa_scope;
    ret->flags = head.ifa_flags;
    while (nla_next(&w, &a)) {
        if (a.type == IFA_LOCAL)
            fits = take_addr(&local, head.ifa_family, head.ifa_prefixlen, &a) && fits;
        else if (a.type == IFA_ADDRESS)
            fits = take_addr(&address, head.ifa_family, head.ifa_prefixlen, &a) && fits;
        else if (a.type == IFA_FLAGS)
            ret->flags = nla_u32(&a);
    }
    if (!fits || !nla_walk_is_done(&w) || (!local.family && !address.family))
        return -EBADMSG;
    ret->local = local.family ? local : address;
    if (local.family && address.family && memcmp(local.bytes, address.bytes, 16) != 0)
        ret->peer = address;
    return 0;
}

/* The first next hop of several, and their number. */
static bool take_hops(struct rtnl_route *ret, uint8_t family, const struct nla *multi)
{
    const uint8_t *at = multi->data_b, *end = at + multi->len;
    unsigned hops = 0;

    while ((size_t)(end - at) >= sizeof(struct rtnexthop)) {
        struct rtnexthop hop;
        memcpy(&hop, at, sizeof hop);
        if (hop.rtnh_len < sizeof hop || hop.rtnh_len > end - at)
            return false;
        if (hops == 0) {
            struct nla_walk w = {at + sizeof hop, at + hop.rtnh_len};
            struct nla a;
            ret->oif = (uint32_t)hop.rtnh_ifindex;
            while (nla_next(&w, &a))
                if (a.type == RTA_GATEWAY &&
                    !take_addr(&ret->gateway, family, full_len(family), &a))
                    return false;
        }
        hops++;
        size_t step = nla_align(hop.rtnh_len);
        at += step < (size_t)(end - at) ? step : (size_t)(end - at);
    }
    ret->hops = (uint8_t)(hops < 255 ? hops : 255);
    ret->multipath = hops > 1;
    return true;
}

/* An IPv4 route through an IPv6 gateway. */
static bool take_via(struct rtnl_route *ret, const struct nla *a)
{
    uint16_t family;
    if (!nla_copy(a, &family, sizeof family) || !full_len((uint8_t)family))
        return true; /* a family that is not shown */
    struct nla rest = {a->type, (uint16_t)(a->len - sizeof family), a->data_b + sizeof family};
    return take_addr(&ret->gateway, (uint8_t)family, full_len((uint8_t)family), &rest);
}

static bool take_route_attr(struct rtnl_route *ret, const struct rtmsg *head, const struct nla *a)
{
    unsigned full = full_len(head->rtm_family);

    switch (a->type) {
    case RTA_DST:
        return take_addr(&ret->dst, head->rtm_family, head->rtm_dst_len, a);
    case RTA_GATEWAY:
        return take_addr(&ret->gateway, head->rtm_family, full, a);
    case RTA_PREFSRC:
        return take_addr(&ret->prefsrc, head->rtm_family, full, a);
    case RTA_OIF:
        ret->oif = nla_u32(a);
        return true;
    case RTA_TABLE:
        ret->table = nla_u32(a);
        return true;
    case RTA_PRIORITY:
        ret->metric = nla_u32(a);
        return true;
    case RTA_NH_ID:
        ret->multipath = true;
        return true;
    case RTA_VIA:
        return take_via(ret, a);
    case RTA_MULTIPATH:
        return take_hops(ret, head->rtm_family, a);
    default:
        return true;
    }
}

int rtnl_parse_route(const struct nlmsghdr *m, struct rtnl_route *ret)
{
    struct rtmsg head;
    struct nla_walk w;
    struct nla a;

    if (!nla_walk_message(&w, m, sizeof head))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(m), sizeof head);
    if (!full_len(head.rtm_family) || (head.rtm_flags & RTM_F_CLONED))
        return 1;
    if (head.rtm_dst_len > full_len(head.rtm_family))
        return -EBADMSG;
    memset(ret, 0, sizeof *ret);
    ret->dst.family = head.rtm_family;
    ret->dst.prefix_len = head.rtm_dst_len;
    ret->table = head.rtm_table;
    ret->protocol = head.rtm_protocol;
    ret->type = head.rtm_type;
    ret->scope = head.rtm_scope;
    ret->tos = head.rtm_tos;
    ret->hops = 1;
    while (nla_next(&w, &a))
        if (!take_route_attr(ret, &head, &a))
            return -EBADMSG;
    ret->replaces = m->nlmsg_type == RTM_NEWROUTE && (m->nlmsg_flags & NLM_F_REPLACE);
    return nla_walk_is_done(&w) ? 0 : -EBADMSG;
}

int rtnl_parse_neigh(const struct nlmsghdr *m, struct rtnl_neigh *ret)
{
    struct ndmsg head;
    struct nla_walk w;
    struct nla a;
    bool fits = true;

    if (!nla_walk_message(&w, m, sizeof head))
        return -EBADMSG;
    memcpy(&head, NLMSG_DATA(m), sizeof head);
    if (!full_len(head.ndm_family)) /* a bridge's own table */
        return 1;
    memset(ret, 0, sizeof *ret);
    ret->ifindex = (uint32_t)head.ndm_ifindex;
    ret->state = head.ndm_state;
    ret->flags = head.ndm_flags;
    while (nla_next(&w, &a)) {
        if (a.type == NDA_DST) {
            fits = take_addr(&ret->addr, head.ndm_family, full_len(head.ndm_family), &a) && fits;
        } else if (a.type == NDA_LLADDR && a.len == sizeof ret->mac) {
            ret->has_mac = nla_copy(&a, ret->mac, sizeof ret->mac);
        }
    }
    return fits && ret->addr.family && nla_walk_is_done(&w) ? 0 : -EBADMSG;
}
