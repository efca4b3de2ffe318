/* Entry point; all that a command line can say is in cli_table.c. */
#include <locale.h>

#include "tui/cli.h"

int main(int argc, char **argv)
{
    (void)setlocale(LC_ALL, ""); /* an unknown locale is "C" */
    return cli_main(argc, argv);
}
