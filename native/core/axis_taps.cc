#include "axis_taps.h"

#include <algorithm>
#include <cmath>

namespace vedette {
namespace {

constexpr int kPillowBits = 22;
// Weights of 15 bits suit 16-bit SIMD products. Their rounding adds up with the number of
// neighbours, so strong reductions use wider ones.
constexpr int kWideAreaBits = 30;
constexpr int kNarrowAreaTaps = 64;

double triangle(double x) {
  x = std::fabs(x);
  return x < 1 ? 1 - x : 0;
}

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// Pillow's precompute_coeffs and normalize_coeffs_8bpc (src/libImaging/Resample.c).
void pillow_taps(double position, double scale, int source, bool is_cubic, int widest,
                 double* scratch, int32_t* start, int32_t* length, int32_t* weights) {
  const double filter_scale = std::max(scale, 1.0);
  const double support = (is_cubic ? 2.0 : 1.0) * filter_scale;
  const double centre = (position + 0.5) * scale;
  const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
  const int end = std::min(static_cast<int>(centre + support + 0.5), source);
  const int count = std::min(end - first, widest);
  double sum = 0;
  for (int i = 0; i < count; i++) {
    const double x = (i + first - centre + 0.5) / filter_scale;
    scratch[i] = is_cubic ? cubic(x) : triangle(x);
    sum += scratch[i];
  }
  for (int i = 0; i < count; i++) {
    const double weight = sum == 0 ? scratch[i] : scratch[i] / sum;
    weights[i] = static_cast<int32_t>(weight * (1 << kPillowBits) + (weight < 0 ? -0.5 : 0.5));
  }
  *start = first;
  *length = count;
}

// OpenCV's computeResizeAreaTab (modules/imgproc/src/resize.cpp). Weights are rounded so that their
// sum stays exact: a flat picture keeps its level.
void area_taps(double position, double scale, int source, int bits, int32_t* start, int32_t* length,
               int32_t* weights) {
  const double from = position * scale;
  const double to = from + scale;
  const double cell = std::min(scale, source - from);
  const int whole_end = std::min(static_cast<int>(std::floor(to)), source - 1);
  const int whole_start = std::min(static_cast<int>(std::ceil(from)), whole_end);
  constexpr double kSliver = 1e-3;
  const bool has_head = whole_start - from > kSliver;
  const bool has_tail = to - whole_end > kSliver;
  const int first = has_head ? whole_start - 1 : whole_start;
  const double one = static_cast<double>(int64_t{1} << bits);
  double sum = 0;
  if (has_head) sum += (whole_start - from) / cell;
  sum += (whole_end - whole_start) / cell;
  const double tail = std::min(std::min(to - whole_end, 1.0), cell) / cell;
  if (has_tail) sum += tail;
  int count = 0;
  double reached = 0;
  int64_t given = 0;
  auto put = [&](double weight) {
    reached += weight / sum * one;
    const int64_t upto = std::llround(reached);
    weights[count++] = static_cast<int32_t>(upto - given);
    given = upto;
  };
  if (has_head) put((whole_start - from) / cell);
  for (int i = whole_start; i < whole_end; i++) put(1 / cell);
  if (has_tail) put(tail);
  if (count == 0) {
    weights[0] = static_cast<int32_t>(one);
    count = 1;
  }
  *start = first;
  *length = count;
}

}  // namespace

bool two_neighbours(const Fit& fit, Interpolation interpolation, LinearRule* rule) {
  // Nothing is resized: every rule leaves the pixels as they are.
  const bool is_copy = fit.x.source == fit.x.virtual_length && fit.y.source == fit.y.virtual_length;
  if (is_copy || interpolation == Interpolation::nearest) {
    *rule = LinearRule::nearest;
    return true;
  }
  if (interpolation == Interpolation::bilinear) {
    *rule = LinearRule::pixel_centres;
    return true;
  }
  *rule = LinearRule::area_enlarged;
  const bool is_reduced =
      fit.x.source >= fit.x.virtual_length && fit.y.source >= fit.y.virtual_length;
  return interpolation == Interpolation::area && !is_reduced;
}

bool same_axis(const AxisFit& a, const AxisFit& b) {
  return a.source == b.source && a.virtual_length == b.virtual_length && a.first == b.first &&
         a.count == b.count;
}

Status linear_taps(const AxisFit& fit, LinearRule rule, LinearTaps* out) {
  const size_t count = static_cast<size_t>(fit.count);
  if (!out->near.reserve(count) || !out->far.reserve(count) || !out->weight.reserve(count)) {
    return out_of_memory(count * 10);
  }
  const double scale = fit.source / static_cast<double>(fit.virtual_length);
  for (int i = 0; i < fit.count; i++) {
    const int64_t position = fit.first + i;
    int64_t near = 0;
    double fraction = 0;
    if (rule == LinearRule::nearest) {
      near = (2 * position + 1) * fit.source / (2 * fit.virtual_length);
    } else if (rule == LinearRule::pixel_centres) {
      const double at = (static_cast<double>(position) + 0.5) * scale - 0.5;
      near = static_cast<int64_t>(std::floor(at));
      fraction = at - static_cast<double>(near);
    } else {
      // (position + 1) - (near + 1) / scale, in whole numbers: at a border of pixels a rounding
      // error would pick the wrong one.
      near = position * fit.source / fit.virtual_length;
      const int64_t overlap = (position + 1) * fit.source - (near + 1) * fit.virtual_length;
      fraction = overlap <= 0 ? 0 : static_cast<double>(overlap) / fit.source;
    }
    if (near < 0) {
      near = 0;
      fraction = 0;
    }
    if (near >= fit.source - 1) {
      near = fit.source - 1;
      fraction = 0;
    }
    out->near[i] = static_cast<int32_t>(near);
    out->far[i] = static_cast<int32_t>(std::min<int64_t>(near + 1, fit.source - 1));
    out->weight[i] = static_cast<int16_t>(std::min(std::lround(fraction * 32768), 32767L));
  }
  return {};
}

Status filter_taps(const AxisFit& fit, FilterRule rule, FilterTaps* out) {
  const double scale = fit.source / static_cast<double>(fit.virtual_length);
  const double filter_scale = std::max(scale, 1.0);
  const double reach = rule == FilterRule::area    ? scale / 2 + 1
                       : rule == FilterRule::cubic ? 2 * filter_scale
                                                   : filter_scale;
  out->widest = std::min(static_cast<int>(std::ceil(reach)) * 2 + 1, fit.source);
  out->bits = rule != FilterRule::area         ? kPillowBits
              : out->widest <= kNarrowAreaTaps ? kNarrowAreaBits
                                               : kWideAreaBits;
  out->longest = 0;
  const size_t count = static_cast<size_t>(fit.count);
  size_t total;
  Buffer<double> scratch;
  if (!multiply(count, static_cast<size_t>(out->widest), &total) || !out->start.reserve(count) ||
      !out->length.reserve(count) || !out->weights.reserve(total) ||
      !scratch.reserve(static_cast<size_t>(out->widest))) {
    return out_of_memory(total * sizeof(int32_t));
  }
  for (int i = 0; i < fit.count; i++) {
    const double position = static_cast<double>(fit.first + i);
    int32_t* weights =
        out->weights.data() + static_cast<size_t>(i) * static_cast<size_t>(out->widest);
    if (rule == FilterRule::area) {
      area_taps(position, scale, fit.source, out->bits, &out->start[i], &out->length[i], weights);
    } else {
      pillow_taps(position, scale, fit.source, rule == FilterRule::cubic, out->widest,
                  scratch.data(), &out->start[i], &out->length[i], weights);
    }
    out->longest = std::max(out->longest, out->length[i]);
  }
  return {};
}

}  // namespace vedette
