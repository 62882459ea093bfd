// A reader of JSON (RFC 8259): the whole text, or a PackError that says at which byte it stops being JSON; numbers it
// takes as strtod does. C++17, no more.
#ifndef CAMTF_JSON_H_
#define CAMTF_JSON_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace camtf {

// A file of a pack is missing, damaged, or does not fit the others. Names the file, in one line, whatever it holds.
struct PackError : std::runtime_error {
  explicit PackError(const std::string& text) : std::runtime_error(line(text)) {}

 private:
  static std::string line(std::string text) {
    if (text.size() > 1000) text = text.substr(0, 1000) + "...";
    std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    return text;
  }
};

// A value of JSON. Every reader below throws PackError where the value is of another kind, naming what was asked for.
class Json {
 public:
  enum class Kind { null, boolean, number, string, array, object };

  static Json parse(const std::string& text);

  Kind kind() const { return kind_; }
  bool has(const std::string& name) const { return kind_ == Kind::object && members_.count(name) > 0; }
  const Json& at(const std::string& name) const {
    need(Kind::object, "an object with '" + name + "'");
    const auto found = members_.find(name);
    if (found == members_.end()) throw PackError("it has no '" + name + "'");
    return found->second;
  }
  const std::map<std::string, Json>& members() const { return need(Kind::object, "an object"), members_; }
  const std::vector<Json>& items() const { return need(Kind::array, "an array"), items_; }
  const std::string& text() const { return need(Kind::string, "a string"), text_; }
  double number() const { return need(Kind::number, "a number"), number_; }
  // A whole number from low on, exact.
  int64_t whole(int64_t low) const {
    const double largest = 9007199254740992.0;  // 2^53
    if (number() != std::floor(number_) || number_ < static_cast<double>(low) || number_ > largest) {
      throw PackError("a whole number from " + std::to_string(low) + " on is needed, got " + std::to_string(number_));
    }
    return static_cast<int64_t>(number_);
  }

 private:
  class Reader;

  void need(Kind kind, const std::string& what) const {
    if (kind_ != kind) throw PackError("it has another value where " + what + " is needed");
  }

  Kind kind_ = Kind::null;
  double number_ = 0.0;  // of a boolean: 0 or 1
  std::string text_;
  std::vector<Json> items_;
  std::map<std::string, Json> members_;
};

class Json::Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  Json whole_text() {
    Json value = read(0);
    skip();
    if (at_ != text_.size()) fail("the end");
    return value;
  }

 private:
  static constexpr int kDeepest = 64;

  [[noreturn]] void fail(const std::string& needed) const {
    throw PackError("it is no JSON: " + needed + " is needed at byte " + std::to_string(at_));
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  bool take(char c) {
    skip();
    if (peek() != c || at_ == text_.size()) return false;
    return ++at_, true;
  }
  bool take_word(const std::string& word) {
    if (text_.compare(at_, word.size(), word) != 0) return false;
    return at_ += word.size(), true;
  }

  Json read(int depth) {
    if (depth > kDeepest) fail("less nesting");
    Json value;
    skip();
    if (take('{')) {
      value.kind_ = Kind::object;
      while (!take('}')) {
        if (!value.members_.empty() && !take(',')) fail("',' or '}'");
        skip();
        std::string name = read_string();
        if (!take(':')) fail("':'");
        if (!value.members_.emplace(std::move(name), read(depth + 1)).second) fail("each name once");
      }
    } else if (take('[')) {
      value.kind_ = Kind::array;
      while (!take(']')) {
        if (!value.items_.empty() && !take(',')) fail("',' or ']'");
        value.items_.push_back(read(depth + 1));
      }
    } else if (peek() == '"') {
      value.kind_ = Kind::string;
      value.text_ = read_string();
    } else if (take_word("true") || take_word("false")) {
      value.kind_ = Kind::boolean;
      value.number_ = text_[at_ - 2] == 'u' ? 1.0 : 0.0;
    } else if (!take_word("null")) {
      value.kind_ = Kind::number;
      value.number_ = read_number();
    }
    return value;
  }

  double read_number() {
    const size_t end = std::min(text_.find_first_not_of("+-0123456789.eE", at_), text_.size());
    const std::string number = text_.substr(at_, end - at_);
    const size_t first = number.compare(0, 1, "-") == 0 ? 1 : 0;
    const bool begins = number.size() > first && number[first] >= '0' && number[first] <= '9';
    char* last = nullptr;
    const double value = std::strtod(number.c_str(), &last);  // in the C locale, which a program begins with
    if (!begins || last != number.c_str() + number.size() || !std::isfinite(value)) fail("a value");
    at_ = end;
    return value;
  }

  std::string read_string() {
    if (!take('"')) fail("'\"'");
    std::string out;
    while (peek() != '"') {
      if (at_ >= text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) fail("the rest of a string");
      const char c = text_[at_++];
      if (c == '\\') {
        read_escape(out);
      } else {
        out += c;
      }
    }
    return ++at_, out;
  }

  void read_escape(std::string& out) {
    const std::string letters = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
    const size_t which = letters.find(peek());
    if (peek() != '\0' && which != std::string::npos) {
      out += meant[which];
      ++at_;
      return;
    }
    if (!take_word("u")) fail("an escape");
    uint32_t code = read_unit();
    if (code >= 0xD800 && code < 0xDC00 && take_word("\\u")) {  // a pair for a character beyond 16 bits
      const uint32_t low = read_unit();
      if (low < 0xDC00 || low >= 0xE000) fail("the second of a pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code);
  }

  uint32_t read_unit() {
    const std::string digits = text_.substr(at_, 4);
    if (digits.size() != 4 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
      fail("four hexadecimal digits");
    }
    at_ += 4;
    return static_cast<uint32_t>(std::strtoul(digits.c_str(), nullptr, 16));
  }

  static void append_utf8(std::string& out, uint32_t code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
      return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;  // bytes after the first
    const uint32_t first[] = {0xC0, 0xE0, 0xF0};
    out += static_cast<char>(first[more - 1] | code >> 6 * more);
    for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80u | (code >> 6 * i & 0x3Fu));
  }

  const std::string& text_;
  size_t at_ = 0;
};

inline Json Json::parse(const std::string& text) { return Reader(text).whole_text(); }

}  // namespace camtf

#endif  // CAMTF_JSON_H_
