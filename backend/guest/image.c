/*
 * The image store on disk: looking at images, linking them into VMs' folders, removing them. Pool
 * threads. Images are immutable; nothing here writes into one that is there (image_install.c makes
 * new ones). Links are never followed.
 */
#include "backend/guest/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/guest/disk.h"
#include "backend/guest/image_files.h"
#include "backend/guest/image_meta.h"
#include "backend/model/text.h"

enum { KERNEL_HEAD = 65536 };

const char *const image_files[IMAGE_FILES] = {"kernel", "initrd", "base.qcow2"};

int image_path(const char *state_dir, const char *name, char ret[static PATH_MAX], struct err *e)
{
    if (!text_name_is_valid(name))
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "that is no name of an image");
    if (snprintf(ret, PATH_MAX, "%s/images/%s", state_dir, name) >= PATH_MAX)
        return err_set(e, ERR_AREA_INPUT, -ENAMETOOLONG, "the state folder's name is too long");
    return 0;
}

static int open_in(const char *dir, const char *name)
{
    const int at = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int fd, r;

    if (at < 0)
        return -errno;
    fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    r = fd < 0 ? -errno : fd;
    (void)close(at); /* only a path */
    return r;
}

static int check_kernel(const char *dir, uint64_t *size, struct err *e)
{
    const int fd = open_in(dir, "kernel");
    uint8_t *head = NULL;
    struct stat st;
    ssize_t n;
    int r;

    if (fd < 0)
        return err_set(e, ERR_AREA_IMAGE, fd, "the kernel is missing");
    head = malloc(KERNEL_HEAD);
    n = head ? pread(fd, head, KERNEL_HEAD, 0) : -1;
    if (n < 0 || fstat(fd, &st) < 0)
        r = err_sys(e, ERR_AREA_IMAGE, -EIO, "reading the kernel");
    else if (!S_ISREG(st.st_mode))
        r = err_set(e, ERR_AREA_IMAGE, -EINVAL, "the kernel is no regular file");
    else
        r = image_check_kernel(head, (size_t)n, (uint64_t)st.st_size, e);
    if (r == 0)
        *size += (uint64_t)st.st_size;
    free(head);
    (void)close(fd); /* read only */
    return r;
}

static void read_meta(const char *dir, struct image *im)
{
    const int fd = open_in(dir, "meta");
    char text[IMAGE_META_MAX + 1];
    ssize_t n;

    if (fd < 0)
        return; /* an image without it is usable, its origin unknown */
    n = read(fd, text, IMAGE_META_MAX);
    (void)close(fd); /* read only */
    if (n <= 0)
        return;
    text[n] = '\0';
    image_meta_parse(text, (size_t)n, im);
}

int image_check_dir(const char *dir, const char *store, struct image *ret, struct err *e)
{
    struct disk_info disk;
    struct err problem = {0};
    struct stat st;
    int r = check_kernel(dir, &ret->size_bytes, &problem);
    int fd = open_in(dir, "initrd");

    if (fd >= 0) {
        ret->has_initrd = true;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
            r = err_set(&problem, ERR_AREA_IMAGE, -EINVAL, "the initrd is empty or no file");
        else
            ret->size_bytes += (uint64_t)st.st_size;
        (void)close(fd); /* read only */
    }
    if (r == 0) {
        r = disk_check(dir, "base.qcow2", store, &disk, &problem);
        if (r == 0) {
            ret->size_bytes += disk.used_bytes;
            (void)str_copy(ret->format, sizeof ret->format, disk.format);
        }
    }
    (void)str_copy(ret->boot, sizeof ret->boot, "kernel");
    if (r < 0) {
        (void)text_clean(ret->problem, sizeof ret->problem, problem.text, strlen(problem.text));
        return err_set(e, ERR_AREA_IMAGE, -EINVAL, "image %s: %s", ret->name, problem.text);
    }
    return 0;
}

int image_open(const char *state_dir, const char *name, struct image *ret, struct err *e)
{
    char dir[PATH_MAX], store[PATH_MAX];
    struct stat st;
    int r = image_path(state_dir, name, dir, e);

    memset(ret, 0, sizeof *ret);
    if (r < 0)
        return r;
    if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(e, ERR_AREA_IMAGE, -ENOENT, "there is no image %s", name);
    if (snprintf(store, sizeof store, "%s/images", state_dir) >= (int)sizeof store)
        return err_set(e, ERR_AREA_INPUT, -ENAMETOOLONG, "the state folder's name is too long");
    (void)str_copy(ret->name, sizeof ret->name, name);
    ret->added_ms = (int64_t)st.st_ctim.tv_sec * 1000;
    read_meta(dir, ret);
    return image_check_dir(dir, store, ret, e);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct image *)a)->name, ((const struct image *)b)->name);
}

int image_list(const char *state_dir, struct image **ret, size_t *ret_n, struct err *e)
{
    char dir[PATH_MAX];
    struct image *all = NULL;
    size_t n = 0;
    const struct dirent *d;
    DIR *at;

    *ret = NULL;
    *ret_n = 0;
    if (snprintf(dir, sizeof dir, "%s/images", state_dir) >= (int)sizeof dir)
        return err_set(e, ERR_AREA_INPUT, -ENAMETOOLONG, "the state folder's name is too long");
    at = opendir(dir);
    if (!at)
        return errno == ENOENT ? 0 : err_sys(e, ERR_AREA_IMAGE, -errno, "reading %s", dir);
    while ((d = readdir(at)) && n < IMAGES_MAX) {
        struct image *grown;

        if (!text_name_is_valid(d->d_name))
            continue;
        grown = realloc(all, (n + 1) * sizeof *all);
        if (!grown) {
            free(all);
            (void)closedir(at);
            return err_sys(e, ERR_AREA_IMAGE, -ENOMEM, "reading %s", dir);
        }
        all = grown;
        if (image_open(state_dir, d->d_name, &all[n], NULL) != -ENOENT)
            n++;
    }
    (void)closedir(at); /* read only */
    if (n > 0)
        qsort(all, n, sizeof *all, by_name);
    *ret = all;
    *ret_n = n;
    return 0;
}

int image_remove_dir(const char *dir)
{
    static const char *const more[] = {"meta", "version"};
    int r = 0;

    for (size_t i = 0; i < IMAGE_FILES + ARRAY_LEN(more); i++) {
        char path[PATH_MAX];
        const char *file = i < IMAGE_FILES ? image_files[i] : more[i - IMAGE_FILES];
        if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
            return -ENAMETOOLONG;
        if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
            r = -errno;
    }
    return rmdir(dir) < 0 ? -errno : r;
}

int image_delete(const char *state_dir, const char *name, struct err *e)
{
    char dir[PATH_MAX];
    int r = image_path(state_dir, name, dir, e);

    if (r < 0)
        return r;
    r = image_remove_dir(dir);
    if (r == -ENOENT)
        return err_set(e, ERR_AREA_IMAGE, r, "there is no image %s", name);
    return r < 0 ? err_sys(e, ERR_AREA_IMAGE, r, "deleting image %s", name) : 0;
}

int image_link(const char *state_dir, const char *name, const char *folder, struct err *e)
{
    char dir[PATH_MAX];
    int from = -1, to = -1;
    int r = image_path(state_dir, name, dir, e);

    if (r < 0)
        return r;
    from = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    to = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || to < 0)
        r = err_sys(e, ERR_AREA_IMAGE, -errno, "image %s", name);
    for (size_t i = 0; r == 0 && i < IMAGE_FILES; i++) {
        const bool optional = i == IMAGE_INITRD;
        if (linkat(from, image_files[i], to, image_files[i], 0) < 0 && errno != EEXIST &&
            !(optional && errno == ENOENT))
            r = err_sys(e, ERR_AREA_IMAGE, -errno, "linking %s of image %s", image_files[i], name);
    }
    if (from >= 0)
        (void)close(from);
    if (to >= 0)
        (void)close(to); /* only paths */
    return r;
}
