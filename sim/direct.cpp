// A program around the bench without cocotb: it starts in milliseconds, for runs by the thousand.
//
// Usage: hwgen_harness NAME=VALUE ... [+plusargs]
// Each NAME is a setting of harness.sv, VALUE a decimal number. Writes result.json, as bench.py does.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "Vtop.h"
#include "verilated.h"
#include "verilated_vpi.h"
#include "vpi_user.h"

static vpiHandle found(const std::string &name) {
    const std::string path = "hwgen_harness." + name;
    vpiHandle handle = vpi_handle_by_name(const_cast<char *>(path.c_str()), nullptr);
    if (!handle) {
        std::fprintf(stderr, "error: no %s in the bench\n", path.c_str());
        std::exit(3);
    }
    return handle;
}

static void put(const std::string &name, uint64_t number) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%llx", (unsigned long long)number);
    s_vpi_value value;
    value.format = vpiHexStrVal;
    value.value.str = digits;
    vpi_put_value(found(name), &value, nullptr, vpiNoDelay);
}

static int get(vpiHandle handle) {
    s_vpi_value value;
    value.format = vpiIntVal;
    vpi_get_value(handle, &value);
    return value.value.integer;
}

int main(int argc, char **argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vtop top{&context, ""};
    top.eval();
    for (int i = 1; i < argc; i++)
        if (const char *sign = argv[i][0] == '+' ? nullptr : std::strchr(argv[i], '='))
            put(std::string(argv[i], sign - argv[i]), std::strtoull(sign + 1, nullptr, 10));
    put("start", 1);
    vpiHandle done = found("done");
    while (!context.gotFinish() && !get(done)) {
        top.eval();
        if (!top.eventsPending()) break;
        context.time(top.nextTimeSlot());
    }
    if (!get(done)) {
        std::fprintf(stderr, "error: the simulation ended before the bench was done\n");
        return 3;
    }
    const int status = get(found("status")), cycles = get(found("cycle"));
    const unsigned errors = get(found("frame_errors")), error_cycles = get(found("error_cycles"));
    top.final();
    const char *form = "{\"status\": %d, \"cycles\": %d, \"frame_errors\": %u, \"error_cycles\": %u}";
    FILE *file = std::fopen("result.json", "w");
    if (!file || std::fprintf(file, form, status, cycles, errors, error_cycles) < 0 || std::fclose(file)) {
        std::perror("result.json");
        return 3;
    }
    return 0;
}
