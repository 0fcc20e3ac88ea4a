//! Faults of what is behind a router: replies, answers and options that a file writes.

use std::net::Ipv4Addr;

use fake_thingspeak::serve::check_header;

use crate::diagnostics::Diagnostic;
use crate::grammar::faults::internet::LeftOut;
use crate::model::{DhcpOptions, DnsAnswer, Pieces, Told, WrittenReply};
use crate::resolve::Resolver;
use crate::tree::{Fields, Node, Value};

impl Resolver<'_, '_> {
    /// A reply that is written in the file.
    pub(super) fn reply(&mut self, fields: &Fields) -> Option<WrittenReply> {
        let mut reply = WrittenReply::default();
        let mut good = true;
        if let Some(status) = fields.integer("status").and_then(|status| u16::try_from(status).ok()) {
            reply.status = status;
        }
        if let Some(Value::TextMap(headers)) = fields.get("headers").map(|node| &node.value) {
            for (name, (span, value)) in headers {
                if let Err(error) = check_header(name, value) {
                    good = false;
                    self.report(Diagnostic::new(error.to_string(), span.clone(), "cannot be sent"));
                }
                reply.headers.push((name.clone(), value.clone()));
            }
        }
        reply.body = fields.text("body").unwrap_or_default().to_owned();
        reply.stores = fields.boolean("stores").unwrap_or(false);
        reply.pieces = fields.table("pieces").and_then(|fields| {
            let bytes = fields.integer("bytes").and_then(|bytes| usize::try_from(bytes).ok())?;
            Some(Pieces { bytes, pause: fields.duration("pause").unwrap_or_default() })
        });
        reply.close_after = fields.integer("close-after-bytes").and_then(|bytes| usize::try_from(bytes).ok());
        good.then_some(reply)
    }

    /// What a DHCP server tells its clients.
    pub(super) fn dhcp_options(&mut self, fields: &Fields) -> Option<DhcpOptions> {
        let lease = match fields.get("lease") {
            Some(node) => Some(u32::try_from(self.positive(node, "lease")?.as_secs()).unwrap_or(u32::MAX)),
            None => None,
        };
        let told = |key| fields.get(key).and_then(address);
        Some(DhcpOptions {
            gateway: self.told(fields, "gateway", LeftOut::Gateway, told("gateway")),
            name_server: self.told(fields, "name-server", LeftOut::NameServer, told("name-server")),
            subnet_mask: self.told(fields, "subnet-mask", LeftOut::SubnetMask, told("subnet-mask")),
            lease: self.told(fields, "lease", LeftOut::Lease, lease),
        })
    }

    /// What is told of an option: `value`, if it has a key of its own, or nothing, if it is in `without`.
    fn told<T>(&mut self, fields: &Fields, key: &str, option: LeftOut, value: Option<T>) -> Told<T> {
        let left_out = fields.list("without").iter().any(|node| node.word() == Some(option));
        if left_out && let Some(span) = fields.key_span(key) {
            self.report(
                Diagnostic::new(format!("`{key}` is told and left out"), span, "and in `without`")
                    .help("keep one of them"),
            );
        }
        match value {
            _ if left_out => Told::Nothing,
            Some(value) => Told::Other(value),
            None => Told::True,
        }
    }

    /// What a name server answers.
    pub(super) fn dns_answer(&mut self, fields: &Fields) -> Option<DnsAnswer> {
        let names = fields.get("name").into_iter().chain(fields.list("aliases"));
        names.for_each(|node| self.host(node));
        let lower = |node: &Node| node.text().map(str::to_ascii_lowercase);
        let time_to_live = fields.duration("ttl").map(|ttl| u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX));
        let addresses = fields.get("addresses").map(|list| list.items().iter().filter_map(address).collect());
        let is = |key| fields.boolean(key).unwrap_or(false);
        Some(DnsAnswer {
            name: fields.get("name").and_then(lower),
            aliases: fields.list("aliases").iter().filter_map(lower).collect(),
            addresses,
            time_to_live,
            only_ipv6: is("only-ipv6"),
            is_truncated: is("truncated"),
            has_wrong_id: is("wrong-id"),
        })
    }
}

fn address(node: &Node) -> Option<Ipv4Addr> {
    match node.value {
        Value::Ipv4Address(address) => Some(address),
        _ => None,
    }
}
