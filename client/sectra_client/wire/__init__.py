"""The API as pure functions: an operation's arguments to a request; an answer to a model or an error. No I/O."""
