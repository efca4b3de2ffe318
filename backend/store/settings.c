/* The one row of settings, and what comes into being with it. Store thread. */
#include "backend/store/settings.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "backend/model/clock.h"
#include "backend/model/text.h"
#include "backend/store/db.h"
#include "backend/store/netrec.h"
#include "backend/store/rec.h"

static const struct rec_col cols[] = {
    REC_COL(settings, fleet, REC_TEXT),          REC_COL(settings, node_name, REC_TEXT),
    REC_COL(settings, fleet_prefix, REC_ADDR),   REC_COL(settings, node, REC_U32),
    REC_COL(settings, production, REC_U8),       REC_COL(settings, autostart_offer, REC_U8),
    REC_COL(settings, wg_device, REC_TEXT),      REC_COL(settings, wg_backend, REC_TEXT),
    REC_COL(settings, wg_port, REC_U32),         REC_COL(settings, wg_mtu, REC_U32),
    REC_COL(settings, wg_public_key, REC_KEY),   REC_COL(settings, ssh_key_path, REC_TEXT),
    REC_COL(settings, ssh_public_key, REC_TEXT), REC_COL(settings, created_ms, REC_I64),
};
const struct rec_type rec_settings = {
    .what = "settings",
    .cols = cols,
    .n_cols = sizeof cols / sizeof cols[0],
    .size = sizeof(struct settings),
    .damaged = offsetof(struct settings, damaged),
};

#define COLUMNS                                                                                    \
    "fleet, node_name, fleet_prefix, node, production, autostart_offer, wg_device, wg_backend,"    \
    " wg_port, wg_mtu, wg_public_key, ssh_key_path, ssh_public_key, created_ms, sum"

int settings_get(struct db *db, struct settings *ret, struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db, "SELECT " COLUMNS " FROM settings", &s, e);

    if (r < 0)
        return r;
    r = rec_first(db, s, &rec_settings, ret, e);
    if (r == -ENOENT)
        return err_set(e, ERR_AREA_STORE, -ENOENT, "this node has not been initialised");
    return r;
}

static int take_names(struct db *db, const struct settings *s, struct err *e)
{
    sqlite3_stmt *st;
    int r = db_prepare(db, "INSERT INTO names (name, kind, id) VALUES (?1, 'node', ?2)", &st, e);

    if (r < 0)
        return r;
    db_bind_text(st, 1, s->node_name);
    db_bind_u64(st, 2, s->node);
    r = db_step(db, st, e);
    db_reset(st);
    return r;
}

static int claim_first_block(struct db *db, const struct settings *s, struct err *e)
{
    sqlite3_stmt *st;
    int r =
        db_prepare(db, "INSERT INTO blocks (block, node, claimed_ms) VALUES (0, ?1, ?2)", &st, e);

    if (r < 0)
        return r;
    db_bind_u64(st, 1, s->node);
    db_bind_u64(st, 2, (uint64_t)s->created_ms);
    r = db_step(db, st, e);
    db_reset(st);
    return r;
}

static int check(const struct settings *s, struct err *e)
{
    if (!text_name_is_valid(s->node_name))
        return err_set(e, ERR_AREA_INPUT, -EINVAL,
                       "\"%s\" is no name for a node: small letters, "
                       "digits and - only, a letter first",
                       s->node_name);
    if (!text_name_is_valid(s->fleet))
        return err_set(e, ERR_AREA_INPUT, -EINVAL,
                       "\"%s\" is no name for a fleet: small letters, "
                       "digits and - only, a letter first",
                       s->fleet);
    if (s->node < 1 || s->node > UINT16_MAX)
        return err_set(e, ERR_AREA_INPUT, -ERANGE, "node number %u: 1 to 65535", s->node);
    return 0;
}

int settings_init(struct db *db, struct settings *io, struct err *e)
{
    static const struct net_rec mesh = {.id = NETREC_MESH_ID,
                                        .name = "mesh",
                                        .shape = "mesh",
                                        .egress = "all",
                                        .domain = "internal",
                                        .nat = 1};

    if (!io->fleet[0])
        (void)str_copy(io->fleet, sizeof io->fleet, "lab");
    if (!io->node)
        io->node = 1;
    if (!io->wg_device[0])
        (void)str_copy(io->wg_device, sizeof io->wg_device, "mesh0");
    if (!io->wg_port)
        io->wg_port = 51820;
    if (!io->wg_mtu)
        io->wg_mtu = 1420;
    if (!io->created_ms)
        io->created_ms = now_ms();
    int r = check(io, e);
    if (r < 0)
        return r;
    if (!addr_is_set(&io->fleet_prefix))
        io->fleet_prefix = addr_fleet_random(e);
    if (!addr_is_set(&io->fleet_prefix))
        return e && e->code < 0 ? e->code : -EIO;
    r = rec_run(db,
                "INSERT INTO settings (id, " COLUMNS ") VALUES"
                " (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                &rec_settings, io, e);
    if (r == -EEXIST)
        return err_set(e, ERR_AREA_STORE, r, "this node has been initialised before");
    if (r == 0)
        r = take_names(db, io, e);
    if (r == 0)
        r = claim_first_block(db, io, e);
    if (r == 0)
        r = netrec_add(db, &mesh, e);
    return r;
}

int settings_put(struct db *db, const struct settings *s, struct err *e)
{
    struct settings old, new = *s;
    int r = settings_get(db, &old, e);

    if (r < 0)
        return r;
    new.fleet_prefix = old.fleet_prefix;
    new.node = old.node;
    memcpy(new.node_name, old.node_name, sizeof new.node_name);
    new.created_ms = old.created_ms;
    r = check(&new, e);
    return r < 0 ? r
                 : rec_run(db,
                           "UPDATE settings SET fleet = ?1, node_name = ?2, fleet_prefix = ?3,"
                           " node = ?4, production = ?5, autostart_offer = ?6, wg_device = ?7,"
                           " wg_backend = ?8, wg_port = ?9, wg_mtu = ?10, wg_public_key = ?11,"
                           " ssh_key_path = ?12, ssh_public_key = ?13, created_ms = ?14,"
                           " sum = ?15",
                           &rec_settings, &new, e);
}

int settings_blocks(struct db *db, uint8_t ret[static SETTINGS_BLOCKS_MAX], size_t *ret_n,
                    struct err *e)
{
    sqlite3_stmt *s;
    int r = db_prepare(db,
                       "SELECT block FROM blocks WHERE node = (SELECT node FROM settings)"
                       " ORDER BY block",
                       &s, e);

    *ret_n = 0;
    if (r < 0)
        return r;
    while ((r = db_step(db, s, e)) == 1 && *ret_n < SETTINGS_BLOCKS_MAX) {
        int block = sqlite3_column_int(s, 0);
        if (block >= 0 && block < SETTINGS_BLOCKS_MAX)
            ret[(*ret_n)++] = (uint8_t)block;
    }
    db_reset(s);
    return r < 0 ? r : 0;
}
