# Everything that is run by hand or by CI. `make demo` and `make test` need nothing but Rust.

.PHONY: all demo test test-peers lint

all:
	cargo build --release

# Certificates, a stand-in cloud, egret with three listeners, and what the cloud saw of each.
demo:
	cargo build --bin egret
	cargo run --quiet --example demo

test:
	cargo test

# Needs nginx, curl, openssl and chromium.
test-peers:
	cargo test --features peers --test 'peers_*'

lint:
	cargo fmt --check
	cargo clippy --all-targets --all-features -- -D warnings
