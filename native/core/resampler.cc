#include "resampler.h"

#include <algorithm>

#include "row_kernels.h"

namespace vedette {
namespace {

// Sums of one output row, as 7 fractional bits. Wide weights need 64 bits.
void area_rows(UprightRows& rows, const FilterTaps& taps, int y, size_t samples, int64_t* sums,
               int16_t* out) {
  const int32_t* const weights = taps.weights_at(y);
  const int shift = taps.bits - 7;
  if (taps.longest <= kMostShares) {
    for (int i = 0; i < taps.length[y]; i++) {
      row_kernels().add_share(rows.row(taps.start[y] + i), weights[i], i == 0, samples, out);
    }
    return;
  }
  if (taps.bits <= kNarrowAreaBits) {
    int32_t* const narrow = reinterpret_cast<int32_t*>(sums);
    for (int i = 0; i < taps.length[y]; i++) {
      row_kernels().add_row(rows.row(taps.start[y] + i), weights[i], i == 0, samples, narrow);
    }
    row_kernels().settle_sums(narrow, shift, samples, out);
    return;
  }
  std::fill(sums, sums + samples, int64_t{1} << (shift - 1));
  for (int i = 0; i < taps.length[y]; i++) {
    const uint8_t* const row = rows.row(taps.start[y] + i);
    for (size_t s = 0; s < samples; s++) sums[s] += int64_t{weights[i]} * row[s];
  }
  for (size_t s = 0; s < samples; s++) out[s] = static_cast<int16_t>(sums[s] >> shift);
}

template <int Channels, typename Sum>
void area_columns(const int16_t* row, const FilterTaps& taps, int count, uint8_t* out) {
  const int shift = taps.bits + 7;
  const Sum half = Sum{1} << (shift - 1);
  for (int x = 0; x < count; x++) {
    const int32_t* weights = taps.weights_at(x);
    const int16_t* from = row + static_cast<size_t>(taps.start[x]) * Channels;
    Sum sum[Channels];
    for (int c = 0; c < Channels; c++) sum[c] = half;
    for (int i = 0; i < taps.length[x]; i++) {
      for (int c = 0; c < Channels; c++)
        sum[c] += static_cast<Sum>(weights[i]) * from[i * Channels + c];
    }
    for (int c = 0; c < Channels; c++)
      out[x * Channels + c] = static_cast<uint8_t>(sum[c] >> shift);
  }
}

}  // namespace

Status Resampler::prepare(const Fit& fit, Interpolation interpolation) {
  const bool is_same = method_ != Method::none && interpolation_ == interpolation &&
                       same_axis(prepared_.x, fit.x) && same_axis(prepared_.y, fit.y);
  if (is_same) return {};
  method_ = Method::none;
  Method method = Method::linear;
  LinearRule linear = LinearRule::pixel_centres;
  FilterRule filter = FilterRule::area;
  if (two_neighbours(fit, interpolation, &linear)) {
    method = linear == LinearRule::nearest ? Method::nearest : Method::linear;
  } else if (interpolation == Interpolation::area) {
    method = Method::area;
  } else {
    method = Method::antialias;
    filter = interpolation == Interpolation::bicubic_antialias ? FilterRule::cubic
                                                               : FilterRule::triangle;
  }
  Status status;
  if (method == Method::linear || method == Method::nearest) {
    status = linear_taps(fit.x, linear, &linear_x_);
    if (status.ok()) status = linear_taps(fit.y, linear, &linear_y_);
  } else {
    status = filter_taps(fit.x, filter, &filter_x_);
    if (status.ok()) status = filter_taps(fit.y, filter, &filter_y_);
  }
  if (!status.ok()) return status;
  prepared_ = fit;
  interpolation_ = interpolation;
  method_ = method;
  return {};
}

Status Resampler::run(UprightRows& rows, int channels, const Fit& fit, Interpolation interpolation,
                      TensorWriter& writer) {
  const Status status = prepare(fit, interpolation);
  if (!status.ok()) return status;
  switch (method_) {
    case Method::nearest: return run_nearest(rows, channels, fit, writer);
    case Method::area: return run_area(rows, channels, fit, writer);
    case Method::antialias: return run_antialias(rows, channels, fit, writer);
    default: return run_linear(rows, channels, fit, writer);
  }
}

Status Resampler::run_nearest(UprightRows& rows, int channels, const Fit& fit,
                              TensorWriter& writer) {
  const size_t samples = static_cast<size_t>(fit.x.count) * static_cast<size_t>(channels);
  if (!bytes_.reserve(samples)) return out_of_memory(samples);
  int ready = -1;
  for (int y = 0; y < fit.y.count; y++) {
    if (linear_y_.near[y] != ready) {
      ready = linear_y_.near[y];
      const uint8_t* row = rows.row(ready);
      for (int x = 0; x < fit.x.count; x++) {
        const uint8_t* from =
            row + static_cast<size_t>(linear_x_.near[x]) * static_cast<size_t>(channels);
        for (int c = 0; c < channels; c++) bytes_[x * channels + c] = from[c];
      }
    }
    if (!rows.fault().ok()) return rows.fault();
    writer.write_row(y, bytes_.data(), channels);
  }
  return {};
}

Status Resampler::run_linear(UprightRows& rows, int channels, const Fit& fit,
                             TensorWriter& writer) {
  const size_t samples = static_cast<size_t>(fit.x.count) * static_cast<size_t>(channels);
  if (!lines_.reserve(samples * 2) || !bytes_.reserve(samples)) return out_of_memory(samples * 5);
  int16_t* lines[2] = {lines_.data(), lines_.data() + samples};
  int held[2] = {-1, -1};
  auto line_of = [&](int source_row, int other) {
    for (int i = 0; i < 2; i++) {
      if (held[i] == source_row) return i;
    }
    const int slot = other == 0 ? 1 : 0;
    const uint8_t* row = rows.row(source_row);
    row_kernels().widen_row(row, linear_x_.near.data(), linear_x_.far.data(),
                            linear_x_.weight.data(), fit.x.count, channels, lines[slot]);
    held[slot] = source_row;
    return slot;
  };
  uint8_t* out = bytes_.data();
  for (int y = 0; y < fit.y.count; y++) {
    const int16_t weight = linear_y_.weight[y];
    // The far row may still be held from the row before; the near one must not evict it.
    const bool holds_far_in_0 = held[0] == linear_y_.far[y];
    const int near_slot = line_of(linear_y_.near[y], holds_far_in_0 ? 0 : 1);
    const int far_slot = weight == 0 ? near_slot : line_of(linear_y_.far[y], near_slot);
    row_kernels().blend_rows(lines[near_slot], lines[far_slot], weight, samples, out);
    if (!rows.fault().ok()) return rows.fault();
    writer.write_row(y, out, channels);
  }
  return {};
}

Status Resampler::run_area(UprightRows& rows, int channels, const Fit& fit, TensorWriter& writer) {
  const size_t in_samples = static_cast<size_t>(fit.x.source) * static_cast<size_t>(channels);
  const size_t out_samples = static_cast<size_t>(fit.x.count) * static_cast<size_t>(channels);
  if (!sums_.reserve(in_samples) || !lines_.reserve(in_samples) || !bytes_.reserve(out_samples)) {
    return out_of_memory(in_samples * 10 + out_samples);
  }
  const bool is_wide_x = filter_x_.bits > kNarrowAreaBits;
  for (int y = 0; y < fit.y.count; y++) {
    area_rows(rows, filter_y_, y, in_samples, sums_.data(), lines_.data());
    const int count = fit.x.count;
    if (channels == 3) {
      is_wide_x ? area_columns<3, int64_t>(lines_.data(), filter_x_, count, bytes_.data())
                : area_columns<3, int32_t>(lines_.data(), filter_x_, count, bytes_.data());
    } else {
      is_wide_x ? area_columns<1, int64_t>(lines_.data(), filter_x_, count, bytes_.data())
                : area_columns<1, int32_t>(lines_.data(), filter_x_, count, bytes_.data());
    }
    if (!rows.fault().ok()) return rows.fault();
    writer.write_row(y, bytes_.data(), channels);
  }
  return {};
}

Status Resampler::run_antialias(UprightRows& rows, int channels, const Fit& fit,
                                TensorWriter& writer) {
  const size_t samples = static_cast<size_t>(fit.x.count) * static_cast<size_t>(channels);
  const size_t kept = static_cast<size_t>(filter_y_.widest);
  size_t bytes;
  // A ring of horizontally filtered rows, then the sums of one row, then the finished row.
  if (!multiply(samples, kept + 1, &bytes) || !bytes_.reserve(bytes) || !sums_.reserve(samples)) {
    return out_of_memory(samples * (kept + 1));
  }
  int32_t* sums = reinterpret_cast<int32_t*>(sums_.data());
  uint8_t* finished = bytes_.data() + samples * kept;
  int filtered_end = filter_y_.start[0];
  for (int y = 0; y < fit.y.count; y++) {
    const int start = filter_y_.start[y];
    const int length = filter_y_.length[y];
    for (filtered_end = std::max(filtered_end, start); filtered_end < start + length;
         filtered_end++) {
      uint8_t* line = bytes_.data() + samples * (static_cast<size_t>(filtered_end) % kept);
      const FilterRow filter{filter_x_.start.data(), filter_x_.length.data(),
                             filter_x_.weights.data(), filter_x_.widest, filter_x_.bits};
      row_kernels().filter_columns[channels == 3 ? 1 : 0](rows.row(filtered_end), fit.x.source,
                                                          filter, fit.x.count, line);
    }
    const int32_t* weights = filter_y_.weights_at(y);
    std::fill(sums, sums + samples, 1 << (filter_y_.bits - 1));
    for (int i = 0; i < length; i++) {
      const uint8_t* line = bytes_.data() + samples * (static_cast<size_t>(start + i) % kept);
      row_kernels().add_row(line, weights[i], false, samples, sums);
    }
    row_kernels().clamp_sums(sums, filter_y_.bits, samples, finished);
    if (!rows.fault().ok()) return rows.fault();
    writer.write_row(y, finished, channels);
  }
  return {};
}

}  // namespace vedette
