#ifndef MESHDECK_TUI_HELP_TEXT_H
#define MESHDECK_TUI_HELP_TEXT_H
/*
 * What the help page says, as tables of actions: the keys beside them come from the live map, the
 * risk from the table of actions, so help cannot lie.
 */
#include <stdbool.h>
#include <stddef.h>

enum { HELP_ACTIONS = 3 };

/* One line: these actions, these words. Ends at words NULL. */
struct help_entry {
    int action[HELP_ACTIONS]; /* 0 where fewer */
    const char *words;
    bool all_keys; /* every key of the first action, not only its first */
};

struct help_topic {
    const char *name, *question;
    int context; /* enum key_context of its own actions */
    const struct help_entry *here;
    const char *const *states; /* "g word" with the ASCII glyph and the UTF-8 one, NULL at the end */
};

extern const struct help_topic help_topics[];
extern const size_t help_n_topics;
extern const struct help_entry help_everywhere[];

#endif
