#ifndef MESHDECK_TUI_VM_PARTS_H
#define MESHDECK_TUI_VM_PARTS_H
/*
 * The parts that the VM's page and its inspector are made of: addresses, use with history, process,
 * serial tail, journal. `d` holds the answer to vm.detail; what it has not said yet stays blank.
 */
#include <stddef.h>

#include "backend/model/rows.h"
#include "tui/detail.h"
#include "widgets/canvas.h"

struct console;

/* Each draws from row on and returns the row after its last. */
int vm_parts_addresses(const struct detail *d, const struct vm_row *vm, struct canvas c, int row);
int vm_parts_use(const struct detail *d, const struct vm_row *vm, struct canvas c, int row);
int vm_parts_process(const struct detail *d, const struct vm_row *vm, struct canvas c, int row);
int vm_parts_serial(const struct detail *d, struct canvas c, int row, int lines);
int vm_parts_journal(const struct console *c, const struct detail *d, struct canvas at, int row,
                     int lines, int cursor);
size_t vm_parts_n_journal(const struct detail *d);
uint64_t vm_parts_journal_id(const struct detail *d, size_t newest_first);

void vm_parts_inspect(struct console *c, const struct detail *d, const struct vm_row *vm,
                      struct canvas at, int top);
const char *vm_parts_copy(const struct vm_row *vm, char letter, char *buf, size_t cap,
                          const char **ret_what);
const struct vm_row *vm_by_name(const struct console *c, const char *name); /* NULL: gone */

#endif
