#include "fused_pass.h"

#include <algorithm>

#include "colour.h"
#include "jpeg_decoder.h"

namespace vedette {
namespace {

Colour colour_of(const PixelView& image) {
  if (!is_yuv(image.format)) return Colour::rgb;
  return image.yuv().black == 0 ? Colour::full_yuv : Colour::limited_yuv;
}

}  // namespace

bool FusedPass::Key::operator==(const Key& other) const {
  return kernels == other.kernels && format == other.format && width == other.width &&
         x == other.x && direction == other.direction && interpolation == other.interpolation &&
         same_axis(fit.x, other.fit.x) && same_axis(fit.y, other.fit.y);
}

Status FusedPass::prepare(const PixelView& image, Orientation orientation, const Region& region,
                          const Fit& fit, Interpolation interpolation, bool* is_ready) {
  *is_ready = false;
  const FusedKernels* const kernels = row_kernels().fused;
  if (kernels == nullptr || orientation.is_transposed() || !is_gatherable(image.format)) {
    return {};
  }
  const PixelMap map = upright_to_stored(orientation, image.width, image.height);
  const Key key{kernels, image.format,  image.width, map.x0 + region.x * map.xu,
                map.xu,  interpolation, fit};
  if (!(key == key_)) {
    key_ = {};
    const Status status = build(key, region, map);
    if (!status.ok()) return status;
    key_ = key;
  }
  first_row_ = map.y0 + region.y * map.yv;
  row_direction_ = map.yv;
  *is_ready = is_possible_;
  return {};
}

Status FusedPass::build(const Key& key, const Region& region, const PixelMap& map) {
  is_possible_ = false;
  LinearRule rule;
  const bool is_linear = two_neighbours(key.fit, key.interpolation, &rule);
  is_area_ = !is_linear && key.interpolation == Interpolation::area;
  if (!is_linear && !is_area_) return {};
  Status status;
  if (is_area_) {
    // Every column of the region as it is: sums are made of them later.
    const int source = key.fit.x.source;
    const AxisFit every{source, source, 0, source, 0};
    status = build_columns(key, every, LinearRule::nearest, region, map);
    if (status.ok()) status = build_area(key);
  } else {
    status = build_columns(key, key.fit.x, rule, region, map);
    if (status.ok()) status = linear_taps(key.fit.y, rule, &taps_y_);
  }
  return status.ok() && is_possible_ ? reserve(key) : status;
}

Status FusedPass::build_columns(const Key& key, const AxisFit& columns, LinearRule rule,
                                const Region& region, const PixelMap& map) {
  const Status status = linear_taps(columns, rule, &taps_x_);
  if (!status.ok()) return status;
  first_pair_ = key.width;
  end_pair_ = 0;
  for (int i = 0; i < columns.count; i++) {
    taps_x_.near[i] = map.x0 + (region.x + taps_x_.near[i]) * map.xu;
    taps_x_.far[i] = map.x0 + (region.x + taps_x_.far[i]) * map.xu;
    first_pair_ = std::min({first_pair_, taps_x_.near[i] / 2, taps_x_.far[i] / 2});
    end_pair_ = std::max({end_pair_, taps_x_.near[i] / 2 + 1, taps_x_.far[i] / 2 + 1});
  }
  return plan_.build(*key.kernels, key.format, key.width, taps_x_.near.data(), taps_x_.far.data(),
                     taps_x_.weight.data(), columns.count, &is_possible_);
}

// Where pixels share chroma in pairs and lie in a row as they are, their sums need no tables.
bool FusedPass::find_pairs(const Key& key) {
  if (key.format != PixelFormat::nv12 && key.format != PixelFormat::i420) return false;
  const int last = key.x + (key.fit.x.source - 1) * key.direction;
  pair_column_ = std::min(key.x, last) & ~1;
  const int end = (std::max(key.x, last) + 2) & ~1;
  line_pitch_ = static_cast<size_t>(end - pair_column_);
  return end <= key.width && end - pair_column_ >= key.kernels->lanes * 2;
}

// Sums of pairs want weights of 16 bits with a sign: an axis that keeps its
// size, whose one weight is 2^15, takes the long way, and so do reductions by
// more than a few pairs.
Status FusedPass::build_area(const Key& key) {
  has_pairs_ = find_pairs(key);
  if (!has_pairs_) {
    if (!is_possible_) return {};
    line_pitch_ = plan_.pitch();
  }
  is_possible_ = false;
  Status status = filter_taps(key.fit.x, FilterRule::area, &area_x_);
  if (status.ok()) status = filter_taps(key.fit.y, FilterRule::area, &area_y_);
  if (!status.ok()) return status;
  for (const FilterTaps* const taps : {&area_x_, &area_y_}) {
    if (taps->bits != kNarrowAreaBits || taps->longest > kMostShares) return {};
    const int count = taps == &area_x_ ? key.fit.x.count : key.fit.y.count;
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < taps->length[i]; j++) {
        if (taps->weights_at(i)[j] > INT16_MAX) return {};
      }
    }
  }
  static_assert(kMostShares <= NarrowTables::kMostPairs * 2);
  narrow_.pairs = (area_x_.longest + 1) / 2;
  const int lanes = key.kernels->lanes;
  const int outputs = lanes / 2;
  narrow_.steps = (key.fit.x.count + outputs - 1) / outputs;
  const size_t samples = static_cast<size_t>(narrow_.steps) * static_cast<size_t>(lanes);
  const size_t weights = samples * static_cast<size_t>(narrow_.pairs);
  if (!positions_.reserve(samples * 2) || !pair_weights_.reserve(weights)) {
    return out_of_memory(samples * 8 + weights * 2);
  }
  std::fill(pair_weights_.data(), pair_weights_.data() + weights, int16_t{0});
  for (int pair = 0; pair < narrow_.pairs; pair++) {
    std::fill(positions_.data(), positions_.data() + samples * 2, -1);
    for (int x = 0; x < key.fit.x.count; x++) {
      for (int tap = pair * 2; tap < std::min(pair * 2 + 2, area_x_.length[x]); tap++) {
        const size_t sample = static_cast<size_t>(x * 2 + tap - pair * 2);
        const int column = area_x_.start[x] + tap;
        const int at = 2 * (has_pairs_ ? key.x + column * key.direction - pair_column_ : column);
        positions_[sample * 2] = at;
        positions_[sample * 2 + 1] = at + 1;
        pair_weights_[static_cast<size_t>(pair) * samples + sample] =
            static_cast<int16_t>(area_x_.weights_at(x)[tap]);
      }
    }
    status =
        pairs_[pair].build(*key.kernels, positions_.data(), narrow_.steps,
                           static_cast<int>(line_pitch_) * 2, &narrow_.pair[pair], &is_possible_);
    if (!status.ok() || !is_possible_) return status;
  }
  narrow_.weights = pair_weights_.data();
  return {};
}

Status FusedPass::reserve(const Key& key) {
  if (!is_area_) line_pitch_ = plan_.pitch();
  size_t lines = 2;
  size_t narrowed = line_pitch_;
  if (is_area_) {
    // Rows of the source, unless they need no lines, and the sum of some.
    const size_t widest = static_cast<size_t>(area_y_.widest);
    lines = has_pairs_ ? 1 : widest + 1;
    narrowed = static_cast<size_t>(narrow_.steps + 2) * static_cast<size_t>(key.kernels->lanes);
    if (!row_weights_.reserve(widest) || !row_lines_.reserve(widest) ||
        !pair_rows_.reserve(widest)) {
      return out_of_memory(widest * 48);
    }
  }
  const size_t samples = (lines * line_pitch_ + narrowed) * 3;
  const size_t chroma = (static_cast<size_t>(key.width) + 1) / 2 * 2;
  if (!lines_.reserve(samples) || !scratch_.reserve(std::max(line_pitch_, narrowed) * 3) ||
      !chroma_.reserve(chroma)) {
    return out_of_memory(samples * 4 + chroma * 2);
  }
  std::fill(lines_.data(), lines_.data() + samples, int16_t{0});
  return {};
}

// A sample for each pixel, where the tensor needs them.
const uint8_t* FusedPass::chroma_row(const PixelView& image, int plane, int y) {
  if (!image.has_half_columns) return plane_row(image, plane, y);
  uint16_t* const row = chroma_.data() + (plane - 1) * ((image.width + 1) / 2);
  read_chroma_pairs(image, plane, y, first_pair_, end_pair_ - first_pair_, row + first_pair_);
  return reinterpret_cast<const uint8_t*>(row);
}

bool FusedPass::widen(const PixelView& image, int source_row, int16_t* lines) {
  const int y = first_row_ + source_row * row_direction_;
  if (image.decoder != nullptr && !image.decoder->reach(y)) return false;
  const uint8_t* rows[3];
  for (int c = 0; c < 3; c++) {
    const int plane = plan_.plane(c);
    if (image.format == PixelFormat::jpeg_planes && plane > 0) {
      rows[c] = chroma_row(image, plane, y);
      continue;
    }
    rows[c] = plane_row(image, plane, plane == 0 ? y : y / 2);
  }
  const int colour = static_cast<int>(colour_of(image));
  key_.kernels->widen[colour][plan_.has_far() ? 1 : 0](plan_.tables(), image.yuv(), rows, lines,
                                                       plan_.pitch());
  return true;
}

Status FusedPass::run(const PixelView& image, TensorWriter& writer) {
  return is_area_ ? run_area(image, writer) : run_linear(image, writer);
}

void FusedPass::sum_pairs(const PixelView& image, int y, int16_t* sum) {
  const int length = area_y_.length[y];
  const bool is_interleaved = image.format == PixelFormat::nv12;
  for (int i = 0; i < length; i++) {
    const int row = first_row_ + (area_y_.start[y] + i) * row_direction_;
    const uint8_t* const cb = plane_row(image, 1, row / 2);
    const uint8_t* const cr = is_interleaved ? cb : plane_row(image, 2, row / 2);
    const int chroma_column = is_interleaved ? pair_column_ : pair_column_ / 2;
    pair_rows_[i] = {plane_row(image, 0, row) + pair_column_, cb + chroma_column,
                     cr + chroma_column, static_cast<int16_t>(area_y_.weights_at(y)[i])};
  }
  key_.kernels->sum_pairs[is_interleaved ? 1 : 0](pair_rows_.data(), image.yuv(), length,
                                                  static_cast<int>(line_pitch_), sum);
}

// False when a row could not be decoded.
bool FusedPass::sum_lines(const PixelView& image, int y, int16_t* sum) {
  const size_t samples = line_pitch_ * 3;
  const size_t kept = static_cast<size_t>(area_y_.widest);
  const int start = area_y_.start[y];
  const int length = area_y_.length[y];
  for (widened_end_ = std::max(widened_end_, start); widened_end_ < start + length;
       widened_end_++) {
    int16_t* const lines = lines_.data() + samples * (static_cast<size_t>(widened_end_) % kept);
    if (!widen(image, widened_end_, lines)) return false;
  }
  for (int i = 0; i < length; i++) {
    row_lines_[i] = lines_.data() + samples * (static_cast<size_t>(start + i) % kept);
    row_weights_[i] = static_cast<int16_t>(area_y_.weights_at(y)[i]);
  }
  key_.kernels->sum_lines(row_lines_.data(), row_weights_.data(), length, samples, sum);
  return true;
}

Status FusedPass::run_area(const PixelView& image, TensorWriter& writer) {
  const size_t narrowed = static_cast<size_t>(narrow_.steps + 2) * key_.kernels->lanes;
  const size_t kept = has_pairs_ ? 0 : static_cast<size_t>(area_y_.widest);
  int16_t* const sum = lines_.data() + line_pitch_ * 3 * kept;
  int16_t* const finished = sum + line_pitch_ * 3;
  widened_end_ = 0;
  for (int y = 0; y < key_.fit.y.count; y++) {
    if (has_pairs_) {
      sum_pairs(image, y, sum);
    } else if (!sum_lines(image, y, sum)) {
      return image.decoder->fault();
    }
    for (size_t c = 0; c < 3; c++) {
      key_.kernels->narrow_line(narrow_, sum + line_pitch_ * c, finished + narrowed * c);
    }
    writer.write_blended(y, finished, finished, 0, narrowed, *key_.kernels, scratch_.data());
  }
  return {};
}

Status FusedPass::run_linear(const PixelView& image, TensorWriter& writer) {
  const size_t pitch = plan_.pitch();
  int16_t* lines[2] = {lines_.data(), lines_.data() + pitch * 3};
  int held[2] = {-1, -1};
  bool is_good = true;
  // The line that holds a source row; `keep` is the one that must stay.
  const auto line_of = [&](int source_row, int keep) {
    for (int i = 0; i < 2; i++) {
      if (held[i] == source_row) return i;
    }
    const int slot = keep == 0 ? 1 : 0;
    is_good = is_good && widen(image, source_row, lines[slot]);
    held[slot] = source_row;
    return slot;
  };
  for (int y = 0; y < key_.fit.y.count; y++) {
    const int16_t weight = taps_y_.weight[y];
    const int near = line_of(taps_y_.near[y], held[0] == taps_y_.far[y] ? 0 : 1);
    const int far = weight == 0 ? near : line_of(taps_y_.far[y], near);
    if (!is_good) return image.decoder->fault();
    writer.write_blended(y, lines[near], lines[far], weight, pitch, *key_.kernels, scratch_.data());
  }
  return {};
}

}  // namespace vedette
