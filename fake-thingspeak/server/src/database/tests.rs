//! Services that were kept in a file, and files that hold none.

use fake_thingspeak::cloud::{Change, Cloud, NewChannel, Stored};
use http::Request;
use hyper::body::Bytes;
use time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-01-01 0:00:00.5 UTC);
const SEED: [u8; 32] = [7; 32];

impl Database {
    /// From now on every commit fails.
    pub(crate) fn refuse_writing(&self) {
        self.connection.pragma_update(None, "query_only", true).unwrap();
    }
}

fn open(path: &Path) -> Result<Database, DatabaseError> {
    Database::open(path, SEED, None)
}

/// The service that the file holds.
fn kept(path: &Path) -> Cloud {
    let mut database = open(path).unwrap();
    let mut cloud = Cloud::new(database.seed());
    database.load(|change| cloud.restore([change])).unwrap();
    cloud
}

/// A service that does all that it can do, its requests in turn.
fn service() -> (Cloud, Vec<Vec<Change>>) {
    let mut cloud = Cloud::new(SEED);
    cloud.keep_changes();
    let fields = [(); 8].map(|()| Some("a field".to_owned()));
    let new = |name: &str| NewChannel { name: name.to_owned(), fields: fields.clone(), public: false };
    let [first, second, third] = ["one", "two", "three"].map(|name| cloud.create_channel(new(name), NOW));
    let talkback = cloud.create_talkback();
    let user = cloud.user().key.clone();
    let mut batches = vec![cloud.take_changes()];
    let requests = [
        ("POST", format!("/update?api_key={}&field1=1&field8=%C3%A9%00&status=a'b", first.write_key)),
        ("POST", format!("/update?api_key={}&created_at=1969-01-01&lat=1&long=2&elevation=3", first.write_key)),
        ("POST", format!("/update?api_key={}&field2=x", second.write_key)),
        ("DELETE", format!("/channels/{}/feeds.json?api_key={user}", second.channel)),
        ("PUT", format!("/channels/{}.json?api_key={user}&tags=a,b&metadata=m&public_flag=true&url=u", first.channel)),
        ("PUT", format!("/channels/{}.json?api_key={user}&tags=c,a", first.channel)),
        ("DELETE", format!("/channels/{}.json?api_key={user}", third.channel)),
        ("POST", format!("/talkbacks/{}/commands?api_key={}&command_string=go", talkback.talkback, talkback.key)),
        ("POST", format!("/talkbacks/{}/commands?api_key={}&command_string=stop", talkback.talkback, talkback.key)),
        ("POST", format!("/talkbacks/{}/commands?api_key={}&command_string=no", talkback.talkback, talkback.key)),
        ("POST", format!("/talkbacks/{}/commands/execute?api_key={}", talkback.talkback, talkback.key)),
        ("DELETE", format!("/talkbacks/{}/commands/3?api_key={}", talkback.talkback, talkback.key)),
    ];
    for (number, (method, target)) in requests.into_iter().enumerate() {
        let request = Request::builder().method(method).uri(&target).body(Bytes::new()).unwrap();
        let now = NOW + Duration::seconds(20 * number as i64);
        let reply = cloud.handle(&request, now, std::net::Ipv4Addr::LOCALHOST.into()).reply.response(&request);
        assert!(reply.status().is_success() && reply.body() != "0", "{target}: {reply:?}");
        let changes = cloud.take_changes();
        assert!(!changes.is_empty(), "{target}");
        batches.push(changes);
    }
    (cloud, batches)
}

/// What can be seen of a service from outside, and what comes next in it.
fn seen(mut cloud: Cloud) -> String {
    let numbers: Vec<u32> = cloud.channels().iter().map(|channel| channel.access.channel).collect();
    let entries: Vec<Option<Vec<Stored>>> = numbers.iter().map(|channel| cloud.entries(*channel)).collect();
    let mut seen = format!("{:?}\n{:?}\n{entries:?}\n", cloud.user(), cloud.channels());
    let talkback = cloud.talkbacks()[0].clone();
    let keys: Vec<String> = cloud.channels().into_iter().map(|channel| channel.access.write_key).collect();
    let mut targets = vec![
        format!("/talkbacks/{}/commands.json?api_key={}", talkback.talkback, talkback.key),
        format!("/talkbacks/{}/commands/last.json?api_key={}", talkback.talkback, talkback.key),
        format!("/talkbacks/{}/commands.json?api_key={}&_method=x&command_string=new", talkback.talkback, talkback.key),
        format!("/channels.json?api_key={}&name=new&tags=z,b", cloud.user().key),
        format!("/channels.json?api_key={}", cloud.user().key),
    ];
    // Whether the writer has to wait.
    targets.extend(keys.iter().map(|key| format!("/update?api_key={key}&field1=1")));
    for target in targets {
        for method in ["GET", "POST"] {
            let request = Request::builder().method(method).uri(&target).body(Bytes::new()).unwrap();
            let now = NOW + Duration::seconds(54);
            let reply = cloud.handle(&request, now, std::net::Ipv4Addr::LOCALHOST.into()).reply.response(&request);
            seen.push_str(&format!("{method} {target} {:?}\n", reply.body()));
        }
    }
    seen
}

#[test]
fn a_service_in_a_file_is_the_same_after_each_of_its_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (cloud, batches) = service();
    let path = folder.path().join("duck.db");
    let mut twin = Cloud::new(SEED);
    for batch in &batches {
        let mut database = open(&path).unwrap();
        // The database knows what is in the file, as at every start.
        database.load(drop).unwrap();
        database.commit(batch).unwrap();
        drop(database);
        twin.restore(batch.clone());
        assert_eq!(seen(kept(&path)), seen(twin.clone()), "{batch:?}");
    }
    assert_eq!(seen(kept(&path)), seen(cloud));
    // And all at once.
    let path = folder.path().join("another.db");
    open(&path).unwrap().commit(batches.iter().flatten()).unwrap();
    assert_eq!(seen(kept(&path)), seen(twin));
}

#[test]
fn a_commit_is_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duck.db");
    let (_, batches) = service();
    let mut database = open(&path).unwrap();
    database.commit(batches.iter().flatten()).unwrap();
    // The same channels again: their numbers are taken.
    let entry = batches[1].iter().chain(&batches[0]);
    assert!(database.commit(entry).is_err());
    drop(database);
    assert_eq!(kept(&path).channels()[0].last_entry_id, 2);
}

#[test]
fn what_is_no_file_of_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |path: &Path| open(path).err().unwrap().to_string();

    let text = folder.path().join("text");
    std::fs::write(&text, "not a database, but longer than the header of one would be, and then some more of it")
        .unwrap();
    assert!(fails(&text).starts_with("it is not a database of fake-thingspeak"), "{}", fails(&text));
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("not a database"));

    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE birds (name)").unwrap();
    let before = std::fs::read(&other).unwrap();
    assert!(fails(&other).starts_with("it is not a database of fake-thingspeak"), "{}", fails(&other));
    assert_eq!(std::fs::read(&other).unwrap(), before);

    let later = folder.path().join("later.db");
    drop(open(&later).unwrap());
    Connection::open(&later).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    assert!(fails(&later).starts_with("it is of a later version"), "{}", fails(&later));

    assert!(fails(folder.path()).contains("directory"), "{}", fails(folder.path()));
    assert!(fails(&folder.path().join("nowhere/duck.db")).contains("No such file"));
    let wanted = Database::open(&folder.path().join("new.db"), SEED, Some([8; 32])).err().unwrap();
    assert!(wanted.to_string().starts_with("its keys come from another seed"), "{wanted}");
}

#[test]
fn damage_is_found_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duck.db");
    let (_, batches) = service();
    let mut database = open(&path).unwrap();
    database.commit(batches.iter().flatten()).unwrap();
    drop(database);
    let good = std::fs::read(&path).unwrap();
    let fails = || {
        let failure = open(&path).and_then(|mut database| database.load(drop)).err();
        failure.map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(fails(), "");

    // The pages behind the first are gone, or full of something else.
    std::fs::write(&path, &good[..4096]).unwrap();
    assert!(fails().starts_with("it is damaged: "), "{}", fails());
    let mut bad = good.clone();
    bad[4096..].fill(0x55);
    std::fs::write(&path, &bad).unwrap();
    assert!(fails().starts_with("it is damaged: "), "{}", fails());

    // An entry is missing.
    std::fs::write(&path, &good).unwrap();
    Connection::open(&path).unwrap().execute("DELETE FROM entries WHERE entry_id = 1", []).unwrap();
    assert!(fails().contains(" has no entry 1; "), "{}", fails());
}

#[cfg(unix)]
#[test]
fn nobody_but_the_owner_may_read_the_keys() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duck.db");
    let mut database = open(&path).unwrap();
    database.commit(&service().1[0]).unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", file.path().display());
    }
}

#[cfg(unix)]
#[test]
fn a_file_is_the_owners_alone_or_it_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duck.db");
    let wal = folder.path().join("duck.db-wal");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let open = || Database::open(&path, [1; 32], None);
    {
        let database = open().unwrap();
        assert_eq!((mode(&path), mode(&wal), database.exposure()), (0o600, 0o600, None));
    }
    set(&path, 0o644);
    assert_eq!(open().unwrap().exposure(), Some(Exposure::Readable));
    for exposed in [0o620, 0o602, 0o666] {
        set(&path, exposed);
        let told = open().err().unwrap().to_string();
        assert!(told.contains(&format!("can write to {0}; `chmod 600 {0}`", path.display())), "{told}");
    }
    set(&path, 0o600);
    std::fs::write(&wal, "").unwrap();
    set(&wal, 0o666);
    assert!(matches!(open(), Err(DatabaseError::Writable(found)) if found == wal));
    std::fs::remove_file(&wal).unwrap();
    std::os::unix::fs::symlink("elsewhere", &wal).unwrap();
    assert!(matches!(open(), Err(DatabaseError::Planted(found)) if found == wal));
    std::fs::remove_file(&wal).unwrap();
    assert_eq!(open().unwrap().exposure(), None);
}
