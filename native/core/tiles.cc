#include "tiles.h"

#include <algorithm>

#include "jpeg_decoder.h"

namespace vedette {
namespace {

ViewSpec view_of(const Tile& tile, Orientation orientation) {
  if (tile.has_quad) return {orientation, false, 0, 0, 0, 0, true, tile.quad};
  return {orientation, true, tile.x, tile.y, tile.width, tile.height, false, {}};
}

Status check(int stored_width, int stored_height, Orientation orientation, const TensorSpec& spec,
             const Tile* tiles, size_t count) {
  for (size_t i = 0; i < count; i++) {
    Region region;
    const Status status = check_request(stored_width, stored_height, view_of(tiles[i], orientation),
                                        spec, tiles[i].out_bytes, &region);
    if (!status.ok()) return status;
  }
  return {};
}

Status write(const PixelView& image, Orientation orientation, const TensorSpec& spec, Tile* tiles,
             size_t count, Workspace& workspace) {
  // Tables are made for a range of columns: tiles that lie above each other share them.
  std::sort(tiles, tiles + count,
            [](const Tile& a, const Tile& b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  for (size_t i = 0; i < count; i++) {
    Tile& tile = tiles[i];
    const Status status = raw_to_tensor(image, view_of(tile, orientation), spec, tile.out,
                                        tile.out_bytes, workspace, &tile.transform, tile.bars);
    if (!status.ok()) return status;
  }
  return {};
}

Status forget_bars(const Status& status, Tile* tiles, size_t count) {
  for (size_t i = 0; i < count && !status.ok(); i++) {
    if (tiles[i].bars != nullptr) *tiles[i].bars = {};
  }
  return status;
}

Status decode_and_write(JpegDecoder& decoder, Orientation orientation, const TensorSpec& spec,
                        Tile* tiles, size_t count, Workspace& workspace) {
  const JpegInfo& info = decoder.info();
  // EXIF first, then the camera's own turn and mirror.
  orientation = compose(info.orientation, orientation);
  Status status = check(info.width, info.height, orientation, spec, tiles, count);
  PixelView picture;
  if (status.ok()) status = decoder.start({0, info.height, false}, workspace.picture, &picture);
  if (status.ok()) status = decoder.finish();
  return status.ok() ? write(picture, orientation, spec, tiles, count, workspace) : status;
}

}  // namespace

Status raw_to_tiles(const PixelView& image, Orientation orientation, const TensorSpec& spec,
                    Tile* tiles, size_t count, Workspace& workspace) {
  Status status = check(image.width, image.height, orientation, spec, tiles, count);
  if (status.ok()) status = write(image, orientation, spec, tiles, count, workspace);
  return forget_bars(status, tiles, count);
}

Status jpeg_to_tiles(const uint8_t* data, size_t size, uint64_t max_pixels, Orientation orientation,
                     const TensorSpec& spec, Tile* tiles, size_t count, Workspace& workspace) {
  JpegDecoder decoder;
  Status status = decoder.open(data, size, max_pixels);
  if (status.ok()) {
    status = decode_and_write(decoder, orientation, spec, tiles, count, workspace);
  }
  return forget_bars(status, tiles, count);
}

}  // namespace vedette
