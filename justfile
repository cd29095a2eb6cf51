# Shortcuts for cargo commands

# Serve GraphQL on http://127.0.0.1:8080 with the sandbox's data
run *options:
    cargo run -p sends-graphql -- --sandbox {{ options }}

# Run all tests
test:
    cargo test --workspace

# Generate schema.graphql
schema:
    cargo run --quiet -p sends-graphql -- schema > schema.graphql

# Format the code
format:
    cargo fmt --all

# Run the checks of CI except the tests
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo clippy -p sends-graphql --no-default-features --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
    cargo deny --workspace check licenses bans sources

# Test GraphiQL in Chromium without network access
browser:
    .ci/browser

# Update the README's screenshot of GraphiQL
screenshot:
    WRITE_SCREENSHOT=1 .ci/browser

# Serve the simulated upstream on http://127.0.0.1:8081
sandbox *options:
    cargo run -p sends-sandbox -- {{ options }}

# Run the stress tests with the full counts
stress *options:
    STRESS=full cargo test --release -p sends-end-to-end --test stress -- --nocapture --test-threads 1 {{ options }}

# Compare the service with a static response, plain async-graphql and the upstream
bench *options:
    cargo run --release -p sends-bench -- {{ options }}
