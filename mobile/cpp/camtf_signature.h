// Which tensor of a TFLite file is which: its signature "act". C++17.
#ifndef CAMTF_SIGNATURE_H_
#define CAMTF_SIGNATURE_H_

#include "camtf_files.h"

namespace camtf {

// The tensors of a model's signature, by name: their number among the inputs, or the outputs, of its subgraph.
struct Signature {
  std::map<std::string, int> inputs, outputs;
};

// Reads the signature "act" out of a TFLite file: the C API did not always tell it. Of TFLite's schema: a Model has
// subgraphs (field 2) and signatures (7); a subgraph inputs (1) and outputs (2); a signature inputs (0), outputs (1),
// key (2) and its subgraph (4); each of its tensors a name (0) and its number in the subgraph (1). Throws PackError.
class SignatureReader {
 public:
  explicit SignatureReader(const std::string& model) : model_(model) {}

  Signature read() const {
    if (model_.compare(4, 4, "TFL3") != 0) throw PackError("it is no TFLite model");
    const size_t root = follow(0);
    for (const size_t at : vector(field(root, 7))) {
      const size_t signature = follow(at);
      if (text(field(signature, 2)) != "act") continue;
      const size_t number = field(signature, 4), which = number == 0 ? 0 : little_endian(model_, number, 4);
      const std::vector<size_t> subgraphs = vector(field(root, 2));
      if (which >= subgraphs.size()) throw PackError("its signature is of no subgraph");
      const size_t subgraph = follow(subgraphs[which]);
      return {tensors(field(signature, 0), field(subgraph, 1)), tensors(field(signature, 1), field(subgraph, 2))};
    }
    throw PackError("the model has no signature 'act'");
  }

 private:
  size_t follow(size_t at) const { return at + little_endian(model_, at, 4); }

  // Where a field of a table stands, 0 where the table has it not.
  size_t field(size_t table, int number) const {
    const size_t layout = table - static_cast<int32_t>(little_endian(model_, table, 4));
    const size_t entry = 4 + 2 * static_cast<size_t>(number);
    if (entry >= little_endian(model_, layout, 2)) return 0;
    const size_t offset = little_endian(model_, layout + entry, 2);
    return offset == 0 ? 0 : table + offset;
  }

  // Where each item of a vector stands, all of 4 bytes.
  std::vector<size_t> vector(size_t at) const {
    std::vector<size_t> items;
    if (at == 0) return items;
    const size_t begin = follow(at), count = little_endian(model_, begin, 4);
    if (count > model_.size() / 4) throw PackError("it ends too early");
    for (size_t i = 0; i < count; ++i) items.push_back(begin + 4 + 4 * i);
    return items;
  }

  std::string text(size_t at) const {
    if (at == 0) return "";
    const size_t begin = follow(at), count = little_endian(model_, begin, 4);
    if (count > model_.size() || begin + 4 > model_.size() - count) throw PackError("it ends too early");
    return model_.substr(begin + 4, count);
  }

  std::map<std::string, int> tensors(size_t named, size_t ordered) const {
    std::map<std::string, int> out;
    const std::vector<size_t> numbers = vector(ordered);
    for (const size_t at : vector(named)) {
      const size_t tensor = follow(at), number = field(tensor, 1);
      const uint64_t wanted = number == 0 ? 0 : little_endian(model_, number, 4);
      for (size_t i = 0; i < numbers.size(); ++i) {
        if (little_endian(model_, numbers[i], 4) == wanted) out[text(field(tensor, 0))] = static_cast<int>(i);
      }
    }
    return out;
  }

  const std::string& model_;
};

}  // namespace camtf

#endif  // CAMTF_SIGNATURE_H_
