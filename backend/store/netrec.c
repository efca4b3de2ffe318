/* Networks. Store thread. */
#include "backend/store/netrec.h"

#include <errno.h>
#include <sqlite3.h>

#include "backend/store/db.h"
#include "backend/store/rec.h"

static const struct rec_col cols[] = {
    REC_COL(net_rec, id, REC_U64),     REC_COL(net_rec, name, REC_TEXT),
    REC_COL(net_rec, shape, REC_TEXT), REC_COL(net_rec, egress, REC_TEXT),
    REC_COL(net_rec, reach, REC_TEXT), REC_COL(net_rec, domain, REC_TEXT),
    REC_COL(net_rec, nat, REC_U8),     REC_COL(net_rec, mtu, REC_U32),
};
const struct rec_type rec_network = {
    .what = "network",
    .cols = cols,
    .n_cols = sizeof cols / sizeof cols[0],
    .size = sizeof(struct net_rec),
    .damaged = offsetof(struct net_rec, damaged),
};

#define COLUMNS "id, name, shape, egress, reach, domain, nat, mtu, sum"

int netrec_add(struct db *db, const struct net_rec *n, struct err *e)
{
    int r = rec_run(
        db, "INSERT INTO networks (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &rec_network, n, e);

    if (r == -EEXIST)
        return err_set(e, ERR_AREA_INPUT, r, "the network %s exists", n->name);
    return r;
}

int netrec_all(struct db *db, struct net_rec **ret, size_t *ret_n, struct err *e)
{
    sqlite3_stmt *s;
    void *all = NULL;
    int r = db_prepare(db, "SELECT " COLUMNS " FROM networks ORDER BY name", &s, e);

    if (r == 0)
        r = rec_collect(db, s, &rec_network, &all, ret_n, e);
    if (r == 0)
        *ret = all;
    return r;
}

int netrec_get(struct db *db, uint64_t id, struct net_rec *ret, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "SELECT " COLUMNS " FROM networks WHERE id = ?1", &s, e);

    if (r < 0)
        return r;
    db_bind_u64(s, 1, id);
    r = rec_first(db, s, &rec_network, ret, e);
    if (r == -ENOENT)
        return err_set(e, ERR_AREA_INPUT, r, "there is no network with the id %llu",
                       (unsigned long long)id);
    return r;
}

int netrec_find(struct db *db, const char *name, struct net_rec *ret, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "SELECT " COLUMNS " FROM networks WHERE name = ?1", &s, e);

    if (r < 0)
        return r;
    db_bind_text(s, 1, name);
    r = rec_first(db, s, &rec_network, ret, e);
    if (r == -ENOENT)
        return err_set(e, ERR_AREA_INPUT, r, "there is no network called %s", name);
    return r;
}
