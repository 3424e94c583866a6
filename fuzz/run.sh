#!/usr/bin/env bash
# Runs every fuzz target for some seconds, from first inputs of our own: `fuzz/run.sh [SECONDS] [TARGET…]`.
#
# All targets with the 20 seconds that are meant when none are named take less than ten minutes once they are built. It
# needs `cargo install cargo-fuzz`. The first input that a target fails on is kept in fuzz/artifacts, and the run ends.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-20}
shift || true
# The target `query` runs once a language, as `query:LANGUAGE`; the languages are those of the table in the model.
mapfile -t languages < <(sed -n 's/^        [A-Z][A-Za-z]* = "\(.*\)" {$/query:\1/p' crates/model/src/language.rs)
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | grep -v -e '^ruleatlas-fuzz$' -e '^query$')
  targets+=("${languages[@]}")
fi

demo=crates/cli/demo
seeds_of() {
  case $1 in
    sigma_rule | yaml) echo $demo/sigma ;;
    sigma_condition) echo crates/languages/sigma/cases ;;
    query:*) echo crates/languages/*/cases ;;
    splunk_yaml) echo $demo/splunk/detections ;;
    splunk_content) echo $demo/splunk/macros $demo/splunk/lookups ;;
    kusto_yaml) echo $demo/kusto/Detections $demo/kusto/Hunting ;;
    kusto_markdown) echo $demo/kusto/Pages ;;
    kusto_template | kusto_bicep) echo $demo/kusto/Templates ;;
    panther_files) echo crates/languages/panther/cases $demo/panther/rules $demo/panther/queries ;;
    falco_files) echo $demo/falco ;;
    wazuh_files) echo $demo/wazuh ;;
    elastic_toml) echo $demo/elastic/rules $demo/elastic/hunting ;;
    stix) echo $demo/attack ;;
    have) echo crates/sources/tests ;;
    scripts) echo fuzz/seeds/scripts ;;
    events_read | events_shapes) echo fuzz/seeds/"$1" ;;
  esac
}

export RUSTC_BOOTSTRAP=1
cargo fuzz build -s none
for name in "${targets[@]}"; do
  target=${name%%:*}
  export RULEATLAS_FUZZ_LANGUAGE=${name#*:}
  corpus=fuzz/corpus/${name/:/-}
  mkdir -p "$corpus"
  seeds=()
  for folder in $(seeds_of "$name"); do
    if [ -d "$folder" ]; then seeds+=("$folder"); fi
  done
  printf '\n== %s\n' "$name"
  cargo fuzz run -s none "$target" "$corpus" "${seeds[@]}" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 2>&1 |
    grep -E '^(stat::|SUMMARY|==[0-9]+==|artifact|thread|Done)' || {
      echo "$name failed; its input is in fuzz/artifacts/$target" >&2
      exit 1
    }
  if compgen -G "fuzz/artifacts/$target/*" > /dev/null; then
    echo "$name failed; its input is in fuzz/artifacts/$target" >&2
    exit 1
  fi
done
