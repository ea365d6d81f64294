# Everything that is run by hand or by CI. `make demo` and `make test` need nothing but Rust.

.PHONY: all demo test test-peers soak abuse decrypt bench lint cross

all:
	cargo build --release

# Certificates, a stand-in cloud, egret with three listeners, and what the cloud saw of each.
demo:
	cargo build --bin egret
	cargo run --quiet --example demo

test:
	cargo test

# Needs nginx, curl, openssl, ssh-keygen, chromium, wget, libfaketime, tshark, Python with requests, and
# Node with npm; Go is used where it is.
test-peers:
	cargo test --features peers --test 'peers_*'

# Everything at once, at random; EGRET_SEED=... makes the same choices again.
SECONDS = 60
soak:
	EGRET_SOAK_SECONDS=$(SECONDS) cargo test --test soak -- --nocapture

# Hostile clients and upstreams against the bounds that `check` prints.
abuse:
	cargo test --test abuse -- --nocapture

# tshark reads a capture of the test's own loopback traffic with what --keylog wrote. Needs the right to
# capture.
decrypt:
	cargo test --features peers --test peers_keylog -- --nocapture

# egret beside nginx doing the same, in under a minute. Needs nginx.
bench:
	cargo build --release --bin egret
	cargo run --quiet --example bench

# Static binaries for small devices, each built and run (under qemu, if need be). Needs Debian.
cross:
	for target in $$(ls cross/targets); do cross/build $$target && cross/e2e $$target || exit 1; done

lint:
	cargo fmt --check
	cargo clippy --all-targets --all-features -- -D warnings
