/* test_golden_report.c - the README's table of what was compared (make models-report). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "../unit/unit.h"

TEST("the README's table of comparisons has a row for each family")
{
    static char readme[256 * 1024];
    FILE *file = fopen(test_data("../README.md"), "rb");
    REQUIRE(file != NULL);
    readme[fread(readme, 1, sizeof readme - 1, file)] = '\0';
    fclose(file);
    char *begin = strstr(readme, "<!-- models-report");
    REQUIRE(begin != NULL);
    char *end = strstr(begin, "<!-- end -->");
    REQUIRE(end != NULL);
    *end = '\0';
    char names[1024], row[80], *rest;
    snprintf(names, sizeof names, "%s", enc_family_names());
    for (char *name = strtok_r(names, ", ", &rest); name; name = strtok_r(NULL, ", ", &rest)) {
        snprintf(row, sizeof row, "\n| `%s` |", name);
        if (!CHECK(strstr(begin, row) != NULL))
            printf("  %s is missing: make models-report\n", name);
    }
}
