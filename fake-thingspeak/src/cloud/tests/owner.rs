//! What the owner of channels does with them, and what everybody sees of it.

use serde_json::{Value, json};

use super::*;

/// The reply to a request with the user's key in place of `USER`.
fn user(service: &mut Service, method: &str, target: &str, body: &str) -> (u16, Value) {
    let key = service.cloud.user().key.clone();
    let handled = service.send(method, &target.replace("USER", &key), Some(FORM), &body.replace("USER", &key));
    let (status, body) = seen(&handled);
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

#[test]
fn a_channel_is_made_described_emptied_and_deleted() {
    let mut service = Service::new();
    let body = "api_key=USER&name=My+New+Channel&field2=rain&public_flag=true&tags=a,+b,a&latitude=40.44";
    let (status, made) = user(&mut service, "POST", "/channels.json", body);
    assert_eq!(status, 200, "{made}");
    let id = made["id"].as_u64().unwrap();
    let write_key = made["api_keys"][0]["api_key"].as_str().unwrap().to_owned();
    assert_eq!(made["api_keys"][0]["write_flag"], true);
    assert_eq!(made["api_keys"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&made["name"], &made["latitude"], &made["longitude"]),
        (&json!("My New Channel"), &json!("40.44"), &json!(null))
    );
    assert_eq!(made["tags"], json!([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]));
    assert_eq!(made["ranking"], 35);

    assert_eq!(service.post("/update", &format!("api_key={write_key}&field2=3")), ok("1"));
    let (_, feed) = service.get(&format!("/channels/{id}/feeds.json"));
    assert!(feed.contains(r#""field1":"Field Label 1","field2":"rain""#), "{feed}");

    let (status, changed) = user(&mut service, "PUT", &format!("/channels/{id}.json"), "api_key=USER&field1=&name=x");
    assert_eq!((status, &changed["name"], &changed["ranking"]), (200, &json!("x"), &json!(35)));
    let (_, changed) =
        user(&mut service, "POST", &format!("/channels/{id}.json"), "_method=put&api_key=USER&description=d");
    assert_eq!((&changed["name"], &changed["ranking"]), (&json!("x"), &json!(55)));
    let (_, feed) = service.get(&format!("/channels/{id}/feeds.json"));
    assert!(!feed.contains("field1"), "{feed}");

    assert_eq!(user(&mut service, "DELETE", &format!("/channels/{id}/feeds.json?api_key=USER"), ""), (200, json!([])));
    assert_eq!(service.get(&format!("/channels/{id}/last_entry_id.json")), ok("0"));
    let (status, deleted) = user(&mut service, "DELETE", &format!("/channels/{id}.json?api_key=USER"), "");
    assert_eq!((status, &deleted["name"], &deleted["api_keys"]), (200, &json!("x"), &json!(null)));
    assert_eq!(service.get(&format!("/channels/{id}/feeds.json")).0, 404);
    assert_eq!(service.post("/update", &format!("api_key={write_key}&field2=3")).0, 401);
    // The next one has another number.
    let (_, next) = user(&mut service, "POST", "/channels.json", "api_key=USER");
    assert_eq!(next["id"], id + 1);
    assert_eq!(next["name"], format!("Channel {}", id + 1));
}

#[test]
fn a_channel_is_made_and_described_inside_of_channel_as_well() {
    let mut service = Service::new();
    let body = "api_key=USER&name=flat&channel[name]=Pond&channel[field2]=rain&channel[public_flag]=1&tags[name]=a,b";
    let (status, made) = user(&mut service, "POST", "/channels.json", body);
    assert_eq!((status, &made["name"], made["tags"].as_array().unwrap().len()), (200, &json!("Pond"), 2));
    let id = made["id"].as_u64().unwrap();
    let (_, feed) = service.get(&format!("/channels/{id}/feeds.json"));
    assert!(feed.contains(r#""field1":"Field Label 1","field2":"rain""#), "{feed}");
    let key = service.cloud.user().key.clone();
    let target = format!("/channels/{id}.json?api_key={key}");
    let body = r#"{"name": "flat", "channel": {"name": "Lake", "public_flag": false, "field2": ""}}"#;
    assert_eq!(seen(&service.send("PUT", &target, Some(JSON), body)).0, 200);
    let channel = service.cloud.channel(u32::try_from(id).unwrap()).unwrap();
    assert_eq!((channel.about.name.as_str(), channel.about.public), ("Lake", false));
    assert_eq!(channel.about.fields[1], None);
    // A misspelling inside is reported, and nothing is altered.
    for (target, body, expected) in [
        (target.clone() + "&channel=1", r#"{"channel": {"name": "x"}}"#, 400),
        (target.clone() + "&channel[name=x", "{}", 400),
        (target.clone() + &"&channel[name]=x".repeat(65), "{}", 413),
    ] {
        assert_eq!(seen(&service.send("PUT", &target, Some(JSON), body)).0, expected, "{target}");
    }
    assert_eq!(service.cloud.channel(u32::try_from(id).unwrap()).unwrap().about.name, "Lake");
}

#[test]
fn what_is_the_users_takes_the_users_key() {
    let requests = [
        ("GET", "/channels.json"),
        ("POST", "/channels.json"),
        ("PUT", "/channels/ID.json"),
        ("DELETE", "/channels/ID.json"),
        ("DELETE", "/channels/ID/feeds.json"),
    ];
    for (method, target) in requests {
        let mut service = Service::new();
        let (status, body) = seen(&service.send(method, &format!("{target}?api_key=KEY"), None, ""));
        assert_eq!((status, body.contains("error_auth_required")), (401, true), "{method} {target}: {body}");
        let mut service = Service::with(Profile::OpenSource2015, true);
        let refused = (401, r#"{"error":"Could not authenticate you."}"#.to_owned());
        assert_eq!(seen(&service.send(method, target, None, "")), refused, "{method} {target}");
        let (status, _) = user(&mut service, method, &format!("{target}?api_key=USER"), "");
        assert_eq!(status, 200, "{method} {target}");
    }
    let mut service = Service::new();
    assert_eq!(user(&mut service, "DELETE", "/channels/1.json?api_key=USER", "").0, 404);
    let long = format!("api_key=USER&name={}", "x".repeat(256));
    assert_eq!(user(&mut service, "PUT", "/channels/ID.json", &long).0, 400);
    assert_eq!(user(&mut service, "PUT", "/channels.json?api_key=USER", "").0, 405);
}

#[test]
fn a_private_channel_shows_itself_to_those_who_have_a_key() {
    let mut service = Service::with(Profile::Docs, false);
    assert_eq!(service.get("/channels/ID.json"), (400, "-1".to_owned()));
    let (status, seen_by_reader) = user(&mut service, "GET", "/channels/ID.json?api_key=READ", "");
    assert_eq!((status, seen_by_reader.get("metadata")), (200, None));
    let (_, seen_by_owner) = user(&mut service, "GET", "/channels/ID.json?api_key=USER", "");
    assert_eq!(seen_by_owner["api_keys"][0]["api_key"], service.access.write_key);
    let mut service = Service::with(Profile::OpenSource2015, false);
    assert_eq!(service.get("/channels/ID.json").0, 200);
    let (_, xml) = service.get("/channels/ID.xml");
    assert!(xml.contains("<name>duck &lt;1&gt;</name><description nil=\"true\"/>"), "{xml}");
    assert!(xml.ends_with("<username>duck</username><tags type=\"array\"/></channel>"), "{xml}");
}

#[test]
fn public_channels_are_listed_by_pages() {
    let mut service = Service::with(Profile::Docs, false);
    for number in 0..17 {
        let more = if number == 3 { "&tags=pond&latitude=60&longitude=60" } else { "" };
        user(&mut service, "POST", "/channels.json", &format!("api_key=USER&public_flag=true{more}"));
    }
    let mut list = |query: &str| {
        let (status, list) = user(&mut service, "GET", &format!("/channels/public.json?{query}"), "");
        (status, list["pagination"]["total_entries"].as_u64(), list["channels"].as_array().map(Vec::len))
    };
    assert_eq!(list(""), (200, Some(17), Some(15)));
    assert_eq!(list("page=2"), (200, Some(17), Some(2)));
    assert_eq!(list("page=9999999999999"), (200, Some(17), Some(0)));
    assert_eq!(list("page=0").0, 404);
    assert_eq!(list("tag=pond"), (200, Some(1), Some(1)));
    assert_eq!(list("username=duck").1, Some(17));
    assert_eq!(list("username=hans").1, Some(0));
    assert_eq!(list("latitude=59.8&longitude=60.2&distance=100").1, Some(1));
    // The one of which most is known is first.
    let (_, list) = user(&mut service, "GET", "/channels/public.json", "");
    assert_eq!(list["channels"][0]["tags"][0]["name"], "pond");
    let (_, of_user) = user(&mut service, "GET", "/users/duck/channels.json", "");
    assert_eq!(of_user["channels"].as_array().unwrap().len(), 17);
    let (_, of_user) = user(&mut service, "GET", "/users/duck/channels.json?key=USER", "");
    assert_eq!(of_user["channels"].as_array().unwrap().len(), 18);
    assert_eq!(service.get("/users/hans/channels.json").0, 404);
    let (_, mine) = user(&mut service, "GET", "/channels.json?api_key=USER", "");
    assert_eq!(mine.as_array().unwrap().len(), 18);
}

#[test]
fn everybody_may_know_who_the_user_is() {
    let service = &mut Service::new();
    let (status, user) = service.get("/users/duck.json");
    let user: Value = serde_json::from_str(&user).unwrap();
    assert_eq!((status, &user["id"], &user["login"]), (200, &json!(1), &json!("duck")));
    assert_eq!(user["created_at"], "2026-01-01T00:00:00Z");
    assert!(service.get("/users/duck.xml").1.contains("<user><id type=\"integer\">1</id><login>duck</login>"));
    assert_eq!(service.get("/users/goose.json").0, 404);
}
