# Everything that is run by hand or by CI. `make demo` and `make test` need nothing but Rust.

.PHONY: all demo test test-peers page decrypt isolation soak abuse fuzz bench instructions lint lint-fuzz cross dist reproducible

all:
	cargo build --release

# Certificates, a stand-in cloud, egret with three listeners, and what the cloud saw of each.
demo:
	cargo build --bin egret
	cargo run --quiet --example demo

test:
	cargo test

# Needs nginx, curl, openssl, ssh-keygen, chromium, wget, libfaketime, tshark, promtool, Python with
# requests and prometheus_client, and Node with npm; Go is used where it is. For what is on a device
# beside the binary: root, systemd, BusyBox, mandoc and shellcheck.
test-peers:
	cargo test --features peers --test 'peers_*'

# Everything at once, at random; EGRET_SEED=... makes the same choices again.
SECONDS = 60
soak:
	EGRET_SOAK_SECONDS=$(SECONDS) cargo test --test soak -- --nocapture

# Hostile clients and upstreams against the bounds that `check` prints.
abuse:
	cargo test --test abuse -- --nocapture

# Inputs that no person would think of, for each target of tests/fuzz so many seconds. Needs g++.
TIME = 600
fuzz:
	tests/fuzz/run $(TIME)

# tshark reads a capture of the test's own loopback traffic with what --keylog wrote. Needs the
# right to capture.
decrypt:
	cargo test --features peers --test peers_keylog -- --nocapture

# The status page in Chromium: checked, and its pictures kept in target/tmp.
page:
	cargo test --features peers --test peers_page -- --nocapture

# Every identity beside every other, by every kind of TLS session: prints a table, of nginx and
# HAProxy too where they are installed. Fails when egret lets one identity use what belongs to
# another.
isolation:
	cargo build --bin egret
	cargo run --quiet --example isolation

# egret beside nginx and HAProxy doing the same; QUICK=1 in under two minutes, RECORD=1 into the
# README. Needs root and two cores.
bench:
	cargo build --release --bin egret
	cargo run --quiet --example bench

# Instructions of egret for one small request, beside what was recorded; fails when they are over a
# tenth more. RECORD=1 records them anew, COMPARE=1 counts nginx and HAProxy too. Needs nginx and
# valgrind.
instructions:
	cargo build --release --bin egret
	cargo run --quiet --example instructions

# Static binaries for small devices, each built and run (under qemu, if need be). Needs Debian.
cross:
	for target in $$(ls cross/targets); do cross/build $$target && cross/e2e $$target || exit 1; done

# What is handed out: the source, a tarball for each target, packages for Debian, and their sums.
dist:
	for target in $$(ls cross/targets); do cross/build $$target || exit 1; done
	cross/dist

lint:
	cargo fmt --check
	cargo clippy --all-targets --all-features -- -D warnings
	cargo fmt --check --manifest-path tests/fuzz/Cargo.toml

# The fuzz targets: all that they depend on is looked through once more.
lint-fuzz:
	cargo clippy --locked --manifest-path tests/fuzz/Cargo.toml --target-dir target/fuzz --all-targets -- -D warnings

# Whether building x86-64 and its packages once more, in another folder, gives the same bytes.
reproducible:
	tests/packages/twice
