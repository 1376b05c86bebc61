// libFuzzer target: any bytes as an encoded picture, through header, decoder and tensor. The last bytes
// choose region, turn and resize. Rows decoded on the way must make the tensor, or the fault, of the
// picture that is decoded as a whole.
#include <cstring>

#include "../core/image_header.h"
#include "../core/jpeg_to_tensor.h"
#include "jpeg_samples.h"

using namespace vedette;

namespace {

constexpr uint64_t kMaxPixels = 256 * 256;
constexpr size_t kChoices = 12;
constexpr int kMaxTensorSide = 40;

ViewSpec view_of(const uint8_t* choice, const ImageHeader& header) {
  ViewSpec view;
  view.orientation = {choice[0] & 3, (choice[0] & 4) != 0};
  view.has_region = (choice[0] & 8) != 0;
  if (!view.has_region || header.width < 1 || header.height < 1) return view;
  // Turned or not, a square from the corner lies within; what leaves the picture is refused.
  view.region_x = choice[1] % header.width;
  view.region_y = choice[2] % header.height;
  view.region_width = 1 + choice[3] % (header.width - view.region_x);
  view.region_height = 1 + choice[4] % (header.height - view.region_y);
  return view;
}

TensorSpec spec_of(const uint8_t* choice) {
  TensorSpec spec;
  spec.width = 1 + choice[5] % kMaxTensorSide;
  spec.height = 1 + choice[6] % kMaxTensorSide;
  spec.resize = static_cast<Resize>(choice[7] % 3);
  spec.interpolation = static_cast<Interpolation>(choice[8] % 5);
  spec.colour_order = static_cast<ColourOrder>(choice[9] % 3);
  return spec;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Workspace streaming, whole;
  static float out[3 * kMaxTensorSide * kMaxTensorSide];
  static float want[3 * kMaxTensorSide * kMaxTensorSide];
  ImageHeader header;
  (void)read_image_header(data, size, &header);
  if (size < kChoices) return 0;
  const uint8_t* const choice = data + size - kChoices;
  ViewSpec view = view_of(choice, header);
  const TensorSpec spec = spec_of(choice);
  Transform transform;
  const Status status =
      jpeg_to_tensor(data, size, kMaxPixels, view, spec, out, sizeof out, streaming, &transform);
  // A region that leaves the picture is refused before anything is decoded.
  if (status.code == Code::frame_invalid) return 0;
  PixelView picture;
  Orientation stored;
  Status right =
      jpeg_samples::decode_whole(data, size, kMaxPixels, whole.picture, &picture, &stored);
  view.orientation = compose(stored, view.orientation);
  if (right.ok()) {
    right = raw_to_tensor(picture, view, spec, want, sizeof want, whole, &transform);
    if (!right.ok()) __builtin_trap();
  }
  if (status.code != right.code || std::strcmp(status.text, right.text) != 0) __builtin_trap();
  const size_t bytes =
      static_cast<size_t>(spec.width * spec.height * spec.channels()) * sizeof(float);
  if (status.ok() && std::memcmp(out, want, bytes) != 0) __builtin_trap();
  return 0;
}
