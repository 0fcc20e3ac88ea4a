//! What each kind of phone or computer does by itself in a network that it has just joined: it asks a server of its
//! maker for a known answer, and takes another answer for a login page. And what its browser says.
//!
//! After the sources and documents of their makers, and requests as devices have logged them: Android's
//! `NetworkMonitor` (AOSP, packages/modules/NetworkStack: the check, its header fields, its limit of 10 s, again after
//! 1 s, 2 s, 4 s, …); Apple's `CaptiveNetworkSupport`, whose check is HTTP/1.0 and whose login page is the check's own
//! address in a browser of its own; Windows' Network Connectivity Status Indicator, which opens `/redirect`; Firefox's
//! `CaptiveDetect` (netwerk/docs/captive_portals.md), which compares `canonical.html` and asks for `success.txt` twice.
//!
//! Not modelled: the checks over HTTPS and IPv6, which meet nothing in a device's network; captive portal APIs (RFC
//! 8908); that Android may take a private address for no portal at all; how versions of one kind differ.

use super::http::{Reply, VERSION};

/// What a phone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneKind {
    /// A phone with Android.
    Android,
    /// An iPhone.
    Ios,
    /// A computer with Windows.
    Windows,
    /// A computer on which Firefox runs.
    Firefox,
}

/// A request by which a kind finds out whether there is a login page.
pub(super) struct Probe {
    pub host: &'static str,
    pub path: &'static str,
    pub version: &'static str,
    /// In this order; `Host` is sent first if it is not among them.
    pub headers: &'static [(&'static str, &'static str)],
}

/// What a kind takes an answer to its check for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The internet.
    Free,
    /// A login page.
    Portal,
    /// Nothing: it asks again.
    Unclear,
}

impl PhoneKind {
    /// Its word, and what that means.
    pub const fn row(self) -> (&'static str, Self, &'static str) {
        match self {
            Self::Android => (
                "android",
                self,
                "Android: asks connectivitycheck.gstatic.com for /generate_204, and for nothing else.",
            ),
            Self::Ios => (
                "ios",
                self,
                "An iPhone: asks captive.apple.com for /hotspot-detect.html in HTTP/1.0, and shows a login page in a browser of its own.",
            ),
            Self::Windows => (
                "windows",
                self,
                "Windows: asks www.msftconnecttest.com for /connecttest.txt, and opens /redirect there.",
            ),
            Self::Firefox => (
                "firefox",
                self,
                "Firefox on a computer: asks detectportal.firefox.com for /canonical.html, and twice for /success.txt.",
            ),
        }
    }

    /// How many connections its browser opens besides the one that it needs.
    pub fn spare_connections(self) -> usize {
        match self {
            // What shows a login page there is no whole browser.
            Self::Ios => 0,
            Self::Android | Self::Windows | Self::Firefox => 1,
        }
    }

    /// Whether it checks again after each page that it has shown.
    pub(super) fn checks_after_pages(self) -> bool {
        matches!(self, Self::Android | Self::Ios)
    }

    /// What it asks for, all at once; the first one's answer counts.
    pub(super) fn probes(self) -> &'static [Probe] {
        match self {
            Self::Android => &[Probe {
                host: "connectivitycheck.gstatic.com",
                path: "/generate_204",
                version: VERSION,
                headers: &[
                    ("Connection", "close"),
                    (
                        "User-Agent",
                        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.32 Safari/537.36",
                    ),
                    ("Accept-Encoding", "gzip"),
                ],
            }],
            Self::Ios => &[Probe {
                host: "captive.apple.com",
                path: "/hotspot-detect.html",
                version: "HTTP/1.0",
                headers: &[("Connection", "close"), ("User-Agent", "CaptiveNetworkSupport-480 wispr")],
            }],
            Self::Windows => &[Probe {
                host: "www.msftconnecttest.com",
                path: "/connecttest.txt",
                version: VERSION,
                headers: &[
                    ("Connection", "Close"),
                    ("User-Agent", "Microsoft NCSI"),
                    ("Host", "www.msftconnecttest.com"),
                ],
            }],
            Self::Firefox => {
                const DETECTOR: &str = "detectportal.firefox.com";
                const HEADERS: &[(&str, &str)] = &[
                    FIREFOX,
                    ("Accept", "*/*"),
                    ("Accept-Language", "en-GB,en;q=0.5"),
                    ("Accept-Encoding", "gzip, deflate"),
                    ("Cache-Control", "no-cache"),
                    ("Pragma", "no-cache"),
                    ("Connection", "close"),
                    ("Priority", "u=4"),
                ];
                &[
                    Probe { host: DETECTOR, path: "/canonical.html", version: VERSION, headers: HEADERS },
                    Probe { host: DETECTOR, path: "/success.txt?ipv4", version: VERSION, headers: HEADERS },
                    Probe { host: DETECTOR, path: "/success.txt?ipv6", version: VERSION, headers: HEADERS },
                ]
            }
        }
    }

    /// What it takes the answer to its first question for; `None` stands for no answer.
    pub(super) fn verdict(self, reply: Option<&Reply>) -> Verdict {
        let Some(Reply { status, body, .. }) = reply else { return Verdict::Unclear };
        let known = match self {
            Self::Android => {
                return match status {
                    204 => Verdict::Free,
                    // A body of no more than four bytes cannot be a page.
                    200 if body.len() <= 4 => Verdict::Unclear,
                    200..=399 => Verdict::Portal,
                    _ => Verdict::Unclear,
                };
            }
            Self::Ios => "Success",
            Self::Windows => "Microsoft Connect Test",
            Self::Firefox => "https://support.mozilla.org/kb/captive-portal",
        };
        match status {
            200 if body.contains(known) => Verdict::Free,
            200..=399 | 511 => Verdict::Portal,
            // Apple shows whatever else comes.
            _ if self == Self::Ios => Verdict::Portal,
            _ => Verdict::Unclear,
        }
    }

    /// The address that it opens where it has found a login page, to which `redirect` of its check leads.
    pub(super) fn login_page(self, redirect: Option<&str>) -> String {
        match (self, redirect) {
            (Self::Android, Some(redirect)) => redirect.to_owned(),
            (Self::Windows, _) => "http://www.msftconnecttest.com/redirect".to_owned(),
            _ => {
                let Probe { host, path, .. } = self.probes()[0];
                format!("http://{host}{path}")
            }
        }
    }

    /// What its browser says with each request for a page.
    pub(super) fn browser(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Android => ANDROID_BROWSER,
            Self::Ios => &[
                ("Upgrade-Insecure-Requests", "1"),
                ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
                (
                    "User-Agent",
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
                ),
                ("Accept-Language", "en-GB,en;q=0.9"),
                ("Accept-Encoding", "gzip, deflate"),
                ("Connection", "keep-alive"),
            ],
            Self::Windows => &[
                ("Connection", "keep-alive"),
                ("Upgrade-Insecure-Requests", "1"),
                (
                    "User-Agent",
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0",
                ),
                (
                    "Accept",
                    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
                ),
                ("Accept-Encoding", "gzip, deflate"),
                ("Accept-Language", "en-GB,en;q=0.9,en-US;q=0.8"),
            ],
            Self::Firefox => &[
                FIREFOX,
                ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
                ("Accept-Language", "en-GB,en;q=0.5"),
                ("Accept-Encoding", "gzip, deflate"),
                ("Connection", "keep-alive"),
                ("Upgrade-Insecure-Requests", "1"),
                ("Priority", "u=0, i"),
            ],
        }
    }
}

const FIREFOX: (&str, &str) =
    ("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0");

/// What a browser on a phone with Android says, and one on a phone of no kind.
pub(super) const ANDROID_BROWSER: &[(&str, &str)] = &[
    (
        "User-Agent",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36",
    ),
    (
        "Accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
    ),
    ("Accept-Encoding", "gzip, deflate"),
    ("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"),
    ("Connection", "keep-alive"),
    ("Upgrade-Insecure-Requests", "1"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, location: None, charset: None, body: body.to_owned() }
    }

    #[test]
    fn each_kind_tells_its_own_answer_from_a_login_page() {
        use PhoneKind::{Android, Firefox, Ios, Windows};
        for (kind, status, body, expected) in [
            (Android, 204, "", Verdict::Free),
            (Android, 302, "", Verdict::Portal),
            (Android, 200, "<form>", Verdict::Portal),
            (Android, 200, "ok", Verdict::Unclear),
            (Android, 404, "no such page", Verdict::Unclear),
            (Ios, 200, "<BODY>Success</BODY>", Verdict::Free),
            (Ios, 200, "<form>", Verdict::Portal),
            (Ios, 404, "no such page", Verdict::Portal),
            (Windows, 200, "Microsoft Connect Test", Verdict::Free),
            (Windows, 302, "", Verdict::Portal),
            (Windows, 404, "", Verdict::Unclear),
            (Firefox, 200, "<meta content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>", Verdict::Free),
            (Firefox, 511, "", Verdict::Portal),
            (Firefox, 500, "", Verdict::Unclear),
        ] {
            assert_eq!(kind.verdict(Some(&reply(status, body))), expected, "{kind:?} {status} {body}");
        }
        assert_eq!(Ios.verdict(None), Verdict::Unclear);
    }

    #[test]
    fn each_kind_opens_another_address() {
        let page = |kind: PhoneKind, redirect| kind.login_page(redirect);
        assert_eq!(page(PhoneKind::Android, Some("http://192.168.4.1/")), "http://192.168.4.1/");
        assert_eq!(page(PhoneKind::Android, None), "http://connectivitycheck.gstatic.com/generate_204");
        assert_eq!(page(PhoneKind::Ios, Some("http://192.168.4.1/")), "http://captive.apple.com/hotspot-detect.html");
        assert_eq!(page(PhoneKind::Windows, None), "http://www.msftconnecttest.com/redirect");
        assert_eq!(page(PhoneKind::Firefox, None), "http://detectportal.firefox.com/canonical.html");
    }
}
