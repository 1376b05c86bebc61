#pragma once
#include <cstddef>
#include <cstdint>

#include "status.h"

namespace vedette {

// A YUV4MPEG2 stream (yuv4mpeg(5) of MJPEG tools) is one line that says what all frames are, then
// before each frame a line of its own, which ffmpeg writes without parameters.
constexpr size_t kMaxY4mHeaderBytes = 512;
constexpr char kY4mFrameMarker[] = "FRAME\n";
constexpr size_t kY4mFrameMarkerBytes = sizeof kY4mFrameMarker - 1;

// FRAME_INVALID unless `line` (without its end) announces frames of this size whose bytes are I420:
// 4:2:0 of 8 bits, planes back to back without padding.
Status check_y4m_header(const char* line, size_t size, int64_t width, int64_t height);

// The same of a line between two pictures.
Status check_y4m_marker(const uint8_t (&marker)[kY4mFrameMarkerBytes]);

}  // namespace vedette
