/* Whatever a monitor sends: the input's first byte says in which pieces it comes. */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "backend/vmm/qmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned depth_of(const json_t *j)
{
    unsigned most = 0;
    size_t i;
    const char *key;
    json_t *v;

    if (json_is_object(j))
        json_object_foreach((json_t *)j, key, v) most = depth_of(v) > most ? depth_of(v) : most;
    else if (json_is_array(j))
        json_array_foreach((json_t *)j, i, v) most = depth_of(v) > most ? depth_of(v) : most;
    else
        return 0;
    return most + 1;
}

static void on_message(const json_t *m, void *arg)
{
    (void)arg;
    if (!json_is_object(m) || depth_of(m) > QMP_DEPTH_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qmp_lines *l;
    size_t step;

    if (size < 2)
        return 0;
    l = qmp_lines_new();
    if (!l)
        return 0;
    step = (size_t)data[0] + 1;
    for (size_t at = 1; at < size; at += step)
        qmp_lines_feed(l, (const char *)data + at, size - at < step ? size - at : step, on_message,
                       NULL);
    qmp_lines_feed(l, "\n{\"x\":1}\n", 9, on_message, NULL);
    qmp_lines_free(l);
    return 0;
}

#include "tests/fuzz/driver.h"
