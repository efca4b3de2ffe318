#ifndef MESHDECK_GUEST_IMAGE_META_H
#define MESHDECK_GUEST_IMAGE_META_H
/*
 * An image's `meta` file: lines of key=value. Pure; inside image*.c only.
 */
#include "backend/guest/image.h"

enum { IMAGE_META_MAX = 4096 };

/* Unknown keys and lines without '=' are skipped; texts are cleaned. */
void image_meta_parse(const char *text, size_t len, struct image *ret);
size_t image_meta_format(const struct image *im, char *buf, size_t cap);

#endif
