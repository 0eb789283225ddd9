// The command `reseen-embed`.
#include <exception>
#include <iostream>

#include "arguments.hpp"
#include "output.hpp"
#include "reseen/bundle.hpp"

namespace {

constexpr int done = 0, failed = 1, unusable = 2;

int run(const Arguments& arguments) {
    if (arguments.output) check_output(*arguments.output);
    const auto files = reseen::image_files(arguments.images);
    const reseen::Embedder embedder(reseen::Bundle(arguments.bundle), arguments.options);
    const reseen::Embedded embedded = embedder.embed_files(files);

    for (const auto& [name, error] : embedded.broken) std::cerr << visible(error.what()) << "\n";
    if (embedded.names.empty()) return failed;
    if (arguments.output) {
        save(*arguments.output, embedded, embedder.feature_size());
        std::cout << embedded.names.size() << " features saved in " << arguments.output->string() << "\n";
    } else {
        print(std::cout, embedded, embedder.feature_size());
    }
    if (!std::cout.flush())
        throw reseen::StorageError({"cannot write the results", "an output that takes them", "an error while writing",
                                    "free some space, or send them elsewhere"});
    return embedded.broken.empty() ? done : failed;
}

}  // namespace

int main(int count, char** words) {
    try {
        const Arguments arguments = parse_arguments({words + 1, words + count});
        if (!arguments.help) return run(arguments);
        std::cout << usage;
        return done;
    } catch (const reseen::UsageError& error) {
        std::cerr << visible(error.what()) << "\n";
        return unusable;
    } catch (const std::exception& error) {
        std::cerr << visible(error.what()) << "\n";
        return failed;
    }
}
