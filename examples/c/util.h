/* Errors, memory, time, random numbers. */
#ifndef UTIL_H
#define UTIL_H

#include <stddef.h>
#include <stdint.h>

#include <zephyr.h>

/* Prints `error: SENTENCE` and ends the program. */
_Noreturn void fail(const char *format, ...);

/* Prints `error: SENTENCE`. */
void complain(const char *format, ...);

/* Ends the program if libzephyr could not do it. */
void check(zephyr_status status);

/* What went wrong last in libzephyr, as a sentence. */
const char *sentence(zephyr_status status);

/* Memory, or the end of the program. */
void *allocate(size_t len);
void *reallocate(void *memory, size_t len);
char *copy_text(const char *text);

/* Milliseconds since 1970. */
uint64_t now_ms(void);

/* Random bytes from the system. */
void random_bytes(void *out, size_t len);

/* Bytes that grow, and a way to read them back. */
struct bytes {
    uint8_t *data;
    size_t len, room;
};

void put(struct bytes *to, const void *data, size_t len);
void put_number(struct bytes *to, uint64_t number);

struct reader {
    const uint8_t *data;
    size_t left;
};

/* NULL if there is less. */
const uint8_t *take(struct reader *from, size_t len);
int take_number(struct reader *from, uint64_t *number);

#endif
