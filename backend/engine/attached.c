/* The attached end is not in this build yet: opening it fails and says so. */
#include <errno.h>

#include "backend/engine/end.h"

int engine_attached_open(const struct engine_options *o, struct engine **ret, struct err *e)
{
    (void)o;
    (void)ret;
    return err_set(e, ERR_AREA_CONTROL, -ENOSYS, "this build has no engine yet: use --demo");
}
