// Shows the tests what the library makes of an image: `pixels decode FILE` and `pixels resize FILE HEIGHT WIDTH`, where
// the result goes to the standard output as a PPM file.
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "reseen/image.hpp"

int main(int count, char** words) {
    const std::vector<std::string> arguments(words + 1, words + count);
    try {
        reseen::Image image = reseen::decode_image(std::filesystem::path(arguments.at(1)));
        if (arguments.at(0) == "resize")
            image = reseen::resize(image, std::stoi(arguments.at(2)), std::stoi(arguments.at(3)));
        std::cout << "P6\n" << image.width << " " << image.height << "\n255\n";
        const auto* bytes = reinterpret_cast<const char*>(image.pixels.data());
        std::cout.write(bytes, static_cast<std::streamsize>(image.pixels.size()));
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
