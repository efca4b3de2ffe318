#ifndef MESHDECK_STORE_VMREC_H
#define MESHDECK_STORE_VMREC_H
/*
 * VMs as they are wanted, with their addresses. Addresses are taken and released in the same
 * transaction as their VM. Functions are for jobs of the store (store.h); those that write have to
 * run inside a STORE_WRITE job. Structs are plain values.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/model/addr.h"
#include "backend/model/err.h"

struct db;

/* A VM's id is its machine number in its IPv6 address and gives its MAC; it stays below 2^24,
 * counts up, and is not given again until the count has gone round. Uids come from a range of
 * 65,536. */
enum { VMREC_ID_MAX = (1 << 24) - 1, VMREC_UID_BASE = 1900000000, VMREC_UID_COUNT = 65536 };

/* Distinct errors of vmrec_create, each with console.md's text. */
enum vmrec_code {
    VMREC_NAME_TAKEN = -EEXIST,      /* "web1 exists on lon3; web4 is free." */
    VMREC_NAME_COLLIDES = -ENOTUNIQ, /* a node or service has that name */
    VMREC_NAME_BAD = -EINVAL,
    VMREC_ADDR_TAKEN = -EADDRINUSE,      /* "10.210.0.3 is db1's." */
    VMREC_ADDR_OUTSIDE = -EADDRNOTAVAIL, /* "Not in 10.210.0.0/24, the range of ams1." */
    VMREC_POOL_FULL = -EXFULL,           /* "mesh is full, 253 of 253: choose another." */
    VMREC_NO_NETWORK = -ENOENT,
};

enum vm_phase {
    VM_PHASE_WHOLE,
    VM_PHASE_CREATING, /* provisional: `ticket` makes it; start-up finishes it or rolls it back */
    VM_PHASE_DELETING, /* `ticket` deletes it; never undone */
    VM_PHASE_COUNT
};

struct vm_rec {
    uint64_t id;
    char name[32];
    uint64_t network_id;
    uint32_t home_node, node; /* node numbers: where it was made, where it lives */
    char image[32];
    uint32_t vcpus, memory_mib, disk_gib;
    uint8_t wanted;    /* should run */
    uint8_t autostart; /* comes back after a reboot */
    uint8_t phase;     /* enum vm_phase */
    uint64_t ticket;   /* while not whole, else 0 */
    struct addr ip4, ip6;
    uint8_t mac[6];
    char tap[16];
    uint32_t uid;
    char ports[256], labels[512];  /* words separated by blanks */
    char host_key_path[96];        /* below STATE; the private half */
    char host_key_public[128];     /* "ssh-ed25519 AAAA..." */
    char host_key_fingerprint[64]; /* "SHA256:..." */
    char cpu_model[48], accel[16], machine[16];
    int64_t created_ms, started_ms, ended_ms;
    char ended_why[160]; /* why it last ended, "" when unknown */
    char boot_id[40];    /* of the host, when it was last started */
    uint8_t damaged; /* its checksum is wrong; writing it back with 0 here accepts it as it is */
};

/* What vmrec_create may need to know beside the records. */
struct vmrec_taken {
    const char *const *taps; /* names of links that exist on the host, to be skipped */
    size_t n_taps;
};

/*
 * Makes n VMs, all or none. The caller sets name, network_id, image, limits, wanted, autostart,
 * ticket, ports, labels, accel..., and ip4 to ask for an address (family 0: the lowest free one; a
 * block is claimed when those of this node are full). Filled in here: id, node, home_node, ip4,
 * ip6, mac, tap (when ""), uid, created_ms (when 0), phase = VM_PHASE_CREATING.
 */
int vmrec_create(struct db *db, struct vm_rec *vms, size_t n, const struct vmrec_taken *taken,
                 struct err *e);

/* The same checks and the same allocation, undone again: for --dry-run and the form. Runs in its
 * own transaction, so as a STORE_READ job; on a database that cannot be written -EROFS. */
int vmrec_try(struct db *db, struct vm_rec *vms, size_t n, const struct vmrec_taken *taken,
              struct err *e);

int vmrec_get(struct db *db, uint64_t id, struct vm_rec *ret, struct err *e); /* -ENOENT */
int vmrec_find(struct db *db, const char *name, struct vm_rec *ret, struct err *e);
/* All fields but id, name, addresses, mac, uid and network are written back. */
int vmrec_update(struct db *db, const struct vm_rec *vm, struct err *e);
int vmrec_set_wanted(struct db *db, const uint64_t *ids, size_t n, bool wanted, struct err *e);
int vmrec_set_phase(struct db *db, const uint64_t *ids, size_t n, enum vm_phase phase,
                    uint64_t ticket, struct err *e);
/* Deletes rows and releases their names and addresses; ids that are not there are fine. */
int vmrec_delete(struct db *db, const uint64_t *ids, size_t n, struct err *e);

/* Every VM by name; *ret is the caller's to free(). */
int vmrec_all(struct db *db, struct vm_rec **ret, size_t *ret_n, struct err *e);

/* The lowest free "vmN" that no VM, node or service has. */
int vmrec_free_name(struct db *db, const char *stem, char ret[static 32], struct err *e);

/* Whose address it is: VM's name, or "" when nobody's. */
int vmrec_whose(struct db *db, const struct addr *a, char ret[static 32], struct err *e);

/* IPv4 addresses of this node's claimed blocks, used and in all (253 a block). */
int vmrec_pool(struct db *db, uint32_t *ret_used, uint32_t *ret_total, struct err *e);

#endif
