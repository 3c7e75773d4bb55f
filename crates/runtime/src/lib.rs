//! What every binary shares: settings, secrets, logs and exit codes.
