#ifndef MESHDECK_HOST_SANDBOX_H
#define MESHDECK_HOST_SANDBOX_H
/*
 * What a worker gives up before it reads a byte from outside: its user, all capabilities, the way to
 * gain any, files, new sockets, new processes, other processes. What it holds open it keeps. For
 * workers of one thread; there is no way back.
 */
#include "backend/model/err.h"

enum { SANDBOX_NOBODY = 65534 };

/* uid and gid 0: nobody. Memory is limited to memory_bytes of address space. When we are not root
 * the user stays as it is. Sanitizer builds keep files and memory, which the sanitizer needs. */
int sandbox_enter(unsigned uid, unsigned gid, unsigned long memory_bytes, struct err *e);

#endif
