// A model in OpenVINO.
#pragma once

#include <openvino/openvino.hpp>

#include "reseen/embedder.hpp"

namespace reseen {

class Embedder::Network {
  public:
    /// Throws as `Embedder` does.
    Network(const Bundle& bundle, const Options& options);

    int height() const noexcept { return height_; }
    int width() const noexcept { return width_; }
    int feature_size() const noexcept { return feature_size_; }
    std::size_t batch_size() const noexcept { return batch_size_; }

    /// Features of images of any size, up to `batch_size` of them at a time.
    void run(const std::vector<Image>& images, std::vector<float>& features) const;

  private:
    void check_ports() const;

    std::filesystem::path path_;
    int height_, width_, feature_size_;
    std::size_t batch_size_;
    ov::CompiledModel compiled_;
};

}  // namespace reseen
