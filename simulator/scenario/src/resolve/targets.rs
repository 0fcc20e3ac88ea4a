//! What may differ between host and chip.

use super::Resolver;
use crate::diagnostics::Diagnostic;
use crate::model::{Aspect, Targets};
use crate::tree::{Fields, Node};

impl Resolver<'_, '_> {
    pub(super) fn targets(&mut self, fields: &Fields) -> Targets {
        if let Some(node) = fields.get("because")
            && node.text().is_some_and(|text| text.trim().is_empty())
        {
            self.report(
                Diagnostic::new("the reason is empty", node.span.clone(), "empty")
                    .help("say why host and chip may differ: \"the chip needs longer for an RSA signature\""),
            );
        }
        let named: Vec<Aspect> = fields.list("may-differ").iter().filter_map(Node::word).collect();
        Targets {
            tolerance: fields.duration("tolerance").unwrap_or(Targets::TOLERANCE),
            may_differ: Aspect::ALL.into_iter().filter(|aspect| named.contains(aspect)).collect(),
            because: fields.text("because").map(|text| text.trim().to_owned()),
        }
    }
}
