//! What is told of times.
use super::*;

fn known(steps: &[(&str, &[f64], Option<f64>)]) -> BTreeMap<String, Known> {
    let one = |(id, times, sbu): &(&str, &[f64], Option<f64>)| {
        let times = times.to_vec();
        ((*id).to_owned(), Known { times, sbu: *sbu })
    };
    steps.iter().map(one).collect()
}

#[test]
fn own_time_beats_sbu_and_sbu_beats_the_others() {
    let known = known(&[
        ("a", &[20.0], Some(2.0)),
        ("b", &[], Some(5.0)),
        ("c", &[], None),
        ("d", &[60.0], None),
        ("e", &[70.0], None),
    ]);
    let estimates = Estimates::new(&known);
    let of = |step| estimates.of(step).unwrap();
    assert_eq!((of("a").likely_s, of("a").basis), (20.0, Basis::Own));
    assert_eq!((of("b").likely_s, of("b").basis), (50.0, Basis::Sbu));
    assert_eq!((of("c").likely_s, of("c").basis), (60.0, Basis::Others));
    assert_eq!(estimates.seconds_per_sbu(), Some(10.0));
    assert!(of("b").low_s < 50.0 && of("b").high_s > 50.0);
}

#[test]
fn a_range_is_as_wide_as_the_newest_times() {
    let old = [500.0, 100.0, 110.0, 90.0, 105.0, 95.0];
    let range = Estimates::new(&known(&[("a", &old, None)]))
        .of("a")
        .unwrap();
    assert_eq!((range.low_s, range.likely_s), (81.0, 100.0));
    assert!((range.high_s - 121.0).abs() < 1e-9, "{range:?}");
}

#[test]
fn rounded_sbu_of_small_packages_do_not_count_beside_large_ones() {
    let known = known(&[
        ("gcc", &[4600.0], Some(46.0)),
        ("man-pages", &[0.4], Some(0.1)),
        ("iana-etc", &[0.3], Some(0.1)),
        ("glibc", &[], Some(12.0)),
    ]);
    let glibc = Estimates::new(&known).of("glibc").unwrap();
    assert_eq!((glibc.likely_s, glibc.basis), (1200.0, Basis::Sbu));
}

#[test]
fn progress_is_by_time() {
    let estimates = Estimates::new(&known(&[("a", &[10.0], None), ("b", &[90.0], None)]));
    let left = |steps: [(&str, Behind); 2]| {
        let (done, left) = estimates.progress(steps.into_iter());
        (done, left.unwrap())
    };
    let (done, rest) = left([("a", Behind::All), ("b", Behind::Seconds(0.0))]);
    assert_eq!((done, rest.likely_s), (0.1, 90.0));
    assert!((rest.low_s - 72.0).abs() < 1e-9 && (rest.high_s - 117.0).abs() < 1e-9);
    let (done, rest) = left([("a", Behind::All), ("b", Behind::Seconds(500.0))]);
    assert!(
        (rest.likely_s - 125.0).abs() < 1e-9,
        "an overdue step is never nearly done"
    );
    assert!(done > 0.8 && done < 0.81, "{done}");
}

#[test]
fn many_steps_are_less_uncertain_than_their_ranges_together() {
    let names: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
    let steps: Vec<(&str, &[f64], Option<f64>)> = names
        .iter()
        .map(|name| (name.as_str(), &[10.0][..], None))
        .collect();
    let estimates = Estimates::new(&known(&steps));
    let behind = names
        .iter()
        .map(|name| (name.as_str(), Behind::Seconds(0.0)));
    let left = estimates.progress(behind).1.unwrap();
    assert!((left.likely_s - 1000.0).abs() < 1e-6);
    assert!(
        (left.low_s - 980.0).abs() < 1e-6 && (left.high_s - 1030.0).abs() < 1e-6,
        "{left:?}"
    );
}

#[test]
fn a_wrong_guess_does_not_move_the_whole_on() {
    let steps: [(&str, &[f64], Option<f64>); 6] = [
        ("ed", &[3.9], None),
        ("gzip", &[], None),
        ("sed", &[], None),
        ("patch", &[3.5], None),
        ("m4", &[4.1], None),
        ("make", &[], None),
    ];
    let estimates = Estimates::new(&known(&steps));
    assert_eq!(estimates.expected("gzip"), None);
    assert!(estimates.expected("ed").is_some());
    let behind = steps.iter().map(|(step, ..)| match *step {
        "ed" | "patch" | "m4" => (*step, Behind::All),
        "gzip" => ("gzip", Behind::Seconds(24.0)),
        other => (other, Behind::Seconds(0.0)),
    });
    let (done, left) = estimates.progress(behind);
    assert!(done < 4.0 / 6.0, "{done}");
    let left = left.unwrap();
    assert!(
        left.likely_s > 3.0 * 3.9 && left.high_s > left.likely_s * 2.0,
        "{left:?}"
    );
}

#[test]
fn two_measured_steps_say_nothing_about_the_others() {
    let mut steps: Vec<(&str, &[f64], Option<f64>)> =
        vec![("a", &[4.0], None), ("b", &[5.0], None), ("gcc", &[], None)];
    let behind = |step| match step {
        "gcc" => (step, Behind::Seconds(3.0)),
        _ => (step, Behind::All),
    };
    let progress = |steps: &[(&'static str, &[f64], Option<f64>)]| {
        let each: Vec<_> = steps.iter().map(|(step, ..)| behind(*step)).collect();
        Estimates::new(&known(steps)).progress(each.into_iter())
    };
    let (done, left) = progress(&steps);
    assert_eq!((done, left), (2.0 / 3.0, None));
    steps.push(("c", &[6.0], None));
    assert!(progress(&steps).1.is_some());
    let all_known = [("a", &[4.0][..], None), ("gcc", &[90.0][..], None)];
    let left = progress(&all_known).1.unwrap().likely_s;
    assert!((left - 87.0).abs() < 1e-9, "{left}");
}

#[test]
fn a_step_is_overdue_only_if_it_matters() {
    let overdue = |times: &[f64]| {
        let known = known(&[("a", times, Some(1.0)), ("b", &[], Some(1.0))]);
        let estimates = Estimates::new(&known);
        assert_eq!(estimates.of("b").unwrap().overdue_s(), None, "a guess");
        estimates.of("a").unwrap().overdue_s().unwrap().round() as u64
    };
    assert_eq!(overdue(&[1000.0]), 2600);
    assert_eq!(overdue(&[1000.0, 1000.0]), 1375);
    assert_eq!(overdue(&[1.0, 1.0]), 61, "a minute at least");
}

#[test]
fn without_knowledge_nothing_is_promised() {
    let estimates = Estimates::new(&known(&[("a", &[], None), ("b", &[], Some(3.0))]));
    for ran in [0.0, 100.0] {
        let steps = [("a", Behind::All), ("b", Behind::Seconds(ran))];
        assert_eq!(estimates.progress(steps.into_iter()), (0.5, None));
    }
}
