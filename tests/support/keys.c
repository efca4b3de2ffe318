#include "tests/support/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct key keys_named(const char *name)
{
    struct key k = {0};

    if (!key_parse(name, strlen(name), &k))
        fail_msg("%s is no key", name);
    return k;
}

struct key keys_pasted(const char *name)
{
    struct key k = keys_named(name);

    k.mods |= KEYMOD_PASTED;
    return k;
}
