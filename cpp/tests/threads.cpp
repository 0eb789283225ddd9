// Whether an embedder that several threads use at once gives each of them its own features: `threads BUNDLE IMAGE...`.
#include <cmath>
#include <cstdlib>
#include <future>
#include <iostream>
#include <string>
#include <vector>

#include "reseen/embedder.hpp"

namespace {

constexpr int rounds = 20;
constexpr float tolerance = 1e-5f;

bool alike(const std::vector<float>& a, const std::vector<float>& b) {
    bool same = a.size() == b.size();
    for (std::size_t i = 0; same && i < a.size(); ++i) same = std::abs(a[i] - b[i]) <= tolerance;
    return same;
}

}  // namespace

int main(int count, char** words) {
    const reseen::Bundle bundle(words[1]);
    const reseen::Embedder embedder(bundle);
    std::vector<reseen::Image> images;
    for (int i = 2; i < count; ++i) images.push_back(reseen::decode_image(std::filesystem::path(words[i])));

    std::vector<std::future<bool>> threads;
    for (const reseen::Image& image : images)
        threads.push_back(std::async(std::launch::async, [&embedder, &image, alone = embedder.embed({image})] {
            for (int round = 0; round < rounds; ++round)
                if (!alike(embedder.embed({image}), alone)) return false;
            return true;
        }));
    bool good = true;
    for (auto& thread : threads) good = thread.get() && good;
    std::cout << (good ? "the same" : "different") << "\n";
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
