/* test_random.c - core/base/random.c: numbers that nobody had before. */
#include <sys/wait.h>
#include <unistd.h>

#include "encoder.h"
#include "unit.h"

TEST("random: a thousand numbers differ, and each bit is set in about half of them")
{
    enum { N = 1000 };
    uint64_t seen[N];
    for (int i = 0; i < N; i++) {
        seen[i] = enc_random();
        for (int j = 0; j < i; j++)
            CHECK(seen[j] != seen[i]);
    }
    for (int bit = 0; bit < 64; bit++) {
        int set = 0;
        for (int i = 0; i < N; i++)
            set += (int)(seen[i] >> bit & 1);
        CHECK(set > 350 && set < 650);
    }
}

TEST("random: a child of the process has other numbers than its parent")
{
    int ends[2];
    uint64_t theirs = 0;
    enc_random();
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const uint64_t number = enc_random();
        _exit(write(ends[1], &number, sizeof number) != sizeof number);
    }
    const uint64_t ours = enc_random();
    CHECK_INT(read(ends[0], &theirs, sizeof theirs), sizeof theirs);
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(ours != theirs);
    close(ends[0]);
    close(ends[1]);
}
