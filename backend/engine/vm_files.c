#include "backend/engine/vm_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/engine/base.h"
#include "backend/engine/vms.h"
#include "backend/guest/disk.h"
#include "backend/guest/image.h"
#include "backend/guest/keys.h"
#include "backend/guest/seed.h"
#include "backend/host/secret_file.h"
#include "backend/model/text.h"
#include "backend/store/store.h"

enum { ERASE_DEPTH_MAX = 8 };

/* One VM's part of the job: what the pool needs, copied, and what it made. */
struct files_one {
    struct vm_rec rec;
    uint32_t mtu;
    char folder[PATH_MAX];
    bool made_folder;
};

struct files_job {
    uv_work_t work;
    struct core *core;
    enum vm_files_what what;
    char state_dir[PATH_MAX], secrets[PATH_MAX], client_public[KEYS_PUBLIC_TEXT];
    struct addr fleet;
    vm_files_fn *done;
    void *arg;
    struct err err;
    size_t n;
    struct files_one vms[];
};

static int make_folder(const struct files_job *j, struct files_one *o, struct err *e)
{
    char vms[PATH_MAX];

    (void)snprintf(vms, sizeof vms, "%.4000s/vms", j->state_dir);
    if (mkdir(vms, 0711) < 0 && errno != EEXIST)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "making %s", vms);
    o->made_folder = mkdir(o->folder, 0700) == 0;
    if (!o->made_folder && errno != EEXIST)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "making %s", o->folder);
    int fd = open(o->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, ERR_AREA_IMAGE, -errno, "opening %s", o->folder);
    int r = fchown(fd, o->rec.uid, o->rec.uid) < 0 ? -errno : 0;
    close(fd);
    return r < 0 ? err_sys(e, ERR_AREA_IMAGE, r, "giving %s to its VM", o->folder) : 0;
}

static int make_disk(const struct files_job *j, struct files_one *o, struct err *e)
{
    int r = make_folder(j, o, e);

    if (r == 0)
        r = image_link(j->state_dir, o->rec.image, o->folder, e);
    if (r == 0)
        r = disk_create(o->folder, "disk.qcow2", "base.qcow2", (uint64_t)o->rec.disk_gib << 30,
                        o->rec.uid, o->rec.uid, e);
    if (r == -EEXIST) { /* an earlier try made it whole: creation is all or nothing */
        err_clear(e);
        r = 0;
    }
    if (r < 0 && o->made_folder)
        err_wrap(e, "image %s", o->rec.image);
    return r;
}

static int host_key(const struct files_job *j, struct files_one *o, struct key_pair *ret,
                    struct err *e)
{
    char name[64], line[KEYS_PUBLIC_TEXT], fingerprint[KEYS_FINGERPRINT_TEXT];
    struct secret text = {0};

    (void)snprintf(name, sizeof name, "host_key_%llu", (unsigned long long)o->rec.id);
    int r = secret_file_read(j->secrets, name, &text, e);
    if (r == 0)
        r = keys_openssh_parse(&text, ret, e);
    if (r == -ENOENT) {
        err_clear(e);
        r = keys_generate(ret, e);
        if (r == 0)
            r = keys_openssh_format(ret, o->rec.name, &text, e);
        if (r == 0)
            r = secret_file_create(j->secrets, name, &text, e);
    }
    secret_done(&text);
    if (r < 0)
        return r;
    (void)snprintf(o->rec.host_key_path, sizeof o->rec.host_key_path, "secrets/%s", name);
    str_copy(o->rec.host_key_public, sizeof o->rec.host_key_public,
             keys_public_format(ret->pub, "", line));
    str_copy(o->rec.host_key_fingerprint, sizeof o->rec.host_key_fingerprint,
             keys_fingerprint(ret->pub, fingerprint));
    return 0;
}

static int make_seed(const struct files_job *j, struct files_one *o, struct err *e)
{
    struct key_pair key = {{0}, {0}};
    char id[32];
    int r = host_key(j, o, &key, e);
    struct seed s = {.instance_id = id, .hostname = o->rec.name, .ip6 = o->rec.ip6, .ip4 = o->rec.ip4,
                     .gateway6 = addr_gateway_ip6(), .gateway4 = addr_gateway_ip4(), .n_dns = 2,
                     .search = "internal", .mtu = o->mtu, .n_keys = 1, .host_key = &key};

    if (r == 0) {
        (void)snprintf(id, sizeof id, "meshdeck-%llu", (unsigned long long)o->rec.id);
        memcpy(s.mac, o->rec.mac, sizeof s.mac);
        s.dns[0] = addr_dns_ip6(&j->fleet);
        s.dns[1] = addr_dns_ip4();
        s.keys[0] = j->client_public;
        r = seed_write(&s, o->folder, o->rec.uid, o->rec.uid, e);
    }
    keys_done(&key);
    return r;
}

/* Everything below dir, by descriptors, never through a link: the folder was a VM's to write in. */
static int erase_below(int dir, unsigned depth)
{
    DIR *d = fdopendir(dir);
    struct dirent *ent;
    int r = 0;

    if (!d) {
        close(dir);
        return -errno;
    }
    while (r == 0 && (ent = readdir(d))) {
        if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(d), ent->d_name, 0) == 0 || errno == ENOENT)
            continue;
        int sub = depth < ERASE_DEPTH_MAX
                      ? openat(dirfd(d), ent->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                      : -1;
        r = sub < 0 ? -errno : erase_below(sub, depth + 1);
        if (r == 0 && unlinkat(dirfd(d), ent->d_name, AT_REMOVEDIR) < 0)
            r = -errno;
    }
    closedir(d);
    return r;
}

static int erase(const struct files_job *j, const struct files_one *o, struct err *e)
{
    char key[PATH_MAX];
    int fd = open(o->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = fd < 0 ? -errno : erase_below(fd, 0);

    if (r == 0 && rmdir(o->folder) < 0)
        r = -errno;
    (void)snprintf(key, sizeof key, "%.4000s/host_key_%llu", j->secrets, (unsigned long long)o->rec.id);
    (void)unlink(key); /* a VM that was never seeded has none */
    return r == 0 || r == -ENOENT ? 0 : err_sys(e, ERR_AREA_IMAGE, r, "erasing %s", o->folder);
}

/* Disks are made all or none: an operation that failed has nothing that an undo could take back. */
static void erase_made(const struct files_job *j)
{
    for (size_t i = 0; i < j->n; i++)
        if (j->vms[i].made_folder)
            (void)erase(j, &j->vms[i], NULL); /* what made it fail is what is told */
}

static void files_work(uv_work_t *w)
{
    struct files_job *j = w->data;

    for (size_t i = 0; i < j->n && !j->err.code; i++) {
        struct files_one *o = &j->vms[i];
        switch (j->what) {
        case VM_FILES_DISK:
            (void)make_disk(j, o, &j->err);
            break;
        case VM_FILES_SEED:
            (void)make_seed(j, o, &j->err);
            break;
        case VM_FILES_ERASE:
            (void)erase(j, o, &j->err);
            break;
        }
    }
    if (j->err.code && j->what == VM_FILES_DISK)
        erase_made(j);
}

static void files_end(struct files_job *j)
{
    vm_files_fn *done = j->done;
    void *arg = j->arg;
    struct err e = j->err;

    free(j);
    done(e.code ? &e : NULL, arg);
}

/* The host keys that were made are written down, since they are what a connection is checked by. */
static int seeds_write(struct db *db, void *arg, struct err *e)
{
    struct files_job *j = arg;
    int r = 0;

    for (size_t i = 0; i < j->n && r >= 0; i++) {
        struct vm_rec now;
        r = vmrec_get(db, j->vms[i].rec.id, &now, e);
        if (r < 0)
            break;
        memcpy(now.host_key_path, j->vms[i].rec.host_key_path, sizeof now.host_key_path);
        memcpy(now.host_key_public, j->vms[i].rec.host_key_public, sizeof now.host_key_public);
        memcpy(now.host_key_fingerprint, j->vms[i].rec.host_key_fingerprint,
               sizeof now.host_key_fingerprint);
        r = vmrec_update(db, &now, e);
    }
    return r;
}

static void seeds_written(int code, const struct err *e, void *arg)
{
    struct files_job *j = arg;

    if (code < 0)
        j->err = *e;
    for (size_t i = 0; code >= 0 && i < j->n; i++) {
        struct vm *v = vms_find_id(j->core, j->vms[i].rec.id);
        if (!v)
            continue;
        memcpy(v->rec.host_key_path, j->vms[i].rec.host_key_path, sizeof v->rec.host_key_path);
        memcpy(v->rec.host_key_public, j->vms[i].rec.host_key_public, sizeof v->rec.host_key_public);
        memcpy(v->rec.host_key_fingerprint, j->vms[i].rec.host_key_fingerprint,
               sizeof v->rec.host_key_fingerprint);
    }
    files_end(j);
}

static void files_worked(uv_work_t *w, int status)
{
    struct files_job *j = w->data;
    struct err e = {0};

    if (status < 0)
        err_set(&j->err, ERR_AREA_IMAGE, -ECANCELED, "the engine is ending");
    if (j->err.code || j->what != VM_FILES_SEED || j->core->closing) {
        files_end(j);
    } else if (store_post(j->core->store, STORE_WRITE, seeds_write, seeds_written, j, &e) < 0) {
        j->err = e;
        files_end(j);
    }
}

void vm_files_run(struct core *c, enum vm_files_what what, const struct plan_op *ops, size_t n,
                  vm_files_fn *done, void *arg)
{
    struct files_job *j = calloc(1, sizeof *j + n * sizeof j->vms[0]);
    struct err e = {0};
    char path[PATH_MAX];

    if (!j) {
        err_set(&e, ERR_AREA_IMAGE, -ENOMEM, "out of memory");
        done(&e, arg);
        return;
    }
    j->core = c;
    j->what = what;
    j->done = done;
    j->arg = arg;
    j->fleet = c->base->settings.fleet_prefix;
    str_copy(j->state_dir, sizeof j->state_dir, c->set.state_dir);
    str_copy(j->secrets, sizeof j->secrets, base_path(c, "secrets", path));
    str_copy(j->client_public, sizeof j->client_public, c->base->settings.ssh_public_key);
    for (size_t i = 0; i < n; i++) {
        const struct vm *v = vms_find_id(c, ops[i].vm_id);
        if (!v)
            continue;
        struct files_one *o = &j->vms[j->n++];
        o->rec = v->rec;
        o->mtu = ops[i].vm && ops[i].vm->mtu ? ops[i].vm->mtu : c->base->settings.wg_mtu;
        (void)vm_folder(v, o->folder);
    }
    j->work.data = j;
    uv_queue_work(&c->loop, &j->work, files_work, files_worked);
}

void vm_spec_fill(const struct vm *v, const char *folder, struct vmm_spec *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->name = v->rec.name;
    ret->folder = folder;
    ret->uid = v->rec.uid;
    ret->gid = v->rec.uid;
    ret->vcpus = v->rec.vcpus;
    ret->memory_mib = v->rec.memory_mib;
    ret->accel = v->core->vms->kvm ? VMM_ACCEL_KVM : VMM_ACCEL_TCG;
    ret->cpu_model = v->rec.cpu_model;
    ret->kernel = "kernel";
    ret->initrd = "initrd";
    ret->disks[0] = (struct vmm_disk){"disk.qcow2", "qcow2", "root", false};
    ret->disks[1] = (struct vmm_disk){"seed.img", "raw", "seed", true};
    ret->n_disks = 2;
    ret->nics[0].tap_fd = v->tap_fd;
    memcpy(ret->nics[0].mac, v->rec.mac, sizeof ret->nics[0].mac);
    ret->nics[0].tap = v->rec.tap;
    ret->n_nics = 1;
}

void vm_session_fill(const struct vm *v, enum session_mode mode, struct session_spec *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->mode = mode;
    if (addr_is_set(&v->rec.ip6))
        ret->addrs[ret->n_addrs++] = v->rec.ip6;
    if (addr_is_set(&v->rec.ip4))
        ret->addrs[ret->n_addrs++] = v->rec.ip4;
    ret->key = &v->core->vms->client_key;
    ret->host_key = v->rec.host_key_public;
}
