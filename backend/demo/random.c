/* The demo's own randomness and its small texts. Demo thread. */
#include <stdarg.h>
#include <stdio.h>

#include "backend/demo/demo_parts.h"
#include "backend/model/text.h"

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t demo_hash(const struct demo *d, uint32_t what, uint64_t n)
{
    return mix(mix(((uint64_t)d->seed << 32) | what) ^ n);
}

uint32_t demo_random(struct demo *d, uint32_t below)
{
    d->rnd = mix(d->rnd);
    return (uint32_t)((d->rnd >> 33) % below);
}

const char *demo_sym(const char *fmt, ...)
{
    char buf[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(buf, sizeof buf, fmt, ap); /* a cut text is still a text */
    va_end(ap);
    const char *s = text_intern(buf);
    return s ? s : text_intern(NULL);
}
