/* A key file: whatever it holds, never-bound keys stay unbound and messages are clean. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "widgets/keymap.h"
#include "widgets/xmem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct keymap_context contexts[] = {{0, "any"}, {1, "list"}, {2, "shell"}};
static const struct keymap_action actions[] = {{1, "help", "Help", KEYMAP_FREE},
                                               {2, "vm-stop", "Stop", KEYMAP_ASK},
                                               {3, "detach", "Leave", KEYMAP_FREE}};
static const struct keymap_binding defaults[] = {{0, "?", 1}, {1, "X", 2}, {2, "C-] d", 3}};

static void must_be_clean(void *ctx, const char *line)
{
    (void)ctx;
    for (; *line; line++)
        if ((unsigned char)*line < 0x20)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct keymap *m = keymap_new(contexts, XMEM_LEN(contexts), actions, XMEM_LEN(actions),
                                  defaults, XMEM_LEN(defaults));
    struct key k[2], never = {.code = 's', .mods = KEYMOD_CTRL};
    struct keymap_state state = {0};
    int context, action, all[] = {0, 1, 2};
    char text[64];

    keymap_parse(m, (const char *)data, n, "keys", must_be_clean, NULL);
    for (size_t i = 0; keymap_binding_at(m, i, &context, &action, k); i++) {
        key_format(&k[0], text, sizeof text);
        must_be_clean(NULL, text);
        if (key_is(&k[0], never.code, never.mods) || k[0].mods & (KEYMOD_ALT | KEYMOD_PASTED))
            abort();
        state.first = (struct key){0};
        if (keymap_find(m, &state, &context, 1, &k[0], &action) == KEYMAP_NOTHING)
            abort();
    }
    state.first = (struct key){0};
    if (keymap_find(m, &state, all, 3, &never, &action) != KEYMAP_NOTHING)
        abort();
    keymap_free(m);
    return 0;
}

#include "tests/fuzz/driver.h"
