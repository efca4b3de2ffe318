#ifndef MESHDECK_ENGINE_WIRE_H
#define MESHDECK_ENGINE_WIRE_H
/*
 * The control protocol, version 1: one JSON object a line, both ways, over STATE/engine.sock.
 *   engine:  {"meshdeck":1,"version":"0.1","pid":4711}                          once, first
 *   console: {"hello":{"who":"ops1","way_in":"...","read_only":false,"watch":true}}   once, first
 *   console: {"id":7,"verb":"vm.start","args":{"names":["web1"]}}
 *   engine:  {"id":7,"ok":true,"body":{...}}   or   {"id":7,"ok":false,"code":-17,"error":"..."}
 *            with "fd":true a stream descriptor comes with the line (SCM_RIGHTS)
 *   engine:  {"snapshot":{"meta":{...},"tables":{"vms":{"put":[row],"remove":[row]}},"more":true}}
 *            what changed; rows as in --json; a picture is whole at the line without "more"
 *   engine:  {"beat":1732200000000}            each second that brings nothing else
 * Lines of the engine are at most WIRE_LINE_MAX, of a console WIRE_REQUEST_MAX bytes. What comes in
 * is hostile until it has passed here. Pure; one thread at a time for each struct.
 */
#include <stdbool.h>
#include <stddef.h>

#include "backend/model/err.h"
#include "backend/model/snapshot.h"

struct json_t;
struct reply;

enum { WIRE_VERSION = 1, WIRE_LINE_MAX = 16 << 20, WIRE_REQUEST_MAX = 8 << 20, WIRE_ROWS = 512,
       WIRE_TABLE_ROWS = 2 << 20 /* that a table may grow to */ };

/* Encodes what turns `from` (NULL: nothing) into `to`, as lines with their newline; emit gets each
 * (borrowed) and may stop it by a non-zero, which is returned. -ENOMEM. */
typedef int wire_emit_fn(const char *line, size_t len, void *arg);
int wire_snapshot(const struct snapshot *from, const struct snapshot *to, wire_emit_fn *emit,
                  void *arg);

/* Applies the object of a "snapshot" line to tables and meta. *ret_more: the picture is not whole
 * yet. -EPROTO with text for what does not fit; tables may then be half changed: reconnect. */
int wire_apply(const struct json_t *snapshot, struct table *tables[static TABLE_COUNT],
               struct snapshot_meta *meta, bool *ret_more, struct err *e);

/* {"id":...}; takes nothing over. The text is malloc'd, with its newline. NULL: no memory. */
char *wire_reply(const struct reply *r);
char *wire_request(unsigned long long id, const char *verb, const struct json_t *args);
/* The reply in a line with "id"; body becomes the taker's. fd is left at -1. */
int wire_reply_parse(const struct json_t *line, struct reply *ret, bool *ret_has_fd, struct err *e);

/* Splits a byte stream into lines; a line past its limit is an error. */
struct wire_in {
    char *buf;
    size_t len, cap, max, scanned;
};
void wire_in_init(struct wire_in *in, size_t max);
void wire_in_done(struct wire_in *in);
/* Room for at least `want` bytes at the end; NULL: no memory or past the limit. */
char *wire_in_room(struct wire_in *in, size_t want, size_t *ret_room);
void wire_in_added(struct wire_in *in, size_t n);
/* The next whole line as JSON (an object, depth-limited, no key twice): 1 and *ret owned; 0 when
 * there is none yet; -EPROTO. */
int wire_in_next(struct wire_in *in, struct json_t **ret, struct err *e);

#endif
