//! The table: a request, where it is known from, and the reply to it in each profile.
//!
//! Sources: "rec" with a date is a recording of the service; "doc" with a page is MathWorks' documentation; "2015" is
//! the open-source server's source; "ours" is a decision.

use fake_thingspeak::cloud::Profile::{self, Docs, OpenSource2015, Recorded2019};

/// A request and the replies to it.
pub struct Case {
    /// What it is about.
    pub title: &'static str,
    /// Where it is known from.
    pub source: &'static str,
    /// Requests before it.
    pub after: &'static [&'static str],
    /// `METHOD target`, headers, an empty line, and the body.
    pub request: &'static str,
    /// Each profile's reply.
    pub replies: &'static [(&'static [Profile], Expected)],
}

/// A reply, as far as it matters.
pub struct Expected {
    pub status: u16,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: &'static str,
}

/// The value of a header that is not to be there.
pub const ABSENT: &str = "(absent)";

pub const ALL: &[Profile] = &[Docs, Recorded2019, OpenSource2015];
pub const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
pub const XML: (&str, &str) = ("content-type", "application/xml; charset=utf-8");
const CSV: (&str, &str) = ("content-type", "text/csv; charset=utf-8");
pub const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
pub const TEXT: (&str, &str) = ("content-type", "text/plain; charset=utf-8");
pub const NO_CACHE: (&str, &str) = ("cache-control", "no-cache");
const FRESH: (&str, &str) = ("cache-control", "max-age=0, private, must-revalidate");
const CHUNKED: (&str, &str) = ("transfer-encoding", "chunked");
const COOKIE: (&str, &str) = ("set-cookie", "request_method=POST; path=/");
/// Headers of every recorded reply.
const ORIGIN: (&str, &str) = ("access-control-allow-origin", "*");
const METHODS: (&str, &str) = ("access-control-allow-methods", "GET, POST, PUT, OPTIONS, DELETE, PATCH");

const UNAUTHORIZED: &str = r#"{"status":"401","error":{"error_code":"error_auth_required","message":"Authorization Required","details":"Please make sure that your API key is correct."}}"#;

/// An update's key, so that the next one comes too soon.
const AN_UPDATE: &str = "POST /update.json?api_key=PUBLICWRITE00000&field1=1";

pub const EXCHANGES: &[Case] = &[
    Case {
        title: "a public feed without a key",
        source: "rec 2019-02-20",
        after: &[],
        request: "GET /channels/86945/feeds.json",
        replies: &[
            (
                &[Recorded2019],
                Expected {
                    status: 200,
                    headers: &[
                        JSON,
                        FRESH,
                        ORIGIN,
                        METHODS,
                        CHUNKED,
                        ("access-control-allow-headers", "origin, content-type, X-Requested-With"),
                        ("access-control-max-age", "1800"),
                        ("status", "200 OK"),
                        ("server", "nginx/1.9.3 + Phusion Passenger 4.0.57"),
                        ("x-powered-by", "Phusion Passenger 4.0.57"),
                        ("x-frame-options", "SAMEORIGIN"),
                        ("set-cookie", ABSENT),
                    ],
                    body: r#"{"channel":{"id":86945,"name":"py thingspeak","description":"Python thingspeak testing","latitude":"0.0","longitude":"0.0","field1":"cpu_pc","field2":"mem_avail_mb","created_at":"2016-02-09T20:22:23Z","updated_at":"2017-02-11T21:40:41Z","last_entry_id":3},"feeds":[{"created_at":"2016-02-09T20:25:53Z","entry_id":1,"field1":"9.2","field2":"1000"},{"created_at":"2016-02-09T20:30:16Z","entry_id":2,"field1":"25.0","field2":"58.9"},{"created_at":"2017-02-11T19:48:30Z","entry_id":3,"field1":"1","field2":null}]}"#,
                },
            ),
            (
                // "The default is 1" day.
                &[Docs, OpenSource2015],
                Expected {
                    status: 200,
                    headers: &[JSON, FRESH, ORIGIN, METHODS, ("transfer-encoding", ABSENT), ("status", ABSENT)],
                    body: r#"{"channel":{"id":86945,"name":"py thingspeak","description":"Python thingspeak testing","latitude":"0.0","longitude":"0.0","field1":"cpu_pc","field2":"mem_avail_mb","created_at":"2016-02-09T20:22:23Z","updated_at":"2017-02-11T21:40:41Z","last_entry_id":3},"feeds":[]}"#,
                },
            ),
        ],
    },
    Case {
        title: "a private feed with its write key",
        source: "rec 2019-02-20",
        after: &[],
        request: "GET /channels/204504/feeds.json?api_key=PRIVATEWRITE0000&results=8000",
        replies: &[(ALL, Expected { status: 200, headers: &[JSON, FRESH], body: PRIVATE_FEED })],
    },
    Case {
        title: "a private feed with its read key",
        source: "rec 2019-02-20",
        after: &[],
        request: "GET /channels/204504/feeds.json?results=8000\nTHINGSPEAKAPIKEY: PRIVATEREAD00000",
        replies: &[(ALL, Expected { status: 200, headers: &[JSON, FRESH], body: PRIVATE_FEED })],
    },
    Case {
        title: "a private feed without a key",
        source: "rec 2019-02-20",
        after: &[],
        request: "GET /channels/204504/feeds.json",
        replies: &[(
            ALL,
            Expected { status: 400, headers: &[JSON, NO_CACHE, ("etag", ABSENT), ORIGIN, METHODS], body: "-1" },
        )],
    },
    Case {
        title: "a private feed with a wrong key",
        source: "rec 2019-02-20",
        after: &[],
        request: "GET /channels/204504/feeds.json?api_key=wrong_key",
        replies: &[
            (
                &[Recorded2019],
                Expected {
                    status: 400,
                    headers: &[JSON, NO_CACHE, CHUNKED, ("status", "400 Bad Request")],
                    body: "-1",
                },
            ),
            (&[Docs, OpenSource2015], Expected { status: 400, headers: &[JSON, NO_CACHE], body: "-1" }),
        ],
    },
    Case {
        title: "a write that comes too soon",
        source: "rec 2019-02-20",
        after: &[AN_UPDATE],
        request: AN_UPDATE,
        replies: &[
            (
                &[Recorded2019],
                Expected {
                    status: 200,
                    headers: &[
                        JSON,
                        FRESH,
                        COOKIE,
                        CHUNKED,
                        ("status", "200 OK"),
                        ("etag", "\"cfcd208495d565ef66e7dff9f98764da\""),
                    ],
                    body: "0",
                },
            ),
            (&[Docs], Expected { status: 200, headers: &[JSON, ("set-cookie", ABSENT)], body: "0" }),
            (&[OpenSource2015], Expected { status: 200, headers: &[JSON, COOKIE], body: "0" }),
        ],
    },
    Case {
        title: "a write with a read key",
        source: "rec 2019-02-20; doc error-codes",
        after: &[],
        request: "POST /update.json?api_key=PRIVATEREAD00000&field1=1",
        replies: &[
            (
                &[Recorded2019],
                Expected {
                    status: 400,
                    headers: &[JSON, NO_CACHE, COOKIE, CHUNKED, ("status", "400 Bad Request"), ("etag", ABSENT)],
                    body: "0",
                },
            ),
            (&[OpenSource2015], Expected { status: 400, headers: &[JSON, NO_CACHE], body: "0" }),
            (&[Docs], Expected { status: 401, headers: &[JSON, NO_CACHE], body: UNAUTHORIZED }),
        ],
    },
    Case {
        title: "a write with parameters in the query of a POST",
        source: "rec 2017-02-11; doc writedata",
        after: &[],
        request: AN_UPDATE,
        replies: &[
            (
                &[Recorded2019, OpenSource2015],
                Expected {
                    status: 200,
                    headers: &[JSON, FRESH, COOKIE],
                    body: r#"{"channel_id":86945,"field1":"1","field2":null,"field3":null,"field4":null,"field5":null,"field6":null,"field7":null,"field8":null,"created_at":"2019-02-20T22:07:37Z","entry_id":4,"status":null,"latitude":null,"longitude":null,"elevation":null}"#,
                },
            ),
            (
                &[Docs],
                Expected {
                    status: 200,
                    headers: &[JSON, FRESH],
                    body: r#"{"channel_id":86945,"created_at":"2019-02-20T22:07:37Z","entry_id":4,"field1":"1","field2":null,"field3":null,"field4":null,"field5":null,"field6":null,"field7":null,"field8":null,"latitude":null,"longitude":null,"elevation":null,"status":null}"#,
                },
            ),
        ],
    },
    Case {
        title: "a write of the original firmware",
        source: "yellow-duck",
        after: &[],
        request: "POST /update\nX-THINGSPEAKAPIKEY: PUBLICWRITE00000\nContent-Type: application/x-www-form-urlencoded\n\nfield1=23.40&field2=45.60\n",
        replies: &[(ALL, Expected { status: 200, headers: &[HTML, FRESH], body: "4" })],
    },
    Case {
        title: "a write of the Arduino library",
        source: "mathworks/thingspeak-arduino 2.1.1",
        after: &[],
        request: "POST /update\nX-THINGSPEAKAPIKEY: PUBLICWRITE00000\nContent-Type: application/x-www-form-urlencoded\n\nfield1=23.40000&headers=false",
        replies: &[
            (
                &[Docs, OpenSource2015],
                Expected {
                    status: 200,
                    headers: &[("content-type", ABSENT), ("access-control-allow-origin", ABSENT)],
                    body: "4",
                },
            ),
            (
                &[Recorded2019],
                Expected { status: 200, headers: &[("content-type", ABSENT), ("server", ABSENT), CHUNKED], body: "4" },
            ),
        ],
    },
    Case {
        title: "a second entry of the same time",
        source: "ours; 2015",
        after: &[],
        request: "POST /update?api_key=PUBLICWRITE00000&created_at=2017-02-11T19:48:30Z",
        replies: &[
            (&[Docs, Recorded2019], Expected { status: 409, headers: &[HTML, NO_CACHE], body: "error_conflict" }),
            (&[OpenSource2015], Expected { status: 200, headers: &[HTML, FRESH], body: "4" }),
        ],
    },
    Case {
        title: "an error in text",
        source: "doc error-codes",
        after: &[],
        request: "GET /nowhere",
        replies: &[(ALL, Expected { status: 404, headers: &[HTML, NO_CACHE], body: "error_resource_not_found" })],
    },
    Case {
        title: "an error in XML",
        source: "doc error-codes; 2015",
        after: &[],
        request: "GET /channels/1/feeds.xml",
        replies: &[
            (
                &[Docs, Recorded2019],
                Expected {
                    status: 404,
                    headers: &[XML],
                    body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error><error-code>error_resource_not_found</error-code><message>Resource Not Found</message><details>The requested resource was not found. Please check the URL and try again.</details></error>",
                },
            ),
            (
                &[OpenSource2015],
                Expected {
                    status: 404,
                    headers: &[XML],
                    body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hash><status>404</status><error><error-code>error_resource_not_found</error-code><message>Resource Not Found</message><details>The requested resource was not found. Please check the URL and try again.</details></error></hash>",
                },
            ),
        ],
    },
    Case {
        title: "the last entry of a private channel without a key",
        source: "2015; doc readlastentry",
        after: &[],
        request: "GET /channels/204504/feeds/last.json",
        replies: &[
            (&[OpenSource2015], Expected { status: 200, headers: &[JSON], body: "\"-1\"" }),
            (&[Docs, Recorded2019], Expected { status: 400, headers: &[JSON, NO_CACHE], body: "-1" }),
        ],
    },
    Case {
        title: "the last entry as the Arduino library reads it",
        source: "mathworks/thingspeak-arduino 2.1.1",
        after: &[],
        request: "GET /channels/86945/feeds/last.txt?status=true&location=true",
        replies: &[(
            ALL,
            Expected {
                status: 200,
                headers: &[TEXT],
                body: r#"{"created_at":"2017-02-11T19:48:30Z","entry_id":3,"field1":"1","field2":null,"latitude":null,"longitude":null,"elevation":null,"status":null}"#,
            },
        )],
    },
    Case {
        title: "the last value of a field",
        source: "2015",
        after: &[],
        request: "GET /channels/86945/fields/2/last",
        replies: &[(ALL, Expected { status: 200, headers: &[HTML], body: "58.9" })],
    },
    Case {
        title: "a feed in CSV",
        source: "doc readdata",
        after: &[],
        request: "GET /channels/86945/feeds.csv?results=2",
        replies: &[(
            ALL,
            Expected {
                status: 200,
                headers: &[CSV],
                body: "created_at,entry_id,field1,field2\n2016-02-09 20:30:16 UTC,2,25.0,58.9\n2017-02-11 19:48:30 UTC,3,1,\n",
            },
        )],
    },
    Case {
        title: "a field in XML, in a time zone",
        source: "doc readfield",
        after: &[],
        request: "GET /channels/86945/fields/1.xml?results=1&timezone=America/New_York",
        replies: &[(
            ALL,
            Expected {
                status: 200,
                headers: &[XML],
                body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<channel><id type=\"integer\">86945</id><name>py thingspeak</name><description>Python thingspeak testing</description><latitude type=\"decimal\">0.0</latitude><longitude type=\"decimal\">0.0</longitude><field1>cpu_pc</field1><created-at type=\"dateTime\">2016-02-09T15:22:23-05:00</created-at><updated-at type=\"dateTime\">2017-02-11T16:40:41-05:00</updated-at><last-entry-id type=\"integer\">3</last-entry-id><feeds type=\"array\"><feed><created-at type=\"dateTime\">2017-02-11T14:48:30-05:00</created-at><entry-id type=\"integer\">3</entry-id><field1>1</field1><id type=\"integer\" nil=\"true\"/></feed></feeds></channel>",
            },
        )],
    },
    Case {
        title: "a bulk update in CSV",
        source: "doc bulkwritecsvdata",
        after: &[],
        request: "POST /channels/86945/bulk_update.csv\nContent-Type: application/x-www-form-urlencoded\n\nwrite_api_key=PUBLICWRITE00000&time_format=absolute&updates=2018-06-14T12:12:22-0500,2.3,4.6,,,,,,8.7,40.1,-7.5,3,wet|2018-06-14 12:12:22,1.1",
        replies: &[(ALL, Expected { status: 202, headers: &[JSON, FRESH], body: r#"{"success":true}"# })],
    },
    Case {
        title: "what a bulk update in CSV stored",
        source: "doc bulkwritecsvdata",
        after: &[
            "POST /channels/86945/bulk_update.csv\n\nwrite_api_key=PUBLICWRITE00000&time_format=absolute&updates=2018-06-14T12:12:22-0500,2.3,4.6,,,,,,8.7,40.1,-7.5,3,wet|2018-06-14 12:12:22,1.1",
        ],
        request: "GET /channels/86945/feeds.csv?results=2&location=true&status=true",
        replies: &[(
            ALL,
            Expected {
                status: 200,
                headers: &[CSV],
                body: "created_at,entry_id,field1,field2,latitude,longitude,elevation,status\n2018-06-14 12:12:22 UTC,5,1.1,,,,,\n2018-06-14 17:12:22 UTC,4,2.3,4.6,40.1,-7.5,3,wet\n",
            },
        )],
    },
    Case {
        title: "a bulk update that comes too soon",
        source: "matlabcentral 592618",
        after: &[AN_UPDATE],
        request: "POST /channels/86945/bulk_update.json\nContent-Type: application/json\n\n{\"write_api_key\":\"PUBLICWRITE00000\",\"updates\":[{\"delta_t\":0,\"field1\":1}]}",
        replies: &[(
            ALL,
            Expected {
                status: 429,
                headers: &[JSON, NO_CACHE],
                body: r#"{"status":"429","error":{"error_code":"error_too_many_requests","message":"Too Many Requests","details":"Please wait before making another request."}}"#,
            },
        )],
    },
    Case {
        title: "a command in JSON, in the zone of the documentation",
        source: "doc talkback",
        after: &[],
        request: "GET /talkbacks/3/commands/18.json?api_key=TALKBACK00000000&timezone=America/New_York",
        replies: &[(
            ALL,
            Expected {
                status: 200,
                headers: &[JSON],
                body: r#"{"command_string":"OPENDOOR","created_at":"2013-12-29T17:53:40-05:00","executed_at":null,"id":18,"position":5}"#,
            },
        )],
    },
    Case {
        title: "a command beside an update",
        source: "2015",
        after: &[],
        request: "POST /update\n\napi_key=PUBLICWRITE00000&talkback_key=TALKBACK00000000",
        replies: &[(ALL, Expected { status: 200, headers: &[HTML], body: "OPENDOOR" })],
    },
    Case {
        title: "the last executed command, when none was",
        source: "doc getlastexecutedtalkbackcommand",
        after: &[],
        request: "GET /talkbacks/3/commands/last?api_key=TALKBACK00000000",
        replies: &[(ALL, Expected { status: 404, headers: &[HTML], body: "error_resource_not_found" })],
    },
    Case {
        title: "a user's channels with a wrong key",
        source: "2015; doc error-codes",
        after: &[],
        request: "GET /channels.json?api_key=INVALID",
        replies: &[
            (
                &[Recorded2019, OpenSource2015],
                Expected { status: 401, headers: &[JSON], body: r#"{"error":"Could not authenticate you."}"# },
            ),
            (&[Docs], Expected { status: 401, headers: &[JSON], body: UNAUTHORIZED }),
        ],
    },
    Case {
        title: "a public channel, looked at",
        source: "doc channel view",
        after: &[],
        request: "GET /channels/86945.json",
        replies: &[(
            ALL,
            Expected {
                status: 200,
                headers: &[JSON],
                body: r#"{"id":86945,"name":"py thingspeak","description":"Python thingspeak testing","latitude":"0.0","longitude":"0.0","created_at":"2016-02-09T20:22:23Z","elevation":null,"last_entry_id":3,"ranking":50,"username":"duck","tags":[]}"#,
            },
        )],
    },
    Case {
        title: "a channel, made by its owner",
        source: "doc channel create, 2015",
        after: &[],
        request: "POST /channels.json\n\napi_key=USERKEY&name=My+New+Channel",
        replies: &[(
            ALL,
            Expected {
                status: 200,
                headers: &[JSON, FRESH],
                body: r#"{"id":NEW,"name":"My New Channel","description":null,"metadata":null,"latitude":null,"longitude":null,"created_at":"2019-02-20T22:07:37Z","elevation":null,"last_entry_id":null,"ranking":15,"username":"duck","tags":[],"api_keys":[{"api_key":"NEWWRITE","write_flag":true},{"api_key":"NEWREAD","write_flag":false}]}"#,
            },
        )],
    },
    Case {
        title: "a channel, emptied by its owner",
        source: "doc channel clear, 2015",
        after: &[],
        request: "DELETE /channels/86945/feeds.json\n\napi_key=USERKEY",
        replies: &[(ALL, Expected { status: 200, headers: &[JSON], body: "[]" })],
    },
    Case {
        title: "the age of the last entry",
        source: "doc readlastentryage",
        after: &[AN_UPDATE],
        request: "GET /channels/86945/feeds/last_data_age.json",
        replies: &[(
            ALL,
            Expected { status: 200, headers: &[JSON], body: r#"{"last_data_age":"0","last_data_age_units":"s"}"# },
        )],
    },
    Case {
        title: "the number of the last entry in XML",
        source: "doc readlastentryid",
        after: &[],
        request: "GET /channels/86945/last_entry_id.xml",
        replies: &[(ALL, Expected { status: 200, headers: &[XML], body: r#"<xml class="last_entry_id">3</xml>"# })],
    },
    Case {
        title: "statuses",
        source: "doc readstatus, 2015",
        after: &["POST /update?api_key=PUBLICWRITE00000&status=wet"],
        request: "GET /channels/86945/status.json?results=1",
        replies: &[(
            ALL,
            Expected {
                status: 200,
                headers: &[JSON],
                body: r#"{"channel":{"name":"py thingspeak","latitude":"0.0","longitude":"0.0"},"feeds":[{"created_at":"2019-02-20T22:07:37Z","entry_id":4,"status":"wet"}]}"#,
            },
        )],
    },
    Case {
        title: "averages, rounded",
        source: "doc readdata, 2015",
        after: &[],
        request: "GET /channels/86945/fields/1.csv?start=2016-02-09&end=2016-02-10&average=10&round=2",
        replies: &[(
            ALL,
            Expected {
                status: 200,
                headers: &[CSV],
                body: "created_at,field1\n2016-02-09 20:20:00 UTC,9.20\n2016-02-09 20:30:00 UTC,25.00\n",
            },
        )],
    },
    Case {
        title: "a channel described as by the form on its page, over what stands beside it",
        source: "2015",
        after: &[],
        request: "PUT /channels/86945.json?api_key=USERKEY&name=flat\nContent-Type: application/x-www-form-urlencoded\n\nchannel[name]=Pond&channel%5Bdescription%5D=&tags[name]=",
        replies: &[(ALL, Expected { status: 200, headers: &[JSON], body: POND })],
    },
    Case {
        title: "a channel described in JSON as Rails wraps it",
        source: "ours, as the form",
        after: &[],
        request: "PUT /channels/86945.json?api_key=USERKEY\nContent-Type: application/json\n\n{\"channel\":{\"name\":\"Pond\",\"description\":\"\"}}",
        replies: &[(ALL, Expected { status: 200, headers: &[JSON], body: POND })],
    },
    Case {
        title: "a parameter that is a value and has values inside",
        source: "ours; Rails refuses it as well",
        after: &[],
        request: "PUT /channels/86945.json?api_key=USERKEY&channel=1&channel[name]=Pond",
        replies: &[(ALL, Expected { status: 400, headers: &[JSON], body: BAD_REQUEST })],
    },
    Case {
        title: "a bracket that is not closed",
        source: "ours",
        after: &[],
        request: "PUT /channels/86945.json?api_key=USERKEY&channel[name=Pond",
        replies: &[(ALL, Expected { status: 400, headers: &[JSON], body: BAD_REQUEST })],
    },
    Case {
        title: "fields inside of something, of which an update knows nothing",
        source: "2015",
        after: &[],
        request: "POST /update?api_key=PUBLICWRITE00000&channel[field1]=7",
        replies: &[(ALL, Expected { status: 200, headers: &[HTML], body: "4" })],
    },
    Case {
        title: "a bulk update in a form, which is documented for CSV alone",
        source: "ours",
        after: &[],
        request: "POST /channels/86945/bulk_update.json\nContent-Type: application/x-www-form-urlencoded\n\nwrite_api_key=PUBLICWRITE00000&updates[][delta_t]=0&updates[][field1]=7",
        replies: &[(ALL, Expected { status: 400, headers: &[JSON], body: BAD_REQUEST })],
    },
    Case {
        title: "a value that is no UTF-8",
        source: "doc error-codes",
        after: &[],
        request: "GET /update?api_key=PUBLICWRITE00000&field1=%ff",
        replies: &[(ALL, Expected { status: 422, headers: &[HTML, NO_CACHE], body: "error_invalid_byte_sequence" })],
    },
    Case {
        title: "a method that is none for the resource",
        source: "doc error-codes",
        after: &[],
        request: "DELETE /update.json?api_key=PUBLICWRITE00000",
        replies: &[(
            ALL,
            Expected {
                status: 405,
                headers: &[JSON],
                body: r#"{"status":"405","error":{"error_code":"error_method_invalid","message":"Method Not Allowed","details":"Please use the proper HTTP method for this request."}}"#,
            },
        )],
    },
    Case {
        title: "a preflight of a page from elsewhere",
        source: "rec 2019-02-20 for the headers; ours",
        after: &[],
        request: "OPTIONS /update.json\nOrigin: http://pond.example\nAccess-Control-Request-Method: POST",
        replies: &[(ALL, Expected { status: 200, headers: &[ORIGIN, METHODS], body: "" })],
    },
    Case {
        title: "a feed that the client has already",
        source: "Rack 1.5, which the recordings and the server of 2015 are of",
        after: &[],
        request: "GET /channels/86945/fields/1/last.txt\nIf-None-Match: \"c4ca4238a0b923820dcc509a6f75849b\"",
        replies: &[
            (
                &[Recorded2019, OpenSource2015],
                Expected { status: 304, headers: &[("etag", "\"c4ca4238a0b923820dcc509a6f75849b\"")], body: "" },
            ),
            (&[Docs], Expected { status: 200, headers: &[TEXT, ("etag", ABSENT)], body: "1" }),
        ],
    },
];

const BAD_REQUEST: &str = r#"{"status":"400","error":{"error_code":"error_bad_request","message":"Bad Request","details":"The request cannot be fulfilled due to bad syntax."}}"#;

/// The public channel, described anew.
const POND: &str = r#"{"id":86945,"name":"Pond","description":null,"metadata":null,"latitude":"0.0","longitude":"0.0","created_at":"2016-02-09T20:22:23Z","elevation":null,"last_entry_id":3,"ranking":30,"username":"duck","tags":[],"api_keys":[{"api_key":"PUBLICWRITE00000","write_flag":true},{"api_key":"PUBLICREAD000000","write_flag":false}]}"#;

/// The private channel's feed.
const PRIVATE_FEED: &str = r#"{"channel":{"id":204504,"name":"py thingspeak","description":"Testing private channel","latitude":"0.0","longitude":"0.0","field1":"label1","field2":"label2","created_at":"2016-12-18T11:03:55Z","updated_at":"2017-02-11T21:40:41Z","last_entry_id":1},"feeds":[{"created_at":"2017-02-11T20:13:49Z","entry_id":1,"field1":"1","field2":null}]}"#;
