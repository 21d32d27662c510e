// zephyr::session, conversations and registrations, without servers.
#include <fstream>
#include <iostream>
#include <sstream>
#include <type_traits>

#include <zephyr.hpp>

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            std::cerr << __FILE__ << ":" << __LINE__ << ": not so: " << #condition << "\n"; \
            std::exit(1);                                                                   \
        }                                                                                   \
    } while (0)

using namespace zephyr;

static_assert(!std::is_copy_constructible_v<session> && !std::is_copy_assignable_v<conversation>);
static_assert(std::is_nothrow_move_constructible_v<session> && std::is_nothrow_move_assignable_v<session>);

namespace {

constexpr std::uint64_t now = 1'800'000'000'000;
const bytes32 seed = {1, 2, 3};

bytes sample() {
    std::ifstream file(ZEPHYR_VECTORS "/../samples/network.toml");
    std::stringstream text;
    text << file.rdbuf();
    return network_manifest(text.str(), now);
}

session begin(const bytes &manifest) {
    zephyr_session_settings settings{};
    settings.manifest = manifest.data();
    settings.manifest_len = manifest.size();
    settings.address = "alice@example.org";
    settings.seed = seed.data();
    settings.contacts = 2;
    settings.connections = 2;
    return session(settings, now);
}

void a_session_moves_and_goes_on(const bytes &manifest) {
    session first = begin(manifest);
    first.add_contact("bob@example.org");
    session here = std::move(first);
    zephyr_action action = here.poll(now);
    CHECK(action.kind == ZEPHYR_ACTION_CONNECT && std::string(action.server).find(':') != std::string::npos);
    here.connected(action.connection);
    CHECK(here.to_send(action.connection).len == 50);
    here.sent(action.connection, 50);
    CHECK(here.received(action.connection, seed.data(), 1) == 1);
    here.failed(action.connection, now);
    here.failed(action.connection, now);
    CHECK(here.received(action.connection, seed.data(), 1) == 1 && here.to_send(action.connection).len == 0);
    while (here.poll(now).kind != ZEPHYR_ACTION_NONE) {
    }
    CHECK(here.wake_up() > now && here.fragment_len() > 900 && here.resend_after() >= 3);
    CHECK(!here.fill(1, 0, std::nullopt));
    here.remove_contact("bob@example.org");
    try {
        here.add_contact("alice@example.org");
        CHECK(!"it should have thrown");
    } catch (const error &e) {
        CHECK(e.status() == ZEPHYR_ERROR_OWN_ADDRESS);
    }
    here = begin(manifest);
    CHECK(here.poll(now).kind == ZEPHYR_ACTION_CONNECT);
}

void a_conversation_is_saved_and_read() {
    conversation alice(now), bob(now);
    CHECK(!alice.fill(5, 0, 3));
    CHECK(alice.push(1, now) == 1);
    CHECK(alice.fill(5, 0, 3)->sequence == 1);
    alice = conversation(alice.save());
    auto draft = alice.fill(6, 0, 3);
    CHECK(draft && draft->sequence == 1);
    zephyr_event event{};
    event.kind = ZEPHYR_EVENT_SLOT_SENT;
    event.round = 6;
    alice.note(event);
    zephyr_fragment fragment{};
    fragment.stream = draft->stream;
    fragment.sequence = draft->sequence;
    fragment.fragments = 1;
    fragment.round = 6;
    zephyr_arrival arrival = bob.receive(fragment);
    CHECK(arrival.kind == ZEPHYR_ARRIVAL_NEW && arrival.arrived == 1);
    bob.forget();
    try {
        conversation damaged(bytes{1, 2, 3});
        CHECK(!"it should have thrown");
    } catch (const error &e) {
        CHECK(e.status() == ZEPHYR_ERROR_DAMAGED);
    }
}

void registrations_name_their_pkg(const bytes &manifest) {
    registration one(manifest, 0, "alice@example.org", seed, ZEPHYR_TASK_REGISTER);
    registration moved = std::move(one);
    CHECK(moved.name() == "pkg-1" && moved.fingerprint().size() == 24 && moved.server().find(':') > 0);
    CHECK(moved.to_send().len == 50);
    moved.sent(50);
    CHECK(moved.answer().kind == ZEPHYR_ANSWER_NONE);
    try {
        bytes garbage(100, 7);
        moved.received(garbage.data(), garbage.size());
        CHECK(!"it should have thrown");
    } catch (const error &e) {
        CHECK(e.status() == ZEPHYR_ERROR_LINK);
    }
    try {
        registration none(manifest, 60, "alice@example.org", seed, ZEPHYR_TASK_REGISTER);
        CHECK(!"it should have thrown");
    } catch (const error &e) {
        CHECK(e.status() == ZEPHYR_ERROR_SERVER);
    }
}

} // namespace

int main() {
    check_abi();
    const bytes manifest = sample();
    a_session_moves_and_goes_on(manifest);
    a_conversation_is_saved_and_read();
    registrations_name_their_pkg(manifest);
}
