/* From reset to main(), and the way out through QEMU's semihosting. */
#include "start.h"

extern char stack_top[];

static uint32_t semihost(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void print(const char *text) {
    static const char console[] = ":tt";
    static uint32_t handle;
    uintptr_t write[3] = {0, (uintptr_t)text, 0};
    if (handle == 0) {
        const uintptr_t open[3] = {(uintptr_t)console, 4, sizeof console - 1}; /* 4: to write */
        handle = semihost(0x01, open);                                         /* SYS_OPEN */
    }
    while (text[write[2]] != '\0') {
        write[2]++;
    }
    write[0] = handle;
    semihost(0x05, write); /* SYS_WRITE */
}

void leave(bool good) {
    /* SYS_EXIT: ADP_Stopped_ApplicationExit, or ADP_Stopped_InternalError. */
    semihost(0x18, (const void *)(good ? 0x20026u : 0x20024u));
    for (;;) {
    }
}

/* libzephyr calls it if it has a bug. */
void abort(void);
void abort(void) {
    print("aborted\n");
    leave(false);
}

void reset(void) {
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20; /* the floating-point unit, which the compiler may use */
    __asm__ volatile("dsb\n\tisb");
    leave(main() == 0);
}

static void fault(void) {
    print("a fault\n");
    leave(false);
}

/* QEMU clears RAM and loads .data, so that nothing else is to be done. */
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top, (const void *)(uintptr_t)reset, (const void *)(uintptr_t)fault, (const void *)(uintptr_t)fault,
    (const void *)(uintptr_t)fault, (const void *)(uintptr_t)fault, (const void *)(uintptr_t)fault,
};
