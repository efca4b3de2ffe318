/* Secrets in memory. Nothing here may copy one to a place that it does not wipe. */
#include "backend/model/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int secret_set(struct secret *s, const void *bytes, size_t len)
{
    if (len > sizeof s->bytes)
        return -E2BIG;
    secret_done(s);
    memcpy(s->bytes, bytes, len);
    s->len = len;
    return 0;
}

int secret_random(struct secret *s, size_t len)
{
    if (len > sizeof s->bytes)
        return -E2BIG;
    secret_done(s);
    for (size_t at = 0; at < len;) {
        ssize_t n = getrandom(s->bytes + at, len - at, 0);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    s->len = len;
    return 0;
}

bool secret_is_equal(const struct secret *a, const struct secret *b)
{
    unsigned differ = a->len != b->len;

    for (size_t i = 0; i < sizeof a->bytes; i++)
        differ |= (unsigned)(a->bytes[i] ^ b->bytes[i]);
    return differ == 0;
}

void secret_done(struct secret *s)
{
    if (s)
        explicit_bzero(s, sizeof *s);
}
