//! A reply as an order writes it: `status`, `headers` (a line each, `Name: value`), `body`, `stores`, `piece-bytes`
//! with `pause`, `close-after-bytes`. All may be left out.

use std::time::Duration;

use fake_thingspeak::serve::{Pieces, WrittenReply, check_header};

use super::{seconds, status_of};

/// Reads a reply out of what `take` has.
pub(super) fn parse(take: &mut impl FnMut(&str) -> Option<String>) -> Result<WrittenReply, String> {
    let mut filled = |name: &str| take(name).filter(|text| !text.is_empty());
    let mut reply = WrittenReply::default();
    if let Some(status) = filled("status") {
        reply.status = status_of(&status)?;
    }
    for line in filled("headers").unwrap_or_default().lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) =
            line.split_once(':').ok_or_else(|| format!("`{line}` is no header like `Retry-After: 60`"))?;
        check_header(name.trim(), value.trim()).map_err(|error| error.to_string())?;
        reply.headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    reply.body = filled("body").unwrap_or_default();
    reply.stores = match filled("stores").as_deref() {
        None | Some("false") => false,
        Some("true" | "on") => true,
        Some(other) => return Err(format!("`stores` is true or false, not `{other}`")),
    };
    reply.pieces = match (filled("piece-bytes"), filled("pause")) {
        (None, None) => None,
        (Some(bytes), pause) => Some(Pieces {
            bytes: count("piece-bytes", &bytes)?,
            pause: pause.map_or(Ok(Duration::ZERO), |pause| seconds("pause", &pause))?,
        }),
        (None, Some(_)) => return Err("`pause` needs `piece-bytes`: it is between two pieces".to_owned()),
    };
    reply.close_after = filled("close-after-bytes").map(|bytes| count("close-after-bytes", &bytes)).transpose()?;
    Ok(reply)
}

/// A number of bytes.
fn count(name: &str, text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|count| *count > 0);
    number.ok_or_else(|| format!("`{name}` is a number of bytes from 1, not `{text}`"))
}
