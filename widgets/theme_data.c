/*
 * Takes themes/ into the program byte for byte, so that the files there are the only place where
 * the shipped themes are written down. Constant data; any thread. The build runs in the root.
 */
#include "widgets/theme_data.h"

/* symbol_json .. symbol_end hold the bytes of one file. */
#define TAKE_FILE(symbol, file)                                                                    \
    extern const char symbol##_json[], symbol##_end[];                                             \
    __asm__(".section .rodata\n"                                                                   \
            ".globl " #symbol "_json\n" #symbol "_json:\n"                                         \
            ".incbin \"themes/" file "\"\n"                                                        \
            ".globl " #symbol "_end\n" #symbol "_end:\n"                                           \
            ".byte 0\n"                                                                            \
            ".text\n")

TAKE_FILE(theme_data_dark, "dark.json");
TAKE_FILE(theme_data_light, "light.json");
TAKE_FILE(theme_data_contrast, "contrast.json");
TAKE_FILE(theme_data_colour_blind, "colour-blind.json");
TAKE_FILE(theme_data_sixteen, "sixteen.json");
TAKE_FILE(theme_data_mono, "mono.json");

static const struct theme_data shipped[] = {
    {"dark", theme_data_dark_json, theme_data_dark_end},
    {"light", theme_data_light_json, theme_data_light_end},
    {"contrast", theme_data_contrast_json, theme_data_contrast_end},
    {"colour-blind", theme_data_colour_blind_json, theme_data_colour_blind_end},
    {"sixteen", theme_data_sixteen_json, theme_data_sixteen_end},
    {"mono", theme_data_mono_json, theme_data_mono_end},
};

const struct theme_data *theme_data_at(size_t i)
{
    return i < sizeof shipped / sizeof shipped[0] ? &shipped[i] : NULL;
}
