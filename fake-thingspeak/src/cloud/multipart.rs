//! Forms in parts (`multipart/form-data`, RFC 7578), as `curl -F` and forms of HTML send them.
//!
//! Not modelled: files among them, and line ends without carriage return. Such a form is refused, as no parameter of
//! the service is a file, and nothing is to be taken for what it is not.

use std::convert::Infallible;

use futures_util::{FutureExt, future, stream};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use hyper::body::Bytes;
use multer::{Multipart, parse_boundary};

use super::error::Failure;

/// The names and values of a form in parts, in order.
pub(super) fn fields(request: &Request<Bytes>) -> Result<Vec<(String, String)>, Failure> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = parse_boundary(content_type).map_err(|_| Failure::BadRequest)?;
    let parts = delimiters(request.body(), &boundary).saturating_sub(1);
    let body = stream::once(future::ready(Ok::<_, Infallible>(request.body().clone())));
    let mut form = Multipart::new(body, boundary);
    let fields = async {
        let mut fields = Vec::new();
        while let Some(field) = form.next_field().await.map_err(|_| Failure::BadRequest)? {
            let name = field.name().map(str::to_owned).ok_or(Failure::BadRequest)?;
            if is_file(field.headers().get(CONTENT_DISPOSITION)) {
                return Err(Failure::BadRequest);
            }
            let value = field.bytes().await.map_err(|_| Failure::BadRequest)?;
            fields.push((name, String::from_utf8(value.into()).map_err(|_| Failure::InvalidByteSequence)?));
        }
        // multer takes for a part's head all until the first empty line with a carriage return, be it beyond the part.
        if fields.len() == parts { Ok(fields) } else { Err(Failure::BadRequest) }
    };
    // All of the body is there: what would have to wait for more is cut short.
    fields.now_or_never().unwrap_or(Err(Failure::BadRequest))
}

/// How often the line that comes before each part, and behind the last one, is there.
fn delimiters(body: &[u8], boundary: &str) -> usize {
    let line = format!("\r\n--{boundary}");
    let first = usize::from(body.starts_with(&line.as_bytes()[2..]));
    first + body.windows(line.len()).filter(|there| *there == line.as_bytes()).count()
}

/// Whether a part has the name of a file, in whichever way (RFC 7578 §4.2).
fn is_file(disposition: Option<&HeaderValue>) -> bool {
    let disposition = disposition.map(HeaderValue::as_bytes).unwrap_or_default().to_ascii_lowercase();
    [&b"filename="[..], b"filename*="].iter().any(|name| disposition.windows(name.len()).any(|there| there == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, body: &'static [u8]) -> Result<Vec<(String, String)>, Failure> {
        let request =
            Request::post("/update").header(CONTENT_TYPE, content_type).body(Bytes::from_static(body)).unwrap();
        fields(&request)
    }

    #[test]
    fn parts_are_names_and_values() {
        let body = b"preamble\r\n--b-1\r\nContent-Disposition: form-data; name=\"field1\"\r\n\r\n21.5\r\n--b-1\r\n\
            content-disposition: form-data; name=status\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
            a=b&c\r\n%C3%A9 \xc3\xa9\r\n--b-1\r\nContent-Disposition: form-data; name=\"field2\"\r\n\r\n\r\n--b-1--\r\n";
        let expected = [("field1", "21.5"), ("status", "a=b&c\r\n%C3%A9 é"), ("field2", "")];
        let read = read("Multipart/Form-Data; Boundary=\"b-1\"", body).unwrap();
        assert!(read.iter().map(|(name, value)| (&**name, &**value)).eq(expected), "{read:?}");
    }

    #[test]
    fn what_is_no_whole_form_is_refused() {
        const WHOLE: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"field1\"\r\n\r\n21.5\r\n--b--";
        let form = "multipart/form-data; boundary=b";
        assert!(read(form, WHOLE).is_ok());
        for end in 0..WHOLE.len() {
            assert_eq!(read(form, &WHOLE[..end]), Err(Failure::BadRequest), "{end} bytes");
        }
        assert_eq!(read("multipart/form-data", WHOLE), Err(Failure::BadRequest));
        assert_eq!(read("multipart/form-data; boundary=c", WHOLE), Err(Failure::BadRequest));
        let file = b"--b\r\nContent-Disposition: form-data; name=\"field1\"; filename=\"x\"\r\n\r\n21.5\r\n--b--";
        assert_eq!(read(form, file), Err(Failure::BadRequest));
        let file = b"--b\r\nContent-Disposition: form-data; name=\"field1\"; FileName*=UTF-8''x\r\n\r\n21.5\r\n--b--";
        assert_eq!(read(form, file), Err(Failure::BadRequest));
        let mixed = b"--b\r\nContent-Disposition: form-data; name=\"field1\"\n\n21.5\r\n--b\r\n\
            Content-Disposition: form-data; name=\"field2\"\r\n\r\n22\r\n--b--";
        assert_eq!(read(form, mixed), Err(Failure::BadRequest));
        let nameless = b"--b\r\nContent-Disposition: form-data\r\n\r\n21.5\r\n--b--";
        assert_eq!(read(form, nameless), Err(Failure::BadRequest));
        let no_text = b"--b\r\nContent-Disposition: form-data; name=\"field1\"\r\n\r\n\xff\r\n--b--";
        assert_eq!(read(form, no_text), Err(Failure::InvalidByteSequence));
    }
}
