#include "util.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(const char *format, va_list arguments) {
    fputs("error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    exit(1);
}

const char *sentence(zephyr_status status) {
#ifdef ZEPHYR_IO
    static char detail[512];
    if (zephyr_last_error(detail, sizeof detail, NULL) == ZEPHYR_OK && detail[0] != '\0') {
        return detail;
    }
#endif
    return zephyr_status_text(status);
}

void check(zephyr_status status) {
    if (status != ZEPHYR_OK) {
        fail("%s", sentence(status));
    }
}

void *allocate(size_t len) {
    return reallocate(NULL, len);
}

void *reallocate(void *memory, size_t len) {
    void *larger = realloc(memory, len > 0 ? len : 1);
    if (larger == NULL) {
        fail("there is not enough memory");
    }
    return larger;
}

char *copy_text(const char *text) {
    size_t len = strlen(text) + 1;
    return memcpy(allocate(len), text, len);
}

uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void random_bytes(void *out, size_t len) {
    int file = open("/dev/urandom", O_RDONLY);
    if (file < 0 || read(file, out, len) != (ssize_t)len) {
        fail("the system gives no random numbers");
    }
    close(file);
}

void put(struct bytes *to, const void *data, size_t len) {
    if (len > to->room - to->len) {
        to->room = 2 * to->room + len;
        to->data = reallocate(to->data, to->room);
    }
    if (len > 0) {
        memcpy(to->data + to->len, data, len);
    }
    to->len += len;
}

void put_number(struct bytes *to, uint64_t number) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (8 * i));
    }
    put(to, bytes, sizeof bytes);
}

const uint8_t *take(struct reader *from, size_t len) {
    if (from->left < len) {
        return NULL;
    }
    const uint8_t *taken = from->data;
    from->data += len;
    from->left -= len;
    return taken;
}

int take_number(struct reader *from, uint64_t *number) {
    const uint8_t *bytes = take(from, 8);
    if (bytes == NULL) {
        return 0;
    }
    *number = 0;
    for (int i = 0; i < 8; i++) {
        *number |= (uint64_t)bytes[i] << (8 * i);
    }
    return 1;
}
