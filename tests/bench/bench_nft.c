/*
 * The firewall's elements of 1,000 guests in one batch, against `nft -f` of the same elements; and
 * one guest more where 10,000 are, against one more where none is: its cost must not grow.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/host/nft_elements.h"
#include "backend/host/nft_text.h"
#include "tests/support/bench.h"
#include "tests/support/netns.h"
#include "tests/support/nfthost.h"

enum { GUESTS = 1000, MORE = 10000, ROUNDS = 7 };

static char tables[] = "/tmp/meshdeck-bench.XXXXXX", elements[] = "/tmp/meshdeck-bench.XXXXXX";
static struct nft_guest guests[MORE];

static void must(int r, const struct err *e)
{
    if (r < 0) {
        fprintf(stderr, "%s\n", e->text);
        exit(1);
    }
}

/* The text of every set's elements, as somebody would write it for nft. */
static void write_elements(int fd)
{
    FILE *f = fdopen(fd, "w");
    struct nft_element els[NFT_ELEMENTS_PER_GUEST];
    char text[NFT_ELEMENT_TEXT];

    for (enum nft_set s = 0; f && s < NFT_SET_COUNT; s++) {
        const struct nft_set_info *info = nft_set_info(s);
        bool any = false;
        for (size_t g = 0; g < GUESTS; g++) {
            size_t n = nft_guest_elements(&guests[g], els);
            for (size_t i = 0; i < n; i++) {
                if (els[i].set == s && !any) {
                    fprintf(f, "add element %s meshdeck %s { ", nft_family_name(info->family),
                            info->name);
                }
                if (els[i].set == s) {
                    fprintf(f, "%s%s", any ? ", " : "", nft_element_format(&els[i], text));
                    any = true;
                }
            }
        }
        if (any) {
            fputs(" }\n", f);
        }
    }
    if (!f || fclose(f) != 0) {
        exit(1);
    }
}

static void write_tables(int fd)
{
    struct nft_config c = nfthost_config();
    struct err e;
    char *text;

    must(nft_plan_tables_text(&c, &text, &e), &e);
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0) {
        exit(1);
    }
    free(text);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* One guest in and out again, of the tables as they are. */
static double one_guest(struct nft_elements *x, const struct nft_guest *g)
{
    struct err e;
    double began = bench_now_ms();

    must(nft_elements_apply(x, g, 1, NULL, 0, &e), &e);
    double took = bench_now_ms() - began;
    must(nft_elements_apply(x, NULL, 0, g, 1, &e), &e);
    return took;
}

int main(void)
{
    const char *why = netns_enter();
    struct nft_elements *x;
    struct err e;
    double ours = 1e9, other = 1e9, few = 1e9, many = 1e9;
    struct nft_guest one = nfthost_guest(MORE);

    if (why) {
        return bench_skip("firewall elements of 1,000 VMs", why);
    }
    int tables_fd = mkostemp(tables, O_CLOEXEC), elements_fd = mkostemp(elements, O_CLOEXEC);
    if (tables_fd < 0 || elements_fd < 0) {
        return 1;
    }
    for (unsigned k = 0; k < MORE; k++) {
        guests[k] = nfthost_guest(k);
    }
    write_tables(tables_fd);
    write_elements(elements_fd);
    must(nft_elements_open(&x, &e), &e);
    for (int i = 0; i < ROUNDS; i++) {
        run_ok("nft", "-f", tables);
        double began = bench_now_ms();
        run_ok("nft", "-f", elements);
        other = least(other, bench_now_ms() - began);
        run_ok("nft", "-f", tables);
        began = bench_now_ms();
        must(nft_elements_apply(x, guests, GUESTS, NULL, 0, &e), &e);
        ours = least(ours, bench_now_ms() - began);
    }
    run_ok("nft", "-f", tables);
    for (int i = 0; i < ROUNDS * 20; i++) {
        few = least(few, one_guest(x, &one));
    }
    must(nft_elements_apply(x, guests, MORE, NULL, 0, &e), &e);
    for (int i = 0; i < ROUNDS * 20; i++) {
        many = least(many, one_guest(x, &one));
    }
    nft_elements_free(x);
    unlink(tables);
    unlink(elements);
    bool ok = bench_ratio("firewall elements of 1,000 VMs vs nft -f", ours, other, 1.5, "ms");
    ok = bench_ratio("one VM's elements among 10,000 vs among none", many, few, 3.0, "ms") && ok;
    return ok ? 0 : 1;
}
