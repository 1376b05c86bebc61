#pragma once
#include <napi.h>

#include <memory>

#include "../core/frame_ring.h"
#include "request.h"

namespace vedette {

// Numbers of a ring call, in and out, in one Float64Array. Mirrored in native/ring-numbers.ts.
enum RingSlot : int {
  kRingSlot = 0,
  kRingToken,
  kRingOwner,
  kRingCount,
  kNoteFormat,
  kNoteWidth,
  kNoteHeight,
  kNoteByteLength,
  kNoteStrideCount,
  kNoteStrides,
  kNoteSequence = kNoteStrides + kMaxPlanes,
  kNoteCapturedAtMs,
  kNoteCapturedSteadyMs,
  kNoteMeaning,
  kRingSlots = kNoteMeaning + kMeaningNumbers,
};

void register_rings(Napi::Env env, Napi::Object exports);

Status read_note(const double* numbers, FrameNote* out);
Status find_ring(const Napi::Value& id, std::shared_ptr<FrameRing>* out);
double* ring_numbers(const Napi::Value& value);

}  // namespace vedette
