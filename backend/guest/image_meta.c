/*
 * The meta file both ways. Pure. What it says is shown and, for the command line, given to a
 * kernel; it never names a path.
 */
#include "backend/guest/image_meta.h"

#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"

static const struct {
    const char *key;
    size_t offset, cap;
} fields[] = {
#define FIELD(k, m)                                                                                \
    {                                                                                              \
        k, offsetof(struct image, m), sizeof(((struct image *)NULL)->m)                            \
    }
    FIELD("origin", origin),
    FIELD("version", version),
    FIELD("sha256", sha256),
    FIELD("command_line", command_line),
#undef FIELD
};

void image_meta_parse(const char *text, size_t len, struct image *ret)
{
    const char *end = text + len;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        const char *eq = memchr(text, '=', (size_t)(stop - text));

        for (size_t i = 0; eq && i < ARRAY_LEN(fields); i++)
            if (strlen(fields[i].key) == (size_t)(eq - text) &&
                memcmp(fields[i].key, text, (size_t)(eq - text)) == 0)
                (void)text_clean((char *)ret + fields[i].offset, fields[i].cap, eq + 1,
                                 (size_t)(stop - eq - 1));
        if (eq && (size_t)(eq - text) == 5 && memcmp(text, "added", 5) == 0)
            ret->added_ms = strtoll(eq + 1, NULL, 10); /* ends at the newline or the final NUL */
        text = stop + 1;
    }
}

size_t image_meta_format(const struct image *im, char *buf, size_t cap)
{
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *value = (const char *)im + fields[i].offset;
        if (value[0])
            (void)str_add(buf, cap, &len, "%s=%s\n", fields[i].key, value);
    }
    (void)str_add(buf, cap, &len, "added=%lld\n", (long long)im->added_ms);
    return len;
}
