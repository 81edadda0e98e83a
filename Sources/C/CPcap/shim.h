#pragma once
#include <pcap/pcap.h>
#include <stdio.h>
#include <sys/types.h>

// glibc's fopencookie(3), which its headers show only under _GNU_SOURCE. The structure is glibc's.
typedef ssize_t (*assay_stream_read)(void *cookie, char *buffer, size_t size);
typedef struct {
  assay_stream_read read;
  void *write;
  void *seek;
  void *close;
} assay_stream_functions;

FILE *assay_open_stream(void *cookie, const char *mode, assay_stream_functions functions)
    __asm__("fopencookie");
