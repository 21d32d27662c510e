/* The header alone: it needs nothing that it doesn't include. */
#include <zephyr.h>

int main(void) {
    return zephyr_check_abi(ZEPHYR_ABI_VERSION) == ZEPHYR_OK ? 0 : 1;
}
