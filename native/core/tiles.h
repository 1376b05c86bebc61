#pragma once
#include "raw_to_tensor.h"

namespace vedette {

// One of several parts of a picture and where its tensor goes.
struct Tile {
  // In pixels of the upright picture: a region, or a quad.
  int64_t x = 0, y = 0, width = 0, height = 0;
  void* out = nullptr;
  size_t out_bytes = 0;
  // See raw_to_tensor.
  BarNote* bars = nullptr;
  Transform transform{};
  // For the caller: tiles are done in another order, and lie in it afterwards.
  size_t index = 0;
  bool has_quad = false;
  Quad quad;
};

// raw_to_tensor for each tile of one picture. Nothing is written when a tile leaves the picture or its
// memory is too small.
Status raw_to_tiles(const PixelView& image, Orientation orientation, const TensorSpec& spec,
                    Tile* tiles, size_t count, Workspace& workspace);

// The same for a JPEG, which is decoded once; errors as jpeg_to_tensor, and nothing is written when the
// data is damaged.
Status jpeg_to_tiles(const uint8_t* data, size_t size, uint64_t max_pixels, Orientation orientation,
                     const TensorSpec& spec, Tile* tiles, size_t count, Workspace& workspace);

}  // namespace vedette
