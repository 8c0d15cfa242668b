/* test_poll.c - core/base/poll.c: one place that asks "go on?". */
#include "unit.h"

#include "poll.h"

typedef struct questions {
    int asked;
    int stop_at; /* the question that is answered with stop; 0: none */
} questions;

static int count_question(void *context)
{
    questions *state = context;
    return ++state->asked == state->stop_at;
}

static void wait_for(const enc_poll *poll)
{
    while (enc_nanoseconds() < poll->next)
        ;
}

TEST("poll: nobody who asks, nothing to stop")
{
    CHECK(!enc_poll_stop(NULL));
    enc_poll poll;
    enc_poll_begin(&poll, NULL, NULL, 0);
    CHECK(!enc_poll_stop(&poll));
}

TEST("poll: the first question is asked at once, the next one after a while")
{
    questions state = {0, 0};
    enc_poll poll;
    enc_poll_begin(&poll, count_question, &state, 0);
    for (int i = 0; i < 1000; i++)
        CHECK(!enc_poll_stop(&poll));
    CHECK(state.asked >= 1);
    CHECK(state.asked <= 2);
    wait_for(&poll);
    int before = state.asked;
    CHECK(!enc_poll_stop(&poll));
    CHECK_INT(state.asked, before + 1);
}

TEST("poll: short calls that carry the time over are asked about together")
{
    questions state = {0, 0};
    int64_t next = 0;
    for (int i = 0; i < 1000; i++) {
        enc_poll poll;
        enc_poll_begin(&poll, count_question, &state, next);
        CHECK(!enc_poll_stop(&poll));
        next = poll.next;
    }
    CHECK(state.asked >= 1);
    CHECK(state.asked <= 3);
}

TEST("poll: once stopped it stays stopped and asks no more")
{
    questions state = {0, 1};
    enc_poll poll;
    enc_poll_begin(&poll, count_question, &state, 0);
    CHECK(enc_poll_stop(&poll));
    poll.next = 0;
    CHECK(enc_poll_stop(&poll));
    CHECK_INT(state.asked, 1);
}

typedef struct helper {
    enc_poll *poll;
    bool stopped;
} helper;

static void *helper_thread(void *context)
{
    helper *self = context;
    self->stopped = enc_poll_stop(self->poll);
    return NULL;
}

static bool stopped_in_helper(enc_poll *poll)
{
    helper self = {poll, false};
    pthread_t thread;
    if (!CHECK(pthread_create(&thread, NULL, helper_thread, &self) == 0))
        return false;
    pthread_join(thread, NULL);
    return self.stopped;
}

TEST("poll: a helper thread never calls the caller's function but sees the stop")
{
    questions state = {0, 1};
    enc_poll poll;
    enc_poll_begin(&poll, count_question, &state, 0);
    CHECK(!stopped_in_helper(&poll));
    CHECK_INT(state.asked, 0);
    CHECK(enc_poll_stop(&poll));
    CHECK(stopped_in_helper(&poll));
    CHECK_INT(state.asked, 1);
}

TEST("poll: the clock goes forward")
{
    int64_t begin = enc_nanoseconds();
    CHECK(begin > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = enc_nanoseconds();
        CHECK(now >= begin);
        begin = now;
    }
}
