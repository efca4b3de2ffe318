#ifndef MESHDECK_VMM_SOCK_H
#define MESHDECK_VMM_SOCK_H
/*
 * Unix sockets in a VM's folder. The folder belongs to the VM's uid, so no link in it is followed,
 * and who listens is checked. Names are short and the folder may be deep: it is reached by its
 * descriptor. Sockets are non-blocking and close-on-exec. Any thread; nothing waits.
 */
#include <sys/types.h>

#include "backend/model/err.h"

/* A new listening socket, mode 0600, in the place of an old one. Negative errno. */
int sock_listen(const char *folder, const char *name, struct err *e);

/* Connects; pid: who must be listening, 0 for anybody. -ENOENT, -ECONNREFUSED, -EPERM (another
 * process listens there), -EAGAIN (its queue is full). */
int sock_connect(const char *folder, const char *name, pid_t pid, struct err *e);

#endif
