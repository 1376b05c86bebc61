#include "jpeg_session.h"

#include <algorithm>
#include <cstring>

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

JpegSession* session_of(j_common_ptr info) { return static_cast<JpegSession*>(info->client_data); }

void note_fault(JpegSession* session, j_common_ptr info) {
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
bool is_padding(const JpegSession* session, size_t count) {
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
  JpegSession* session = session_of(info);
  if (code == JWRN_EXTRANEOUS_DATA &&
      is_padding(session, static_cast<size_t>(info->err->msg_parm.i[0]))) {
    return;
  }
  note_fault(session, info);
}

void on_progress(j_common_ptr info) {
  JpegSession* session = session_of(info);
  if (session->decoder.input_scan_number > session->max_scans) {
    session->is_corrupt = true;
    session->has_too_many_scans = true;
    std::longjmp(session->escape, 1);
  }
}

void ignore_output(j_common_ptr) {}

}  // namespace

void begin_session(const uint8_t* data, size_t size, JpegSession* session) {
  std::memset(session, 0, sizeof *session);
  session->data = data;
  session->size = size;
  session->decoder.err = jpeg_std_error(&session->errors);
  session->decoder.client_data = session;
  session->errors.error_exit = on_error;
  session->errors.emit_message = on_message;
  session->errors.output_message = ignore_output;
  session->progress.progress_monitor = on_progress;
}

void read_jpeg_header(JpegSession& session) {
  jpeg_decompress_struct& decoder = session.decoder;
  jpeg_create_decompress(&decoder);
  decoder.client_data = &session;
  decoder.progress = &session.progress;
  jpeg_mem_src(&decoder, session.data, session.size);
  jpeg_save_markers(&decoder, JPEG_APP0 + 1, kMaxMarkerBytes);
  jpeg_read_header(&decoder, TRUE);
}

Orientation orientation_of(const JpegSession& session) {
  for (jpeg_saved_marker_ptr marker = session.decoder.marker_list; marker != nullptr;
       marker = marker->next) {
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length >= 6 &&
        std::memcmp(marker->data, "Exif\0\0", 6) == 0) {
      return orientation_from_exif(exif_orientation(marker->data + 6, marker->data_length - 6));
    }
  }
  return {};
}

int scan_limit(uint64_t pixels) {
  const uint64_t affordable = kMaxScannedPixels / std::max<uint64_t>(pixels, 1);
  return static_cast<int>(std::clamp<uint64_t>(affordable, kMinMaxScans, kMaxScans));
}

Status fault_of(const JpegSession& session) {
  const jpeg_decompress_struct& decoder = session.decoder;
  if (session.has_too_many_scans) {
    return fail(Code::image_corrupt, "JPEG: more than %d progressive scans of %ux%u pixels",
                session.max_scans, decoder.image_width, decoder.image_height);
  }
  if (decoder.output_height > 0 && !decoder.progressive_mode) {
    return fail(Code::image_corrupt, "JPEG: %s; %d of %u rows decoded, %zu of %zu bytes read",
                session.fault, session.rows_at_fault, decoder.output_height, session.bytes_at_fault,
                session.size);
  }
  return fail(Code::image_corrupt, "JPEG: %s; %zu of %zu bytes read", session.fault,
              session.bytes_at_fault, session.size);
}

void cmyk_to_rgb(const uint8_t* cmyk, int width, bool is_inverted, uint8_t* rgb) {
  for (int x = 0; x < width; x++, cmyk += 4, rgb += 3) {
    const int black = is_inverted ? cmyk[3] : 255 - cmyk[3];
    for (int c = 0; c < 3; c++) {
      const int light = is_inverted ? cmyk[c] : 255 - cmyk[c];
      rgb[c] = static_cast<uint8_t>((light * black + 127) / 255);
    }
  }
}

}  // namespace vedette
