//! What a whole client needs on a microcontroller: flash, RAM, instructions, and the limits that it has to keep.

mod elf;
mod limits;
mod live;
mod row;
mod selftest;

use crate::{
    firmware, install,
    step::{Failure, Outcome},
};

/// Measures everything and prints it as a table, or as JSON with `--json`. Fails when a limit is missed.
pub fn command(options: &[&str]) -> Outcome {
    let json = match options {
        [] => false,
        ["--json"] => true,
        _ => return Err(Failure::new("`cargo xtask footprint` takes `--json` or nothing.")),
    };
    install::bare_metal()?;
    let mut rows = self_test_rows(&firmware::self_test_output()?)?;
    for (package, target, test) in live::BOARDS {
        let sizes = live::sizes(package, target)?;
        let ram = sizes[1].value;
        rows.extend(sizes);
        rows.extend(live::rounds(target, test, ram)?);
    }
    print!("{}", if json { row::json(&rows) } else { row::table(&rows) });
    limits::check(&rows)
}

/// Whether the self-test that printed this keeps within its limits.
pub fn check_self_test(output: &[String]) -> Outcome {
    limits::check(&self_test_rows(output)?)
}

fn self_test_rows(output: &[String]) -> Result<Vec<row::Row>, Failure> {
    let rows = selftest::rows(output);
    if rows.len() == selftest::COUNT {
        Ok(rows)
    } else {
        Err(Failure::new(
            "The self-test does not tell all figures that `xtask/src/footprint` asks for.",
        ))
    }
}
