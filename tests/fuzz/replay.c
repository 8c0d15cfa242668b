/*
** replay.c - runs a fuzz target over the files of a folder, each a test.
**
**     replay_NAME FOLDER      closes with "N passed, N failed"
**
** A target that does not come back ends the program; the file is named before each run by
** -v, and always when it breaks off.
*/
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

static char path[PATH_MAX];

static void name_input(int number)
{
    static const char text[] = "FAILED with this input: ";
    if (write(STDOUT_FILENO, text, sizeof text - 1) < 0 ||
        write(STDOUT_FILENO, path, strlen(path)) < 0 || write(STDOUT_FILENO, "\n", 1) < 0)
        _exit(2);
    signal(number, SIG_DFL);
    raise(number);
}

/* The content in a block of exactly its size, so that a read past its end is seen. */
static void run_file(void)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size) {
        perror(path);
        exit(2);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int main(int count, char **arguments)
{
    int passed = 0;
    const char *folder = arguments[count - 1];
    DIR *directory = opendir(folder);
    if (!directory) {
        perror(folder);
        return 2;
    }
    signal(SIGABRT, name_input);
    for (struct dirent *entry; (entry = readdir(directory)); ) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (count > 2)
            puts(path);
        run_file();
        passed++;
    }
    closedir(directory);
    printf("%d passed, %d failed\n", passed, passed == 0);
    return passed == 0;
}
