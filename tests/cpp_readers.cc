// What tests/test_cpp.py asks the readers of mobile/cpp: a line for each file.
//   readers json|npz|signature|delta|choice FILE...
#include <cstdio>

#include "camtf_choice.h"
#include "camtf_pack.h"
#include "camtf_signature.h"

namespace {

std::string hexadecimal(const std::string& text) {
  std::string out;
  for (const unsigned char c : text) out += "0123456789abcdef"[c >> 4], out += "0123456789abcdef"[c & 15];
  return "'" + out + "'";
}

// A value in one line, with the bytes of its strings in hexadecimal.
std::string shown(const camtf::Json& value) {
  using Kind = camtf::Json::Kind;
  std::string out;
  switch (value.kind()) {
    case Kind::number: return std::to_string(value.number());
    case Kind::array:
      for (const camtf::Json& item : value.items()) out += shown(item) + ",";
      return "[" + out + "]";
    case Kind::object:
      for (const auto& [name, item] : value.members()) out += hexadecimal(name) + ":" + shown(item) + ",";
      return "{" + out + "}";
    case Kind::string: return hexadecimal(value.text());
    default: return "-";
  }
}

std::string read(const std::string& kind, const std::string& content) {
  if (kind == "json") return shown(camtf::Json::parse(content));
  if (kind == "signature") {
    const camtf::Signature found = camtf::SignatureReader(content).read();
    std::string out;
    for (const auto& [name, i] : found.inputs) out += hexadecimal(name) + ":" + std::to_string(i) + ",";
    for (const auto& [name, i] : found.outputs) out += hexadecimal(name) + ":" + std::to_string(i) + ",";
    return out;
  }
  if (kind == "npz") {
    std::string out;
    for (const auto& [name, array] : camtf::read_npz(content)) {
      out += hexadecimal(name) + " " + array.type;
      for (const int64_t n : array.shape) out += " " + std::to_string(n);
      out += " " + camtf::sha256(array.bytes) + ",";
    }
    return out;
  }
  if (kind == "choice") {  // 19 logits, 29 numbers of a mask, 19 uniform numbers
    std::vector<float> numbers(67);
    std::memcpy(numbers.data(), content.data(), 4 * numbers.size());
    const float *logits = numbers.data(), *mask = logits + 19;
    const camtf::Action best = camtf::choose(logits, 9, logits + 9, 10, mask);
    const camtf::Action drawn = camtf::draw(logits, 9, logits + 9, 10, mask, mask + 29);
    return std::to_string(best.movement) + " " + std::to_string(best.skill) + " " + std::to_string(drawn.movement) +
           " " + std::to_string(drawn.skill);
  }
  // A delta of a base of 1,000 weights 0, 1, 2, ..., from the second on.
  std::string base(4000, '\0');
  for (int i = 0; i < 1000; ++i) {
    const float weight = static_cast<float>(i);
    std::memcpy(&base[4 * static_cast<size_t>(i)], &weight, 4);
  }
  return camtf::sha256(camtf::apply_delta(base, content, {{4, 600}, {2800, 300}}));
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 2; i < count; ++i) {
    try {
      std::printf("%s\n", read(arguments[1], camtf::read_file(arguments[i])).c_str());
    } catch (const camtf::PackError& error) {
      std::printf("error: %s\n", error.what());
    }
  }
}
