// libFuzzer target: any bytes as an encoded picture, through header, decoder and tensor.
#include "../core/image_header.h"
#include "../core/jpeg_decoder.h"
#include "../core/raw_to_tensor.h"

using namespace vedette;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Workspace workspace;
  static float out[3 * 24 * 24];
  ImageHeader header;
  (void)read_image_header(data, size, &header);
  JpegPicture picture;
  const Status status =
      decode_jpeg(data, size, 256 * 256, nullptr, nullptr, workspace.picture, &picture);
  if (!status.ok()) return 0;
  TensorSpec spec;
  spec.width = spec.height = 24;
  spec.resize = static_cast<Resize>(size % 3);
  spec.interpolation = static_cast<Interpolation>(size % 5);
  ViewSpec view;
  view.orientation = picture.orientation;
  Transform transform;
  if (!raw_to_tensor(picture.view, view, spec, out, sizeof out, workspace, &transform).ok()) {
    __builtin_trap();
  }
  return 0;
}
