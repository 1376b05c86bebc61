#include "../core/raw_to_tensor.h"

#include "check.h"
#include "random_frame.h"

using namespace vedette;
using random_frame::Random;

TEST("no combination of format, view and tensor reads or writes out of bounds") {
  Random random(7);
  Workspace workspace;
  for (int run = 0; run < 9000; run++) {
    const int width = 1 + random.below(run % 7 == 0 ? 300 : 40);
    const int height = 1 + random.below(40);
    const random_frame::Frame frame(random, width, height);
    CHECK(frame.is_valid());
    const ViewSpec view = random_frame::view_of(random, width, height);
    const TensorSpec spec = random_frame::tensor_of(random, 50);
    ExactMemory out(random_frame::tensor_bytes(spec));
    std::memset(out.data(), 0xff, out.size());
    Transform transform;
    CHECK(raw_to_tensor(frame.view(), view, spec, out.data(), out.size(), workspace, &transform)
              .ok());
    if (spec.dtype == Dtype::float32) {
      const float* values = reinterpret_cast<const float*>(out.data());
      for (size_t i = 0; i < out.size() / sizeof(float); i++) {
        CHECK(values[i] >= 0 && values[i] <= 255);
      }
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

TEST("a frame's meaning must fit its format") {
  const uint8_t bytes[64] = {};
  PixelView view;
  for (int i = 0; i < kPixelFormats; i++) {
    const PixelFormat format = static_cast<PixelFormat>(i);
    CHECK(make_pixel_view(bytes, sizeof bytes, 4, 4, format, nullptr, 0, &view).ok());
    SampleMeaning colour, levels;
    colour.has_colour = levels.has_levels = true;
    levels.white = highest_level(format);
    CHECK(set_meaning({}, &view).ok());
    CHECK(set_meaning(colour, &view).ok() == is_yuv(format));
    CHECK(set_meaning(levels, &view).ok() == is_mono(format));
    levels.white++;
    CHECK(!set_meaning(levels, &view).ok());
    levels.black = levels.white = 5;
    CHECK(!set_meaning(levels, &view).ok());
  }
}

TEST("packed mono without strides needs exactly the bytes of its pixels") {
  const uint8_t bytes[64] = {};
  PixelView view;
  const auto fits = [&](PixelFormat format, size_t size) {
    return make_pixel_view(bytes, size, 5, 3, format, nullptr, 0, &view).ok();
  };
  CHECK(fits(PixelFormat::mono10p, 19) && !fits(PixelFormat::mono10p, 18));
  CHECK(fits(PixelFormat::mono12p, 23) && !fits(PixelFormat::mono12p, 22));
  CHECK(fits(PixelFormat::mono10packed, 23) && !fits(PixelFormat::mono10packed, 22));
  CHECK(fits(PixelFormat::mono12packed, 23) && !fits(PixelFormat::mono12packed, 22));
  CHECK(!make_pixel_view(bytes, 64, 65535, 65535, PixelFormat::mono12p, nullptr, 0, &view).ok());
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
