//! Part of the table: an account that has as many channels as it may have, and no message left.

use fake_thingspeak::cloud::Profile::{Docs, OpenSource2015, Recorded2019};

use super::exchanges::{ALL, Case, Expected, HTML, JSON, NO_CACHE, TEXT, XML};

const PAYMENT: &str = r#"{"status":"402","error":{"error_code":"error_payment_required","message":"Payment Required","details":"The account has no channel or no message of this year left."}}"#;
const PAYMENT_XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error><error-code>error_payment_required</error-code><message>Payment Required</message><details>The account has no channel or no message of this year left.</details></error>";
const PAYMENT_XML_2015: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hash><status>402</status><error><error-code>error_payment_required</error-code><message>Payment Required</message><details>The account has no channel or no message of this year left.</details></error></hash>";

/// Requests to such an account.
pub const SPENT: &[Case] = &[
    Case {
        title: "an update beyond the account's messages",
        source: "doc error-codes; ours",
        after: &[],
        request: "POST /update\n\napi_key=PUBLICWRITE00000&field1=1",
        replies: &[(ALL, Expected { status: 402, headers: &[HTML, NO_CACHE], body: "error_payment_required" })],
    },
    Case {
        title: "the same in JSON",
        source: "doc error-codes; ours",
        after: &[],
        request: "POST /update.json?api_key=PUBLICWRITE00000&field1=1",
        replies: &[(ALL, Expected { status: 402, headers: &[JSON, NO_CACHE], body: PAYMENT })],
    },
    Case {
        title: "the same in XML",
        source: "doc error-codes; ours",
        after: &[],
        request: "POST /update.xml?api_key=PUBLICWRITE00000&field1=1",
        replies: &[
            (&[Docs, Recorded2019], Expected { status: 402, headers: &[XML, NO_CACHE], body: PAYMENT_XML }),
            (&[OpenSource2015], Expected { status: 402, headers: &[XML, NO_CACHE], body: PAYMENT_XML_2015 }),
        ],
    },
    Case {
        title: "the same in text",
        source: "doc error-codes; ours",
        after: &[],
        request: "POST /update.txt?api_key=PUBLICWRITE00000&field1=1",
        replies: &[(ALL, Expected { status: 402, headers: &[TEXT, NO_CACHE], body: "error_payment_required" })],
    },
    Case {
        title: "a bulk update beyond the account's messages",
        source: "doc error-codes; ours",
        after: &[],
        request: "POST /channels/86945/bulk_update.json\nContent-Type: application/json\n\n{\"write_api_key\":\"PUBLICWRITE00000\",\"updates\":[{\"delta_t\":0,\"field1\":1}]}",
        replies: &[(ALL, Expected { status: 402, headers: &[JSON, NO_CACHE], body: PAYMENT })],
    },
    Case {
        title: "the same in CSV, whose replies are JSON",
        source: "doc error-codes; ours",
        after: &[],
        request: "POST /channels/86945/bulk_update.csv\n\nwrite_api_key=PUBLICWRITE00000&time_format=relative&updates=0,1",
        replies: &[(ALL, Expected { status: 402, headers: &[JSON, NO_CACHE], body: PAYMENT })],
    },
    Case {
        title: "a channel beyond the account's",
        source: "doc error-codes; ours",
        after: &[],
        request: "POST /channels.json?api_key=USERKEY&name=pond",
        replies: &[(ALL, Expected { status: 402, headers: &[JSON, NO_CACHE], body: PAYMENT })],
    },
    Case {
        title: "the same in XML",
        source: "doc error-codes; ours",
        after: &[],
        request: "POST /channels.xml?api_key=USERKEY&name=pond",
        replies: &[
            (&[Docs, Recorded2019], Expected { status: 402, headers: &[XML, NO_CACHE], body: PAYMENT_XML }),
            (&[OpenSource2015], Expected { status: 402, headers: &[XML, NO_CACHE], body: PAYMENT_XML_2015 }),
        ],
    },
    Case {
        title: "the same without a format",
        source: "doc error-codes; ours",
        after: &[],
        request: "POST /channels?api_key=USERKEY&name=pond",
        replies: &[(ALL, Expected { status: 402, headers: &[JSON, NO_CACHE], body: PAYMENT })],
    },
];
