// A program around an IP with AXI ports: it plays a script, with a DMA's traffic beside it, at the simulator's speed.
//
// Built with -D for the width of the streams (BEAT_BITS) and the number of clocks (CLOCKS). Usage: hwgen_harness
// SEED PATIENCE [+plusargs]; PATIENCE: cycles in which nothing moves and a step does not end. Reads script.txt, a step a
// line (axi.py has them), and packets.bin, their bytes; writes
//   output.bin    the bytes of all packets of m_axis
//   packets.txt   a line for each of them, and for one that has begun: bytes, cycle of its first and of its last beat, ended
//   sent.txt      a line for each packet sent, and one under way: cycle of its first and of its last accepted beat
//   found.txt     the numbers that the script asked for, one a line
//   result.json   status (0 complete, 1 hang), line of the script, cycles, first broken rule and its cycle
//
// Inputs change behind a rising edge of their clock and are random while nothing is valid, and so are the bytes of a last
// beat that are not kept.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

namespace {

constexpr int BEAT = BEAT_BITS / 8;
constexpr uint64_t PERIODS[2] = {10, 13};  // of aclk and of s_axi_aclk

uint64_t state;

uint64_t random_word() {  // xorshift64*
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 0x2545F4914F6CDD1DULL;
}

bool chance(unsigned of_65536) { return of_65536 && (random_word() >> 48) < of_65536; }

[[noreturn]] void fail(const std::string &what) {
    std::fprintf(stderr, "error: %s\n", what.c_str());
    std::exit(3);
}

struct Packet {
    size_t start, size;
};

struct Span {
    uint64_t bytes = 0, first = 0, last = 0;
    bool ended = false;
};

Vtop *top;
std::vector<uint8_t> content;
uint64_t cycle = 0, moved = 0;
unsigned stall = 0;
std::string broken;
uint64_t broken_cycle = 0;

void breaks(const char *rule) {
    if (broken.empty()) broken = rule, broken_cycle = cycle;
}

// A pause: of single cycles, now and then of up to 256.
struct Pause {
    unsigned left = 0;
    bool next() {
        if (left) return left--, true;
        if (!chance(stall)) return false;
        if (chance(2048)) left = random_word() >> 56;
        return true;
    }
};

// The DMA's read channel.
struct Source {
    std::deque<Packet> queue;
    std::vector<Span> sent;
    size_t at = 0;
    uint64_t beats = 0, stalled = 0;
    bool valid = false;
    Pause pause;

    bool idle() const { return queue.empty() && !valid; }

    void sample() {
        if (!valid) return;
        if (!top->s_axis_tready) return stalled++, void();
        beats++, moved = cycle;
        if (at == 0) sent.push_back({0, cycle, cycle, false});
        at += BEAT, sent.back().last = cycle, valid = false;
        if (at >= queue.front().size) at = 0, sent.back().ended = true, queue.pop_front();
    }

    void drive() {
        if (valid) return;
        uint8_t beat[BEAT];
        for (int i = 0; i < BEAT; i++) beat[i] = random_word() >> 40;
        unsigned kept = random_word() >> 40;
        bool last = random_word() >> 63;
        if (!queue.empty() && !pause.next()) {
            const Packet &packet = queue.front();
            const size_t left = packet.size - at, size = left < BEAT ? left : BEAT;
            std::memcpy(beat, &content[packet.start + at], size);
            kept = (1u << size) - 1, last = left <= BEAT, valid = true;
        }
        std::memcpy(&top->s_axis_tdata, beat, BEAT);
        top->s_axis_tkeep = kept & ((1u << BEAT) - 1), top->s_axis_tlast = last, top->s_axis_tvalid = valid;
    }
};

// Its write channel.
struct Sink {
    std::vector<Span> packets;
    std::vector<uint8_t> bytes;
    uint64_t beats = 0, stalled = 0;
    bool waiting = false, open = false;
    uint8_t held[BEAT];
    unsigned held_kept = 0;
    bool held_last = false;
    Pause pause;

    size_t ended() const { return packets.size() - open; }

    void sample() {
        if (!top->m_axis_tvalid) {
            if (waiting) breaks("m_axis_tvalid fell before the beat was taken");
            waiting = false;
            return;
        }
        uint8_t beat[BEAT];
        std::memcpy(beat, &top->m_axis_tdata, BEAT);
        const unsigned kept = top->m_axis_tkeep;
        const bool last = top->m_axis_tlast;
        if (waiting && (std::memcmp(beat, held, BEAT) || kept != held_kept || last != held_last))
            breaks("a beat of m_axis changed while it was not yet taken");
        std::memcpy(held, beat, BEAT), held_kept = kept, held_last = last, waiting = !top->m_axis_tready;
        if (waiting) return stalled++, void();
        beats++, moved = cycle;
        if (!kept || (kept & (kept + 1)) || (!last && kept != (1u << BEAT) - 1)) breaks("m_axis_tkeep has gaps");
        if (!open) packets.push_back({0, cycle, cycle, false});
        Span &packet = packets.back();
        for (int i = 0; i < BEAT; i++)
            if (kept >> i & 1) bytes.push_back(beat[i]), packet.bytes++;
        packet.last = cycle, packet.ended = last, open = !last;
    }

    void drive() { top->m_axis_tready = !pause.next(); }
};

// The processor: a read or a write at a time, address and data in any order, the answer taken with pauses of its own.
struct Master {
    enum { IDLE, WRITES, READS } now = IDLE;
    unsigned address = 0, data = 0, answer = 0;
    bool address_due = false, data_due = false, waiting = false;
    Pause pauses[3];

    void start(bool writes, unsigned where, unsigned what) {
        now = writes ? WRITES : READS, address = where, data = what, address_due = true, data_due = writes;
    }

    void sample() {
        const bool valid = now == READS ? top->s_axi_rvalid : top->s_axi_bvalid;
        if (top->s_axi_rvalid && (now != READS || address_due)) breaks("s_axi_rvalid without a question");
        if (top->s_axi_bvalid && (now != WRITES || address_due || data_due)) breaks("s_axi_bvalid without a question");
        if (waiting && !valid) breaks("an answer of s_axi fell before it was taken");
        waiting = false;
        if (now == IDLE) return;
        if (now == WRITES) {
            const bool taken = valid && top->s_axi_bready;
            if (top->s_axi_awvalid && top->s_axi_awready) address_due = false;
            if (top->s_axi_wvalid && top->s_axi_wready) data_due = false;
            if (taken && top->s_axi_bresp) breaks("s_axi_bresp is not OKAY");
            waiting = valid && !taken;
            if (taken) now = IDLE;
        } else {
            const bool taken = valid && top->s_axi_rready;
            if (top->s_axi_arvalid && top->s_axi_arready) address_due = false;
            if (taken) answer = top->s_axi_rdata;
            if (taken && top->s_axi_rresp) breaks("s_axi_rresp is not OKAY");
            waiting = valid && !taken;
            if (taken) now = IDLE;
        }
    }

    void drive() {
        if (now != WRITES || !address_due) top->s_axi_awvalid = 0;
        if (now != READS || !address_due) top->s_axi_arvalid = 0;
        if (!data_due) top->s_axi_wvalid = 0;
        top->s_axi_bready = now == WRITES && !pauses[0].next();
        top->s_axi_rready = now == READS && !pauses[0].next();
        if (now == WRITES && address_due && !top->s_axi_awvalid && !pauses[1].next()) top->s_axi_awvalid = 1;
        if (now == WRITES && data_due && !top->s_axi_wvalid && !pauses[2].next()) top->s_axi_wvalid = 1;
        if (now == READS && address_due && !top->s_axi_arvalid && !pauses[1].next()) top->s_axi_arvalid = 1;
        if (!top->s_axi_awvalid) top->s_axi_awaddr = random_word() & 0xfff;
        else top->s_axi_awaddr = address;
        if (!top->s_axi_arvalid) top->s_axi_araddr = random_word() & 0xfff;
        else top->s_axi_araddr = address;
        top->s_axi_wdata = top->s_axi_wvalid ? data : unsigned(random_word());
        top->s_axi_wstrb = top->s_axi_wvalid ? 0xf : random_word() & 0xf;
        top->s_axi_awprot = top->s_axi_arprot = random_word() & 7;
    }
};

Source source;
Sink sink;
Master master;

struct Step {
    std::string word;
    uint64_t a = 0, b = 0, c = 0;
};

std::vector<Step> steps;
size_t place = 0;
bool begun = false;
uint64_t since = 0, packets_before = 0, in_before = 0, out_before = 0;
std::vector<uint64_t> found;

// Whether the step at `place` is over; called behind each edge of the registers' clock.
bool over(const Step &step) {
    const bool first = !begun;
    if (first) begun = true, since = cycle;
    if (step.word == "write" || step.word == "read" || step.word == "poll") {
        if (first) return master.start(step.word == "write", step.a, step.b), false;
        if (master.now != Master::IDLE) return false;
        if (step.word == "read") found.push_back(master.answer);
        if (step.word != "poll" || (master.answer & step.b) == step.c) return true;
        return master.start(false, step.a, 0), false;
    }
    if (step.word == "send") return source.queue.push_back({step.a, step.b}), true;
    if (step.word == "stall") return stall = step.a, true;
    if (step.word == "wait") return cycle >= since + step.a;
    if (step.word == "taken") return source.beats >= in_before + step.a;  // beats since the mark
    if (step.word == "given") return sink.beats >= out_before + step.a;
    if (step.word == "received") return sink.ended() >= packets_before + step.a;
    if (step.word == "drained") return source.idle();
    if (step.word == "mark") {  // a point in time: from here on beats and packets are counted
        packets_before = sink.ended(), in_before = source.beats, out_before = sink.beats;
        return found.push_back(sink.packets.size()), true;
    }
    if (step.word == "irq") return found.push_back(top->irq), true;
    if (step.word == "counts") {
        for (uint64_t value : {source.beats, source.stalled, sink.beats, sink.stalled}) found.push_back(value);
        return true;
    }
    fail("no such step: " + step.word);
}

void resets(bool active) {
    top->aresetn = !active;
#if CLOCKS == 2
    top->s_axi_aresetn = !active;
#endif
}

// One rising edge of the clocks of `which` (bit 0 aclk, bit 1 the registers'), and the falling one.
void edge(unsigned which, bool works) {
    top->eval();
    if (works) {
        if (which & 1) source.sample(), sink.sample();
        if (which & 2) master.sample();
    }
    if (which & 1) top->aclk = 1, cycle++;
#if CLOCKS == 2
    if (which & 2) top->s_axi_aclk = 1;
#endif
    top->eval();
    if (works) {
        if (which & 2)
            for (; place < steps.size() && over(steps[place]); place++) begun = false, moved = cycle;
        if (which & 1) source.drive(), sink.drive();
        if (which & 2) master.drive();
    }
    if (which & 1) top->aclk = 0;
#if CLOCKS == 2
    if (which & 2) top->s_axi_aclk = 0;
#endif
    top->eval();
}

void read_script() {
    std::ifstream script("script.txt");
    for (std::string line; std::getline(script, line);) {
        std::istringstream words(line);
        Step step;
        words >> step.word >> step.a >> step.b >> step.c;
        steps.push_back(step);
    }
    std::ifstream packets("packets.bin", std::ios::binary);
    content.assign(std::istreambuf_iterator<char>(packets), {});
    for (const Step &step : steps)
        if (step.word == "send" && (!step.b || step.a + step.b > content.size())) fail("a packet beyond packets.bin");
    if (steps.empty()) fail("no script");
}

}  // namespace

int main(int argc, char **argv) {
    if (argc < 3) fail("usage: SEED PATIENCE");
    VerilatedContext context;
    context.commandArgs(argc, argv);
    state = std::strtoull(argv[1], nullptr, 10) * 2 + 1;
    for (int i = 0; i < 16; i++) random_word();
    const uint64_t patience = std::strtoull(argv[2], nullptr, 10);
    read_script();
    top = new Vtop{&context, ""};
    top->s_axis_tvalid = top->m_axis_tready = top->s_axi_awvalid = top->s_axi_wvalid = top->s_axi_arvalid = 0;
    top->s_axi_bready = top->s_axi_rready = 0;
    uint64_t next[2] = {PERIODS[0], PERIODS[1]};
    bool hangs = false;
    unsigned reset_edges = 16;
    resets(true);
    while (place < steps.size() && !hangs) {
#if CLOCKS == 2
        const uint64_t time = next[0] < next[1] ? next[0] : next[1];
        const unsigned which = (next[0] == time) | (next[1] == time) << 1;
        for (int i = 0; i < 2; i++)
            if (next[i] == time) next[i] += PERIODS[i];
#else
        const unsigned which = 3;
#endif
        if (reset_edges) {
            edge(which, false);
            if (--reset_edges == 0) resets(false), cycle = 0;
            continue;
        }
        edge(which, true);
        hangs = cycle > moved + patience;
    }
    top->final();
    FILE *file = std::fopen("output.bin", "wb");
    if (!file || std::fwrite(sink.bytes.data(), 1, sink.bytes.size(), file) != sink.bytes.size() || std::fclose(file))
        fail("cannot write output.bin");
    std::ofstream packets("packets.txt"), sent("sent.txt"), numbers("found.txt"), result("result.json");
    for (const Span &one : sink.packets)
        packets << one.bytes << ' ' << one.first << ' ' << one.last << ' ' << one.ended << '\n';
    for (const Span &one : source.sent) sent << one.first << ' ' << one.last << '\n';
    for (uint64_t number : found) numbers << number << '\n';
    result << "{\"status\": " << hangs << ", \"line\": " << place << ", \"cycles\": " << cycle << ", \"broken\": \""
           << broken << "\", \"broken_cycle\": " << broken_cycle << "}\n";
    for (std::ofstream *out : {&packets, &sent, &numbers, &result}) {
        out->close();
        if (!*out) fail("cannot write a record");
    }
    return 0;
}
