#ifndef MESHDECK_MODEL_SECRET_H
#define MESHDECK_MODEL_SECRET_H
/*
 * Bytes that must not stay in memory: private keys, tokens. Held inline, so that there is one place
 * to wipe; never in a snapshot, a log or an error text. Plain data: any thread. Whoever has one
 * calls secret_done when it is done with it, on every path.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECRET_MAX = 1024 };

struct secret {
    size_t len;
    uint8_t bytes[SECRET_MAX];
};

/* Copies; -E2BIG when it does not fit. */
int secret_set(struct secret *s, const void *bytes, size_t len);
/* len random bytes from the kernel; -E2BIG or its error. */
int secret_random(struct secret *s, size_t len);
/* Takes as long for equal secrets as for different ones. */
bool secret_is_equal(const struct secret *a, const struct secret *b);
/* Wipes; NULL and an empty one are fine. */
void secret_done(struct secret *s);

#endif
