/* A theme file: whatever it holds, the theme is complete afterwards and its message is clean. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "widgets/cells.h"
#include "widgets/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_be_clean(void *ctx, const char *line)
{
    (void)ctx;
    for (; *line; line++)
        if ((unsigned char)*line < 0x20)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char why[200] = "";
    struct theme t;

    int rc = theme_parse(&t, (const char *)data, n, "mine.json", why, sizeof why);
    must_be_clean(NULL, why);
    must_be_clean(NULL, t.name);
    if ((rc != 0) != (why[0] != '\0'))
        abort();
    for (int i = 0; i < ROLE_COUNT; i++) {
        const struct theme_style *s = &t.role[i];
        if (s->fg_256 < -1 || s->fg_256 > 255 || s->bg_256 < -1 || s->bg_256 > 255 ||
            s->fg_16 < -1 || s->fg_16 > 15 || s->bg_16 < -1 || s->bg_16 > 15)
            abort();
    }
    theme_check(&t, must_be_clean, NULL);
    return 0;
}

#include "tests/fuzz/driver.h"
