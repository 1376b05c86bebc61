#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "../core/pixel_view.h"
#include "../core/status.h"

namespace vedette::bench {

constexpr int kWidth = 1920;
constexpr int kHeight = 1080;
constexpr int kSides[] = {640, 512, 224};
constexpr double kPad = 114;

struct Output {
  float* data = nullptr;
  size_t count = 0;
};

// One way to do a piece of work. Those with the same `work` make the same tensor.
struct Contender {
  std::string work;
  std::string name;
  std::function<void()> run;
  // Where the last run left its tensor; empty when there is none.
  std::function<Output()> output = {};
};

// A camera's frame of 1920×1080, packed.
struct Frame {
  PixelFormat format = PixelFormat::nv12;
  std::vector<uint8_t> bytes;
};

struct JpegFile {
  std::string name;
  std::vector<uint8_t> bytes;
};

inline size_t frame_bytes(PixelFormat format) {
  size_t bytes = 0;
  for (int plane = 0; plane < plane_count(format); plane++) {
    bytes += plane_row_bytes(format, plane, kWidth) * plane_rows(format, plane, kHeight);
  }
  return bytes;
}

inline void require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.text);
  std::exit(1);
}

// The frame and the files live as long as the contenders. The first of each work is the one that the
// others are compared with.
void add_raw_contenders(const Frame& frame, std::vector<Contender>& contenders);
void add_jpeg_contenders(const JpegFile& file, std::vector<Contender>& contenders);
// Nothing where the program is built without OpenCV.
void add_opencv_contenders(const Frame& frame, std::vector<Contender>& contenders);

// Milliseconds of processor time of the calling thread, on which all contenders do all of their work:
// what else the machine does counts less than by the clock on the wall.
double thread_ms();

// Calls until `turn_ms` are over, at least three; milliseconds of each. `before` runs before each and
// is not timed.
std::vector<double> take_turn(const std::function<void()>& run, double turn_ms,
                              const std::function<void()>& before = nullptr);

// Of the last level; 0 where the system does not say.
size_t cache_bytes();

// Leaves nothing of anybody's in the caches.
void fill_caches();

// Copies of `bytes` bytes from one buffer to another; milliseconds of each.
std::vector<double> copy_memory(size_t bytes, double turn_ms);

// For each kernel of this processor `add` is called with its name and with what runs it.
void for_each_kernel(const std::function<void()>& run,
                     const std::function<void(const char*, std::function<void()>)>& add);

}  // namespace vedette::bench
