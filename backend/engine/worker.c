/* What this program is when the engine starts it again as a worker. A process of its own. */
#include <errno.h>
#include <string.h>

#include "backend/engine.h"
#include "backend/guest/ssh_worker.h"
#include "backend/host/nft.h"
#include "backend/model/text.h"

enum { WORKER_FD = 3 };

int engine_worker_main(const char *kind)
{
    static const struct {
        const char *kind;
        int (*run)(int fd);
    } workers[] = {{"nft", worker_nft_main}, {"ssh", ssh_worker_main}};

    for (size_t i = 0; i < ARRAY_LEN(workers); i++)
        if (strcmp(workers[i].kind, kind) == 0)
            return workers[i].run(WORKER_FD);
    return -EINVAL;
}
