//! `zephyr backup` and `zephyr restore`

use std::path::Path;

use zephyr_client::{BackupError, MIN_PASSPHRASE, Store};

use crate::cli::BackupArgs;
use crate::exit::Outcome;
use crate::output::line;
use crate::passphrase;

pub async fn backup(store: Store, args: BackupArgs) -> Outcome {
    let BackupArgs { file, passphrase_file } = args;
    // Before anybody is asked.
    if file.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(file).into());
    }
    let question = format!("A passphrase of at least {MIN_PASSPHRASE} characters: ");
    let passphrase = passphrase::read(passphrase_file, &question, Some("The same again: ")).await?;
    store.export_backup(&file, &passphrase).await?;
    let address = store.home().address();
    line(format_args!("{} has the home of {address}.", file.display()));
    store.close().await;
    Ok(())
}

pub async fn restore(home: &Path, args: BackupArgs) -> Outcome {
    let BackupArgs { file, passphrase_file } = args;
    if Store::exists(home) {
        return Err(BackupError::HasHome(home.to_owned()).into());
    }
    let passphrase = passphrase::read(passphrase_file, "Its passphrase: ", None).await?;
    let store = Store::restore_backup(&file, &passphrase, home).await?;
    line(format_args!("{} is the home of {}.", home.display(), store.home().address()));
    line("It takes part from the next round on. Don't use the old one any more.");
    store.close().await;
    Ok(())
}
