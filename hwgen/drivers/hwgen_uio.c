/* Linux: registers by UIO, memory for the DMA by u-dma-buf. See hwgen_ip.h. */
#define _POSIX_C_SOURCE 200809L
#include "hwgen_ip.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int hwgen_uio_open(const char *path, uint32_t bytes, hwgen_bus *bus) {
    void *base;
    int descriptor = open(path, O_RDWR | O_SYNC);
    if (descriptor < 0) return HWGEN_SYSTEM;
    base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    (void)close(descriptor); /* the mapping stays */
    if (base == MAP_FAILED) return HWGEN_SYSTEM;
    *bus = hwgen_direct(base);
    return HWGEN_OK;
}

/* A number in a file of its own, decimal or 0x hexadecimal, as sysfs has them. */
static int attribute(const char *folder, const char *name, uint64_t *value) {
    char path[512];
    FILE *file;
    int64_t signed_value = 0;
    int found;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return HWGEN_WRONG_SIZE;
    file = fopen(path, "r");
    if (!file) return HWGEN_SYSTEM;
    found = fscanf(file, "%" SCNi64, &signed_value);
    (void)fclose(file);
    *value = (uint64_t)signed_value;
    return found == 1 ? HWGEN_OK : HWGEN_SYSTEM;
}

int hwgen_uio_buffer(const char *path, const char *attributes, hwgen_buffer *buffer) {
    uint64_t address, bytes;
    void *data;
    int status = attribute(attributes, "phys_addr", &address), descriptor;
    if (status == HWGEN_OK) status = attribute(attributes, "size", &bytes);
    if (status != HWGEN_OK) return status;
    if (bytes == 0 || bytes > UINT32_MAX) return HWGEN_WRONG_SIZE;
    descriptor = open(path, O_RDWR | O_SYNC); /* O_SYNC: u-dma-buf maps it without caches */
    if (descriptor < 0) return HWGEN_SYSTEM;
    data = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    (void)close(descriptor);
    if (data == MAP_FAILED) return HWGEN_SYSTEM;
    buffer->data = data;
    buffer->address = address;
    buffer->bytes = (uint32_t)bytes;
    buffer->flush = buffer->invalidate = NULL;
    return HWGEN_OK;
}

int hwgen_uio_wait(int descriptor, int milliseconds) {
    struct pollfd waiting = {descriptor, POLLIN, 0};
    uint32_t enable = 1, count;
    int ready;
    if (write(descriptor, &enable, sizeof enable) != (ssize_t)sizeof enable) return HWGEN_SYSTEM;
    ready = poll(&waiting, 1, milliseconds);
    if (ready < 0) return HWGEN_SYSTEM;
    if (ready == 0) return HWGEN_TIMED_OUT;
    return read(descriptor, &count, sizeof count) == (ssize_t)sizeof count ? HWGEN_OK : HWGEN_SYSTEM;
}
