# A convenience: everything works with cargo alone.

# Answer GraphQL on http://127.0.0.1:8080 with the sandbox's invented data
run *options:
    cargo run -p sends-graphql -- --sandbox {{ options }}

# Run every test
test:
    cargo test --workspace

# Write schema.graphql from the code
schema:
    cargo run --quiet -p sends-graphql -- schema > schema.graphql

# Bring the code into the house's format
format:
    cargo fmt --all

# What CI checks besides the tests
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo clippy -p sends-graphql --no-default-features --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
    cargo deny --workspace check licenses bans sources

# Try GraphiQL in Chromium, with the network closed
browser:
    .ci/browser

# Take the README's picture of GraphiQL anew
screenshot:
    WRITE_SCREENSHOT=1 .ci/browser

# Run the simulated upstream by itself on http://127.0.0.1:8081
sandbox *options:
    cargo run -p sends-sandbox -- {{ options }}

# Put load and misuse on the service, with the full counts
stress *options:
    STRESS=full cargo test --release -p sends-end-to-end --test stress -- --nocapture --test-threads 1 {{ options }}

# Measure the service next to a static answer, the library as it comes and the upstream itself
bench *options:
    cargo run --release -p sends-bench -- {{ options }}
