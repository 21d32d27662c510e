// A small chat over Zephyr. A line of standard input is `ADDRESS TEXT` to send, `+ADDRESS` to add a contact, or `quit`;
// what comes is printed as `ADDRESS: TEXT`. Between two people nothing is acknowledged unless both have added each
// other.

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <string>

#include <zephyr.hpp>

namespace {

// Standard output, a line at a time, from the main thread and from the client's.
class output {
public:
    void line(const std::string &text) {
        const std::lock_guard<std::recursive_mutex> lock(mutex_);
        std::cout << text << std::endl;
    }

    // As long as the result lives nobody else prints.
    std::unique_lock<std::recursive_mutex> hold() { return std::unique_lock<std::recursive_mutex>(mutex_); }

private:
    std::recursive_mutex mutex_;
};

void error(const std::string &sentence) { std::cerr << "error: " << sentence << std::endl; }

std::string read_file(const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) {
        throw std::runtime_error("The file " + name + " can't be read.");
    }
    return text;
}

// Brings the code that a PKG has mailed, until it is right.
void confirm(const zephyr::client &client, output &out, const zephyr::client::pkg &pkg) {
    for (;;) {
        out.line("code? " + pkg.name + " " + pkg.fingerprint);
        std::string code;
        if (!std::getline(std::cin, code)) {
            throw std::runtime_error("The address is not registered: a code is missing.");
        }
        try {
            client.confirm(pkg.index, code);
            return;
        } catch (const zephyr::error &failure) {
            if (failure.status() != ZEPHYR_ERROR_CODE && failure.status() != ZEPHYR_ERROR_WRONG_CODE) {
                throw;
            }
            error(failure.what());
        }
    }
}

// Every PKG must know that the address belongs to this home.
void register_address(const zephyr::client &client, output &out) {
    for (const auto &answer : client.request_codes()) {
        if (answer.status != ZEPHYR_OK) {
            throw std::runtime_error(answer.pkg.name + ": " + answer.detail);
        }
        if (answer.pkg.state == ZEPHYR_REGISTRATION_CODE_SENT) {
            confirm(client, out, answer.pkg);
        }
    }
    if (!client.is_registered()) {
        throw std::runtime_error("The address has another home, which this one replaces later: try again then.");
    }
    out.line("registered");
}

// Prints a message, on one line whatever it contains.
void show(const zephyr::client &client, output &out, const zephyr::client::message &message) {
    std::string text = message.is_text ? message.body : "(" + std::to_string(message.body.size()) + " bytes)";
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
    out.line((message.from.empty() ? "anonymous" : message.from) + ": " + text);
    client.mark_seen(message.id);
}

void take_part(const zephyr::client &client, output &out) {
    // What came when nobody was looking.
    for (const auto &message : client.inbox(true)) {
        show(client, out, message);
    }
    zephyr::client::listeners listeners;
    listeners.on_message = [&](const zephyr::client::message &message) { show(client, out, message); };
    listeners.on_delivery = [&](const zephyr_delivery &delivery) {
        if (delivery.state == ZEPHYR_DELIVERY_DELIVERED) {
            out.line("delivered " + std::to_string(delivery.id));
        }
    };
    listeners.on_stopped = [](zephyr_status status, const std::string &why) {
        if (status != ZEPHYR_OK) {
            error(why);
            // The main thread waits for its input. All that was to be kept is on the disk.
            std::_Exit(1);
        }
    };
    client.start(listeners);
    out.line("ready");
}

// Does what a line says.
void obey(const zephyr::client &client, output &out, const std::string &line) {
    if (line[0] == '+') {
        client.add_contact(line.substr(1));
        out.line("added " + line.substr(1));
        return;
    }
    const auto space = line.find(' ');
    if (space == std::string::npos) {
        throw std::runtime_error("Write `ADDRESS TEXT`, `+ADDRESS` or `quit`.");
    }
    // It must not be delivered before it is queued.
    const auto lock = out.hold();
    const auto queued = client.send(line.substr(0, space), line.substr(space + 1));
    out.line("queued " + std::to_string(queued.id));
}

void chat(const char *network_file, const char *home, const char *address) {
    zephyr::check_abi();
    output out;
    zephyr::client client = zephyr::client::create(home, address, read_file(network_file));
    if (!client.is_registered()) {
        register_address(client, out);
    }
    take_part(client, out);
    std::string line;
    while (std::getline(std::cin, line) && line != "quit") {
        try {
            if (!line.empty()) {
                obey(client, out, line);
            }
        } catch (const std::exception &failure) {
            // The next line may be better.
            error(failure.what());
        }
    }
    client.close();
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 4) {
        std::cerr << "Usage: " << argv[0] << " NETWORK_FILE HOME ADDRESS" << std::endl;
        return 2;
    }
    try {
        chat(argv[1], argv[2], argv[3]);
        return 0;
    } catch (const std::exception &failure) {
        error(failure.what());
        return 1;
    }
}
