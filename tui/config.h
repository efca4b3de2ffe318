#ifndef MESHDECK_TUI_CONFIG_H
#define MESHDECK_TUI_CONFIG_H
/*
 * The operator's folder: $XDG_CONFIG_HOME/meshdeck or ~/.config/meshdeck; under sudo that of the
 * user who called it, and only files which that user owns. Files are read and written with that
 * user's own rights and without following links, so that root never touches what they could not.
 */
#include <stddef.h>

/* Writes the folder's path, "" when there is none to use. wanted: a folder given, or NULL. */
void config_find(char *dir, size_t cap, const char *wanted);

/* A whole small file of that folder; *ret is to be freed. -ENOENT, or -errno with a sentence. */
int config_read(const char *dir, const char *name, char **ret, char *why, size_t cap);

/* Writes it anew, by rename; makes the folder. 0 or -errno with a sentence. */
int config_write(const char *dir, const char *name, const char *text, char *why, size_t cap);

#endif
