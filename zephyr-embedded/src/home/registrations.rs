//! How far the registration with each PKG has come.

use zephyr_core::{ServerId, UnixMs};

use crate::error::Error;
use crate::registration::Registration;
use crate::storage::{Key, Storage};

use super::bytes::{Reader, Writer};
use super::{Home, keys, load};

/// PKG, state, time.
pub(super) const REGISTRATION_SIZE: usize = 32 + 1 + 8;

impl<S: Storage> Home<'_, S> {
    pub(crate) async fn registration(
        &mut self,
        pkg: &ServerId,
    ) -> Result<Registration, Error<S::Error>> {
        let (_, known) = self.find_registration(pkg).await?;
        Ok(known.unwrap_or_default())
    }

    pub(crate) async fn set_registration(
        &mut self,
        pkg: &ServerId,
        state: Registration,
    ) -> Result<(), Error<S::Error>> {
        let (key, known) = self.find_registration(pkg).await?;
        if known == Some(state) {
            return Ok(());
        }
        let (number, until) = match state {
            Registration::None => (0, 0),
            Registration::CodeSent => (1, 0),
            Registration::Registered => (2, 0),
            Registration::Waiting { until } => (3, until.0),
        };
        let mut w = Writer::<REGISTRATION_SIZE>::new();
        w.put(pkg.as_bytes()).u8(number).u64(until);
        self.storage.save(key, &[w.bytes()]).await.map_err(Error::Storage)
    }

    /// Where it is or can be.
    async fn find_registration(
        &mut self,
        pkg: &ServerId,
    ) -> Result<(Key, Option<Registration>), Error<S::Error>> {
        for place in 0..keys::REGISTRATIONS {
            let key = keys::registration(place);
            let Some(item) = load::<S, REGISTRATION_SIZE>(&mut self.storage, key).await? else {
                return Ok((key, None));
            };
            let (of, state) = read(&item).ok_or(Error::Damaged)?;
            if of == *pkg {
                return Ok((key, Some(state)));
            }
        }
        // Those of servers that are gone are of no use.
        Ok((keys::registration(0), None))
    }
}

fn read(item: &[u8]) -> Option<(ServerId, Registration)> {
    let mut r = Reader(item);
    let pkg = ServerId::from_bytes(r.array()?);
    let (number, until) = (r.u8()?, r.u64()?);
    let state = match number {
        0 => Registration::None,
        1 => Registration::CodeSent,
        2 => Registration::Registered,
        3 => Registration::Waiting { until: UnixMs(until) },
        _ => return None,
    };
    r.end((pkg, state))
}
