#include "../core/quad_crop.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "../core/tiles.h"
#include "check.h"
#include "random_frame.h"

using namespace vedette;
using random_frame::Random;

namespace {

// Around a centre, which may lie near or beyond the border; three of four are convex.
Quad quad_of(Random& random, int width, int height) {
  const double x = random.below(width + 20) - 10;
  const double y = random.below(height + 20) - 10;
  const double turn = random.below(629) / 100.0;
  Quad quad;
  for (int i = 0; i < 4; i++) {
    const double reach = 2 + random.below(60);
    const double angle = turn + (i + random.below(60) / 100.0) * 1.5707963;
    quad.x[i] = x + reach * std::cos(angle);
    quad.y[i] = y + reach * std::sin(angle);
  }
  return quad;
}

Quad rectangle(double x, double y, double width, double height) {
  return {{x, x + width, x + width, x}, {y, y, y + height, y + height}};
}

}  // namespace

TEST("crops of quads read only the frame, whatever its format, and write only the tensor") {
  Random random(23);
  int made = 0;
  for (int run = 0; run < 4000; run++) {
    const int width = 1 + random.below(120);
    const int height = 1 + random.below(60);
    const random_frame::Frame frame(random, width, height);
    ViewSpec view;
    view.orientation = {random.below(4), random.below(2) == 1};
    const bool is_turned = view.orientation.is_transposed();
    view.has_quad = true;
    view.quad = quad_of(random, is_turned ? height : width, is_turned ? width : height);
    TensorSpec spec = random_frame::tensor_of(random, 60);
    spec.interpolation = Interpolation::bilinear;
    const size_t bytes = random_frame::tensor_bytes(spec);
    ExactMemory out(bytes);
    Workspace workspace;
    Transform transform;
    const Status status =
        raw_to_tensor(frame.view(), view, spec, out.data(), bytes, workspace, &transform);
    if (!status.ok()) {
      CHECK(status.code == Code::frame_invalid);
      continue;
    }
    made++;
    CHECK(transform.has_perspective);
    // In a batch of tiles it is the same.
    ExactMemory again(bytes);
    Tile tile;
    tile.out = again.data();
    tile.out_bytes = bytes;
    tile.has_quad = true;
    tile.quad = view.quad;
    CHECK(raw_to_tiles(frame.view(), view.orientation, spec, &tile, 1, workspace).ok());
    CHECK(std::memcmp(out.data(), again.data(), bytes) == 0);
  }
  CHECK(made > 1500);
}

TEST("an upright quad at whole pixels is the region to the bit, turned ones too") {
  Random random(29);
  for (int run = 0; run < 500; run++) {
    const int width = 2 + random.below(80);
    const int height = 2 + random.below(40);
    const random_frame::Frame frame(random, width, height);
    ViewSpec region = random_frame::view_of(random, width, height);
    region.has_region = true;
    TensorSpec spec = random_frame::tensor_of(random, 60);
    spec.width = static_cast<int>(region.region_width);
    spec.height = static_cast<int>(region.region_height);
    spec.resize = Resize::stretch;
    spec.interpolation = Interpolation::bilinear;
    const size_t bytes = random_frame::tensor_bytes(spec);
    ExactMemory straight(bytes);
    ExactMemory through(bytes);
    Workspace workspace;
    Transform transform;
    CHECK(raw_to_tensor(frame.view(), region, spec, straight.data(), bytes, workspace, &transform)
              .ok());
    ViewSpec quad{region.orientation, false, 0, 0, 0, 0, true, {}};
    quad.quad = rectangle(
        static_cast<double>(region.region_x), static_cast<double>(region.region_y),
        static_cast<double>(region.region_width), static_cast<double>(region.region_height));
    CHECK(
        raw_to_tensor(frame.view(), quad, spec, through.data(), bytes, workspace, &transform).ok());
    CHECK(std::memcmp(straight.data(), through.data(), bytes) == 0);
  }
}

TEST("quads that are no convex area seen clockwise, or not in the picture, are refused") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const Quad wrong[] = {
      {{0, 0, 10, 10}, {0, 10, 10, 0}},        // the other way around
      {{0, 10, 0, 10}, {0, 0, 10, 10}},        // crossing itself
      {{0, 10, 20, 0}, {0, 0, 0, 10}},         // three corners on a line
      {{0, 10, 2, 0}, {0, 0, 2, 10}},          // a dent
      {{5, 5, 5, 5}, {5, 5, 5, 5}},            // a point
      {{0, 0.5, 0.5, 0}, {0, 0, 10, 10}},      // narrower than a pixel
      {{nan, 10, 10, 0}, {0, 0, 10, 10}},      //
      {{0, infinity, 10, 0}, {0, 0, 10, 10}},  //
      {{0, 1e9, 1e9, 0}, {0, 0, 1e9, 1e9}},    //
      rectangle(20, 2, 10, 5),                 // right of it
      rectangle(2, -9, 10, 9),                 // above it
  };
  for (const Quad& quad : wrong) CHECK(check_quad(quad, 20, 20).code == Code::frame_invalid);
  CHECK(check_quad(rectangle(-5, -5, 100, 100), 20, 20).ok());
  CHECK(check_quad(rectangle(19.5, 19.5, 1, 1), 20, 20).ok());
}

TEST("a quad beside a region, and one with another interpolation, are refused") {
  uint8_t pixels[64] = {9};
  PixelView image;
  CHECK(make_pixel_view(pixels, 64, 8, 8, PixelFormat::gray8, nullptr, 0, &image).ok());
  TensorSpec spec;
  spec.width = spec.height = 2;
  spec.dtype = Dtype::uint8;
  spec.colour_order = ColourOrder::gray;
  uint8_t out[4];
  Workspace workspace;
  Transform transform;
  ViewSpec view{{}, true, 0, 0, 4, 4, true, rectangle(1, 1, 4, 4)};
  CHECK(raw_to_tensor(image, view, spec, out, 4, workspace, &transform).code ==
        Code::frame_invalid);
  view.has_region = false;
  spec.interpolation = Interpolation::area;
  CHECK(raw_to_tensor(image, view, spec, out, 4, workspace, &transform).code ==
        Code::tensor_invalid);
}
