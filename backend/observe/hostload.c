/*
 * The load of this node, from /proc and statvfs. Engine thread; the files of /proc are made in
 * memory, and the state folder's file system is one that we need to be alive anyway.
 */
#include "backend/observe/hostload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PROC_TEXT = 4096 };

static int read_file(const char *path, char *buf, size_t cap, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, ERR_AREA_HOST, -errno, "%s", path);
    ssize_t n = read(fd, buf, cap - 1);
    int code = n < 0 ? -errno : 0;
    close(fd);
    if (code)
        return err_sys(e, ERR_AREA_HOST, code, "%s", path);
    buf[n] = '\0';
    return 0;
}

static uint32_t permille(uint64_t part, uint64_t all)
{
    if (all == 0)
        return 0;
    return part >= all ? 1000 : (uint32_t)((double)part * 1000.0 / (double)all + 0.5);
}

/* "cpu  user nice system idle iowait irq softirq steal guest guest_nice" */
int hostload_parse_stat(const char *text, struct hostload *h)
{
    unsigned long long t[8] = {0};
    int n = sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
                   &t[4], &t[5], &t[6], &t[7]);
    uint64_t all = 0;

    if (n < 4)
        return -EBADMSG;
    for (size_t i = 0; i < 8; i++)
        all += t[i];
    uint64_t busy = all - t[3] - t[4];
    if (h->cpu_all != 0 && all > h->cpu_all && busy >= h->cpu_busy)
        h->cpu_permille = permille(busy - h->cpu_busy, all - h->cpu_all);
    h->cpu_all = all;
    h->cpu_busy = busy;
    return 0;
}

static int take_kib(const char *text, const char *key, uint64_t *ret_bytes)
{
    const char *at = strstr(text, key);
    unsigned long long kib;

    if (!at || sscanf(at + strlen(key), " %llu kB", &kib) != 1 || kib > UINT64_MAX / 1024)
        return -EBADMSG;
    *ret_bytes = kib * 1024;
    return 0;
}

int hostload_parse_meminfo(const char *text, struct hostload *h)
{
    uint64_t total, available;

    if (take_kib(text, "MemTotal:", &total) != 0 ||
        take_kib(text, "MemAvailable:", &available) != 0)
        return -EBADMSG;
    h->mem_total_bytes = total;
    h->mem_available_bytes = available < total ? available : total;
    h->mem_permille = permille(total - h->mem_available_bytes, total);
    return 0;
}

static int read_disk(struct hostload *h, const char *state_dir, struct err *e)
{
    struct statvfs v;

    if (statvfs(state_dir, &v) != 0)
        return err_sys(e, ERR_AREA_HOST, -errno, "%s", state_dir);
    uint64_t used = (uint64_t)v.f_blocks - v.f_bfree;
    h->disk_total_bytes = (uint64_t)v.f_blocks * v.f_frsize;
    h->disk_available_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    h->disk_permille =
        permille(used, used + v.f_bavail); /* what root keeps back counts for nobody */
    return 0;
}

int hostload_read(struct hostload *h, const char *state_dir, struct err *e)
{
    char text[PROC_TEXT];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct err each = {0}, first = {0};

    if (cores > 0)
        h->cores = (uint32_t)cores;
    if (read_file("/proc/stat", text, sizeof text, &each) != 0)
        first = each;
    else if (hostload_parse_stat(text, h) != 0)
        (void)err_set(&first, ERR_AREA_HOST, -EBADMSG, "/proc/stat makes no sense");
    if (read_file("/proc/meminfo", text, sizeof text, &each) != 0)
        first = first.code ? first : each;
    else if (hostload_parse_meminfo(text, h) != 0 && first.code == 0)
        (void)err_set(&first, ERR_AREA_HOST, -EBADMSG, "/proc/meminfo makes no sense");
    if (read_disk(h, state_dir, &each) != 0)
        first = first.code ? first : each;
    if (first.code && e)
        *e = first;
    return first.code;
}
