//! What it takes to check a file, and to run it, grows with the file and not with its square.
//!
//! Each kind of file is made in two sizes, one eight times the other, and the processor's time for both is compared in
//! one run. Eight times the work is eight times the time; the square would be 64 times. What counts is this thread's
//! time on a processor, so that a busy machine does not matter.
#![cfg(unix)]

use nix::time::{ClockId, clock_gettime};
use simulator::run;
use simulator_record::random::Seed;
use simulator_scenario::Scenario;

/// How much larger the second file is.
const TIMES: usize = 8;
/// How much longer it may take: half of the square, which leaves room for caches that no longer hold all of it.
const MOST: f64 = 32.0;
/// How often each is tried; the best counts.
const TRIES: usize = 3;

/// Nanoseconds that this thread has had a processor for.
fn spent() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the kernel accounts for threads");
    time.tv_sec() as f64 * 1e9 + time.tv_nsec() as f64
}

/// What `work` takes, without what the first time has to load.
fn cost<T>(work: impl Fn() -> T) -> f64 {
    let tries = (0..TRIES).map(|_| {
        let before = spent();
        let result = work();
        let took = spent() - before;
        drop(result);
        took
    });
    tries.fold(f64::INFINITY, f64::min)
}

/// Judges the work on two sizes of a file.
fn judge<T>(name: &str, work: impl Fn(&str) -> T, file: impl Fn(usize) -> String, size: usize) -> Option<String> {
    let [small, large] = [size, size * TIMES].map(|size| {
        let text = file(size);
        cost(|| work(&text))
    });
    let ratio = large / small;
    println!("{name}: {:.2} ms, {:.2} ms, {ratio:.1} times", small / 1e6, large / 1e6);
    (ratio > MOST).then(|| format!("{name}: {TIMES} times the file takes {ratio:.1} times as long"))
}

const HEAD: &str = "title = 't'\nduration = '5m'\n";
const TAIL: &str = "[settings]\nnetwork = 'home'\n[[expect]]\nevent.boot = {}\n";

/// A file with so many of something in it.
fn many(count: usize, part: impl Fn(usize) -> String) -> String {
    let mut text = HEAD.to_owned();
    (0..count).for_each(|index| text.push_str(&part(index)));
    text + TAIL
}

/// A kind of file: its name, how it is made with so many parts, and how many parts the small one has.
type Kind = (&'static str, fn(usize) -> String, usize);

/// Kinds of files that `check` has work with, good ones and mistaken ones.
const CHECKED: [Kind; 20] = [
    ("unknown keys", |n| many(n, |i| format!("key{i} = 1\n")), 500),
    ("keys that are meant twice", |n| many(n, |_| "seed = 1\n".to_owned()), 1_000),
    ("lines that are not TOML", |n| many(n, |i| format!("= {i}\n")), 1_000),
    ("strings that never end", |n| many(n, |i| format!("a{i} = 'x\n")), 1_000),
    ("steps", |n| many(n, |i| format!("[[steps]]\nat = '{}s'\ndo.spare-switch = 'on'\n", i % 290 + 1)), 2_000),
    (
        "steps on one line",
        |n| {
            let steps = (0..n).map(|i| format!("{{ at = '{}s', do.spare-switch = 'on' }}", i % 290 + 1));
            format!("{HEAD}steps = [{}]\n{TAIL}", steps.collect::<Vec<_>>().join(", "))
        },
        1_000,
    ),
    (
        "mistaken steps on one line",
        |n| {
            let steps = (0..n).map(|i| format!("{{ at = '{i}h', do.spare-switch = 'ö' }}"));
            format!("{HEAD}steps = [{}]\n{TAIL}", steps.collect::<Vec<_>>().join(", "))
        },
        500,
    ),
    ("steps after the end", |n| many(n, |_| "[[steps]]\nat = '1h'\ndo.power = 'off'\n".to_owned()), 500),
    ("steps without anything", |n| many(n, |_| "[[steps]]\n".to_owned()), 500),
    ("wrong words", |n| many(n, |i| format!("[[steps]]\nat = '1s'\ndo.power = 'o{i}'\n")), 500),
    ("links to nowhere", |n| format!("links = [{}]\n{}", "'nowhere', ".repeat(n), many(0, |_| String::new())), 1_000),
    ("faults", |n| many(n, |i| format!("[[faults]]\nname = 'f{i}'\ninject.dns = 'silent'\n")), 1_000),
    ("faults of one name", |n| many(n, |_| "[[faults]]\nname = 'f'\ninject.dns = 'silent'\n".to_owned()), 500),
    (
        "faults and what they bring about",
        |n| {
            let fault = |i| format!("[[faults]]\nname = 'f{i}'\ninject.dns = 'silent'\n");
            many(n, |i| fault(i) + &format!("[[expect]]\nevent.fault.name = 'f{i}'\n"))
        },
        1_000,
    ),
    (
        "faults that are called otherwise",
        |n| {
            let fault = |i| format!("[[faults]]\nname = 'f{i}'\ninject.dns = 'silent'\n");
            many(n, |i| fault(i) + &format!("[[expect]]\nevent.fault.name = 'g{i}'\n"))
        },
        250,
    ),
    (
        "networks",
        |n| {
            let network = |i| format!("[[networks]]\nname = 'n{i}'\n[[expect]]\nevent.join.network = 'n{i}'\n");
            many(n, |i| network(i) + "[[phones]]\nname = 'p'\ndoes = [{ join = { network = 'home' } }]\n")
        },
        250,
    ),
    (
        "access points of one network",
        |n| {
            let bssid = |i: usize| format!("02:00:00:{:02x}:{:02x}:{:02x}", i >> 16, i >> 8 & 255, i & 255);
            many(n, |i| {
                let bssid = bssid(i);
                let expect = format!("[[expect]]\nevent.join = {{ network = 'home', bssid = '{bssid}' }}\n");
                format!("[[networks]]\nname = 'home'\nbssid = '{bssid}'\n{expect}")
            })
        },
        250,
    ),
    (
        "networks with one address",
        |n| many(n, |i| format!("[[networks]]\nname = 'n{i}'\nbssid = '02:00:00:00:00:01'\n")),
        500,
    ),
    (
        "expectations",
        |n| {
            many(n, |i| format!("[[expect]]\nevent.serial.contains = 'ü{i}'\nwithin = '1s'\nafter.event.boot = {{}}\n"))
        },
        1_000,
    ),
    ("regular expressions that are none", |n| many(n, |i| format!("[[expect]]\nevent.serial.matches = '{i}('\n")), 500),
];

#[test]
fn checking_a_file_takes_as_long_as_it_is() {
    let check = |text: &str| {
        let checked = Scenario::parse("x.toml", text, &|_| Err("no such file".to_owned()));
        checked.map_err(|mistakes| (mistakes.render(true), mistakes.to_string()))
    };
    let wrong: Vec<_> = CHECKED.into_iter().filter_map(|(name, file, size)| judge(name, check, file, size)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_long_key_takes_as_long_as_it_is() {
    let check =
        |text: &str| Scenario::parse("x.toml", text, &|_| Err(String::new())).map_err(|mistakes| mistakes.render(true));
    let key = |length| many(1, |_| format!("{} = 1\n", "k".repeat(length)));
    let name = |length| {
        many(1, |_| format!("[[expect]]\nevent.fault.name = '{}'\n[[faults]]\nname = 'f'\n", "ü".repeat(length)))
    };
    let wrong: Vec<_> =
        [judge("a key", check, key, 20_000), judge("a name", check, name, 10_000)].into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Kinds of files that a run has work with.
const RUN: [Kind; 4] = [
    ("steps that happen", |n| many(n, |i| format!("[[steps]]\nat = '{}ms'\ndo.spare-switch = 'on'\n", i * 7 + 1)), 500),
    (
        "faults that begin",
        |n| many(n, |i| format!("[[faults]]\nname = 'f{i}'\nfrom = '{i}ms'\nfor = '1s'\ninject.dns = 'silent'\n")),
        500,
    ),
    (
        "faults that never begin",
        |n| {
            many(n, |i| {
                format!(
                    "[[faults]]\nname = 'f{i}'\nafter = {{ event.boot = {{}}, count = 9 }}\ninject.dns = 'silent'\n"
                )
            })
        },
        500,
    ),
    ("expectations that are not met", |n| many(n, |i| format!("[[expect]]\nevent.serial = 'line {i}'\n")), 500),
];

#[test]
fn running_a_file_takes_as_long_as_it_is() {
    let run = |text: &str| {
        let scenario =
            Scenario::parse("x.toml", text, &|_| Err(String::new())).unwrap_or_else(|wrong| panic!("{wrong}"));
        run::run(&scenario, Seed(1))
    };
    let wrong: Vec<_> = RUN.into_iter().filter_map(|(name, file, size)| judge(name, run, file, size)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
