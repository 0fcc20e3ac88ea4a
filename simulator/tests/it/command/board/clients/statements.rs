//! What preflash states, read by in-toto's own library.

use super::*;
use crate::command::validate::{SCENARIO, image as few_instructions};

/// Reads both statements, and the predicate of the first, by the attestation framework's own definitions. That of the
/// second has one level in 0.9.3, where SLSA has a list.
const READ: &str = "\
import json
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import resource_descriptor, statement, statement_pb2
def read(name):
    read = statement.Statement.copy_from_pb(json_format.Parse(open(name).read(), statement_pb2.Statement()))
    read.validate()
    return read.pb, json.loads(json_format.MessageToJson(read.pb.predicate))
pb, predicate = read('validated.json')
result = json_format.ParseDict(predicate, test_result_pb2.TestResult(), ignore_unknown_fields=True)
for descriptor in result.configuration:
    resource_descriptor.ResourceDescriptor.copy_from_pb(descriptor).validate()
print(pb.predicate_type, result.result, len(pb.subject))
pb, predicate = read('vsa.json')
print(pb.predicate_type, predicate['verificationResult'], len(pb.subject))
";

#[test]
#[ignore = "needs what ci/setup-clients and ci/setup-images fetch"]
fn in_toto_reads_what_is_stated() {
    let bench = Bench::new("statements");
    std::fs::write(bench.folder.join("firmware.bin"), few_instructions()).unwrap();
    bench.file("scenarios/starts.toml", SCENARIO).file("read.py", READ);
    assert_eq!(bench.preflash("validate firmware.bin").code, Some(0));
    assert_eq!(bench.preflash("verify firmware.bin --vsa vsa.json").code, Some(0));
    let python = fetched("clients/venv/bin", "ci/setup-clients").join("python");
    let ended = bench.shell(&format!("'{}' read.py", python.display()));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let statement: serde_json::Value = serde_json::from_str(&bench.read("validated.json")).unwrap();
    let subjects = statement["subject"].as_array().unwrap().len();
    let expected = format!(
        "https://in-toto.io/attestation/test-result/v0.1 PASSED {subjects}\n\
         https://slsa.dev/verification_summary/v1 PASSED {subjects}\n"
    );
    assert_eq!(ended.stdout, expected);
}
