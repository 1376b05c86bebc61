#include "../core/raw_to_tensor.h"

#include <random>

#include "check.h"
#include "exact_memory.h"

using namespace vedette;

namespace {

size_t frame_bytes(PixelFormat format, int width, int height, int extra, int64_t* strides) {
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

}  // namespace

TEST("no combination of format, view and tensor reads or writes out of bounds") {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  Workspace workspace;
  for (int run = 0; run < 6000; run++) {
    const PixelFormat format = static_cast<PixelFormat>(below(kPixelFormats));
    const int width = 1 + below(run % 7 == 0 ? 300 : 40);
    const int height = 1 + below(40);
    int64_t strides[kMaxPlanes] = {0, 0, 0};
    ExactMemory pixels(frame_bytes(format, width, height, below(3) * 5, strides));
    for (size_t i = 0; i < pixels.size(); i++) pixels.data()[i] = static_cast<uint8_t>(random());
    PixelView image;
    CHECK(make_pixel_view(pixels.data(), pixels.size(), width, height, format, strides,
                          plane_count(format), &image)
              .ok());

    ViewSpec view;
    view.orientation = {below(4), below(2) == 1};
    const bool is_turned = view.orientation.is_transposed();
    const int upright_width = is_turned ? height : width;
    const int upright_height = is_turned ? width : height;
    view.has_region = below(2) == 1;
    view.region_x = below(upright_width);
    view.region_y = below(upright_height);
    view.region_width = 1 + below(upright_width - static_cast<int>(view.region_x));
    view.region_height = 1 + below(upright_height - static_cast<int>(view.region_y));

    TensorSpec spec;
    spec.width = 1 + below(50);
    spec.height = 1 + below(50);
    spec.layout = static_cast<Layout>(below(2));
    spec.dtype = static_cast<Dtype>(below(2));
    spec.colour_order = static_cast<ColourOrder>(below(3));
    spec.resize = static_cast<Resize>(below(3));
    spec.interpolation = static_cast<Interpolation>(below(5));
    const size_t elements = static_cast<size_t>(spec.width * spec.height * spec.channels());
    ExactMemory out(elements * (spec.dtype == Dtype::float32 ? 4 : 1));
    std::memset(out.data(), 0xff, out.size());
    Transform transform;
    CHECK(raw_to_tensor(image, view, spec, out.data(), out.size(), workspace, &transform).ok());
    if (spec.dtype == Dtype::float32) {
      const float* values = reinterpret_cast<const float*>(out.data());
      for (size_t i = 0; i < elements; i++) CHECK(values[i] >= 0 && values[i] <= 255);
    }
    CHECK(transform.scale_x > 0 && transform.scale_y > 0);
  }
}

TEST("views whose sizes overflow are refused") {
  PixelView view;
  uint8_t byte = 0;
  const int64_t strides[1] = {INT64_MAX};
  CHECK(!make_pixel_view(&byte, 1, 65535, 65535, PixelFormat::rgb24, nullptr, 0, &view).ok());
  CHECK(!make_pixel_view(&byte, 1, 1, 65535, PixelFormat::gray8, strides, 1, &view).ok());
  CHECK(!make_pixel_view(&byte, 1, INT64_MAX, 1, PixelFormat::gray8, nullptr, 0, &view).ok());
  CHECK(!make_pixel_view(&byte, 1, -1, 1, PixelFormat::gray8, nullptr, 0, &view).ok());
  CHECK(make_pixel_view(&byte, 1, 1, 1, PixelFormat::gray8, strides, 1, &view).ok());
}

TEST("a picture of one row stretched to the largest side, and the largest side to one pixel") {
  Workspace workspace;
  Transform transform;
  ExactMemory row(kMaxSide);
  std::memset(row.data(), 90, row.size());
  PixelView image;
  CHECK(make_pixel_view(row.data(), row.size(), kMaxSide, 1, PixelFormat::gray8, nullptr, 0, &image)
            .ok());
  for (int kind = 0; kind < 5; kind++) {
    for (int mode = 0; mode < 3; mode++) {
      TensorSpec spec;
      spec.width = 3;
      spec.height = 2;
      spec.dtype = Dtype::uint8;
      spec.pad_value = 90;
      spec.colour_order = ColourOrder::gray;
      spec.interpolation = static_cast<Interpolation>(kind);
      spec.resize = static_cast<Resize>(mode);
      ExactMemory out(6);
      CHECK(raw_to_tensor(image, {}, spec, out.data(), out.size(), workspace, &transform).ok());
      for (size_t i = 0; i < 6; i++) CHECK(out.data()[i] == 90);
    }
  }
  PixelView dot;
  CHECK(make_pixel_view(row.data(), 1, 1, 1, PixelFormat::gray8, nullptr, 0, &dot).ok());
  TensorSpec wide;
  wide.width = kMaxSide;
  wide.dtype = Dtype::uint8;
  wide.height = 1;
  wide.colour_order = ColourOrder::gray;
  ExactMemory out(kMaxSide);
  for (int kind = 0; kind < 5; kind++) {
    wide.interpolation = static_cast<Interpolation>(kind);
    CHECK(raw_to_tensor(dot, {}, wide, out.data(), out.size(), workspace, &transform).ok());
    CHECK(out.data()[kMaxSide - 1] == 90);
  }
}
