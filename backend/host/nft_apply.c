/*
 * Guests come and go: the roster changes first, then the kernel in one batch, and the roster goes
 * back when the kernel refuses. While tables are being built the change waits for that. Engine
 * thread; nothing here waits.
 */
#include <errno.h>
#include <stdlib.h>

#include "backend/host/nft_priv.h"
#include "backend/host/nft_text.h"

/* One call of nft_apply: the guests that leave the kernel and those that enter. */
struct edit {
    struct nft_guest *out, *in;
    uint64_t *out_change; /* beside out */
    size_t n_out, n_in;
};

static void edit_done(struct edit *ed)
{
    free(ed->out);
    free(ed->in);
    free(ed->out_change);
}

static void edit_take_out(struct nft *n, struct edit *ed, const char *tap)
{
    const struct nft_guest *g = nft_roster_find(&n->roster, tap, &ed->out_change[ed->n_out]);

    if (g) {
        ed->out[ed->n_out++] = *g;
        (void)nft_roster_remove(&n->roster, tap);
    }
}

/* Changes the roster and says what has to change in the kernel. */
static int edit_make(struct nft *n, struct edit *ed, const struct nft_guest *add, size_t n_add,
                     const char (*del)[IFNAMSIZ], size_t n_del)
{
    size_t most = n_add + n_del + 1;

    ed->out = calloc(most, sizeof(*ed->out));
    ed->in = calloc(most, sizeof(*ed->in));
    ed->out_change = calloc(most, sizeof(*ed->out_change));
    if (!ed->out || !ed->in || !ed->out_change || nft_roster_reserve(&n->roster, n_add) < 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_del; i++) {
        edit_take_out(n, ed, del[i]);
    }
    n->change++;
    for (size_t i = 0; i < n_add; i++) {
        const struct nft_guest *old = nft_roster_find(&n->roster, add[i].tap, NULL);
        if (old && nft_guest_equal(old, &add[i])) {
            continue;
        }
        edit_take_out(n, ed, add[i].tap);
        nft_roster_put(&n->roster, &add[i], n->change);
        ed->in[ed->n_in++] = add[i];
    }
    return 0;
}

static void edit_undo(struct nft *n, const struct edit *ed)
{
    for (size_t i = 0; i < ed->n_in; i++) {
        (void)nft_roster_remove(&n->roster, ed->in[i].tap);
    }
    for (size_t i = 0; i < ed->n_out; i++) {
        nft_roster_put(&n->roster, &ed->out[i], ed->out_change[i]);
    }
}

/* While the worker builds: what leaves and is in its text is remembered for catch_up. */
static int note_gone(struct nft *n, const struct edit *ed)
{
    if (n->n_gone + ed->n_out > n->gone_cap) {
        size_t cap = (n->n_gone + ed->n_out) * 2;
        struct nft_guest *gone = realloc(n->gone, cap * sizeof(*gone));
        if (!gone) {
            return -ENOMEM;
        }
        n->gone = gone;
        n->gone_cap = cap;
    }
    for (size_t i = 0; i < ed->n_out; i++) {
        if (ed->out_change[i] <= n->built_change) {
            n->gone[n->n_gone++] = ed->out[i];
        }
    }
    return 0;
}

/* The roster has the change; 0, 1 or a negative errno as nft_apply answers. */
static int edit_carry_out(struct nft *n, const struct edit *ed, nft_done_fn *done, void *arg,
                          struct err *e)
{
    if (n->state == NFT_STATE_WHOLE) {
        int r = nft_elements_apply(n->elements, ed->in, ed->n_in, ed->out, ed->n_out, e);
        if (r != -ENOENT) {
            return r;
        }
    }
    if ((n->state == NFT_STATE_BUILDING && note_gone(n, ed) < 0) || nft_add_waiter(n, done, arg) < 0) {
        return err_set(e, ERR_AREA_NFT, -ENOMEM, "no memory for the firewall's change");
    }
    if (n->state != NFT_STATE_BUILDING) {
        nft_build(n);
    }
    return 1;
}

int nft_apply(struct nft *n, const struct nft_guest *add, size_t n_add,
              const char (*del)[IFNAMSIZ], size_t n_del, nft_done_fn *done, void *arg,
              struct err *e)
{
    struct edit ed = { 0 };
    int r = 0;

    if (n->state == NFT_STATE_IDLE) {
        return err_set(e, ERR_AREA_NFT, -EAGAIN, "the firewall is not set up yet");
    }
    for (size_t i = 0; r == 0 && i < n_add; i++) {
        r = nft_guest_check(&add[i], e);
    }
    if (r < 0) {
        return r;
    }
    r = edit_make(n, &ed, add, n_add, del, n_del);
    if (r < 0) {
        (void)err_set(e, ERR_AREA_NFT, r, "no memory for %zu guests", n_add + n_del);
    } else if (ed.n_in + ed.n_out > 0 || n->state != NFT_STATE_WHOLE) {
        r = edit_carry_out(n, &ed, done, arg, e);
        if (r < 0) {
            edit_undo(n, &ed);
        }
    }
    edit_done(&ed);
    return r;
}
