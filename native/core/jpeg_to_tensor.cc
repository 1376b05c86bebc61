#include "jpeg_to_tensor.h"

#include <algorithm>

#include "jpeg_decoder.h"

namespace vedette {
namespace {

RowRange stored_rows(const PixelMap& map, const Region& region) {
  const auto row_of = [&map](int u, int v) { return map.y0 + u * map.yu + v * map.yv; };
  const int one = row_of(region.x, region.y);
  const int other = row_of(region.x + region.width - 1, region.y + region.height - 1);
  return {std::min(one, other), std::max(one, other) + 1, map.yv > 0};
}

Status decode(JpegDecoder& decoder, ViewSpec view, const TensorSpec& spec, void* out,
              size_t out_bytes, Workspace& workspace, Transform* transform, BarNote* bars) {
  const JpegInfo& info = decoder.info();
  // EXIF first, then the camera's own turn and mirror.
  view.orientation = compose(info.orientation, view.orientation);
  Region region;
  Status status = check_request(info.width, info.height, view, spec, out_bytes, &region);
  if (!status.ok()) return status;
  const PixelMap map = upright_to_stored(view.orientation, info.width, info.height);
  PixelView picture;
  status = decoder.start(stored_rows(map, region), workspace.picture, &picture);
  // What is not read downward has to be there as a whole.
  const bool is_whole = picture.decoder == nullptr;
  if (status.ok() && is_whole) status = decoder.finish();
  if (!status.ok()) return status;
  status = raw_to_tensor(picture, view, spec, out, out_bytes, workspace, transform, bars);
  return status.ok() && !is_whole ? decoder.finish() : status;
}

}  // namespace

Status jpeg_to_tensor(const uint8_t* data, size_t size, uint64_t max_pixels, const ViewSpec& view,
                      const TensorSpec& spec, void* out, size_t out_bytes, Workspace& workspace,
                      Transform* transform, BarNote* bars) {
  JpegDecoder decoder;
  Status status = decoder.open(data, size, max_pixels);
  if (status.ok()) {
    status = decode(decoder, view, spec, out, out_bytes, workspace, transform, bars);
  }
  // Whatever a tensor that failed holds, it is not what the last good call left there.
  if (!status.ok() && bars != nullptr) *bars = {};
  return status;
}

}  // namespace vedette
