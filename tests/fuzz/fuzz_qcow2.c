/* The first bytes of a disk or a kernel that anybody may have written. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/guest/disk.h"
#include "backend/guest/image.h"
#include "backend/guest/image_meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct disk_info info;
    struct image im = {0};
    struct err e;

    if (disk_parse(data, size, size, &info, &e) == 0 &&
        (strlen(info.backing) > DISK_BACKING_MAX || info.virtual_bytes == 0))
        abort();
    (void)disk_parse(data, size, (uint64_t)1 << 40, &info, &e);
    (void)image_check_kernel(data, size, size, &e);
    (void)image_check_kernel(data, size, UINT64_MAX, &e);
    if (size <= IMAGE_META_MAX) {
        char text[IMAGE_META_MAX + 1];
        memcpy(text, data, size);
        text[size] = '\0';
        image_meta_parse(text, size, &im);
    }
    return 0;
}

#include "tests/fuzz/driver.h"
