#include "gather_tables.h"

#include <algorithm>
#include <cstring>

namespace vedette {
namespace {

// Farther apart, picking single pixels is no slower.
constexpr int kMostPieces = 32;
// Of look_up_240: position 255 must lie beyond the last of them.
constexpr int kMostLookUpPieces = 15;

// Byte of a plane's row that holds a component of pixel x.
int byte_of(PixelFormat format, int component, int x) {
  switch (format) {
    case PixelFormat::rgb24: return x * 3 + component;
    case PixelFormat::bgr24: return x * 3 + 2 - component;
    case PixelFormat::rgba: return x * 4 + component;
    case PixelFormat::bgra: return x * 4 + 2 - component;
    case PixelFormat::nv12: return component == 0 ? x : x / 2 * 2 + component - 1;
    case PixelFormat::nv21: return component == 0 ? x : x / 2 * 2 + 2 - component;
    case PixelFormat::i420: return component == 0 ? x : x / 2;
    case PixelFormat::yuyv: return component == 0 ? x * 2 : x / 2 * 4 + component * 2 - 1;
    case PixelFormat::uyvy: return component == 0 ? x * 2 + 1 : x / 2 * 4 + component * 2 - 2;
    default: return x;
  }
}

int plane_of(PixelFormat format, int component) {
  if (format == PixelFormat::i420 || format == PixelFormat::jpeg_planes) return component;
  const bool is_paired = format == PixelFormat::nv12 || format == PixelFormat::nv21;
  return is_paired && component > 0 ? 1 : 0;
}

}  // namespace

bool is_gatherable(PixelFormat format) { return !is_gray(format) && !is_bayer(format); }

Status GatherBuffer::build(const FusedKernels& kernels, const int32_t* positions, int steps,
                           int row_bytes, GatherComponent* out, bool* is_possible) {
  *is_possible = false;
  const bool is_shuffle = kernels.reach == FusedKernels::Reach::shuffle_16;
  const bool is_look_up = kernels.reach == FusedKernels::Reach::look_up_240;
  const int step_width = kernels.lanes * 2;
  const int group = is_shuffle ? 16 : step_width;
  const int piece = is_shuffle || is_look_up ? 16 : 128;
  const int groups = steps * step_width / group;
  if (!starts_.reserve(static_cast<size_t>(groups))) {
    return out_of_memory(static_cast<size_t>(groups) * sizeof(int32_t));
  }
  int widest = 1;
  for (int g = 0; g < groups; g++) {
    int first = row_bytes;
    int last = -1;
    for (int i = g * group; i < (g + 1) * group; i++) {
      if (positions[i] < 0) continue;
      first = std::min(first, positions[i]);
      last = std::max(last, positions[i]);
    }
    starts_[g] = last < 0 ? 0 : first;
    widest = std::max(widest, last - first + 1);
  }
  const int pieces = (widest + piece - 1) / piece;
  // Every load must lie within the row.
  const int most_pieces = is_look_up ? kMostLookUpPieces : kMostPieces;
  if (pieces > most_pieces || pieces * piece > row_bytes) return {};
  for (int g = 0; g < groups; g++) {
    starts_[g] = std::min(starts_[g], row_bytes - pieces * piece);
  }
  const size_t step_bytes = static_cast<size_t>(is_shuffle   ? pieces * 32
                                                : is_look_up ? 16
                                                             : 64 + pieces * 8);
  const size_t mask_bytes = step_bytes * static_cast<size_t>(steps);
  if (!masks_.reserve(mask_bytes)) return out_of_memory(mask_bytes);
  std::memset(masks_.data(), is_shuffle ? 0x80 : is_look_up ? 0xff : 0, mask_bytes);
  for (int i = 0; i < steps * step_width; i++) {
    if (positions[i] < 0) continue;
    uint8_t* const step = masks_.data() + step_bytes * static_cast<size_t>(i / step_width);
    const int byte = i % step_width;
    const int at = positions[i] - starts_[i / group];
    if (is_shuffle) {
      step[at / 16 * 32 + byte] = static_cast<uint8_t>(at % 16);
    } else if (is_look_up) {
      step[byte] = static_cast<uint8_t>(at);
    } else {
      step[byte] = static_cast<uint8_t>(at % 128);
      step[64 + at / 128 * 8 + byte / 8] |= static_cast<uint8_t>(1 << (byte % 8));
    }
  }
  *out = {starts_.data(), masks_.data(), pieces};
  *is_possible = true;
  return {};
}

Status GatherPlan::build(const FusedKernels& kernels, PixelFormat format, int width,
                         const int32_t* near, const int32_t* far, const int16_t* weight, int count,
                         bool* is_possible) {
  *is_possible = false;
  const int steps = (count + kernels.lanes - 1) / kernels.lanes;
  pitch_ = static_cast<size_t>(steps) * static_cast<size_t>(kernels.lanes);
  if (!weights_.reserve(pitch_) || !positions_.reserve(pitch_ * 2))
    return out_of_memory(pitch_ * 10);
  std::memset(weights_.data(), 0, pitch_ * sizeof(int16_t));
  std::copy(weight, weight + count, weights_.data());
  has_far_ = std::any_of(weight, weight + count, [](int16_t share) { return share != 0; });
  for (int c = 0; c < 3; c++) {
    plane_[c] = plane_of(format, c);
    std::fill(positions_.data(), positions_.data() + pitch_ * 2, -1);
    for (int i = 0; i < count; i++) {
      positions_[i * 2] = byte_of(format, c, near[i]);
      if (has_far_) positions_[i * 2 + 1] = byte_of(format, c, far[i]);
    }
    const int row_bytes = static_cast<int>(plane_row_bytes(format, plane_[c], width));
    const Status status = buffers_[c].build(kernels, positions_.data(), steps, row_bytes,
                                            &tables_.component[c], is_possible);
    if (!status.ok() || !*is_possible) return status;
  }
  tables_.weight = weights_.data();
  tables_.steps = steps;
  return {};
}

}  // namespace vedette
