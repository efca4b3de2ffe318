#include "backend/engine/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void fault_point(void)
{
    static long left = -1; /* -1: not looked yet; 0: never */

    if (left == 0)
        return;
    if (left < 0) {
        const char *at = getenv("MESHDECK_DIE_AT");
        left = at ? strtol(at, NULL, 10) : 0;
        if (left <= 0) {
            left = 0;
            return;
        }
    }
    if (--left == 0)
        (void)kill(getpid(), SIGKILL);
}
