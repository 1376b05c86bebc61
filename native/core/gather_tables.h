#pragma once
#include "buffer.h"
#include "pixel_view.h"
#include "row_kernels.h"

namespace vedette {

// Where one component of a row lies and which of its bytes go where. A step gives `lanes` samples of
// 16 bits: the near byte below, the far one (or 0) above. It loads pieces of the row from `start` on:
//   shuffle_16   two starts for a step; for every 16 bytes of reach a 32-byte shuffle mask
//   permute_128  one start for a step; 64 byte positions modulo 128, then for every 128 bytes of
//                reach 64 bits that say which bytes come from there
//   look_up_240  one start for a step; 16 byte positions from there on, 255 for 0; pieces of 16 bytes
struct GatherComponent {
  const int32_t* start = nullptr;
  const uint8_t* masks = nullptr;
  int pieces = 0;
};

// What FusedKernels::widen reads beside the rows.
struct GatherTables {
  GatherComponent component[3];
  const int16_t* weight = nullptr;
  int steps = 0;
};

// What FusedKernels::narrow_line reads beside the line: pairs of neighbouring samples, each gathered as
// 4 bytes, and their weights in 2^15. A step makes half as many outputs as a step of widen.
struct NarrowTables {
  static constexpr int kMostPairs = 8;
  GatherComponent pair[kMostPairs];
  // `steps` vectors for each pair.
  const int16_t* weights = nullptr;
  int pairs = 0;
  int steps = 0;
};

// The memory of one component.
class GatherBuffer {
 public:
  // `positions` holds, for each byte of every step, the byte of the row that goes there, or -1 for 0.
  // *is_possible is false when a row of `row_bytes` is too short for a load, or the bytes of a step lie
  // too far apart.
  Status build(const FusedKernels& kernels, const int32_t* positions, int steps, int row_bytes,
               GatherComponent* out, bool* is_possible);

 private:
  Buffer<int32_t> starts_;
  Buffer<uint8_t> masks_;
};

// Colour pixels whose components lie in bytes of their own. Others become rows of pixels first.
bool is_gatherable(PixelFormat format);

// The tables for the pixels of a row that a tensor needs, of a gatherable format.
class GatherPlan {
 public:
  // `near` and `far` are `count` stored columns of a picture of this format and width, `weight` as in
  // LinearTaps. *is_possible is false when a row is too short or the pixels lie too far apart.
  Status build(const FusedKernels& kernels, PixelFormat format, int width, const int32_t* near,
               const int32_t* far, const int16_t* weight, int count, bool* is_possible);

  const GatherTables& tables() const { return tables_; }
  // Any weight is not 0.
  bool has_far() const { return has_far_; }
  // Samples of a line, a whole number of steps.
  size_t pitch() const { return pitch_; }
  // Plane of each component.
  int plane(int component) const { return plane_[component]; }

 private:
  GatherTables tables_;
  bool has_far_ = false;
  size_t pitch_ = 0;
  int plane_[3] = {0, 0, 0};
  GatherBuffer buffers_[3];
  Buffer<int32_t> positions_;
  Buffer<int16_t> weights_;
};

}  // namespace vedette
