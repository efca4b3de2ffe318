#ifndef MESHDECK_WIDGETS_ROLE_H
#define MESHDECK_WIDGETS_ROLE_H
/* What a piece of text means. The theme says how each role looks; views only name roles. */

enum role {
    ROLE_BASE,
    ROLE_DIM,
    ROLE_STRONG,
    ROLE_MATCH,
    ROLE_HEADER,
    ROLE_HEADER_PROD,
    ROLE_TAB,
    ROLE_TAB_ON,
    ROLE_COLHEAD,
    ROLE_COLHEAD_SORT,
    ROLE_CURSOR,
    ROLE_MARKED,
    ROLE_OK,
    ROLE_OFF,
    ROLE_BUSY,
    ROLE_WARN,
    ROLE_CRIT,
    ROLE_UNKNOWN,
    ROLE_FOREIGN,
    ROLE_CHANGED,
    ROLE_ADDED,
    ROLE_REMOVED,
    ROLE_STALE,
    ROLE_KEY,
    ROLE_DISABLED,
    ROLE_INPUT,
    ROLE_INPUT_BAD,
    ROLE_GHOST,
    ROLE_BUTTON,
    ROLE_DIALOG,
    ROLE_BADGE,
    ROLE_SPARK,
    ROLE_COUNT,
    ROLE_RAW = 255 /* canvas only: the cell carries colours of its own (the terminal pane) */
};

/* "base", "header_prod" ...; -1 for a name that is none. */
const char *role_name(enum role role);
int role_from_name(const char *name);

#endif
