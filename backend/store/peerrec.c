/*
 * WireGuard peers. Store thread. A prefix is owned by one peer only: WireGuard itself would move it
 * from one to the other without a word, so overlaps are refused here, both owners named.
 */
#include "backend/store/peerrec.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "backend/model/clock.h"
#include "backend/model/text.h"
#include "backend/store/db.h"
#include "backend/store/rec.h"
#include "backend/store/settings.h"

static const struct rec_col cols[] = {
    REC_COL(peer_rec, id, REC_U64),
    REC_COL(peer_rec, name, REC_TEXT),
    REC_COL(peer_rec, public_key, REC_KEY),
    REC_COL(peer_rec, endpoint, REC_ENDPOINT),
    REC_COL(peer_rec, other, REC_ENDPOINT),
    {.name = "prefixes",
     .kind = REC_PREFIXES,
     .offset = offsetof(struct peer_rec, prefixes),
     .size = sizeof(((struct peer_rec *)0)->prefixes),
     .count = offsetof(struct peer_rec, n_prefixes)},
    REC_COL(peer_rec, keepalive_s, REC_U32),
    REC_COL(peer_rec, expected_always, REC_U8),
    REC_COL(peer_rec, removing, REC_U8),
    REC_COL(peer_rec, ticket, REC_U64),
    REC_COL(peer_rec, created_ms, REC_I64),
};
const struct rec_type rec_peer = {
    .what = "peer",
    .cols = cols,
    .n_cols = sizeof cols / sizeof cols[0],
    .size = sizeof(struct peer_rec),
    .damaged = offsetof(struct peer_rec, damaged),
};

#define COLUMNS                                                                                    \
    "id, name, public_key, endpoint, other, prefixes, keepalive_s, expected_always, removing,"     \
    " ticket, created_ms, sum"

int peerrec_all(struct db *db, struct peer_rec **ret, size_t *ret_n, struct err *e)
{
    sqlite3_stmt *s;
    void *all = NULL;
    int r = db_prepare(db, "SELECT " COLUMNS " FROM peers ORDER BY name", &s, e);

    if (r == 0)
        r = rec_collect(db, s, &rec_peer, &all, ret_n, e);
    if (r == 0)
        *ret = all;
    return r;
}

static int check_itself(const struct peer_rec *p, const struct settings *set, struct err *e)
{
    static const uint8_t none[32];

    if (!text_name_is_valid(p->name))
        return err_set(e, ERR_AREA_INPUT, -EINVAL,
                       "Small letters, digits and - only, a letter first.");
    if (memcmp(p->public_key, none, sizeof none) == 0)
        return err_set(e, ERR_AREA_INPUT, -EINVAL, "A peer needs its public key.");
    if (memcmp(p->public_key, set->wg_public_key, 32) == 0)
        return err_set(e, ERR_AREA_INPUT, -ENOTUNIQ, "That is this node's own public key.");
    if (p->keepalive_s > UINT16_MAX)
        return err_set(e, ERR_AREA_INPUT, -ERANGE, "Keepalive is 0 to 65535 seconds.");
    if (p->n_prefixes > PEERREC_PREFIXES_MAX)
        return err_set(e, ERR_AREA_INPUT, -E2BIG, "A peer has at most %d prefixes.",
                       PEERREC_PREFIXES_MAX);
    return 0;
}

/* What this node keeps for itself: its /64, its blocks, the fleet's own /64 and block 255. */
static int check_ours(struct db *db, const struct peer_rec *p, const struct settings *set,
                      struct err *e)
{
    uint8_t blocks[SETTINGS_BLOCKS_MAX + 1];
    char text[ADDR_TEXT], other[ADDR_TEXT];
    size_t n = 0;
    int r = settings_blocks(db, blocks, &n, e);

    if (r < 0)
        return r;
    blocks[n++] = 255; /* the fleet's own */
    struct addr own6 = addr_node_prefix6(&set->fleet_prefix, (uint16_t)set->node);
    struct addr zero6 = addr_node_prefix6(&set->fleet_prefix, 0);
    for (uint32_t i = 0; i < p->n_prefixes; i++) {
        const struct addr *a = &p->prefixes[i];
        if (a->prefix_len == 0) /* a way out: everything, by intention; routes are longer */
            continue;
        const struct addr *hit = addr_overlaps(a, &own6)    ? &own6
                                 : addr_overlaps(a, &zero6) ? &zero6
                                                            : NULL;
        struct addr block;
        for (size_t b = 0; b < n && !hit; b++) {
            block = addr_node_block4(blocks[b]);
            if (addr_overlaps(a, &block))
                hit = &block;
        }
        if (hit)
            return err_set(e, ERR_AREA_INPUT, -EADDRINUSE, "%s overlaps %s, which is %s.",
                           addr_format(a, true, text), addr_format(hit, true, other),
                           hit == &zero6 || hit->bytes[2] == 255 ? "the fleet's own"
                                                                 : set->node_name);
    }
    return 0;
}

static int check_pair(const struct peer_rec *p, const struct peer_rec *o, struct err *e)
{
    char text[ADDR_TEXT], other[ADDR_TEXT];

    if (strcmp(p->name, o->name) == 0)
        return err_set(e, ERR_AREA_INPUT, -EEXIST, "There is a peer %s already.", p->name);
    if (memcmp(p->public_key, o->public_key, 32) == 0)
        return err_set(e, ERR_AREA_INPUT, -ENOTUNIQ, "That key is %s's.", o->name);
    for (uint32_t i = 0; i < p->n_prefixes; i++)
        for (uint32_t k = 0; k < o->n_prefixes; k++) {
            const struct addr *a = &p->prefixes[i], *b = &o->prefixes[k];
            bool whole = (a->prefix_len == 0) != (b->prefix_len == 0);
            if (!whole && addr_overlaps(a, b))
                return err_set(e, ERR_AREA_INPUT, -EADDRINUSE, "%s overlaps %s, which is %s's.",
                               addr_format(a, true, text), addr_format(b, true, other), o->name);
        }
    return 0;
}

static int check(struct db *db, const struct peer_rec *p, struct err *e)
{
    struct settings set;
    struct peer_rec *all = NULL;
    size_t n = 0;
    int r = settings_get(db, &set, e);

    if (r == 0)
        r = check_itself(p, &set, e);
    if (r == 0)
        r = check_ours(db, p, &set, e);
    if (r == 0)
        r = peerrec_all(db, &all, &n, e);
    for (size_t i = 0; i < n && r == 0; i++)
        if (all[i].id != p->id)
            r = check_pair(p, &all[i], e);
    free(all);
    return r;
}

static int next_id(struct db *db, uint64_t *ret, struct err *e)
{
    int r = db_get_u64(db, "SELECT value FROM counters WHERE name = 'peer' AND ?1 = 0", 0, ret, e);

    if (r < 0)
        return r;
    ++*ret;
    r = db_run_u64(db,
                   "INSERT INTO counters (name, value) VALUES ('peer', ?1)"
                   " ON CONFLICT (name) DO UPDATE SET value = ?1",
                   *ret, e);
    return r < 0 ? r : 0;
}

int peerrec_add(struct db *db, struct peer_rec *io, struct err *e)
{
    io->id = 0;
    io->damaged = 0;
    int r = check(db, io, e);
    if (r == 0)
        r = next_id(db, &io->id, e);
    if (r < 0)
        return r;
    if (!io->created_ms)
        io->created_ms = now_ms();
    return rec_run(db,
                   "INSERT INTO peers (" COLUMNS ") VALUES"
                   " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                   &rec_peer, io, e);
}

int peerrec_update(struct db *db, const struct peer_rec *p, struct err *e)
{
    int r = check(db, p, e);

    if (r < 0)
        return r;
    return rec_run(db,
                   "UPDATE peers SET name = ?2, public_key = ?3, endpoint = ?4, other = ?5,"
                   " prefixes = ?6, keepalive_s = ?7, expected_always = ?8, removing = ?9,"
                   " ticket = ?10, created_ms = ?11, sum = ?12 WHERE id = ?1",
                   &rec_peer, p, e);
}

int peerrec_remove(struct db *db, uint64_t id, struct err *e)
{
    int r = db_run_u64(db, "DELETE FROM peers WHERE id = ?1", id, e);

    if (r == 0)
        return err_set(e, ERR_AREA_STORE, -ENOENT, "there is no peer with the id %llu",
                       (unsigned long long)id);
    return r < 0 ? r : 0;
}
