#ifndef MESHDECK_GUEST_SERIAL_LOG_H
#define MESHDECK_GUEST_SERIAL_LOG_H
/*
 * A guest's serial log: serial.log and serial.log.1 in its folder, at most 256 KiB each, cleaned so
 * that it may be shown. Bytes are taken on the loop and written on libuv's pool; when the disk is
 * slower than the guest, bytes are left out and the log says how many. Engine thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "backend/model/err.h"

struct uv_loop_s;
struct serial_log;

#define SERIAL_LOG_FILE "serial.log"
#define SERIAL_LOG_OLD "serial.log.1"

struct serial_log *serial_log_new(struct uv_loop_s *loop, const char *folder); /* NULL: no memory */
void serial_log_add(struct serial_log *l, const void *bytes, size_t len);
/* What is not written yet is written first; it ends on the loop. */
void serial_log_free(struct serial_log *l);

/* The end of the log, at most cap - 1 bytes, ended by NUL. Reads the disk. */
size_t serial_log_tail(const char *folder, char *buf, size_t cap);

#endif
