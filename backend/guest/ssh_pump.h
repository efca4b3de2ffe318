#ifndef MESHDECK_GUEST_SSH_PUMP_H
#define MESHDECK_GUEST_SSH_PUMP_H
/*
 * Carries bytes between an open SSH channel and the viewer's stream until one of them ends. In the
 * SSH worker, its only thread. Memory is bounded: one frame waits in each direction, and while the
 * viewer does not take one, nothing is read from the guest.
 */
#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "backend/model/stream.h"

enum pump_end {
    PUMP_CLOSED, /* the guest closed the channel: the command has ended */
    PUMP_LEFT,   /* the viewer or the engine went away */
    PUMP_LOST,   /* the connection ended first */
};

struct pump {
    ssh_session session;
    ssh_channel channel;
    ssh_event event;
    int stream, control;   /* the second only to see that the engine is gone */
    unsigned keepalive_ms;

    struct ssh_channel_callbacks_struct callbacks;
    bool remote_closed, exit_known;
    struct stream_exit exit; /* what the guest said about the end */

    struct stream_frame out, in; /* len 0: none waits */
    size_t in_at;
    bool in_ended, in_end_sent, left;
    bool size_wanted;
    uint16_t cols, rows;
    long long size_sent_ms, alive_ms;
};

/* To be called before the command is asked for: its end may come with the answer. */
void pump_init(struct pump *p, ssh_session session, ssh_channel channel, int stream, int control,
               unsigned keepalive_ms);
enum pump_end pump_run(struct pump *p);

#endif
