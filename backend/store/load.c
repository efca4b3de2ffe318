/*
 * The start's one reading. Store thread. Beside each record's checksum it looks for records that
 * contradict each other: an address that does not follow from its VM, or that the list of addresses
 * gives to somebody else. Nothing is repaired here.
 */
#include "backend/store/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/text.h"
#include "backend/store/db.h"

static void note(struct load *l, const char *kind, const char *name)
{
    size_t len = strlen(l->damage);

    if (l->damaged++ < 4)
        (void)str_add(l->damage, sizeof l->damage, &len, "%s%s %s", len ? ", " : "", kind, name);
}

static bool vm_is_consistent(const struct settings *set, const struct vm_rec *vm)
{
    uint8_t mac[6];
    struct addr ip6 = addr_guest_ip6(&set->fleet_prefix, (uint16_t)vm->home_node,
                                     (uint32_t)vm->network_id, (uint32_t)vm->id);

    return vm->id >= ADDR_FIRST_MACHINE && vm->id <= VMREC_ID_MAX && text_name_is_valid(vm->name) &&
           vm->phase < VM_PHASE_COUNT && addr_compare(&ip6, &vm->ip6) == 0 &&
           addr_mac_for_id(vm->id, mac) == 0 && memcmp(mac, vm->mac, sizeof mac) == 0;
}

/* Addresses of blocks that are not this node's: the list of blocks is wrong, or they are. */
static void check_blocks(struct load *l)
{
    bool ours[256] = {false};

    for (size_t i = 0; i < l->n_blocks; i++)
        ours[l->blocks[i]] = true;
    bool wrong = l->n_blocks == 0;
    for (size_t i = 0; i < l->n_vms && !wrong; i++)
        wrong = l->vms[i].home_node == l->settings.node && addr_is_set(&l->vms[i].ip4) &&
                !ours[l->vms[i].ip4.bytes[2]];
    if (wrong)
        note(l, "the list of", "IPv4 blocks");
}

static int check_addresses(struct db *db, struct load *l, struct err *e)
{
    uint64_t wrong = 0;
    int r = db_get_u64(db,
                       "SELECT count(*) FROM vms v WHERE ?1 = 0 AND (NOT EXISTS (SELECT 1 FROM"
                       " addresses a WHERE a.addr = v.ip6 AND a.vm = v.id) OR (v.ip4 <> '' AND"
                       " NOT EXISTS (SELECT 1 FROM addresses a WHERE a.addr = v.ip4 AND"
                       " a.vm = v.id)) OR NOT EXISTS (SELECT 1 FROM names n WHERE"
                       " n.name = v.name AND n.kind = 'vm' AND n.id = v.id))",
                       0, &wrong, e);

    if (r == 0 && wrong)
        note(l, "names or addresses of some", "VMs");
    return r;
}

static int check(struct db *db, struct load *l, struct err *e)
{
    if (l->settings.damaged)
        note(l, "the", "settings");
    for (size_t i = 0; i < l->n_nets; i++)
        if (l->nets[i].damaged)
            note(l, "network", l->nets[i].name);
    for (size_t i = 0; i < l->n_vms; i++) {
        if (!vm_is_consistent(&l->settings, &l->vms[i]))
            l->vms[i].damaged = 1;
        if (l->vms[i].damaged)
            note(l, "VM", l->vms[i].name);
    }
    for (size_t i = 0; i < l->n_peers; i++)
        if (l->peers[i].damaged)
            note(l, "peer", l->peers[i].name);
    for (size_t i = 0; i < l->n_tickets; i++)
        if (l->tickets[i].damaged)
            note(l, "ticket", l->tickets[i].command);
    check_blocks(l);
    return check_addresses(db, l, e);
}

static int read_all(struct db *db, size_t finished_tickets, size_t journal_rows, struct load *l,
                    struct err *e)
{
    int r = settings_get(db, &l->settings, e);

    if (r == -ENOENT) {
        err_clear(e);
        return 0;
    }
    l->initialised = r == 0;
    if (r == 0)
        r = settings_blocks(db, l->blocks, &l->n_blocks, e);
    if (r == 0)
        r = netrec_all(db, &l->nets, &l->n_nets, e);
    if (r == 0)
        r = vmrec_all(db, &l->vms, &l->n_vms, e);
    if (r == 0)
        r = peerrec_all(db, &l->peers, &l->n_peers, e);
    if (r == 0)
        r = ticketrec_all(db, finished_tickets, &l->tickets, &l->n_tickets, e);
    if (r == 0)
        r = journal_tail(db, NULL, journal_rows, &l->journal, &l->n_journal, e);
    if (r == 0)
        r = ackrec_all(db, &l->acks, &l->n_acks, e);
    if (r == 0 && (r = proberec_get(db, "kvm", &l->kvm, e)) == -ENOENT) {
        err_clear(e);
        r = 0;
    }
    return r == 0 ? check(db, l, e) : r;
}

int load_all(struct db *db, size_t finished_tickets, size_t journal_rows, struct load *ret,
             struct err *e)
{
    bool own_txn = !db_in_txn(db);

    memset(ret, 0, sizeof *ret);
    int r = own_txn ? db_exec(db, "BEGIN", e) : 0;
    if (r < 0)
        return r;
    r = read_all(db, finished_tickets, journal_rows, ret, e);
    if (own_txn)
        (void)db_exec(db, "ROLLBACK", NULL); /* nothing was written */
    if (r < 0)
        load_done(ret);
    return r;
}

void load_done(struct load *l)
{
    free(l->nets);
    free(l->vms);
    free(l->peers);
    ticketrec_free_all(l->tickets, l->n_tickets);
    free(l->journal);
    free(l->acks);
    memset(l, 0, sizeof *l);
}
