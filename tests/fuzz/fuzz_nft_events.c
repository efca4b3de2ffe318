/* nf_tables notifications: a row of messages of which nothing may be believed. */
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "backend/host/nft_watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nft_gather g = { 0 };
    struct nft_change change = { 0 };
    char who[32];
    pid_t pid = 0;
    void *copy = malloc(size ? size : 1); /* aligned, and ends where the input ends */

    if (!copy || size > 65536) {
        free(copy);
        return 0;
    }
    memcpy(copy, data, size);
    const struct nlmsghdr *m;
    size_t step;
    for (size_t at = 0; (m = nft_message_at((char *)copy + at, size - at, &step)) != NULL;
         at += step) {
        if (nft_gather_message(&g, m, &pid, who, sizeof(who)) && strlen(who) >= sizeof(who)) {
            abort();
        }
        nft_gather_describe(&g, &change);
    }
    free(copy);
    return 0;
}

#include "tests/fuzz/driver.h"
