// One policy of a pack on the TensorFlow Lite C API: what mobile/README.md says, for an app in C++.
//
//   camtf::Pack pack("build/x");                                  // reads and checks the manifest
//   camtf::Policy policy(pack, pack.entry("ember_fox", "int8"));  // reads and checks the model
//   policy.set("basic", basic, sizeof basic);                     // and the other inputs
//   policy.invoke();
//   camtf::Action action = policy.best();                         // of the legal actions
//
// Needs C++17, zlib and a TensorFlow Lite with the C API, of any version that can run the models. An app includes this
// file, which includes those beside it. Whatever is wrong is a camtf::PackError in one line that names the file.
#ifndef CAMTF_POLICY_H_
#define CAMTF_POLICY_H_

#include <cstdarg>
#include <cstdio>
#include <memory>

#include "camtf_choice.h"
#include "camtf_pack.h"
#include "camtf_signature.h"
#include "tensorflow/lite/c/c_api.h"

namespace camtf {

// A model, ready to play. Not for two threads at once.
class Policy {
 public:
  // Loads a model of a pack on so many threads; one is best, the model is small. Throws PackError.
  Policy(const Pack& pack, const Entry& entry, int threads = 1)
      : file_(pack.path(entry.file)), content_(pack.read(entry)) {
    try {
      load(threads);
      check(pack.manifest().at("inputs"), inputs_);
      check(pack.manifest().at("outputs"), outputs_);
      for (const char* head : {"movement", "skill"}) tensor(outputs_, head);
      mask_.resize(TfLiteTensorByteSize(tensor(inputs_, "mask")) / sizeof(float));
    } catch (const PackError& error) {
      throw PackError(file_ + ": " + error.what());
    }
    batch_ = TfLiteTensorDim(tensor(inputs_, "mask"), 0);
  }
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  int batch() const { return batch_; }
  int movements() const { return TfLiteTensorDim(tensor(outputs_, "movement"), 1); }
  int skills() const { return TfLiteTensorDim(tensor(outputs_, "skill"), 1); }
  std::vector<std::string> inputs() const {
    std::vector<std::string> names;
    for (const auto& input : inputs_) names.push_back(input.first);
    return names;
  }

  // Copies a whole input, all rows of the batch. Throws PackError where the model has not so many bytes of it.
  void set(const std::string& input, const void* data, size_t bytes) {
    TfLiteTensor* const to = const_cast<TfLiteTensor*>(tensor(inputs_, input));
    if (TfLiteTensorCopyFromBuffer(to, data, bytes) != kTfLiteOk) {
      throw PackError(file_ + ": '" + input + "' has " + std::to_string(TfLiteTensorByteSize(to)) + " bytes, got " +
                      std::to_string(bytes));
    }
    if (input == "mask") std::memcpy(mask_.data(), data, bytes);
  }

  void invoke() {
    if (TfLiteInterpreterInvoke(interpreter_.get()) != kTfLiteOk) throw PackError(file_ + ": inference failed" + said_);
  }

  // The raw logits of a head, or the value, of the last inference.
  const float* output(const std::string& name, int row = 0) const {
    const TfLiteTensor* const found = tensor(outputs_, name);
    const size_t width = TfLiteTensorByteSize(found) / sizeof(float) / static_cast<size_t>(batch_);
    return static_cast<const float*>(TfLiteTensorData(found)) + static_cast<size_t>(row) * width;
  }

  // The most probable legal action of the last inference.
  Action best(int row = 0) const {
    return choose(output("movement", row), movements(), output("skill", row), skills(), mask(row));
  }

  // A legal action drawn by the policy's probabilities, from a uniform number in (0, 1) for each movement and skill.
  Action sample(const float* uniforms, int row = 0) const {
    return draw(output("movement", row), movements(), output("skill", row), skills(), mask(row), uniforms);
  }

 private:
  template <typename T, void (*Delete)(T*)>
  struct Deleter {
    void operator()(T* made) const { Delete(made); }
  };
  template <typename T, void (*Delete)(T*)>
  using Owned = std::unique_ptr<T, Deleter<T, Delete>>;
  using Named = std::map<std::string, const TfLiteTensor*>;

  void load(int threads) {
    const Signature signature = SignatureReader(content_).read();
    model_.reset(TfLiteModelCreate(content_.data(), content_.size()));
    if (!model_) throw PackError("it is no TFLite model");
    const Owned<TfLiteInterpreterOptions, TfLiteInterpreterOptionsDelete> options(TfLiteInterpreterOptionsCreate());
    TfLiteInterpreterOptionsSetNumThreads(options.get(), threads);
    TfLiteInterpreterOptionsSetErrorReporter(options.get(), &Policy::report, this);
    interpreter_.reset(TfLiteInterpreterCreate(model_.get(), options.get()));
    if (!interpreter_ || TfLiteInterpreterAllocateTensors(interpreter_.get()) != kTfLiteOk) {
      throw PackError(std::string("TensorFlow Lite ") + TfLiteVersion() + " cannot run it" + said_);
    }
    const TfLiteInterpreter* const made = interpreter_.get();
    for (const auto& [name, i] : signature.inputs) inputs_[name] = TfLiteInterpreterGetInputTensor(made, i);
    for (const auto& [name, i] : signature.outputs) outputs_[name] = TfLiteInterpreterGetOutputTensor(made, i);
  }

  // That the model has the tensors of the manifest. The Generalist's takes its mixture as well.
  static void check(const Json& said, const Named& found) {
    for (const auto& [name, about] : said.members()) {
      const TfLiteTensor* const there = tensor(found, name);
      const std::vector<Json>& shape = about.at("shape").items();
      bool same = TfLiteTensorNumDims(there) == static_cast<int>(shape.size());
      for (size_t i = 0; same && i < shape.size(); ++i) {
        same = TfLiteTensorDim(there, static_cast<int>(i)) == shape[i].whole(1);
      }
      const TfLiteType type = about.at("dtype").text() == "int32" ? kTfLiteInt32 : kTfLiteFloat32;
      if (!same || TfLiteTensorType(there) != type) {
        throw PackError("'" + name + "' is another tensor than the manifest says");
      }
    }
  }

  static const TfLiteTensor* tensor(const Named& among, const std::string& name) {
    const auto found = among.find(name);
    if (found == among.end() || found->second == nullptr) throw PackError("the model has no tensor '" + name + "'");
    return found->second;
  }

  static void report(void* policy, const char* format, va_list arguments) {
    char line[300];
    std::vsnprintf(line, sizeof line, format, arguments);
    static_cast<Policy*>(policy)->said_ = std::string(": ") + line;
  }

  const float* mask(int row) const {
    return mask_.data() + static_cast<size_t>(row) * (mask_.size() / static_cast<size_t>(batch_));
  }

  std::string file_, content_, said_;
  Owned<TfLiteModel, TfLiteModelDelete> model_;
  Owned<TfLiteInterpreter, TfLiteInterpreterDelete> interpreter_;  // goes before the model
  Named inputs_, outputs_;
  std::vector<float> mask_;  // of the last set: an inference may write over its inputs
  int batch_ = 1;
};

}  // namespace camtf

#endif  // CAMTF_POLICY_H_
