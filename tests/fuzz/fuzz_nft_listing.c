/* nft's listing of chains: every text that comes out is ended, and the advice fits its room. */
#include <stdlib.h>
#include <string.h>

#include "backend/host/nft_listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nft_chain *chains;
    char fix[400];
    size_t n;

    if (nft_listing_parse((const char *)data, size, &chains, &n, NULL) < 0) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        (void)nft_chain_may_block(&chains[i]);
        nft_chain_fix(&chains[i], chains, n, "mesh0", fix, sizeof(fix));
        if (!memchr(chains[i].name, '\0', sizeof(chains[i].name)) || strlen(fix) >= sizeof(fix) ||
            strchr(fix, '\x1b')) {
            abort();
        }
    }
    free(chains);
    return 0;
}

#include "tests/fuzz/driver.h"
