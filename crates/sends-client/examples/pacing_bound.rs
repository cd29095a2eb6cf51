//! Measures in real time how close N calls come to the least time that the limit allows.
//!
//! `cargo run --release -p sends-client --example pacing_bound -- [calls] [calls per second] [ms per answer]`

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::time::Duration;

use sends_client::{
    Lane, Pacer, Priority,
    pacing::{Limits, SlotRequest, Verdict},
};
use tokio::{task::JoinSet, time::Instant};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    let (count, rate, answer_ms) = (argument(40)?, argument(4)?, argument(25)?);

    let pacer = Pacer::in_memory(Limits {
        rate_per_second: rate,
        rate_per_day: 0,
        ..Limits::default()
    });
    let start = Instant::now();
    let turn = SlotRequest {
        lane: Lane::new(),
        priority: Priority::Interactive,
        deadline: start + Duration::from_hours(1),
    };
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let pacer = pacer.clone();
        calls.spawn(async move {
            let mut slot = pacer.acquire(turn).await?;
            assert!(slot.depart());
            tokio::time::sleep(Duration::from_millis(answer_ms.into())).await;
            slot.settle(Verdict::Accepted);
            Ok::<(), sends_client::pacing::Refused>(())
        });
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    let taken = start.elapsed();
    let bound = count.saturating_sub(1).checked_div(rate).unwrap_or(0);
    println!("calls            {count}");
    println!("limit            {rate} a second");
    println!("time taken       {:.3} s", taken.as_secs_f64());
    println!("least possible   {bound} s");
    if bound > 0 {
        println!("ratio            {:.3}", taken.as_secs_f64() / f64::from(bound));
    } else {
        println!(
            "time per call    {:.2} µs",
            taken.as_secs_f64() * 1e6 / f64::from(count)
        );
    }
    Ok(())
}
