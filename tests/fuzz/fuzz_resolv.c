/* resolv.conf: whatever it holds, what comes out are single addresses, and none of our own. */
#include <stdlib.h>

#include "backend/host/dnsmasq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct addr own = addr_dns_ip4();
    struct addr ret[DNSMASQ_UPSTREAM_MAX];
    size_t n = dnsmasq_parse_resolv((const char *)data, size, &own, 1, ret);

    if (n > DNSMASQ_UPSTREAM_MAX) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        if (!addr_is_set(&ret[i]) || addr_compare(&ret[i], &own) == 0) {
            abort();
        }
    }
    return 0;
}

#include "tests/fuzz/driver.h"
