/* See hwgen_ip.h. */
#include "hwgen_ip.h"

#include <string.h>

#include "registers.h"

#define AT(name) ((uint32_t)offsetof(hwgen_ip_t, name))
#define FIELD(value, name) (((value) & HWGEN_IP__##name##_bm) >> HWGEN_IP__##name##_bp)
#define EVENTS (HWGEN_IP__IRQ_STATUS__FRAME_ERROR_bm | HWGEN_IP__IRQ_STATUS__LENGTH_ERROR_bm)
#define ALL_EVENTS 0xFu

/* PG021, AXI DMA, direct register mode: each channel has control, status, address and length. */
#define SEND 0x00u
#define RECEIVE 0x30u
#define DMA_CONTROL 0x00u
#define DMA_STATUS 0x04u
#define DMA_ADDRESS 0x18u
#define DMA_ADDRESS_HIGH 0x1Cu
#define DMA_LENGTH 0x28u
#define DMA_RUN 0x1u
#define DMA_RESET 0x4u
#define DMA_HALTED 0x1u
#define DMA_IDLE 0x2u
#define DMA_ERRORS 0x70u

static uint32_t direct_read(void *context, uint32_t offset) {
    return ((volatile uint32_t *)context)[offset / 4];
}

static void direct_write(void *context, uint32_t offset, uint32_t value) {
    ((volatile uint32_t *)context)[offset / 4] = value;
}

hwgen_bus hwgen_direct(void *base) {
    hwgen_bus bus = {direct_read, direct_write, base};
    return bus;
}

static uint32_t get(const hwgen_device *device, uint32_t offset) {
    return device->registers.read(device->registers.context, offset);
}

static void put(const hwgen_device *device, uint32_t offset, uint32_t value) {
    device->registers.write(device->registers.context, offset, value);
}

static uint32_t dma_get(const hwgen_device *device, uint32_t offset) {
    return device->dma.read(device->dma.context, offset);
}

static void dma_put(const hwgen_device *device, uint32_t offset, uint32_t value) {
    device->dma.write(device->dma.context, offset, value);
}

static void control(const hwgen_device *device, uint32_t bits) {
    put(device, AT(CONTROL), bits);
}

static void transfer(const hwgen_device *device, uint32_t channel, const hwgen_buffer *buffer, uint32_t bytes) {
    dma_put(device, channel + DMA_ADDRESS, (uint32_t)buffer->address);
    if (buffer->address >> 32) dma_put(device, channel + DMA_ADDRESS_HIGH, (uint32_t)(buffer->address >> 32));
    dma_put(device, channel + DMA_LENGTH, bytes); /* begins the transfer */
}

/* 1: under way, 0: over, HWGEN_DMA_ERROR. */
static int busy(const hwgen_device *device, uint32_t channel) {
    uint32_t status = dma_get(device, channel + DMA_STATUS);
    if (status & (DMA_ERRORS | DMA_HALTED)) return HWGEN_DMA_ERROR;
    return (status & DMA_IDLE) ? 0 : 1;
}

static int finish(hwgen_device *device, uint32_t channel) {
    uint32_t looks;
    int state = 1;
    for (looks = 0; state == 1 && looks < device->patience; looks++) state = busy(device, channel);
    return state == 1 ? HWGEN_TIMED_OUT : state;
}

int hwgen_reset(hwgen_device *device) {
    uint32_t looks = 0;
    control(device, HWGEN_IP__CONTROL__SOFT_RESET_bm);
    dma_put(device, SEND + DMA_CONTROL, DMA_RESET); /* of both channels */
    while (dma_get(device, SEND + DMA_CONTROL) & DMA_RESET) {
        if (++looks > device->patience) return HWGEN_TIMED_OUT;
    }
    dma_put(device, SEND + DMA_CONTROL, DMA_RUN);
    dma_put(device, RECEIVE + DMA_CONTROL, DMA_RUN);
    device->sending = device->receiving = 0;
    if (get(device, AT(STATUS)) & HWGEN_IP__STATUS__OUTPUT_FRAME_bm) { /* its last beat comes by itself */
        int status;
        transfer(device, RECEIVE, &device->output, device->output_bytes);
        status = finish(device, RECEIVE);
        if (status != HWGEN_OK) return status;
    }
    put(device, AT(IRQ_STATUS), ALL_EVENTS);
    control(device, HWGEN_IP__CONTROL__ENABLE_bm);
    return HWGEN_OK;
}

int hwgen_open(hwgen_device *device, hwgen_bus registers, hwgen_bus dma, hwgen_buffer input, hwgen_buffer output) {
    uint32_t capabilities, frame;
    memset(device, 0, sizeof *device);
    device->registers = registers;
    device->dma = dma;
    device->input = input;
    device->output = output;
    device->patience = 100000000u;
    if (get(device, AT(ID)) != HWGEN_IP__ID__VALUE_reset) return HWGEN_WRONG_DESIGN;
    if (FIELD(get(device, AT(VERSION)), VERSION__MAJOR) != HWGEN_IP__VERSION__MAJOR_reset) return HWGEN_WRONG_DESIGN;
    capabilities = get(device, AT(CAPABILITIES));
    frame = get(device, AT(FRAME));
    device->receiver = (int)FIELD(capabilities, CAPABILITIES__RECEIVER);
    device->channels = FIELD(capabilities, CAPABILITIES__CHANNELS);
    device->pixel_bytes = FIELD(capabilities, CAPABILITIES__PACKED) ? device->channels : 4;
    device->width = FIELD(frame, FRAME__WIDTH);
    device->height = FIELD(frame, FRAME__HEIGHT);
    device->input_bytes = get(device, AT(INPUT_BYTES));
    device->output_bytes = get(device, AT(OUTPUT_BYTES));
    device->profiles = get(device, AT(PROFILES));
    device->coefficient_words = get(device, AT(COEFFICIENT_WORDS));
    if (input.bytes < device->input_bytes || output.bytes < device->output_bytes) return HWGEN_WRONG_SIZE;
    return hwgen_reset(device);
}

int hwgen_send(hwgen_device *device, const void *in) {
    int state = hwgen_sent(device);
    if (state != 1) return state == 0 ? HWGEN_TIMED_OUT : state; /* the frame before is still on its way */
    memcpy(device->input.data, in, device->input_bytes);
    if (device->input.flush) device->input.flush(device->input.data, device->input_bytes);
    transfer(device, SEND, &device->input, device->input_bytes);
    device->sending = 1;
    return HWGEN_OK;
}

int hwgen_sent(hwgen_device *device) {
    int state;
    if (!device->sending) return 1;
    state = busy(device, SEND);
    if (state < 0) return state;
    device->sending = state;
    return !state;
}

int hwgen_receive(hwgen_device *device, void *out) {
    uint32_t events;
    int state;
    if (!device->receiving) {
        transfer(device, RECEIVE, &device->output, device->output_bytes);
        device->receiving = 1;
    }
    state = busy(device, RECEIVE);
    if (state != 0) return state;
    device->receiving = 0;
    events = get(device, AT(IRQ_STATUS)) & EVENTS;
    if (events) {
        put(device, AT(IRQ_STATUS), events);
        return HWGEN_FRAME_FAULT;
    }
    if (device->output.invalidate) device->output.invalidate(device->output.data, device->output_bytes);
    memcpy(out, device->output.data, device->output_bytes);
    return HWGEN_OK;
}

int hwgen_run(hwgen_device *device, const void *in, void *out) {
    uint32_t looks;
    int status, sent = 0;
    for (looks = 0; sent == 0 && looks < device->patience; looks++) sent = hwgen_sent(device);
    status = sent < 0 ? sent : hwgen_send(device, in);
    if (status == HWGEN_OK) {
        status = 1;
        for (looks = 0; status == 1 && looks < device->patience; looks++) status = hwgen_receive(device, out);
        if (status == 1) status = HWGEN_TIMED_OUT;
    }
    if (status != HWGEN_OK) (void)hwgen_reset(device);
    return status;
}

int hwgen_set_profile(hwgen_device *device, uint32_t profile) {
    if (profile >= device->profiles) return HWGEN_WRONG_SIZE;
    put(device, AT(PROFILE), profile);
    return HWGEN_OK;
}

int hwgen_set_coefficients(hwgen_device *device, const uint32_t *words) {
    uint32_t place, looks = 0;
    if (device->coefficient_words == 0) return HWGEN_WRONG_SIZE;
    while (get(device, AT(STATUS)) & HWGEN_IP__STATUS__COMMITTED_bm) {
        if (++looks > device->patience) return HWGEN_TIMED_OUT;
    }
    for (place = 0; place < device->coefficient_words; place++) put(device, AT(COEFFICIENTS) + 4 * place, words[place]);
    control(device, HWGEN_IP__CONTROL__ENABLE_bm | HWGEN_IP__CONTROL__COMMIT_bm);
    return HWGEN_OK;
}

void hwgen_read_counters(const hwgen_device *device, hwgen_counters *counters) {
    uint32_t values[sizeof *counters / 4], place;
    control(device, HWGEN_IP__CONTROL__ENABLE_bm | HWGEN_IP__CONTROL__FREEZE_bm);
    for (place = 0; place < sizeof values / 4; place++) values[place] = get(device, AT(FRAMES_IN) + 4 * place);
    control(device, HWGEN_IP__CONTROL__ENABLE_bm);
    memcpy(counters, values, sizeof values);
}

void hwgen_clear_counters(const hwgen_device *device) {
    control(device, HWGEN_IP__CONTROL__ENABLE_bm | HWGEN_IP__CONTROL__CLEAR_bm);
}

void hwgen_pack_image(const hwgen_device *device, const uint8_t *image, uint8_t *frame) {
    uint32_t pixel, pixels = device->width * device->height;
    memset(frame, 0, (size_t)pixels * device->pixel_bytes);
    for (pixel = 0; pixel < pixels; pixel++) {
        memcpy(frame + (size_t)pixel * device->pixel_bytes, image + (size_t)pixel * device->channels, device->channels);
    }
}

void hwgen_unpack_image(const hwgen_device *device, const uint8_t *frame, uint8_t *image) {
    uint32_t pixel, pixels = device->width * device->height;
    for (pixel = 0; pixel < pixels; pixel++) {
        memcpy(image + (size_t)pixel * device->channels, frame + (size_t)pixel * device->pixel_bytes, device->channels);
    }
}

const char *hwgen_text(int status) {
    switch (status) {
    case HWGEN_OK: return "done";
    case HWGEN_WRONG_DESIGN: return "no IP of hwgen's behind the registers, or one of another version";
    case HWGEN_WRONG_SIZE: return "a buffer too small for a frame, or a number out of its range";
    case HWGEN_FRAME_FAULT: return "the design found an input frame too short or too long";
    case HWGEN_DMA_ERROR: return "the DMA stopped in an error";
    case HWGEN_TIMED_OUT: return "no progress";
    case HWGEN_SYSTEM: return "the system refused; see errno";
    default: return "under way";
    }
}
