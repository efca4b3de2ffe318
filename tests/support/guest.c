/* Folders and specs of real guests; see guest.h. */
#include "tests/support/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/guest/disk.h"
#include "backend/guest/image.h"
#include "backend/model/text.h"
#include "tests/support/tmpdir.h"

enum { GUEST_UID = 1900000007 };

static void must(int r, const struct err *e, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "# %s: %s\n", what, e->text);
    abort();
}

static const char *guest_dir(char buf[static PATH_MAX])
{
    const char *build = getenv("MESHDECK_BUILD");
    struct err e;

    if (build && snprintf(buf, PATH_MAX, "%s/guest", build) < PATH_MAX)
        return buf;
    return image_find_builtin(buf, &e) == 0             ? buf
           : snprintf(buf, PATH_MAX, "build/guest") > 0 ? buf
                                                        : NULL;
}

const char *guest_lacks(void)
{
    char dir[PATH_MAX], file[PATH_MAX + 16];

    (void)snprintf(file, sizeof file, "%s/version", guest_dir(dir));
    if (access(file, R_OK) < 0)
        return "no built-in guest image: make guest";
    if (access("/usr/bin/qemu-system-x86_64", X_OK) < 0)
        return "no QEMU";
    return NULL;
}

void guest_make(struct guest *g, const char *name)
{
    struct err e = {0};
    char dir[PATH_MAX];
    const gid_t gid = getuid() == 0 ? GUEST_UID : (gid_t)-1;

    memset(g, 0, sizeof *g);
    (void)str_copy(g->name, sizeof g->name, name);
    g->uid = getuid() == 0 ? GUEST_UID : 0;
    g->state = tmpdir_new();
    (void)chmod(g->state, 0711);
    (void)snprintf(g->folder, sizeof g->folder, "%s/vms", g->state);
    (void)mkdir(g->folder, 0711);
    (void)snprintf(g->folder, sizeof g->folder, "%s/vms/%s", g->state, name);
    if (mkdir(g->folder, 0700) < 0 || (g->uid && chown(g->folder, g->uid, gid) < 0))
        perror(g->folder);
    must(image_install(g->state, IMAGE_BUILTIN, guest_dir(dir), "built-in", &e), &e, "image");
    must(image_link(g->state, IMAGE_BUILTIN, g->folder, &e), &e, "links");
    must(disk_create(g->folder, "disk.qcow2", "base.qcow2", (uint64_t)2 << 30, g->uid, gid, &e), &e,
         "disk");
    must(keys_generate(&g->host_key, &e), &e, "key");
    g->seed = (struct seed){.instance_id = "i-1", .hostname = g->name, .mtu = 1420};
    g->seed.host_key = &g->host_key;
    must(addr_parse("fd5e:ed::10", false, &g->seed.ip6, &e), &e, "address");
    must(addr_parse("10.210.0.2", false, &g->seed.ip4, &e), &e, "address");
    g->seed.gateway6 = addr_gateway_ip6();
    g->seed.gateway4 = addr_gateway_ip4();
    g->seed.dns[0] = addr_dns_ip4();
    g->seed.n_dns = 1;
    must(seed_write(&g->seed, g->folder, g->uid ? g->uid : (uid_t)-1, gid, &e), &e, "seed");
    g->spec = (struct vmm_spec){
        .name = g->name,
        .folder = g->folder,
        .uid = g->uid,
        .gid = g->uid,
        .vcpus = 1,
        .memory_mib = 192,
        .kernel = "kernel",
        .initrd = "initrd",
        .disks = {{"disk.qcow2", "qcow2", "root", false}, {"seed.img", "raw", "seed", true}},
        .n_disks = 2,
    };
}

void guest_done(struct guest *g)
{
    keys_done(&g->host_key);
    tmpdir_remove(g->state);
    g->state = NULL;
}
