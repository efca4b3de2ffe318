/* The console is not in this build yet: running it fails and says so. Goes when it comes. */
#include <errno.h>

#include "tui/console.h"

int console_run(struct engine *en, const struct console_options *o, struct err *e)
{
    (void)en;
    (void)o;
    return err_set(e, ERR_AREA_NONE, -ENOSYS, "this build has no console yet; `meshdeck help`");
}
