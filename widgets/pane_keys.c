/*
 * From keys to the bytes a guest expects. Text and control keys are written here; arrows and
 * function keys go through the emulator, which knows the guest's modes. A paste is plain text: its
 * control bytes are dropped, so that nothing in it can end the paste early. See pane.c.
 */
#include <string.h>

#include "widgets/pane_priv.h"
#include "widgets/xmem.h"

enum { SYM_F1 = 0xffbe };

/* X keysyms, as the emulator wants them. */
static const struct {
    uint32_t code, sym;
} syms[] = {
    {KEYSYM_UP, 0xff52},     {KEYSYM_DOWN, 0xff54},   {KEYSYM_LEFT, 0xff51}, {KEYSYM_RIGHT, 0xff53},
    {KEYSYM_HOME, 0xff50},   {KEYSYM_END, 0xff57},    {KEYSYM_PGUP, 0xff55}, {KEYSYM_PGDN, 0xff56},
    {KEYSYM_INSERT, 0xff63}, {KEYSYM_DELETE, 0xffff},
};

static void send(struct pane *p, const char *bytes, size_t n)
{
    p->write(p->ctx, bytes, n);
}

static bool send_named(struct pane *p, const struct key *k)
{
    unsigned mods = (k->mods & KEYMOD_SHIFT ? TSM_SHIFT_MASK : 0u) |
                    (k->mods & KEYMOD_ALT ? TSM_ALT_MASK : 0u) |
                    (k->mods & KEYMOD_CTRL ? TSM_CONTROL_MASK : 0u);
    uint32_t sym = 0;

    if (k->code >= KEYSYM_F1 && k->code <= KEYSYM_F12)
        sym = SYM_F1 + (k->code - KEYSYM_F1);
    for (size_t i = 0; i < XMEM_LEN(syms); i++)
        if (syms[i].code == k->code)
            sym = syms[i].sym;
    if (sym == 0)
        return false;
    p->answered = 0;
    return tsm_vte_handle_keyboard(p->vte, sym, 0, mods, TSM_VTE_INVALID);
}

/* The control byte of a key with Ctrl; -1 when it has none. */
static int control_byte(uint32_t code)
{
    if (code >= 'a' && code <= 'z')
        return (int)code - 'a' + 1;
    if (code == ' ' || code == '@')
        return 0;
    if (code >= '[' && code <= '_')
        return (int)code - '[' + 0x1b;
    return -1;
}

static bool send_pasted(struct pane *p, const struct key *k)
{
    char bytes[4];

    if (k->code == KEYSYM_ENTER || (k->code == 'j' && (k->mods & KEYMOD_CTRL)))
        send(p, "\r", 1);
    else if (k->code == KEYSYM_TAB)
        send(p, "\t", 1);
    else if (k->code < KEYSYM_ENTER && cells_is_safe(k->code) && !(k->mods & KEYMOD_CTRL))
        send(p, bytes, cells_encode(bytes, k->code));
    else
        return false;
    return true;
}

bool pane_key(struct pane *p, const struct key *k)
{
    char bytes[6];
    size_t n = 0;

    if (k->mods & KEYMOD_PASTED)
        return send_pasted(p, k);
    if (k->mods & KEYMOD_ALT)
        bytes[n++] = '\033';
    switch (k->code) {
    case KEYSYM_PASTE_START:
    case KEYSYM_PASTE_END:
        if (p->paste_marks)
            send(p, k->code == KEYSYM_PASTE_START ? "\033[200~" : "\033[201~", 6);
        return true;
    case KEYSYM_ENTER:
        bytes[n++] = '\r';
        break;
    case KEYSYM_TAB:
        if (k->mods & KEYMOD_SHIFT) {
            send(p, "\033[Z", 3);
            return true;
        }
        bytes[n++] = '\t';
        break;
    case KEYSYM_BACKSPACE:
        bytes[n++] = 0x7f;
        break;
    case KEYSYM_ESC:
        bytes[n++] = '\033';
        break;
    default:
        if (k->code >= KEYSYM_ENTER)
            return send_named(p, k);
        if (k->mods & KEYMOD_CTRL) {
            int c = control_byte(k->code);
            if (c < 0)
                return false;
            bytes[n++] = (char)c;
        } else {
            n += cells_encode(bytes + n, k->code);
        }
    }
    send(p, bytes, n);
    return true;
}
