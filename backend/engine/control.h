#ifndef MESHDECK_ENGINE_CONTROL_H
#define MESHDECK_ENGINE_CONTROL_H
/*
 * The control socket STATE/engine.sock (mode 0600): JSON lines as engine/wire.h has them, for second
 * consoles and one-shot commands. Each connection is a client with a bounded outgoing queue: one that
 * does not read gets no more snapshots until it does, and is closed past the bound. Engine thread.
 */
#include "backend/model/err.h"

struct control;
struct core;
struct snapshot;

int control_open(struct core *c, struct control **ret, struct err *e);
/* Sends what turns `from` into `to` to every console attached. NULL control is fine. */
void control_publish(struct control *ctl, struct snapshot *from, struct snapshot *to);
unsigned control_consoles(const struct control *ctl);
/* Closes the listener and every connection; core_part_closed follows. */
void control_close(struct control *ctl);
void control_free(struct control *ctl);

#endif
