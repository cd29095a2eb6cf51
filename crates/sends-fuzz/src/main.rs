//! A long run over one surface: `sends-fuzz operations|documents|upstream|reference SECONDS [SEED]`.

use std::{io, io::Write as _, process::ExitCode, time::Duration};

use sends_fuzz::{
    documents,
    operations::Operations,
    reference,
    run::{Until, run},
    upstream::Upstream,
};

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| arguments.get(place).and_then(|text| text.parse::<u64>().ok());
    let (Some(surface), Some(seconds)) = (arguments.first(), number(1)) else {
        writeln!(
            io::stderr(),
            "sends-fuzz operations|documents|upstream|reference SECONDS [SEED]"
        )?;
        return Ok(ExitCode::from(2));
    };
    let seed = number(2).unwrap_or_else(|| fastrand::u64(..));
    writeln!(io::stdout(), "{surface} with seed {seed} for {seconds} s")?;
    let until = Until::Elapsed(Duration::from_secs(seconds));
    let figures = match surface.as_str() {
        "operations" => {
            let operations = Operations::start()?;
            run(surface, until, seed, |input| operations.feed(input))?
        }
        "documents" => run(surface, until, seed, documents::feed)?,
        "upstream" => {
            let upstream = Upstream::start()?;
            run(surface, until, seed, |input| upstream.feed(input))?
        }
        _ => run("reference", until, seed, reference::feed)?,
    };
    writeln!(io::stdout(), "{figures:?}")?;
    Ok(ExitCode::SUCCESS)
}
