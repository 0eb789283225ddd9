// `Embedder`: turns images into features with a model of a bundle, through OpenVINO.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reseen/bundle.hpp"
#include "reseen/error.hpp"
#include "reseen/image.hpp"

namespace reseen {

struct Options {
    /// `fp32`, `fp16` or `int8`, of those that the bundle has; "" takes the most exact.
    std::string precision;
    /// Of the processor, for the network; 0 takes all cores.
    int threads = 0;
    /// Images that go through the network at a time.
    std::size_t batch_size = 32;
};

/// What became of many image files.
struct Embedded {
    /// Of those that were embedded, in their order.
    std::vector<std::filesystem::path> names;
    /// A row of `Embedder::feature_size` numbers for each name, of unit norm.
    std::vector<float> features;
    /// The others, and why.
    std::vector<std::pair<std::filesystem::path, ImageError>> broken;
};

/// A loaded model. `embed` may be called by several threads at once.
class Embedder {
  public:
    /// Throws BundleError: no such model, or a changed file. EngineError: OpenVINO cannot load it, or it takes and
    /// gives other shapes than the bundle says. UsageError: options out of range.
    explicit Embedder(const Bundle& bundle, const Options& options = {});
    Embedder(Embedder&&) noexcept;
    Embedder& operator=(Embedder&&) noexcept;
    ~Embedder();

    int feature_size() const noexcept;

    /// Unit-norm features, one row of `feature_size` numbers an image, in their order. Images may be of any size.
    ///
    /// Throws ImageError: an image without pixels. EngineError: OpenVINO failed.
    std::vector<float> embed(const std::vector<Image>& images) const;

    /// The same for files, which are decoded while the network computes. Goes on where one cannot be read.
    ///
    /// Throws EngineError: OpenVINO failed.
    Embedded embed_files(const std::vector<std::filesystem::path>& files) const;

  private:
    class Network;
    std::unique_ptr<Network> network_;
};

/// The image files that arguments stand for: a folder stands for those in it and below it, sorted by path; hidden
/// entries are left out, and links to folders are not followed. What is no folder is taken as it is.
///
/// Throws UsageError: a folder cannot be read, or holds no image.
std::vector<std::filesystem::path> image_files(const std::vector<std::filesystem::path>& paths);

}  // namespace reseen
