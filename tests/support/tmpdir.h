#ifndef MESHDECK_TESTS_TMPDIR_H
#define MESHDECK_TESTS_TMPDIR_H
/* A folder of a test's own, 0700, below $TMPDIR or /tmp. */
char *tmpdir_new(void);        /* heap; fails the test when it cannot be made */
void tmpdir_remove(char *dir); /* with all that is in it; frees dir */
#endif
