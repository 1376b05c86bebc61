#pragma once
#include <memory>
#include <random>

#include "../core/raw_to_tensor.h"
#include "exact_memory.h"

// Frames, views and tensors by chance, in memory of exactly their size.
namespace random_frame {

using namespace vedette;

class Random {
 public:
  explicit Random(unsigned seed) : source_(seed) {}
  // 0 to limit - 1
  int below(int limit) { return static_cast<int>(source_() % static_cast<unsigned>(limit)); }

 private:
  std::mt19937 source_;
};

inline size_t frame_bytes(PixelFormat format, int width, int height, int extra, int64_t* strides) {
  size_t total = 0;
  for (int plane = 0; plane < plane_count(format); plane++) {
    strides[plane] = static_cast<int64_t>(plane_row_bytes(format, plane, width)) + extra;
    const size_t rows = plane_rows(format, plane, height);
    const bool is_last = plane == plane_count(format) - 1;
    // The last row needs no padding behind it.
    total += static_cast<size_t>(strides[plane]) * (rows - (is_last ? 1 : 0));
    if (is_last) total += plane_row_bytes(format, plane, width);
  }
  return total;
}

inline SampleMeaning meaning_of(Random& random, PixelFormat format) {
  SampleMeaning meaning;
  meaning.has_colour = is_yuv(format) && random.below(3) > 0;
  meaning.matrix = static_cast<YuvMatrix>(random.below(kYuvMatrices));
  meaning.range = static_cast<YuvRange>(random.below(kYuvRanges));
  meaning.has_levels = is_mono(format) && random.below(3) > 0;
  meaning.black = random.below(highest_level(format));
  meaning.white =
      meaning.black + 1 + random.below(highest_level(format) - static_cast<int>(meaning.black));
  return meaning;
}

// A frame of any format that comes from outside, or what a JPEG decodes to.
class Frame {
 public:
  Frame(Random& random, int width, int height)
      : format_(random.below(kPixelFormats + 1) == 0
                    ? PixelFormat::jpeg_planes
                    : static_cast<PixelFormat>(random.below(kPixelFormats))) {
    if (is_bayer(format_) && (width < 2 || height < 2)) format_ = PixelFormat::gray8;
    const int extra = random.below(3) * 5;
    for (int plane = 0; plane < kMaxPlanes; plane++) sizes_[plane] = 0;
    if (format_ == PixelFormat::jpeg_planes) {
      place_jpeg(random, width, height, extra);
    } else {
      place_raw(random, width, height, extra);
    }
    paint(random);
  }

  bool is_valid() const { return is_valid_; }
  const PixelView& view() const { return view_; }

 private:
  void place_raw(Random& random, int width, int height, int extra) {
    sizes_[0] = frame_bytes(format_, width, height, extra, strides_);
    int stride_count = plane_count(format_);
    if (is_packed_mono(format_) && random.below(2) == 0) {
      // Rows without a gap, in as many bytes as one row of all pixels.
      stride_count = 0;
      sizes_[0] = plane_row_bytes(format_, 0, width * height);
    }
    pixels_[0].reset(new ExactMemory(sizes_[0]));
    is_valid_ = make_pixel_view(pixels_[0]->data(), sizes_[0], width, height, format_, strides_,
                                stride_count, &view_)
                    .ok() &&
                set_meaning(meaning_of(random, format_), &view_).ok();
  }

  void place_jpeg(Random& random, int width, int height, int extra) {
    view_.format = format_;
    view_.width = width;
    view_.height = height;
    view_.has_half_columns = random.below(3) > 0;
    view_.has_half_rows = view_.has_half_columns && random.below(2) == 0;
    for (int plane = 0; plane < 3; plane++) {
      const bool is_chroma = plane > 0;
      const int columns = is_chroma && view_.has_half_columns ? (width + 1) / 2 : width;
      const int rows = is_chroma && view_.has_half_rows ? (height + 1) / 2 : height;
      view_.strides[plane] = static_cast<size_t>(columns + extra);
      sizes_[plane] =
          view_.strides[plane] * static_cast<size_t>(rows - 1) + static_cast<size_t>(columns);
      pixels_[plane].reset(new ExactMemory(sizes_[plane]));
      view_.planes[plane] = pixels_[plane]->data();
    }
    is_valid_ = true;
  }

  // Noise, black and white, or one level: every frequency, every clamp, every rounding.
  void paint(Random& random) {
    const int kind = random.below(4);
    const int level = random.below(256);
    for (int plane = 0; plane < kMaxPlanes; plane++) {
      for (size_t i = 0; i < sizes_[plane]; i++) {
        const int noise = random.below(256);
        pixels_[plane]->data()[i] = static_cast<uint8_t>(kind == 0   ? level
                                                         : kind == 1 ? (noise & 1) * 255
                                                                     : noise);
      }
    }
  }

  PixelFormat format_;
  PixelView view_;
  int64_t strides_[kMaxPlanes] = {0, 0, 0};
  size_t sizes_[kMaxPlanes];
  std::unique_ptr<ExactMemory> pixels_[kMaxPlanes];
  bool is_valid_ = false;
};

inline ViewSpec view_of(Random& random, int width, int height) {
  ViewSpec view;
  view.orientation = {random.below(4), random.below(2) == 1};
  const bool is_turned = view.orientation.is_transposed();
  const int upright_width = is_turned ? height : width;
  const int upright_height = is_turned ? width : height;
  view.has_region = random.below(2) == 1;
  view.region_x = random.below(upright_width);
  view.region_y = random.below(upright_height);
  view.region_width = 1 + random.below(upright_width - static_cast<int>(view.region_x));
  view.region_height = 1 + random.below(upright_height - static_cast<int>(view.region_y));
  return view;
}

inline void quantise(Random& random, TensorSpec* spec) {
  spec->is_quantised =
      spec->dtype == Dtype::int8 || (spec->dtype == Dtype::uint8 && random.below(2) == 0);
  if (!spec->is_quantised) return;
  // From one step for all levels to many for each, so that both ends are clamped.
  spec->quantisation.scale = (1 + random.below(3000)) / 1000.0;
  spec->quantisation.zero_point = random.below(256) - (spec->dtype == Dtype::int8 ? 128 : 0);
}

inline TensorSpec tensor_of(Random& random, int largest_side) {
  TensorSpec spec;
  spec.width = 1 + random.below(largest_side);
  spec.height = 1 + random.below(50);
  spec.layout = static_cast<Layout>(random.below(2));
  spec.dtype = static_cast<Dtype>(random.below(kDtypes));
  spec.colour_order = static_cast<ColourOrder>(random.below(3));
  spec.resize = static_cast<Resize>(random.below(4));
  spec.interpolation = static_cast<Interpolation>(random.below(5));
  quantise(random, &spec);
  return spec;
}

inline size_t tensor_bytes(const TensorSpec& spec) {
  const size_t elements = static_cast<size_t>(spec.width * spec.height * spec.channels());
  return elements * element_bytes(spec.dtype);
}

}  // namespace random_frame
