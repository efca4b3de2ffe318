/* The answer of a userspace WireGuard; the first byte says in what pieces it arrives. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "backend/observe/uapi.h"
#include "backend/observe/wg_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take_line(const char *line, size_t len, void *arg)
{
    return wg_build_uapi_line(arg, line, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_build b = {.cap_ips = 0};
    struct uapi_split split = {.len = 0};
    size_t step = size ? 1 + data[0] * 8u : 1;
    int rc = 0;

    wg_build_reset(&b, "mesh0", WG_BACKEND_USERSPACE);
    for (size_t at = 1; at < size && rc == 0; at += step)
        rc = uapi_split_feed(&split, (const char *)data + at, size - at < step ? size - at : step,
                             take_line, &b);
    if (wg_build_finish(&b, NULL) == 0)
        for (size_t i = 0; i < b.device.n_peers; i++)
            if (b.device.peers[i].first_ip + b.device.peers[i].n_ips > b.device.n_ips)
                abort();
    wg_build_done(&b);
    return 0;
}

#include "tests/fuzz/driver.h"
