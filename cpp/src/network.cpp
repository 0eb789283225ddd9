#include "network.hpp"

#include <algorithm>

namespace reseen {
namespace {

EngineError failed(const std::filesystem::path& path, const std::string& what, const std::string& got) {
    return EngineError({path.string() + " " + what,
                        std::string("a model that OpenVINO ") + ov::get_openvino_version().buildNumber + " runs",
                        got.substr(0, 500), "export it again, or build with a newer OpenVINO"});
}

ov::CompiledModel compile(const std::filesystem::path& path, int threads) {
    ov::AnyMap settings{
        // Where the processor has bfloat16, OpenVINO would otherwise compute in it.
        {ov::hint::inference_precision.name(), ov::element::f32},
        {ov::hint::performance_mode.name(), ov::hint::PerformanceMode::LATENCY},
        // Several processes would all be pinned to the same cores.
        {ov::hint::enable_cpu_pinning.name(), false},
    };
    if (threads > 0) settings[ov::inference_num_threads.name()] = threads;
    try {
        return ov::Core().compile_model(path.string(), "CPU", settings);
    } catch (const std::exception& error) {
        throw failed(path, "cannot be loaded", error.what());
    }
}

void check_options(const Options& options) {
    constexpr int most_threads = 1024;
    constexpr std::size_t most_images = 4096;
    if (options.threads < 0 || options.threads > most_threads)
        throw UsageError({"the number of threads cannot be used", "0 (all cores) to " + std::to_string(most_threads),
                          std::to_string(options.threads), "choose another number"});
    if (options.batch_size < 1 || options.batch_size > most_images)
        throw UsageError({"the batch size cannot be used", "1 to " + std::to_string(most_images),
                          std::to_string(options.batch_size), "choose another number"});
}

}  // namespace

Embedder::Network::Network(const Bundle& bundle, const Options& options)
    : height_(bundle.height()),
      width_(bundle.width()),
      feature_size_(bundle.feature_size()),
      batch_size_(options.batch_size) {
    check_options(options);
    path_ = bundle.verify(bundle.choose(options.precision));
    compiled_ = compile(path_, options.threads);
    check_ports();
}

void Embedder::Network::check_ports() const {
    const ov::PartialShape taken{-1, height_, width_, 3}, given{-1, feature_size_};
    const bool single = compiled_.inputs().size() == 1 && compiled_.outputs().size() == 1;
    if (single && compiled_.input().get_element_type() == ov::element::u8 &&
        compiled_.input().get_partial_shape().compatible(taken) &&
        compiled_.output().get_element_type() == ov::element::f32 &&
        compiled_.output().get_partial_shape().compatible(given))
        return;
    std::string got;
    for (const auto& port : compiled_.inputs())
        got += "takes " + port.get_element_type().to_string() + " " + port.get_partial_shape().to_string() + " ";
    for (const auto& port : compiled_.outputs())
        got += "gives " + port.get_element_type().to_string() + " " + port.get_partial_shape().to_string() + " ";
    throw EngineError({path_.string() + " is not the model that the bundle describes",
                       "takes u8 " + taken.to_string() + ", gives f32 " + given.to_string(), got.substr(0, 500),
                       "export it again"});
}

void Embedder::Network::run(const std::vector<Image>& images, std::vector<float>& features) const {
    const auto height = static_cast<std::size_t>(height_), width = static_cast<std::size_t>(width_);
    const std::size_t pixels = 3 * height * width, numbers = static_cast<std::size_t>(feature_size_);
    ov::InferRequest request;
    for (std::size_t start = 0; start < images.size(); start += batch_size_) {
        const std::size_t count = std::min(batch_size_, images.size() - start);
        ov::Tensor batch(ov::element::u8, {count, height, width, 3});
        for (std::size_t i = 0; i < count; ++i) {
            const Image fitting = resize(images[start + i], height_, width_);
            std::copy(fitting.pixels.begin(), fitting.pixels.end(), batch.data<std::uint8_t>() + i * pixels);
        }
        try {
            if (!request) request = ov::CompiledModel(compiled_).create_infer_request();
            request.set_input_tensor(batch);
            request.infer();
            const ov::Tensor output = request.get_output_tensor();
            if (output.get_shape() != ov::Shape{count, numbers})
                throw std::runtime_error("it gave " + output.get_shape().to_string());
            features.insert(features.end(), output.data<float>(), output.data<float>() + count * numbers);
        } catch (const std::exception& error) {
            throw failed(path_, "failed", error.what());
        }
    }
}

}  // namespace reseen
