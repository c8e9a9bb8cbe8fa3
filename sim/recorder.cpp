// The files of a simulation run, and the protocol check of every stream (called from the harness by DPI).
//
// Reads input.bin and, where there is one, coefficients.bin (one 32-bit word per beat of that input stream, little
// endian) from the current folder, beside them input_last.bin and coefficients_last.bin where TLAST is scripted (one
// byte per beat), and profiles.bin where frames have profiles (one byte per beat of input.bin), and writes
//   stream_<i>.rec   one 64-bit word per transferred beat: value [31:0], last [32], cycle [63:33]
//   streams.txt      one line per stream: index beats stalled valid ready kind cycle
//                    (stalled: cycles of valid without ready; valid, ready: at the end;
//                    kind, cycle: first protocol violation: 0 none, 1 payload changed, 2 valid dropped)
//   links.txt        the same of streams that are watched and not recorded, one line per violated one: index kind cycle

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace {

struct Stream {
    FILE *file = nullptr;
    uint64_t beats = 0;
    uint64_t stalled = 0;
    bool waiting = false;  // the last call was a stall; the beat must still be there one cycle later
    uint64_t word = 0;     // the stalled beat, without its cycle
    uint32_t cycle = 0;    // of the last call
    int violation = 0;
    uint32_t violation_cycle = 0;
    bool valid = false, ready = false;
};

std::vector<Stream> streams;
std::map<int, Stream> links;      // those with a violation
std::vector<uint32_t> inputs[2];  // the input's beats, the coefficients'
std::vector<uint8_t> lasts[2];    // TLAST of each beat; empty where it is not scripted
std::vector<uint8_t> profiles;    // beside each beat of the input; empty where there are none

[[noreturn]] void fail(const std::string &what) {
    std::perror(("hwgen recorder: " + what).c_str());
    std::exit(3);
}

void violate(Stream &s, int kind, uint32_t cycle) {
    if (s.violation) return;
    s.violation = kind;
    s.violation_cycle = cycle;
}

template <typename Word>
void load(std::vector<Word> &words, const char *name, bool optional = false) {
    FILE *file = std::fopen(name, "rb");
    if (!file && optional && errno == ENOENT) return;
    if (!file) fail(name);
    std::fseek(file, 0, SEEK_END);
    words.resize(std::ftell(file) / sizeof(Word));
    std::rewind(file);
    if (std::fread(words.data(), sizeof(Word), words.size(), file) != words.size()) fail(name);
    std::fclose(file);
}

}  // namespace

extern "C" {

void hwgen_open(int count, unsigned char coefficients) {
    load(inputs[0], "input.bin");
    load(lasts[0], "input_last.bin", true);
    load(profiles, "profiles.bin", true);
    if (coefficients) {
        load(inputs[1], "coefficients.bin");
        load(lasts[1], "coefficients_last.bin", true);
    }
    streams.resize(count);
    for (int i = 0; i < count; i++) {
        const std::string name = "stream_" + std::to_string(i) + ".rec";
        streams[i].file = std::fopen(name.c_str(), "wb");
        if (!streams[i].file) fail(name);
        std::setvbuf(streams[i].file, nullptr, _IOFBF, 1 << 16);
    }
}

unsigned hwgen_input(int source, unsigned beat) { return inputs[source][beat % inputs[source].size()]; }

unsigned char hwgen_last(int source, unsigned beat) { return lasts[source].at(beat); }

unsigned char hwgen_profile(unsigned beat) { return profiles.empty() ? 0 : profiles[beat % profiles.size()]; }

void hwgen_offer(int stream, unsigned char ready, unsigned payload, unsigned char last, unsigned cycle) {
    Stream &s = streams[stream];
    const uint64_t word = payload | (uint64_t(last) << 32);
    if (s.waiting) {
        if (cycle != s.cycle + 1) violate(s, 2, s.cycle + 1);
        else if (word != s.word) violate(s, 1, cycle);
    }
    s.cycle = cycle;
    s.word = word;
    s.waiting = !ready;
    if (ready) {
        const uint64_t record = word | (uint64_t(cycle) << 33);
        if (std::fwrite(&record, 8, 1, s.file) != 1) fail("cannot write a record");
        s.beats++;
    } else {
        s.stalled++;
    }
}

void hwgen_final(int stream, unsigned char valid, unsigned char ready) {
    streams[stream].valid = valid;
    streams[stream].ready = ready;
}

void hwgen_broken(int link, unsigned char dropped, unsigned cycle) { violate(links[link], dropped ? 2 : 1, cycle); }

void hwgen_close() {
    FILE *file = std::fopen("streams.txt", "w");
    if (!file) fail("streams.txt");
    for (size_t i = 0; i < streams.size(); i++) {
        Stream &s = streams[i];
        if (std::fclose(s.file)) fail("cannot close a record");
        std::fprintf(file, "%zu %llu %llu %d %d %d %u\n", i, (unsigned long long)s.beats,
                     (unsigned long long)s.stalled, s.valid, s.ready, s.violation, s.violation_cycle);
    }
    if (std::fclose(file)) fail("streams.txt");
    file = std::fopen("links.txt", "w");
    if (!file) fail("links.txt");
    for (const auto &[i, s] : links) std::fprintf(file, "%d %d %u\n", i, s.violation, s.violation_cycle);
    if (std::fclose(file)) fail("links.txt");
}

}
