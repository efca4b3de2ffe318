/* The names of the roles, as theme files spell them. Constant data; any thread. */
#include "widgets/role.h"

#include <string.h>

static const char *const names[] = {
    [ROLE_BASE] = "base",
    [ROLE_DIM] = "dim",
    [ROLE_STRONG] = "strong",
    [ROLE_MATCH] = "match",
    [ROLE_HEADER] = "header",
    [ROLE_HEADER_PROD] = "header_prod",
    [ROLE_TAB] = "tab",
    [ROLE_TAB_ON] = "tab_on",
    [ROLE_COLHEAD] = "colhead",
    [ROLE_COLHEAD_SORT] = "colhead_sort",
    [ROLE_CURSOR] = "cursor",
    [ROLE_MARKED] = "marked",
    [ROLE_OK] = "ok",
    [ROLE_OFF] = "off",
    [ROLE_BUSY] = "busy",
    [ROLE_WARN] = "warn",
    [ROLE_CRIT] = "crit",
    [ROLE_UNKNOWN] = "unknown",
    [ROLE_FOREIGN] = "foreign",
    [ROLE_CHANGED] = "changed",
    [ROLE_ADDED] = "added",
    [ROLE_REMOVED] = "removed",
    [ROLE_STALE] = "stale",
    [ROLE_KEY] = "key",
    [ROLE_DISABLED] = "disabled",
    [ROLE_INPUT] = "input",
    [ROLE_INPUT_BAD] = "input_bad",
    [ROLE_GHOST] = "ghost",
    [ROLE_BUTTON] = "button",
    [ROLE_DIALOG] = "dialog",
    [ROLE_BADGE] = "badge",
    [ROLE_SPARK] = "spark",
};
_Static_assert(sizeof names / sizeof names[0] == ROLE_COUNT, "one name per role");

const char *role_name(enum role role)
{
    return (unsigned)role < ROLE_COUNT ? names[role] : "raw";
}

int role_from_name(const char *name)
{
    for (int i = 0; i < ROLE_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}
