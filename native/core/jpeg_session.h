#pragma once
#include <csetjmp>
#include <cstdint>
#include <cstdio>

#include <jpeglib.h>

#include "orientation.h"
#include "status.h"

namespace vedette {

// libjpeg with its faults kept: a fatal one leaves by longjmp to `escape`, the first one of any kind is
// remembered. Everything between setjmp and longjmp must be trivially destructible.
struct JpegSession {
  jpeg_decompress_struct decoder;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  const uint8_t* data;
  size_t size;
  bool is_corrupt;
  int max_scans;
  bool has_too_many_scans;
  size_t bytes_at_fault;
  int rows_at_fault;
  char fault[JMSG_LENGTH_MAX];
};

// All zeros but for the input and libjpeg's handlers.
void begin_session(const uint8_t* data, size_t size, JpegSession* session);

// Creates the decoder and reads the header, with setjmp done by the caller.
void read_jpeg_header(JpegSession& session);

// EXIF orientation of the header that was read.
Orientation orientation_of(const JpegSession& session);

// Progressive scans that a picture of so many pixels may have.
int scan_limit(uint64_t pixels);

// IMAGE_CORRUPT with what was decoded up to the first fault.
Status fault_of(const JpegSession& session);

// CMYK to RGB in place of the row's start. Adobe writes ink as 255 - ink.
void cmyk_to_rgb(const uint8_t* cmyk, int width, bool is_inverted, uint8_t* rgb);

}  // namespace vedette
