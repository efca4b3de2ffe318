/* A key file or a public line that is not ours any more: damaged, cut, or somebody else's. */
#include "backend/guest/keys.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct secret text = {0}, again = {0};
    struct key_pair k = {0}, back = {0};
    uint8_t pub[KEYS_PUBLIC_BYTES];
    char line[SECRET_MAX + 1], made[KEYS_PUBLIC_TEXT];

    if (secret_set(&text, data, size) != 0)
        return 0;
    if (keys_openssh_parse(&text, &k, NULL) == 0 &&
        (keys_openssh_format(&k, "again", &again, NULL) != 0 ||
         keys_openssh_parse(&again, &back, NULL) != 0 || memcmp(k.pub, back.pub, sizeof k.pub) != 0))
        abort();
    memcpy(line, data, size);
    line[size] = '\0';
    if (keys_public_parse(line, pub, NULL) == 0 &&
        strncmp(keys_public_format(pub, NULL, made), line, strlen("ssh-ed25519 ") + 68) != 0)
        abort();
    keys_done(&k);
    keys_done(&back);
    secret_done(&text);
    secret_done(&again);
    return 0;
}

#include "tests/fuzz/driver.h"
