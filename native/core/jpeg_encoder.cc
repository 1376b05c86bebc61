#include "jpeg_encoder.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <jpeglib.h>
#include <jerror.h>

namespace vedette {

EncodedJpeg::~EncodedJpeg() { std::free(data_); }

bool EncodedJpeg::grow(size_t capacity) {
  if (capacity <= capacity_) return true;
  void* grown = std::realloc(data_, capacity);
  if (grown == nullptr) return false;
  data_ = static_cast<uint8_t*>(grown);
  capacity_ = capacity;
  return true;
}

namespace {

constexpr size_t kFirstCapacity = 64 * 1024;

struct Session {
  jpeg_destination_mgr destination;
  EncodedJpeg* out;
  jpeg_compress_struct encoder;
  jpeg_error_mgr errors;
  std::jmp_buf escape;
  char fault[JMSG_LENGTH_MAX];
};

[[noreturn]] void on_error(j_common_ptr info) {
  Session* session = static_cast<Session*>(info->client_data);
  info->err->format_message(info, session->fault);
  std::longjmp(session->escape, 1);
}

void ignore_message(j_common_ptr, int) {}

void open_output(j_compress_ptr encoder) {
  Session* session = static_cast<Session*>(encoder->client_data);
  if (!session->out->grow(kFirstCapacity)) ERREXIT1(encoder, JERR_OUT_OF_MEMORY, 1);
  session->destination.next_output_byte = session->out->bytes();
  session->destination.free_in_buffer = session->out->capacity();
}

boolean grow_output(j_compress_ptr encoder) {
  Session* session = static_cast<Session*>(encoder->client_data);
  const size_t used = session->out->capacity();
  if (!session->out->grow(used * 2)) ERREXIT1(encoder, JERR_OUT_OF_MEMORY, 2);
  session->destination.next_output_byte = session->out->bytes() + used;
  session->destination.free_in_buffer = session->out->capacity() - used;
  return TRUE;
}

void close_output(j_compress_ptr encoder) {
  Session* session = static_cast<Session*>(encoder->client_data);
  session->out->set_size(session->out->capacity() - session->destination.free_in_buffer);
}

Status encode(Session& session, const PixelView& image, int quality, int channels,
              UprightRows& rows) {
  jpeg_compress_struct& encoder = session.encoder;
  if (setjmp(session.escape) != 0) {
    return fail(Code::internal, "JPEG could not be written: %s", session.fault);
  }
  jpeg_create_compress(&encoder);
  encoder.client_data = &session;
  encoder.dest = &session.destination;
  encoder.image_width = static_cast<JDIMENSION>(image.width);
  encoder.image_height = static_cast<JDIMENSION>(image.height);
  encoder.input_components = channels;
  encoder.in_color_space = channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, quality, TRUE);
  jpeg_start_compress(&encoder, TRUE);
  while (encoder.next_scanline < encoder.image_height) {
    // libjpeg does not write to its input rows; its interface predates const.
    JSAMPROW row = const_cast<JSAMPROW>(rows.row(static_cast<int>(encoder.next_scanline)));
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  return {};
}

}  // namespace

Status encode_jpeg(const PixelView& image, int quality, UprightRows& rows, EncodedJpeg* out) {
  if (quality < 1 || quality > 100) {
    return fail(Code::frame_invalid, "quality must be 1 to 100, got %d", quality);
  }
  if (image.width > JPEG_MAX_DIMENSION || image.height > JPEG_MAX_DIMENSION) {
    return fail(Code::frame_invalid, "JPEG holds at most %ld pixels a side, got %dx%d",
                static_cast<long>(JPEG_MAX_DIMENSION), image.width, image.height);
  }
  const int channels = is_gray(image.format) ? 1 : 3;
  Status status = rows.open(image, {}, {0, 0, image.width, image.height}, channels);
  if (!status.ok()) return status;
  Session session;
  std::memset(&session, 0, sizeof session);
  session.encoder.err = jpeg_std_error(&session.errors);
  session.encoder.client_data = &session;
  session.errors.error_exit = on_error;
  session.errors.emit_message = ignore_message;
  session.out = out;
  session.destination.init_destination = open_output;
  session.destination.empty_output_buffer = grow_output;
  session.destination.term_destination = close_output;
  status = encode(session, image, quality, channels, rows);
  jpeg_destroy_compress(&session.encoder);
  return status;
}

}  // namespace vedette
