#include "reseen/embedder.hpp"

#include <algorithm>
#include <future>
#include <optional>

#include "network.hpp"

namespace reseen {
namespace {

using Files = std::vector<std::filesystem::path>;

/// Some files: the images at the network's size, and why the others are none.
struct Batch {
    Embedded outcome;
    std::vector<Image> images;
};

Batch prepare(Files::const_iterator begin, Files::const_iterator end, int height, int width) {
    Batch batch;
    for (; begin != end; ++begin) try {
            batch.images.push_back(resize(decode_image(*begin), height, width));
            batch.outcome.names.push_back(*begin);
        } catch (const ImageError& error) {
            batch.outcome.broken.emplace_back(*begin, error);
        }
    return batch;
}

template <typename Each>
void append(std::vector<Each>& all, const std::vector<Each>& more) {
    all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

Embedder::Embedder(const Bundle& bundle, const Options& options)
    : network_(std::make_unique<Network>(bundle, options)) {}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

int Embedder::feature_size() const noexcept {
    return network_->feature_size();
}

std::vector<float> Embedder::embed(const std::vector<Image>& images) const {
    std::vector<float> features;
    network_->run(images, features);
    return features;
}

Embedded Embedder::embed_files(const Files& files) const {
    const auto prepare_from = [&](std::size_t start) {
        const auto place = [&](std::size_t i) { return files.begin() + static_cast<std::ptrdiff_t>(i); };
        const std::size_t end = std::min(start + network_->batch_size(), files.size());
        return std::async(std::launch::async, prepare, place(start), place(end), network_->height(), network_->width());
    };
    Embedded all;
    std::future<Batch> next = prepare_from(0);
    for (std::size_t start = 0; start < files.size(); start += network_->batch_size()) {
        const Batch batch = next.get();
        next = prepare_from(std::min(start + network_->batch_size(), files.size()));
        network_->run(batch.images, all.features);
        append(all.names, batch.outcome.names);
        append(all.broken, batch.outcome.broken);
    }
    return all;
}

}  // namespace reseen
