# Short names for the scripts and cargo; nothing here is needed to build, test or run.

# List the recipes.
default:
    @just --list

# Start a real cluster, the daemon on it and a little load; prints the dashboard's URL.
demo *arguments:
    ./scripts/demo {{ arguments }}

# Every check and test; `just test --only fmt` runs one.
test *arguments:
    ./scripts/test {{ arguments }}

# The binaries, optimised and stripped; `just build --target x86_64-unknown-linux-musl` makes them static.
build *arguments:
    ./scripts/build-release {{ arguments }}

# The stack of deploy/docker-compose.yml: a cluster, the daemon, Prometheus and Grafana.
stack *arguments="up":
    docker compose -f deploy/docker-compose.yml {{ arguments }}

# The benchmarks.
bench *arguments:
    cargo bench --workspace {{ arguments }}

# The documentation of all crates.
docs:
    cargo doc --workspace --no-deps --open

# Format the Rust code.
fmt:
    cargo fmt --all

# Formatting and lints, as the tests hold them.
lint:
    ./scripts/test --only fmt --only clippy --only shell
