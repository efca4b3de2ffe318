/*
 * Making VM records: name, id, addresses, MAC, tap and uid are taken in one transaction, all or
 * none. Store thread. An id or an address that has a row is never given out, whatever a counter
 * says.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/clock.h"
#include "backend/model/text.h"
#include "backend/store/db.h"
#include "backend/store/ippool.h"
#include "backend/store/netrec.h"
#include "backend/store/rec.h"
#include "backend/store/settings.h"
#include "backend/store/vmrec.h"

enum { TAPS_MAX = 1 << 17 };

/* What one call of vmrec_create reads once. */
struct make {
    struct db *db_b;
    struct settings set;
    struct ippool *pool;
    struct net_rec net; /* the last one used */
    uint64_t next_id;
    uint8_t *taps; /* a bit a number, set: taken */
    unsigned next_tap;
};

static int exists(struct db *db, const char *sql, uint64_t value, bool *ret, struct err *e)
{
    uint64_t one = 0;
    int r = db_get_u64(db, sql, value, &one, e);

    *ret = one != 0;
    return r;
}

/* "vm", "node", "service" or "" into kind. */
static int name_kind(struct db *db, const char *name, char kind[static 16], struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "SELECT kind FROM names WHERE name = ?1", &s, e);

    kind[0] = '\0';
    if (r < 0)
        return r;
    db_bind_text(s, 1, name);
    r = db_step(db, s, e);
    if (r == 1)
        (void)snprintf(kind, 16, "%s", (const char *)sqlite3_column_text(s, 0));
    db_reset(s);
    return r < 0 ? r : 0;
}

int vmrec_free_name(struct db *db, const char *stem, char ret[static 32], struct err *e)
{
    char kind[16];

    for (unsigned n = 1; n <= 100000; n++) {
        int len = snprintf(ret, 32, "%.24s%u", stem, n);
        if (len < 0 || len > 31 || !text_name_is_valid(ret))
            break;
        int r = name_kind(db, ret, kind, e);
        if (r < 0 || !kind[0])
            return r;
    }
    ret[0] = '\0';
    return err_set(e, ERR_AREA_STORE, -EEXIST, "no free name begins with %.24s", stem);
}

static int check_name(struct make *m, const char *name, struct err *e)
{
    char kind[16], stem[32], other[32];
    struct vm_rec vm;

    if (!text_name_is_valid(name))
        return err_set(e, ERR_AREA_INPUT, VMREC_NAME_BAD,
                       "Small letters, digits and - only, a letter first.");
    int r = name_kind(m->db_b, name, kind, e);
    if (r < 0 || !kind[0])
        return r;
    (void)str_copy(stem, sizeof stem, name);
    for (size_t n = strlen(stem); n > 1 && stem[n - 1] >= '0' && stem[n - 1] <= '9'; n--)
        stem[n - 1] = '\0';
    if (vmrec_free_name(m->db_b, stem, other, NULL) < 0)
        other[0] = '\0';
    if (strcmp(kind, "vm") != 0)
        return err_set(e, ERR_AREA_INPUT, VMREC_NAME_COLLIDES, "%s is the name of a %s%s%s%s", name,
                       kind, other[0] ? "; " : ".", other, other[0] ? " is free." : "");
    r = vmrec_find(m->db_b, name, &vm, NULL);
    char where[32] = "this node";
    if (r == 0 && vm.node == m->set.node)
        (void)str_copy(where, sizeof where, m->set.node_name);
    else if (r == 0)
        (void)snprintf(where, sizeof where, "node %u", vm.node);
    return err_set(e, ERR_AREA_INPUT, VMREC_NAME_TAKEN, "%s exists on %s%s%s%s", name, where,
                   other[0] ? "; " : ".", other, other[0] ? " is free." : "");
}

static int take_id(struct make *m, uint64_t *ret, struct err *e)
{
    for (uint32_t tries = 0; tries <= VMREC_ID_MAX; tries++) {
        bool used = false;
        if (m->next_id < ADDR_FIRST_MACHINE || m->next_id > VMREC_ID_MAX)
            m->next_id = ADDR_FIRST_MACHINE;
        uint64_t id = m->next_id++;
        int r = exists(m->db_b, "SELECT 1 FROM vms WHERE id = ?1", id, &used, e);
        if (r < 0)
            return r;
        if (!used) {
            *ret = id;
            return 0;
        }
    }
    return err_set(e, ERR_AREA_STORE, -EUSERS, "every machine number is in use");
}

static int take_uid(struct make *m, uint64_t id, uint32_t *ret, struct err *e)
{
    for (uint32_t i = 0; i < VMREC_UID_COUNT; i++) {
        uint32_t uid = VMREC_UID_BASE + (uint32_t)((id + i) % VMREC_UID_COUNT);
        bool used = false;
        int r = exists(m->db_b, "SELECT 1 FROM vms WHERE uid = ?1", uid, &used, e);
        if (r < 0)
            return r;
        if (!used) {
            *ret = uid;
            return 0;
        }
    }
    return err_set(e, ERR_AREA_STORE, -EUSERS, "all %d user ids for VMs are in use",
                   VMREC_UID_COUNT);
}

static void mark_tap(struct make *m, const char *name)
{
    char *end;

    if (strncmp(name, "tap", 3) != 0 || name[3] < '0' || name[3] > '9')
        return;
    unsigned long n = strtoul(name + 3, &end, 10);
    if (*end == '\0' && n < TAPS_MAX)
        m->taps[n / 8] = (uint8_t)(m->taps[n / 8] | 1u << (n % 8));
}

static int take_tap(struct make *m, char ret[static 16], struct err *e)
{
    while (m->next_tap < TAPS_MAX && (m->taps[m->next_tap / 8] >> (m->next_tap % 8) & 1))
        m->next_tap++;
    if (m->next_tap == TAPS_MAX)
        return err_set(e, ERR_AREA_STORE, -EUSERS, "all tap names up to tap%d are taken",
                       TAPS_MAX - 1);
    (void)snprintf(ret, 16, "tap%u", m->next_tap++);
    return 0;
}

static int read_taps(struct make *m, const struct vmrec_taken *taken, struct err *e)
{
    sqlite3_stmt *s;

    m->taps = calloc(1, TAPS_MAX / 8);
    if (!m->taps)
        return err_set(e, ERR_AREA_STORE, -ENOMEM, "no memory for tap names");
    for (size_t i = 0; taken && i < taken->n_taps; i++)
        mark_tap(m, taken->taps[i]);
    int r = db_prepare(m->db_b, "SELECT tap FROM vms WHERE tap <> ''", &s, e);
    if (r < 0)
        return r;
    while ((r = db_step(m->db_b, s, e)) == 1)
        mark_tap(m, (const char *)sqlite3_column_text(s, 0));
    db_reset(s);
    return r;
}

static int add_address(struct make *m, uint64_t vm, const struct addr *a, struct err *e)
{
    sqlite3_stmt *s;
    char text[ADDR_TEXT], who[32];
    int block, host;
    int r = db_prepare(m->db_b,
                       "INSERT INTO addresses (addr, vm, block, host)"
                       " VALUES (?1, ?2, ?3, ?4)",
                       &s, e);

    if (r < 0)
        return r;
    ippool_place(a, &block, &host);
    db_bind_text(s, 1, addr_format(a, false, text));
    db_bind_u64(s, 2, vm);
    db_bind_u64(s, 3, (uint64_t)(int64_t)block);
    db_bind_u64(s, 4, (uint64_t)(int64_t)host);
    r = db_step(m->db_b, s, e);
    db_reset(s);
    if (r == -EEXIST && vmrec_whose(m->db_b, a, who, NULL) == 0)
        return err_set(e, ERR_AREA_INPUT, VMREC_ADDR_TAKEN, "%s is %s's.", text, who);
    return r;
}

static int add_name(struct make *m, const struct vm_rec *vm, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(m->db_b, "INSERT INTO names (name, kind, id) VALUES (?1, 'vm', ?2)", &s, e);

    if (r < 0)
        return r;
    db_bind_text(s, 1, vm->name);
    db_bind_u64(s, 2, vm->id);
    r = db_step(m->db_b, s, e);
    db_reset(s);
    return r;
}

static int make_one(struct make *m, struct vm_rec *vm, struct err *e)
{
    int r = check_name(m, vm->name, e);

    if (r == 0 && m->net.id != vm->network_id)
        r = netrec_get(m->db_b, vm->network_id, &m->net, e);
    if (r == 0 && strcmp(m->net.shape, "mesh") != 0)
        r = err_set(e, ERR_AREA_INPUT, -ENOTSUP,
                    "network %s has the shape %s, which is not made yet", m->net.name,
                    m->net.shape);
    if (r == 0)
        r = take_id(m, &vm->id, e);
    if (r == 0)
        r = ippool_take(m->pool, &vm->ip4, m->net.name, &vm->ip4, e);
    if (r == 0)
        r = take_uid(m, vm->id, &vm->uid, e);
    if (r == 0 && !vm->tap[0])
        r = take_tap(m, vm->tap, e);
    if (r < 0)
        return r;
    vm->home_node = vm->node = m->set.node;
    vm->ip6 = addr_guest_ip6(&m->set.fleet_prefix, (uint16_t)m->set.node, (uint32_t)vm->network_id,
                             (uint32_t)vm->id);
    (void)addr_mac_for_id(vm->id, vm->mac); /* ids stay below its limit */
    vm->phase = VM_PHASE_CREATING;
    vm->damaged = 0;
    if (!vm->created_ms)
        vm->created_ms = now_ms();
    r = add_name(m, vm, e);
    if (r == 0)
        r = rec_run(m->db_b,
                    "INSERT INTO vms (" REC_VM_COLUMNS
                    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
                    " ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25,"
                    " ?26, ?27, ?28, ?29, ?30, ?31, ?32)",
                    &rec_vm, vm, e);
    if (r == -EEXIST)
        return err_set(e, ERR_AREA_INPUT, -EEXIST, "%s is the tap of another VM", vm->tap);
    if (r == 0)
        r = add_address(m, vm->id, &vm->ip6, e);
    return r == 0 ? add_address(m, vm->id, &vm->ip4, e) : r;
}

static int keep_counter(struct make *m, struct err *e)
{
    int r = db_run_u64(m->db_b,
                       "INSERT INTO counters (name, value) VALUES ('vm', ?1)"
                       " ON CONFLICT (name) DO UPDATE SET value = ?1",
                       m->next_id, e);

    return r < 0 ? r : 0;
}

int vmrec_create(struct db *db, struct vm_rec *vms, size_t n, const struct vmrec_taken *taken,
                 struct err *e)
{
    struct make m = {.db_b = db};
    int r = settings_get(db, &m.set, e);

    if (r == 0 && m.set.damaged)
        r = err_set(e, ERR_AREA_STORE, DB_CORRUPT,
                    "the fleet's settings are damaged: no address can "
                    "be given out");
    if (r == 0)
        r = ippool_new(db, m.set.node, m.set.node_name, &m.pool, e);
    if (r == 0)
        r = read_taps(&m, taken, e);
    if (r == 0)
        r = db_get_u64(db, "SELECT value FROM counters WHERE name = 'vm' AND ?1 = 0", 0, &m.next_id,
                       e);
    for (size_t i = 0; i < n && r == 0; i++)
        r = make_one(&m, &vms[i], e);
    if (r == 0 && n > 0)
        r = keep_counter(&m, e);
    ippool_free(m.pool);
    free(m.taps);
    return r;
}

int vmrec_try(struct db *db, struct vm_rec *vms, size_t n, const struct vmrec_taken *taken,
              struct err *e)
{
    int r = db_begin(db, e);

    if (r < 0)
        return r;
    r = vmrec_create(db, vms, n, taken, e);
    (void)db_end(db, -ECANCELED, NULL); /* always undone */
    return r;
}
