#include "arguments.hpp"

#include <charconv>

const char usage[] =
    R"(usage: reseen-embed --bundle DIR [options] IMAGE_OR_FOLDER...

Features of JPEG and PNG images, computed with the model of a bundle that `reseen export` wrote.

  --bundle DIR      the bundle
  --precision P     fp32, fp16 or int8; the most exact that the bundle has by default
  --threads N       of the processor, for the network; all cores by default
  --batch-size N    images that go through the network at a time; 32 by default
  --output FILE     .npy: float32, a row an image, with the names beside it in FILE.names.json; or .csv.
                    Without it, the first and last number of every feature are printed.

Exit code: 0 done; 1 failed, or an image is broken (it is named, the others are done); 2 unusable arguments or bundle.
)";

namespace {

reseen::UsageError unusable(const std::string& what, const std::string& expected, const std::string& got) {
    return reseen::UsageError({what, expected, got, "see reseen-embed --help"});
}

int whole_number(const std::string& option, const std::string& text) {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end || number < 1)
        throw unusable(option + " cannot be used", "a whole number from 1", "'" + text + "'");
    return number;
}

}  // namespace

Arguments parse_arguments(const std::vector<std::string>& words) {
    Arguments arguments;
    bool options_end = false;
    for (auto word = words.begin(); word != words.end(); ++word) {
        const std::string option = *word;
        const auto value = [&]() -> const std::string& {
            if (++word == words.end()) throw unusable(option + " cannot be used", "a value behind it", "nothing");
            return *word;
        };
        if (options_end || option.empty() || option[0] != '-')
            arguments.images.emplace_back(option);
        else if (option == "--")
            options_end = true;
        else if (option == "--help" || option == "-h")
            arguments.help = true;
        else if (option == "--bundle")
            arguments.bundle = value();
        else if (option == "--precision")
            arguments.options.precision = value();
        else if (option == "--threads")
            arguments.options.threads = whole_number(option, value());
        else if (option == "--batch-size")
            arguments.options.batch_size = static_cast<std::size_t>(whole_number(option, value()));
        else if (option == "--output")
            arguments.output = value();
        else
            throw unusable("there is no option " + option,
                           "--bundle, --precision, --threads, --batch-size, --output or --help", option);
    }
    if (arguments.help) return arguments;
    if (arguments.bundle.empty()) throw unusable("no bundle was given", "--bundle DIR", "nothing");
    if (arguments.images.empty()) throw unusable("no image was given", "images or folders", "nothing");
    return arguments;
}
