#include "jpeg_decoder.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>
#include <jerror.h>

#include "image_header.h"

namespace vedette {
namespace {

// A progressive file of few bytes can ask for thousands of passes over the whole picture. What
// encoders write has about ten; the larger the picture, the fewer more are followed.
constexpr int kMaxScans = 500;
constexpr int kMinMaxScans = 16;
constexpr uint64_t kMaxScannedPixels = 2'000'000'000;
constexpr int kMaxMarkerBytes = 65533;

struct Session {
  jpeg_decompress_struct decoder;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  const uint8_t* data;
  size_t size;
  bool is_corrupt;
  int max_scans;
  bool has_too_many_scans;
  size_t bytes_at_fault;
  int rows_at_fault;
  char fault[JMSG_LENGTH_MAX];
};

Session* session_of(j_common_ptr info) { return static_cast<Session*>(info->client_data); }

void note_fault(Session* session, j_common_ptr info) {
  if (session->is_corrupt) return;
  session->is_corrupt = true;
  const size_t left =
      session->decoder.src == nullptr ? session->size : session->decoder.src->bytes_in_buffer;
  session->bytes_at_fault = left <= session->size ? session->size - left : session->size;
  session->rows_at_fault = static_cast<int>(session->decoder.output_scanline);
  info->err->format_message(info, session->fault);
}

[[noreturn]] void on_error(j_common_ptr info) {
  note_fault(session_of(info), info);
  std::longjmp(session_of(info)->escape, 1);
}

// Cameras pad pictures with zeros or fill bytes before a marker: no data is lost there.
bool is_padding(const Session* session, size_t count) {
  const size_t left = session->decoder.src->bytes_in_buffer;
  if (left > session->size) return false;
  size_t end = session->size - left;
  while (end > 0 && session->data[end - 1] == 0xff) end--;
  for (size_t i = 0; i < count && i < end; i++) {
    const uint8_t byte = session->data[end - 1 - i];
    if (byte != 0 && byte != 0xff) return false;
  }
  return true;
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  const int code = info->err->msg_code;
  if (code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR) return;
  Session* session = session_of(info);
  if (code == JWRN_EXTRANEOUS_DATA &&
      is_padding(session, static_cast<size_t>(info->err->msg_parm.i[0]))) {
    return;
  }
  note_fault(session, info);
}

void on_progress(j_common_ptr info) {
  Session* session = session_of(info);
  if (session->decoder.input_scan_number > session->max_scans) {
    session->has_too_many_scans = true;
    std::longjmp(session->escape, 1);
  }
}

int scan_limit(uint64_t pixels) {
  const uint64_t affordable = kMaxScannedPixels / std::max<uint64_t>(pixels, 1);
  return static_cast<int>(std::clamp<uint64_t>(affordable, kMinMaxScans, kMaxScans));
}

void ignore_output(j_common_ptr) {}

Status corrupt(const Session& session) {
  const jpeg_decompress_struct& decoder = session.decoder;
  if (decoder.output_height > 0 && !decoder.progressive_mode) {
    return fail(Code::image_corrupt, "JPEG: %s; %d of %u rows decoded, %zu of %zu bytes read",
                session.fault, session.rows_at_fault, decoder.output_height, session.bytes_at_fault,
                session.size);
  }
  return fail(Code::image_corrupt, "JPEG: %s; %zu of %zu bytes read", session.fault,
              session.bytes_at_fault, session.size);
}

// CMYK to RGB in place of the row's start. Adobe writes ink as 255 - ink.
void cmyk_to_rgb(const uint8_t* cmyk, int width, bool is_inverted, uint8_t* rgb) {
  for (int x = 0; x < width; x++, cmyk += 4, rgb += 3) {
    const int black = is_inverted ? cmyk[3] : 255 - cmyk[3];
    for (int c = 0; c < 3; c++) {
      const int light = is_inverted ? cmyk[c] : 255 - cmyk[c];
      rgb[c] = static_cast<uint8_t>((light * black + 127) / 255);
    }
  }
}

int marker_orientation(const jpeg_decompress_struct& decoder) {
  for (jpeg_saved_marker_ptr marker = decoder.marker_list; marker != nullptr;
       marker = marker->next) {
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length >= 6 &&
        std::memcmp(marker->data, "Exif\0\0", 6) == 0) {
      return exif_orientation(marker->data + 6, marker->data_length - 6);
    }
  }
  return 1;
}

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

// Room for whole blocks and whole rows of blocks, which is what libjpeg writes.
Status place_planes(const jpeg_decompress_struct& decoder, Buffer<uint8_t>& pixels,
                    PixelView* view) {
  size_t offsets[3];
  size_t total = 0;
  for (int c = 0; c < 3; c++) {
    const jpeg_component_info& part = decoder.comp_info[c];
    const size_t rows =
        size_t{decoder.total_iMCU_rows} * static_cast<size_t>(part.v_samp_factor) * DCTSIZE;
    view->strides[c] = size_t{part.width_in_blocks} * DCTSIZE;
    offsets[c] = total;
    total += view->strides[c] * rows;
  }
  if (!pixels.reserve(total)) return out_of_memory(total);
  for (int c = 0; c < 3; c++) view->planes[c] = pixels.data() + offsets[c];
  view->width = static_cast<int>(decoder.image_width);
  view->height = static_cast<int>(decoder.image_height);
  view->format = PixelFormat::jpeg_planes;
  view->has_half_columns = decoder.comp_info[0].h_samp_factor == 2;
  view->has_half_rows = decoder.comp_info[0].v_samp_factor == 2;
  return {};
}

// One row of blocks.
void read_planes(jpeg_decompress_struct& decoder, Buffer<uint8_t>& pixels, const PixelView& view) {
  JSAMPROW rows[3][2 * DCTSIZE];
  JSAMPARRAY parts[3];
  const int down = decoder.comp_info[0].v_samp_factor;
  const size_t block_row = decoder.output_scanline / static_cast<unsigned>(down * DCTSIZE);
  for (int c = 0; c < 3; c++) {
    const size_t count = static_cast<size_t>(c == 0 ? down : 1) * DCTSIZE;
    uint8_t* const plane = pixels.data() + (view.planes[c] - pixels.data());
    for (size_t i = 0; i < count; i++) {
      rows[c][i] = plane + view.strides[c] * (block_row * count + i);
    }
    parts[c] = rows[c];
  }
  jpeg_read_raw_data(&decoder, parts, static_cast<JDIMENSION>(down * DCTSIZE));
}

// Everything between setjmp and the return lives in `session` or is trivially destructible.
Status decode(Session& session, uint64_t max_pixels, JpegGate gate, void* gate_context,
              Buffer<uint8_t>& pixels, Buffer<uint8_t>& cmyk_row, JpegPicture* out) {
  jpeg_decompress_struct& decoder = session.decoder;
  if (setjmp(session.escape) != 0) {
    if (session.has_too_many_scans) {
      return fail(Code::image_corrupt, "JPEG: more than %d progressive scans of %ux%u pixels",
                  session.max_scans, decoder.image_width, decoder.image_height);
    }
    return corrupt(session);
  }
  jpeg_create_decompress(&decoder);
  decoder.client_data = &session;
  decoder.progress = &session.progress;
  jpeg_mem_src(&decoder, session.data, session.size);
  jpeg_save_markers(&decoder, JPEG_APP0 + 1, kMaxMarkerBytes);
  jpeg_read_header(&decoder, TRUE);

  JpegInfo info;
  info.width = static_cast<int>(decoder.image_width);
  info.height = static_cast<int>(decoder.image_height);
  info.orientation = orientation_from_exif(marker_orientation(decoder));
  const uint64_t count = static_cast<uint64_t>(info.width) * static_cast<uint64_t>(info.height);
  if (count > max_pixels) {
    return fail(Code::image_too_large, "JPEG of %dx%d has %llu pixels, at most %llu are allowed",
                info.width, info.height, static_cast<unsigned long long>(count),
                static_cast<unsigned long long>(max_pixels));
  }
  session.max_scans = scan_limit(count);
  if (gate != nullptr) {
    const Status status = gate(info, gate_context);
    if (!status.ok()) return status;
  }

  const bool is_gray = decoder.num_components == 1;
  const bool is_cmyk = decoder.num_components == 4;
  const bool has_planes = has_plain_planes(decoder);
  decoder.out_color_space = is_gray      ? JCS_GRAYSCALE
                            : is_cmyk    ? JCS_CMYK
                            : has_planes ? JCS_YCbCr
                                         : JCS_RGB;
  decoder.raw_data_out = has_planes ? TRUE : FALSE;
  jpeg_start_decompress(&decoder);
  out->orientation = info.orientation;

  if (has_planes) {
    const Status status = place_planes(decoder, pixels, &out->view);
    if (!status.ok()) return status;
    while (decoder.output_scanline < decoder.output_height && !session.is_corrupt) {
      read_planes(decoder, pixels, out->view);
    }
    if (!session.is_corrupt) jpeg_finish_decompress(&decoder);
    return session.is_corrupt ? corrupt(session) : Status{};
  }

  const int channels = is_gray ? 1 : 3;
  const size_t row_bytes = static_cast<size_t>(info.width) * static_cast<size_t>(channels);
  const size_t bytes = row_bytes * static_cast<size_t>(info.height);
  const size_t cmyk_bytes = is_cmyk ? static_cast<size_t>(info.width) * 4 : 0;
  if (!pixels.reserve(bytes) || !cmyk_row.reserve(cmyk_bytes))
    return out_of_memory(bytes + cmyk_bytes);
  while (decoder.output_scanline < decoder.output_height && !session.is_corrupt) {
    uint8_t* target = pixels.data() + row_bytes * decoder.output_scanline;
    JSAMPROW row = is_cmyk ? cmyk_row.data() : target;
    jpeg_read_scanlines(&decoder, &row, 1);
    if (is_cmyk) cmyk_to_rgb(row, info.width, decoder.saw_Adobe_marker, target);
  }
  if (!session.is_corrupt) jpeg_finish_decompress(&decoder);
  if (session.is_corrupt) return corrupt(session);

  return make_pixel_view(pixels.data(), bytes, info.width, info.height,
                         is_gray ? PixelFormat::gray8 : PixelFormat::rgb24, nullptr, 0, &out->view);
}

}  // namespace

Status decode_jpeg(const uint8_t* data, size_t size, uint64_t max_pixels, JpegGate gate,
                   void* gate_context, Buffer<uint8_t>& pixels, JpegPicture* out) {
  if (size == 0) return fail(Code::image_corrupt, "the picture is empty: 0 bytes came");
  Session session;
  std::memset(&session, 0, sizeof session);
  session.data = data;
  session.size = size;
  session.decoder.err = jpeg_std_error(&session.errors);
  session.decoder.client_data = &session;
  session.errors.error_exit = on_error;
  session.errors.emit_message = on_message;
  session.errors.output_message = ignore_output;
  session.progress.progress_monitor = on_progress;
  Buffer<uint8_t> cmyk_row;
  const Status status = decode(session, max_pixels, gate, gate_context, pixels, cmyk_row, out);
  jpeg_destroy_decompress(&session.decoder);
  return status;
}

}  // namespace vedette
