//! Decisions of the record with several processes, on a simulated clock.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const DAY: Date = date(2026, 11, 26);
const CLOSED_FOR: u64 = 1_035_000;

fn claim(interactive: usize, background: usize) -> Claim {
    Claim {
        rate_per_second: 4,
        closed_for: Duration::from_micros(CLOSED_FOR),
        day: DAY,
        rate_per_day: 0,
        reserve: 0,
        used: 0,
        interactive,
        background,
    }
}

/// Simulated process, which claims with a delay when its wait is over and may be killed.
#[derive(Clone, Copy, Debug)]
struct Process {
    interactive: usize,
    background: usize,
    /// Delay of each claim, in microseconds.
    late: u64,
    begins: u64,
    /// Time at which the process is killed; 0 for never.
    killed: u64,
}

fn process() -> impl Strategy<Value = Process> {
    let killed = prop_oneof![Just(0), 1..4_000_000_u64];
    (0..40_usize, 0..40_usize, 0..3_000_u64, 0..2_000_000_u64, killed).prop_map(
        |(interactive, background, late, begins, killed)| Process {
            interactive,
            background,
            late,
            begins,
            killed,
        },
    )
}

/// Runs processes until all calls are sent. Returns the process and the time of each departure.
fn run(mut processes: Vec<Process>) -> Vec<(usize, u64)> {
    let mut text = Vec::new();
    let mut wakes: Vec<u64> = processes.iter().map(|process| process.begins).collect();
    let mut left = Vec::new();
    loop {
        let awake = (0..processes.len()).filter(|one| processes[*one].waits(wakes[*one]));
        let Some(one) = awake.min_by_key(|one| wakes[*one]) else {
            return left;
        };
        let (process, now) = (&mut processes[one], wakes[one]);
        assert!(now < 600_000_000, "some calls are never sent");
        let claim = claim(process.interactive, process.background);
        let mut record = Record::read(&text, now);
        match record.claim((one as u64 + 1, left.len() as u64), &claim, now) {
            Claimed::Granted(..) => {
                left.push((one, now));
                let waiting = if process.interactive > 0 {
                    &mut process.interactive
                } else {
                    &mut process.background
                };
                *waiting -= 1;
                wakes[one] += 50;
            }
            Claimed::Later(wait, _) => wakes[one] += micros(wait) + process.late,
            Claimed::DayUsedUp(_) => unreachable!("no daily limit is set"),
        }
        text = record.text().unwrap();
    }
}

impl Process {
    fn waits(&self, now: u64) -> bool {
        self.interactive + self.background > 0 && (self.killed == 0 || now < self.killed)
    }

    fn with(interactive: usize, background: usize) -> Self {
        Self {
            interactive,
            background,
            late: 1_000,
            begins: 0,
            killed: 0,
        }
    }
}

fn assert_exact(left: &[(usize, u64)]) {
    for five in left.windows(5) {
        assert!(five[4].1 - five[0].1 >= CLOSED_FOR, "{five:?}");
    }
}

proptest! {
    #[test]
    fn no_second_exceeds_the_limit_and_every_call_departs(
        processes in prop::collection::vec(process(), 1..6),
    ) {
        assert_exact(&run(processes));
    }
}

#[test]
fn waiting_processes_share_the_full_rate_equally() {
    let left = run(vec![Process::with(40, 0), Process::with(40, 0)]);
    assert_exact(&left);
    let firsts = left[..40].iter().filter(|(one, _)| *one == 0).count();
    assert!((16..=24).contains(&firsts), "{firsts} of 40");
    let rounds = (left[76].1 - left[0].1) / 19;
    assert!(rounds <= CLOSED_FOR + 5_000, "{rounds}");
}

#[test]
fn interactive_calls_precede_background_calls_of_another_process() {
    let interactive = Process {
        begins: 2_500_000,
        ..Process::with(4, 0)
    };
    let left = run(vec![Process::with(0, 1_000), interactive]);
    let since_begin: Vec<usize> = left
        .iter()
        .filter(|(_, at)| *at >= 2_500_000)
        .map(|(one, _)| *one)
        .collect();
    assert_eq!(since_begin[..4], [1; 4]);
}

#[test]
fn single_call_waits_at_most_one_round() {
    let other = Process {
        begins: 2_500_000,
        ..Process::with(1, 0)
    };
    let left = run(vec![Process::with(1_000, 0), other]);
    let since_begin = left.iter().filter(|(_, at)| *at >= 2_500_000);
    let before = since_begin.take_while(|(one, _)| *one == 0).count();
    assert!(before < 4, "{before}");
}

/// Process whose callers make their next call shortly after the departure of the previous call.
struct Callers {
    priority: Priority,
    /// Time of the next call of each caller.
    next_calls: Vec<u64>,
    wakes: u64,
    left: Vec<u64>,
}

impl Callers {
    const CALL_INTERVAL: u64 = 20_000;

    fn of(priority: Priority, callers: u64) -> Self {
        Self {
            priority,
            next_calls: (0..callers).map(|caller| 7_000 * caller).collect(),
            wakes: 0,
            left: Vec::new(),
        }
    }

    /// Returns the maximum time between two departures.
    fn max_wait(&self) -> u64 {
        let waits = self.left.windows(2).map(|two| two[1] - two[0]);
        waits.max().unwrap_or(u64::MAX)
    }
}

/// Runs the processes for a minute.
fn run_callers(mut processes: Vec<Callers>) -> Vec<Callers> {
    let (mut record, mut number) = (Record::default(), 0);
    loop {
        let next = processes
            .iter_mut()
            .enumerate()
            .min_by_key(|(_, one)| one.wakes)
            .unwrap();
        let (process, one) = (next.0 as u64 + 1, next.1);
        let now = one.wakes;
        if now > 60_000_000 {
            return processes;
        }
        let waiting = one
            .next_calls
            .iter()
            .filter(|next_calls| **next_calls <= now)
            .count();
        if waiting == 0 {
            one.wakes = *one.next_calls.iter().min().unwrap();
            continue;
        }
        let claim = match one.priority {
            Priority::Interactive => claim(waiting, 0),
            Priority::Background => claim(0, waiting),
        };
        number += 1;
        match record.claim((process, number), &claim, now) {
            Claimed::Granted(departure, _) => {
                assert_eq!(departure.priority, one.priority);
                one.left.push(now);
                let first = one.next_calls.iter_mut().min().unwrap();
                *first = now + Callers::CALL_INTERVAL;
                one.wakes += 50;
            }
            Claimed::Later(wait, _) => one.wakes += micros(wait) + 100 * process,
            Claimed::DayUsedUp(_) => unreachable!("no daily limit is set"),
        }
    }
}

#[test]
fn short_lived_processes_do_not_overtake_a_long_lived_process() {
    // The first process always has a call waiting; the others have one call per caller.
    let callers = [8, 1, 1, 2].map(|callers| Callers::of(Priority::Interactive, callers));
    let processes = run_callers(callers.into());
    let calls: Vec<usize> = processes.iter().map(|one| one.left.len()).collect();
    let waits: Vec<u64> = processes.iter().map(Callers::max_wait).collect();
    assert!(calls.iter().all(|calls| *calls >= 45), "{calls:?}");
    assert!(waits.iter().all(|wait| *wait <= 3 * CLOSED_FOR), "{waits:?}");
    assert!(calls.iter().sum::<usize>() >= 225, "{calls:?}");
}

#[test]
fn background_calls_get_their_share_despite_interactive_processes() {
    let mut callers = vec![Callers::of(Priority::Background, 1)];
    callers.extend([2, 2, 3].map(|callers| Callers::of(Priority::Interactive, callers)));
    let processes = run_callers(callers);
    let calls: Vec<usize> = processes.iter().map(|one| one.left.len()).collect();
    let all: usize = calls.iter().sum();
    assert!(calls[0] * 10 >= all && calls[0] * 7 <= all, "{calls:?}");
    let waits: Vec<u64> = processes.iter().map(Callers::max_wait).collect();
    assert!(waits.iter().all(|wait| *wait <= 3 * CLOSED_FOR), "{waits:?}");
    assert!(all >= 225, "{calls:?}");
}

#[test]
fn background_calls_of_two_processes_share_one_eighth() {
    let callers = vec![
        Callers::of(Priority::Background, 1),
        Callers::of(Priority::Background, 1),
        Callers::of(Priority::Interactive, 8),
    ];
    let processes = run_callers(callers);
    let calls: Vec<usize> = processes.iter().map(|one| one.left.len()).collect();
    assert!(calls[0].abs_diff(calls[1]) <= 2, "{calls:?}");
    assert!((calls[0] + calls[1]) * 7 <= calls.iter().sum(), "{calls:?}");
}

#[test]
fn record_selects_the_priority_for_a_process_with_both() {
    let mut record = Record::default();
    let mut departures = Vec::new();
    for number in 0..16 {
        let Claimed::Granted(departure, _) = record.claim((1, number), &claim(9, 9), number * CLOSED_FOR)
        else {
            panic!("no slot is open");
        };
        departures.push(departure.priority);
    }
    let places = departures.iter().enumerate();
    let background = places.filter(|(_, priority)| **priority == Priority::Background);
    let background: Vec<_> = background.map(|(place, _)| place).collect();
    assert_eq!(background, [7, 15]);
}

#[test]
fn killed_process_keeps_slots_closed_only_for_the_grace_period() {
    let killed = Process {
        killed: 1_000_000,
        ..Process::with(40, 0)
    };
    let left = run(vec![killed, Process::with(8, 0)]);
    let last = left.last().unwrap().1;
    // Eight calls of one process and at most four of the killed process: three rounds and the grace period.
    assert!(last <= 3 * CLOSED_FOR + GRACE + 10_000, "{last}");
}

#[test]
fn late_departure_closes_its_slot_from_its_actual_time() {
    let mut record = Record::default();
    let Claimed::Granted(first, _) = record.claim((1, 1), &claim(1, 0), 0) else {
        panic!("no slot is open");
    };
    for number in 2..=4 {
        record.claim((1, number), &claim(1, 0), 0);
    }
    record.departed(1, &[first], 400_000);
    assert!(matches!(
        record.claim((2, 1), &claim(4, 0), CLOSED_FOR),
        Claimed::Granted(..)
    ));
    record.claim((2, 2), &claim(3, 0), CLOSED_FOR);
    record.claim((2, 3), &claim(2, 0), CLOSED_FOR);
    let later = record.claim((2, 4), &claim(1, 0), CLOSED_FOR);
    assert_eq!(later, Claimed::Later(Duration::from_millis(400), 7));
}

#[test]
fn departure_later_than_its_expiry_is_recorded_again() {
    let mut record = Record::default();
    let Claimed::Granted(first, _) = record.claim((1, 1), &claim(1, 0), 0) else {
        panic!("no slot is open");
    };
    let late = EXPIRY_AGE + 1;
    record.claim((2, 1), &claim(1, 0), late);
    record.departed(1, &[first], late);
    record.claim((2, 2), &claim(1, 0), late);
    record.claim((2, 3), &claim(1, 0), late);
    let fourth = record.claim((2, 4), &claim(1, 0), late);
    assert_eq!(fourth, Claimed::Later(Duration::from_micros(CLOSED_FOR), 4));
}

#[test]
fn returned_departure_opens_its_slot_and_is_not_counted() {
    let mut record = Record::default();
    for number in 1..=4 {
        record.claim((1, number), &claim(1, 0), 0);
    }
    let second = Departure {
        number: 2,
        day: DAY,
        priority: Priority::Interactive,
    };
    record.give_back(1, second);
    assert_eq!(record.raise(DAY, 0), 3);
    assert!(matches!(
        record.claim((2, 1), &claim(1, 0), 1),
        Claimed::Granted(_, 4)
    ));
}

#[test]
fn daily_limit_and_reserve_are_enforced() {
    let mut record = Record::default();
    let limited = |interactive, background| Claim {
        rate_per_second: 0,
        rate_per_day: 5,
        reserve: 2,
        ..claim(interactive, background)
    };
    for used in 1..=3 {
        let claimed = record.claim((1, used), &limited(0, 9), 0);
        assert!(matches!(claimed, Claimed::Granted(_, total) if total == used));
    }
    assert_eq!(record.claim((1, 4), &limited(0, 9), 0), Claimed::DayUsedUp(3));
    for used in 4..=5 {
        assert!(matches!(
            record.claim((2, used), &limited(1, 0), 0),
            Claimed::Granted(..)
        ));
    }
    assert_eq!(record.claim((2, 6), &limited(1, 0), 0), Claimed::DayUsedUp(5));
    let tomorrow = Claim {
        day: DAY.tomorrow().unwrap(),
        ..limited(1, 0)
    };
    assert!(matches!(
        record.claim((2, 7), &tomorrow, 0),
        Claimed::Granted(_, 1)
    ));
    assert_eq!(record.raise(DAY, 0), 5, "the day before, for a clock that lags");
}

#[test]
fn lost_daily_count_is_restored_from_a_claim() {
    let mut record = Record::default();
    let with_count = Claim {
        used: 70,
        ..claim(1, 0)
    };
    assert!(matches!(
        record.claim((1, 1), &with_count, 0),
        Claimed::Granted(_, 71)
    ));
}

#[test]
fn unreadable_record_closes_all_slots_for_a_second() {
    for text in [
        &b"{\"days\":{},\"departures\":[{"[..],
        b"\0\0\0\0",
        b"null",
        b"[]",
    ] {
        let mut record = Record::read(text, 5_000_000);
        let claimed = record.claim((1, 1), &claim(1, 0), 5_000_000);
        assert!(matches!(claimed, Claimed::Later(..)), "{claimed:?}");
        let claimed = record.claim((1, 2), &claim(1, 0), 5_000_000 + CLOSED_FOR);
        assert!(matches!(claimed, Claimed::Granted(..)), "{claimed:?}");
    }
}

#[test]
fn remainder_of_a_longer_record_is_ignored() {
    let mut record = Record::default();
    record.claim((1, 1), &claim(1, 0), 0);
    let mut text = record.text().unwrap();
    text.extend_from_slice(b",\"at\":9}]}");
    assert_eq!(Record::read(&text, 0).departures.len(), 1);
}

#[test]
fn clock_reset_delays_calls_by_at_most_a_second() {
    let mut record = Record::default();
    for number in 1..=4 {
        record.claim((1, number), &claim(9, 0), 9_000_000_000);
    }
    assert!(matches!(
        record.claim((2, 1), &claim(1, 0), 1_000),
        Claimed::Later(..)
    ));
    let claimed = record.claim((2, 2), &claim(1, 0), 1_000 + CLOSED_FOR);
    assert!(matches!(claimed, Claimed::Granted(..)), "{claimed:?}");
}
