# Sourced by the other scripts: goes to the repository root, sets up if needed, and enters the environment.
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
./launch/setup.sh
export PATH="$PWD/launch:$PWD/.venv/bin:$PATH" # launch/horovodrun before Horovod's own
export CUDA_VISIBLE_DEVICES="" TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
