/* The operator's name for the journal, and his way in. Main thread, at the start. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/engine.h"
#include "backend/host/uplink.h"
#include "backend/model/text.h"

_Static_assert((int)ENGINE_WAY_IN_TEXT == (int)WAY_IN_TEXT, "one length for the same text");

void engine_operator(char who[static ENGINE_WHO_TEXT], char way_in[static ENGINE_WAY_IN_TEXT])
{
    const char *name = getenv("SUDO_USER");
    char tty_host[WAY_IN_TEXT], from[WAY_IN_TEXT], raw[ENGINE_WHO_TEXT], room[1024];
    struct passwd pw, *found = NULL;

    way_in_read_session(way_in, tty_host);
    (void)str_copy(from, sizeof from, way_in[0] ? way_in : tty_host);
    from[strcspn(from, " ")] = '\0'; /* SSH_CONNECTION begins with the client's address */
    if ((!name || !name[0]) && getpwuid_r(getuid(), &pw, room, sizeof room, &found) == 0 && found)
        name = found->pw_name;
    (void)snprintf(raw, sizeof raw, "%.32s%s%.48s", name && name[0] ? name : "somebody",
                   from[0] ? " from " : "", from);
    text_clean(who, ENGINE_WHO_TEXT, raw, strlen(raw));
}
