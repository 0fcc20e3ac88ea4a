//! Requests that no client should send. Whatever comes: no 500, nothing stored that is not reported, and valid JSON.

use proptest::prelude::*;

use super::*;

/// Pieces of which targets are made; numbers and keys that exist among them, so that requests get somewhere.
fn target() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        6 => prop::sample::select(vec![
            "update", "s/update", "channels", "channels/public", "channels/ID", "users/duck/channels",
            "channels/ID/feeds", "channels/ID/feeds/last", "channels/ID/feeds/1", "channels/ID/feeds/entry/2",
            "channels/ID/feeds/last_data_age", "channels/ID/feeds/last_average", "channels/ID/feeds/last_median",
            "channels/ID/feeds/last_sum", "channels/ID/fields/1", "channels/ID/fields/2/last", "channels/ID/fields/1/1",
            "channels/ID/fields/2/last_data_age", "channels/ID/last_entry_id", "channels/ID/status",
            "channels/ID/status/last", "channels/ID/status/1", "channels/ID/bulk_update", "talkbacks/TID/commands",
            "talkbacks/TID/commands/1", "talkbacks/TID/commands/execute", "talkbacks/TID/commands/last",
        ]).prop_map(str::to_owned),
        1 => "[a-z0-9/._%-]{0,30}",
    ];
    let ending = prop::sample::select(vec!["", ".json", ".xml", ".csv", ".txt"]);
    let query = prop::collection::vec((name(), value()), 0..6);
    let key = prop::sample::select(vec!["KEY", "READ", "USER", "TKEY", "x"]);
    (path, ending, key, query).prop_map(|(path, ending, key, query)| {
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("/{path}{ending}?api_key={key}&{}", query.join("&"))
    })
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "field1",
        "2",
        "created_at",
        "results",
        "days",
        "minutes",
        "start",
        "end",
        "timezone",
        "offset",
        "status",
        "metadata",
        "location",
        "min",
        "max",
        "round",
        "timescale",
        "sum",
        "average",
        "median",
        "callback",
        "start_entry_id",
        "end_entry_id",
        "prepend",
        "append",
        "headers",
        "talkback_key",
        "key",
        "page",
        "tag",
        "latitude",
        "longitude",
        "distance",
        "name",
        "tags",
        "public_flag",
        "command_string",
        "position",
        "_method",
        "lat",
        "write_api_key",
        "time_format",
        "updates",
        "channel",
        "channel[name]",
        "channel%5Bfield1%5D",
        "channel[public_flag]",
        "channel[][name]",
        "channel[name",
        "tags[name]",
        "updates[][field1]",
        "a[b][c][d][e][f][g][h][i][j]",
        "[]",
    ])
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9:TZ+-]{0,25}",
        "[!-~&&[^#]]{0,20}",
        "-?[0-9]{1,20}",
        prop::sample::select(vec![
            "KEY",
            "TKEY",
            "true",
            "false",
            "10",
            "60",
            "daily",
            "1.5",
            "1,5",
            "NaN",
            "1e999",
            "Europe/Berlin",
            "put",
            "delete",
            "absolute",
            "relative",
            "2026-01-01,1,2|2026-01-02,3",
            "0001-01-01",
            "9999-12-31%2023:59:59",
            "f.g",
        ])
        .prop_map(str::to_owned),
    ]
}

fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,60}",
        "(field[0-9]=.{0,9}&){0,4}",
        prop::collection::vec((name(), value()), 0..5).prop_map(|pairs| {
            pairs.iter().map(|(name, value)| format!("{name}={value}&")).collect()
        }),
        r#"\{"write_api_key":"KEY","updates":\[(\{"(created_at|delta_t|field1)":("[0-9TZ:-]{1,20}"|[0-9]{1,19})\},?){0,3}\]\}"#,
        r#"\{"channel":(\{"(name|field1|tags)":("[ -!#-\[\]-~]{0,9}"|[0-9]{1,9}|\[\]|\{\})\}|"x"|null)\}"#,
        Just(r#"{"write_api_key":"KEY","updates":[{"created_at":"0000-01-01","field1":"1"},{"created_at":"9999-12-31","2":2}]}"#.to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_request_is_answered_with_a_500(
        profile in prop::sample::select(Profile::ALL.to_vec()),
        public: bool,
        requests in prop::collection::vec(
            (
                target(),
                body(),
                "GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|BREW",
                prop::option::of("application/(json|x-www-form-urlencoded|xml)"),
                0i64..40,
            ),
            1..10,
        ),
    ) {
        let mut service = Service::with(profile, public);
        let talkback = service.cloud.create_talkback();
        let user = service.cloud.user().key.clone();
        let (tid, tkey) = (talkback.talkback.to_string(), talkback.key);
        let filled = |text: &str| text.replace("TID", &tid).replace("TKEY", &tkey).replace("USER", &user);
        service.cloud.keep_changes();
        let mut copy = service.cloud.clone();
        for (target, body, method, content_type, seconds) in requests {
            service.wait(seconds);
            let target = filled(&target);
            if service.filled(&target).parse::<http::Uri>().is_err() {
                continue;
            }
            let entries = |service: &Service| service.cloud.entries(service.access.channel).map(|entries| entries.len());
            let before = entries(&service);
            let handled = service.send(&method, &target, content_type.as_deref(), &filled(&body));
            let status = handled.response.status();
            prop_assert!(status.as_u16() < 500, "{status}");
            let good = status.is_success();
            prop_assert!(good || handled.stored.is_empty());
            if !handled.stored.is_empty() {
                prop_assert_eq!(entries(&service), before.map(|before| before + handled.stored.len()));
            } else if !good {
                prop_assert_eq!(entries(&service), before);
            }
            if let Some(content_type) = handled.response.headers().get(CONTENT_TYPE) {
                let body = handled.response.body();
                prop_assert!(str::from_utf8(body).is_ok());
                // Without a body: to OPTIONS, or because the client has it already.
                if content_type.as_bytes().starts_with(b"application/json") && !body.is_empty() {
                    prop_assert!(serde_json::from_slice::<serde_json::Value>(body).is_ok(), "{:?}", body);
                }
            } else {
                prop_assert!(target.contains("headers=false") || body.contains("headers=false"));
            }
            // The changes make the same service again.
            copy.restore(service.cloud.take_changes());
            prop_assert_eq!(copy.channels(), service.cloud.channels());
            prop_assert_eq!(copy.entries(service.access.channel), service.cloud.entries(service.access.channel));
        }
    }
}
