// The yardstick of speed.py: a Verilated transmitter in a C++ loop, pixels in, nothing compared or recorded.
//
// Usage: Vbare CYCLES. Prints the number of output beats, so that the work cannot be optimised away.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "Vbare.h"
#include "verilated.h"

int main(int argc, char **argv) {
    const uint64_t cycles = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000000;
    VerilatedContext context;
    Vbare design{&context};
    uint32_t random = 1;
    uint64_t beats = 0;
    design.aresetn = 0;
    design.s_axis_tvalid = 1;
    design.m_axis_tready = 1;
    for (uint64_t cycle = 0; cycle < cycles + 16; cycle++) {
        design.aclk = 0;
        design.eval();
        if (cycle == 16) design.aresetn = 1;
        if (design.s_axis_tready) {
            random = random * 1664525u + 1013904223u;
            design.s_axis_tdata = random >> 8;
        }
        design.aclk = 1;
        design.eval();
        beats += design.m_axis_tvalid;
    }
    std::printf("%llu\n", (unsigned long long)beats);
    return 0;
}
