"""The command `headway`. Needs the extra `headway[cli]`; `dev` and `demo` need `headway[demo]`."""
