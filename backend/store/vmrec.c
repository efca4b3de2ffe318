/*
 * VM records: reading, changing, deleting. Making them is vmmake.c. Store thread. A row's name and
 * addresses go in the transaction in which the row goes, never before or after.
 */
#include "backend/store/vmrec.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/store/db.h"
#include "backend/store/ippool.h"
#include "backend/store/rec.h"
#include "backend/store/settings.h"

static const struct rec_col cols[] = {
    REC_COL(vm_rec, id, REC_U64),
    REC_COL(vm_rec, name, REC_TEXT),
    REC_COL(vm_rec, network_id, REC_U64),
    REC_COL(vm_rec, home_node, REC_U32),
    REC_COL(vm_rec, node, REC_U32),
    REC_COL(vm_rec, image, REC_TEXT),
    REC_COL(vm_rec, vcpus, REC_U32),
    REC_COL(vm_rec, memory_mib, REC_U32),
    REC_COL(vm_rec, disk_gib, REC_U32),
    REC_COL(vm_rec, wanted, REC_U8),
    REC_COL(vm_rec, autostart, REC_U8),
    REC_COL(vm_rec, phase, REC_U8),
    REC_COL(vm_rec, ticket, REC_U64),
    REC_COL(vm_rec, ip4, REC_ADDR),
    REC_COL(vm_rec, ip6, REC_ADDR),
    REC_COL(vm_rec, mac, REC_MAC),
    REC_COL(vm_rec, tap, REC_TEXT),
    REC_COL(vm_rec, uid, REC_U32),
    REC_COL(vm_rec, ports, REC_TEXT),
    REC_COL(vm_rec, labels, REC_TEXT),
    REC_COL(vm_rec, host_key_path, REC_TEXT),
    REC_COL(vm_rec, host_key_public, REC_TEXT),
    REC_COL(vm_rec, host_key_fingerprint, REC_TEXT),
    REC_COL(vm_rec, cpu_model, REC_TEXT),
    REC_COL(vm_rec, accel, REC_TEXT),
    REC_COL(vm_rec, machine, REC_TEXT),
    REC_COL(vm_rec, created_ms, REC_I64),
    REC_COL(vm_rec, started_ms, REC_I64),
    REC_COL(vm_rec, ended_ms, REC_I64),
    REC_COL(vm_rec, ended_why, REC_TEXT),
    REC_COL(vm_rec, boot_id, REC_TEXT),
};

const struct rec_type rec_vm = {
    .what = "VM",
    .cols = cols,
    .n_cols = sizeof cols / sizeof cols[0],
    .size = sizeof(struct vm_rec),
    .damaged = offsetof(struct vm_rec, damaged),
};

int vmrec_get(struct db *db, uint64_t id, struct vm_rec *ret, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "SELECT " REC_VM_COLUMNS " FROM vms WHERE id = ?1", &s, e);

    if (r < 0)
        return r;
    db_bind_u64(s, 1, id);
    r = rec_first(db, s, &rec_vm, ret, e);
    if (r == -ENOENT)
        return err_set(e, ERR_AREA_STORE, -ENOENT, "there is no VM with the id %llu",
                       (unsigned long long)id);
    return r;
}

int vmrec_find(struct db *db, const char *name, struct vm_rec *ret, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "SELECT " REC_VM_COLUMNS " FROM vms WHERE name = ?1", &s, e);

    if (r < 0)
        return r;
    db_bind_text(s, 1, name);
    r = rec_first(db, s, &rec_vm, ret, e);
    if (r == -ENOENT)
        return err_set(e, ERR_AREA_STORE, -ENOENT, "there is no VM called %s", name);
    return r;
}

int vmrec_all(struct db *db, struct vm_rec **ret, size_t *ret_n, struct err *e)
{
    sqlite3_stmt *s;
    void *all = NULL;
    int r = db_prepare(db, "SELECT " REC_VM_COLUMNS " FROM vms ORDER BY name", &s, e);

    if (r == 0)
        r = rec_collect(db, s, &rec_vm, &all, ret_n, e);
    if (r == 0)
        *ret = all;
    return r;
}

int vmrec_update(struct db *db, const struct vm_rec *vm, struct err *e)
{
    struct vm_rec old, new = *vm;
    int r = vmrec_get(db, vm->id, &old, e);

    if (r < 0)
        return r;
    memcpy(new.name, old.name, sizeof new.name);
    memcpy(new.mac, old.mac, sizeof new.mac);
    new.network_id = old.network_id;
    new.home_node = old.home_node;
    new.ip4 = old.ip4;
    new.ip6 = old.ip6;
    new.uid = old.uid;
    r = rec_run(db,
                "UPDATE vms SET name = ?2, network_id = ?3, home_node = ?4, node = ?5,"
                " image = ?6, vcpus = ?7, memory_mib = ?8, disk_gib = ?9, wanted = ?10,"
                " autostart = ?11, phase = ?12, ticket = ?13, ip4 = ?14, ip6 = ?15, mac = ?16,"
                " tap = ?17, uid = ?18, ports = ?19, labels = ?20, host_key_path = ?21,"
                " host_key_public = ?22, host_key_fingerprint = ?23, cpu_model = ?24,"
                " accel = ?25, machine = ?26, created_ms = ?27, started_ms = ?28,"
                " ended_ms = ?29, ended_why = ?30, boot_id = ?31, sum = ?32 WHERE id = ?1",
                &rec_vm, &new, e);
    if (r == -EEXIST)
        return err_set(e, ERR_AREA_STORE, r, "%s is the tap of another VM", new.tap);
    return r;
}

int vmrec_set_wanted(struct db *db, const uint64_t *ids, size_t n, bool wanted, struct err *e)
{
    struct vm_rec vm;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        r = vmrec_get(db, ids[i], &vm, e);
        if (r == 0 && vm.wanted != wanted) {
            vm.wanted = wanted;
            r = vmrec_update(db, &vm, e);
        }
    }
    return r;
}

int vmrec_set_phase(struct db *db, const uint64_t *ids, size_t n, enum vm_phase phase,
                    uint64_t ticket, struct err *e)
{
    struct vm_rec vm;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        r = vmrec_get(db, ids[i], &vm, e);
        if (r < 0)
            break;
        if (vm.phase == VM_PHASE_DELETING && phase != VM_PHASE_DELETING)
            return err_set(e, ERR_AREA_STORE, -EBUSY, "%s is being deleted by ticket %llu", vm.name,
                           (unsigned long long)vm.ticket);
        vm.phase = (uint8_t)phase;
        vm.ticket = phase == VM_PHASE_WHOLE ? 0 : ticket;
        if (phase == VM_PHASE_DELETING)
            vm.wanted = 0;
        r = vmrec_update(db, &vm, e);
    }
    return r;
}

int vmrec_delete(struct db *db, const uint64_t *ids, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        int r = db_run_u64(db,
                           "DELETE FROM names WHERE kind = 'vm' AND"
                           " name = (SELECT name FROM vms WHERE id = ?1)",
                           ids[i], e);
        if (r >= 0) /* its addresses go with it */
            r = db_run_u64(db, "DELETE FROM vms WHERE id = ?1", ids[i], e);
        if (r < 0)
            return r;
    }
    return 0;
}

int vmrec_whose(struct db *db, const struct addr *a, char ret[static 32], struct err *e)
{
    sqlite3_stmt *s;
    char text[ADDR_TEXT];
    int r = db_prepare(db,
                       "SELECT v.name FROM addresses a JOIN vms v ON v.id = a.vm"
                       " WHERE a.addr = ?1",
                       &s, e);

    ret[0] = '\0';
    if (r < 0)
        return r;
    db_bind_text(s, 1, addr_format(a, false, text));
    r = db_step(db, s, e);
    if (r == 1)
        (void)snprintf(ret, 32, "%s", (const char *)sqlite3_column_text(s, 0));
    db_reset(s);
    return r < 0 ? r : 0;
}

int vmrec_pool(struct db *db, uint32_t *ret_used, uint32_t *ret_total, struct err *e)
{
    struct settings set;
    struct ippool *pool;
    int r = settings_get(db, &set, e);

    if (r == 0)
        r = ippool_new(db, set.node, set.node_name, &pool, e);
    if (r < 0)
        return r;
    ippool_count(pool, ret_used, ret_total);
    ippool_free(pool);
    return 0;
}
