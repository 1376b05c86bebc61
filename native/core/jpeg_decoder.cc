#include "jpeg_decoder.h"

#include <algorithm>
#include <new>

#include "jpeg_session.h"

namespace vedette {
namespace {

// Two rows of blocks: the one in hand, and the one above or below whose chroma is mixed in.
constexpr size_t kKeptBlockRows = 2;

// YCbCr whose chroma is whole, halved across, or halved both ways, wide enough for libjpeg to filter
// it: the planes can be used as they are.
bool has_plain_planes(const jpeg_decompress_struct& decoder) {
  if (decoder.jpeg_color_space != JCS_YCbCr || decoder.num_components != 3) return false;
  const jpeg_component_info* const part = decoder.comp_info;
  for (int c = 1; c < 3; c++) {
    if (part[c].h_samp_factor != 1 || part[c].v_samp_factor != 1) return false;
  }
  const int across = part[0].h_samp_factor;
  const int down = part[0].v_samp_factor;
  const bool is_known = (across == 1 || across == 2) && (down == 1 || down == across);
  return is_known && decoder.image_width > 4;
}

}  // namespace

JpegDecoder::JpegDecoder() = default;

JpegDecoder::~JpegDecoder() {
  if (session_ != nullptr) jpeg_destroy_decompress(&session_->decoder);
}

Status JpegDecoder::open(const uint8_t* data, size_t size, uint64_t max_pixels) {
  if (size == 0) return fail(Code::image_corrupt, "the picture is empty: 0 bytes came");
  session_.reset(new (std::nothrow) JpegSession);
  if (session_ == nullptr) return out_of_memory(sizeof(JpegSession));
  JpegSession& session = *session_;
  begin_session(data, size, &session);
  if (setjmp(session.escape) != 0) return fault_of(session);
  read_jpeg_header(session);
  info_.width = static_cast<int>(session.decoder.image_width);
  info_.height = static_cast<int>(session.decoder.image_height);
  info_.orientation = orientation_of(session);
  const uint64_t count = static_cast<uint64_t>(info_.width) * static_cast<uint64_t>(info_.height);
  if (count > max_pixels) {
    return fail(Code::image_too_large, "JPEG of %dx%d has %llu pixels, at most %llu are allowed",
                info_.width, info_.height, static_cast<unsigned long long>(count),
                static_cast<unsigned long long>(max_pixels));
  }
  session.max_scans = scan_limit(count);
  return {};
}

Status JpegDecoder::start(const RowRange& rows, Buffer<uint8_t>& pixels, PixelView* view) {
  JpegSession& session = *session_;
  jpeg_decompress_struct& decoder = session.decoder;
  if (setjmp(session.escape) != 0) return fault_of(session);
  rows_ = rows;
  has_planes_ = has_plain_planes(decoder);
  decoder.out_color_space = decoder.num_components == 1   ? JCS_GRAYSCALE
                            : decoder.num_components == 4 ? JCS_CMYK
                            : has_planes_                 ? JCS_YCbCr
                                                          : JCS_RGB;
  decoder.raw_data_out = has_planes_ ? TRUE : FALSE;
  jpeg_start_decompress(&decoder);
  if (session.is_corrupt) return fault_of(session);
  const Status status = has_planes_ ? place_planes(pixels) : place_rows(pixels);
  *view = view_;
  return status;
}

// Room for whole blocks and whole rows of blocks, which is what libjpeg writes.
Status JpegDecoder::place_planes(Buffer<uint8_t>& pixels) {
  const jpeg_decompress_struct& decoder = session_->decoder;
  const size_t all = decoder.total_iMCU_rows;
  const bool is_kept_short = rows_.is_downward && all > kKeptBlockRows;
  size_t offsets[3];
  size_t total = 0;
  for (int c = 0; c < 3; c++) {
    const jpeg_component_info& part = decoder.comp_info[c];
    const size_t rows =
        (is_kept_short ? kKeptBlockRows : all) * static_cast<size_t>(part.v_samp_factor) * DCTSIZE;
    view_.strides[c] = size_t{part.width_in_blocks} * DCTSIZE;
    view_.kept_rows[c] = is_kept_short ? static_cast<int>(rows) : 0;
    offsets[c] = total;
    total += view_.strides[c] * rows;
  }
  if (!pixels.reserve(total)) return out_of_memory(total);
  for (int c = 0; c < 3; c++) view_.planes[c] = planes_[c] = pixels.data() + offsets[c];
  view_.width = info_.width;
  view_.height = info_.height;
  view_.format = PixelFormat::jpeg_planes;
  view_.has_half_columns = decoder.comp_info[0].h_samp_factor == 2;
  view_.has_half_rows = decoder.comp_info[0].v_samp_factor == 2;
  view_.decoder = rows_.is_downward ? this : nullptr;
  unit_rows_ = decoder.comp_info[0].v_samp_factor * DCTSIZE;
  return {};
}

Status JpegDecoder::place_rows(Buffer<uint8_t>& pixels) {
  const int components = session_->decoder.num_components;
  const bool is_gray = components == 1;
  const size_t row_bytes = static_cast<size_t>(info_.width) * (is_gray ? 1 : 3);
  const size_t bytes = row_bytes * static_cast<size_t>(info_.height);
  const size_t cmyk_bytes = components == 4 ? static_cast<size_t>(info_.width) * 4 : 0;
  if (!pixels.reserve(bytes) || !cmyk_row_.reserve(cmyk_bytes)) {
    return out_of_memory(bytes + cmyk_bytes);
  }
  planes_[0] = pixels.data();
  return make_pixel_view(pixels.data(), bytes, info_.width, info_.height,
                         is_gray ? PixelFormat::gray8 : PixelFormat::rgb24, nullptr, 0, &view_);
}

// Where rows of chroma are halved, an odd row mixes in the chroma of the row below its pair, an even
// one that above.
int JpegDecoder::units_for(int row) const {
  const int lowest = view_.has_half_rows ? std::min(row + (row & 1), info_.height - 1) : row;
  return lowest / unit_rows_ + 1;
}

bool JpegDecoder::reach(int row) {
  if (session_->is_corrupt) return false;
  for (const int wanted = units_for(row); units_ < wanted; units_++) {
    if (!read_unit()) return false;
  }
  return true;
}

bool JpegDecoder::read_unit() {
  JpegSession& session = *session_;
  if (setjmp(session.escape) != 0) return false;
  has_planes_ ? read_planes() : read_row();
  return !session.is_corrupt;
}

void JpegDecoder::read_planes() {
  jpeg_decompress_struct& decoder = session_->decoder;
  // Blocks that nothing is taken from only have their bits followed.
  const int first = view_.has_half_rows ? std::max(rows_.first - 1, 0) : rows_.first;
  const bool is_needed = units_ >= first / unit_rows_ && units_ < units_for(rows_.end - 1);
  JSAMPROW rows[3][2 * DCTSIZE];
  JSAMPARRAY parts[3];
  for (int c = 0; c < 3; c++) {
    decoder.comp_info[c].component_needed = is_needed ? TRUE : FALSE;
    const size_t count = static_cast<size_t>(decoder.comp_info[c].v_samp_factor) * DCTSIZE;
    const size_t unit = static_cast<size_t>(units_) %
                        (view_.kept_rows[c] == 0 ? decoder.total_iMCU_rows : kKeptBlockRows);
    for (size_t i = 0; i < count; i++) {
      rows[c][i] = planes_[c] + view_.strides[c] * (unit * count + i);
    }
    parts[c] = rows[c];
  }
  jpeg_read_raw_data(&decoder, parts, static_cast<JDIMENSION>(unit_rows_));
}

void JpegDecoder::read_row() {
  jpeg_decompress_struct& decoder = session_->decoder;
  uint8_t* const target = planes_[0] + view_.strides[0] * decoder.output_scanline;
  const bool is_cmyk = decoder.num_components == 4;
  JSAMPROW row = is_cmyk ? cmyk_row_.data() : target;
  jpeg_read_scanlines(&decoder, &row, 1);
  if (is_cmyk) cmyk_to_rgb(row, info_.width, decoder.saw_Adobe_marker, target);
}

Status JpegDecoder::finish() {
  if (!reach(info_.height - 1)) return fault_of(*session_);
  JpegSession& session = *session_;
  if (setjmp(session.escape) != 0) return fault_of(session);
  jpeg_finish_decompress(&session.decoder);
  return session.is_corrupt ? fault_of(session) : Status{};
}

Status JpegDecoder::fault() const { return fault_of(*session_); }

}  // namespace vedette
