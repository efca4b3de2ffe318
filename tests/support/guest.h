#ifndef MESHDECK_TESTS_GUEST_H
#define MESHDECK_TESTS_GUEST_H
/*
 * Real guests for tests: the built-in image in a state folder of the test's own, and a VM's folder
 * with disk and seed. The built-in image is made by `make guest`.
 */
#include "backend/guest/seed.h"
#include "backend/vmm/vmm.h"

struct guest {
    char *state;      /* the state folder, removed by guest_done */
    char folder[256]; /* the VM's */
    char name[32];
    uid_t uid; /* 0 when the test is not root */
    struct key_pair host_key;
    struct seed seed;     /* as it was written; its texts live as long as the guest */
    struct vmm_spec spec; /* ready to start; no NIC unless the test adds one */
};

/* NULL when real guests can run here, else why not: for "# SKIP". */
const char *guest_lacks(void);

/* Everything but the start. Ends the test program when it cannot be made. */
void guest_make(struct guest *g, const char *name);
void guest_done(struct guest *g);

#endif
