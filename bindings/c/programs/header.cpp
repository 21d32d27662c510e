// The header of C++ alone, and the one of C as C++ reads it.
#include <zephyr.hpp>

#include <zephyr.h>

int main() {
    zephyr::check_abi();
}
