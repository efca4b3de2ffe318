#ifndef MESHDECK_MODEL_ERR_H
#define MESHDECK_MODEL_ERR_H
/*
 * The one error type of the engine. A function that can fail returns 0 or a negative errno and
 * takes `struct err *e` last (it may be NULL). The text says what failed, why, and where it can
 * what to do; it is clean for a terminal. Plain data: any thread, nothing to free.
 */
#include <stdarg.h>

enum err_area {
    ERR_AREA_NONE,
    ERR_AREA_INPUT,
    ERR_AREA_STORE,
    ERR_AREA_NETLINK,
    ERR_AREA_WIREGUARD,
    ERR_AREA_NFT,
    ERR_AREA_HOST,
    ERR_AREA_PROC,
    ERR_AREA_VMM,
    ERR_AREA_IMAGE,
    ERR_AREA_SSH,
    ERR_AREA_CONTROL,
    ERR_AREA_COUNT
};

struct err {
    int code; /* 0 or a negative errno */
    enum err_area area;
    char text[240];
};

/* Sets *e (when not NULL) and returns code, so that a caller can `return err_set(...)`. */
int err_set(struct err *e, enum err_area area, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "prefix: " before the text that is there; returns e->code (or -EIO when e is NULL). */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, with ": <strerror(-code)>" at the end. */
int err_sys(struct err *e, enum err_area area, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

void err_clear(struct err *e);

#endif
