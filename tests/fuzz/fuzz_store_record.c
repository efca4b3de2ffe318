/* A ticket's arguments as they may come back from a damaged database. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/verbs.h"
#include "backend/plan/parts.h"
#include "backend/store/ticketrec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *args = NULL;
    struct err e = {0};
    char alias[64];
    uint64_t id;

    if (ticketrec_args_parse((const char *)data, size, &args, &e) == 0) {
        if (!json_is_object(args))
            abort();
        for (unsigned v = 0; v < VERB_COUNT; v++)
            (void)verb_check((enum verb_id)v, args, &e);
        json_decref(args);
    } else if (e.code == 0 || e.text[0] == '\0') {
        abort(); /* a refusal says why */
    }
    if (size < sizeof alias) {
        memcpy(alias, data, size);
        alias[size] = '\0';
        char again[64];
        if (plan_alias_vm_parse(alias, &id) &&
            (plan_alias_vm(id, again), strcmp(alias, again) != 0))
            abort(); /* what is read is what would be written */
    }
    return 0;
}

#include "tests/fuzz/driver.h"
