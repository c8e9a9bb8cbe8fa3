/* Driver of hwgen's IP behind an AXI DMA (PG021, direct register mode): images to symbols and symbols to images.
 *
 * C11, no dependencies: bare metal and Linux alike. Registers and memory are reached by the functions of a hwgen_bus;
 * hwgen_direct is the one for registers that are mapped into memory. hwgen_uio.c opens them on Linux.
 *
 *     hwgen_device device;
 *     hwgen_bus registers = hwgen_direct((void *)0x40000000), dma = hwgen_direct((void *)0x40400000);
 *     if (hwgen_open(&device, registers, dma, input, output) != HWGEN_OK) ...
 *     hwgen_run(&device, pixels, symbols);
 */
#ifndef HWGEN_IP_H
#define HWGEN_IP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What every function returns. */
typedef enum {
    HWGEN_OK = 0,
    HWGEN_WRONG_DESIGN = -1, /* no IP of hwgen's, or of another version, behind the registers */
    HWGEN_WRONG_SIZE = -2,   /* a buffer too small for a frame, or a number out of its range */
    HWGEN_FRAME_FAULT = -3,  /* the design found an input frame too short or too long */
    HWGEN_DMA_ERROR = -4,    /* the DMA stopped: an address beyond memory, or an output frame longer than its buffer */
    HWGEN_TIMED_OUT = -5,    /* no progress for so many looks as `patience` says */
    HWGEN_SYSTEM = -6        /* Linux: see errno */
} hwgen_status;

/* How 32-bit registers are reached, by their byte offset. */
typedef struct {
    uint32_t (*read)(void *context, uint32_t offset);
    void (*write)(void *context, uint32_t offset, uint32_t value);
    void *context;
} hwgen_bus;

/* Contiguous memory that the DMA reaches: where the program sees it and where the DMA does. With caches that are not
 * coherent `flush` writes them back before the DMA reads, `invalidate` drops them before the program reads; NULL: none. */
typedef struct {
    void *data;
    uint64_t address;
    uint32_t bytes;
    void (*flush)(void *data, uint32_t bytes);
    void (*invalidate)(void *data, uint32_t bytes);
} hwgen_buffer;

typedef struct {
    uint32_t frames_in, frames_out, frame_errors, length_errors, cycles;
    uint32_t input_busy, input_stalled, input_starved, output_busy, output_stalled, output_starved;
} hwgen_counters;

/* An open design; read its fields, write none but `patience`. */
typedef struct {
    hwgen_bus registers, dma;
    hwgen_buffer input, output;
    int receiver;               /* 1: symbols in, pixels out */
    uint32_t width, height;     /* of a frame, in pixels */
    uint32_t channels;          /* values of a pixel */
    uint32_t pixel_bytes;       /* from one pixel to the next in a frame */
    uint32_t input_bytes, output_bytes; /* of a frame */
    uint32_t profiles;
    uint32_t coefficient_words; /* that a frame takes; 0: none */
    uint32_t patience;          /* looks at a register before HWGEN_TIMED_OUT */
    int sending, receiving;     /* transfers under way */
} hwgen_device;

/* Registers that are mapped into memory at `base`. */
hwgen_bus hwgen_direct(void *base);

/* Find the design behind the registers, start the DMA, enable the design. The buffers must hold a frame each. */
int hwgen_open(hwgen_device *device, hwgen_bus registers, hwgen_bus dma, hwgen_buffer input, hwgen_buffer output);

/* One frame: input_bytes from `in`, output_bytes to `out`. Waits for it. After an error the design has been reset. */
int hwgen_run(hwgen_device *device, const void *in, void *out);

/* The same in steps, for several frames at a time. hwgen_send: once hwgen_sent is 1 the next frame may be sent, while the
 * design works on those before. hwgen_receive: the oldest frame's output; 1 as long as it has not come, 0 (HWGEN_OK) with
 * it. After an error call hwgen_reset. */
int hwgen_send(hwgen_device *device, const void *in);
int hwgen_sent(hwgen_device *device);
int hwgen_receive(hwgen_device *device, void *out);

/* Reset design and DMA; frames under way are lost. */
int hwgen_reset(hwgen_device *device);

/* Of the frames sent from now on, while none is under way. */
int hwgen_set_profile(hwgen_device *device, uint32_t profile);
/* `words` are device->coefficient_words: real part in bits 15..0, imaginary part in 31..16, signed Q5.10. */
int hwgen_set_coefficients(hwgen_device *device, const uint32_t *words);
void hwgen_read_counters(const hwgen_device *device, hwgen_counters *counters);
void hwgen_clear_counters(const hwgen_device *device);

/* (height, width, channels) bytes to the bytes of a transmitter's frame, and those of a receiver's frame back. */
void hwgen_pack_image(const hwgen_device *device, const uint8_t *image, uint8_t *frame);
void hwgen_unpack_image(const hwgen_device *device, const uint8_t *frame, uint8_t *image);

/* What a status is, in words. */
const char *hwgen_text(int status);

/* Linux only, hwgen_uio.c: map the registers of a UIO device (/dev/uio0), and the memory of a u-dma-buf
 * (/dev/udmabuf0, with the folder of its attributes, /sys/class/u-dma-buf/udmabuf0). */
int hwgen_uio_open(const char *path, uint32_t bytes, hwgen_bus *bus);
int hwgen_uio_buffer(const char *path, const char *attributes, hwgen_buffer *buffer);
/* Wait for the interrupt of a UIO device that is open as `descriptor`: HWGEN_OK or HWGEN_TIMED_OUT. */
int hwgen_uio_wait(int descriptor, int milliseconds);

#ifdef __cplusplus
}
#endif
#endif
