//! What several features know, put together for people.
