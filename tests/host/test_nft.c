#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "backend/host/nft_priv.h"
#include "backend/host/nft_text.h"
#include "tests/support/netns.h"
#include "tests/support/nfthost.h"

enum { LISTING = 4 * 1024 * 1024 };

static char *listing; /* of the last `list` */

/* What `nft` itself says; counts the occurrences of a word in it. */
static size_t list(const char *what, const char *word)
{
    size_t n = 0;

    assert_int_equal(run_io((const char *const[]){"nft", "list", what, NULL}, NULL, listing,
                            LISTING), 0);
    for (const char *at = listing; (at = strstr(at, word)) != NULL; at++) {
        n++;
    }
    return n;
}

static size_t elements_of(const char *family, const char *set)
{
    const char *const argv[] = {"nft", "-j", "list", "set", family, "meshdeck", set, NULL};
    size_t n = 0;

    assert_int_equal(run_io(argv, NULL, listing, LISTING), 0);
    for (const char *at = listing; (at = strstr(at, "\"tap")) != NULL; at++) {
        n += at[4] >= '0' && at[4] <= '9'; /* not the set's own name */
    }
    return n;
}

static int apply(struct nfthost *h, const struct nft_guest *add, size_t n_add,
                 const char (*del)[IFNAMSIZ], size_t n_del)
{
    struct err e = { 0 };
    int before = h->done, r = nft_apply(h->nft, add, n_add, del, n_del, nfthost_done, h, &e);

    if (r < 0) {
        print_message("nft_apply: %s\n", e.text);
    }
    if (r == 1) {
        assert_true(nfthost_wait(h, &h->done, before + 1));
        assert_int_equal(h->done_error.code, 0);
    }
    return r;
}

static int setup(void **state)
{
    static struct nfthost h;

    run_ok("nft", "flush", "ruleset");
    nfthost_open(&h, 65534);
    *state = &h;
    return 0;
}

static int teardown(void **state)
{
    nfthost_close(*state);
    return 0;
}

static void builds_and_leaves_others_alone(void **state)
{
    struct nfthost *h = *state;
    struct nft_guest g = nfthost_guest(0);

    run_ok("nft", "add table inet other; add chain inet other c "
                  "{ type filter hook forward priority 0; }; add rule inet other c drop");
    run_ok("nft", "add table ip filter");
    nfthost_rebuild(h, &g, 1);
    nfthost_rebuild(h, &g, 1);
    assert_true(nft_is_whole(h->nft));
    assert_int_equal(list("ruleset", "table "), 5);
    assert_non_null(strstr(listing, "\"tap0\" . 02:5e:ed:00:00:01 . 10.210.0.2"));
    assert_non_null(strstr(listing, "chain c {\n\t\ttype filter hook forward priority filter; "
                                    "policy accept;\n\t\tdrop\n"));
    assert_int_equal(h->changed, 0); /* our own changes are not somebody's */
    assert_int_equal(nft_remove(h->nft, nfthost_done, h, NULL), 0);
    assert_true(nfthost_wait(h, &h->done, 3));
    assert_int_equal(list("ruleset", "table "), 2);
    assert_int_equal(list("ruleset", "meshdeck"), 0);
    assert_int_equal(h->changed, 0);
}

static void guests_come_and_go_in_batches(void **state)
{
    enum { MANY = 1000 };
    struct nfthost *h = *state;
    static struct nft_guest guests[MANY];
    static char names[MANY][IFNAMSIZ];
    struct nft_guest one = nfthost_guest(MANY);

    for (unsigned k = 0; k < MANY; k++) {
        guests[k] = nfthost_guest(k);
        memcpy(names[k], guests[k].tap, IFNAMSIZ);
    }
    nfthost_rebuild(h, NULL, 0);
    assert_int_equal(apply(h, guests, MANY, NULL, 0), 0);
    assert_int_equal(elements_of("inet", "taps"), MANY);
    assert_int_equal(elements_of("inet", "from4"), MANY * 2);
    assert_int_equal(elements_of("inet", "from6"), MANY * 3);
    assert_int_equal(elements_of("inet", "na6"), MANY * 2);
    assert_int_equal(elements_of("inet", "to4"), MANY);
    assert_int_equal(elements_of("inet", "to6"), MANY);
    assert_int_equal(elements_of("arp", "taps"), MANY);
    assert_int_equal(elements_of("arp", "arp4"), MANY * 2);
    /* the same again, and one that is not there: nothing to do */
    assert_int_equal(apply(h, guests, MANY, NULL, 0), 0);
    assert_int_equal(apply(h, NULL, 0, (const char(*)[IFNAMSIZ])one.tap, 1), 0);
    assert_int_equal(apply(h, &one, 1, NULL, 0), 0);
    assert_int_equal(nft_guest_total(h->nft), MANY + 1);
    assert_int_equal(elements_of("inet", "to4"), MANY + 1);
    assert_int_equal(apply(h, NULL, 0, (const char(*)[IFNAMSIZ])names, MANY), 0);
    assert_int_equal(elements_of("inet", "from6"), 3);
    assert_int_equal(elements_of("arp", "arp4"), 2);
    assert_int_equal(h->changed, 0);
    /* a rebuild from the roster has the same in it */
    nfthost_rebuild(h, guests, MANY);
    assert_int_equal(elements_of("inet", "from6"), MANY * 3);
    assert_int_equal(h->changed, 0);
}

static void a_taps_next_guest_replaces_the_last(void **state)
{
    struct nfthost *h = *state;
    struct nft_guest a = nfthost_guest(0), b = nfthost_guest(7);

    memcpy(b.tap, a.tap, sizeof(b.tap));
    nfthost_rebuild(h, &a, 1);
    assert_int_equal(apply(h, &b, 1, NULL, 0), 0);
    assert_int_equal(elements_of("inet", "from4"), 2);
    assert_non_null(strstr(listing, "10.210.0.9"));
    assert_null(strstr(listing, "10.210.0.2"));
    /* out and in again within one batch */
    assert_int_equal(apply(h, &b, 1, (const char(*)[IFNAMSIZ])b.tap, 1), 0);
    assert_int_equal(elements_of("inet", "from4"), 2);
}

static void refuses_what_could_be_syntax(void **state)
{
    struct nfthost *h = *state;
    struct nft_guest g = nfthost_guest(0);
    struct err e = { 0 };

    nfthost_rebuild(h, NULL, 0);
    memcpy(g.tap, "t\" } drop #", 12);
    assert_int_equal(nft_apply(h->nft, &g, 1, NULL, 0, NULL, NULL, &e), -EINVAL);
    g = nfthost_guest(0);
    g.mac[0] = 1;
    assert_int_equal(nft_apply(h->nft, &g, 1, NULL, 0, NULL, NULL, &e), -EINVAL);
    g = nfthost_guest(0);
    g.ip4.prefix_len = 0;
    assert_int_equal(nft_apply(h->nft, &g, 1, NULL, 0, NULL, NULL, &e), -EINVAL);
    assert_int_equal(nft_guest_total(h->nft), 0);
}

/* Runs nft against our back, then waits for the news and the repair. */
static void vandalise(struct nfthost *h, const char *command, const char *what)
{
    int changed = h->changed, rebuilt = h->rebuilt;

    run_ok("nft", command);
    assert_true(nfthost_wait(h, &h->changed, changed + 1));
    assert_string_equal(h->last_changed.who, "nft");
    assert_true(h->last_changed.pid > 0);
    assert_string_equal(h->last_changed.what, what);
    assert_true(nfthost_wait(h, &h->rebuilt, rebuilt + 1));
    assert_true(nft_is_whole(h->nft));
    assert_int_equal(elements_of("inet", "from4"), 4);
    assert_int_equal(elements_of("arp", "arp4"), 4);
    assert_int_equal(list("ruleset", "masquerade\n"), 2);
    assert_null(strstr(listing, "tap99"));
}

static void heals_what_others_do(void **state)
{
    struct nfthost *h = *state;
    struct nft_guest g[2] = { nfthost_guest(0), nfthost_guest(1) };

    nfthost_rebuild(h, g, 2);
    vandalise(h, "flush ruleset", "table inet meshdeck removed");
    vandalise(h, "delete table arp meshdeck", "table arp meshdeck removed");
    vandalise(h, "flush chain inet meshdeck leave", "4 rules of table inet meshdeck removed");
    vandalise(h, "add element inet meshdeck taps { tap99 }",
              "1 set element of table inet meshdeck added");
    vandalise(h, "insert rule inet meshdeck forward drop", "1 rule of table inet meshdeck added");
    int changed = h->changed;
    run_ok("nft", "add table inet stranger; add chain inet stranger meshdeck");
    (void)loop_until(&h->loop, (bool (*)(void *))nft_is_whole, h->nft, 1);
    uv_run(&h->loop, UV_RUN_NOWAIT);
    assert_int_equal(h->changed, changed);
}

static void a_change_after_a_flush_finds_its_way(void **state)
{
    struct nfthost *h = *state;
    struct nft_guest g[2] = { nfthost_guest(0), nfthost_guest(1) };

    nfthost_rebuild(h, g, 1);
    run_ok("nft", "flush", "ruleset"); /* not seen yet: the loop did not turn */
    assert_int_equal(apply(h, &g[1], 1, NULL, 0), 1);
    assert_int_equal(elements_of("inet", "from4"), 4);
    assert_true(nfthost_wait(h, &h->changed, 1));
}

static void changes_during_a_build_are_in_it(void **state)
{
    struct nfthost *h = *state;
    struct nft_config c = nfthost_config();
    struct nft_guest g[3] = { nfthost_guest(0), nfthost_guest(1), nfthost_guest(2) };

    assert_int_equal(nft_rebuild(h->nft, &c, g, 2, nfthost_done, h, NULL), 0);
    assert_int_equal(nft_apply(h->nft, &g[2], 1, (const char(*)[IFNAMSIZ])g[0].tap, 1,
                               nfthost_done, h, NULL), 1);
    assert_true(nfthost_wait(h, &h->done, 2));
    assert_int_equal(elements_of("inet", "to4"), 2);
    assert_null(strstr(listing, "tap0"));
    assert_non_null(strstr(listing, "tap2"));
}

static void a_dead_worker_costs_its_job(void **state)
{
    struct nfthost *h = *state;
    struct nft_guest g = nfthost_guest(0);
    struct nft_worker *w;
    struct err e = { 0 };

    nfthost_rebuild(h, &g, 1);
    assert_int_equal(nft_worker_new(&h->loop, NULL, 0, NULL, NULL, &w, &e), 0);
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(nft_worker_take_job(w, NFT_OP_QUERY, strdup("list tables"), 11,
                                             nfthost_json, h, &e), 0);
        assert_true(nfthost_wait(h, &h->done, i * 2));
        assert_int_equal(h->done_error.code, 0);
        assert_non_null(strstr(h->json, "meshdeck"));
        assert_int_equal(kill(nft_worker_pid(w), SIGSTOP), 0); /* the job is in its hands */
        assert_int_equal(nft_worker_take_job(w, NFT_OP_QUERY, strdup("list tables"), 11,
                                             nfthost_json, h, &e), 0);
        for (int turn = 0; turn < 20; turn++) {
            uv_run(&h->loop, UV_RUN_NOWAIT);
        }
        assert_int_equal(kill(nft_worker_pid(w), SIGKILL), 0);
        assert_true(nfthost_wait(h, &h->done, i * 2 + 1));
        assert_int_equal(h->done_error.code, -EPIPE);
        assert_non_null(strstr(h->done_error.text, "signal 9"));
        h->done = i * 2 + 1;
    }
    /* five starts a minute, and no more: the next job waits */
    assert_int_equal(nft_worker_take_job(w, NFT_OP_QUERY, strdup("list tables"), 11, nfthost_json,
                                         h, &e), 0);
    int done = h->done;
    for (int turn = 0; turn < 20; turn++) {
        uv_run(&h->loop, UV_RUN_NOWAIT);
        (void)usleep(10000);
        assert_int_equal(nft_worker_pid(w), 0);
    }
    assert_int_equal(h->done, done);
    nft_worker_free(w);
}

static void a_build_survives_its_worker(void **state)
{
    struct nfthost *h = *state;
    struct nft_config c = nfthost_config();
    struct nft_guest g[2] = { nfthost_guest(0), nfthost_guest(1) };

    nfthost_rebuild(h, g, 1);
    pid_t pid = nft_worker_pid(h->nft->worker);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(nft_rebuild(h->nft, &c, g, 2, nfthost_done, h, NULL), 0);
    for (int turn = 0; turn < 20; turn++) {
        uv_run(&h->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(h->done, 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_true(nfthost_wait(h, &h->done, 2));
    assert_int_equal(h->done_error.code, -EPIPE);
    assert_int_equal(h->died, 1);
    assert_int_equal(h->failed, 1);
    assert_false(nft_is_whole(h->nft));
    assert_int_equal(elements_of("inet", "to4"), 1); /* the old tables are whole meanwhile */
    assert_int_equal(apply(h, NULL, 0, (const char(*)[IFNAMSIZ])g[0].tap, 1), 1);
    assert_true(nft_is_whole(h->nft));
    assert_int_equal(elements_of("inet", "to4"), 1);
    assert_non_null(strstr(listing, "tap1"));
}

static void lists_and_checks(void **state)
{
    struct nfthost *h = *state;
    struct nft_guest g = nfthost_guest(0);
    struct err e = { 0 };

    nfthost_rebuild(h, &g, 1);
    assert_int_equal(nft_list_chains(h->nft, nfthost_json, h, &e), 0);
    assert_true(nfthost_wait(h, &h->done, 2));
    assert_non_null(strstr(h->json, "\"hook\": \"postrouting\""));
    assert_int_equal(nft_list_table(h->nft, "inet", nfthost_json, h, &e), 0);
    assert_true(nfthost_wait(h, &h->done, 3));
    assert_int_equal(h->done_error.code, 0);
    assert_non_null(strstr(h->json, "10.210.0.2"));
    assert_non_null(strstr(h->json, "\"masqueraded\""));
    assert_int_equal(nft_check(h->nft, "add table inet x; add rule inet y z drop", nfthost_json, h,
                               &e), 0);
    assert_true(nfthost_wait(h, &h->done, 4));
    assert_int_equal(h->done_error.code, -ENOENT);
    assert_non_null(strstr(h->done_error.text, "No such file"));
    assert_int_equal(nft_check(h->nft, "add table inet x", nfthost_json, h, &e), 0);
    assert_true(nfthost_wait(h, &h->done, 5));
    assert_int_equal(h->done_error.code, 0);
    assert_int_equal(list("ruleset", "table inet x"), 0);
}

static void the_plan_can_be_typed(void **state)
{
    struct nfthost *h = *state;
    struct nft_guest g = nfthost_guest(3);
    char *plan, *line, *rest = NULL;

    nfthost_rebuild(h, NULL, 0);
    for (int add = 1; add >= 0; add--) {
        assert_int_equal(nft_plan_text(&g, add, &plan, NULL), 0);
        for (line = strtok_r(plan, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            run_ok("/bin/sh", "-c", line);
        }
        free(plan);
        assert_int_equal(elements_of("inet", "from6"), add ? 3 : 0);
        assert_int_equal(elements_of("arp", "arp4"), add ? 2 : 0);
    }
}

int main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        T(builds_and_leaves_others_alone), T(guests_come_and_go_in_batches),
        T(a_taps_next_guest_replaces_the_last), T(refuses_what_could_be_syntax),
        T(heals_what_others_do), T(a_change_after_a_flush_finds_its_way),
        T(changes_during_a_build_are_in_it), T(a_dead_worker_costs_its_job), T(a_build_survives_its_worker),
        T(lists_and_checks), T(the_plan_can_be_typed),
    };
    NFTHOST_WORKER(argc, argv);
    const char *why = netns_enter();
    if (why) {
        return netns_skip_all("firewall", why);
    }
    listing = malloc(LISTING);
    int failed = listing ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    free(listing);
    return failed;
}
