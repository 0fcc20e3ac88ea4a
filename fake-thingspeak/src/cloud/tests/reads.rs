//! Feeds and single entries, with all that a client may ask for.

use time::Duration;
use time::macros::datetime;

use super::*;

#[test]
fn a_feed_shows_the_channel_and_its_entries() {
    let mut service = Service::new();
    let empty = r#"{"channel":{"id":ID,"name":"duck <1>","latitude":"0.0","longitude":"0.0","field1":"temperature","field2":"humidity","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","last_entry_id":null},"feeds":[]}"#;
    assert_eq!(service.get("/channels/ID/feeds.json"), ok(&service.filled(empty)));
    assert_eq!(service.get("/channels/ID/feeds/last.json"), ok("-1"));
    service.post("/update", "api_key=KEY&field1=21.5&field2=a,b&field3=unseen");
    service.wait(60);
    service.post("/update", "api_key=KEY&field1=22");
    let rows = r#""last_entry_id":2},"feeds":[{"created_at":"2026-01-01T00:00:00Z","entry_id":1,"field1":"21.5","field2":"a,b"},{"created_at":"2026-01-01T00:01:00Z","entry_id":2,"field1":"22","field2":null}]}"#;
    let (_, feed) = service.get("/channels/ID/feed.json");
    assert!(feed.ends_with(rows), "{feed}");
    let csv =
        "created_at,entry_id,field1,field2\n2026-01-01 00:00:00 UTC,1,21.5,\"a,b\"\n2026-01-01 00:01:00 UTC,2,22,\n";
    assert_eq!(service.get("/channels/ID/feeds.csv"), ok(csv));
    let (_, xml) = service.get("/channels/ID/fields/1.xml");
    assert!(
        xml.contains("<name>duck &lt;1&gt;</name>") && xml.contains("<feeds type=\"array\"><feed><created-at"),
        "{xml}"
    );
    let end = "<field1>22</field1><id type=\"integer\" nil=\"true\"/></feed></feeds></channel>";
    assert!(xml.ends_with(end) && !xml.contains("field2"), "{xml}");
    let (_, field) = service.get("/channels/ID/fields/2.json?results=1");
    assert!(
        field.ends_with(r#""feeds":[{"created_at":"2026-01-01T00:01:00Z","entry_id":2,"field2":null}]}"#),
        "{field}"
    );

    assert_eq!(service.get("/channels/ID/fields/1/last"), ok("22"));
    assert_eq!(service.get("/channels/ID/fields/1/last.txt"), ok("22"));
    let last = r#"{"created_at":"2026-01-01T00:01:00Z","entry_id":2,"field1":"22","field2":null}"#;
    assert_eq!(service.get("/channels/ID/feeds/last.txt"), ok(last));
    assert_eq!(service.get("/channels/ID/feeds/last"), ok(last));
    assert_eq!(
        service.get("/channels/ID/fields/2/last.csv"),
        ok("created_at,entry_id,field2\n2026-01-01 00:00:00 UTC,1,\"a,b\"\n")
    );
}

#[test]
fn reads_are_limited_in_time_and_number() {
    let mut service = Service::new();
    for hour in 0..150 {
        service.now = START + Duration::hours(hour);
        assert_eq!(service.post("/update", &format!("api_key=KEY&field1={hour}")).0, 200);
    }
    let mut count = |query: &str| service.get(&format!("/channels/ID/fields/1.csv?{query}")).1.lines().count() - 1;
    assert_eq!(count(""), 25);
    assert_eq!(count("results=120"), 120);
    assert_eq!(count("results=99999"), 150);
    assert_eq!(count("results=0"), 0);
    assert_eq!(count("results=-1"), 25);
    assert_eq!(count("days=2"), 49);
    assert_eq!(count("minutes=120"), 3);
    assert_eq!(count("days=4294967295"), 150);
    assert_eq!(count("days=2&results=5"), 5);
    assert_eq!(count("start=2026-01-01%2010:00:00&end=2026-01-01%2012:00:00"), 3);
}

#[test]
fn a_private_channel_is_read_with_either_of_its_keys() {
    let mut service = Service::with(Profile::Docs, false);
    service.post("/update", "api_key=KEY&field1=1");
    assert_eq!(service.get("/channels/ID/feeds.json"), (400, "-1".to_owned()));
    assert_eq!(service.get("/channels/ID/fields/1/last?api_key=1234"), (400, "-1".to_owned()));
    assert_eq!(service.get("/channels/ID/fields/1/last?api_key=READ"), ok("1"));
    assert_eq!(service.get("/channels/ID/fields/1/last?key=KEY"), ok("1"));
}

/// A service with a value of `field1` at each of these minutes after the start.
fn service_with(values: &[(i64, &str)]) -> Service {
    let mut service = Service::new();
    for (minute, value) in values {
        service.now = START + Duration::minutes(*minute);
        assert_eq!(service.post("/update", &format!("api_key=KEY&field1={value}")).0, 200);
    }
    service
}

#[test]
fn several_entries_become_one_row() {
    let values = [(0, "1"), (1, "2"), (2, "6"), (10, "NaN"), (35, "4.25")];
    let mut service = service_with(&values);
    let mut feed = |query: &str| {
        let (_, feed) = service.get(&format!("/channels/ID/fields/1.csv?{query}"));
        feed.lines().skip(1).map(|line| line.rsplit(',').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(feed("timescale=10"), ["1", "NaN", "", "4.25"]);
    assert_eq!(feed("sum=10"), ["9.0", "", "", "4.25"]);
    assert_eq!(feed("average=10"), ["3.0", "", "", "4.25"]);
    assert_eq!(feed("median=10&round=1"), ["2.0", "", "", "4.2"]);
    assert_eq!(feed("average=daily"), ["2.65"]);
    // The first of several counts, and what is no valid length does not.
    assert_eq!(feed("average=60&sum=60&timescale=7"), ["13.25"]);
    // `results` is of entries, not of rows.
    assert_eq!(feed("sum=10&results=2"), ["", "", "4.25"]);
    assert_eq!(feed("round=1"), ["1.0", "2.0", "6.0", "NaN", "4.2"]);
    assert_eq!(feed("min=2&max=5"), ["2", "NaN", "4.25"]);
    assert_eq!(feed("sum=10&min=5"), ["9.0", "", ""]);
    let (_, json) = service.get("/channels/ID/feeds.json?average=10");
    assert!(json.contains(r#""feeds":[{"created_at":"2026-01-01T00:00:00Z","field1":"3.0","field2":null},"#), "{json}");
    let (_, json) = service.get("/channels/ID/feeds/last_sum.json?sum=60");
    assert!(json.starts_with(r#"{"channel_id":null,"field1":"13.25","field2":null"#), "{json}");
    assert_eq!(service.get("/channels/ID/feeds/last_sum.json?average=60"), ok("-1"));
    assert_eq!(service.get("/channels/ID/feeds/last_sum.json?sum=0"), ok("-1"));
    assert_eq!(service.get("/channels/ID/feeds/last_sum.json?sum=-5"), ok("-1"));
}

#[test]
fn times_are_those_of_the_zone_that_is_asked_for() {
    let mut service = Service::new();
    service.now = datetime!(2026-07-01 12:00 UTC);
    service.post("/update", "api_key=KEY&field1=1&created_at=2026-07-01%2010:00:00&timezone=America/New_York");
    let mut last = |query: &str| {
        let (_, csv) = service.get(&format!("/channels/ID/feeds.csv?results=1&{query}"));
        csv.lines().nth(1).and_then(|line| line.split(',').next()).unwrap_or_default().to_owned()
    };
    // It was stored for a time to come, and shows once that has come.
    assert_eq!(last(""), "");
    assert_eq!(last("end=2026-07-02"), "2026-07-01 14:00:00 UTC");
    assert_eq!(last("end=2026-07-02&timezone=Europe/Berlin"), "2026-07-01 16:00:00 +0200");
    assert_eq!(last("end=2026-07-02&offset=-3"), "2026-07-01 11:00:00 -0300");
    assert_eq!(last("end=2026-07-01%2011:00:00&offset=-3"), "2026-07-01 11:00:00 -0300");
    assert_eq!(last("end=2026-07-01%2010:59:59&offset=-3"), "");
    let (_, json) = service.get("/channels/ID/feeds/last.json?timezone=Asia/Kolkata");
    assert!(json.starts_with(r#"{"created_at":"2026-07-01T19:30:00+05:30","#), "{json}");
}

#[test]
fn entries_are_found_by_their_numbers() {
    let mut service = service_with(&[(0, "1"), (5, "2"), (10, "3.456")]);
    assert_eq!(service.get("/channels/ID/fields/1/2.txt"), ok("2"));
    assert_eq!(service.get("/channels/ID/fields/1/3?round=2&prepend=%3C&append=%3E"), ok("<3.46>"));
    assert_eq!(service.get("/channels/ID/fields/3/3"), ok("-1"));
    assert_eq!(service.get("/channels/ID/feeds/4.json"), ok("-1"));
    let entry = r#"{"created_at":"2026-01-01T00:05:00Z","entry_id":2,"field1":"2","field2":null}"#;
    assert_eq!(service.get("/channels/ID/feeds/entry/2.json"), ok(entry));
    let (_, csv) = service.get("/channels/ID/feeds.csv?start_entry_id=2&end_entry_id=9");
    assert_eq!(
        csv.lines().map(|line| line.split(',').nth(1).unwrap_or_default()).collect::<Vec<_>>(),
        ["entry_id", "2", "3"]
    );
    assert_eq!(service.get("/channels/ID/last_entry_id.txt"), ok("3"));
    assert_eq!(service.get("/channels/ID/last_entry_id.xml"), ok(r#"<xml class="last_entry_id">3</xml>"#));
}

#[test]
fn the_age_of_the_last_entry_is_told() {
    let mut service = Service::new();
    assert_eq!(service.get("/channels/ID/feeds/last_data_age.json"), ok("-1"));
    service.post("/update", "api_key=KEY&field2=1");
    service.wait(174);
    let age = r#"{"last_data_age":"174","last_data_age_units":"s"}"#;
    assert_eq!(service.get("/channels/ID/feeds/last_data_age.json"), ok(age));
    assert_eq!(service.get("/channels/ID/fields/2/last_data_age.txt"), ok("174"));
    assert_eq!(
        service.get("/channels/ID/fields/2/last_data_age.csv"),
        ok("last_data_age,last_data_age_units\n174,s\n")
    );
    assert_eq!(service.get("/channels/ID/fields/1/last_data_age.json"), ok("-1"));
}

#[test]
fn statuses_are_a_feed_of_their_own() {
    let mut service = Service::new();
    service.post("/update", "api_key=KEY&field1=1&status=dry");
    service.wait(15);
    service.post("/update", "api_key=KEY&field1=1");
    let feed = r#"{"channel":{"name":"duck <1>","latitude":"0.0","longitude":"0.0"},"feeds":[{"created_at":"2026-01-01T00:00:00Z","entry_id":1,"status":"dry"},{"created_at":"2026-01-01T00:00:15Z","entry_id":2,"status":null}]}"#;
    assert_eq!(service.get("/channels/ID/status.json"), ok(feed));
    let last = r#"{"created_at":"2026-01-01T00:00:15Z","entry_id":2,"status":null}"#;
    assert_eq!(service.get("/channels/ID/status/last.json"), ok(last));
    assert_eq!(service.get("/channels/ID/status/1.txt"), ok("dry"));
    assert_eq!(service.get("/channels/ID/status/3.txt"), ok("-1"));
}

#[test]
fn json_may_come_as_a_call() {
    let mut service = service_with(&[(0, "1")]);
    let handled = service.send("GET", "/channels/ID/feeds/last.json?callback=show.it", None, "");
    let expected = r#"show.it({"created_at":"2026-01-01T00:00:00Z","entry_id":1,"field1":"1","field2":null})"#;
    assert_eq!(seen(&handled), ok(expected));
    assert_eq!(handled.response.headers()[CONTENT_TYPE], "application/javascript; charset=utf-8");
    assert_eq!(service.get("/channels/ID/fields/1/last?callback=show"), ok("1"));
    assert_eq!(service.get("/channels/ID/feeds.json?callback=alert(1)").0, 400);
}

#[test]
fn a_feed_without_parameters_goes_back_as_far_as_the_profile() {
    for (profile, count) in [(Profile::Docs, 0), (Profile::Recorded2019, 1), (Profile::OpenSource2015, 0)] {
        let mut service = Service::with(profile, true);
        service.post("/update", "api_key=KEY&field1=1");
        service.wait(2 * 86_400);
        let (_, csv) = service.get("/channels/ID/feeds.csv");
        assert_eq!(csv.lines().count() - 1, count, "{profile}");
        assert_eq!(service.get("/channels/ID/feeds.csv?results=9").1.lines().count() - 1, 1, "{profile}");
    }
}

#[test]
fn metadata_and_what_nobody_named_show_only_if_they_are_there() {
    let mut service = Service::new();
    service.cloud.restore([Change::ChannelDescribed {
        channel: service.access.channel,
        about: Box::new(About {
            name: "pond".to_owned(),
            description: Some("wet".to_owned()),
            metadata: Some("{}".to_owned()),
            latitude: Some("40.44".to_owned()),
            elevation: Some("7".to_owned()),
            public: true,
            ..About::default()
        }),
        at: START,
    }]);
    let (_, feed) = service.get("/channels/ID/feeds.json?metadata=true");
    let expected = r#"{"channel":{"id":ID,"name":"pond","description":"wet","latitude":"40.44","longitude":"0.0","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","elevation":"7","last_entry_id":null,"metadata":"{}"},"feeds":[]}"#;
    assert_eq!(feed, service.filled(expected));
    let (_, xml) = service.get("/channels/ID/feeds.xml");
    assert!(xml.ends_with("<last-entry-id type=\"integer\" nil=\"true\"/><feeds type=\"array\"/></channel>"), "{xml}");
}
