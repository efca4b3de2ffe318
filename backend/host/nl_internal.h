#ifndef MESHDECK_HOST_NL_INTERNAL_H
#define MESHDECK_HOST_NL_INTERNAL_H
/* What the batch (nl.c) and single questions (nl_ask.c) share. Nobody else includes this. */
#include <sys/types.h>

#include "backend/host/nl.h"

enum { NL_ANSWER_BUFFER = 64 * 1024, NL_WHAT = 96 };

struct nl_queued {
    size_t at, len;
    nl_settle_fn *settle;
    char what[NL_WHAT];
};

struct nl {
    struct mnl_socket *socket;
    uint32_t seq;
    uint8_t *bytes;
    size_t len, cap;
    struct nl_queued *queue;
    size_t n_queue, cap_queue;
    bool broken; /* a request could not be built: the run fails */
    uint8_t *answer;
};

int64_t nl_deadline(void); /* five seconds from now, for nl_receive */
/* One datagram of the kernel into n->answer; its length, or a negative errno. */
ssize_t nl_receive(struct nl *n, int64_t deadline);
/* The kernel's own words in an error message, cleaned; "" when it has none. */
void nl_kernel_text(const struct nlmsghdr *m, char *dst, size_t cap);
int nl_err_of(struct err *e, const char *what, int code, const char *kernel);

#endif
