/* What the tests are written with: the first check that fails ends the program and says where. */
#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zephyr.h>

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);         \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

/* The call answers with this status. */
#define ANSWERS(status, call) test_answers((status), (call), #call, __FILE__, __LINE__)

/* The call succeeds. */
#define OK(call) ANSWERS(ZEPHYR_OK, call)

static inline void test_answers(int expected, int status, const char *call, const char *file, int line) {
    if (status == expected) {
        return;
    }
    fprintf(stderr, "%s:%d: %s\n  expected: %s\n  answered: %s\n", file, line, call,
            zephyr_status_text(expected), zephyr_status_text(status));
#ifdef ZEPHYR_IO
    {
        char detail[1024];
        if (status != ZEPHYR_OK && zephyr_last_error(detail, sizeof detail, NULL) == ZEPHYR_OK) {
            fprintf(stderr, "  detail:   %s\n", detail);
        }
    }
#endif
    exit(1);
}

#endif
