/* What the program has without an operating system. */
#ifndef START_H
#define START_H

#include <stdbool.h>
#include <stdint.h>

int main(void);
void reset(void);

/* Prints to where QEMU was started. */
void print(const char *text);

/* Ends QEMU. */
void leave(bool good) __attribute__((noreturn));

#endif
