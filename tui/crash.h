#ifndef MESHDECK_TUI_CRASH_H
#define MESHDECK_TUI_CRASH_H
/*
 * While the console has the terminal: what others write to standard error is kept and said
 * afterwards, and a fatal signal puts the terminal back before the process ends. Console thread,
 * but for the handler itself.
 */

void crash_begin(void);
void crash_end(void);
/* What the screen shows ("VMs"), a string that lives for ever; told when the process dies. */
void crash_note_place(const char *place);

#endif
