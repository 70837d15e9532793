// Runs a fuzz target without libFuzzer: each seed as it is, cut, and changed in a way that is the
// same at every run. A regression run for builds of GCC; the search for new inputs is scripts/fuzz.
//
//   fuzz_json SEED-FOLDER [DICTIONARY [CHANGES]]
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t most_cuts = 256;
constexpr std::size_t changed_a_seed = 1000;

constexpr unsigned most_seconds = 30;  // for one input; a hang, not a measure

std::size_t runs = 0;
const std::string* current = nullptr;

// Says, as hex, which input it was that failed or took too long. Calls what a signal handler may.
extern "C" void tell_input(int signal) {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::string_view why = signal == SIGALRM ? "no end of: " : "failed on: ";
  std::size_t ignored = static_cast<std::size_t>(::write(STDERR_FILENO, why.data(), why.size()));
  for (const char c : *current) {
    const auto byte = static_cast<unsigned char>(c);
    const std::array<char, 2> hex{digits[byte >> 4U], digits[byte & 15U]};
    ignored += static_cast<std::size_t>(::write(STDERR_FILENO, hex.data(), hex.size()));
  }
  ignored += static_cast<std::size_t>(::write(STDERR_FILENO, "\n", 1));
  ::_exit(ignored == 0 ? 2 : 1);
}

void run(const std::string& input) {
  // A copy of the exact size, on the heap, so that reading past its end is seen.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  current = &input;
  ::alarm(most_seconds);
  static_cast<void>(LLVMFuzzerTestOneInput(bytes.data(), bytes.size()));
  ++runs;
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The words of a dictionary as libFuzzer reads it: "word" a line, with \\, \" and \xHH.
std::vector<std::string> words_of(const std::filesystem::path& path) {
  std::vector<std::string> words;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() != '"' || line.back() != '"' || line.size() < 3) continue;
    std::string word;
    for (std::size_t i = 1; i + 1 < line.size(); ++i) {
      if (line[i] == '\\' && line[i + 1] == 'x' && i + 4 < line.size()) {
        word.push_back(static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16)));
        i += 3;
      } else {
        if (line[i] == '\\') ++i;
        word.push_back(line[i]);
      }
    }
    words.push_back(word);
  }
  return words;
}

class Changer {
 public:
  Changer(std::vector<std::string> seeds, std::vector<std::string> words)
      : seeds_(std::move(seeds)), words_(std::move(words)) {}

  std::string changed(std::string input) {
    for (std::size_t times = 1 + below(4); times > 0; --times) change(input);
    return input;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::size_t place(const std::string& input) { return below(input.size() + 1); }

  void change(std::string& input) {
    const std::size_t kind = below(6);
    if (kind == 0 && !words_.empty()) {
      input.insert(place(input), words_[below(words_.size())]);
    } else if (kind == 1) {
      const std::string& other = seeds_[below(seeds_.size())];
      input = input.substr(0, place(input)) + other.substr(place(other));
    } else if (kind == 2) {
      input.insert(place(input), 1, static_cast<char>(below(256)));
    } else if (input.empty()) {
      return;
    } else if (kind == 3) {
      input.erase(below(input.size()), 1 + below(8));
    } else if (kind == 4) {
      input[below(input.size())] = static_cast<char>(below(256));
    } else {
      const std::size_t at = below(input.size());
      input.insert(at, input.substr(at, 1 + below(16)));
    }
  }

  std::vector<std::string> seeds_;
  std::vector<std::string> words_;
  std::minstd_rand random_{20'240'229};  // NOLINT(cert-msc51-cpp): the same at every run
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::vector<std::string> seeds;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  for (const auto& path : paths) seeds.push_back(content_of(path));
  if (seeds.empty()) {
    std::fprintf(stderr, "%s holds no seed\n", argv[1]);
    return 2;
  }
  static_cast<void>(std::signal(SIGABRT, tell_input));
  static_cast<void>(std::signal(SIGALRM, tell_input));
  Changer changer(seeds, argc > 2 ? words_of(argv[2]) : std::vector<std::string>{});
  const std::size_t changes = argc > 3 ? std::stoul(argv[3]) : changed_a_seed;
  run("");
  for (const std::string& seed : seeds) {
    run(seed);
    for (std::size_t size = 0; size < std::min({seed.size(), most_cuts, changes}); ++size) {
      run(seed.substr(0, size));
    }
    for (std::size_t i = 0; i < changes; ++i) run(changer.changed(seed));
  }
  std::printf("%zu inputs of %zu seeds\n", runs, seeds.size());
  return 0;
}
