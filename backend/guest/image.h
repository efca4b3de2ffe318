#ifndef MESHDECK_GUEST_IMAGE_H
#define MESHDECK_GUEST_IMAGE_H
/*
 * The image store: STATE/images/NAME with kernel, initrd (may be missing), base.qcow2 and `meta`
 * (key=value: origin, version, sha256, command_line). An image never changes once it is there; a
 * new one replaces it as a whole, and a VM holds its own hard links, so that neither replacing nor
 * deleting an image touches a VM. All of it waits for the disk: call it on libuv's pool
 * (uv_queue_work), except image_list_free and the pure ones.
 */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/model/err.h"

#define IMAGE_BUILTIN "builtin"

struct image {
    char name[32];
    char format[16];   /* of the disk: "qcow2"; "" when the image has none */
    char boot[16];     /* "kernel" */
    char origin[64];   /* "built-in", "imported" */
    char version[128]; /* clean */
    char sha256[65];   /* of all its files, in the order kernel, initrd, base.qcow2; hexadecimal */
    char command_line[512]; /* of the kernel; "" for the default */
    char problem[160];      /* why it cannot be used; "" when it can */
    bool has_initrd;
    uint64_t size_bytes;
    int64_t added_ms;
};

/* Where the built-in guest's files lie: $MESHDECK_GUEST, guest/ beside the program, or
 * ../share/meshdeck/guest from it. -ENOENT names all that were tried. */
int image_find_builtin(char ret[static PATH_MAX], struct err *e);

/* Puts the files of from_dir into the store as `name`, checked, unless the same are there already
 * (by the checksum in from_dir/version, which is compared with what is copied). */
int image_install(const char *state_dir, const char *name, const char *from_dir, const char *origin,
                  struct err *e);

/* Looks at the image and checks its files (kernel of the right kind and whole, disk parsed).
 * -ENOENT when there is none. Problems are told in ret->problem, and as -EINVAL. */
int image_open(const char *state_dir, const char *name, struct image *ret, struct err *e);

/* By name; *ret is freed with free(). Images with problems are in it. */
int image_list(const char *state_dir, struct image **ret, size_t *ret_n, struct err *e);

/* The files again against meta's sha256; -EBADMSG when they differ. Reads everything. */
int image_verify(const char *state_dir, const char *name, struct err *e);

/* Removes it; -ENOENT when there is none. Whether VMs use it is the caller's question. */
int image_delete(const char *state_dir, const char *name, struct err *e);

/* Hard links of kernel, initrd and base.qcow2 into a VM's folder; what is there stays. */
int image_link(const char *state_dir, const char *name, const char *folder, struct err *e);

/* "x86-64 ELF kernel", "bzImage", or what is wrong with the first len bytes of it. Pure. */
int image_check_kernel(const uint8_t *head, size_t len, uint64_t file_bytes, struct err *e);

#endif
