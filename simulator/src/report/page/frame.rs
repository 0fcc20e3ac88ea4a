//! What all pages have in common: the head, what they look like, and how data lies in them.

/// A page without what is told in it.
pub(in crate::report) struct Parts {
    /// Which page it is, for whoever looks at a file.
    pub(in crate::report) kind: &'static str,
    /// What is in `main`.
    pub(in crate::report) body: &'static str,
    /// What it does, file by file.
    pub(in crate::report) scripts: &'static [&'static str],
}

/// The frame; words in capitals and braces are filled in.
const FRAME: &str = include_str!("frame.html");
const STYLE: &str = include_str!("style.css");
/// What every page is made with.
const ELEMENTS: &str = include_str!("elements.js");

/// A page of its parts, a title, and [`data`] in order.
pub(in crate::report) fn page(parts: &Parts, title: &str, data: &[String]) -> String {
    let Parts { kind, body, scripts } = *parts;
    let (title, data) = (escaped(title), data.join("\n"));
    let script = [&[ELEMENTS], scripts].concat().join("\n");
    let filled = [
        ("{KIND}", kind),
        ("{TITLE}", &title),
        ("{STYLE}", STYLE),
        ("{KIND}", kind),
        ("{BODY}", body),
        ("{DATA}", &data),
        ("{SCRIPT}", &script),
    ];
    // Each once, from the front: nothing that is filled in is looked through.
    let (mut page, mut rest) = (String::new(), FRAME);
    for (mark, part) in filled {
        let (before, after) = rest.split_once(mark).expect("the frame has these marks in this order");
        page.push_str(before);
        page.push_str(part);
        rest = after;
    }
    page + rest
}

/// JSON as an element: nothing in it ends the element or begins a comment.
pub(in crate::report) fn data(json: &str) -> String {
    format!("<script type=\"application/json\">{}</script>", json.replace('<', "\\u003c"))
}

/// A text as it may stand in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
