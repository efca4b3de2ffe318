#ifndef MESHDECK_OBSERVE_NLMSG_H
#define MESHDECK_OBSERVE_NLMSG_H
/*
 * Walking the messages of one netlink datagram. libmnl's mnl_nlmsg_ok is not used: it takes lengths
 * of 2 GiB and more for fitting. Pure; any thread.
 */
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct nlm_walk {
    const uint8_t *at_b;
    size_t left;
};

/* The next message, all of whose nlmsg_len bytes are there; NULL at the end. */
static inline const struct nlmsghdr *nlm_next(struct nlm_walk *w)
{
    const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)w->at_b;

    if (w->left < sizeof *m || m->nlmsg_len < sizeof *m || m->nlmsg_len > w->left)
        return NULL;
    size_t step = ((size_t)m->nlmsg_len + 3u) & ~(size_t)3u;
    step = step < w->left ? step : w->left;
    w->at_b += step;
    w->left -= step;
    return m;
}

#endif
