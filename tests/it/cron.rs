//! When schedules tick: the same as Dagster's iterators of execution times say, in both directions.
//!
//! The gate compares each schedule in one time zone, and fewer of its ticks. `cargo xtask cron` compares each in all of
//! them, by the variable `DAGSTER_INSTANCE_CRON_ZONES`, which says in how many.

use chrono::{DateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use dagster_instance_tests::dagster_with_input;
use instance_core::partitions::ExecutionTimes;
use serde_json::{Value, json};

/// Schedules that are read; cron schedules of one schedule are parted by semicolons.
const SCHEDULES: &str = include_str!("../kept/cron_expressions.txt");

/// Schedules that are not.
const REFUSED: &str = include_str!("../kept/cron_refused.txt");

/// Schedules that a file of lines would not keep as they are.
const SPACED: [&str; 5] = [" 0 0 * * *", "0 0 * * * ", "0\t0\t* * *", "0 0 29 2 * ", "\n0 0 * * *"];

/// Zones whose clocks are set in different ways: at midnight, by half an hour, by two hours, backwards in summer, at a
/// quarter to three; and some whose clocks are off by part of an hour or are never set.
const ZONES: [&str; 12] = [
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kathmandu",
    "Europe/Dublin",
    "America/Havana",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "Africa/Cairo",
    "America/St_Johns",
    "Africa/Casablanca",
    "UTC",
];

/// Three years, one of them a leap year.
const START: i64 = 1_672_531_200;
const END: i64 = 1_767_225_600;

/// How many minutes before or after a setting of clocks somebody asks for the next ticks.
const AROUND: [i64; 15] = [-1500, -121, -95, -61, -60, -31, -15, 0, 1, 29, 30, 59, 60, 75, 121];

/// Beyond every tick.
const NEVER: i64 = 4_000_000_000;

const DAY: i64 = 86_400;

/// How much is compared.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// In how many zones each schedule is compared.
    zones: usize,
    /// So many ticks are compared in a row. Schedules with more are compared around each setting of clocks, too.
    limit: usize,
    /// Of so many times around a setting of clocks, one is asked for.
    one_of: usize,
}

impl Effort {
    #[expect(clippy::disallowed_methods, reason = "`cargo xtask cron` asks for more than the gate")]
    fn asked_for() -> Self {
        match std::env::var("DAGSTER_INSTANCE_CRON_ZONES") {
            Ok(zones) => {
                let zones = zones.parse().expect("DAGSTER_INSTANCE_CRON_ZONES is no number");
                Self { zones, limit: 30_000, one_of: 1 }
            }
            Err(_) => Self { zones: 1, limit: 1_500, one_of: 5 },
        }
    }
}

/// A part of a schedule's ticks: from the start on, and before the end. It descends if the end is earlier.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: i64,
    end: i64,
    limit: usize,
}

/// A schedule in a zone, at a present time.
#[derive(Debug)]
struct Case {
    schedule: Vec<String>,
    zone: &'static str,
    now: i64,
    times: ExecutionTimes,
    stretches: Vec<Stretch>,
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

fn lines(text: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    let is_schedule = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().filter(is_schedule).map(|line| line.split(';').map(str::to_owned).collect())
}

fn schedules() -> Vec<Vec<String>> {
    lines(SCHEDULES).chain(SPACED.map(|schedule| vec![schedule.to_owned()])).collect()
}

fn read(schedule: &[String], zone: &str) -> ExecutionTimes {
    let texts = schedule.iter().map(String::as_str);
    ExecutionTimes::new(texts, Some(zone)).unwrap_or_else(|error| panic!("{schedule:?}: {error}"))
}

/// When the clocks of a zone are set, and by how many seconds.
fn settings_of_clocks(zone: &str) -> Vec<(i64, i32)> {
    let zone: Tz = zone.parse().expect("a zone");
    let offset = |seconds: i64| {
        zone.offset_from_utc_datetime(&time(seconds).naive_utc()).fix().local_minus_utc()
    };
    // Clocks are set at a quarter of an hour.
    let quarters = (START..END).step_by(900);
    let set = quarters.map(|quarter| (quarter, offset(quarter) - offset(quarter - 1)));
    set.filter(|(_, by)| *by != 0).collect()
}

/// Whether Dagster misses ticks if it is asked so many minutes after clocks are set by so many seconds. It looks back
/// and forth by an hour, which is too little where clocks are set by two.
fn misses_ticks(by: i32, minutes: i64) -> bool {
    by.abs() > 3600 && minutes.abs() <= 120
}

/// Whether it misses the tick before. In an hour that clocks show for the second time, it takes the tick of the
/// schedule for a second one, which is still to come; only in the hours from one to three there is such a tick.
fn misses_ticks_backwards(zone: &str, by: i32, minutes: i64, start: i64) -> bool {
    let zone: Tz = zone.parse().expect("a zone");
    let is_second = minutes >= 0 && minutes * 60 < -i64::from(by);
    is_second && !(1..=3).contains(&time(start).with_timezone(&zone).hour())
}

impl Case {
    fn new(number: usize, schedule: &[String], zone: &'static str, effort: Effort) -> Self {
        let mut case = Self {
            schedule: schedule.to_vec(),
            zone,
            // In summer and in winter, as it depends on the present whose minutes count.
            now: if number.is_multiple_of(2) { START } else { START + 182 * DAY },
            times: read(schedule, zone),
            stretches: Vec::new(),
        };
        let limit = effort.limit;
        let all = Stretch { start: START, end: END, limit };
        let is_dense = case.ticks(all).len() == limit;
        case.stretches = vec![all, Stretch { start: END, end: START, limit }];
        for (setting, by) in settings_of_clocks(zone) {
            if is_dense {
                let (start, end) = (setting - DAY, setting + DAY);
                case.stretches.push(Stretch { start, end, limit });
                case.stretches.push(Stretch { start: end, end: start, limit });
            }
            let some = AROUND.into_iter().skip(number % effort.one_of).step_by(effort.one_of);
            for minutes in some {
                let start = setting + minutes * 60;
                if misses_ticks(by, minutes) {
                    continue;
                }
                case.stretches.push(Stretch { start, end: NEVER, limit: 3 });
                if !misses_ticks_backwards(zone, by, minutes, start) {
                    case.stretches.push(Stretch { start, end: -NEVER, limit: 3 });
                }
            }
        }
        case
    }

    fn ticks(&self, stretch: Stretch) -> Vec<i64> {
        let Stretch { start, end, limit } = stretch;
        let (from, now) = (time(start), time(self.now));
        let seconds = |tick: DateTime<Utc>| tick.timestamp();
        if start <= end {
            let ticks = self.times.ascending(from, now).map(seconds);
            ticks.take(limit).take_while(|tick| *tick < end).collect()
        } else {
            let ticks = self.times.descending(from, now).map(seconds);
            ticks.take(limit).take_while(|tick| *tick > end).collect()
        }
    }

    fn document(&self, stretches: &[Stretch]) -> Value {
        let stretches: Vec<Value> = stretches
            .iter()
            .map(
                |Stretch { start, end, limit }| json!({"start": start, "end": end, "limit": limit}),
            )
            .collect();
        json!({"schedule": self.schedule, "zone": self.zone, "now": self.now, "stretches": stretches})
    }
}

/// The count and the hash that the script makes of ticks.
fn hashed(ticks: &[i64]) -> Value {
    const MODULUS: i128 = (1 << 61) - 1;
    let value = ticks
        .iter()
        .fold(0_i128, |value, tick| (value * 1_000_003 + i128::from(*tick)).rem_euclid(MODULUS));
    json!([ticks.len(), i64::try_from(value).expect("it is below the modulus")])
}

fn answers(cases: &Value, is_full: bool) -> Vec<Value> {
    let input = json!({"full": is_full, "cases": cases, "is_valid": []});
    let found = dagster_with_input("cron_ticks.py", &[], &input);
    found["cases"].as_array().expect("a list of cases").clone()
}

/// Where ticks differ, in words.
fn difference(case: &Case, stretch: Stretch) -> String {
    let ours = case.ticks(stretch);
    let document = json!([case.document(&[stretch])]);
    let theirs = answers(&document, true).remove(0)[0].clone();
    let theirs: Vec<i64> = serde_json::from_value(theirs).expect("a list of ticks");
    let at = ours.iter().zip(&theirs).take_while(|(one, other)| one == other).count();
    let near = |ticks: &[i64]| -> Vec<String> {
        let some = ticks.iter().skip(at.saturating_sub(1)).take(4);
        some.map(|tick| time(*tick).format("%F %T").to_string()).collect()
    };
    format!(
        "{:?} in {} from {} to {} (now {}): Dagster has {} ticks, we {}; after {at} equal ones Dagster {:?}, we {:?}",
        case.schedule,
        case.zone,
        time(stretch.start),
        time(stretch.end),
        time(case.now),
        theirs.len(),
        ours.len(),
        near(&theirs),
        near(&ours),
    )
}

/// What comparing cases has found.
#[derive(Debug, Default)]
struct Found {
    stretches: usize,
    ticks: usize,
    differences: Vec<String>,
    /// What Dagster fails at.
    failures: Vec<String>,
}

fn compare(cases: &[Case]) -> Found {
    let documents: Vec<Value> = cases.iter().map(|case| case.document(&case.stretches)).collect();
    let mut found = Found::default();
    let mut different = Vec::new();
    for (case, answers) in cases.iter().zip(answers(&Value::from(documents), false)) {
        let answers = answers.as_array().expect("an answer for each stretch").clone();
        assert_eq!(answers.len(), case.stretches.len());
        found.stretches += answers.len();
        for (stretch, answer) in case.stretches.iter().zip(answers) {
            let ours = case.ticks(*stretch);
            found.ticks += ours.len();
            if answer.is_string() {
                let place = (&case.schedule, case.zone, time(stretch.start));
                found.failures.push(format!("{answer} {place:?}"));
            } else if hashed(&ours) != answer {
                different.push((case, *stretch));
            }
        }
    }
    let first = different.iter().take(40).map(|(case, stretch)| difference(case, *stretch));
    found.differences = first.collect();
    if different.len() > found.differences.len() {
        found.differences.push(format!("and {} others", different.len() - found.differences.len()));
    }
    found
}

#[test]
fn schedules_tick_when_dagster_has_them_tick() {
    let schedules = schedules();
    assert!(schedules.len() >= 200, "only {} schedules", schedules.len());
    let effort = Effort::asked_for();
    let zones: Vec<usize> = (0..effort.zones.min(ZONES.len())).collect();
    let of_zone = |zone: &usize| {
        let case = |(number, schedule): (usize, &Vec<String>)| {
            Case::new(number, schedule, ZONES[(number + zone) % ZONES.len()], effort)
        };
        compare(&schedules.iter().enumerate().map(case).collect::<Vec<Case>>())
    };
    // Two processes of Dagster's at once.
    let halves = zones.chunks(zones.len().div_ceil(2));
    let found: Vec<Found> = std::thread::scope(|scope| {
        let halves: Vec<_> = halves
            .map(|half| scope.spawn(|| half.iter().map(of_zone).collect::<Vec<Found>>()))
            .collect();
        halves.into_iter().flat_map(|half| half.join().expect("no panic")).collect()
    });
    let (mut stretches, mut ticks) = (0, 0);
    let (mut differences, mut failures) = (Vec::new(), Vec::new());
    for found in found {
        stretches += found.stretches;
        ticks += found.ticks;
        differences.extend(found.differences);
        failures.extend(found.failures);
    }
    println!("{ticks} ticks in {stretches} stretches; Dagster fails at {}", failures.len());
    println!("{}", failures.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n"));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(failures.len() * 100 < stretches, "Dagster fails at {} of them", failures.len());
}

#[test]
fn what_dagster_does_not_take_for_a_schedule_is_refused() {
    let refused: Vec<Vec<String>> =
        lines(REFUSED).chain([vec![String::new()], vec![" ".to_owned()], Vec::new()]).collect();
    let taken = schedules();
    let asked: Vec<&Vec<String>> = refused.iter().chain(&taken).collect();
    let input = json!({"full": false, "cases": [], "is_valid": asked});
    let found = dagster_with_input("cron_ticks.py", &[], &input);
    let found = found["is_valid"].as_array().expect("an answer for each");
    assert_eq!(found.len(), asked.len());
    for (schedule, theirs) in asked.iter().zip(found) {
        let ours = ExecutionTimes::new(schedule.iter().map(String::as_str), None);
        assert_eq!(json!(ours.is_ok()), *theirs, "{schedule:?}: {ours:?}");
    }
    // Dagster draws lots for these, and finds other ticks in each process.
    ExecutionTimes::new(["R * * * *"], None).expect_err("it has no fixed meaning");
}

#[test]
fn clocks_of_the_zones_are_set_within_the_years() {
    let set = ZONES.map(|zone| settings_of_clocks(zone).len());
    assert_eq!(set, [6, 6, 6, 0, 6, 6, 6, 6, 6, 6, 6, 0]);
    assert_eq!(time(END) - time(START), TimeDelta::days(3 * 365 + 1));
}
