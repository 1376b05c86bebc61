#include <algorithm>
#include <fstream>
#include <iostream>
#include <limits>
#include <sstream>

#include "compare.h"

namespace vedette::bench {

namespace {

// Names hold letters, digits, spaces and signs that JSON takes as they are.
void print_list(const std::vector<Contender>& contenders) {
  std::printf("{\"cacheBytes\":%zu,\"compiler\":\"g++ %s\",\"contenders\":[", cache_bytes(),
              __VERSION__);
  const char* comma = "";
  for (const Contender& contender : contenders) {
    std::printf("%s{\"work\":\"%s\",\"name\":\"%s\"}", comma, contender.work.c_str(),
                contender.name.c_str());
    comma = ",";
  }
  std::printf("]}\n");
}

void print_times(const std::vector<double>& times) {
  const char* sign = "[";
  for (const double time : times) {
    std::printf("%s%.6f", sign, time);
    sign = ",";
  }
  std::printf("]\n");
}

void write_tensor(const Contender& contender, const std::string& path) {
  // What the run does not write stays no number and is found.
  if (contender.output) {
    const Output before = contender.output();
    std::fill_n(before.data, before.data == nullptr ? 0 : before.count,
                std::numeric_limits<float>::quiet_NaN());
  }
  contender.run();
  const Output output = contender.output ? contender.output() : Output{};
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(output.data),
             static_cast<std::streamsize>(output.count * sizeof(float)));
  file.close();
  if (!file) {
    std::fprintf(stderr, "%s cannot be written\n", path.c_str());
    std::exit(1);
  }
  std::printf("{\"values\":%zu}\n", output.count);
}

}  // namespace

int serve(const std::vector<Contender>& contenders) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    size_t index = 0;
    double turn_ms = 0;
    std::string path;
    if (command == "list") {
      print_list(contenders);
    } else if (command == "tensor" && words >> index >> path && index < contenders.size()) {
      write_tensor(contenders[index], path);
    } else if (command == "turn" && words >> index >> turn_ms && index < contenders.size()) {
      print_times(take_turn(contenders[index].run, turn_ms));
    } else if (command == "cold" && words >> index >> turn_ms && index < contenders.size()) {
      print_times(take_turn(contenders[index].run, turn_ms, fill_caches));
    } else if (command == "copy" && words >> index >> turn_ms) {
      print_times(copy_memory(index, turn_ms));
    } else {
      std::fprintf(stderr, "no such command: %s\n", line.c_str());
      return 2;
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace vedette::bench
