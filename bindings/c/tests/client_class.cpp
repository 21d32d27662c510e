// zephyr::client, without a network.
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>
#include <type_traits>

#include <unistd.h>

#include <zephyr.hpp>

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            std::cerr << __FILE__ << ":" << __LINE__ << ": not so: " << #condition << "\n"; \
            std::exit(1);                                                                   \
        }                                                                                   \
    } while (0)

static_assert(!std::is_copy_constructible<zephyr::client>::value, "a client is moved");
static_assert(!std::is_copy_assignable<zephyr::client>::value, "a client is moved");
static_assert(std::is_nothrow_move_constructible<zephyr::client>::value, "without failure");
static_assert(std::is_nothrow_move_assignable<zephyr::client>::value, "without failure");

namespace {

std::string network() {
    std::ifstream file(ZEPHYR_VECTORS "/../../bindings/network.toml");
    std::ostringstream text;
    text << file.rdbuf();
    CHECK(!text.str().empty());
    return text.str();
}

// A new folder that is removed with what is in it.
class folder {
public:
    folder() : name("/tmp/zephyr-test-XXXXXX") { CHECK(mkdtemp(&name[0]) != nullptr); }
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;
    ~folder() {
        for (const char *file : {"zephyr.db", "zephyr.db-wal", "zephyr.db-shm", "lock", "backup"}) {
            unlink((name + "/" + file).c_str());
        }
        rmdir(name.c_str());
    }

    std::string name;
};

// What a function throws.
template <typename Function> zephyr_status thrown(Function function) {
    try {
        function();
    } catch (const zephyr::error &error) {
        CHECK(*error.what() != '\0');
        return error.status();
    }
    return ZEPHYR_OK;
}

zephyr::client alice(const folder &home) {
    return zephyr::client::create(home.name, "Alice@example.org", network());
}

void it_keeps_what_it_is_told() {
    const folder home;
    const zephyr::client client = alice(home);
    CHECK(client.address() == "alice@example.org" && client.network()[0] == 0x78);
    CHECK(!client.is_registered() && client.registration().size() == 2);
    client.add_contact("bob@example.org", "from school");
    client.add_contact("bob@example.org");
    client.block("carol@example.org");
    const auto contacts = client.contacts();
    CHECK(contacts.size() == 2 && contacts[0].note == "from school" && contacts[1].blocked);
    client.unblock("carol@example.org");
    client.set_contacts_only(true);

    const auto text = client.send("bob@example.org", "hello");
    client.send("bob@example.org", std::vector<std::uint8_t>{0, 1, 2});
    const auto outbox = client.outbox();
    CHECK(outbox.size() == 2 && outbox[0].is_text && outbox[1].len == 3);
    CHECK(outbox[0].delivery.id == text.id && outbox[0].created.time_since_epoch().count() > 0);
    CHECK(client.delivery(text.id).state == ZEPHYR_DELIVERY_QUEUED);
    CHECK(!client.wait_delivered(text.id, std::chrono::milliseconds(1)));
    CHECK(client.inbox().empty());
    client.mark_seen(7);
    client.remove_contact("bob@example.org");
    CHECK(client.outbox().empty());
}

void failures_are_thrown_with_a_sentence() {
    const folder home;
    const zephyr::client client = alice(home);
    CHECK(thrown([&] { alice(home); }) == ZEPHYR_ERROR_IN_USE);
    CHECK(thrown([&] { zephyr::client::open("/nowhere"); }) == ZEPHYR_ERROR_NO_HOME);
    CHECK(thrown([&] { client.send("bob", "hi"); }) == ZEPHYR_ERROR_ADDRESS);
    CHECK(thrown([&] { client.send("alice@example.org", "hi"); }) == ZEPHYR_ERROR_OWN_ADDRESS);
    CHECK(thrown([&] { client.confirm(0, "no code"); }) == ZEPHYR_ERROR_CODE);
    CHECK(thrown([&] { client.delivery(7); }) == ZEPHYR_ERROR_NO_MESSAGE);
    const auto answers = client.request_codes();
    CHECK(answers.size() == 2 && answers[1].status == ZEPHYR_ERROR_UNREACHABLE);
    CHECK(answers[1].pkg.name == "pkg-2" && !answers[1].detail.empty());
    try {
        client.send("alice@example.org", "hi");
    } catch (const std::exception &error) {
        CHECK(std::string(error.what()).find("your own address") != std::string::npos);
    }
}

void it_is_moved_and_ends_with_its_scope() {
    const folder home, other;
    zephyr::client first = alice(home);
    zephyr::client second = std::move(first);
    CHECK(thrown([&] { first.address(); }) == ZEPHYR_ERROR_NULL);
    CHECK(thrown([&] { first.start(); }) == ZEPHYR_ERROR_NULL);
    second.start();
    first = std::move(second);
    CHECK(first.address() == "alice@example.org");
    // What was there is closed.
    first = alice(other);
    { const zephyr::client again = zephyr::client::open(home.name); }
    first.close();
    CHECK(thrown([&] { first.address(); }) == ZEPHYR_ERROR_NULL);
    first.close();
    zephyr::client::open(home.name).export_backup(home.name + "/backup", "correct horse battery");
    const folder restored;
    const auto copy =
        zephyr::client::restore(home.name + "/backup", "correct horse battery", restored.name);
    CHECK(copy.address() == "alice@example.org");
}

void listeners_are_told() {
    const folder home;
    std::mutex mutex;
    std::condition_variable changed;
    bool unreachable = false, stopped = false;
    zephyr::client client = alice(home);
    zephyr::client::listeners listeners;
    listeners.on_round = [&](const zephyr::client::progress &progress) {
        CHECK(thrown([&] { client.close(); }) == ZEPHYR_ERROR_IN_CALLBACK);
        CHECK(client.address() == "alice@example.org" && !progress.degraded());
        if (progress.status == ZEPHYR_ERROR_UNREACHABLE) {
            CHECK(!progress.why.empty());
            const std::lock_guard<std::mutex> lock(mutex);
            unreachable = true;
            changed.notify_all();
        }
    };
    listeners.on_stopped = [&](zephyr_status status, const std::string &why) {
        CHECK(status == ZEPHYR_OK && why.empty());
        const std::lock_guard<std::mutex> lock(mutex);
        stopped = true;
        changed.notify_all();
    };
    client.start(listeners);
    CHECK(thrown([&] { client.start(listeners); }) == ZEPHYR_ERROR_RUNNING);
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return unreachable; });
    lock.unlock();
    client.stop();
    lock.lock();
    changed.wait(lock, [&] { return stopped; });
    lock.unlock();
    client.start();
}

void closing_ends_a_wait() {
    const folder home;
    zephyr::client client = alice(home);
    const auto queued = client.send("bob@example.org", "hello");
    client.start();
    zephyr_status status = ZEPHYR_OK;
    std::atomic<bool> begun{false};
    std::thread waits([&] {
        begun = true;
        status = thrown([&] { client.wait_delivered(queued.id, std::chrono::hours(1)); });
    });
    while (!begun) {
        std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    client.close();
    waits.join();
    CHECK(status == ZEPHYR_ERROR_CLOSED || status == ZEPHYR_ERROR_HANDLE || status == ZEPHYR_ERROR_NULL);
}

} // namespace

int main() {
    zephyr::check_abi();
    it_keeps_what_it_is_told();
    failures_are_thrown_with_a_sentence();
    it_is_moved_and_ends_with_its_scope();
    listeners_are_told();
    closing_ends_a_wait();
    return 0;
}
