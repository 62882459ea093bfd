// The bytes of a pack's files: read whole, digests, deltas, golden observations. C++17 and zlib.
#ifndef CAMTF_FILES_H_
#define CAMTF_FILES_H_

#include <zlib.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "camtf_json.h"

namespace camtf {

// A number of so many bytes, little endian, of content, which may be too short. Throws PackError.
inline uint64_t little_endian(const std::string& content, size_t at, int bytes) {
  if (at > content.size() || content.size() - at < static_cast<size_t>(bytes)) throw PackError("it ends too early");
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(content[at + i]);
  return value;
}

// SHA-256 (FIPS 180-4) in hexadecimal.
inline std::string sha256(std::string content) {
  static const uint32_t k[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const uint64_t bits = 8 * static_cast<uint64_t>(content.size());
  content += '\x80';
  content.append((120 - content.size() % 64) % 64, '\0');
  for (int i = 7; i >= 0; --i) content += static_cast<char>(bits >> 8 * i & 0xFF);
  const auto rotated = [](uint32_t x, int by) { return x >> by | x << (32 - by); };
  for (size_t block = 0; block < content.size(); block += 64) {
    uint32_t w[64];
    for (int i = 0; i < 16; ++i) {
      w[i] = 0;
      for (int j = 0; j < 4; ++j) w[i] = w[i] << 8 | static_cast<unsigned char>(content[block + 4 * i + j]);
    }
    for (int i = 16; i < 64; ++i) {
      const uint32_t a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3);
      w[i] += rotated(b, 17) ^ rotated(b, 19) ^ b >> 10;
    }
    uint32_t s[8];
    std::memcpy(s, h, sizeof s);
    for (int i = 0; i < 64; ++i) {
      const uint32_t e = s[4], a = s[0];
      uint32_t one = s[7] + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + k[i] + w[i];
      one += (e & s[5]) ^ (~e & s[6]);
      uint32_t two = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
      two += (a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]);
      std::memmove(s + 1, s, 7 * sizeof s[0]);
      s[4] += one;
      s[0] = one + two;
    }
    for (int i = 0; i < 8; ++i) h[i] += s[i];
  }
  std::string out;
  for (const uint32_t word : h) {
    for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[word >> shift & 0xF];
  }
  return out;
}

// All bytes of a file. Throws PackError.
inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) throw PackError(path + " cannot be read");
  return content;
}

// Exactly so many bytes out of a zlib stream (RFC 1950), or, raw, a deflate stream (RFC 1951). Throws PackError.
inline std::string inflated(const std::string& content, size_t size, bool raw) {
  std::string out(size + 1, '\0');  // one more, to see that there is no more
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(&out[0]);
  stream.avail_out = static_cast<uInt>(out.size());
  if (inflateInit2(&stream, raw ? -MAX_WBITS : MAX_WBITS) != Z_OK) throw PackError("zlib does not start");
  const int status = inflate(&stream, Z_FINISH);
  const bool whole = status == Z_STREAM_END && stream.avail_in == 0 && stream.total_out == size;
  inflateEnd(&stream);
  if (!whole) throw PackError("damaged: its compressed bytes are not those of " + std::to_string(size) + " bytes");
  out.resize(size);
  return out;
}

// The tensors of a base: where each begins, in bytes, and how many float32 it has.
using Tensors = std::vector<std::pair<int64_t, int64_t>>;

// A model's file from its base and its delta (see the README beside this folder). Throws PackError.
inline std::string apply_delta(std::string base, const std::string& delta, const Tensors& tensors) {
  int64_t end = 0, needed = 0;
  const int64_t size = static_cast<int64_t>(base.size());
  for (const auto& [offset, count] : tensors) {
    if (offset < end || count < 1 || offset > size || count > (size - offset) / 4) {
      throw PackError("a tensor of the base does not begin after the one before it, or ends after the base");
    }
    end = offset + 4 * count;
    needed += 4 + count;
  }
  const std::string content = inflated(delta, static_cast<size_t>(needed), false);
  size_t number = 4 * tensors.size();
  for (size_t t = 0; t < tensors.size(); ++t) {
    float step;
    std::memcpy(&step, &content[4 * t], 4);
    if (!std::isfinite(step)) throw PackError("a step is not finite");
    for (int64_t i = 0; i < tensors[t].second; ++i) {
      char* const at = &base[static_cast<size_t>(tensors[t].first + 4 * i)];
      float weight;
      std::memcpy(&weight, at, 4);
      const volatile float moved = step * static_cast<float>(static_cast<signed char>(content[number++]));
      weight += moved;  // two roundings: the compiler must not make one of them
      std::memcpy(at, &weight, 4);
    }
  }
  return base;
}

// An array of golden observations: n rows of so many numbers of four bytes.
struct Array {
  std::string type;            // "float32" or "int32"
  std::vector<int64_t> shape;  // n first
  std::string bytes;

  int64_t rows() const { return shape.at(0); }
  size_t row_bytes() const { return bytes.size() / static_cast<size_t>(rows()); }
  const char* row(int64_t i) const { return bytes.data() + static_cast<size_t>(i) * row_bytes(); }
};

// An array out of the bytes of a .npy file, version 1.0. Throws PackError.
inline Array read_npy(const std::string& content) {
  if (content.compare(0, 8, std::string("\x93NUMPY\x01\x00", 8)) != 0) {
    throw PackError("an array is no .npy file of version 1.0");
  }
  const size_t begin = 10 + little_endian(content, 8, 2);
  if (begin > content.size()) throw PackError("an array ends too early");
  const std::string about = content.substr(10, begin - 10);
  Array out;
  if (about.find("'descr': '<f4'") != std::string::npos) out.type = "float32";
  if (about.find("'descr': '<i4'") != std::string::npos) out.type = "int32";
  size_t at = about.find("'shape': (");
  if (out.type.empty() || at == std::string::npos || about.find("'fortran_order': False") == std::string::npos) {
    throw PackError("an array is neither of float32 nor of int32, row after row");
  }
  uint64_t numbers = 1;
  for (at += 10; at < about.size() && about[at] != ')'; at += about[at] == ',' || about[at] == ' ' ? 1 : 0) {
    if (about[at] == ',' || about[at] == ' ') continue;
    const size_t digits = std::min(about.find_first_not_of("0123456789", at), about.size()) - at;
    if (digits == 0 || digits > 9) throw PackError("an array has no shape");
    out.shape.push_back(std::stol(about.substr(at, digits)));
    numbers *= static_cast<uint64_t>(out.shape.back());
    if (numbers > content.size()) throw PackError("an array ends too early");
    at += digits;
  }
  out.bytes = content.substr(begin);
  if (out.shape.empty() || numbers == 0 || out.bytes.size() != 4 * numbers) {
    throw PackError("an array has not as many bytes as its shape says");
  }
  return out;
}

// The arrays of a .npz file by name: a ZIP archive of .npy files, stored or deflated, below 64 MiB. Throws PackError.
inline std::map<std::string, Array> read_npz(const std::string& content) {
  const size_t end = content.rfind("PK\x05\x06");
  if (end == std::string::npos) throw PackError("damaged: it is no ZIP archive");
  std::map<std::string, Array> out;
  size_t at = little_endian(content, end + 16, 4);
  uint64_t all = 0;
  for (uint64_t left = little_endian(content, end + 10, 2); left > 0; --left) {
    if (little_endian(content, at, 4) != 0x02014b50) throw PackError("damaged: its directory is no ZIP archive's");
    const uint64_t method = little_endian(content, at + 10, 2), packed = little_endian(content, at + 20, 4);
    const uint64_t size = little_endian(content, at + 24, 4), name_bytes = little_endian(content, at + 28, 2);
    const size_t local = little_endian(content, at + 42, 4);
    std::string name = content.substr(at + 46, name_bytes);
    at += 46 + name_bytes + little_endian(content, at + 30, 2) + little_endian(content, at + 32, 2);
    const size_t begin = local + 30 + little_endian(content, local + 26, 2) + little_endian(content, local + 28, 2);
    all += size;
    if (begin > content.size() || content.size() - begin < packed || all > 64u << 20 || (method != 0 && method != 8)) {
      throw PackError("damaged: it does not hold " + name);
    }
    const std::string stored = content.substr(begin, packed);
    if (name.size() < 5 || name.substr(name.size() - 4) != ".npy") throw PackError("it holds " + name + ", no array");
    out[name.substr(0, name.size() - 4)] = read_npy(method == 0 ? stored : inflated(stored, size, true));
  }
  return out;
}

}  // namespace camtf

#endif  // CAMTF_FILES_H_
