#include "tiles.h"

#include <algorithm>
#include <vector>

#include "../core/tiles.h"
#include "request.h"
#include "thread_memory.h"

namespace vedette {
namespace {

// Mirrored in native/tiles.ts: x, y, width, height, or 1 and a quad from kTileQuad on go in; the six
// numbers of a transform, and from kTilePerspective on those of a perspective, come out.
constexpr size_t kTileHasQuad = 6;
constexpr size_t kTileQuad = 7;
constexpr size_t kTilePerspective = 7;
constexpr size_t kTileNumbers = 16;
constexpr size_t kMostTiles = 4096;
constexpr int64_t kFarthest = int64_t{1} << 53;

struct Call {
  double* request = nullptr;
  ByteSpan input;
  ViewSpec view;
  TensorSpec spec;
  double* numbers = nullptr;
  std::vector<Tile> tiles;
};

Status read_tile(const double* numbers, const Napi::Value& out, const Napi::Value& bars,
                 const TensorSpec& spec, Tile* tile) {
  tile->has_quad = numbers[kTileHasQuad] != 0;
  if (tile->has_quad) read_quad(numbers + kTileQuad, &tile->quad);
  int64_t* const parts[4] = {&tile->x, &tile->y, &tile->width, &tile->height};
  for (int i = 0; i < 4; i++) {
    if (!read_integer(numbers[i], -kFarthest, kFarthest, parts[i])) {
      return fail(Code::frame_invalid, "regions must be whole pixels, got %g", numbers[i]);
    }
  }
  ByteSpan memory;
  const Status status = read_output(out, spec, &memory);
  if (!status.ok()) return status;
  tile->out = memory.data;
  tile->out_bytes = memory.size;
  return read_bars(bars, &tile->bars);
}

// data, request, an array of typed arrays, an array of bars, the numbers of the tiles
Status read_call(const Napi::CallbackInfo& info, Call* call) {
  call->request = request_of(info[1]);
  TypedMemory numbers;
  const bool is_right = call->request != nullptr && info[2].IsArray() && info[3].IsArray() &&
                        typed_memory_of(info.Env(), info[4], &numbers) &&
                        numbers.type == napi_float64_array;
  if (!is_right) return fail(Code::internal, "the addon was called with something else than tiles");
  Status status = bytes_of(info[0], "data", &call->input);
  if (status.ok()) status = read_view(call->request, &call->view);
  if (status.ok()) status = read_spec(call->request, &call->spec);
  if (!status.ok()) return status;
  const Napi::Array outs = info[2].As<Napi::Array>();
  const Napi::Array bars = info[3].As<Napi::Array>();
  const size_t count = numbers.length / kTileNumbers;
  if (count < 1 || count > kMostTiles) {
    return fail(Code::frame_invalid, "1 to %zu regions are expected, got %zu", kMostTiles, count);
  }
  call->numbers = reinterpret_cast<double*>(numbers.data);
  call->tiles.resize(count);
  for (size_t i = 0; i < count; i++) {
    const uint32_t at = static_cast<uint32_t>(i);
    const Napi::Value out = outs.Get(at);
    const Napi::Value note = bars.Get(at);
    call->tiles[i].index = i;
    status = read_tile(call->numbers + i * kTileNumbers, out, note, call->spec, &call->tiles[i]);
    if (!status.ok()) return status;
  }
  return {};
}

void write_transforms(const Call& call) {
  for (const Tile& tile : call.tiles) {
    double* const numbers = call.numbers + tile.index * kTileNumbers;
    const Transform& transform = tile.transform;
    numbers[0] = transform.scale_x;
    numbers[1] = transform.scale_y;
    numbers[2] = transform.offset_x;
    numbers[3] = transform.offset_y;
    numbers[4] = transform.source_width;
    numbers[5] = transform.source_height;
    if (transform.has_perspective) {
      std::copy(transform.perspective, transform.perspective + 9, numbers + kTilePerspective);
    }
  }
}

Status raw_call(const Napi::CallbackInfo& info) {
  Call call;
  PixelView image;
  Status status = read_call(info, &call);
  if (status.ok()) status = read_image(call.request, call.input, &image);
  if (status.ok()) {
    status = raw_to_tiles(image, call.view.orientation, call.spec, call.tiles.data(),
                          call.tiles.size(), thread_memory().workspace);
  }
  release_if_huge(thread_memory().workspace.crop);
  if (status.ok()) write_transforms(call);
  return status;
}

Status jpeg_call(const Napi::CallbackInfo& info) {
  Call call;
  Status status = read_call(info, &call);
  if (!status.ok()) return status;
  int64_t max_pixels;
  status = read_jpeg_limit(call.request, call.input, &max_pixels);
  if (!status.ok()) return status;
  status = jpeg_to_tiles(call.input.data, call.input.size, static_cast<uint64_t>(max_pixels),
                         call.view.orientation, call.spec, call.tiles.data(), call.tiles.size(),
                         thread_memory().workspace);
  release_if_huge(thread_memory().workspace.picture);
  release_if_huge(thread_memory().workspace.crop);
  if (status.ok()) write_transforms(call);
  return status;
}

Napi::Value raw_to_tiles_js(const Napi::CallbackInfo& info) {
  return finish(info.Env(), raw_call(info));
}

Napi::Value jpeg_to_tiles_js(const Napi::CallbackInfo& info) {
  return finish(info.Env(), jpeg_call(info));
}

}  // namespace

void register_tiles(Napi::Env env, Napi::Object exports) {
  exports.Set("rawToTiles", Napi::Function::New(env, raw_to_tiles_js));
  exports.Set("jpegToTiles", Napi::Function::New(env, jpeg_to_tiles_js));
}

}  // namespace vedette
