//! Which versions of a file a policy removes.
//!
//! Three rules, each of which looks at all versions of the file:
//!
//! - count: those behind the newest `max_count`;
//! - age: those made `max_age_days` days ago or earlier;
//! - thinning: a version for which there is a newer one in the same span of time. Spans grow with the version's age: for a
//!   day every version stays, for a week the last of each hour, for 90 days the last of each day, then the last of each
//!   week. Spans begin at fixed times (UTC; weeks on Thursdays, as 1970 did), and an hour lies in one day, a day in one week.
//!
//! Invariants: the current version and those with a label stay. Applied again at once, it removes nothing. What is removed at
//! one time would be removed at any later time, and by any stricter policy.

use bitvault_platform::ids::VersionId;
use time::{Duration, OffsetDateTime};

/// One version, as far as the rules look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) id: VersionId,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) labelled: bool,
    pub(crate) current: bool,
}

/// What is kept. The default keeps everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// At least 1.
    pub(crate) max_count: Option<u32>,
    /// At least 1.
    pub(crate) max_age_days: Option<u32>,
    pub(crate) thin: bool,
}

/// Largest count and age that a policy may name.
pub(crate) const LIMIT_MAX: u32 = 1_000_000;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// How wide the spans are of which one version stays, in seconds, from which age on, in seconds.
const LADDER: [(i64, i64); 3] = [(90 * DAY, WEEK), (WEEK, DAY), (DAY, HOUR)];

impl Policy {
    /// The versions that go, of all versions of one file.
    pub(crate) fn removes(&self, versions: &[Kept], now: OffsetDateTime) -> Vec<VersionId> {
        let mut newest: Vec<&Kept> = versions.iter().collect();
        newest.sort_unstable_by_key(|version| std::cmp::Reverse((version.created_at, version.id)));
        let mut gone = Vec::new();
        for (newer, version) in newest.iter().enumerate() {
            let goes = self.beyond_count(newer)
                || self.too_old(version, now)
                || (self.thin && thinned(version, &newest[..newer], now));
            if goes && !version.labelled && !version.current {
                gone.push(version.id);
            }
        }
        gone
    }

    fn beyond_count(&self, newer: usize) -> bool {
        let most = self.max_count.and_then(|count| usize::try_from(count).ok());
        most.is_some_and(|most| newer >= most)
    }

    fn too_old(&self, version: &Kept, now: OffsetDateTime) -> bool {
        self.max_age_days
            .is_some_and(|days| now - version.created_at >= Duration::days(i64::from(days)))
    }
}

/// Whether one of the newer versions, the newest first, stands for this one.
fn thinned(version: &Kept, newer: &[&Kept], now: OffsetDateTime) -> bool {
    let age = (now - version.created_at).whole_seconds();
    let Some((_, span)) = LADDER.iter().find(|(from, _)| age >= *from) else {
        return false;
    };
    let index = |version: &Kept| version.created_at.unix_timestamp().div_euclid(*span);
    // The next newer one is in the same span if any is.
    newer.last().is_some_and(|next| index(next) == index(version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const NOW: i64 = 1_800_000_000;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    /// Versions of these ages in seconds and labels; the newest is the current one.
    fn versions(ages: &[(i64, bool)]) -> Vec<Kept> {
        let mut versions: Vec<Kept> = ages
            .iter()
            .map(|(age, labelled)| Kept {
                id: VersionId::new(),
                created_at: at(NOW - age),
                labelled: *labelled,
                current: false,
            })
            .collect();
        if let Some(newest) = versions.iter_mut().max_by_key(|one| (one.created_at, one.id)) {
            newest.current = true;
        }
        versions
    }

    fn ages_left(policy: Policy, ages: &[i64]) -> Vec<i64> {
        let all = versions(&ages.iter().map(|age| (*age, false)).collect::<Vec<_>>());
        let gone: HashSet<_> = policy.removes(&all, at(NOW)).into_iter().collect();
        let left = all.iter().filter(|one| !gone.contains(&one.id));
        left.map(|one| NOW - one.created_at.unix_timestamp()).collect()
    }

    #[test]
    fn the_default_keeps_everything() {
        assert_eq!(
            ages_left(Policy::default(), &[0, 1, 10 * WEEK, 100 * WEEK]).len(),
            4
        );
    }

    #[test]
    fn a_count_keeps_the_newest_and_an_age_the_young() {
        let count = Policy {
            max_count: Some(2),
            ..Policy::default()
        };
        assert_eq!(ages_left(count, &[3, 1, 2, 4]), [1, 2]);
        let age = Policy {
            max_age_days: Some(1),
            ..Policy::default()
        };
        assert_eq!(ages_left(age, &[2 * DAY, DAY, DAY - 1]), [DAY - 1]);
        assert_eq!(ages_left(age, &[3 * DAY]), [3 * DAY], "it is the current one");
    }

    #[test]
    fn thinning_keeps_all_of_a_day_then_the_last_of_each_hour_day_and_week() {
        let thin = Policy {
            thin: true,
            ..Policy::default()
        };
        // NOW is at a full hour (08:00 UTC), so ages say where spans begin.
        assert_eq!(NOW % HOUR, 0);
        assert_eq!(ages_left(thin, &[0, 60, 61, DAY - 1]), [0, 60, 61, DAY - 1]);
        let hours = [0, 26 * HOUR - 5, 26 * HOUR - 4, 25 * HOUR - 9];
        assert_eq!(ages_left(thin, &hours), [0, 26 * HOUR - 5, 25 * HOUR - 9]);
        let days = [0, 9 * DAY, 9 * DAY - HOUR, 9 * DAY - 16 * HOUR];
        assert_eq!(ages_left(thin, &days), [0, 9 * DAY - HOUR, 9 * DAY - 16 * HOUR]);
        let weeks = [0, 100 * DAY, 100 * DAY + HOUR, 108 * DAY];
        assert_eq!(ages_left(thin, &weeks), [0, 100 * DAY, 108 * DAY]);
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        (
            proptest::option::of(1_u32..20),
            proptest::option::of(1_u32..200),
            any::<bool>(),
        )
            .prop_map(|(max_count, max_age_days, thin)| Policy {
                max_count,
                max_age_days,
                thin,
            })
    }

    fn any_versions() -> impl Strategy<Value = Vec<Kept>> {
        // Close together and far apart, so that spans hold none, one and many.
        let age = prop_oneof![0..2 * DAY, 0..10 * DAY, 0..400 * DAY];
        proptest::collection::vec((age, proptest::bool::weighted(0.1)), 1..60)
            .prop_map(|ages| versions(&ages))
    }

    fn without(all: &[Kept], gone: &[VersionId]) -> Vec<Kept> {
        let gone: HashSet<_> = gone.iter().collect();
        all.iter()
            .filter(|one| !gone.contains(&one.id))
            .cloned()
            .collect()
    }

    proptest! {
        #[test]
        fn the_current_version_and_labelled_ones_stay(all in any_versions(), policy in any_policy()) {
            let left = without(&all, &policy.removes(&all, at(NOW)));
            for one in all.iter().filter(|one| one.current || one.labelled) {
                prop_assert!(left.contains(one));
            }
        }

        #[test]
        fn a_second_time_removes_nothing(all in any_versions(), policy in any_policy()) {
            let left = without(&all, &policy.removes(&all, at(NOW)));
            prop_assert_eq!(policy.removes(&left, at(NOW)), Vec::new());
        }

        #[test]
        fn what_goes_now_goes_later_too(all in any_versions(), policy in any_policy(), later in 0..500 * DAY) {
            let gone = policy.removes(&all, at(NOW));
            let gone_later: HashSet<_> = policy.removes(&all, at(NOW + later)).into_iter().collect();
            prop_assert!(gone.iter().all(|id| gone_later.contains(id)));
        }

        #[test]
        fn a_stricter_policy_removes_at_least_as_much(all in any_versions(), policy in any_policy()) {
            let stricter = Policy {
                max_count: policy.max_count.map(|count| count.div_ceil(2)).or(Some(30)),
                max_age_days: policy.max_age_days.map(|days| days.div_ceil(2)).or(Some(300)),
                thin: true,
            };
            let gone: HashSet<_> = stricter.removes(&all, at(NOW)).into_iter().collect();
            prop_assert!(policy.removes(&all, at(NOW)).iter().all(|id| gone.contains(id)));
        }

        /// Whether the job comes often or seldom makes no difference to what thinning leaves in the end.
        #[test]
        fn thinning_often_leaves_what_thinning_once_does(all in any_versions(), later in 0..200 * DAY) {
            let thin = Policy { thin: true, ..Policy::default() };
            let early = without(&all, &thin.removes(&all, at(NOW)));
            let both = without(&early, &thin.removes(&early, at(NOW + later)));
            prop_assert_eq!(both, without(&all, &thin.removes(&all, at(NOW + later))));
        }
    }
}
