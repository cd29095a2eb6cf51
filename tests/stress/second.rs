//! The limit of the second, held by one process, however the upstream counts.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sends_end_to_end::{SandboxProcess, ServiceProcess};

/// The first four calls leave at once, and each further four a second later.
const BOUND: Duration = Duration::from_secs(9);

#[tokio::test]
async fn forty_cold_activities_cost_forty_calls_none_of_which_is_refused() {
    let _alone = crate::alone().await;
    let cases: [&[&str]; 4] = [
        &["--second-window", "fixed"],
        &["--second-window", "sliding"],
        &["--second-window", "fixed", "--jitter-ms", "30"],
        &["--second-window", "sliding", "--jitter-ms", "30"],
    ];
    join_all(cases.map(|options| async move {
        let sandbox = SandboxProcess::start(options);
        let service = ServiceProcess::on(&sandbox, &[]);
        let activities = sandbox.activities(40).await;
        let started = Instant::now();
        let answer = service.summaries(&activities, 60).await;
        let took = started.elapsed();
        eprintln!("40 calls with {options:?}: {took:?}");
        assert!(answer.get("errors").is_none(), "{answer}");
        let requests = sandbox.requests().await;
        let arrivals: Vec<_> = requests.iter().map(|request| &request["at_ms"]).collect();
        let calls = answer["extensions"]["upstream"]["calls"].as_u64().unwrap();
        let (given, refused) = (sandbox.answered(200).await, sandbox.answered(429).await);
        // What a failure is of shows in the statuses, in the times of arrival and in the log.
        assert_eq!(
            (calls, given, refused, arrivals.len()),
            (40, 40, 0, 40),
            "{options:?}: {arrivals:?}\n{}",
            service.log()
        );
        assert_eq!(sandbox.histories_asked().await, 40);
        assert!(
            took < BOUND * 2,
            "{took:?}, when a machine without other work takes 9.4 s"
        );
    }))
    .await;
}
