//! The routes of the area, in process, each test with a portal of its own.
