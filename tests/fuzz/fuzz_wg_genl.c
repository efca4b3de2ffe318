/* The kernel's dump of a WireGuard device, from bytes that nobody checked. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/observe/nlmsg.h"
#include "backend/observe/wg_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_build b = {.cap_ips = 0};
    uint8_t *copy = malloc(size ? size : 1);
    const struct nlmsghdr *m;
    int rc = 0;

    memcpy(copy, data, size);
    wg_build_reset(&b, "mesh0", WG_BACKEND_KERNEL);
    struct nlm_walk w = {copy, size};
    while (rc == 0 && (m = nlm_next(&w)))
        rc = wg_build_genl(&b, m);
    if (wg_build_finish(&b, NULL) == 0)
        for (size_t i = 0; i < b.device.n_peers; i++)
            if (b.device.peers[i].first_ip + b.device.peers[i].n_ips > b.device.n_ips)
                abort();
    wg_build_done(&b);
    free(copy);
    return 0;
}

#include "tests/fuzz/driver.h"
