/* vm.detail and vm.log: all about one machine. Engine thread. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backend/engine/base.h"
#include "backend/engine/handlers.h"
#include "backend/engine/keep.h"
#include "backend/engine/load_rows.h"
#include "backend/engine/vms.h"
#include "backend/model/text.h"

enum { JOURNAL_LINES = 19, LOG_BYTES = 320 * 1024 };

static json_t *series32(const uint32_t *cells, unsigned filled)
{
    json_t *a = json_array();

    for (unsigned i = LOAD_CELLS - filled; i < LOAD_CELLS; i++)
        json_array_append_new(a, json_integer(cells[i]));
    return a;
}

static json_t *series64(const uint64_t *cells, unsigned filled)
{
    json_t *a = json_array();

    for (unsigned i = LOAD_CELLS - filled; i < LOAD_CELLS; i++)
        json_array_append_new(a, json_integer((json_int_t)cells[i]));
    return a;
}

struct detail {
    struct request *request;
    json_t *body;
};

static void journal_read(void *arg, const struct journal_rec *recs, size_t n, const struct err *e)
{
    struct detail *d = arg;
    json_t *list = json_array();

    for (size_t i = 0; !e->code && i < n; i++) {
        struct event_row row;
        load_event_row(&recs[i], &row);
        json_array_append_new(list, row_to_json(row_type_of(TABLE_EVENTS), &row));
    }
    json_object_set_new(d->body, "journal", list);
    request_ok_take(d->request, d->body);
    free(d);
}

static json_t *vm_body(struct vm *v)
{
    const struct vm_history *h = &v->history;
    struct core *c = v->core;
    const struct net_rec *net = base_net(c, v->rec.network_id);
    char gw6[ADDR_TEXT], gw4[ADDR_TEXT], dns[ADDR_TEXT], fqdn[64];
    struct addr a6 = addr_gateway_ip6(), a4 = addr_gateway_ip4();
    struct addr d6 = addr_dns_ip6(&c->base->settings.fleet_prefix);
    size_t len = 0;
    json_t *body = json_object();

    str_add(fqdn, sizeof fqdn, &len, "%s.internal", v->rec.name);
    json_object_set_new(body, "vm", row_to_json(row_type_of(TABLE_VMS), &v->row));
    json_object_set_new(body, "gateway6", json_string(addr_format(&a6, false, gw6)));
    json_object_set_new(body, "gateway4", json_string(addr_format(&a4, false, gw4)));
    json_object_set_new(body, "dns", json_string(addr_format(&d6, false, dns)));
    json_object_set_new(body, "fqdn", json_string(fqdn));
    json_object_set_new(body, "mtu", json_integer(net && net->mtu ? net->mtu : c->base->settings.wg_mtu));
    json_object_set_new(body, "user", json_integer(v->rec.uid));
    json_object_set_new(body, "machine", json_string(v->rec.machine));
    json_object_set_new(body, "host_key", json_string(v->rec.host_key_fingerprint));
    json_object_set_new(body, "exit", json_string(v->exit_text[0] ? v->exit_text : v->rec.ended_why));
    json_object_set_new(body, "history",
                        json_pack("{s:o, s:o, s:o, s:o, s:o}", "cpu", series32(h->cpu, h->filled),
                                  "memory", series32(h->memory, h->filled), "disk",
                                  series64(h->disk, h->filled), "rx", series64(h->rx, h->filled), "tx",
                                  series64(h->tx, h->filled)));
    return body;
}

void vm_detail_request(struct request *r)
{
    const char *name = request_text(r, "name");
    struct vm *v = vms_find(r->core, name);
    struct detail *d = v ? calloc(1, sizeof *d) : NULL;
    struct err e = {0};

    if (!d) {
        err_set(&e, ERR_AREA_INPUT, v ? -ENOMEM : -ENOENT, v ? "out of memory" : "there is no VM %s", name);
        request_fail(r, &e);
        return;
    }
    json_t *body = vm_body(v), *row = json_incref(json_object_get(body, "vm"));
    vms_add_serial_tail(r->core, name, body);
    json_object_set_new(body, "vm", row);
    *d = (struct detail){r, body};
    keep_journal_read(r->core, vm_object(v), JOURNAL_LINES, journal_read, d);
}

void vm_log_request(struct request *r)
{
    const char *name = request_text(r, "name");
    struct vm *v = vms_find(r->core, name);
    char *text = v ? malloc(LOG_BYTES) : NULL;
    json_t *lines;
    struct err e = {0};

    if (!text) {
        err_set(&e, ERR_AREA_INPUT, v ? -ENOMEM : -ENOENT, v ? "out of memory" : "there is no VM %s", name);
        request_fail(r, &e);
        return;
    }
    lines = json_array();
    size_t n = serial_last_lines(v->serial, request_uint(r, "lines", 2000), text, LOG_BYTES);
    for (char *save = NULL, *line = n ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save))
        json_array_append_new(lines, json_string(line));
    free(text);
    request_ok_take(r, json_pack("{s:o, s:b}", "lines", lines, "cut", serial_bytes(v->serial) > n));
}
