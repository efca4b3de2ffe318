/*
 * The schema, as the steps that bring one version of the file to the next. A step that has been
 * released is never changed; a change is a new step. `sum` is a record's checksum (rec.h): it
 * covers only what is not empty or zero, so a column added with such a default leaves old sums
 * right.
 */
#include "backend/store/db.h"

static const char v1[] =
    "CREATE TABLE settings (id INTEGER PRIMARY KEY CHECK (id = 1), fleet TEXT NOT NULL,"
    " node_name TEXT NOT NULL, fleet_prefix TEXT NOT NULL, node INTEGER NOT NULL,"
    " production INTEGER NOT NULL, autostart_offer INTEGER NOT NULL, wg_device TEXT NOT NULL,"
    " wg_backend TEXT NOT NULL, wg_port INTEGER NOT NULL, wg_mtu INTEGER NOT NULL,"
    " wg_public_key BLOB NOT NULL, ssh_key_path TEXT NOT NULL, ssh_public_key TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE blocks (block INTEGER PRIMARY KEY CHECK (block BETWEEN 0 AND 254),"
    " node INTEGER NOT NULL, claimed_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE networks (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, shape TEXT NOT NULL,"
    " egress TEXT NOT NULL, reach TEXT NOT NULL, domain TEXT NOT NULL, nat INTEGER NOT NULL,"
    " mtu INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;"
    /* VMs, nodes and services share one space of names */
    "CREATE TABLE names (name TEXT PRIMARY KEY, kind TEXT NOT NULL"
    " CHECK (kind IN ('vm', 'node', 'service')), id INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE vms (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " network_id INTEGER NOT NULL REFERENCES networks (id), home_node INTEGER NOT NULL,"
    " node INTEGER NOT NULL, image TEXT NOT NULL, vcpus INTEGER NOT NULL,"
    " memory_mib INTEGER NOT NULL, disk_gib INTEGER NOT NULL, wanted INTEGER NOT NULL,"
    " autostart INTEGER NOT NULL, phase INTEGER NOT NULL CHECK (phase BETWEEN 0 AND 2),"
    " ticket INTEGER NOT NULL, ip4 TEXT NOT NULL, ip6 TEXT NOT NULL, mac TEXT NOT NULL UNIQUE,"
    " tap TEXT NOT NULL, uid INTEGER NOT NULL UNIQUE, ports TEXT NOT NULL, labels TEXT NOT NULL,"
    " host_key_path TEXT NOT NULL, host_key_public TEXT NOT NULL,"
    " host_key_fingerprint TEXT NOT NULL, cpu_model TEXT NOT NULL, accel TEXT NOT NULL,"
    " machine TEXT NOT NULL, created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL, ended_why TEXT NOT NULL, boot_id TEXT NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX vms_tap ON vms (tap) WHERE tap <> '';"
    /* one row an address; IPv4 of the mesh with its block and its last byte, else -1 */
    "CREATE TABLE addresses (addr TEXT PRIMARY KEY,"
    " vm INTEGER NOT NULL REFERENCES vms (id) ON DELETE CASCADE, block INTEGER NOT NULL,"
    " host INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX addresses_vm ON addresses (vm);"
    "CREATE INDEX addresses_block ON addresses (block, host) WHERE block >= 0;"
    "CREATE TABLE peers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " public_key BLOB NOT NULL UNIQUE, endpoint TEXT NOT NULL, other TEXT NOT NULL,"
    " prefixes TEXT NOT NULL, keepalive_s INTEGER NOT NULL, expected_always INTEGER NOT NULL,"
    " removing INTEGER NOT NULL, ticket INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE tickets (id INTEGER PRIMARY KEY AUTOINCREMENT, verb TEXT NOT NULL,"
    " command TEXT NOT NULL, object TEXT NOT NULL, state INTEGER NOT NULL, step INTEGER NOT NULL,"
    " steps INTEGER NOT NULL, step_name TEXT NOT NULL, error TEXT NOT NULL, undone TEXT NOT NULL,"
    " by TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    " sum INTEGER NOT NULL, args TEXT NOT NULL) STRICT;"
    "CREATE INDEX tickets_open ON tickets (id) WHERE state < 2;"
    "CREATE TABLE ticket_steps (ticket INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,"
    " n INTEGER NOT NULL, name TEXT NOT NULL, detail TEXT NOT NULL, state INTEGER NOT NULL,"
    " ms INTEGER NOT NULL, PRIMARY KEY (ticket, n)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL,"
    " level INTEGER NOT NULL, object TEXT NOT NULL, what TEXT NOT NULL, before TEXT NOT NULL,"
    " after TEXT NOT NULL, cause TEXT NOT NULL, who TEXT NOT NULL, ticket INTEGER NOT NULL) STRICT;"
    "CREATE INDEX journal_object ON journal (object, id);"
    "CREATE TABLE probes (kind TEXT PRIMARY KEY, result TEXT NOT NULL, boot_id TEXT NOT NULL,"
    " why TEXT NOT NULL, time_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE acks (key TEXT PRIMARY KEY, who TEXT NOT NULL, level INTEGER NOT NULL,"
    " vms INTEGER NOT NULL, time_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

const char *const db_migrations[] = {v1};
const int db_migration_count = sizeof db_migrations / sizeof db_migrations[0];
