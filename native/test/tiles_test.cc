#include "../core/tiles.h"

#include <cstring>
#include <vector>

#include "check.h"
#include "random_frame.h"

using namespace vedette;
using random_frame::Random;

TEST("tiles of a frame are its regions one by one, in any order and for every kernel") {
  Random random(17);
  for (int run = 0; run < 300; run++) {
    const int width = 1 + random.below(300);
    const int height = 1 + random.below(40);
    const random_frame::Frame frame(random, width, height);
    const TensorSpec spec = random_frame::tensor_of(random, 60);
    const Orientation orientation = {random.below(4), random.below(2) == 1};
    const size_t bytes = random_frame::tensor_bytes(spec);
    const size_t count = static_cast<size_t>(1 + random.below(6));
    ExactMemory batch(bytes * count);
    std::vector<Tile> tiles(count);
    for (size_t i = 0; i < count; i++) {
      ViewSpec view;
      do view = random_frame::view_of(random, width, height);
      while (view.orientation.is_transposed() != orientation.is_transposed() || !view.has_region);
      tiles[i] = {view.region_x,
                  view.region_y,
                  view.region_width,
                  view.region_height,
                  batch.data() + bytes * i,
                  bytes,
                  nullptr,
                  {},
                  i,
                  false,
                  {}};
    }
    int kernels = 0;
    while (available_row_kernels(kernels + 1) != nullptr) kernels++;
    CHECK(choose_row_kernels(available_row_kernels(random.below(kernels + 1))->name).ok());
    Workspace workspace;
    CHECK(raw_to_tiles(frame.view(), orientation, spec, tiles.data(), count, workspace).ok());
    for (const Tile& tile : tiles) {
      CHECK(tile.out == batch.data() + bytes * tile.index);
      ExactMemory alone(bytes);
      Workspace fresh;
      Transform transform;
      const ViewSpec view{orientation, true, tile.x, tile.y, tile.width, tile.height, false, {}};
      CHECK(raw_to_tensor(frame.view(), view, spec, alone.data(), bytes, fresh, &transform).ok());
      CHECK(std::memcmp(alone.data(), tile.out, bytes) == 0);
      CHECK(transform.offset_x == tile.transform.offset_x);
      CHECK(transform.offset_y == tile.transform.offset_y);
    }
  }
  CHECK(choose_row_kernels(nullptr).ok());
}

TEST("a tile that does not fit is refused, and no other was written") {
  uint8_t pixels[16] = {9};
  PixelView image;
  CHECK(make_pixel_view(pixels, 16, 4, 4, PixelFormat::gray8, nullptr, 0, &image).ok());
  TensorSpec spec;
  spec.width = spec.height = 2;
  spec.dtype = Dtype::uint8;
  spec.colour_order = ColourOrder::gray;
  uint8_t out[8];
  std::memset(out, 77, sizeof out);
  BarNote notes[2];
  notes[0].numbers[0] = 1;
  const Tile first{0, 0, 2, 2, out, 4, &notes[0], {}, 0, false, {}};
  const Tile wrong[] = {{3, 0, 2, 2, out + 4, 4, &notes[1], {}, 1, false, {}},
                        {0, -1, 2, 2, out + 4, 4, nullptr, {}, 1, false, {}},
                        {0, 0, 2, 0, out + 4, 4, nullptr, {}, 1, false, {}},
                        {INT64_MAX, 0, INT64_MAX, 2, out + 4, 4, nullptr, {}, 1, false, {}},
                        {0, 0, 2, 2, out + 4, 3, nullptr, {}, 1, false, {}}};
  Workspace workspace;
  for (const Tile& second : wrong) {
    Tile tiles[] = {first, second};
    notes[0].numbers[0] = 1;
    CHECK(!raw_to_tiles(image, {}, spec, tiles, 2, workspace).ok());
    for (const uint8_t byte : out) CHECK(byte == 77);
    CHECK(notes[0] == BarNote{});
  }
}
