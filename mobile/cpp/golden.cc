// Runs the golden observations of a pack through each of its models: how many decisions are Keras's, how far the logits
// are from Keras's, and how long an inference takes.   golden PACK [GAME_DIGEST]
#include <algorithm>
#include <chrono>
#include <iostream>

#include "camtf_policy.h"

namespace {

using Clock = std::chrono::steady_clock;

// Prints a line. Returns whether the model computes what it should: logits within the contract's bounds, or, of int8
// and delta models, nine of ten decisions as Keras. A runtime that is too old for an int8 model computes it wrongly.
bool run(const camtf::Pack& pack, const camtf::Entry& entry) {
  camtf::Policy policy(pack, entry);
  std::map<std::string, camtf::Array> golden = pack.golden(entry.character);
  const std::vector<std::string> inputs = policy.inputs();
  const int64_t rows = golden.at("mask").rows();
  int same = 0, count = 0;
  float largest = 0;
  std::vector<double> microseconds;
  for (int64_t first = 0; first + policy.batch() <= rows; first += policy.batch()) {
    for (const std::string& name : inputs) {
      if (!golden.count(name)) throw camtf::PackError(pack.path(entry.file) + ": no golden observations of " + name);
      policy.set(name, golden[name].row(first), golden[name].row_bytes() * policy.batch());
    }
    for (int again = 0; again < 50; ++again) {
      const Clock::time_point began = Clock::now();
      policy.invoke();
      microseconds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - began).count());
    }
    for (int row = 0; row < policy.batch(); ++row, ++count) {
      const auto keras = [&](const char* name) {
        return reinterpret_cast<const float*>(golden[name].row(first + row));
      };
      const float *movement = keras("movement"), *skill = keras("skill");
      same += camtf::choose(movement, policy.movements(), skill, policy.skills(), keras("mask")) == policy.best(row);
      for (int i = 0; i < policy.movements(); ++i) {
        largest = std::max(largest, std::abs(policy.output("movement", row)[i] - movement[i]));
      }
      for (int i = 0; i < policy.skills(); ++i) {
        largest = std::max(largest, std::abs(policy.output("skill", row)[i] - skill[i]));
      }
    }
  }
  std::sort(microseconds.begin(), microseconds.end());
  const double median = microseconds.empty() ? 0 : microseconds[microseconds.size() / 2];
  std::printf("%-32s %-8s %3d of %3d decisions as Keras, logits within %.2g, median %.1f us, p99 %.1f us\n",
              entry.character.c_str(), entry.precision.c_str(), same, count, largest, median,
              microseconds.empty() ? 0 : microseconds[microseconds.size() * 99 / 100]);
  if (entry.precision == "float32" || entry.precision == "float16") {
    return count > 0 && largest < (entry.precision == "float32" ? 1e-5f : 1e-2f);
  }
  return count > 0 && same >= 0.9 * count;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 2 || count > 3) throw camtf::PackError("golden PACK [GAME_DIGEST]");
  const camtf::Pack pack(arguments[1], count > 2 ? arguments[2] : "");
  std::printf("%zu models, TensorFlow Lite %s, one thread\n", pack.models().size(), TfLiteVersion());
  bool all = true;
  for (const camtf::Entry& entry : pack.models()) all = run(pack, entry) && all;
  if (!all) std::cerr << "error: this TensorFlow Lite computes a model otherwise than it should\n";
  return all ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << "\n";
  return 1;
}
