#ifndef MESHDECK_GUEST_IMAGE_FILES_H
#define MESHDECK_GUEST_IMAGE_FILES_H
/*
 * What image.c and image_install.c share: the files of an image and its folder. Pool threads.
 */
#include "backend/guest/image.h"

enum { IMAGE_KERNEL, IMAGE_INITRD, IMAGE_BASE, IMAGE_FILES, IMAGES_MAX = 1024 };

extern const char *const image_files[IMAGE_FILES];

int image_path(const char *state_dir, const char *name, char ret[static PATH_MAX], struct err *e);
/* Fills in format, boot, size, has_initrd and problem; ret->name is set already. */
int image_check_dir(const char *dir, const char *store, struct image *ret, struct err *e);
int image_remove_dir(const char *dir); /* only files of an image; -ENOTEMPTY when there is more */

#endif
