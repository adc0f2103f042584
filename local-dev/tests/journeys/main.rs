//! The main jobs of the product in a real browser, from the first visit to an answered ticket: with
//! script and without, by mouse and by keyboard, looked at in two sizes and two themes.
//!
//! Needs Chromium and chromedriver; pictures of every page land in `target/screens`.

#[cfg(test)]
mod harness;
#[cfg(test)]
mod steps;

#[cfg(test)]
mod first_day;
#[cfg(test)]
mod keyboard;
#[cfg(test)]
mod live;
#[cfg(test)]
mod mishaps;
#[cfg(test)]
mod pages;
