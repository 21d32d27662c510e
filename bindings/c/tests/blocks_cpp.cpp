// The building blocks in C++: the same as in C, with objects that end themselves.
#include <zephyr.hpp>

#include <algorithm>
#include <thread>
#include <type_traits>

#include "vector.h"

using namespace zephyr;

namespace {

constexpr std::size_t payload_len = 128;

static_assert(!std::is_copy_constructible_v<identity> && !std::is_copy_assignable_v<private_key>);
static_assert(std::is_nothrow_move_constructible_v<round> && std::is_nothrow_move_assignable_v<manifest>);

template <class F> void throws(zephyr_status status, F f) {
    try {
        f();
    } catch (const error &e) {
        CHECK(e.status() == status && std::strlen(e.what()) > 10);
        return;
    }
    CHECK(!"it should have thrown");
}

bytes hex(vector *v, const char *name) {
    vector_bytes found = vector_hex(v, name);
    return bytes(found.data, found.data + found.len);
}

bytes32 id(vector *v, const char *name) {
    bytes32 out;
    bytes found = hex(v, name);
    CHECK(found.size() == out.size());
    std::copy(found.begin(), found.end(), out.begin());
    return out;
}

zephyr::round round_of(vector *v) {
    vector_bytes keys = vector_keys(v);
    return zephyr::round::from_keys(id(v, "network"), vector_number(v, "round"), id(v, "directory"),
                                    bytes(keys.data, keys.data + keys.len));
}

void messages(vector *v) {
    const zephyr::round r = round_of(v);
    const identity alice(id(v, "network"), " Alice@Example.org"), bob(id(v, "network"), "bob@example.org");
    CHECK(alice.address() == "alice@example.org" && r.directory() == id(v, "directory"));
    const private_key alice_key(r, alice, hex(v, "sender_key")), bob_key(r, bob, hex(v, "recipient_key"));
    const sender_key to_bob = sender_key::to(alice_key, bob), from_alice = sender_key::from(bob_key, alice);
    CHECK(to_bob.tag(3) == from_alice.tag(3) && to_bob.tag(3) != to_bob.tag(4));

    const std::string text = "Meet me at noon.";
    const bytes message = seal(r, bob, &to_bob, text_payload(text, 42, 3), payload_len);
    auto found = open_from(r, bob_key, from_alice, 3, message);
    CHECK(found && found->text() == text && found->sender == "alice@example.org" && found->payload.message == 42);
    CHECK(open(r, bob_key, message) && !open(r, alice_key, message) && !open_from(r, bob_key, from_alice, 4, message));
    const bytes anonymous = seal(r, bob, nullptr, text_payload(text, 1), payload_len);
    CHECK(open(r, bob_key, anonymous)->sender.empty() && !open(r, bob_key, cover(payload_len)));

    throws(ZEPHYR_ERROR_ADDRESS, [&] { identity(id(v, "network"), "nobody"); });
    throws(ZEPHYR_ERROR_KEY, [&] { private_key(r, alice, hex(v, "recipient_key")); });
    throws(ZEPHYR_ERROR_KEY, [&] { seal(r, alice, &to_bob, text_payload(text, 1), payload_len); });
    throws(ZEPHYR_ERROR_ARGUMENT, [&] { cover(1); });

    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([&] { CHECK(open(r, bob_key, message)->text() == text); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }

    // What was moved from is empty, and answers so.
    identity first(id(v, "network"), "carol@example.org");
    identity second = std::move(first);
    CHECK(second.address() == "carol@example.org");
    throws(ZEPHYR_ERROR_NULL, [&] { first.address(); });
    first = std::move(second);
    CHECK(first.address() == "carol@example.org");
}

void packets(vector *v) {
    const bytes32 directory = id(v, "directory");
    std::vector<bytes32> secrets(3);
    std::vector<mixer> mixers;
    std::vector<zephyr_hop> route;
    for (std::uint8_t i = 0; i < 3; i++) {
        secrets[i][1] = i;
        zephyr_hop hop{};
        hop.mixer = i;
        const bytes32 key = mixer::key(secrets[i]);
        std::copy(key.begin(), key.end(), hop.key);
        route.push_back(hop);
        mixers.emplace_back(3, payload_len, directory, secrets[i]);
    }
    const bytes sealed = cover(payload_len);
    bytes packet = wrap(3, payload_len, directory, route, 9, sealed);
    CHECK(!mixers[1].peel(0, packet));
    CHECK(mixers[0].peel(0, packet)->number == 1 && mixers[1].peel(1, packet)->number == 2);
    const auto last = mixers[2].peel(2, packet);
    CHECK(last && last->is_mailbox && last->number == 9 && std::equal(sealed.begin(), sealed.end(), packet.begin()));
}

void with_keys(vector *v) {
    messages(v);
    packets(v);
}

void with_a_directory(vector *v) {
    const manifest network = manifest(hex(v, "manifest"));
    CHECK(network.parameters().version == 0 && network.network() == network.hash());
    CHECK(network.servers(ZEPHYR_ROLE_MIXER).size() == 3 && network.servers(ZEPHYR_ROLE_PKG).size() == 2);
    const zephyr::round r(network, hex(v, "directory"));
    CHECK(r.number() == 1000 && r.mixers().size() == 3 && r.route().size() == 3 && r.schedule().opens > 0);
    throws(ZEPHYR_ERROR_MANIFEST, [&] { manifest(bytes{1, 2, 3}); });
    bytes altered = hex(v, "directory");
    altered[100] ^= 1;
    throws(ZEPHYR_ERROR_DIRECTORY, [&] { zephyr::round(network, altered); });
}

void with_versions(vector *v) {
    const manifest network(hex(v, "previous"));
    const manifest next = network.next(hex(v, "signed"));
    CHECK(next.parameters().version == 1 && next.hash() == id(v, "hash"));
    throws(ZEPHYR_ERROR_MANIFEST, [&] { next.next(hex(v, "signed")); });
}

void with_a_delivery(vector *v) {
    delivery_list list;
    std::array<std::uint8_t, ZEPHYR_LIST_SIGNATURE_LEN> signature;
    const bytes given = hex(v, "signature");
    std::copy(given.begin(), given.end(), signature.begin());
    for (const char *name : {"message_0", "message_1"}) {
        list.push(hex(v, name));
    }
    const auto good = [&] {
        return list.verify(id(v, "server"), id(v, "directory"), static_cast<std::uint16_t>(vector_number(v, "mixer")),
                           static_cast<std::uint32_t>(vector_number(v, "mailbox")), signature);
    };
    CHECK(!good());
    list.push(hex(v, "message_2"));
    CHECK(good());
}

} // namespace

int main() {
    check_abi();
    CHECK(canonical(" A@B.cd ") == "a@b.cd");
    CHECK(vector_each_block(ZEPHYR_VECTORS "/seal/named.txt", with_keys) > 0);
    CHECK(vector_each_block(ZEPHYR_VECTORS "/directory/directory.txt", with_a_directory) == 1);
    CHECK(vector_each_block(ZEPHYR_VECTORS "/directory/signed-manifest.txt", with_versions) == 1);
    CHECK(vector_each_block(ZEPHYR_VECTORS "/directory/delivery-list.txt", with_a_delivery) == 1);
}
