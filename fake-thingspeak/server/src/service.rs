//! The cloud that the server serves, and the file it is kept in.

use std::future::{Future, pending};
use std::path::PathBuf;

use fake_thingspeak::cloud::{Cloud, NewChannel};
use time::OffsetDateTime;

use crate::committer::Committer;
use crate::database::Database;
use crate::error::Error;
use crate::options::Options;
use crate::seed::{part, seed};

/// A cloud, and what keeps it.
pub(crate) struct Service {
    pub(crate) cloud: Cloud,
    /// What everything comes from that others must not be able to guess.
    pub(crate) seed: [u8; 32],
    database: Option<Database>,
    /// The file, if others can read it.
    pub(crate) exposed: Option<PathBuf>,
    pub(crate) committer: Option<Committer>,
}

impl Service {
    /// Makes a new service, or loads that of the file.
    pub(crate) fn start(options: &Options) -> Result<Self, Error> {
        let mut seed = seed(options.seed)?;
        let (mut database, mut exposed) = (None, None);
        if let Some(path) = &options.data {
            let wanted = options.seed.map(|_| seed);
            let open =
                Database::open(path, seed, wanted).map_err(|source| Error::Data { path: path.clone(), source })?;
            seed = open.seed();
            exposed = open.exposure().map(|_| path.clone());
            database = Some(open);
        }
        let interval = time::Duration::seconds(options.write_interval.into());
        let mut cloud = Cloud::new(part(&seed, "cloud")).with_profile(options.profile).with_write_interval(interval);
        if let Some(most) = options.max_channels {
            cloud = cloud.with_max_channels(most);
        }
        if let Some(messages) = options.message_quota {
            cloud = cloud.with_message_quota(messages);
        }
        if let (Some(database), Some(path)) = (&mut database, &options.data) {
            let loaded = database.load(|change| cloud.restore([change]));
            loaded.map_err(|source| Error::Data { path: path.clone(), source })?;
            cloud.keep_changes();
        }
        Ok(Self { cloud, seed, database, exposed, committer: None })
    }

    /// Makes the channels of the command line that do not exist, or one if there are none; and a TalkBack.
    pub(crate) fn create_channels(&mut self, options: &Options, now: OffsetDateTime) {
        for channel in &options.channels {
            if self.cloud.channels().iter().all(|there| there.about.name != channel.name) {
                self.cloud.create_channel(channel.clone(), now);
            }
        }
        if self.cloud.channels().is_empty() {
            self.cloud.create_channel(first_channel(), now);
        }
        if self.cloud.talkbacks().is_empty() {
            self.cloud.create_talkback();
        }
    }

    /// Begins to write to the file. When it returns, all that exists so far is durable; the future that it returns ends
    /// when a later commit fails.
    pub(crate) async fn keep(&mut self, options: &Options) -> Result<impl Future<Output = Error> + use<>, Error> {
        let mut failure = None;
        if let (Some(database), Some(path)) = (self.database.take(), &options.data) {
            let committer = Committer::new(database, options.changes_per_commit)?;
            committer.queue(self.cloud.take_changes());
            let failed = |reason| Error::Commit { path: path.clone(), reason };
            tokio::select! {
                () = committer.durable() => {}
                reason = committer.deliver() => return Err(failed(reason)),
            }
            failure = Some((committer.deliver(), path.clone()));
            self.committer = Some(committer);
        }
        Ok(async {
            match failure {
                Some((failed, path)) => Error::Commit { path, reason: failed.await },
                None => pending().await,
            }
        })
    }
}

fn first_channel() -> NewChannel {
    let name = |name: &str| Some(name.to_owned());
    let fields = [name("temperature"), name("humidity"), None, None, None, None, None, None];
    NewChannel { name: "Yellow duck".to_owned(), fields, public: true }
}
