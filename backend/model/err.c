/* Error texts are cleaned on the way in, since words of the kernel, QEMU and guests land in them. */
#include "backend/model/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/model/text.h"

static void err_fill(struct err *e, enum err_area area, int code, const char *raw)
{
    e->code = code;
    e->area = area;
    text_clean(e->text, sizeof e->text, raw, strlen(raw));
}

int err_set(struct err *e, enum err_area area, int code, const char *fmt, ...)
{
    char raw[512];
    va_list ap;

    if (!e)
        return code;
    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw, fmt, ap); /* a cut text is still a text */
    va_end(ap);
    err_fill(e, area, code, raw);
    return code;
}

int err_sys(struct err *e, enum err_area area, int code, const char *fmt, ...)
{
    char raw[512], why[96];
    va_list ap;

    if (!e)
        return code;
    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw - sizeof why, fmt, ap);
    va_end(ap);
    size_t len = strlen(raw);
    (void)snprintf(raw + len, sizeof raw - len, ": %s",
                   strerror_r(code < 0 ? -code : code, why, sizeof why));
    err_fill(e, area, code, raw);
    return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char raw[512];
    va_list ap;

    if (!e)
        return -EIO;
    va_start(ap, fmt);
    (void)vsnprintf(raw, sizeof raw / 2, fmt, ap);
    va_end(ap);
    size_t len = strlen(raw);
    (void)snprintf(raw + len, sizeof raw - len, ": %s", e->text);
    err_fill(e, e->area, e->code, raw);
    return e->code;
}

void err_clear(struct err *e)
{
    if (e)
        memset(e, 0, sizeof *e);
}
