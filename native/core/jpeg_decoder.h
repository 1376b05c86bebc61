#pragma once
#include <memory>

#include "buffer.h"
#include "orientation.h"
#include "pixel_view.h"

namespace vedette {

struct JpegInfo {
  int width = 0;
  int height = 0;
  Orientation orientation;
};

struct JpegSession;

// The stored rows [first, end) of a picture that will be read, and whether each is read no later than
// those below it.
struct RowRange {
  int first = 0;
  int end = 0;
  bool is_downward = false;
};

// Decodes a JPEG as far as its rows are asked for. Baseline and progressive, grayscale, YCbCr, RGB,
// CMYK and YCCK (Adobe's inverted kind too; plain arithmetic, ICC profiles are not applied).
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  // Reads the header and takes no memory for pixels. `data` must stay until the last call.
  // IMAGE_TOO_LARGE when width * height > max_pixels, IMAGE_CORRUPT.
  Status open(const uint8_t* data, size_t size, uint64_t max_pixels);
  const JpegInfo& info() const { return info_; }

  // The picture whose `rows` will be there, in `pixels`: jpeg_planes where the JPEG holds YCbCr as
  // nearly all do, gray8 for a grayscale one, else rgb24. Planes that are read downward have room for
  // two rows of blocks, which stay in the processor's cache; their view names this decoder.
  Status start(const RowRange& rows, Buffer<uint8_t>& pixels, PixelView* view);

  // Decodes up to this row and its neighbours in chroma. False when the data is damaged; fault() says
  // how much was decoded.
  bool reach(int row);

  // Follows the data to its end, so that damage behind the last row that was asked for is found too.
  // IMAGE_CORRUPT as reach.
  Status finish();
  Status fault() const;

 private:
  Status place_planes(Buffer<uint8_t>& pixels);
  Status place_rows(Buffer<uint8_t>& pixels);
  bool read_unit();
  void read_planes();
  void read_row();
  int units_for(int row) const;

  std::unique_ptr<JpegSession> session_;
  JpegInfo info_;
  PixelView view_;
  // The memory that view_ looks at.
  uint8_t* planes_[kMaxPlanes] = {nullptr, nullptr, nullptr};
  Buffer<uint8_t> cmyk_row_;
  RowRange rows_;
  bool has_planes_ = false;
  // A row of blocks, or a row of pixels where there are no planes.
  int unit_rows_ = 1;
  int units_ = 0;
};

}  // namespace vedette
