# To be sourced: from here on nothing is the caller's, neither their database nor their board.
for name in $(compgen -e | grep -E '^(MASTOC_|STOKT_)' || true) DATABASE_URL API_KEY API_KEY_FILE SECRET_KEY SECRET_KEY_FILE RUST_LOG PORT; do unset "$name"; done
