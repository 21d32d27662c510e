/* Reads a byte too many: the tools that watch over the tests must notice. By itself it ends well. */
#include <stdlib.h>

int main(int argc, char **argv) {
    volatile char *bytes = (volatile char *)calloc(1, 8);
    char beyond = bytes == NULL ? 0 : bytes[8 * argc];
    (void)argv;
    (void)beyond;
    free((void *)bytes);
    return 0;
}
