#include "gather_tables.h"

#include <algorithm>
#include <cstring>

namespace vedette {
namespace {

// Farther apart, picking single pixels is no slower.
constexpr int kMostPieces = 32;

// Byte of a plane's row that holds a component of pixel x.
int byte_of(PixelFormat format, int component, int x) {
  switch (format) {
    case PixelFormat::rgb24: return x * 3 + component;
    case PixelFormat::bgr24: return x * 3 + 2 - component;
    case PixelFormat::nv12: return component == 0 ? x : x / 2 * 2 + component - 1;
    case PixelFormat::i420: return component == 0 ? x : x / 2;
    case PixelFormat::yuyv: return component == 0 ? x * 2 : x / 2 * 4 + component * 2 - 1;
    case PixelFormat::gray8:
    case PixelFormat::jpeg_planes: return x;
  }
  return 0;
}

int plane_of(PixelFormat format, int component) {
  if (format == PixelFormat::i420 || format == PixelFormat::jpeg_planes) return component;
  return format == PixelFormat::nv12 && component > 0 ? 1 : 0;
}

}  // namespace

Status GatherPlan::build(const FusedKernels& kernels, PixelFormat format, int width,
                         const int32_t* near, const int32_t* far, const int16_t* weight, int count,
                         bool* is_possible) {
  *is_possible = false;
  const bool is_shuffle = kernels.reach == FusedKernels::Reach::shuffle_16;
  const int lanes = kernels.lanes;
  const int group = is_shuffle ? 8 : lanes;
  const int piece = is_shuffle ? 16 : 128;
  const int steps = (count + lanes - 1) / lanes;
  const int groups = steps * lanes / group;
  pitch_ = static_cast<size_t>(steps) * static_cast<size_t>(lanes);
  if (!weights_.reserve(pitch_)) return out_of_memory(pitch_ * 2);
  std::memset(weights_.data(), 0, pitch_ * sizeof(int16_t));
  std::copy(weight, weight + count, weights_.data());
  has_far_ = std::any_of(weight, weight + count, [](int16_t share) { return share != 0; });

  for (int c = 0; c < 3; c++) {
    plane_[c] = plane_of(format, c);
    const int row_bytes = static_cast<int>(plane_row_bytes(format, plane_[c], width));
    // Beyond the last position the last one is repeated; what comes of it is never stored.
    const auto near_byte = [&](int i) { return byte_of(format, c, near[std::min(i, count - 1)]); };
    const auto far_byte = [&](int i) { return byte_of(format, c, far[std::min(i, count - 1)]); };
    if (!starts_[c].reserve(static_cast<size_t>(groups))) return out_of_memory(pitch_);
    int widest = 0;
    for (int g = 0; g < groups; g++) {
      int first = near_byte(g * group);
      int last = first;
      for (int i = g * group; i < (g + 1) * group; i++) {
        first = std::min(first, near_byte(i));
        last = std::max(last, near_byte(i));
        if (!has_far_) continue;
        first = std::min(first, far_byte(i));
        last = std::max(last, far_byte(i));
      }
      starts_[c][g] = first;
      widest = std::max(widest, last - first + 1);
    }
    const int pieces = (widest + piece - 1) / piece;
    // Every load must lie within the row.
    if (pieces > kMostPieces || pieces * piece > row_bytes) return {};
    for (int g = 0; g < groups; g++) {
      starts_[c][g] = std::min(starts_[c][g], row_bytes - pieces * piece);
    }

    const size_t step_bytes = static_cast<size_t>(is_shuffle ? pieces * 32 : 64 + pieces * 8);
    const size_t mask_bytes = step_bytes * static_cast<size_t>(steps);
    if (!masks_[c].reserve(mask_bytes)) return out_of_memory(mask_bytes);
    std::memset(masks_[c].data(), is_shuffle ? 0x80 : 0, mask_bytes);
    for (int i = 0; i < steps * lanes; i++) {
      uint8_t* const step = masks_[c].data() + step_bytes * static_cast<size_t>(i / lanes);
      const int lane = i % lanes;
      for (int is_far = 0; is_far < (has_far_ ? 2 : 1); is_far++) {
        const int at = (is_far != 0 ? far_byte(i) : near_byte(i)) - starts_[c][i / group];
        const int byte = lane * 2 + is_far;
        if (is_shuffle) {
          step[at / 16 * 32 + byte] = static_cast<uint8_t>(at % 16);
        } else {
          step[byte] = static_cast<uint8_t>(at % 128);
          step[64 + at / 128 * 8 + byte / 8] |= static_cast<uint8_t>(1 << (byte % 8));
        }
      }
    }
    tables_.component[c] = {starts_[c].data(), masks_[c].data(), pieces};
  }
  tables_.weight = weights_.data();
  tables_.steps = steps;
  *is_possible = true;
  return {};
}

}  // namespace vedette
