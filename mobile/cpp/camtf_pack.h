// A pack: a folder with models, read through its manifest (see mobile/README.md). C++17 and zlib; no TensorFlow Lite.
#ifndef CAMTF_PACK_H_
#define CAMTF_PACK_H_

#include "camtf_files.h"

namespace camtf {

constexpr int kFormat = 3;

// One model of a pack; the fields are those of the manifest.
struct Entry {
  std::string file, character, precision, sha256, model_sha256;
  int64_t size_bytes;
};

// The folder. Whatever is wrong with it is a PackError in one line that names the file.
class Pack {
 public:
  // Where game_digest is given, a pack of another game is refused.
  explicit Pack(const std::string& folder, const std::string& game_digest = "") : folder_(folder) {
    const std::string raw = read_file(path("manifest.json"));
    within("manifest.json", [&] {
      manifest_ = Json::parse(raw);
      check_digest(raw, manifest_.at("digest").text());
      if (manifest_.at("format").whole(0) != kFormat) {
        throw PackError("it has another format than " + std::to_string(kFormat) + "; export the models again");
      }
      const std::string& found = manifest_.at("game_digest").text();
      if (!game_digest.empty() && found != game_digest) {
        throw PackError("its models are for the game " + found.substr(0, 16) + ", this one is " +
                        game_digest.substr(0, 16));
      }
      for (const Json& m : manifest_.at("models").items()) {
        models_.push_back({m.at("file").text(), m.at("character").text(), m.at("precision").text(),
                           m.at("sha256").text(), m.at("model_sha256").text(), m.at("size_bytes").whole(1)});
      }
    });
  }

  const Json& manifest() const { return manifest_; }
  const std::vector<Entry>& models() const { return models_; }
  std::string path(const std::string& file) const { return folder_ + "/" + file; }

  // A model by its character and precision.
  const Entry& entry(const std::string& character, const std::string& precision) const {
    for (const Entry& m : models_) {
      if (m.character == character && m.precision == precision) return m;
    }
    throw PackError(folder_ + " holds no model of " + character + " in " + precision);
  }

  // The model as the bytes of a TFLite file; what a delta is made into, too.
  std::string read(const Entry& model) const {
    std::string content = checked(model.file, model.size_bytes, model.sha256);
    if (model.precision == "delta") {
      const Json& about = within("manifest.json", [&]() -> const Json& { return manifest_.at("deltas"); });
      const std::string base = checked(about);
      within(model.file, [&] {
        Tensors tensors;
        for (const Json& pair : about.at("tensors").items()) {
          if (pair.items().size() != 2) throw PackError("a tensor of the base is not [offset, count]");
          tensors.emplace_back(pair.items()[0].whole(0), pair.items()[1].whole(1));
        }
        content = apply_delta(base, content, tensors);
      });
    }
    if (sha256(content) != model.model_sha256) {
      throw PackError(path(model.file) + " does not give the model of the manifest");
    }
    return content;
  }

  // Real observations, by input, and Keras's logits for them, by head: arrays of as many rows.
  std::map<std::string, Array> golden(const std::string& character) const {
    const Json& about = within("manifest.json", [&]() -> const Json& { return manifest_.at("golden").at(character); });
    const std::string content = checked(about);
    return within(about.at("file").text(), [&] {
      std::map<std::string, Array> arrays = read_npz(content);
      for (const auto& [name, array] : arrays) {
        if (array.rows() != arrays.begin()->second.rows()) throw PackError("'" + name + "' has another number of rows");
      }
      for (const char* kind : {"inputs", "outputs"}) {
        for (const auto& [name, tensor] : manifest_.at(kind).members()) {
          const auto found = arrays.find(name);
          if (found == arrays.end()) throw PackError("it holds no '" + name + "'");
          std::vector<int64_t> shape{arrays.begin()->second.rows()};
          const std::vector<Json>& said = tensor.at("shape").items();
          for (size_t i = 1; i < said.size(); ++i) shape.push_back(said[i].whole(1));
          if (found->second.shape != shape || found->second.type != tensor.at("dtype").text()) {
            throw PackError("'" + name + "' has another shape or type than the manifest says");
          }
        }
      }
      return arrays;
    });
  }

 private:
  // What work returns; a PackError that it throws gets the file's name.
  template <typename Work>
  auto within(const std::string& file, Work work) const -> decltype(work()) {
    try {
      return work();
    } catch (const PackError& error) {
      throw PackError(path(file) + ": " + error.what());
    }
  }

  static void check_digest(std::string raw, const std::string& digest) {
    const size_t at = raw.find(digest);
    if (digest.size() != 64 || at == std::string::npos) throw PackError("it does not begin with its digest");
    if (sha256(raw.replace(at, 64, 64, '0')) != digest) throw PackError("damaged: it has another digest than it says");
  }

  std::string checked(const Json& about) const {
    const char* const file = about.has("base") ? "base" : "file";
    return within("manifest.json", [&] {
      return checked(about.at(file).text(), about.at("size_bytes").whole(1), about.at("sha256").text());
    });
  }

  std::string checked(const std::string& file, int64_t size_bytes, const std::string& digest) const {
    const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    if (file.empty() || file[0] == '.' || file[0] == '-' || file.find_first_not_of(letters) != std::string::npos) {
      throw PackError(path("manifest.json") + ": '" + file + "' is no file's name");
    }
    std::string content = read_file(path(file));
    if (content.size() != static_cast<size_t>(size_bytes)) {
      throw PackError(path(file) + " has " + std::to_string(content.size()) + " bytes, its manifest says " +
                      std::to_string(size_bytes));
    }
    if (sha256(content) != digest) throw PackError(path(file) + " has another digest than its manifest says");
    return content;
  }

  std::string folder_;
  Json manifest_;
  std::vector<Entry> models_;
};

}  // namespace camtf

#endif  // CAMTF_PACK_H_
