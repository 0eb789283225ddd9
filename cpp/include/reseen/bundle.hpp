// The bundle: the folder that carries a model and all that is needed to use it as it was trained.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace reseen {

/// The newest version of `bundle.json` that is read.
constexpr int newest_format = 1;

/// A model of a bundle: one format (`onnx`, `openvino`, …) in one precision (`fp32`, `fp16`, `int8`).
struct Model {
    std::string format;
    std::string precision;
    /// Names in the bundle's folder; the first is the one that an engine opens.
    std::vector<std::string> files;
    /// Features can be compared with each other where this is the same.
    std::string feature_space;
};

/// An opened bundle. Immutable.
class Bundle {
  public:
    /// Read the `bundle.json` of a folder. No other file is touched yet.
    ///
    /// Throws BundleError: there is none, it was written by a newer version, or is not what `reseen export` writes.
    explicit Bundle(std::filesystem::path folder);

    const std::filesystem::path& folder() const noexcept { return folder_; }
    const std::string& name() const noexcept { return name_; }
    /// Size that images are resized to, in pixels.
    int height() const noexcept { return height_; }
    int width() const noexcept { return width_; }
    /// Numbers in a feature.
    int feature_size() const noexcept { return feature_size_; }
    const std::vector<Model>& models() const noexcept { return models_; }

    /// The model of a precision that OpenVINO runs: its own format where the bundle has it, else ONNX. No precision, "",
    /// takes the most exact that there is.
    ///
    /// Throws BundleError: the bundle has none.
    const Model& choose(const std::string& precision) const;

    /// The file of a model that an engine opens, after all its files were checked: size, SHA-256, and that it reads its
    /// weights from no other file.
    ///
    /// Throws BundleError: a file is missing, another than was exported, or reads what lies outside the bundle.
    std::filesystem::path verify(const Model& model) const;

  private:
    struct File {
        std::string sha256;
        std::uint64_t bytes = 0;
    };

    void check(const std::string& name) const;

    std::filesystem::path folder_;
    std::string name_;
    int height_ = 0;
    int width_ = 0;
    int feature_size_ = 0;
    std::vector<Model> models_;
    std::map<std::string, File> files_;
};

}  // namespace reseen
