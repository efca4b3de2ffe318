/*
 * New images: files copied into the store under a hidden name, hashed and checked on the way, then
 * put in the place of the old image in one step. Pool threads; it takes as long as the disk does.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/guest/image_files.h"
#include "backend/guest/image_meta.h"
#include "backend/guest/newfile.h"
#include "backend/model/text.h"

enum { COPY_CHUNK = 1 << 20, VERSION_MAX = 8192 };

static bool dir_has_image(const char *dir)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/kernel", dir) < (int)sizeof path &&
           access(path, R_OK) == 0;
}

int image_find_builtin(char ret[static PATH_MAX], struct err *e)
{
    const char *set = getenv("MESHDECK_GUEST");
    char exe[PATH_MAX], beside[PATH_MAX] = "", shared[PATH_MAX] = "";
    const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *slash;

    if (set && set[0]) {
        if (dir_has_image(set) && str_copy(ret, PATH_MAX, set))
            return 0;
        return err_set(e, ERR_AREA_IMAGE, -ENOENT, "MESHDECK_GUEST names %s: no guest image there",
                       set);
    }
    exe[n > 0 ? n : 0] = '\0';
    slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    if (snprintf(beside, sizeof beside, "%s/guest", exe) < (int)sizeof beside &&
        dir_has_image(beside) && str_copy(ret, PATH_MAX, beside))
        return 0;
    if (snprintf(shared, sizeof shared, "%s/../share/meshdeck/guest", exe) < (int)sizeof shared &&
        dir_has_image(shared) && str_copy(ret, PATH_MAX, shared))
        return 0;
    return err_set(e, ERR_AREA_IMAGE, -ENOENT,
                   "no built-in guest image in %s or %s: run `make guest`", beside, shared);
}

/* Reads it all; copies it when to >= 0. */
static int hash_file(int from, int to, EVP_MD_CTX *hash, uint8_t *chunk)
{
    for (;;) {
        const ssize_t n = read(from, chunk, COPY_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return to >= 0 && fsync(to) < 0 ? -errno : 0;
        if (EVP_DigestUpdate(hash, chunk, (size_t)n) != 1)
            return -EIO;
        for (ssize_t at = 0; to >= 0 && at < n;) {
            const ssize_t w = write(to, chunk + at, (size_t)(n - at));
            if (w < 0 && errno != EINTR)
                return -errno;
            at += w > 0 ? w : 0;
        }
    }
}

static int hash_one(int from_dir, int to_dir, const char *name, EVP_MD_CTX *hash, uint8_t *chunk)
{
    int to = -1, r;
    const int from = openat(from_dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (from < 0)
        return -errno;
    if (to_dir >= 0) {
        to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (to < 0 || fchmod(to, 0644) < 0) {
            r = -errno;
            goto out;
        }
    }
    r = hash_file(from, to, hash, chunk);
out:
    if (to >= 0 && close(to) < 0 && r == 0)
        r = -errno;
    (void)close(from); /* read only */
    return r;
}

/* The files of from_dir, hashed together; copied into to_dir when that is not NULL. */
static int hash_dir(const char *from_dir, const char *to_dir, char ret_hex[static 65],
                    struct err *e)
{
    const int from = open(from_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int to = to_dir ? open(to_dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    uint8_t *chunk = malloc(COPY_CHUNK);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned sum_len = 0;
    int r = 0;

    if (from < 0 || (to_dir && to < 0))
        r = err_sys(e, ERR_AREA_IMAGE, -errno, "opening %s", from < 0 ? from_dir : to_dir);
    else if (!hash || !chunk || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        r = err_sys(e, ERR_AREA_IMAGE, -ENOMEM, "reading %s", from_dir);
    for (size_t i = 0; r == 0 && i < IMAGE_FILES; i++) {
        r = hash_one(from, to, image_files[i], hash, chunk);
        if (r == -ENOENT && i == IMAGE_INITRD)
            r = 0;
        if (r < 0)
            (void)err_sys(e, ERR_AREA_IMAGE, r, "copying %s/%s", from_dir, image_files[i]);
    }
    if (r == 0 && EVP_DigestFinal_ex(hash, sum, &sum_len) != 1)
        r = err_set(e, ERR_AREA_IMAGE, -EIO, "hashing %s", from_dir);
    for (unsigned i = 0; r == 0 && i < sum_len && i < 32; i++)
        (void)snprintf(ret_hex + (size_t)2 * i, 3, "%02x", sum[i]);
    EVP_MD_CTX_free(hash);
    free(chunk);
    if (from >= 0)
        (void)close(from);
    if (to >= 0)
        (void)close(to); /* only paths */
    return r;
}

/* The first line of from_dir/version names it; a line "sha256 HEX" says what it should hash to. */
static void read_version(const char *from_dir, struct image *im, char ret_hex[static 65])
{
    char path[PATH_MAX], text[VERSION_MAX + 1];
    const char *sum;
    ssize_t n = -1;
    int fd = -1;

    ret_hex[0] = '\0';
    if (snprintf(path, sizeof path, "%s/version", from_dir) < (int)sizeof path)
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    n = read(fd, text, VERSION_MAX);
    (void)close(fd); /* read only */
    if (n <= 0)
        return;
    text[n] = '\0';
    (void)text_clean(im->version, sizeof im->version, text, strcspn(text, "\n"));
    sum = strstr(text, "\nsha256 ");
    if (sum && strspn(sum + 8, "0123456789abcdef") == 64) {
        memcpy(ret_hex, sum + 8, 64);
        ret_hex[64] = '\0';
    }
}

static int write_meta(const char *dir, const struct image *im, struct err *e)
{
    char text[IMAGE_META_MAX];
    const struct newfile f = {.bytes = text,
                              .len = image_meta_format(im, text, sizeof text),
                              .mode = 0644,
                              .uid = (uid_t)-1,
                              .gid = (gid_t)-1};
    return newfile_write(dir, "meta", &f, e);
}

/* A folder that a crash left is emptied first. */
static int make_dir(const char *dir, struct err *e)
{
    if (mkdir(dir, 0755) == 0 || errno != EEXIST)
        return access(dir, W_OK) == 0 ? 0 : err_sys(e, ERR_AREA_IMAGE, -errno, "making %s", dir);
    if (image_remove_dir(dir) < 0 || mkdir(dir, 0755) < 0)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "emptying %s", dir);
    return 0;
}

static int put_in_place(const char *fresh, const char *dir, struct err *e)
{
    if (rename(fresh, dir) == 0)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "naming %s", dir);
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, dir, RENAME_EXCHANGE) < 0)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "replacing %s", dir);
    (void)image_remove_dir(fresh); /* the old one; what is left is emptied by the next install */
    return 0;
}

static int install(const char *from_dir, const char *store, const char *fresh, const char *dir,
                   const char *wanted, struct image *im, struct err *e)
{
    struct timespec now;
    int r = make_dir(fresh, e);

    if (r == 0)
        r = hash_dir(from_dir, fresh, im->sha256, e);
    if (r == 0 && wanted[0] && strcmp(wanted, im->sha256) != 0)
        r = err_set(e, ERR_AREA_IMAGE, -EBADMSG,
                    "the files in %s are not those that its version file tells of", from_dir);
    if (r == 0)
        r = image_check_dir(fresh, store, im, e);
    if (r == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0)
        im->added_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (r == 0)
        r = write_meta(fresh, im, e);
    if (r == 0)
        r = put_in_place(fresh, dir, e);
    if (r < 0)
        (void)image_remove_dir(fresh); /* the first failure is the one to tell */
    return r;
}

int image_install(const char *state_dir, const char *name, const char *from_dir, const char *origin,
                  struct err *e)
{
    char dir[PATH_MAX], store[PATH_MAX], fresh[PATH_MAX], wanted[65];
    struct image im = {0}, there;
    int r = image_path(state_dir, name, dir, e);

    if (r < 0)
        return r;
    (void)str_copy(im.name, sizeof im.name, name);
    (void)str_copy(im.origin, sizeof im.origin, origin);
    read_version(from_dir, &im, wanted);
    if (wanted[0] && image_open(state_dir, name, &there, NULL) == 0 &&
        strcmp(there.sha256, wanted) == 0)
        return 0;
    if (snprintf(store, sizeof store, "%s/images", state_dir) >= (int)sizeof store ||
        snprintf(fresh, sizeof fresh, "%s/images/.%s.new", state_dir, name) >= (int)sizeof fresh)
        return err_set(e, ERR_AREA_INPUT, -ENAMETOOLONG, "the state folder's name is too long");
    if (mkdir(store, 0755) < 0 && errno != EEXIST)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "making %s", store);
    r = install(from_dir, store, fresh, dir, wanted, &im, e);
    return r < 0 ? err_wrap(e, "image %s", name) : 0;
}

int image_verify(const char *state_dir, const char *name, struct err *e)
{
    char dir[PATH_MAX], hex[65];
    struct image im;
    int r = image_open(state_dir, name, &im, e);

    if (r == 0)
        r = image_path(state_dir, name, dir, e);
    if (r == 0)
        r = hash_dir(dir, NULL, hex, e);
    if (r == 0 && strcmp(hex, im.sha256) != 0)
        r = err_set(e, ERR_AREA_IMAGE, -EBADMSG,
                    im.sha256[0] ? "image %s is damaged: its checksum is not the recorded one"
                                 : "image %s has no recorded checksum",
                    name);
    return r;
}
