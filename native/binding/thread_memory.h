#pragma once
#include "../core/jpeg_encoder.h"
#include "../core/raw_to_tensor.h"

namespace vedette {

// Each worker thread keeps its own tables and scratch memory.
struct ThreadMemory {
  Workspace workspace;
  EncodedJpeg jpeg;
};

inline ThreadMemory& thread_memory() {
  static thread_local ThreadMemory memory;
  return memory;
}

}  // namespace vedette
