#ifndef MESHDECK_GUEST_SSH_WORKER_H
#define MESHDECK_GUEST_SSH_WORKER_H
/*
 * The SSH worker: one process a session, of the same program (`meshdeck --worker ssh`, its control
 * socket as descriptor 3). It takes one request, gives up every privilege, speaks SSH, reports, and
 * ends. It reads no file and no configuration. It is started by guest/session.h only.
 */

/* Its whole life; returns the process's exit status. */
int ssh_worker_main(int control_fd);

#endif
