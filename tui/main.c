/* Entry point. The command line is parsed in tui/cli; this only starts it. */
#include <stdio.h>

int main(void)
{
    puts("meshdeck");
    return 0;
}
