/* Asks the terminfo database, and forgets what it said. Before newterm only; one thread. */
#include "widgets/terminfo.h"

#include <unistd.h>

#include <curses.h>
/* after curses.h */
#include <term.h>

bool terminfo_has(const char *type)
{
    int found = 0;

    if (setupterm(type, STDOUT_FILENO, &found) != OK || found != 1)
        return false;
    del_curterm(cur_term);
    return true;
}
