/* Records, allocation rules, the journal's bound, what is read at start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>

#include "backend/model/text.h"
#include "backend/store/db.h"
#include "backend/store/load.h"
#include "backend/store/rec.h"
#include "tests/support/tmpdir.h"

struct fixture {
    char *dir;
    struct db *db;
};

static void must(int r, const struct err *e)
{
    if (r < 0)
        fail_msg("%d: %s", r, e->text);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct settings s = {.node_name = "ams1"};
    struct err e = {0};

    f->dir = tmpdir_new();
    must(db_open(f->dir, DB_HOW_CREATE, &f->db, &e), &e);
    must(db_begin(f->db, &e), &e);
    must(db_end(f->db, settings_init(f->db, &s, &e), &e), &e);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    db_close(f->db);
    tmpdir_remove(f->dir);
    free(f);
    return 0;
}

static struct vm_rec vm_named(const char *name)
{
    struct vm_rec vm = {.network_id = NETREC_MESH_ID,
                        .vcpus = 1,
                        .memory_mib = 256,
                        .disk_gib = 10,
                        .wanted = 1,
                        .ticket = 7};

    (void)str_copy(vm.name, sizeof vm.name, name);
    (void)str_copy(vm.image, sizeof vm.image, "builtin");
    return vm;
}

static int make(struct db *db, struct vm_rec *vms, size_t n, struct err *e)
{
    int r = db_begin(db, e);

    return r < 0 ? r : db_end(db, vmrec_create(db, vms, n, NULL, e), e);
}

static struct vm_rec made(struct db *db, const char *name)
{
    struct err e = {0};
    struct vm_rec vm = vm_named(name);

    must(make(db, &vm, 1, &e), &e);
    return vm;
}

static void drop(struct db *db, uint64_t id)
{
    struct err e = {0};

    must(db_begin(db, &e), &e);
    must(db_end(db, vmrec_delete(db, &id, 1, &e), &e), &e);
}

static const char *text_of(struct addr a)
{
    static char buf[ADDR_TEXT];

    return addr_format(&a, false, buf);
}

static void settings_are_made_once(void **state)
{
    struct fixture *f = *state;
    struct settings s, again = {.node_name = "fra2"};
    uint8_t blocks[SETTINGS_BLOCKS_MAX];
    size_t n;
    struct err e = {0};

    must(settings_get(f->db, &s, &e), &e);
    assert_string_equal(s.fleet, "lab");
    assert_int_equal(s.node, 1);
    assert_int_equal(s.damaged, 0);
    assert_int_equal(s.fleet_prefix.bytes[0], 0xfd);
    assert_int_equal(s.fleet_prefix.prefix_len, 48);
    must(settings_blocks(f->db, blocks, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_int_equal(blocks[0], 0);
    must(db_begin(f->db, &e), &e);
    assert_int_equal(db_end(f->db, settings_init(f->db, &again, &e), &e), -EEXIST);
    s.production = 1;
    struct addr prefix = s.fleet_prefix;
    s.fleet_prefix.bytes[3] ^= 1; /* may not change any more */
    must(settings_put(f->db, &s, &e), &e);
    must(settings_get(f->db, &s, &e), &e);
    assert_int_equal(s.production, 1);
    assert_int_equal(addr_compare(&prefix, &s.fleet_prefix), 0);
}

static void addresses_lowest_first_and_ids_not_again(void **state)
{
    struct fixture *f = *state;
    struct vm_rec a = made(f->db, "web1"), b = made(f->db, "web2"), c;

    assert_string_equal(text_of(a.ip4), "10.210.0.2");
    assert_string_equal(text_of(b.ip4), "10.210.0.3");
    assert_int_equal(a.id, ADDR_FIRST_MACHINE);
    assert_int_equal(b.id, ADDR_FIRST_MACHINE + 1);
    assert_int_equal(a.ip6.bytes[15], 0x10);
    assert_int_equal(a.mac[5], 0x10);
    assert_string_equal(a.tap, "tap0");
    assert_string_equal(b.tap, "tap1");
    assert_true(a.uid != b.uid);
    assert_int_equal(a.phase, VM_PHASE_CREATING);
    drop(f->db, a.id);
    c = made(f->db, "web1"); /* its name and addresses were released, its number was not */
    assert_string_equal(text_of(c.ip4), "10.210.0.2");
    assert_int_equal(c.id, ADDR_FIRST_MACHINE + 2);
    assert_string_equal(c.tap, "tap0");
}

static void each_refusal_is_its_own(void **state)
{
    struct fixture *f = *state;
    struct vm_rec first = made(f->db, "web1");
    static const struct {
        const char *name, *ip;
        uint64_t net;
        int code;
        const char *text;
    } cases[] = {
        {"web1", NULL, 2, VMREC_NAME_TAKEN, "web1 exists on ams1; web2 is free."},
        {"ams1", NULL, 2, VMREC_NAME_COLLIDES, "ams1 is the name of a node; ams2 is free."},
        {"Web", NULL, 2, VMREC_NAME_BAD, "Small letters, digits and - only, a letter first."},
        {"", NULL, 2, VMREC_NAME_BAD, "Small letters, digits and - only, a letter first."},
        {"x'; DROP TABLE vms; --", NULL, 2, VMREC_NAME_BAD,
         "Small letters, digits and - only, a letter first."},
        {"web2", "10.210.0.2", 2, VMREC_ADDR_TAKEN, "10.210.0.2 is web1's."},
        {"web2", "10.210.0.1", 2, VMREC_ADDR_TAKEN, "10.210.0.1 is ams1's own."},
        {"web2", "10.210.0.255", 2, VMREC_ADDR_OUTSIDE,
         "10.210.0.255 is no guest's: .2 to .254 are."},
        {"web2", "10.210.1.9", 2, VMREC_ADDR_OUTSIDE, "Not in 10.210.0.0/24, the range of ams1."},
        {"web2", "10.210.255.53", 2, VMREC_ADDR_OUTSIDE,
         "Not in 10.210.0.0/24, the range of ams1."},
        {"web2", "192.0.2.1", 2, VMREC_ADDR_OUTSIDE, "Not in 10.210.0.0/24, the range of ams1."},
        {"web2", NULL, 99, VMREC_NO_NETWORK, "there is no network with the id 99"},
    };
    (void)first;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct vm_rec vm = vm_named(cases[i].name);
        struct err e = {0};
        vm.network_id = cases[i].net;
        if (cases[i].ip)
            assert_int_equal(addr_parse(cases[i].ip, true, &vm.ip4, NULL), 0);
        assert_int_equal(make(f->db, &vm, 1, &e), cases[i].code);
        assert_string_equal(e.text, cases[i].text);
    }
    struct vm_rec all[2] = {vm_named("new1"), vm_named("web1")}; /* all or none */
    struct err e = {0};
    assert_int_equal(make(f->db, all, 2, &e), VMREC_NAME_TAKEN);
    assert_int_equal(vmrec_find(f->db, "new1", &all[0], &e), -ENOENT);
    struct vm_rec ok = vm_named("web2");
    assert_int_equal(addr_parse("10.210.0.9", true, &ok.ip4, NULL), 0);
    must(make(f->db, &ok, 1, &e), &e);
    assert_string_equal(text_of(ok.ip4), "10.210.0.9");
}

static void blocks_are_claimed_and_run_out(void **state)
{
    struct fixture *f = *state;
    enum { N = 254 };
    struct vm_rec *vms = calloc(N, sizeof *vms);
    struct err e = {0};
    uint32_t used, total;

    for (int b = 2; b < 255; b++) { /* all but 0 and 1 are another node's */
        char sql[96];
        (void)snprintf(sql, sizeof sql, "INSERT INTO blocks VALUES (%d, 2, 0)", b);
        must(db_exec(f->db, sql, &e), &e);
    }
    for (int i = 0; i < N; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "vm%d", i + 1);
        vms[i] = vm_named(name);
    }
    must(make(f->db, vms, N, &e), &e);
    assert_string_equal(text_of(vms[252].ip4), "10.210.0.254");
    assert_string_equal(text_of(vms[253].ip4), "10.210.1.2"); /* the next block */
    must(vmrec_pool(f->db, &used, &total, &e), &e);
    assert_int_equal(used, 254);
    assert_int_equal(total, 506);
    for (int i = 0; i < 252; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "x%d", i + 1);
        vms[i] = vm_named(name);
    }
    must(make(f->db, vms, 252, &e), &e);
    struct vm_rec more = vm_named("more");
    assert_int_equal(make(f->db, &more, 1, &e), VMREC_POOL_FULL);
    assert_string_equal(e.text, "mesh is full, 506 of 506: choose another.");
    free(vms);
}

static void a_try_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct vm_rec vm = vm_named("web1"), back;
    struct err e = {0};

    must(vmrec_try(f->db, &vm, 1, NULL, &e), &e);
    assert_string_equal(text_of(vm.ip4), "10.210.0.2");
    assert_int_equal(vmrec_find(f->db, "web1", &back, &e), -ENOENT);
    assert_int_equal(made(f->db, "web1").id, vm.id);
}

static void taps_of_others_are_skipped(void **state)
{
    struct fixture *f = *state;
    static const char *const taken[] = {"tap0", "tap2", "eth0", "tapx"};
    const struct vmrec_taken t = {.taps = taken, .n_taps = ARRAY_LEN(taken)};
    struct vm_rec vms[2] = {vm_named("a"), vm_named("b")};
    struct err e = {0};

    must(db_begin(f->db, &e), &e);
    must(db_end(f->db, vmrec_create(f->db, vms, 2, &t, &e), &e), &e);
    assert_string_equal(vms[0].tap, "tap1");
    assert_string_equal(vms[1].tap, "tap3");
}

static void phases_and_updates(void **state)
{
    struct fixture *f = *state;
    struct vm_rec vm = made(f->db, "web1"), back;
    struct err e = {0};

    must(vmrec_set_phase(f->db, &vm.id, 1, VM_PHASE_WHOLE, 7, &e), &e);
    must(vmrec_get(f->db, vm.id, &back, &e), &e);
    assert_int_equal(back.phase, VM_PHASE_WHOLE);
    assert_int_equal(back.ticket, 0);
    back.memory_mib = 512;
    (void)str_copy(back.name, sizeof back.name, "other"); /* cannot be changed here */
    back.ip4 = addr_ip4(1, 32);
    (void)str_copy(back.ended_why, sizeof back.ended_why, "guest \033[31mpanic\n");
    must(vmrec_update(f->db, &back, &e), &e);
    must(vmrec_get(f->db, vm.id, &back, &e), &e);
    assert_int_equal(back.memory_mib, 512);
    assert_string_equal(back.name, "web1");
    assert_string_equal(text_of(back.ip4), "10.210.0.2");
    assert_string_equal(back.ended_why, "guest ?[31mpanic?");
    assert_int_equal(back.damaged, 0);
    must(vmrec_set_phase(f->db, &vm.id, 1, VM_PHASE_DELETING, 9, &e), &e);
    must(vmrec_get(f->db, vm.id, &back, &e), &e);
    assert_int_equal(back.wanted, 0);
    assert_int_equal(vmrec_set_phase(f->db, &vm.id, 1, VM_PHASE_WHOLE, 9, &e), -EBUSY);
    drop(f->db, vm.id);
    drop(f->db, vm.id); /* again is fine */
    char name[32];
    must(vmrec_free_name(f->db, "web", name, &e), &e);
    assert_string_equal(name, "web1");
}

static struct peer_rec peer(const char *name, uint8_t key, const char *prefix)
{
    struct peer_rec p = {.keepalive_s = 25, .expected_always = 1};

    (void)str_copy(p.name, sizeof p.name, name);
    memset(p.public_key, key, sizeof p.public_key);
    if (prefix)
        assert_int_equal(addr_parse(prefix, true, &p.prefixes[p.n_prefixes++], NULL), 0);
    return p;
}

static void peers_do_not_overlap(void **state)
{
    struct fixture *f = *state;
    struct peer_rec p = peer("fra2", 1, "10.210.1.0/24"), *all;
    struct err e = {0};
    size_t n;
    static const struct {
        const char *name;
        uint8_t key;
        const char *prefix;
        int code;
        const char *text;
    } cases[] = {
        {"fra2", 2, "10.210.2.0/24", -EEXIST, "There is a peer fra2 already."},
        {"par4", 1, "10.210.2.0/24", -ENOTUNIQ, "That key is fra2's."},
        {"par4", 2, "10.210.1.7/32", -EADDRINUSE,
         "10.210.1.7/32 overlaps 10.210.1.0/24, which is fra2's."},
        {"par4", 2, "10.210.0.0/24", -EADDRINUSE,
         "10.210.0.0/24 overlaps 10.210.0.0/24, which is ams1."},
        {"par4", 2, "10.210.255.53/32", -EADDRINUSE,
         "10.210.255.53/32 overlaps 10.210.255.0/24, which is the fleet's own."},
        {"Par", 2, "10.210.2.0/24", -EINVAL, "Small letters, digits and - only, a letter first."},
        {"par4", 0, "10.210.2.0/24", -EINVAL, "A peer needs its public key."},
    };

    p.endpoint.port = 51820;
    assert_int_equal(addr_parse("2001:db8::1", true, &p.endpoint.addr, NULL), 0);
    must(peerrec_add(f->db, &p, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct peer_rec q = peer(cases[i].name, cases[i].key, cases[i].prefix);
        assert_int_equal(peerrec_add(f->db, &q, &e), cases[i].code);
        assert_string_equal(e.text, cases[i].text);
    }
    struct peer_rec out = peer("exit", 3, "0.0.0.0/0"); /* everything else: longer prefixes win */
    must(peerrec_add(f->db, &out, &e), &e);
    must(peerrec_all(f->db, &all, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_int_equal(all[1].damaged, 0);
    assert_int_equal(all[1].endpoint.port, 51820);
    assert_int_equal(all[1].n_prefixes, 1);
    free(all);
    p.removing = 1;
    must(peerrec_update(f->db, &p, &e), &e);
    must(peerrec_remove(f->db, p.id, &e), &e);
    assert_int_equal(peerrec_remove(f->db, p.id, &e), -ENOENT);
}

static void tickets_last_and_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct ticket_rec t = {.verb = "vm.create",
                           .command = "create web1",
                           .state = TICKET_RUNNING,
                           .steps = 8,
                           .by = "ops1"},
                      back, *all;
    struct ticket_step_rec steps[2] = {{.n = 1,
                                        .name = "name and addresses",
                                        .state = TICKET_STEP_DONE},
                                       {.n = 2, .name = "disk"}},
                           got[4];
    struct err e = {0};
    uint64_t open_id;
    size_t n;

    t.args = (char *)(uintptr_t) "{\"name\":\"web1\"}";
    must(ticketrec_add(f->db, &t, &e), &e);
    open_id = t.id;
    must(ticketrec_put_steps(f->db, t.id, steps, 2, &e), &e);
    steps[1].state = TICKET_STEP_FAILED;
    must(ticketrec_put_steps(f->db, t.id, &steps[1], 1, &e), &e);
    must(ticketrec_steps(f->db, t.id, got, 4, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_int_equal(got[1].state, TICKET_STEP_FAILED);
    must(ticketrec_get(f->db, t.id, &back, &e), &e);
    assert_string_equal(back.args, "{\"name\":\"web1\"}");
    assert_int_equal(back.damaged, 0);
    back.state = TICKET_RUNNING;
    back.step = 2;
    must(ticketrec_update(f->db, &back, &e), &e);
    ticketrec_done(&back);
    must(db_begin(f->db, &e), &e);
    for (int i = 0; i < TICKETREC_KEEP + 20; i++) {
        struct ticket_rec done = {.verb = "vm.stop", .state = TICKET_DONE};
        must(ticketrec_add(f->db, &done, &e), &e);
    }
    must(db_end(f->db, 0, &e), &e);
    must(ticketrec_all(f->db, 10000, &all, &n, &e), &e);
    assert_int_equal(n, TICKETREC_KEEP + 1);
    assert_int_equal(all[0].id, open_id); /* one that has not ended stays */
    assert_int_equal(all[0].step, 2);
    ticketrec_free_all(all, n);
    must(ticketrec_all(f->db, 5, &all, &n, &e), &e);
    assert_int_equal(n, 6);
    ticketrec_free_all(all, n);
}

static void the_journal_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct journal_rec j, *tail;
    struct err e = {0};
    size_t n;
    uint64_t rows = 0;

    must(db_begin(f->db, &e), &e);
    for (int i = 0; i < JOURNAL_MAX + 50; i++) {
        memset(&j, 0, sizeof j);
        (void)snprintf(j.object, sizeof j.object, "vm web%d", i % 2);
        (void)snprintf(j.what, sizeof j.what, "\033]0;x\007 %d", i);
        must(journal_add(f->db, &j, 1, &e), &e);
    }
    must(db_end(f->db, 0, &e), &e);
    must(db_get_u64(f->db, "SELECT count(*) FROM journal WHERE ?1 = 0", 0, &rows, &e), &e);
    assert_int_equal(rows, JOURNAL_MAX);
    must(journal_tail(f->db, "vm web1", 3, &tail, &n, &e), &e);
    assert_int_equal(n, 3);
    assert_true(tail[0].id < tail[2].id);
    assert_string_equal(tail[2].what, "?]0;x? 20049");
    free(tail);
    assert_int_equal(journal_get(f->db, 1, &j, &e), -ENOENT);
    must(journal_get(f->db, JOURNAL_MAX + 50, &j, &e), &e);
}

static void everything_is_read_at_once(void **state)
{
    struct fixture *f = *state;
    enum { N = 1000 };
    struct vm_rec *vms = calloc(N, sizeof *vms);
    struct probe_rec probe = {.kind = "kvm", .result = "no", .why = "no vmx flag"};
    struct ack_rec ack = {.key = "peer:fra2:down", .who = "ops1", .level = 1, .vms = 2};
    struct err e = {0};
    struct load l;

    for (int i = 0; i < N; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "vm%d", i + 1);
        vms[i] = vm_named(name);
    }
    must(make(f->db, vms, N, &e), &e);
    must(proberec_put(f->db, &probe, &e), &e);
    must(ackrec_put(f->db, &ack, &e), &e);
    must(load_all(f->db, 100, 100, &l, &e), &e);
    assert_true(l.initialised);
    assert_int_equal(l.n_vms, N);
    assert_int_equal(l.n_nets, 1);
    assert_int_equal(l.n_blocks, 4);
    assert_int_equal(l.n_acks, 1);
    assert_string_equal(l.kvm.why, "no vmx flag");
    assert_int_equal(l.damaged, 0);
    load_done(&l);
    must(db_exec(f->db, "UPDATE vms SET memory_mib = 999 WHERE name = 'vm7'", &e), &e);
    must(db_exec(f->db, "DELETE FROM addresses WHERE addr = '10.210.0.2'", &e), &e);
    must(load_all(f->db, 100, 100, &l, &e), &e);
    assert_int_equal(l.damaged, 2); /* changed behind our back: seen */
    assert_string_equal(l.damage, "VM vm7, names or addresses of some VMs");
    for (size_t i = 0; i < l.n_vms; i++)
        if (strcmp(l.vms[i].name, "vm7") == 0) {
            assert_int_equal(l.vms[i].damaged, 1);
            l.vms[i].damaged = 0; /* the operator's word */
            must(vmrec_update(f->db, &l.vms[i], &e), &e);
        }
    load_done(&l);
    must(load_all(f->db, 100, 100, &l, &e), &e);
    assert_int_equal(l.damaged, 1);
    load_done(&l);
    free(vms);
}

/* The tables of columns and the SQL say the same. */
static void columns_match_the_schema(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const struct rec_type *t;
        const char *sql;
    } all[] = {
        {&rec_vm, "SELECT " REC_VM_COLUMNS " FROM vms"},
        {&rec_settings, "SELECT * FROM settings"},
        {&rec_network, "SELECT * FROM networks"},
        {&rec_peer, "SELECT * FROM peers"},
        {&rec_ticket, "SELECT * FROM tickets"},
        {&rec_journal, "SELECT * FROM journal"},
        {&rec_probe, "SELECT * FROM probes"},
        {&rec_ack, "SELECT * FROM acks"},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct err e = {0};
        sqlite3_stmt *s;
        must(db_prepare(f->db, all[i].sql, &s, &e), &e);
        int at = all[i].t == &rec_settings ? 1 : 0; /* its id is always 1 */
        for (int c = 0; c < all[i].t->n_cols; c++)
            assert_string_equal(sqlite3_column_name(s, at + c), all[i].t->cols[c].name);
        if (all[i].t->damaged >= 0)
            assert_string_equal(sqlite3_column_name(s, at + all[i].t->n_cols), "sum");
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(columns_match_the_schema),
        T(settings_are_made_once),
        T(addresses_lowest_first_and_ids_not_again),
        T(each_refusal_is_its_own),
        T(blocks_are_claimed_and_run_out),
        T(a_try_leaves_nothing),
        T(taps_of_others_are_skipped),
        T(phases_and_updates),
        T(peers_do_not_overlap),
        T(tickets_last_and_are_bounded),
        T(the_journal_is_bounded),
        T(everything_is_read_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
