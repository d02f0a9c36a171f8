//! What is launched now of each code location, and which locations are paused.

use std::collections::{BTreeMap, HashMap};

use super::snapshot::LocationPause;

/// What is known of the code locations.
#[derive(Debug, Default)]
pub(super) struct Locations {
    paused: BTreeMap<String, LocationPause>,
    in_flight: HashMap<String, usize>,
}

impl Locations {
    /// The pauses that are not over, those that are stored among them. Of two for one location, the longer one holds.
    pub(super) fn update(&mut self, stored: &BTreeMap<String, LocationPause>, now: f64) {
        for (location, pause) in stored {
            self.pause(location, pause.clone());
        }
        self.paused.retain(|_, pause| pause.until > now);
    }

    /// Pauses a location, unless it is paused for longer.
    pub(super) fn pause(&mut self, location: &str, pause: LocationPause) {
        let known = self.paused.get(location);
        if known.is_none_or(|known| known.until < pause.until) {
            self.paused.insert(location.to_owned(), pause);
        }
    }

    pub(super) const fn paused(&self) -> &BTreeMap<String, LocationPause> {
        &self.paused
    }

    /// A run without a location is never paused.
    pub(super) fn is_paused(&self, location: Option<&str>, now: f64) -> bool {
        let pause = location.and_then(|location| self.paused.get(location));
        pause.is_some_and(|pause| pause.until > now)
    }

    /// Whether one more launch of a location is less than its share. Runs without a location have no share.
    pub(super) fn has_room(&self, location: Option<&str>, share: usize) -> bool {
        let in_flight = location.and_then(|location| self.in_flight.get(location));
        in_flight.is_none_or(|in_flight| *in_flight < share)
    }

    pub(super) fn begin(&mut self, location: Option<&str>) {
        if let Some(location) = location {
            *self.in_flight.entry(location.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn end(&mut self, location: Option<&str>) {
        if let Some(location) = location
            && let Some(in_flight) = self.in_flight.get_mut(location)
        {
            *in_flight = in_flight.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Locations;
    use crate::queue::LocationPause;

    fn pause(until: f64) -> LocationPause {
        LocationPause { until, reason: "r".to_owned() }
    }

    #[test]
    fn the_longer_pause_holds_until_it_is_over() {
        let mut locations = Locations::default();
        locations.pause("a", pause(10.0));
        locations.pause("a", pause(5.0));
        let stored = [("a".to_owned(), pause(8.0)), ("b".to_owned(), pause(20.0))].into();
        locations.update(&stored, 1.0);
        assert!(locations.is_paused(Some("a"), 9.0) && !locations.is_paused(Some("a"), 10.0));
        assert!(locations.is_paused(Some("b"), 19.0) && !locations.is_paused(None, 0.0));
        locations.update(&BTreeMap::new(), 15.0);
        assert_eq!(locations.paused().keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_location_has_its_share() {
        let mut locations = Locations::default();
        for _ in 0..2 {
            assert!(locations.has_room(Some("a"), 2));
            locations.begin(Some("a"));
        }
        assert!(!locations.has_room(Some("a"), 2) && locations.has_room(Some("b"), 2));
        for _ in 0..5 {
            locations.begin(None);
        }
        assert!(locations.has_room(None, 2));
        locations.end(Some("a"));
        assert!(locations.has_room(Some("a"), 2));
    }
}
