//! An identity's files become its epoch, at the start and whenever they change. Until new ones are
//! read whole and good, the old ones serve.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use super::clock::Clock;
use super::files::{Look, aside};
use super::{DefaultRoots, Epoch, Identity, LoadError, Material};
use crate::config::Anchors;
use crate::error::Cause;
use crate::metrics::NotKept;

/// Where an identity stands with its files.
#[derive(Debug, Default)]
pub(super) struct State {
    epoch: Option<Rc<Epoch>>,
    /// Why the files, as they are now, cannot be used.
    fault: Option<String>,
    /// How they looked when that was found, or when they were read last.
    seen: Option<Look>,
}

/// What another look at an identity's files came to.
#[derive(Debug)]
pub enum Reload {
    /// There is nothing new: they look as they did, or are bad for the same reason.
    Untouched,
    /// They changed and are bad. Somebody may still be writing them: look again soon.
    Unsettled(LoadError),
    /// They hold what they held.
    Unchanged(Rc<Epoch>),
    /// They are good, and a new epoch took the place of the former.
    Loaded(Rc<Epoch>),
    /// They are bad. The former epoch stays, if there was one.
    Failed(LoadError),
}

/// What a look at an identity's files brought.
struct Found {
    look: Look,
    /// They look different.
    touched: bool,
    /// What they hold; `None`: there was no reason to read them.
    material: Option<Result<Material, LoadError>>,
}

impl Identity {
    /// Reads the identity's files for the first time.
    ///
    /// # Errors
    /// Which file is missing or bad, and why.
    pub fn load(
        &self,
        roots: &DefaultRoots,
        clock: &Arc<dyn Clock>,
    ) -> Result<Rc<Epoch>, LoadError> {
        let look = Look::at(&self.files(roots), clock.now());
        let loaded = Material::read(&self.config, roots).and_then(|read| self.renew(read, clock));
        self.conclude(look, loaded.as_ref().err());
        loaded
    }

    /// Looks at the identity's files, and reads them if they look different or may be so, if they
    /// were bad, or if it was `asked` for. Who is `patient` is told of a change that is bad only
    /// when it has settled.
    pub async fn reload(
        &self,
        roots: &Arc<DefaultRoots>,
        clock: &Arc<dyn Clock>,
        asked: bool,
        patient: bool,
    ) -> Reload {
        let faulty = self.fault().is_some();
        let found = self.look(roots, clock.now(), asked || faulty).await;
        let Some(found) = found else {
            return Reload::Failed(LoadError::NoThread);
        };
        let Some(material) = found.material else {
            return Reload::Untouched;
        };
        let outcome = material.and_then(|read| match self.current() {
            Ok(epoch) if read.is_same(epoch.material()) => Ok(Reload::Unchanged(epoch)),
            _ => self.renew(read, clock).map(Reload::Loaded),
        });
        // What was good and is bad was changed, whatever it looks like.
        let outcome = match outcome {
            Err(error) if patient && (found.touched || !faulty) => {
                return Reload::Unsettled(error);
            }
            outcome => outcome,
        };
        let known = self.fault();
        self.conclude(found.look, outcome.as_ref().err());
        match outcome {
            Ok(Reload::Unchanged(_)) if !asked && !faulty => Reload::Untouched,
            Ok(reload) => reload,
            Err(_) if !asked && !found.touched && known == self.fault() => Reload::Untouched,
            Err(error) => Reload::Failed(error),
        }
    }

    /// The epoch that new requests belong to.
    ///
    /// # Errors
    /// Why there is none.
    pub fn current(&self) -> Result<Rc<Epoch>, Cause> {
        let state = self.state.borrow();
        let why = || match &state.fault {
            Some(fault) => format!("not available: {fault}"),
            None => String::from("its files were not read yet"),
        };
        let epoch = state.epoch.clone();
        epoch.ok_or_else(|| Cause::IdentityUnavailable(why()))
    }

    /// Why its files, as they are now, cannot be used.
    pub fn fault(&self) -> Option<String> {
        self.state.borrow().fault.clone()
    }

    /// All files that it depends on.
    fn files(&self, roots: &DefaultRoots) -> Vec<PathBuf> {
        let mut files = self.config.files();
        if self.config.anchors == Anchors::Default {
            files.extend(roots.files());
        }
        files
    }

    async fn look(&self, roots: &Arc<DefaultRoots>, now: SystemTime, read: bool) -> Option<Found> {
        let seen = self.state.borrow().seen.clone();
        let files = self.files(roots);
        let (config, roots) = (self.config.clone(), Arc::clone(roots));
        aside(move || {
            // The look comes first: what changes while it is read looks different next time.
            let look = Look::at(&files, now);
            let touched = seen.as_ref().is_none_or(|seen| !seen.is_same(&look));
            let fresh = seen.is_some_and(|seen| seen.is_fresh());
            let material = (touched || fresh || read).then(|| Material::read(&config, &roots));
            Found {
                look,
                touched,
                material,
            }
        })
        .await
    }

    /// A new epoch, in the place of the former.
    fn renew(&self, material: Material, clock: &Arc<dyn Clock>) -> Result<Rc<Epoch>, LoadError> {
        let former = self.current().ok();
        let number = former.as_ref().map_or(1, |former| former.number + 1);
        let epoch = Epoch::new(&self.config, material, clock, self.key_log.as_ref(), number)?;
        self.state.borrow_mut().epoch = Some(Rc::clone(&epoch));
        if let Some(former) = former {
            for _ in 0..former.retire() {
                self.counters.not_kept(NotKept::EpochEnded);
            }
            // The sweep lets go of it.
            self.rested.notify_one();
        }
        Ok(epoch)
    }

    fn conclude(&self, look: Look, fault: Option<&LoadError>) {
        let mut state = self.state.borrow_mut();
        state.fault = fault.map(ToString::to_string);
        state.seen = Some(look);
    }
}
