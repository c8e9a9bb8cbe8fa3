// The yardstick of speed.py: a Verilated design in a C++ loop, random beats in, nothing compared or recorded.
//
// HWGEN_INPUT_BITS is the width of its input; HWGEN_COEFFICIENTS is defined where it has a second input stream. Where
// they have a TLAST, HWGEN_INPUT_LAST and HWGEN_COEFFICIENTS_LAST, frames have HWGEN_INPUT_BEATS and
// HWGEN_COEFFICIENT_BEATS.
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
    uint32_t place = 0, word = 0;  // in a frame
    design.aresetn = 0;
    design.s_axis_tvalid = 1;
    design.m_axis_tready = 1;
#ifdef HWGEN_COEFFICIENTS
    design.s_coef_tvalid = 1;
#endif
    for (uint64_t cycle = 0; cycle < cycles + 16; cycle++) {
        design.aclk = 0;
        design.eval();
        if (cycle == 16) design.aresetn = 1;
        if (design.s_axis_tready) {
            random = random * 1664525u + 1013904223u;
            design.s_axis_tdata = random >> (32 - HWGEN_INPUT_BITS);
#ifdef HWGEN_INPUT_LAST
            if (cycle >= 16) place = place == HWGEN_INPUT_BEATS ? 1 : place + 1;
            design.s_axis_tlast = place == HWGEN_INPUT_BEATS;
#endif
        }
#ifdef HWGEN_COEFFICIENTS
        if (design.s_coef_tready) {
            design.s_coef_tdata = random;
#ifdef HWGEN_COEFFICIENTS_LAST
            if (cycle >= 16) word = word == HWGEN_COEFFICIENT_BEATS ? 1 : word + 1;
            design.s_coef_tlast = word == HWGEN_COEFFICIENT_BEATS;
#endif
        }
#endif
        design.aclk = 1;
        design.eval();
        beats += design.m_axis_tvalid;
    }
    std::printf("%llu\n", (unsigned long long)beats);
    return 0;
}
