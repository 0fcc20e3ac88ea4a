//! Faults of what is behind a router: replies, answers and options that a file writes.

use std::net::Ipv4Addr;

use fake_thingspeak::serve::check_header;

use crate::diagnostics::Diagnostic;
use crate::grammar::faults::internet::LeftOut;
use crate::model::{DhcpOptions, DnsAnswer, Pieces, Without, WrittenReply};
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
        let left_out = |option| fields.list("without").iter().any(|node| node.word() == Some(option));
        let without = Without {
            gateway: left_out(LeftOut::Gateway),
            name_server: left_out(LeftOut::NameServer),
            subnet_mask: left_out(LeftOut::SubnetMask),
            lease: left_out(LeftOut::Lease),
        };
        let told_and_not = [
            ("gateway", without.gateway),
            ("name-server", without.name_server),
            ("subnet-mask", without.subnet_mask),
            ("lease", without.lease),
        ];
        for (key, _) in told_and_not.into_iter().filter(|(_, without)| *without) {
            if let Some(span) = fields.key_span(key) {
                self.report(
                    Diagnostic::new(format!("`{key}` is told and left out"), span, "and in `without`")
                        .help("keep one of them"),
                );
            }
        }
        Some(DhcpOptions {
            gateway: fields.get("gateway").and_then(address),
            name_server: fields.get("name-server").and_then(address),
            subnet_mask: fields.get("subnet-mask").and_then(address),
            lease,
            without,
        })
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
