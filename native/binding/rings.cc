#include "rings.h"

#include <cmath>

#include "request.h"

namespace vedette {
namespace {

Status numbers_missing() {
  return fail(Code::internal, "the addon was called without its array of numbers");
}

void write_meaning(const SampleMeaning& meaning, double* numbers) {
  numbers[0] = meaning.has_colour ? 1 + static_cast<int>(meaning.matrix) * kYuvRanges +
                                        static_cast<int>(meaning.range)
                                  : 0;
  numbers[1] = meaning.has_levels ? 1 : 0;
  numbers[2] = static_cast<double>(meaning.black);
  numbers[3] = static_cast<double>(meaning.white);
}

void write_hold(const FrameHold& hold, double* numbers) {
  numbers[kRingSlot] = hold.slot;
  numbers[kRingToken] = static_cast<double>(hold.token);
  numbers[kNoteFormat] = hold.note.format;
  numbers[kNoteWidth] = static_cast<double>(hold.note.width);
  numbers[kNoteHeight] = static_cast<double>(hold.note.height);
  numbers[kNoteByteLength] = static_cast<double>(hold.note.byte_length);
  numbers[kNoteStrideCount] = hold.note.stride_count;
  for (int i = 0; i < kMaxPlanes; i++) {
    numbers[kNoteStrides + i] = static_cast<double>(hold.note.strides[i]);
  }
  numbers[kNoteSequence] = static_cast<double>(hold.note.sequence);
  numbers[kNoteCapturedAtMs] = hold.note.captured_at_ms;
  numbers[kNoteCapturedSteadyMs] = hold.note.captured_steady_ms;
  write_meaning(hold.note.meaning, numbers + kNoteMeaning);
}

struct Call {
  std::shared_ptr<FrameRing> ring;
  double* numbers = nullptr;
  int64_t slot = 0;
  int64_t token = 0;
  int64_t owner = 0;
};

enum Needs { kNothing = 0, kSlot = 1, kToken = 2, kOwner = 4 };

Status read_call(const Napi::CallbackInfo& info, int needs, Call* call) {
  const Status status = find_ring(info[0], &call->ring);
  if (!status.ok()) return status;
  call->numbers = ring_numbers(info[1]);
  if (call->numbers == nullptr) return numbers_missing();
  const double* numbers = call->numbers;
  if ((needs & kSlot) && !read_integer(numbers[kRingSlot], 0, FrameRing::kMaxSlots, &call->slot)) {
    return fail(Code::frame_invalid, "slot must be a whole number, got %g", numbers[kRingSlot]);
  }
  if ((needs & kToken) && !read_integer(numbers[kRingToken], 0, kMaxWhole, &call->token)) {
    return fail(Code::frame_invalid, "token must be a whole number, got %g", numbers[kRingToken]);
  }
  if ((needs & kOwner) && !read_integer(numbers[kRingOwner], 0, kMaxWhole, &call->owner)) {
    return fail(Code::frame_invalid, "owner must be a whole number from 0 on, got %g",
                numbers[kRingOwner]);
  }
  return {};
}

Napi::Value ring_create(const Napi::CallbackInfo& info) {
  double* numbers = ring_numbers(info[0]);
  if (numbers == nullptr) return finish(info.Env(), numbers_missing());
  int64_t slots, bytes;
  if (!read_integer(numbers[kRingCount], -kMaxWhole, kMaxWhole, &slots) ||
      !read_integer(numbers[kNoteByteLength], -kMaxWhole, kMaxWhole, &bytes)) {
    return finish(info.Env(), fail(Code::frame_invalid,
                                   "slots and slotBytes must be whole numbers, got %g and %g",
                                   numbers[kRingCount], numbers[kNoteByteLength]));
  }
  std::shared_ptr<FrameRing> ring;
  const Status status = FrameRing::create(slots, bytes, &ring);
  if (status.ok()) numbers[kRingToken] = static_cast<double>(ring->id());
  return finish(info.Env(), status);
}

Napi::Value ring_describe(const Napi::CallbackInfo& info) {
  Call call;
  const Status status = read_call(info, kNothing, &call);
  if (!status.ok()) return finish(info.Env(), status);
  call.numbers[kRingCount] = call.ring->slots();
  call.numbers[kNoteByteLength] = static_cast<double>(call.ring->slot_bytes());
  call.numbers[kNoteStrides] = static_cast<double>(call.ring->slot_pitch());
  return info.Env().Undefined();
}

// The whole slab; it stays mapped until every thread's view of it is collected.
Napi::Value ring_memory(const Napi::CallbackInfo& info) {
  std::shared_ptr<FrameRing> ring;
  const Status status = find_ring(info[0], &ring);
  if (!status.ok()) return finish(info.Env(), status);
  auto* held = new std::shared_ptr<FrameRing>(ring);
  return Napi::ArrayBuffer::New(
      info.Env(), ring->slab(), ring->slab_bytes(),
      [](Napi::Env, void*, std::shared_ptr<FrameRing>* hint) { delete hint; }, held);
}

Napi::Value ring_begin_write(const Napi::CallbackInfo& info) {
  Call call;
  Status status = read_call(info, kNothing, &call);
  int slot = -1;
  bool has_overwritten = false;
  if (status.ok()) {
    status = call.ring->begin_write(info[2].ToBoolean(), &slot, &has_overwritten);
  }
  if (status.ok()) {
    call.numbers[kRingSlot] = slot;
    call.numbers[kRingCount] = has_overwritten ? 1 : 0;
  }
  return finish(info.Env(), status);
}

Napi::Value ring_cancel_write(const Napi::CallbackInfo& info) {
  Call call;
  Status status = read_call(info, kSlot, &call);
  if (status.ok()) status = call.ring->cancel_write(call.slot);
  return finish(info.Env(), status);
}

Napi::Value ring_publish(const Napi::CallbackInfo& info) {
  Call call;
  Status status = read_call(info, kSlot, &call);
  FrameNote note;
  if (status.ok()) status = read_note(call.numbers, &note);
  if (status.ok()) status = call.ring->publish(call.slot, note);
  return finish(info.Env(), status);
}

Napi::Value ring_take(const Napi::CallbackInfo& info) {
  Call call;
  const Status status = read_call(info, kOwner, &call);
  if (call.ring == nullptr) {
    // A closed ring has nothing to take, whether or not somebody still holds a slot.
    double* numbers = ring_numbers(info[1]);
    if (numbers == nullptr) return finish(info.Env(), numbers_missing());
    numbers[kRingSlot] = -1;
    return info.Env().Undefined();
  }
  if (!status.ok()) return finish(info.Env(), status);
  FrameHold hold;
  int skipped = 0;
  if (info[2].ToBoolean()) {
    call.ring->take_newest(call.owner, &hold, &skipped);
  } else {
    call.ring->take_oldest(call.owner, &hold);
  }
  write_hold(hold, call.numbers);
  call.numbers[kRingCount] = skipped;
  return info.Env().Undefined();
}

// `token` is the order, in and out.
Napi::Value ring_after(const Napi::CallbackInfo& info) {
  Call call;
  const Status status = read_call(info, kToken, &call);
  if (!status.ok()) return finish(info.Env(), status);
  FrameHold hold;
  call.ring->find_after(call.token, &hold);
  write_hold(hold, call.numbers);
  return info.Env().Undefined();
}

Napi::Value ring_copy(const Napi::CallbackInfo& info) {
  Call call;
  Status status = read_call(info, kToken, &call);
  if (status.ok() && (!info[2].IsTypedArray() ||
                      info[2].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)) {
    status = fail(Code::frame_invalid, "a frame is copied into a Uint8Array");
  }
  bool is_there = false;
  if (status.ok()) {
    auto into = info[2].As<Napi::Uint8Array>();
    status = call.ring->copy(call.token, into.Data(), into.ByteLength(), &is_there);
  }
  if (status.ok()) call.numbers[kRingCount] = is_there ? 1 : 0;
  return finish(info.Env(), status);
}

Napi::Value ring_retain(const Napi::CallbackInfo& info) {
  Call call;
  Status status = read_call(info, kSlot | kToken | kOwner, &call);
  FrameHold hold;
  if (status.ok()) status = call.ring->retain(call.slot, call.token, call.owner, &hold);
  if (status.ok()) write_hold(hold, call.numbers);
  return finish(info.Env(), status);
}

Napi::Value ring_release(const Napi::CallbackInfo& info) {
  Call call;
  Status status = read_call(info, kSlot | kToken, &call);
  if (status.ok()) status = call.ring->release(call.slot, call.token);
  return finish(info.Env(), status);
}

Napi::Value ring_reclaim(const Napi::CallbackInfo& info) {
  Call call;
  const Status status = read_call(info, kOwner, &call);
  if (status.ok()) call.numbers[kRingCount] = call.ring->reclaim(call.owner);
  return finish(info.Env(), status);
}

// Statistics in the order of RingStatistics.
Napi::Value ring_statistics(const Napi::CallbackInfo& info) {
  Call call;
  const Status status = read_call(info, kNothing, &call);
  if (!status.ok()) return finish(info.Env(), status);
  const RingStatistics numbers = call.ring->statistics();
  const double values[] = {
      static_cast<double>(numbers.free),      static_cast<double>(numbers.unread),
      static_cast<double>(numbers.held),      static_cast<double>(numbers.writing),
      static_cast<double>(numbers.published), static_cast<double>(numbers.overwritten),
      static_cast<double>(numbers.skipped)};
  for (int i = 0; i < 7; i++) call.numbers[i] = values[i];
  return info.Env().Undefined();
}

Napi::Value ring_close(const Napi::CallbackInfo& info) {
  std::shared_ptr<FrameRing> ring;
  if (find_ring(info[0], &ring).ok()) ring->close();
  return info.Env().Undefined();
}

}  // namespace

double* ring_numbers(const Napi::Value& value) {
  if (!value.IsTypedArray()) return nullptr;
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  if (array.TypedArrayType() != napi_float64_array || array.ElementLength() < kRingSlots) {
    return nullptr;
  }
  return value.As<Napi::Float64Array>().Data();
}

Status find_ring(const Napi::Value& id, std::shared_ptr<FrameRing>* out) {
  int64_t number;
  if (!id.IsNumber() || !read_integer(id.As<Napi::Number>().DoubleValue(), 0, kMaxWhole, &number)) {
    return fail(Code::frame_invalid, "the id of a frame ring must be a whole number");
  }
  return FrameRing::find(number, out);
}

Status read_note(const double* numbers, FrameNote* out) {
  int64_t format, stride_count;
  if (!read_integer(numbers[kNoteFormat], 0, kFrameFormats - 1, &format)) {
    return fail(Code::frame_invalid, "unknown frame format");
  }
  constexpr int64_t kLargestSide = (int64_t{1} << 31) - 1;
  if (!read_integer(numbers[kNoteWidth], 1, kLargestSide, &out->width) ||
      !read_integer(numbers[kNoteHeight], 1, kLargestSide, &out->height)) {
    return fail(Code::frame_invalid,
                "width and height must be whole numbers from 1 on, got %g x %g",
                numbers[kNoteWidth], numbers[kNoteHeight]);
  }
  if (!read_integer(numbers[kNoteByteLength], 0, kMaxWhole, &out->byte_length)) {
    return fail(Code::frame_invalid, "byteLength must be a whole number, got %g",
                numbers[kNoteByteLength]);
  }
  if (!read_integer(numbers[kNoteStrideCount], 0, kMaxPlanes, &stride_count)) {
    return fail(Code::frame_invalid, "at most %d strides expected", kMaxPlanes);
  }
  for (int64_t i = 0; i < stride_count; i++) {
    if (!read_integer(numbers[kNoteStrides + i], 0, kMaxWhole, &out->strides[i])) {
      return fail(Code::frame_invalid, "strides must be whole numbers of bytes, got %g",
                  numbers[kNoteStrides + i]);
    }
  }
  if (!read_integer(numbers[kNoteSequence], 0, kMaxWhole, &out->sequence)) {
    return fail(Code::frame_invalid, "sequence must be a whole number from 0 on, got %g",
                numbers[kNoteSequence]);
  }
  if (!std::isfinite(numbers[kNoteCapturedAtMs])) {
    return fail(Code::frame_invalid, "capturedAtMs must be finite");
  }
  if (!std::isfinite(numbers[kNoteCapturedSteadyMs])) {
    return fail(Code::frame_invalid, "capturedSteadyMs must be finite");
  }
  out->format = static_cast<int>(format);
  out->stride_count = static_cast<int>(stride_count);
  out->captured_at_ms = numbers[kNoteCapturedAtMs];
  out->captured_steady_ms = numbers[kNoteCapturedSteadyMs];
  return read_meaning(numbers + kNoteMeaning, &out->meaning);
}

void register_rings(Napi::Env env, Napi::Object exports) {
  exports.Set("ringCreate", Napi::Function::New(env, ring_create));
  exports.Set("ringDescribe", Napi::Function::New(env, ring_describe));
  exports.Set("ringMemory", Napi::Function::New(env, ring_memory));
  exports.Set("ringBeginWrite", Napi::Function::New(env, ring_begin_write));
  exports.Set("ringCancelWrite", Napi::Function::New(env, ring_cancel_write));
  exports.Set("ringPublish", Napi::Function::New(env, ring_publish));
  exports.Set("ringTake", Napi::Function::New(env, ring_take));
  exports.Set("ringAfter", Napi::Function::New(env, ring_after));
  exports.Set("ringCopy", Napi::Function::New(env, ring_copy));
  exports.Set("ringRetain", Napi::Function::New(env, ring_retain));
  exports.Set("ringRelease", Napi::Function::New(env, ring_release));
  exports.Set("ringReclaim", Napi::Function::New(env, ring_reclaim));
  exports.Set("ringStatistics", Napi::Function::New(env, ring_statistics));
  exports.Set("ringClose", Napi::Function::New(env, ring_close));
}

}  // namespace vedette
